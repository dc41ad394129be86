"""Values that an open proposal would delist. Until the decision no further collection lists them.

Otherwise a reporter could have a value listed again and again while two persons decide. A value is frozen for at most a
week in thirty days, regardless of the number of proposals. So proposals cannot be used to suppress a value.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, insert, select, update

from server.store.database.engine import Tx
from server.store.database.sql import chunks
from server.store.database.times import now
from server.store.proposals.tables import frozen_values

LASTS_DAYS = 7
# A value cannot be frozen again within this many days since it was first frozen.
ANEW_DAYS = 30
_DAY = 86_400 * 1_000_000
_PAGE = 1_000
_f = frozen_values.c


def freeze(tx: Tx, proposal: str, subjects: Iterable[str]) -> None:
    """Freeze values for an open proposal, within their limits."""
    moment, wanted = now(), sorted(set(subjects))
    began: dict[str, int] = {}
    for chunk in chunks(wanted):
        asked = select(_f.subject, func.min(_f.since)).where(
            _f.subject.in_(chunk), _f.since > moment - ANEW_DAYS * _DAY
        )
        began |= {row[0]: row[1] for row in tx.execute(asked.group_by(_f.subject))}
    rows = [
        {"subject": subject, "proposal": proposal, "since": since, "until": since + LASTS_DAYS * _DAY, "is_over": False}
        for subject in wanted
        for since in [began.get(subject, moment)]
        if since + LASTS_DAYS * _DAY > moment
    ]
    if rows:
        tx.execute(insert(frozen_values), rows)


def end(tx: Tx, proposal: str) -> None:
    """End the freezing of a proposal's values. ``take_over`` then returns them."""
    tx.execute(update(frozen_values).where(_f.proposal == proposal, ~_f.is_over).values(until=now()))


def take_over(tx: Tx, of: Collection[str] | None = None, most: int = _PAGE) -> list[str]:
    """Return values that are no longer frozen since the last call, each once. They may be listed again.

    With ``of``, return all values of these proposals instead.
    """
    over = (~_f.is_over, _f.until <= now())
    asked = select(_f.subject, _f.proposal).where(*over).order_by(_f.until)
    asked = asked.limit(most) if of is None else asked.where(_f.proposal.in_(of))
    ended = [(row.subject, row.proposal) for row in tx.execute(asked)]
    for subject, proposal in ended:
        tx.execute(update(frozen_values).where(_f.subject == subject, _f.proposal == proposal).values(is_over=True))
    still = until_by_subject(tx) if ended else {}
    return sorted({subject for subject, _ in ended} - still.keys())


def has_ended(tx: Tx) -> bool:
    """Return whether ``take_over`` has values to return."""
    return tx.execute(select(_f.subject).where(~_f.is_over, _f.until <= now()).limit(1)).first() is not None


def until_by_subject(tx: Tx) -> dict[str, int]:
    """Return the end of freezing of each value (microseconds), which may be past."""
    asked = select(_f.subject, func.max(_f.until)).where(~_f.is_over).group_by(_f.subject)
    return {row[0]: row[1] for row in tx.execute(asked)}


def among(tx: Tx, subjects: Collection[str]) -> bool:
    """Return whether any of these values is frozen now."""
    moment = now()
    found = until_by_subject(tx) if subjects else {}
    return any(found.get(subject, 0) > moment for subject in subjects)


def forget(tx: Tx, *, before: int) -> int:
    """Remove rows of values that were first frozen ``before`` (microseconds) and are no longer frozen."""
    return tx.execute(delete(frozen_values).where(_f.is_over, _f.since < before)).rowcount
