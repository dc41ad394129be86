"""Files of reports that commands read: opened, with their progress, errors and unread parts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.format import NO_VALUE
from feeds.mapping.not_read import FileRead, FilesRead
from schemas import timestamp
from server.cli.context import fail

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="files of reports; - is standard input")]
RejectsOption = Annotated[
    Path | None,
    typer.Option(help="where to write the rejected rows, as JSON lines [default: the first are named on stderr]"),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="end with exit code 1 if a row is refused")]


STDIN = "-"

_O = TypeVar("_O")


@contextmanager
def one_file(name: str, files: FilesRead) -> Iterator[FileRead]:
    """Yield the record of one file, and add it to the ``files`` at its end."""
    file = FileRead(name)
    yield file
    if file.is_empty and file.counts.tally.document:
        file.error = NO_VALUE
    files.add(file)


@contextmanager
def writable() -> Iterator[None]:
    """End the program if its output cannot be written."""
    try:
        yield
    except BrokenPipeError:  # who reads our output has read enough, which is no error
        raise
    except OSError as error:
        fail(f"{error.filename or 'the output'}: cannot be written: {error.strerror}")


def opened(files: list[str], faults: list[str]) -> Iterator[tuple[str, BinaryIO, int | None, datetime]]:
    """Open each file in turn; yield its name, its bytes, their number, and the time of its last change.

    Errors of files that cannot be opened are added to ``faults``.
    """
    for name in files:
        if name != STDIN and not Path(name).is_file():
            fail(f"{name}: no such file")
    for name in files:
        if name == STDIN:
            yield name, sys.stdin.buffer, None, timestamp.now()
            continue
        try:
            with Path(name).open("rb") as stream:
                state = Path(name).stat()
                yield name, stream, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)
        except OSError as error:
            faults.append(f"{name}: cannot be read: {error.strerror}")


@contextmanager
def progress(name: str, stream: BinaryIO, size: int | None) -> Iterator[BinaryIO]:
    """Show the progress in a file, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal or size is None:
        yield stream
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress.wrap_file(stream, total=size, description=Path(name).name)


def readable(file: FileRead, outcomes: Iterator[_O]) -> Iterator[_O]:
    """Yield ``outcomes``; if the file cannot be read further, note the reason as its error."""
    try:
        yield from outcomes
    except (UnknownFormat, UnreadableFile) as error:
        file.error = str(error)
    except OSError as error:
        file.error = f"cannot be read: {error.strerror}"
