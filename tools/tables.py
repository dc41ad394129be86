"""Tables in Markdown, and the links in descriptions."""

import re
from collections.abc import Iterable, Sequence

# A page as descriptions name it: lookups.md, or deploy/cache.md#section.
_PAGE = re.compile(r"(?<![\w/`-])[a-z][a-z0-9/-]*\.md(?:#[a-z0-9-]+)?")


def table(header: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a table."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    return [*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)]


def linked(description: str) -> str:
    """Return a description with the pages that it names as links."""
    return _PAGE.sub(lambda page: f"[{page[0].partition('#')[0]}]({page[0]})", description)


def words(names: Iterable[object]) -> str:
    """Return names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def _cell(value: object) -> str:
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|").strip()
