"""``scamfeed report``: the monthly report of published figures, as PDF, as HTML or on the screen."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from schemas.timestamp import find_zone
from server.cli.context import Context, Json, fail, show_json, show_table
from server.features.monthly.report import MonthlyReport, html_of, pdf_of, report_of
from server.features.trends import months
from server.features.trends.month_content import MonthContent, ShownCell
from server.features.trends.months import MonthFigures, MonthUnpublished
from server.web.shell.languages import load_languages
from server.web.shell.owner_mark import BadMark, OwnerMark, read
from server.web.shell.site import environment_of
from server.web.shell.typesetting import PdfUnavailable

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class ReportLanguage(StrEnum):
    """A language of the report."""

    EN = "en"
    TH = "th"


def report(
    ctx: typer.Context,
    month: Annotated[str, typer.Option(help="the month, as 2026-10; without it the newest published one")] = "",
    language: Annotated[ReportLanguage, typer.Option(help="the language of the report")] = ReportLanguage.EN,
    output: Annotated[
        Path | None, typer.Option(help="the file to write: two pages as .pdf, or one web page as .html")
    ] = None,
    json: Json = False,
) -> None:
    """Write the report of a published month: money, people, time to action, wrong listings, and the changes."""
    context: Context = ctx.obj
    if month and not _MONTH.fullmatch(month):
        fail(f"--month {month}: not a month, as 2026-10")
    if output is not None and output.suffix.lower() not in (".pdf", ".html"):
        fail(f"--output {output}: a report is .pdf or .html")
    settings = context.settings
    figures = _figures(context, month)
    known = load_languages(find_zone(settings.timezone or "UTC"))[language.value]
    made = report_of(figures, known, settings, _mark(settings.mark_file))
    if output is not None:
        _write(made, output)
    if json:
        show_json(_document(made.content))
    elif output is None:
        _show(made.title, made.content)
    else:
        print(f"{made.title}: {output}")  # noqa: T201 - the command's answer


def _figures(context: Context, month: str) -> MonthFigures:
    """Return the figures of a month, or of the newest; end the program if they are not published."""
    with context.store() as store, store.read() as tx:
        newest = months.published_months(tx)[:1]
        if not (month or newest):
            fail("no month is published yet: a month is published six hours after its end (UTC), while the server runs")
        try:
            return months.of_month(tx, month or newest[0])
        except MonthUnpublished as error:
            fail(f"--month {error}")


def _mark(file: Path | None) -> OwnerMark | None:
    try:
        return None if file is None else read(file)
    except BadMark as error:
        fail(str(error))


def _write(made: MonthlyReport, output: Path) -> None:
    try:
        is_pdf = output.suffix.lower() == ".pdf"
        output.write_bytes(pdf_of(made) if is_pdf else html_of(made, environment_of(made.language)))
    except PdfUnavailable as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror}")


def _show(title: str, content: MonthContent) -> None:
    for block in content.blocks:
        rows = [[line.label, *map(_text, line[1:])] for line in block.lines]
        show_table(f"{title} · {block.title}", [block.title, *content.columns], rows)
    for ranking in content.rankings:
        if ranking.bars:
            show_table(ranking.title, ranking.columns, [[bar.label, bar.text, bar.change] for bar in ranking.bars])
    for sentence in content.absent:
        print(sentence)  # noqa: T201 - the command's answer


def _text(cell: ShownCell) -> str:
    return "; ".join(filter(None, (cell.text, cell.change, *cell.details)))


def _document(content: MonthContent) -> dict[str, object]:
    return {
        "month": content.month,
        "columns": content.columns,
        "blocks": [
            {
                "name": block.name,
                "title": block.title,
                "lines": [
                    {"label": line.label, **{name: getattr(line, name)._asdict() for name in line._fields[1:]}}
                    for line in block.lines
                ],
            }
            for block in content.blocks
        ],
        "rankings": [
            {"title": ranking.title, "bars": [bar._asdict() for bar in ranking.bars]} for ranking in content.rankings
        ],
        "absent": content.absent,
        "notes": content.notes,
    }


COMMANDS = {"report": report}
