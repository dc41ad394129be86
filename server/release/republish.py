"""Republish everything: after the release rules have changed, or partners may read more or less than before."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store import collections, listings, log, partners, value_index
from server.store.query import Query

_BATCH = 1_000


@dataclass
class Republished:
    """The number of values looked at, and of those whose listing entered or left a collection, or changed in one."""

    values: int = 0
    changed: int = 0


def republish(hub: Hub) -> Iterator[Republished]:
    """Bring every listing up to the release rules, a batch of reports a transaction; yields the progress.

    It may be stopped and started again at any time. Reports that earlier releases published under their own ids are
    revoked: listings stand in their place.
    """
    done = Republished()
    with hub.store.begin() as tx:
        # What is contributed by the rules of before may still be on its way.
        partners.wait_for_contributions(tx)
    query = Query(types=("indicator",), limit=_BATCH)
    while True:
        with hub.store.begin() as tx:
            page = log.page(tx, collections.get(tx, "inbox"), query)
            objects = [msgspec.json.decode(body) for body in page.bodies]
            subjects = {subject for obj in objects if (subject := indicator_subject(obj))}
            value_index.lock(tx, subjects)
            session = ReleaseSession.open(hub, tx)
            _revoke_as_contributed(session, {obj["id"] for obj in objects})
            states = session.release(session.load(subjects), "the rules of release changed")
            done.values += len(subjects)
            done.changed += sum(1 for state in states.values() if state.entered or state.left or state.updated)
        yield done
        if page.next is None:
            return
        query = query.past(page.next)


def _revoke_as_contributed(session: ReleaseSession, ids: set[str]) -> None:
    """Revoke what is published under the reports' own ids, except listings whose id a partner used."""
    ids -= listings.subjects(session.context.tx, ids).keys()
    session.publication.load(ids)
    for id_ in ids:
        for alias in session.publication.published(id_):
            session.publication.revoke(alias, id_)
