"""Contributions: stored in the inbox, and published as far as the release rules allow."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.context import open_context
from server.release.contribution import Contribution
from server.release.facts import HubFacts
from server.release.guard import volume
from server.release.hub import Hub
from server.release.publish.collections import revoked
from server.release.requests.intake import RequestIntake, values_held
from server.release.results import Results
from server.release.route import annotation_targets
from server.release.session import ReleaseSession
from server.release.submission import MARKING, Prepared, Submission, prepare, without_traceback
from server.store import partners, value_index
from server.store.database.engine import Tx
from server.store.item import Item

# Larger contributions are taken in parts of so many objects, to bound the memory that they need.
_AT_ONCE = 2_000


def contribute(hub: Hub, tx: Tx, partner: Partner, items: Sequence[Item]) -> Results:
    """Store ``items`` of ``partner`` in the inbox and release what follows from them, in the caller's transaction.

    Contributing the same again changes nothing. One bad item never stops the others: it is in the results with the
    reason.
    """
    return take_all(hub, tx, partner, prepare_all(hub, items))


def prepare_all(hub: Hub, items: Sequence[Item]) -> Iterable[Prepared]:
    """Prepare ``items`` in parts, each when it is asked for; annotations come after their targets, wherever these are.

    As a list it is made before a transaction makes others wait.
    """
    if len(items) > _AT_ONCE:
        items = sorted(items, key=lambda item: annotation_targets.processing_order(item.type))
    return (prepare(items[start : start + _AT_ONCE], hub.allowlists) for start in range(0, len(items), _AT_ONCE))


def take_all(hub: Hub, tx: Tx, partner: Partner, parts: Iterable[Prepared], *, leave_for_end: bool = False) -> Results:
    """Store and release prepared parts of a contribution, as ``contribute`` and ``take`` do."""
    results, parts = Results(), list(parts)
    if len(parts) > 1:
        # A transaction that has added something to the collections cannot wait for values any more.
        held = values_held(tx, [note for prepared in parts for note in prepared.request_notes])
        every = [submission for prepared in parts for submission in prepared.submissions]
        _open(hub, tx, partner, every, results, held)
    for prepared in parts:
        take(hub, tx, partner, prepared, results, leave_for_end=leave_for_end)
    return results


def take(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    prepared: Prepared,
    results: Results,
    *,
    leave_for_end: bool = False,
    check: Callable[[HubFacts], None] = lambda facts: None,
) -> None:
    """Store and release prepared objects of ``partner``, as ``contribute`` does, and add to ``results``.

    With ``leave_for_end`` the collections are added to, and locked, at the end of the transaction only: what else the
    caller writes in it makes nobody wait. ``check`` may raise, by the hub's facts, before anything is stored.
    """
    results.failed += prepared.failed
    if prepared.request_notes:
        _take_requests(hub, tx, partner, prepared, results, leave_for_end=leave_for_end, check=check)
        return
    if not prepared.submissions:
        return
    contribution = _open(hub, tx, partner, prepared.submissions, results)
    check(contribution.facts)
    contribution.take(leave_for_end=leave_for_end)
    for submission in prepared.submissions:
        if isinstance(submission.report, Rejected):
            without_traceback(submission.report)


def _take_requests(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    prepared: Prepared,
    results: Results,
    *,
    leave_for_end: bool,
    check: Callable[[HubFacts], None],
) -> None:
    """Store requests between institutions and answers to them, release what they hold, and take all else besides."""
    if not value_index.locked(tx):
        partners.lock(tx, partner.name)
    context = open_context(hub, tx)
    check(context.facts)
    intake = RequestIntake(context, partner, hub.request_limits)
    intake.take(prepared.request_notes, results)
    if prepared.submissions:
        held = values_held(tx, prepared.request_notes)
        _open(hub, tx, partner, prepared.submissions, results, held).take()
    changed = list(intake.holding.values())
    if intake.lifting:
        session = ReleaseSession.open(hub, tx)
        keys = [context.key(partner, id_) for id_ in intake.lifting]
        session.loader.read(keys)
        changed += [revoked(session.loader.known[key], context.at) for key in keys if key in session.loader.known]
    if changed:
        own = Results()
        _open(hub, tx, partner, prepare(list(map(Item.of, changed)), hub.allowlists).submissions, own).take()
        _add_missing_holds(results, intake.holding, own)
    intake.notes.publish(open_context(hub, tx), leave_for_end=leave_for_end)


def _add_missing_holds(results: Results, holding: Mapping[str, Mapping[str, Any]], own: Results) -> None:
    """Add to each request's message why the hold that it asks for is not there yet."""
    unpublished = own.unpublished()
    for place, accepted in enumerate(results.accepted):
        held = holding.get(accepted.id)
        if held is not None and held["id"] in unpublished:
            result, why = unpublished[held["id"]]
            results.accepted[place] = accepted._replace(
                message=f"{accepted.message}; the hold: {result}: {why.message}"
            )


def _is_about_others(submission: Submission) -> bool:
    """Return whether the object may concern values of other objects."""
    return submission.item.type == MARKING or bool(submission.refs)


def _open(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    submissions: Sequence[Submission],
    results: Results,
    others: Set[str] = frozenset(),
) -> Contribution:
    """Open a contribution that has locked all values that its objects are about, and has read what is known of them.

    It has locked the ``others`` as well, which the transaction needs later.

    A partner contributes one after the other, so that its ids, its volume and its throttle are its own meanwhile; its
    organisation does so where its doubts are counted.
    """
    if not value_index.locked(tx):
        partners.lock(tx, partner.name, organisation=any(map(volume.may_doubt, submissions)))
        if not any(map(_is_about_others, submissions)):
            value_index.lock(tx, {submission.subject for submission in submissions if submission.subject} | others)

    def find(session: ReleaseSession) -> tuple[Contribution, Set[str]]:
        contribution = Contribution(session, partner, submissions, results)
        return contribution, contribution.find_subjects() | others

    return ReleaseSession.open_locked(hub, tx, find)[1]
