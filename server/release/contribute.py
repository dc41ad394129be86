"""Store contributions in the inbox, and publish as much of them as the release rules allow."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from server.release.context import open_context
from server.release.contribution import Contribution
from server.release.contributions import Contributions
from server.release.facts import HubFacts
from server.release.guard import volume
from server.release.guard.blocks import is_large
from server.release.guard.ends import CONFIRMED, PROGRAM, EndBrake, Sender, is_retraction
from server.release.hooks import Taking
from server.release.hub import Hub
from server.release.results import Results
from server.release.route import annotation_targets
from server.release.session import ReleaseSession
from server.release.submission import MARKING, Prepared, Submission, prepare, without_traceback
from server.store import audit, collections, partners, value_index
from server.store.database.engine import Tx
from server.store.database.sql import impatient
from server.store.database.times import now
from server.store.item import Item

# Larger contributions are processed in parts of this many objects, to limit memory.
_AT_ONCE = 2_000


class PartnersBusy(Exception):
    """Other transactions contribute as these partners now."""

    def __init__(self, names: Set[str]) -> None:
        """Name the partners."""
        super().__init__(", ".join(sorted(names)))
        self.names = names


class Share(NamedTuple):
    """The share of one partner in a transaction: its objects, and where their results are added.

    ``check`` gets the hub's facts and may raise before anything is stored. ``sender`` is the sender of the objects.
    """

    partner: Partner
    submissions: Sequence[Submission]
    results: Results
    sender: Sender = PROGRAM
    check: Callable[[Tx, HubFacts], None] = lambda tx, facts: None

    def counts_for_organisation(self, hub: Hub) -> bool:
        """Return whether limits that its whole organisation shares may apply to it."""
        counted = any(volume.may_doubt(submission) or is_retraction(submission) for submission in self.submissions)
        counted = counted or is_large(len(self.submissions), hub.burst)
        return counted or hub.facts.may_be_new(self.partner.name, now())

    def is_simple(self, hub: Hub) -> bool:
        """Return whether it may share a transaction: all its objects are reports of values, and none counts for its
        organisation.
        """
        return not self.counts_for_organisation(hub) and all(
            isinstance(submission.report, Report) and submission.subject and not _is_about_others(submission)
            for submission in self.submissions
        )

    @property
    def subjects(self) -> set[str]:
        """The subjects of the values that it reports."""
        return {submission.subject for submission in self.submissions if submission.subject}


def contribute(hub: Hub, tx: Tx, partner: Partner, items: Sequence[Item], sender: Sender = PROGRAM) -> Results:
    """Store ``items`` of ``partner`` in the inbox and release the results, in the caller's transaction.

    Contributing the same again changes nothing. A bad item does not stop the others: it is in the results with the
    reason. ``sender`` is the sender of the items.
    """
    return take_all(hub, tx, partner, prepare_all(hub, items), sender=sender)


def prepare_all(hub: Hub, items: Sequence[Item]) -> Iterable[Prepared]:
    """Prepare ``items`` in parts, each on demand; annotations come after their targets, wherever these are in the list.

    Make a list of it before the transaction begins, so that the preparation does not block others.
    """
    if len(items) > _AT_ONCE:
        items = sorted(items, key=lambda item: annotation_targets.processing_order(item.type))
    return (prepare(items[start : start + _AT_ONCE], hub.allowlists) for start in range(0, len(items), _AT_ONCE))


def take_all(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    parts: Iterable[Prepared],
    *,
    leave_for_end: bool = False,
    sender: Sender = PROGRAM,
) -> Results:
    """Store and release prepared parts of a contribution, as ``contribute`` and ``take`` do."""
    results, parts = Results(), list(parts)
    if len(parts) > 1:
        # A transaction that has added to the collections can no longer wait for locks on values.
        every = [submission for prepared in parts for submission in prepared.submissions]
        values = set().union(*(_values_of_handled(tx, prepared) for prepared in parts))
        every_part = Share(partner, every, results)
        _open(hub, tx, [every_part], values, organisation=any(prepared.handled for prepared in parts))
    for prepared in parts:
        take(hub, tx, partner, prepared, results, leave_for_end=leave_for_end, sender=sender)
    return results


def record_contribution(tx: Tx, by: str, verb: str, partner: Partner, objects: int) -> None:
    """Add to the audit trail, in the transaction of a contribution, that ``by`` made it in the name of ``partner``."""
    inbox = collections.get(tx, collections.INBOX).id
    audit.record_act(tx, by, verb, "objects", partner=partner.name, collection=inbox, objects=objects, chain=inbox)


def take(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    prepared: Prepared,
    results: Results,
    *,
    leave_for_end: bool = False,
    check: Callable[[Tx, HubFacts], None] = lambda tx, facts: None,
    sender: Sender = PROGRAM,
) -> None:
    """Store and release prepared objects of ``partner``, as ``contribute`` does, and add to ``results``.

    With ``leave_for_end`` the collections are locked and added to only at the end of the transaction, so that the
    caller's other writes block no other transaction. ``check`` gets the hub's facts and may raise before anything is
    stored.
    """
    results.failed += prepared.failed
    if prepared.handled:
        by = sender.actor or partner.name
        _take_handled(hub, tx, partner, prepared, results, leave_for_end=leave_for_end, check=check, by=by)
        return
    if not prepared.submissions:
        return
    share = Share(partner, prepared.submissions, results, sender, check)
    take_together(hub, tx, [share], leave_for_end=leave_for_end)


def take_together(hub: Hub, tx: Tx, shares: Sequence[Share], *, leave_for_end: bool = False) -> None:
    """Store and release contributions of different organisations about different values, each as ``take`` does.

    ``lock_together`` may have locked them before.
    """
    contributions = _open(hub, tx, shares)
    for share in shares:
        share.check(tx, contributions.facts)
    contributions.take(leave_for_end=leave_for_end)
    for share in shares:
        for submission in share.submissions:
            if isinstance(submission.report, Rejected):
                without_traceback(submission.report)


def _take_handled(
    hub: Hub,
    tx: Tx,
    partner: Partner,
    prepared: Prepared,
    results: Results,
    *,
    leave_for_end: bool,
    check: Callable[[Tx, HubFacts], None],
    by: str,
) -> None:
    """Let handlers take their objects, release the partner's other objects, and let the handlers finish."""
    if not value_index.locked(tx):
        # Its colleagues can send none of these until the end: their limits apply to the whole organisation.
        partners.lock(tx, [partner.name], organisations_of=[partner.name])
    context = open_context(hub, tx)
    check(tx, context.facts)

    def add(objects: Sequence[Mapping[str, Any]]) -> Results:
        own = Results()
        submissions = prepare(list(map(Item.of, objects)), hub.allowlists).submissions
        _open(hub, tx, [Share(partner, submissions, own, CONFIRMED)]).take()
        return own

    taking = Taking(hub, tx, partner, context, add, leave_for_end, by)
    finishing = [handler.take(taking, sent, results) for handler, sent in prepared.handled.items()]
    if prepared.submissions:
        share = Share(partner, prepared.submissions, results)
        _open(hub, tx, [share], _values_of_handled(tx, prepared)).take()
    for finish in finishing:
        finish()


def _values_of_handled(tx: Tx, prepared: Prepared) -> set[str]:
    return set().union(*(handler.values(tx, sent) for handler, sent in prepared.handled.items()))


def _is_about_others(submission: Submission) -> bool:
    """Return whether the object may concern values of other objects."""
    return submission.item.type == MARKING or bool(submission.refs)


def lock_together(
    hub: Hub, tx: Tx, shares: Sequence[Share], others: Set[str] = frozenset(), *, organisation: bool = False
) -> None:
    """Lock the partners and, unless they depend on other objects, the values of these contributions and ``others``.

    For several contributions it waits only briefly for a value, and for no partner. Raises ``PartnersBusy``, and
    ``StoreUnavailable`` where another transaction holds a value.
    """
    every = [submission for share in shares for submission in share.submissions]
    if len(shares) > 1:
        names, free = {share.partner.name for share in shares}, set[str]()
        with impatient(tx):
            partners.lock_free(tx, names, free.update)
            value_index.lock(tx, {submission.subject for submission in every if submission.subject} | others)
        if busy := names - free:
            raise PartnersBusy(busy)
        return
    whole = [share.partner.name for share in shares if organisation or share.counts_for_organisation(hub)]
    partners.lock(tx, {share.partner.name for share in shares}, organisations_of=whole)
    if not any(map(_is_about_others, every)):
        value_index.lock(tx, {submission.subject for submission in every if submission.subject} | others)


def _open(
    hub: Hub, tx: Tx, shares: Sequence[Share], others: Set[str] = frozenset(), *, organisation: bool = False
) -> Contributions:
    """Open contributions: lock all values that their objects are about, and read what is known of them.

    ``others`` are further values to lock, which the transaction needs later.

    A partner's contributions run one after the other, which keeps its ids, its volume and its throttle consistent. With
    ``organisation`` this applies to its whole organisation, also when its doubts, its ends or its new values are
    counted.
    """
    if not value_index.locked(tx):
        lock_together(hub, tx, shares, others, organisation=organisation)

    def find(session: ReleaseSession) -> tuple[Contributions, Set[str]]:
        members = [
            Contribution(
                session,
                share.partner,
                share.submissions,
                share.results,
                EndBrake(session.context, share.partner, hub.ends_per_day, share.sender),
                hub.burst,
            )
            for share in shares
        ]
        contributions = Contributions(session, members)
        return contributions, contributions.find_subjects() | others

    return ReleaseSession.open_locked(hub, tx, find)[1]
