"""``scamfeed notice``: a signed statement of what a partner was told about a value, and when, to file with a court.

``scamfeed notice VALUE …`` without the name of a command is the command ``make``.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from schemas.errors import Rejected
from schemas.proof.signatures import BadSignature, public_keys_of, verified
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.default_command import DefaultCommandGroup
from server.cli.partners.access import find_partner
from server.cli.private_file import write_privately
from server.cli.signing import keys_of
from server.observe.audit_trail import seal_all
from server.release.notices import record
from server.release.notices.document import PdfUnavailable, pdf_of
from server.release.notices.statement import TYPE, SeveralValues, digest_of, value_of

_WRONG = 1
_MOST_BYTES = 64 * 1024 * 1024


class _MakeByDefault(DefaultCommandGroup):
    default = "make"


class PageLanguage(StrEnum):
    """A language of the page."""

    EN = "en"
    TH = "th"


app = typer.Typer(
    name="notice",
    help="State, signed, what a partner was told about a value, and when: notice VALUE is notice make VALUE.",
    no_args_is_help=True,
    cls=_MakeByDefault,
)

Pdf = Annotated[Path | None, typer.Option(help="write a page to file, with the statement attached")]
LanguageOption = Annotated[PageLanguage, typer.Option(help="the language of the page")]


@app.command("make")
def make(
    ctx: typer.Context,
    value: Annotated[str, typer.Argument(help="the value, in any spelling")],
    partner: Annotated[str, typer.Option(help="whom the statement is about")],
    kind: Annotated[str | None, typer.Option(help="the kind of value, where the text may mean several")] = None,
    output: Annotated[Path | None, typer.Option(help="write the signed statement as JSON into this file")] = None,
    pdf: Pdf = None,
    language: LanguageOption = PageLanguage.EN,
    by: By = None,
    json: Json = False,
) -> None:
    """State what was published for a partner about a value, when it read it, and what it said about it itself."""
    context: Context = ctx.obj
    keys = keys_of(context)
    with context.store() as store:
        # The entries of the trail that a statement names have their place then.
        seal_all(store)
        with store.begin() as tx:
            found = find_partner(tx, partner, gone=True)
            try:
                document = record.signed(tx, value_of(value, kind), found, keys, operator_name(by))
            except (Rejected, SeveralValues) as error:
                fail(f"{value}: {error.message if isinstance(error, Rejected) else error}")
    if output is not None:
        write_privately(output, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if pdf is not None:
        _write_pdf(document, pdf, language, context)
    if json or (output is None and pdf is None):
        show_json(document)
    else:
        _show(document, [str(file) for file in (output, pdf) if file is not None])


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="a signed statement, as notice --output wrote it")],
    key: Annotated[Path, typer.Option(help="file with the hub's public keys in PEM, from the hub itself")],
    json: Json = False,
) -> None:
    """Check that a statement is as the hub signed it. Needs no store; ends with status 1 where it is not."""
    document = _read(file)
    try:
        stated, names = verified(document, public_keys_of(key.read_text(encoding="ascii")))
        if stated.get("type") != TYPE:
            raise BadSignature("another kind of statement")
    except BadSignature as error:
        fail(f"{file}: {error}", _WRONG)
    except (OSError, ValueError) as error:
        fail(f"{key}: {error}")
    result = {"good": True, "signed_by": names, "sha256": digest_of(stated), "made": stated["made"]}
    if json:
        show_json(result)
    else:
        show_table("The statement is as it was signed", ["property", "value"], _flat(result))


@app.command("page")
def page(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="a signed statement, as notice --output wrote it")],
    pdf: Annotated[Path, typer.Option(help="the file to write")],
    language: LanguageOption = PageLanguage.EN,
) -> None:
    """Write a signed statement as a page to file; it is not checked."""
    document = _read(file)
    try:
        if document["statement"]["type"] != TYPE:
            raise TypeError
        _write_pdf(document, pdf, language, ctx.obj)
    except (KeyError, TypeError, AttributeError, ValueError):
        fail(f"{file}: no statement of notice", _WRONG)


def _read(file: Path) -> Any:
    try:
        with file.open("rb") as content:
            return orjson.loads(content.read(_MOST_BYTES))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except orjson.JSONDecodeError:
        fail(f"{file}: no JSON", _WRONG)


def _write_pdf(document: dict[str, Any], pdf: Path, language: PageLanguage, context: Context) -> None:
    try:
        write_privately(pdf, pdf_of(document, language.value, context.settings.timezone))
    except PdfUnavailable as error:
        fail(str(error))


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
    show_table("Statement of notice", ["property", "value"], _flat(rows))


def _flat(rows: dict[str, Any]) -> list[list[Any]]:
    return [[name, ", ".join(cell) if isinstance(cell, list) else cell] for name, cell in rows.items()]
