"""Detect reports that only repeat a report or listing that this hub already has."""

from collections.abc import Iterable, Mapping, Sequence

from server.release.fuse.consensus import owns_its_id, weight_of
from server.release.fuse.statements import Statement


def without_repeats(statements: Sequence[Statement], listed: Mapping[str, Sequence[str]]) -> list[Statement]:
    """Return the statements, except those that only repeat what is already published to all of their own audience.

    The originals are other partners' reports and the hub's listings, ``listed`` by track, that the partner may read.
    Originals with a smaller audience are ignored, so that a repeat does not reveal that the hub has them.
    """
    left = list(statements)
    for statement in statements:
        if statement.sources and _is_repeat(statement, [other for other in left if other is not statement], listed):
            left.remove(statement)
    return left


def _is_repeat(statement: Statement, others: Iterable[Statement], listed: Mapping[str, Sequence[str]]) -> bool:
    audience = statement.audience
    published = {*listed.get("", ()), *listed.get(statement.partner.name, ())}
    for other in others:
        covers = audience.shared <= other.audience.shared and audience.private <= other.audience.private
        if covers and _may_stand_for(other, statement):
            published.add(other.object_id)
    return statement.sources <= published


def _may_stand_for(other: Statement, statement: Statement) -> bool:
    """Return whether ``other`` may be the original that ``statement`` repeats: its id is its maker's, or it covers it.

    Any partner may use an id that another made; this must not remove the reports of others.
    """
    if owns_its_id(other):
        return True
    return weight_of(other) >= weight_of(statement) and other.report.valid_until >= statement.report.valid_until
