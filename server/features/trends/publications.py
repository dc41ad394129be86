"""Published figures of closed days and months: public, written once, and never changed."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select

from server.features.trends.tables import trend_published
from server.store.database.engine import Tx
from server.store.database.sql import insert_many

Span = Literal["day", "month"]
_SPANS: dict[Span, int] = {"day": 0, "month": 1}


class PublishedCell(NamedTuple):
    """A published cell: the day or the first day of the month, and the value of one measure."""

    day: int
    figure: str
    dimension: str
    word: str
    measure: str
    value: int


def publish(tx: Tx, span: Span, cells: Iterable[PublishedCell]) -> None:
    """Write the cells of a day or a month. This happens once."""
    insert_many(tx, trend_published, [(_SPANS[span], *cell) for cell in cells])


def published(
    tx: Tx, span: Span, first: int, last: int, figure: str | None = None, dimension: str | None = None
) -> Sequence[PublishedCell]:
    """Return the published figures of the days, or of the months that begin, from ``first`` to ``last``."""
    p = trend_published.c
    asked = _PUBLISHED
    for column, wanted in ((p.figure, figure), (p.dimension, dimension)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    return [PublishedCell(*row) for row in tx.execute(asked, {"of_span": _SPANS[span], "first": first, "last": last})]


def first_and_last_month(tx: Tx) -> tuple[int | None, int | None]:
    """Return the first days of the first and of the last published month of which a figure is shown."""
    first, last = tx.execute(select(func.min(_p.day), func.max(_p.day)).where(_p.span == _SPANS["month"])).one()
    return first, last


_p: Any = trend_published.c
_PUBLISHED = (
    select(_p.day, _p.figure, _p.dimension, _p.word, _p.measure, _p.value)
    .where(_p.span == bindparam("of_span"))
    .where(_p.day >= bindparam("first", type_=BigInteger), _p.day <= bindparam("last", type_=BigInteger))
    .order_by(_p.day, _p.figure, _p.dimension, _p.word, _p.measure)
)
