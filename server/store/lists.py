"""Long lists of values as one parameter, in each database's way."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, func, select

from server.store.store import Tx

_CHUNK = 5_000


def any_of(tx: Tx, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Hold where ``column`` is one of ``values``; however many, one parameter and one compiled statement."""
    if tx.dialect.name == "sqlite":
        given = func.json_each(bindparam("given", json.dumps(list(values)))).table_valued("value")
        return column.in_(select(given.c.value))
    return column == any_(bindparam("given", list(values), type_=ARRAY(Text)))


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """Cut a list of any length into such as a statement takes well."""
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
