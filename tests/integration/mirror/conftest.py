"""A hub that is served, a bank that reports to it and one that has a mirror of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.mirror.check import Mirror
from feeds.mirror.schedule import sync_once
from feeds.mirror.settings import MirrorSettings
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from tests.integration import peers


class MirroredScamfeed:
    """A hub with partners, and the settings of a bank's mirror of it."""

    def __init__(self, store: Store, url: str, folder: Path, token: str) -> None:
        self.store = store
        self.url = url
        self.file = folder / "mirror.db"
        self._secret = folder / "token"
        self._secret.write_text(token)
        kinds = {"Ministry": PartnerKind.GOVERNMENT, "Platform": PartnerKind.PLATFORM}
        self.reporters = [Partner(name=name, kind=kind, identity=ids.identity(name)) for name, kind in kinds.items()]
        with store.begin() as tx:
            for reporter in self.reporters:
                partners.add(tx, reporter)

    def settings(self, *names: str, **more: Any) -> MirrorSettings:
        hub = {"name": "hub", "url": self.url, "collections": names, "allow_private": True}
        hub |= {"token": {"file": str(self._secret)}, "retries": 0} | more.pop("hub", {})
        own = {"file": str(self.file)} | more.pop("mirror", {})
        return MirrorSettings.model_validate({"mirror": own, "hub": [hub], **more})

    def sync(self, *names: str, **more: Any) -> Any:
        (done,) = sync_once(self.settings(*(names or ("takedown", "mule-accounts")), **more))
        return done

    def open(self) -> Mirror:
        return Mirror(self.file)

    def report(self, *values: str, kind: str = "domain", **fields: Any) -> None:
        """Report values in the name of two, which is enough to block them."""
        given = {"kind": kind, "reported_at": timestamp.text(timestamp.now()), "tlp": "green", **fields}
        for reporter in self.reporters:
            reader = ReportReader({**given, "reporter": reporter.name})
            items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value}))]
            with self.store.begin() as tx:
                contribute(Hub(self.store), tx, reporter, items)

    def retract(self, value: str) -> None:
        with self.store.begin() as tx:
            assert retract(Hub(self.store), tx, value)

    def grant(self, alias: str) -> None:
        with self.store.begin() as tx:
            collections.grant(tx, "Bank", collections.get(tx, alias), read=True)

    def revoke(self, alias: str) -> None:
        with self.store.begin() as tx:
            collections.revoke(tx, "Bank", collections.get(tx, alias))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirroredScamfeed]:
    folder = tmp_path_factory.mktemp("hub")
    database = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(database)
    set_up(store)
    with store.begin() as tx:
        bank = partners.add(tx, Partner(name="Bank", kind=PartnerKind.BANK, identity=ids.identity("Bank")))
    with peers.scamfeed(database, folder / "hub.log") as address:
        yield MirroredScamfeed(store, f"{address}feed/", folder, bank.token)
    store.close()


@pytest.fixture
def hub(served: MirroredScamfeed, tmp_path: Path) -> MirroredScamfeed:
    """Give a hub that other tests use too, and a mirror of its own."""
    served.file = tmp_path / "mirror.db"
    for alias in ("takedown", "mule-accounts", "public"):
        served.grant(alias)
    return served
