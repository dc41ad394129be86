"""Closes what was opened where preparing it fails."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol


class _Closable(Protocol):
    def close(self) -> object: ...


@contextmanager
def closed_on_error(opened: _Closable) -> Iterator[None]:
    """Close a file, socket or connection if the block fails, because then no caller has it to close."""
    with ExitStack() as on_error:
        on_error.callback(opened.close)
        yield
        on_error.pop_all()
