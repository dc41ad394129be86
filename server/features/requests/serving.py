"""When takedown requests are served: the first provable moment at which an addressee received one starts its clock.

An addressee's programs read its collection over TAXII, or the API; a webhook accepts the request; mail delivers it. A
request is served once: later proofs change nothing. The moments are stored, so no restart loses them.
"""

from collections.abc import Collection, Iterable

from mappers.notes import note_id
from schemas.takedown import ServedBy
from server.features.requests import records as requests
from server.features.requests.notes import RequestNotes
from server.features.requests.states import Role
from server.release.context import open_context
from server.release.hub import Hub
from server.store import Store, collections, log, read_progress
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.reads import read_steps

_AT_ONCE = 500
_MILLISECOND = 1_000
_NOTE = note_id("")


def served(tx: Tx, ids: Collection[str], by: ServedBy, at: int | None = None) -> int:
    """Start the clock of takedown requests that an addressee received now, or at a moment (microseconds).

    Return the number of requests that were not served before. The clock tells their parties.
    """
    return requests.mark_served(tx, ids, str(by), now() if at is None else at) if ids else 0


def pushed(tx: Tx, partner: str, object_ids: Iterable[str]) -> int:
    """Start the clock of the takedown requests among objects that a partner's webhook accepted."""
    ids = [id_.removeprefix(_NOTE) for id_ in object_ids if id_.startswith(_NOTE)]
    found = requests.find(tx, ids) if ids else {}
    to_it = [id_ for id_, stored in found.items() if stored.addressee == partner and stored.is_unserved]
    return served(tx, to_it, ServedBy.WEBHOOK)


def served_on_reading(store: Store, read: Iterable[tuple[str, str]], by: ServedBy) -> None:
    """Start the clock of requests that an addressee just read (id and role of each); reads nothing if none waits."""
    mine = [id_ for id_, role in read if role == Role.ADDRESSEE]
    if not mine:
        return
    with store.read() as tx:
        waiting = [id_ for id_, stored in requests.find(tx, mine).items() if stored.is_unserved]
    if waiting:
        with store.begin(in_passing=True) as tx:
            served(tx, waiting, by)


def serve_reads(hub: Hub) -> int:
    """Start the clocks of requests read over TAXII, and tell the parties of those served since; return how many."""
    done = 0
    with hub.store.read() as tx:
        waiting = requests.addressees_unserved(tx)
        reads = {name: found for name in waiting if (found := _reads(tx, name))}
        untold = requests.untold(tx, _AT_ONCE)
    for moments in reads.values():
        with hub.store.begin(in_passing=True) as tx:
            for at, ids in moments.items():
                done += served(tx, ids, ServedBy.TAXII, at)
            untold += [id_ for ids in moments.values() for id_ in ids]
    if untold:
        with hub.store.begin() as tx:
            _tell(hub, tx, untold)
    return done


def _reads(tx: Tx, partner: str) -> dict[int, list[str]]:
    """Return the unserved requests to a partner that it has read over TAXII, by the moment of the read."""
    collection = collections.find_private(tx, partner, "requests")
    position = None if collection is None else read_progress.positions_by(tx, partner, [collection])
    if collection is None or not position:
        return {}
    read_up_to = position[collection.id].read_up_to
    ids = [stored.id for stored in requests.unserved(tx, partner, read_up_to, _AT_ONCE)]
    added = log.first_added(tx, collection, map(note_id, ids))
    found: dict[int, list[str]] = {}
    for id_ in ids:
        place = added.get(note_id(id_))
        if place is not None and place <= read_up_to:
            step = read_steps.first_after(tx, collection.id, partner, place)
            found.setdefault(position[collection.id].asked if step is None else step.at, []).append(id_)
    return found


def _tell(hub: Hub, tx: Tx, ids: Iterable[str]) -> None:
    """Publish to its parties that each request is served."""
    notes = RequestNotes()
    for id_ in sorted(set(ids)):
        stored = requests.lock(tx, id_)
        if stored is not None and stored.served_at is not None and stored.served_at >= stored.changed:
            moment = max(now() // _MILLISECOND * _MILLISECOND, stored.changed) + _MILLISECOND
            requests.change(tx, stored._replace(changed=moment))
            notes.add(id_)
    notes.publish(open_context(hub, tx))
