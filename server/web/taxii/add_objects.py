"""Add the objects of a POST (TAXII 2.1 §5.5), each independently, in parts between which other writers can write."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

from mappers.pattern import PatternBudget
from schemas.errors import Rejected
from schemas.partner import Partner
from server.operations.patience import write_patiently
from server.operations.shared_writes import Contributing, SharedWrites
from server.release.contribute import Share, take
from server.release.facts import HubFacts
from server.release.guard import stix_object
from server.release.guard.ends import Sender
from server.release.hub import Hub
from server.release.results import Results
from server.release.route import annotation_targets
from server.release.submission import Prepared, prepare
from server.store import Tx, audit, inbox, log
from server.store.collections import Collection
from server.store.database.times import now
from server.store.item import Item
from server.store.objects.query import Query
from server.web.taxii import auth
from server.web.taxii.envelope import Envelope, has_lone_surrogate
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import API_ROOT, PartnerQuotas
from server.web.taxii.response import TaxiiResponse
from server.web.taxii.status import Status, detail

# The number of objects in one transaction: those of an exchange are only written, contributions are released too.
_TO_AN_EXCHANGE, _TO_THE_INBOX, _CROWDED = 5_000, 500, 50
_BYTES_AT_ONCE = 4 * 1024 * 1024
# More commas and brackets than a normal object has. Each value takes up to 80 bytes of memory.
_MOST_MARKS = 100_000
# The number of characters that the grammar of patterns parses in a second.
_PATTERN_CHARACTERS = 100_000
# Reasons for which a text is not JSON. No part of such a body is reliable.
_NO_JSON = frozenset(("malformed-json", "not-a-number"))


class DirectWrites(NamedTuple):
    """The rules of the features whose collections partners write directly: of exchanges and of sandboxes.

    ``add`` adds to an exchange, and returns the added and the refused objects; ``delete`` deletes versions from one.
    ``try_out`` and ``note`` answer a POST to a sandbox, the first before the transaction.
    """

    add: Callable[[Tx, Partner, Collection, list[Item]], tuple[list[Item], list[tuple[Item, Rejected]]]]
    delete: Callable[[Hub, Partner, str, str, Query], None]
    try_out: Callable[[Hub, Partner, list[Item]], Results]
    note: Callable[[Tx, Partner, list[Item]], Results]


def add(
    shared: SharedWrites,
    partner: Partner,
    collection: Collection,
    envelope: Envelope,
    writes: DirectWrites,
    quotas: PartnerQuotas | None = None,
    remote: str = "",
) -> TaxiiResponse:
    """Add the objects of an envelope independently. A bad one never stops the others.

    The objects count against ``quotas``; ``remote`` is the address of the client. The response is returned when every
    object that it reports as a success is on disk; ``shared`` has the others that wait for that. Nothing is added if
    the body as a whole is not JSON. Raises ``TaxiiError``.
    """
    return _Addition(shared, partner, collection, envelope, writes, quotas or PartnerQuotas(), remote).run()


class _Addition:
    """One POST, from its envelope to its status."""

    def __init__(
        self,
        shared: SharedWrites,
        partner: Partner,
        collection: Collection,
        envelope: Envelope,
        writes: DirectWrites,
        quotas: PartnerQuotas,
        remote: str,
    ) -> None:
        self._shared = shared
        self._hub = shared.hub
        self._store = shared.hub.store
        self._partner = partner
        self._collection = collection
        self._envelope = envelope
        self._writes = writes
        self._quotas = quotas
        # A connection over a Unix socket has no address.
        self._remote = remote or partner.name
        self._status = Status(now())
        self._budget = PatternBudget(_PATTERN_CHARACTERS)
        self._charged = False

    def run(self) -> TaxiiResponse:
        """Add all parts, and the status with the last one."""
        parts = self._parts()
        part: list[Item] = next(parts, [])
        for following in chain(parts, (None,)):
            resource = self._take(part, last=following is None)
            if following is not None:
                part = following
        return TaxiiResponse(202, resource, collection=self._collection.id, objects_in=self._status.taken)

    def _parts(self) -> Iterator[list[Item]]:
        """Check the whole body, and return the parts to add."""
        to_inbox = self._collection.kind == "inbox"
        if self._envelope.is_short:
            items = list(self._checked(noting=True))
            if to_inbox and len(items) > _CROWDED:
                items.sort(key=lambda item: annotation_targets.processing_order(item.type))
            return self._portions(items)
        orders = {annotation_targets.processing_order(item.type) for item in self._checked(noting=True)}
        if not to_inbox:
            return self._portions(self._checked()) if orders else iter(())
        # Annotations come after their targets, at any position in the envelope.
        return chain.from_iterable(
            self._portions(item for item in self._checked() if annotation_targets.processing_order(item.type) == order)
            for order in sorted(orders)
        )

    def _checked(self, *, noting: bool = False) -> Iterator[Item]:
        """Yield the objects that the guard accepts; with ``noting``, the others are failures of the status."""
        for index, raw in enumerate(self._envelope):
            try:
                yield _checked(raw)
            except Rejected as refused:
                if refused.reason in _NO_JSON:
                    raise TaxiiError("object-not-json", index=index, problem=refused.message) from refused
                if noting:
                    self._status.fail(self._refusal(raw, index, refused))

    def _portions(self, items: Iterable[Item]) -> Iterator[list[Item]]:
        """Divide the objects into parts, small ones if other writers are waiting."""
        usual = _TO_THE_INBOX if self._collection.kind == "inbox" else _TO_AN_EXCHANGE
        most, portion, size = self._most(usual), list[Item](), 0
        for item in items:
            if portion and (len(portion) >= most or size + len(item.body) > _BYTES_AT_ONCE):
                yield portion
                most, portion, size = self._most(usual), [], 0
            portion.append(item)
            size += len(item.body)
        if portion:
            yield portion

    def _most(self, usual: int) -> int:
        return min(usual, _CROWDED) if self._store.has_waiting_writers() else usual

    def _take(self, items: list[Item], *, last: bool) -> bytes:
        """Add a part in its own transaction, and return the status resource after the last one."""
        to_inbox = self._collection.kind == "inbox"
        # Parse before the transaction, so that other writers do not wait for it.
        prepared = prepare(items, self._hub.allowlists, self._budget) if to_inbox else None
        if self._collection.is_sandbox:
            self._charge_first()
            self._status.note(self._writes.try_out(self._hub, self._partner, items))
        if prepared is not None and prepared.submissions and not prepared.handled:
            self._status, resource = self._shared.run(self._contributing(prepared, last=last))
        else:
            part = partial(self._store_part, items=items, prepared=prepared, last=last)
            self._status, resource = write_patiently(self._store, part)
        self._charged = True
        return resource

    def _contributing(self, prepared: Prepared, *, last: bool) -> Contributing[tuple[Status, bytes]]:
        """Return a part of reports and other objects that the release rules apply to."""
        outcome = Results()

        def begin() -> Share:
            nonlocal outcome
            outcome = Results(failed=[*prepared.failed])
            return Share(self._partner, prepared.submissions, outcome, check=self._check_rights)

        def admit(tx: Tx) -> Callable[[], None]:
            count = 0 if self._charged else self._envelope.count
            return self._quotas.charging_objects(tx, self._partner.counts_as, count)

        def settle(tx: Tx) -> tuple[Status, bytes]:
            status = self._status.copy()
            status.note(outcome)
            return status, self._settle(tx, status, last=last)

        return Contributing(begin, admit, settle)

    def _charge_first(self) -> None:
        """Count the objects before any is tried: a trial takes as long as a contribution."""

        def charge(tx: Tx) -> None:
            auth.writable(tx, self._partner, self._collection.id)
            self._quotas.charge_objects(tx, self._partner.counts_as, self._envelope.count)

        if not self._charged:
            write_patiently(self._store, charge)
            self._charged = True

    def _store_part(self, tx: Tx, items: list[Item], prepared: Prepared | None, *, last: bool) -> tuple[Status, bytes]:
        status = self._status.copy()
        found = auth.writable(tx, self._partner, self._collection.id)
        if not self._charged:
            self._quotas.charge_objects(tx, self._partner.counts_as, self._envelope.count)
        if prepared is not None:
            outcome = Results()
            sender = Sender(actor=self._remote)
            take(self._hub, tx, self._partner, prepared, outcome, leave_for_end=True, sender=sender)
            status.note(outcome)
        elif found.is_sandbox:
            status.note(self._writes.note(tx, self._partner, items))
        else:
            self._append(tx, found, items, status)
        return status, self._settle(tx, status, last=last)

    def _settle(self, tx: Tx, status: Status, *, last: bool) -> bytes:
        """Store the status with the last part, and record the part in the audit trail; return the status resource."""
        resource = b""
        if last:
            resource = status.resource()
            inbox.save_status(tx, API_ROOT, status.id, self._partner.name, resource)
        if last or status.taken > self._status.taken:
            self._record(tx, status.taken - self._status.taken)
        return resource

    def _check_rights(self, tx: Tx, facts: HubFacts) -> None:
        """Reject a contribution of a partner that may no longer write to the inbox. Raises ``TaxiiError``."""
        if self._partner.name not in facts.writers.get(self._collection.alias, ()):
            auth.writable(tx, self._partner, self._collection.id)

    def _append(self, tx: Tx, collection: Collection, items: list[Item], status: Status) -> None:
        added, refused = self._writes.add(tx, self._partner, collection, items)
        for item, refusal in refused:
            message = f"{refusal.reason}: {refusal.message}"
            status.fail(detail(item.id, item.version, status.requested, message))
        plain = {item.id for item in added if item.version is None}
        dates = log.added(tx, collection, plain) if plain else {}
        requested = status.requested
        status.successes += [detail(item.id, item.version, dates.get(item.id, requested)) for item in added]

    def _refusal(self, raw: bytes, index: int, refused: Rejected) -> dict[str, str]:
        """Return the detail of a rejected object, by its id, else by its index in the envelope."""
        id_, version = (None, None) if refused.reason == "too-large" else stix_object.id_and_version(raw)
        message = f"{refused.reason}: {refused.message}"
        return detail(id_ or f"objects[{index}]", version, self._status.requested, message)

    def _record(self, tx: Tx, objects: int) -> None:
        """Record the write in the audit trail, in the transaction of the write."""
        audit.record_act(
            tx,
            self._remote,
            "POST",
            "objects",
            partner=self._partner.name,
            collection=self._collection.id,
            status=202,
            objects=objects,
            reference=self._status.id,
            chain=self._collection.id,
        )


def _checked(raw: bytes) -> Item:
    """Return one checked object. Raises ``Rejected``, and ``TaxiiError`` 400 for a lone surrogate."""
    if not raw or (len(raw) > _MOST_MARKS and sum(map(raw.count, (b",", b"[", b"{"))) > _MOST_MARKS):
        raise Rejected("too-large", "An object may have at most four MiB and at most 100,000 values.")
    if has_lone_surrogate(raw):
        raise TaxiiError("lone-surrogate")
    return stix_object.check(raw)
