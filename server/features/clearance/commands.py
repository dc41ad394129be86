"""``scamfeed clearance``: signed statements that a delisted value is not listed."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import Rejected
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, keys_of, show_json, show_properties
from server.features.clearance.document import pdf_of
from server.features.clearance.operations import IssueClearance
from server.features.clearance.statement import TYPE, NotCleared
from server.features.notices import statement_files
from server.features.notices.statement import SeveralValues, digest_of, value_of
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

_MOST_BYTES = 1 << 20

app = typer.Typer(
    help="Signed statements that a delisted value is not listed; they do not say why it was.", no_args_is_help=True
)


@app.command("make")
def make(
    ctx: typer.Context,
    value: ValueArgument,
    kind: KindOption = None,
    output: OutputOption = None,
    pdf: PdfOption = None,
    language: LanguageOption = PageLanguage.EN,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """State that a value is not listed since a time; refused if it is listed, or was never delisted."""
    context: Context = ctx.obj
    keys = keys_of(context, dry_run=dry_run)
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        try:
            document = act.run(IssueClearance(value=value_of(value, kind), keys=keys))
        except (Rejected, SeveralValues) as error:
            fail(f"{value}: {error.message if isinstance(error, Rejected) else error}")
        except NotCleared:
            fail("the value is listed, or was never delisted: there is nothing to state", WRONG)
    statement_files.write(document, output, pdf, lambda: pdf_of(document, language.value, context.settings.timezone))
    if json or (output is None and pdf is None):
        show_json(document)
    else:
        stated = document["statement"]
        rows = {"not listed since": stated["not_listed_since"], "sha256": digest_of(stated)}
        show_properties("Clearance statement", rows, json=False)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="a signed statement, as clearance make --output wrote it")],
    key: KeyOption,
    json: Json = False,
) -> None:
    """Check that a statement is as the hub signed it, without a store; exit with status 1 if it is not."""
    stated, names = statement_files.checked(file, key, TYPE, _MOST_BYTES)
    facts = {"value": stated["value"]["value"], "not_listed_since": stated["not_listed_since"], "made": stated["made"]}
    show_properties("The statement is as it was signed", {"good": True, "signed_by": names, **facts}, json=json)


COMMANDS = {"clearance": app}
