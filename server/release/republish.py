"""Saying everything anew: after the rules have changed, or partners may hear other things than before."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from server.release.fuse.statements import subject_of
from server.release.reconsider import Again
from server.release.route.policy import Policy
from server.store import Store, collections, listings, log
from server.store.query import Query

_BATCH = 1_000


@dataclass
class Republished:
    """How many values were looked at, and how many entered or left a room, or are said otherwise there."""

    values: int = 0
    changed: int = 0


def republish(store: Store, policy: Policy | None = None) -> Iterator[Republished]:
    """Bring what the hub says of every value up to the rules, a batch of reports a transaction; tells how far it is.

    It may be stopped and begun again at any time. What partners said under their own ids and is out is taken back: the
    hub speaks for them.
    """
    done = Republished()
    query = Query(types=("indicator",), limit=_BATCH)
    while True:
        with store.begin() as tx:
            page = log.page(tx, collections.get(tx, "inbox"), query)
            objects = [msgspec.json.decode(body) for body in page.bodies]
            again = Again(tx, policy)
            subjects = {subject for obj in objects if (subject := subject_of(obj))}
            own = {obj["id"] for obj in objects}
            # A partner may use an id of the hub's own, which is not meant.
            own -= listings.subjects(tx, own).keys()
            again.publication.load(own)
            for id_ in own:
                for room in again.publication.out(id_):
                    again.publication.take_back(room, id_)
            standings = again.say(again.values(subjects), "the rules of release changed")
            done.values += len(subjects)
            done.changed += sum(1 for each in standings.values() if each.entered or each.left or each.renewed)
        yield done
        if page.next is None:
            return
        query = query.past(page.next)
