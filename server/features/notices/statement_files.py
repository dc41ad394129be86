"""Signed statements as files, for the commands about them: written, read, checked, and set as a page."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from schemas.tlog.signatures import BadSignature, public_keys_of, verified
from server.cli.context import fail, write_privately
from server.web.shell.typesetting import PdfUnavailable

WRONG = 1


class PageLanguage(StrEnum):
    """A language of the page."""

    EN = "en"
    TH = "th"


ValueArgument = Annotated[str, typer.Argument(help="the value, in any spelling")]
KindOption = Annotated[str | None, typer.Option(help="the kind of value, if the text may mean several")]
OutputOption = Annotated[Path | None, typer.Option(help="write the signed statement as JSON into this file")]
PdfOption = Annotated[Path | None, typer.Option(help="write a page to file, with the statement attached")]
LanguageOption = Annotated[PageLanguage, typer.Option(help="the language of the page")]
KeyOption = Annotated[Path, typer.Option(help="file with the hub's public keys in PEM, from the hub itself")]


def write(document: dict[str, Any], output: Path | None, pdf: Path | None, page: Callable[[], bytes]) -> None:
    """Write a signed statement into the files that are given. Ends the program where there are no PDFs."""
    if output is not None:
        write_privately(output, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if pdf is not None:
        write_page(pdf, page)


def write_page(pdf: Path, page: Callable[[], bytes]) -> None:
    """Write the page of a statement. Ends the program where there are no PDFs."""
    try:
        write_privately(pdf, page())
    except PdfUnavailable as error:
        fail(str(error))


def read(file: Path, most: int) -> Any:
    """Return the first ``most`` bytes of a file as JSON, or end the program."""
    try:
        with file.open("rb") as content:
            return orjson.loads(content.read(most))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except orjson.JSONDecodeError:
        fail(f"{file}: no JSON", WRONG)


def checked(file: Path, key: Path, of_type: str, most: int) -> tuple[dict[str, Any], list[str]]:
    """Return the statement in a file and the names of the keys that signed it, or end the program."""
    document = read(file, most)
    try:
        stated, names = verified(document, public_keys_of(key.read_text(encoding="ascii")))
        if stated.get("type") != of_type:
            raise BadSignature("another kind of statement")
    except BadSignature as error:
        fail(f"{file}: {error}", WRONG)
    except (OSError, ValueError) as error:
        fail(f"{key}: {error}")
    return stated, names
