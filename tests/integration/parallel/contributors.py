"""A partner that contributes reports, annotations and revocations to a hub."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import prepare_all, take_all
from server.release.hub import Hub
from server.release.results import Results
from server.store import collections, partners
from server.store.database.engine import Contended
from server.store.item import Item
from tests.times import text_ago

Obj = dict[str, Any]

REPORTED = text_ago(days=60)


@dataclass(frozen=True)
class Contributor:
    """One partner of a hub."""

    hub: Hub
    partner: Partner

    @classmethod
    def join(cls, hub: Hub, name: str, kind: PartnerKind = PartnerKind.BANK, **more: Any) -> "Contributor":
        """Register a partner that reads all shared collections."""
        partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more)
        with hub.store.begin() as tx:
            partners.add(tx, partner)
            for collection in collections.all_collections(tx):
                if collection.kind == "released":
                    collections.grant(tx, name, collection, read=True)
        return cls(hub, partner)

    def at(self, hub: Hub) -> "Contributor":
        """Return the same partner on another node."""
        return Contributor(hub, self.partner)

    def report(self, value: str, **columns: str) -> Obj:
        """Return the indicator for a report of a domain."""
        reader = ReportReader(
            {"reporter": self.partner.name, "reported_at": REPORTED, "kind": "domain", "tlp": "green", **columns}
        )
        return to_stix(reader.report({"value": value}))[1]

    def annotation(self, kind: str, **columns: Any) -> Obj:
        """Return the object of a record: a sighting, an outcome, an opinion."""
        given = {"reporter": self.partner.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        return records.to_stix(tabular.read_record(kind, columns, given))[-1]

    def revoked(self, obj: Obj) -> Obj:
        """Return the revocation of an object."""
        return {**obj, "modified": timestamp.text(timestamp.now()), "revoked": True}

    def contribute(self, *objects: Obj) -> Results:
        """Contribute objects in one transaction, and retry after a conflict with others."""
        while True:
            try:
                with self.contributing(objects) as results:
                    pass
            except Contended:
                continue
            return results

    @contextmanager
    def contributing(self, objects: Sequence[Obj]) -> Iterator[Results]:
        """Contribute objects in a transaction that stays open for the duration of the block."""
        parts = list(prepare_all(self.hub, [Item.of(obj) for obj in objects]))
        with self.hub.store.begin() as tx:
            yield take_all(self.hub, tx, self.partner, parts, leave_for_end=True)
