"""``--columns``: a user's own names of columns, known while a command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from feeds.readers.columns import custom_names
from feeds.readers.columns.custom_names import CustomNames, use_custom_names
from server.cli.context import fail

ColumnsOption = Annotated[
    Path | None, typer.Option(help="a TOML file with your names of columns, kinds and scam types (docs/reports.md)")
]


@contextmanager
def own_names(path: Path | None) -> Iterator[None]:
    """Know the names in the file at ``path`` too; ends the program where it is wrong."""
    try:
        own = custom_names.read_custom_names(path) if path else CustomNames()
    except custom_names.BadCustomNames as error:
        fail(f"--columns {error}")
    with use_custom_names(own):
        yield
