"""``scamfeed notice``: signed statements of what a partner was told about a value, and when, for a court.

``scamfeed notice VALUE …`` without the name of a command is the command ``make``.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from server.cli.acting import WouldDo, acting
from server.cli.context import (
    By,
    Context,
    DefaultCommandGroup,
    Json,
    fail,
    keys_of,
    registered,
    show_json,
    show_properties,
)
from server.features.notices import statement_files
from server.features.notices.document import pdf_of
from server.features.notices.operations import IssueNotice
from server.features.notices.statement import TYPE, SeveralValues, digest_of, value_of
from server.features.notices.statement_files import (
    WRONG,
    KeyOption,
    KindOption,
    LanguageOption,
    OutputOption,
    PageLanguage,
    PdfOption,
    ValueArgument,
)
from server.features.trail.recorder import seal_all

_MOST_BYTES = 64 * 1024 * 1024


class _MakeByDefault(DefaultCommandGroup):
    default = "make"


app = typer.Typer(
    name="notice",
    help="Signed statements of what a partner was told about a value; notice VALUE means notice make VALUE.",
    no_args_is_help=True,
    cls=_MakeByDefault,
)


@app.command("make")
def make(
    ctx: typer.Context,
    value: ValueArgument,
    partner: Annotated[str, typer.Option(help="the partner that the statement is about")],
    kind: KindOption = None,
    output: OutputOption = None,
    pdf: PdfOption = None,
    language: LanguageOption = PageLanguage.EN,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """State what was published for a partner about a value, when it read it, and what it reported itself."""
    context: Context = ctx.obj
    keys = keys_of(context, dry_run=dry_run)
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        if not dry_run:
            # Gives the entries of the trail that the statement names their places.
            seal_all(act.hub.store)
        found = registered(act.hub, partner, gone=True)
        try:
            operation = IssueNotice(value=value_of(value, kind), partner=found, keys=keys)
        except (Rejected, SeveralValues) as error:
            fail(f"{value}: {error.message if isinstance(error, Rejected) else error}")
        document = act.run(operation)
    statement_files.write(document, output, pdf, lambda: pdf_of(document, language.value, context.settings.timezone))
    if json or (output is None and pdf is None):
        show_json(document)
    else:
        _show(document, [str(file) for file in (output, pdf) if file is not None])


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="a signed statement, as notice --output wrote it")],
    key: KeyOption,
    json: Json = False,
) -> None:
    """Check that a statement is as the hub signed it, without a store; exit with status 1 if it is not."""
    stated, names = statement_files.checked(file, key, TYPE, _MOST_BYTES)
    result = {"good": True, "signed_by": names, "sha256": digest_of(stated), "made": stated["made"]}
    show_properties("The statement is as it was signed", result, json=json)


@app.command("page")
def page(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="a signed statement, as notice --output wrote it")],
    pdf: Annotated[Path, typer.Option(help="the file to write")],
    language: LanguageOption = PageLanguage.EN,
) -> None:
    """Write a signed statement as a page to file; it is not checked."""
    context: Context = ctx.obj
    document = statement_files.read(file, _MOST_BYTES)
    try:
        if document["statement"]["type"] != TYPE:
            raise TypeError
        statement_files.write_page(pdf, lambda: pdf_of(document, language.value, context.settings.timezone))
    except (KeyError, TypeError, AttributeError, ValueError):
        fail(f"{file}: no statement of notice", WRONG)


def _show(document: dict[str, Any], written: list[str]) -> None:
    stated = document["statement"]
    given = sum(row["given"] is not None for row in stated["published"])
    rows = {
        "partner": stated["partner"]["name"],
        "published": len(stated["published"]),
        "of these given": given,
        "delivered": len(stated["delivered"]),
        "receipts": len(stated["receipts"]),
        "outcomes": len(stated["outcomes"]),
        "sha256": digest_of(stated),
        "written": ", ".join(written),
    }
    show_properties("Statement of notice", rows, json=False)


COMMANDS = {"notice": app}
