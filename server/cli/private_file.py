"""Files that only their owner may read, written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from server.cli.context import fail


def write_privately(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read; end the program where that cannot be done."""
    with opened_privately(file) as out:
        out.write(content)


@contextlib.contextmanager
def opened_privately(file: Path) -> Iterator[BinaryIO]:
    """Open a file to write, which takes its name at the end; end the program where that cannot be done."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        fail(f"{file}: cannot be written: {error.strerror}")
    made = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            yield out
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
