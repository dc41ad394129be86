"""Partners' own domains and accounts, which nobody's report can make a scam's without a person looking."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from server.store.engine import Tx
from server.store.release_tables import own_values
from server.store.sql import any_of, chunks


class OwnedByAnother(ValueError):
    """The value is registered as another partner's own."""


def add(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Register values, named as ``mentions.subject`` does, as the partner's own; gives those that are new.

    Raises ``AnothersOwn``.
    """
    wanted = sorted(set(subjects))
    there = owners_of(tx, wanted)
    if set(there.values()) - {partner}:
        raise OwnedByAnother("one of these is registered as another partner's own; remove it there first")
    new = [subject for subject in wanted if subject not in there]
    if new:
        tx.execute(insert(own_values), [{"subject": subject, "partner": partner} for subject in new])
    return new


def remove(tx: Tx, partner: str, subjects: Iterable[str]) -> list[str]:
    """Take values off the partner's own; gives those that were."""
    gone = [subject for subject, owner in owners_of(tx, subjects).items() if owner == partner]
    for chunk in chunks(gone):
        tx.execute(delete(own_values).where(any_of(tx, own_values.c.subject, chunk)))
    return sorted(gone)


def owners_of(tx: Tx, subjects: Iterable[str]) -> dict[str, str]:
    """Give by subject the partner whose own it is; what is nobody's is left out."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(subjects))):
        asked = select(own_values.c.subject, own_values.c.partner).where(any_of(tx, own_values.c.subject, chunk))
        found.update((subject, partner) for subject, partner in tx.execute(asked))
    return found


def all_own_values(tx: Tx, partner: str | None = None) -> dict[str, str]:
    """Give by subject whose own it is: of all partners, or of one."""
    asked = select(own_values.c.subject, own_values.c.partner).order_by(own_values.c.subject)
    if partner is not None:
        asked = asked.where(own_values.c.partner == partner)
    return {row[0]: row[1] for row in tx.execute(asked)}
