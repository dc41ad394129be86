"""Fetches the next item in a thread while the caller works on the last one."""

import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def prefetch(items: Iterable[T]) -> Iterator[T]:
    """Yield ``items``; one more than was asked for is made, each in a thread, never two at once.

    An error is raised when its item is asked for. Nothing waits for an item that is never asked for.
    """
    rest = iter(items)
    coming = _Coming(rest)
    while not (one := coming.wait()).over:
        coming = _Coming(rest)
        yield from one.found
    if one.error is not None:
        raise one.error


class _Coming(Generic[T]):
    def __init__(self, rest: Iterator[T]) -> None:
        self.found: list[T] = []
        self.error: BaseException | None = None
        self._rest = rest
        self._thread = threading.Thread(target=self._make, name="prefetch", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self.found

    def wait(self) -> "_Coming[T]":
        self._thread.join()
        return self

    def _make(self) -> None:
        try:
            self.found = [next(self._rest)]
        except StopIteration:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self.error = error
