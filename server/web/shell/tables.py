"""Tables of pages: the title of the column in each cell, for cards on telephones, and the columns a reader hides."""

import re
from collections.abc import Collection, Sequence

from markupsafe import Markup, escape

# Cells and rows as the templates write them; texts from outside are escaped, and have none.
_PART = re.compile(r"<(tr|td|th)(?=[\s>])")
_CHOICE = re.compile(r"([a-z-]{1,30})((?:\.[0-9]{1,2}){1,40})")
_MOST = 30


def labelled(rows: str, columns: Sequence[str], hidden: Collection[int] = ()) -> Markup:
    """Return the rows of a table with the title of its column in each cell; the cells of hidden columns are hidden."""
    place = -1

    def cell(found: re.Match[str]) -> str:
        nonlocal place
        if found[1] == "tr":
            place = -1
            return found[0]
        place += 1
        return f"{found[0]}{attributes(columns, place, hidden)}"

    return Markup(_PART.sub(cell, str(rows)))  # noqa: S704 - the rows are markup of a template


def attributes(columns: Sequence[str], place: int, hidden: Collection[int]) -> Markup:
    """Return the attributes of a cell in the column at ``place``; a column that is a control has no title."""
    title = columns[place] if place < len(columns) else ""
    label = Markup("") if "<" in title else Markup(' data-label="{}"').format(escape(title))
    return label + " hidden" if place in hidden else label


def hidden_columns(kept: str) -> dict[str, frozenset[int]]:
    """Return the columns that a reader hides, by the name of the table, from the cookie; what is no choice is left."""
    found = (_CHOICE.fullmatch(part) for part in kept.split("_")[:_MOST])
    return {part[1]: frozenset(map(int, part[2][1:].split("."))) for part in found if part is not None}


def with_hidden(kept: str, table: str, places: Collection[int]) -> str:
    """Return the cookie with another choice for a table; the choices that were made last are kept."""
    chosen = {name: hidden for name, hidden in hidden_columns(kept).items() if name != table}
    if places:
        chosen[table] = frozenset(places)
    return "_".join(f"{name}.{'.'.join(map(str, sorted(hidden)))}" for name, hidden in list(chosen.items())[-_MOST:])
