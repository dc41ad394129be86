"""Adding the objects of a POST (TAXII 2.1 §5.5), each on its own, in parts that let other writers in between."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

from mappers.grammar import PatternBudget
from schemas.errors import Rejected
from schemas.partner import Partner
from server.observe import record_write
from server.release.contribute import take
from server.release.facts import HubFacts
from server.release.guard import stix_object
from server.release.hub import Hub
from server.release.results import Result, Results
from server.release.route import annotation_targets
from server.release.sandbox import answers as sandbox
from server.release.submission import Prepared, prepare
from server.store import Tx, inbox, log
from server.store.collections import Collection
from server.store.database.engine import Contended
from server.store.database.times import now
from server.store.item import Item
from server.taxii import auth
from server.taxii.envelope import Envelope
from server.taxii.errors import TaxiiError
from server.taxii.limits import API_ROOT, PartnerQuotas
from server.taxii.response import TaxiiResponse
from server.taxii.scanner import has_lone_surrogate
from server.taxii.status import Status, detail

# Of one transaction: objects of an exchange are only written; what is contributed is released too.
_TO_AN_EXCHANGE, _TO_THE_INBOX, _CROWDED = 5_000, 500, 50
_BYTES_AT_ONCE = 4 * 1024 * 1024
# So often a part that met others at its values is begun anew.
_TRIES = 5
# More commas and brackets than an object has unless it was made to take memory: each value takes up to 80 bytes.
_MOST_MARKS = 100_000
# What the grammar of patterns takes a second for.
_PATTERN_CHARACTERS = 100_000
# Reasons for which a text is no JSON: nothing in such a body can be relied on.
_NO_JSON = frozenset(("malformed-json", "not-a-number"))


def add(
    hub: Hub,
    partner: Partner,
    collection: Collection,
    envelope: Envelope,
    quotas: PartnerQuotas | None = None,
    remote: str = "",
) -> TaxiiResponse:
    """Add the objects of an envelope, each on its own: a bad one never stops the others.

    The objects count against ``quotas``; ``remote`` is the address that the request comes from. The response is
    returned when every object that it calls a success is on disk. Nothing is added where the body as a whole is not
    JSON. Raises ``TaxiiError``.
    """
    return _Addition(hub, partner, collection, envelope, quotas or PartnerQuotas(), remote).run()


class _Addition:
    """One POST, from its envelope to its status."""

    def __init__(
        self,
        hub: Hub,
        partner: Partner,
        collection: Collection,
        envelope: Envelope,
        quotas: PartnerQuotas,
        remote: str,
    ) -> None:
        self._hub = hub
        self._store = hub.store
        self._partner = partner
        self._collection = collection
        self._envelope = envelope
        self._quotas = quotas
        self._remote = remote
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
        """Return the parts to add, once the whole body has been checked."""
        to_inbox = self._collection.kind == "inbox"
        if self._envelope.is_short:
            items = list(self._checked(noting=True))
            if to_inbox and len(items) > _CROWDED:
                items.sort(key=lambda item: annotation_targets.processing_order(item.type))
            return self._portions(items)
        orders = {annotation_targets.processing_order(item.type) for item in self._checked(noting=True)}
        if not to_inbox:
            return self._portions(self._checked()) if orders else iter(())
        # Annotations come after the objects that they are about, wherever in the envelope they are.
        return chain.from_iterable(
            self._portions(item for item in self._checked() if annotation_targets.processing_order(item.type) == order)
            for order in sorted(orders)
        )

    def _checked(self, *, noting: bool = False) -> Iterator[Item]:
        """Yield the objects that the guard takes; with ``noting``, the others are failures of the status."""
        for index, raw in enumerate(self._envelope):
            try:
                yield _checked(raw)
            except Rejected as refused:
                if refused.reason in _NO_JSON:
                    raise TaxiiError("object-not-json", index=index, problem=refused.message) from refused
                if noting:
                    self._status.fail(self._refusal(raw, index, refused))

    def _portions(self, items: Iterable[Item]) -> Iterator[list[Item]]:
        """Divide the objects into parts, small ones where others wait to write."""
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
        """Add a part in a transaction of its own, and return the status resource after the last one."""
        to_inbox = self._collection.kind == "inbox"
        # Reading takes time, so it is done before the transaction makes others wait.
        prepared = prepare(items, self._hub.allowlists, self._budget) if to_inbox else None
        if self._collection.is_sandbox:
            self._charge_first()
            self._note(sandbox.try_out(self._hub, self._partner, items))
        for _ in range(_TRIES):
            with suppress(Contended):
                return self._store_part(items, prepared, last=last)
        return self._store_part(items, prepared, last=last)

    def _charge_first(self) -> None:
        """Count the objects before any is tried: what nothing is stored of takes as long as what is."""
        if not self._charged:
            with self._store.begin() as tx:
                auth.writable(tx, self._partner, self._collection.id)
                self._quotas.charge_objects(tx, self._partner.name, self._envelope.count)
            self._charged = True

    def _store_part(self, items: list[Item], prepared: Prepared | None, *, last: bool) -> bytes:
        status, before = self._status, self._status.taken
        with self._store.begin() as tx:
            is_contribution = prepared is not None and bool(prepared.submissions)
            # What is contributed is released by the hub's facts, which say as well who may contribute.
            found = self._collection if is_contribution else auth.writable(tx, self._partner, self._collection.id)
            if not self._charged:
                self._quotas.charge_objects(tx, self._partner.name, self._envelope.count)
            if prepared is not None:
                outcome = Results()
                check = partial(self._check_rights, tx)
                take(self._hub, tx, self._partner, prepared, outcome, leave_for_end=True, check=check)
                self._note(outcome)
            elif found.is_sandbox:
                self._note(sandbox.note(tx, self._partner, items))
            else:
                self._append(tx, found, items)
            resource = b""
            if last:
                resource = status.resource()
                inbox.save_status(tx, API_ROOT, status.id, self._partner.name, resource)
            if last or status.taken > before:
                self._record(tx, status.taken - before)
        self._charged = True
        return resource

    def _check_rights(self, tx: Tx, facts: HubFacts) -> None:
        """Refuse a contribution of a partner that may not write the inbox any more. Raises ``TaxiiError``."""
        if self._partner.name not in facts.writers.get(self._collection.alias, ()):
            auth.writable(tx, self._partner, self._collection.id)

    def _append(self, tx: Tx, collection: Collection, items: list[Item]) -> None:
        log.append(tx, collection, items)
        plain = {item.id for item in items if item.version is None}
        added = log.added(tx, collection, plain) if plain else {}
        requested = self._status.requested
        self._status.successes += [detail(item.id, item.version, added.get(item.id, requested)) for item in items]

    def _note(self, outcome: Results) -> None:
        status = self._status
        requested = status.requested
        status.successes += [detail(entry.id, entry.version, requested, entry.message) for entry in outcome.accepted]
        for result, entries in ((Result.HELD, outcome.held), (Result.KEPT, outcome.kept)):
            status.pendings += [
                detail(entry.id, entry.version, requested, f"{result}: {entry.message}") for entry in entries
            ]
        for entry in outcome.failed:
            status.fail(detail(entry.id, entry.version, requested, entry.message))

    def _refusal(self, raw: bytes, index: int, refused: Rejected) -> dict[str, str]:
        """Return the detail of a refused object, by its own id, else by its place in the envelope, counted from 0."""
        id_, version = (None, None) if refused.reason == "too-large" else stix_object.id_and_version(raw)
        message = f"{refused.reason}: {refused.message}"
        return detail(id_ or f"objects[{index}]", version, self._status.requested, message)

    def _record(self, tx: Tx, objects: int) -> None:
        """Record the write in the audit trail, in the transaction of the write."""
        record_write(
            tx,
            partner=self._partner.name,
            remote=self._remote,
            method="POST",
            route="objects",
            collection=self._collection.id,
            status=202,
            objects=objects,
            reference=self._status.id,
        )


def _checked(raw: bytes) -> Item:
    """Return one object, checked. Raises ``Rejected``, and ``TaxiiError`` 400 for a lone surrogate."""
    if not raw or (len(raw) > _MOST_MARKS and sum(map(raw.count, (b",", b"[", b"{"))) > _MOST_MARKS):
        raise Rejected("too-large", "An object has at most four MiB, and at most 100,000 values in it.")
    if has_lone_surrogate(raw):
        raise TaxiiError("lone-surrogate")
    return stix_object.check(raw)
