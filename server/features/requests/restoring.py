"""Restore what was taken down about values without reports, or cleared by their provider: the hosts are asked."""

from collections.abc import Iterable

from server.features.registries import changes
from server.features.requests import hub_requests
from server.release.hub import Hub
from server.release.query.lookup import active_reports
from server.release.session import ReleaseSession
from server.store.database.engine import Tx
from server.store.database.times import micros

# The reader of delisted values, and the hub's numbers of the cases in its requests.
READER, _RETRACTED, _FOUND = "restore", "RETRACTED", "FINDING"
_AT_ONCE = 100


def note_delisted(tx: Tx, subjects: Iterable[str], at: int) -> None:
    """Let the clock of requests look at delisted values."""
    changes.note(tx, (READER,), subjects, at)


def restore_retracted(hub: Hub) -> int:
    """Ask to restore what notices took down about noted values; return how many hosts were asked.

    These are values without reports, and those that their provider cleared, for notices before its finding. Another
    value with reports was delisted for another reason, such as a review or a rule: it may be listed again.
    """
    with hub.store.read() as tx:
        noted = changes.noted(tx, READER, _AT_ONCE)
    done = 0
    for subject, at in noted.items():
        with hub.store.begin() as tx:
            if not active_reports(tx, subject):
                done += len(hub_requests.restore(hub, tx, subject, _RETRACTED, is_cleared=False))
            elif (found := _cleared_at(hub, tx, subject)) is not None:
                done += len(hub_requests.restore(hub, tx, subject, _FOUND, is_cleared=False, before=found))
            changes.done(tx, READER, {subject: at})
    return done


def _cleared_at(hub: Hub, tx: Tx, subject: str) -> int | None:
    """Return when the provider cleared a value (microseconds), None if no such finding is in force."""
    [value] = ReleaseSession.open(hub, tx).load([subject])
    return micros(value.answer.at) if value.answer is not None and value.is_cleared else None
