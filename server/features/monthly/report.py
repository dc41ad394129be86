"""The report of a published month in a language: on a page, as one HTML file, and as two pages of A4."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from server.features.trends import month_charts, month_content
from server.features.trends.figures import REPORTS
from server.features.trends.month_content import Block, MonthContent, ShownCell
from server.features.trends.months import MonthFigures, earlier
from server.settings import Settings
from server.store.database.times import micros
from server.web import shell
from server.web.shell.charts import Chart, Ranking
from server.web.shell.drawings import draw_on_paper
from server.web.shell.languages import Language
from server.web.shell.owner_mark import OwnerMark
from server.web.shell.typesetting import typeset
from server.web.shell.words import mark

# Months are published this long after their end.
_PUBLISHED_AFTER = timedelta(hours=6)
_MOST_CHARTS = 4
_RANKED_ON_PAPER = 6
_CHART_WIDTH = 420
_CHART_STYLE = (
    "text{font:11px 'Noto Sans','Noto Sans Thai';fill:#4a5560}.number{text-anchor:end}.month{text-anchor:middle}"
    ".grid{stroke:#d4dbe2}rect.s1{fill:#0b5c7a}"
)
_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_TITLE = mark("Monthly report: %(month)s")
_PUBLISHED = mark("Published on %(day)s")


class MonthlyReport(NamedTuple):
    """The report: by whom it is, and the month in the language of its reader."""

    language: Language
    hub: str
    owner: str
    contact: str
    mark: OwnerMark | None
    title: str
    published: str
    content: MonthContent
    charts: Sequence[Chart]
    made: datetime

    @property
    def mark_address(self) -> str:
        """The mark as an address that holds it; "" without one."""
        if self.mark is None:
            return ""
        return f"data:{_TYPES[self.mark.ending]};base64,{base64.b64encode(self.mark.body).decode()}"


def report_of(
    figures: MonthFigures, language: Language, settings: Settings, owner_mark: OwnerMark | None
) -> MonthlyReport:
    """Return the report of a month."""
    content = month_content.content_of(figures, language)
    charts = month_charts.charts_of(figures, language, lambda _: "")
    money = [chart for chart in charts if chart.anchor.startswith("outcome-")]
    reported = [chart for chart in charts if chart.anchor == f"figure-{REPORTS.name}"]
    following = datetime.fromisoformat(f"{earlier(figures.month, -1)}-01").replace(tzinfo=UTC)
    made = following + _PUBLISHED_AFTER
    return MonthlyReport(
        language,
        settings.title,
        settings.owner or settings.title,
        settings.contact,
        owner_mark,
        language.text(_TITLE) % {"month": content.columns[0]},
        language.text(_PUBLISHED) % {"day": language.day(micros(made))},
        content,
        [*reported, *money][:_MOST_CHARTS],
        made,
    )


def html_of(report: MonthlyReport, environment: Environment) -> bytes:
    """Return the report as one HTML file, which loads nothing."""
    static = files(shell) / "static"
    styles = "\n".join((static / name).read_text(encoding="utf-8") for name in ("console.css", "charts.css"))
    template = environment.get_template("report/document.html")
    return template.render(report=report, styles=Markup(styles), language=report.language).encode()  # noqa: S704 - ours


def pdf_of(report: MonthlyReport) -> bytes:
    """Return the report as two pages of A4, PDF/A-2. Raises ``PdfUnavailable``."""
    return typeset(Path(__file__).parent / "report.typ", _paper(report), report.made)


def _paper(report: MonthlyReport) -> dict[str, Any]:
    """Return the words and pictures of the two pages, by their keys in the template."""
    language, content = report.language, report.content
    return {
        "language": language.code,
        "hub": report.hub,
        "owner": report.owner,
        "contact": report.contact,
        "mark": None if report.mark is None else {"format": report.mark.ending, "bytes": list(report.mark.body)},
        "title": report.title,
        "published": report.published,
        "columns": content.columns,
        "since": language.text(mark("and the change since")),
        "absent": content.absent,
        "blocks": [_block(block) for block in content.blocks],
        "rankings": [_ranking(ranking) for ranking in content.rankings if ranking.bars],
        "charts": [
            {
                "title": chart.title,
                "unit": chart.unit,
                "svg": draw_on_paper(chart, language, _CHART_WIDTH, _CHART_STYLE),
            }
            for chart in report.charts
            if chart.values
        ],
        "twelve": language.text(mark("Twelve months to %(month)s")) % {"month": content.columns[0]},
        "gaps": language.text(month_content.GAPS),
        "reported": language.text(mark("What was reported")),
        "method": language.text(mark("How the figures are made")),
        "notes": content.notes,
        "page": language.text(mark("Page")),
    }


def _block(block: Block) -> dict[str, Any]:
    lines = [[line.label, *map(_cell, (line.now, line.before, line.year_before))] for line in block.lines]
    return {"title": block.title, "meaning": block.meaning, "lines": lines}


def _cell(cell: ShownCell) -> dict[str, Any]:
    return {
        "text": _printed(cell.text),
        "change": _printed(cell.change),
        "details": cell.details,
        "shown": cell.is_shown,
    }


def _ranking(ranking: Ranking) -> dict[str, Any]:
    bars = [[bar.label, bar.share, bar.text, _printed(bar.change or "–")] for bar in ranking.bars[:_RANKED_ON_PAPER]]
    return {"title": ranking.title, "columns": ranking.columns, "bars": bars}


def _printed(text: str) -> str:
    """Return a text without the minus sign, which the fonts of documents lack."""
    return text.replace("−", "–")
