"""Receive hub reports of other hubs: store and relay them byte for byte, and release their values again.

``accept`` does it all in the caller's transaction, so that a page and its checkpoint are stored together or not at all.
A caller with many objects checks them before the transaction begins, with ``check_page``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from schemas.hub_report import OPEN, SignedReport, read
from server.features.federation import contradictions, erasing, messages, origins, pending, settling, stored
from server.features.federation.checking import (
    NOT_FOR_US,
    PASSED_ON,
    TOO_MANY,
    UNKNOWN_KEY,
    CheckedPage,
    CheckedReport,
    Received,
    check,
)
from server.features.federation.contradictions import Contradiction
from server.features.federation.holding import Holding
from server.features.federation.origins import CONTRADICTS
from server.features.federation.settling import Retired
from server.features.federation.stored import (
    COUNTS,
    EMPTY,
    HELD,
    UNKNOWN_VERSION,
    WAITS,
    ReportKey,
    StoredReport,
)
from server.release.hub import Hub
from server.release.peers import PeerHub, peer_of
from server.release.session import ReleaseSession
from server.store import collections, hub_identity, log, quotas, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item

# Hub reports that a peer may deliver in a minute: a million at the first exchange take five.
PER_MINUTE = 300_000
_MINUTE = 60
# Kilobytes in a day: enough for all hub reports of usual length that this hub stores of a peer.
KILOBYTES_A_DAY = 8_000_000
_DAY = 86_400
# More values than this are released by the background step, not in the transaction of the page; fewer at the first
# exchange with a hub. Releasing a value takes ten times as long as storing its report (measured).
RELEASED_AT_ONCE = 2_000
RELEASED_AT_FIRST = 200
REASON = "another hub changed its report"


@dataclass
class Accepted:
    """The result of a page: new and known reports, those held by the guard, and those refused, by reason.

    With ``wait`` the peer has used up its quota: nothing of the page was stored, and it may be sent again after so many
    seconds.
    """

    new: int = 0
    known: int = 0
    held: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wait: int = 0


def check_page(hub: Hub, received: Iterable[Received]) -> CheckedPage:
    """Check objects before the transaction that accepts them."""
    with hub.store.read() as tx:
        keys = origins.trusted_keys(tx, hub)
    return check(keys, hub.allowlists, received)


def accept(hub: Hub, tx: Tx, peer: PeerHub, objects: Sequence[Received] | CheckedPage) -> Accepted:
    """Store, relay and release a page of objects that ``peer`` delivered.

    A bad object stops no other. Repeating a page changes nothing. Raises ``Contended``.
    """
    page = (
        objects if isinstance(objects, CheckedPage) else check(origins.trusted_keys(tx, hub), hub.allowlists, objects)
    )
    return _Acceptance(hub, tx, peer, page).run()


def replace(
    hub: Hub, tx: Tx, peer: PeerHub, origin: str, added: Sequence[CheckedReport], dropped: Sequence[StoredReport]
) -> None:
    """Store reports in place of the stored versions, later ones too, and drop others: a head signs that set."""
    _Acceptance(hub, tx, peer, CheckedPage(list(added))).replace(origin, dropped)


def contradict(tx: Tx, found: Contradiction, peer: PeerHub) -> None:
    """Store and relay a contradiction: its origin, which is locked, does not count until a person decides."""
    bodies = found.first.body, found.second.body
    if origins.note_contradiction(tx, found.origin, found.number, bodies, peer.name):
        origins.set_word(tx, found.origin, CONTRADICTS)
        pending.note_origin(tx, found.origin)
        relay(tx, [Item.of_bytes(found.body)])


class _Acceptance:
    """One page in one transaction: decide on each report by number, then store, release and relay the new ones."""

    def __init__(self, hub: Hub, tx: Tx, peer: PeerHub, page: CheckedPage) -> None:
        self._hub = hub
        self._tx = tx
        self._peer = peer
        self._page = page
        self._result = Accepted()
        self._identity = hub_identity.identity(tx)
        concerned = {report.signed.origin for report in page.reports} | {found.origin for found in page.contradictions}
        concerned |= {message.origin for message in page.messages}
        self._origins = origins.lock(tx, concerned)
        self._holding = Holding(hub, tx, page.reports)
        self._before: dict[ReportKey, StoredReport] = {}
        self._new: dict[ReportKey, StoredReport] = {}
        self._relayed: list[Item] = []
        self._erased: list[CheckedReport] = []
        self._contradictions = list(page.contradictions)
        self._at_once = RELEASED_AT_ONCE

    def run(self) -> Accepted:
        page, tx = self._page, self._tx
        if wait := self._charge():
            return Accepted(wait=wait)
        by_origin: dict[str, list[CheckedReport]] = defaultdict(list)
        for report in page.reports:
            by_origin[report.signed.origin].append(report)
        own = origins.own(tx)
        for origin, reports in sorted(by_origin.items()):
            reports.sort(key=lambda report: report.signed.number)
            if origin == own.origin:
                for report in reports:
                    if report.signed.stream == OPEN:
                        origins.note_restored(tx, own, report.signed.number)
                self._result.known += len(reports)
            elif (known := peer_of(self._hub.peers, origin)) is not None:
                self._take(known, reports)
        taken, finish = messages.take(self._hub, tx, self._peer, page, self._identity)
        self._result.new += taken
        self._write()
        finish()
        for found in self._contradictions:
            if found.origin != own.origin:
                contradict(tx, found, self._peer)
        origins.note_refusals(tx, self._peer.name, page.refused)
        for (_, reason), (count, _) in page.refused.items():
            self._result.refused[reason] += count
        return self._result

    def _charge(self) -> int:
        """Count the page in the quotas of the peer; return the seconds to wait if one is used up."""
        page, unit = self._page, f"peer {self._peer.name}"
        objects = len(page.reports) + len(page.contradictions) + len(page.messages)
        objects += sum(count for count, _ in page.refused.values())
        size = sum(len(report.signed.body) for report in page.reports)
        size += sum(len(found.body) for found in page.contradictions)
        kilobytes = -(-size // 1_000)
        wait = 0
        if objects:
            wait = quotas.charge(self._tx, unit, "hub-reports", objects, limit=PER_MINUTE, seconds=_MINUTE)
        if kilobytes and not wait:
            wait = quotas.charge(self._tx, unit, "hub-kilobytes", kilobytes, limit=KILOBYTES_A_DAY, seconds=_DAY)
        return wait

    def replace(self, origin: str, dropped: Sequence[StoredReport]) -> None:
        known = peer_of(self._hub.peers, origin)
        if known is None:
            return
        self._find(origin, self._page.reports)
        for report in self._page.reports:
            key = (origin, report.signed.stream, report.signed.id)
            self._new[key] = self._decided(known, report, self._before.get(key))
        # The versions are not the latest of their ids: other hubs read them in the complete set.
        self._relayed.clear()
        self._write(dropped)

    def _find(self, origin: str, reports: Sequence[CheckedReport]) -> None:
        """Find the stored versions of an origin's reports."""
        for stream in {report.signed.stream for report in reports} & {OPEN, self._identity}:
            ids = (report.signed.id for report in reports if report.signed.stream == stream)
            self._before |= {row[:3]: row for row in stored.find(self._tx, origin, stream, ids).values()}

    def _take(self, known: PeerHub, reports: Sequence[CheckedReport]) -> None:
        """Decide on the reports of an origin, the oldest first."""
        tx, origin = self._tx, known.origin
        origins.learn(tx, self._origins[origin], identity=reports[-1].signed.identity)
        self._find(origin, reports)
        completed = settling.completed(tx, origin)
        numbers = stored.of_numbers(tx, origin, (OPEN, self._identity), [report.signed.number for report in reports])
        if not all(completed.get(report.signed.stream) for report in reports):
            self._at_once = RELEASED_AT_FIRST
        room = known.most_reports - stored.total_of(tx, origin)
        retired = settling.retired(self._origins[origin], settling.head_of(tx, origin, OPEN))
        for report in reports:
            signed = report.signed
            if reason := self._why_refused(signed, retired):
                self._page.refuse_signed(signed, reason)
                continue
            key = (origin, signed.stream, signed.id)
            before = self._new.get(key) or self._before.get(key)
            same = numbers.get(signed.number)
            if same is not None and same.body not in (b"", signed.body):
                self._note_contradiction(read(same.body), signed)
            elif (before and before.number >= signed.number) or signed.number <= completed.get(signed.stream, 0):
                self._result.known += 1
            elif before is None and room <= 0:
                self._page.refuse_signed(signed, TOO_MANY)
            else:
                room -= before is None
                numbers[signed.number] = self._new[key] = self._decided(known, report, before)

    def _why_refused(self, signed: SignedReport, retired: Retired | None) -> str | None:
        """Return why a report is refused: a retired key signed it, or it is not for this hub.

        A direct stream is read only by its hub, from the origin.
        """
        if retired is not None and retired.is_retired(signed.key_id, signed.number):
            return UNKNOWN_KEY
        if signed.stream == OPEN:
            return None
        if signed.stream != self._identity:
            return NOT_FOR_US
        return None if self._peer.origin == signed.origin else PASSED_ON

    def _note_contradiction(self, one: SignedReport, other: SignedReport) -> None:
        if contradictions.differ(one, other):
            self._contradictions.append(contradictions.of(one, other))

    def _decided(self, known: PeerHub, report: CheckedReport, before: StoredReport | None) -> StoredReport:
        """Return the report as it is stored, and note what follows."""
        signed = report.signed
        state = COUNTS
        if signed.revoked:
            state = EMPTY
        elif signed.report is None:
            state = UNKNOWN_VERSION
        else:
            state = self._holding.state_of(known, report, before)
        if report.is_personal and state == COUNTS:
            state = HELD
        self._result.new += 1
        self._result.held += state in (HELD, WAITS)
        if signed.stream == OPEN and not report.is_personal:
            self._relayed.append(Item.of_parsed(signed.obj, signed.body))
        if signed.report is not None and signed.report.erased is not None:
            self._erased.append(report)
        return StoredReport(
            # By id and number the set is compared with its head.
            *(signed.origin, signed.stream, signed.id, signed.number, report.subject),
            b"" if report.is_personal else signed.body,
            *(self._peer.name, now(), state),
        )

    def _write(self, dropped: Sequence[StoredReport] = ()) -> None:
        tx, new = self._tx, list(self._new.values())
        replaced = [self._before[key] for key in self._new.keys() & self._before.keys()]
        subjects = {report.subject for report in (*new, *replaced, *dropped)} - {""}
        if len(subjects) <= self._at_once:
            value_index.lock(tx, subjects)
        stored.put(tx, new, self._before)
        stored.drop(tx, dropped)
        origins.note_deliveries(tx, self._peer.name, Counter(report.origin for report in new))
        self._holding.write()
        release(self._hub, tx, subjects, self._at_once)
        relay(tx, self._relayed)
        for origin, stream in sorted({key[:2] for key in self._new}):
            settling.settle(tx, origin, stream)
        erasing.erase(self._hub, tx, self._erased, self._before)


def release(hub: Hub, tx: Tx, subjects: Set[str], at_once: int = RELEASED_AT_ONCE) -> None:
    """Release these values again, or let the background step do it if there are more than can be done ``at_once``."""
    if len(subjects) > at_once:
        pending.note(tx, subjects, release=True)
    elif subjects:
        value_index.lock(tx, subjects)
        session = ReleaseSession.open(hub, tx)
        session.release(session.load(subjects), REASON)


def relay(tx: Tx, items: Sequence[Item]) -> None:
    """Add objects to this hub's own ``hub-reports``, unchanged; those that it has stay as they are."""
    if items:
        log.append(tx, collections.hub_reports(tx), items)
