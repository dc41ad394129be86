"""Replace the stored set of a stream by the complete set that its newest head signs."""

from collections.abc import Sequence
from enum import StrEnum

from schemas.tlog.entries import DIGEST_MODULUS, digest_part, digest_text
from server.features.federation import origins, receiving, settling, stored
from server.features.federation.checking import BAD_FORM, NOT_FOR_US, CheckedPage, CheckedReport, Received, check
from server.features.federation.stored import EMPTY, StoredReport
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store.database.engine import Tx

# Reports of one set that replace a later version here, or that an earlier head left out: those of a restored hub.
MOST_REPLACED = 100_000
_BATCH = 5_000


class Completion(StrEnum):
    """The result of a peer's set.

    ``COMPLETE``: the newest head signs the set, which is stored. ``INCOMPLETE``: it does not; the peer is named.
    ``MOVED``: the origin changed its reports or its head since the reading began; try again later. For each report
    newer than the head, such a set may lack at most one report of the signed set.
    """

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    MOVED = "moved"


def complete(
    hub: Hub, tx: Tx, peer: PeerHub, origin: str, stream: str, objects: Sequence[Received] | CheckedPage
) -> Completion:
    """Replace the set of a stream by one that ``peer`` delivered, in the order of the ids, if the head signs it.

    A caller with a large set takes it page by page, with ``ReceivedSet``.
    """
    keys = origins.trusted_keys(tx, hub)
    page = objects if isinstance(objects, CheckedPage) else check(keys, hub.allowlists, objects)
    found = ReceivedSet(hub, tx, peer, origin, stream)
    found.take(tx, page)
    return found.finish(tx)


class ReceivedSet:
    """The complete set of a stream as one peer has it, read in pages in the order of the ids.

    Each page is stored as it arrives, in the caller's transaction. Nothing is dropped before the end.
    """

    def __init__(self, hub: Hub, tx: Tx, peer: PeerHub, origin: str, stream: str) -> None:
        """Compare the set with the newest head known now."""
        self._hub = hub
        self._peer = peer
        self._origin = origin
        self._stream = stream
        self._head = settling.head_of(tx, origin, stream)
        self._signed = self._head.head if self._head is not None else None
        self._last = ""
        self._reports = 0
        self._sum = 0
        self._is_usable = True
        self._newer = 0
        # The ids of stored reports that are not in the set, and the reports of the set that are not stored.
        self._extra: set[str] = set()
        self._replacing: dict[str, CheckedReport] = {}

    def take(self, tx: Tx, page: CheckedPage) -> receiving.Accepted:
        """Store the new reports of a page, and compare the others with the stored ones."""
        mine = []
        for report in page.reports:
            if report.signed[2] == self._origin and report.signed.stream == self._stream:
                mine.append(report)
            else:
                page.refuse(report.signed.origin, NOT_FOR_US, report.signed.id)
        page.reports = mine
        ids = [report.signed.id for report in mine]
        if ids != sorted(set(ids)) or (ids and ids[0] <= self._last):
            self._is_usable = False
            page.refuse(self._origin, BAD_FORM)
        accepted = receiving.accept(self._hub, tx, self._peer, page)
        if accepted.wait or self._head is None or not self._is_usable or not ids:
            return accepted
        self._count(mine, self._head.number)
        self._compare(tx, {report.signed.id: report for report in mine}, ids[-1], self._head.number)
        self._last = ids[-1]
        return accepted

    def finish(self, tx: Tx, *, patient: bool = True) -> Completion:
        """Replace the stored set, after the last page. The set counts only if the head signs it.

        Without ``patient``, the peer has had newer reports than the head for too long: they may hide that it withholds
        others.
        """
        origins.lock(tx, [self._origin])
        now = settling.head_of(tx, self._origin, self._stream)
        if self._head is None or self._signed is None or now is None or now.body != self._head.body:
            return Completion.MOVED
        if self._is_usable:
            self._compare(tx, {}, None, self._head.number)
        set_ = (self._reports, digest_text(self._sum % DIGEST_MODULUS))
        if not self._is_usable or set_ != (self._signed.reports, self._signed.digest):
            if patient and self._is_usable and 0 < self._newer >= self._signed.reports - self._reports:
                return Completion.MOVED
            origins.note_gap(tx, self._peer.name, self._origin, self._stream)
            return Completion.INCOMPLETE
        self._replace(tx, self._head.number)
        return Completion.COMPLETE if settling.settle(tx, self._origin, self._stream) else Completion.MOVED

    def _count(self, mine: Sequence[CheckedReport], number: int) -> None:
        """Add the reports of a page to the count and the digest of the set."""
        for report in mine:
            signed = report.signed
            if signed.number > number:
                self._newer += 1
            elif not signed.revoked:
                self._reports += 1
                self._sum += digest_part(signed.id, str(signed.number))
        if self._signed is not None and self._reports > self._signed.reports:
            self._is_usable = False

    def _compare(self, tx: Tx, members: dict[str, CheckedReport], last: str | None, number: int) -> None:
        """Compare the stored reports up to an id with the members of the set there."""
        after, missing = self._last, dict(members)
        while here := stored.between(tx, self._origin, self._stream, after, last, _BATCH):
            for row in here:
                member = missing.pop(row.id, None)
                if row.number > number or (member is not None and member.signed.number == row.number):
                    continue
                if member is not None and member.signed.number <= number:
                    self._replacing[row.id] = member
                elif row.state != EMPTY:
                    self._extra.add(row.id)
            after = here[-1].id
        self._replacing |= {id_: report for id_, report in missing.items() if report.signed.number <= number}
        self._is_usable = self._is_usable and len(self._replacing) <= MOST_REPLACED

    def _replace(self, tx: Tx, number: int) -> None:
        """Drop the stored reports outside the set, and store those that are only in it."""
        ids = self._extra | self._replacing.keys()
        rows = stored.find(tx, self._origin, self._stream, ids)
        old = {id_: row for id_, row in rows.items() if row.number <= number}
        dropped: list[StoredReport] = [old[id_] for id_ in sorted(self._extra & old.keys())]
        added = [report for id_, report in sorted(self._replacing.items()) if id_ not in rows or id_ in old]
        receiving.replace(self._hub, tx, self._peer, self._origin, added, dropped)
