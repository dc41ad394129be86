"""Regular expressions that are compiled on first use: most commands load the readers of texts, and read no text."""

import re
import sys
from collections.abc import Iterator
from functools import cached_property


class LazyPattern:
    """A regular expression with the methods of ``re.Pattern`` that are used here."""

    def __init__(self, pattern: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        """Compile ``pattern`` with ``flags`` when it is first used."""
        self.pattern = pattern
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Find the first match."""
        return self._compiled.search(text, start, end)

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Match at ``start``."""
        return self._compiled.match(text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Match from ``start`` to ``end``."""
        return self._compiled.fullmatch(text, start, end)

    def finditer(self, text: str, start: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """Find all matches."""
        return self._compiled.finditer(text, start, end)
