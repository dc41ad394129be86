"""If a person decides to list an erased value again, its ids continue after its tombstones."""

from collections.abc import Iterable
from itertools import count

from server.release.context import ReleaseContext
from server.release.traces import all_names
from server.store import erased, log, subjects
from server.store.objects import log_rows


def restore(context: ReleaseContext, names: Iterable[str]) -> None:
    """Let these values be reported again if they were erased, and find the tombstones of their listings.

    A new listing must not have the id of a revoked one. The ids are derived from the value with the hub's secret, so
    they can be computed once the value is known again.
    """
    tx = context.tx
    for subject in sorted(set(names)):
        if not erased.let_go(tx, all_names([subject])):
            continue
        tracks = sorted({context.track(alias) for alias in context.collections})
        found = [id_ for track in tracks for id_ in _listed(context, subject, track)]
        if found:
            log_rows.set_value(tx, found, subject, subjects.lock(tx, [subject])[subject])


def _listed(context: ReleaseContext, subject: str, track: str) -> Iterable[str]:
    """Yield the ids of a value's listings in a track that any collection has, in order."""
    for number in count():
        id_ = context.listing_id(subject, track, number)
        if not log.latest_everywhere(context.tx, [id_]):
            return
        yield id_
