"""A running hub, a bank that reports to it, and a bank with a mirror of it."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract_all
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from tests.integration import peers
from tests.processes import Forked, scamfeed


class MirroredScamfeed:
    """A hub with partners, and the settings of a bank's mirror."""

    def __init__(self, store: Store, url: str, folder: Path, token: str) -> None:
        self.store = store
        self.url = url
        self.token = token
        self.file = folder / "mirror.db"
        self._secret = folder / "token"
        self._secret.write_text(token)
        kinds = {"Ministry": PartnerKind.GOVERNMENT, "Platform": PartnerKind.PLATFORM}
        self.reporters = [
            Partner(name=name, kind=kind, identity=ids.identity(name), vouched=True) for name, kind in kinds.items()
        ]
        with store.begin() as tx:
            for reporter in self.reporters:
                partners.add(tx, reporter)

    def settings(self, *names: str, **more: Any) -> MirrorSettings:
        hub = {"name": "hub", "url": self.url, "collections": names, "allow_private": True}
        hub |= {"token": {"file": str(self._secret)}, "retries": 0} | more.pop("hub", {})
        own = {"file": str(self.file)} | more.pop("mirror", {})
        return MirrorSettings.model_validate({"mirror": own, "hub": [hub], **more})

    def write_settings(self, path: Path, *names: str, **more: Any) -> Path:
        """Write the settings of a mirror next to its file, as a bank would."""
        hub = {"name": "hub", "url": self.url, "collections": list(names), "allow_private": True}
        hub |= {"token": {"file": str(self._secret)}, **more.pop("hub", {})}
        tables = {"mirror": {"file": "mirror.db", "every": "1s", **more.pop("mirror", {})}, **more}
        lines = [
            line
            for name, table in [*((f"[{name}]", table) for name, table in tables.items()), ("[[hub]]", hub)]
            for line in (name, *(f"{key} = {_toml(value)}" for key, value in table.items()), "")
        ]
        path.write_text("\n".join(lines))
        return path

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def sync(self, *names: str, **more: Any) -> Any:
        (done,) = sync_once(self.settings(*(names or ("takedown", "mule-accounts")), **more))
        return done

    def open(self) -> Mirror:
        return Mirror(self.file)

    def report(self, *values: str, kind: str = "domain", **fields: Any) -> None:
        """Report values as two partners, which is enough to block them."""
        given = {"kind": kind, "reported_at": timestamp.text(timestamp.now()), "tlp": "green", **fields}
        for reporter in self.reporters:
            reader = ReportReader({**given, "reporter": reporter.name})
            items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value}))]
            with self.store.begin() as tx:
                contribute(Hub(self.store), tx, reporter, items)

    def retract(self, value: str) -> None:
        self.retract_all([value])

    def retract_all(self, values: list[str]) -> None:
        """Let the reporters retract their values."""
        for reporter in self.reporters:
            with self.store.begin() as tx:
                assert retract_all(Hub(self.store), tx, values, reporter)

    def grant(self, alias: str) -> None:
        with self.store.begin() as tx:
            collections.grant(tx, "Bank", collections.get(tx, alias), read=True)

    def revoke(self, alias: str) -> None:
        with self.store.begin() as tx:
            collections.revoke(tx, "Bank", collections.get(tx, alias))


@contextmanager
def mirror_service(config: Path, *options: str) -> Iterator[str]:
    """Serve a mirror by the command, and yield the address of its checks."""
    log = config.parent / "log"
    server = Forked(scamfeed, "--config", str(config), "mirror", "serve", "--port", "0", *options, log=log)
    deadline = time.monotonic() + 60
    try:
        while not (found := re.search(r"^(http://\S+/check)$", log.read_text(), re.MULTILINE)):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield found[1]
    finally:
        server.terminate()
        server.wait(60)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {json.dumps(text)}" for name, text in value.items()) + " }"
    return json.dumps(value)


@contextmanager
def mirrored_hub(folder: Path, **settings: Any) -> Iterator[MirroredScamfeed]:
    """Serve a hub with a bank that mirrors it."""
    database = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(database)
    set_up(store)
    with store.begin() as tx:
        bank = partners.add(
            tx, Partner(name="Bank", kind=PartnerKind.BANK, identity=ids.identity("Bank"), vouched=True)
        )
    with peers.scamfeed(database, folder / "hub.log", **settings) as address:
        yield MirroredScamfeed(store, f"{address}feed/", folder, bank.token)
    store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirroredScamfeed]:
    with mirrored_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def hub(served: MirroredScamfeed, tmp_path: Path) -> MirroredScamfeed:
    """Share a hub with other tests, and give each test its own mirror."""
    served.file = tmp_path / "mirror.db"
    for alias in ("takedown", "mule-accounts", "public"):
        served.grant(alias)
    return served
