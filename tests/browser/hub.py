"""The hub that the browser visits: served from a store with a little of everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, focal_points, partners
from server.store.item import Item
from tests.integration.peers import scamfeed

LISTED = "parcel-refund.example.com"
FOUND_BY_MANY = ("First Bank", "Second Bank", "Police")
HOSTILE = '<img src=x onerror="alert(1)">'


@dataclass(frozen=True)
class BrowsedHub:
    """A hub that serves: its address, and its store."""

    address: str
    store: Store


@contextmanager
def open_hub(folder: Path) -> Iterator[BrowsedHub]:
    """Make the store, fill it, and serve it."""
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store, "Hub of the Tests")
    with store.begin() as tx:
        for name in (*FOUND_BY_MANY, HOSTILE):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)))
        focal_points.put(tx, focal_points.HUB, FocalFunction.PREVENTION, "help@hub.example")
    for name in FOUND_BY_MANY:
        report(store, name, LISTED, tlp="clear")
    try:
        with scamfeed(store.url, folder / "hub.log") as address:
            yield BrowsedHub(address.rstrip("/"), store)
    finally:
        store.close()


def report(store: Store, partner: str, value: str, *, tlp: str = "green", kind: str = "domain", **more: str) -> None:
    """Let a partner report a value."""
    given = {"reporter": partner, "kind": kind, "tlp": tlp, "scam_type": "merchandise"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    made = reader.report({"value": value, **more})
    with store.begin() as tx:
        contributor = partners.get(tx, partner)
        contribute(Hub(store), tx, contributor, [Item.of(obj) for obj in to_stix(made)])
