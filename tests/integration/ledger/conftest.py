"""A running hub that seals its publications, and readers that check it from outside with their own programs."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner, Result

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.tlog.notes import VerifierKey
from server.cli.program import app
from server.features.ledger.keys import LedgerKeys
from server.features.ledger.sealer import LedgerRules, Sealer
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.ledger import sealing
from tests.integration import peers
from tests.ports import free_port
from tests.processes import Forked, serve_hub


@dataclass
class SealedScamfeed:
    """A running hub, the keys of its logs, and a token for each partner."""

    store: Store
    hub: Hub
    keys: LedgerKeys
    url: str
    folder: Path
    database: str
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> VerifierKey:
        return self.keys.log[0].verifier

    def join(self, name: str, *reads: str) -> None:
        with self.store.begin() as tx:
            made = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
            self.tokens[name] = partners.add(tx, made).token
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)

    def report(self, *values: str) -> None:
        """Report domains, which are published at once, and seal the publications."""
        self.publish(*values)
        self.seal()

    def publish(self, *values: str) -> None:
        """Report domains, which are published at once."""
        for reporter in ("reporter", "police"):
            reader = ReportReader(
                {"reporter": reporter, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
            )
            items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value}))]
            with self.store.begin() as tx:
                contribute(self.hub, tx, partners.get(tx, reporter), items)

    def seal(self) -> None:
        while sealing.step(self.store, self.keys.name, self.keys.sign).more:
            pass

    def back_up(self) -> None:
        """Copy the hub's database."""
        self._copy("hub.db", "backup.db")

    def set_back(self) -> None:
        """Restore the hub's database from the copy while the hub runs."""
        self._copy("backup.db", "hub.db")

    def _copy(self, source: str, target: str) -> None:
        with (
            closing(sqlite3.connect(self.folder / source)) as original,
            closing(sqlite3.connect(self.folder / target)) as copy,
        ):
            original.backup(copy)

    def objects(self, collection: str = "takedown", by: str = "reader") -> list[dict[str, Any]]:
        """Return all versions of all objects of a collection, as a reader gets them."""
        answer = requests.get(
            f"{self.url}feed/collections/{collection}/objects/?match[version]=all&match[spec_version]=2.0,2.1",
            headers={"Authorization": f"Bearer {self.tokens[by]}"},
            timeout=60,
        )
        found: list[dict[str, Any]] = answer.json()["objects"]
        return found

    def run(self, *arguments: str | Path, by: str = "reader") -> Result:
        """Run a partner's command with its token, and wait until pending objects are sealed."""
        command = [*map(str, arguments), "--server", self.url, "--allow-private"]
        return CliRunner().invoke(app, command, env={"SCAMFEED_TOKEN": self.tokens[by]})

    def run_at_hub(self, *arguments: str | Path) -> Result:
        """Run an operator's command on the hub."""
        settings = {"SCAMFEED_DATABASE_URL": self.database}
        settings["SCAMFEED_LEDGER_KEY_FILE"] = str(self.folder / "ledger.key")
        return CliRunner().invoke(app, list(map(str, arguments)), env=settings)

    def verify(self, file: Path, *more: str | Path, by: str = "reader", collection: str = "takedown") -> Any:
        """Return the exit code and output of ``scamfeed verify``."""
        arguments = ["verify", file, "--collection", collection, "--key", str(self.key), "--json", *more]
        result = self.run(*arguments, by=by)
        assert result.exit_code in (0, 1), result.output
        return result.exit_code, json.loads(result.stdout)


def serve_unsealed(*given: Any) -> None:
    """Serve a hub that does not seal by itself."""
    Sealer.seal = lambda *_: 0  # type: ignore[method-assign] # in a process of its own, which ends with it
    serve_hub(*given)


@contextmanager
def _served(folder: Path, store_of: Path | str, serve: Callable[..., None] = serve_hub) -> Iterator[SealedScamfeed]:
    """Serve a hub on a copy of an SQLite store, or on a database by its URL."""
    if isinstance(store_of, Path):
        shutil.copy(store_of, folder / "hub.db")
        database = f"sqlite:///{folder / 'hub.db'}"
    else:
        database = store_of
        with closing(Store.open(database)) as empty:
            set_up(empty)
    store = Store.open(database)
    key_file = folder / "ledger.key"
    keys = LedgerRules(key_file, "hub.example").keys(store)
    port, log = free_port(), folder / "hub.log"
    settings = {"database_url": database, "ledger_key_file": key_file}
    with peers.answering(Forked(serve, settings, port, 1, 4, log=log), port, log) as url:
        made = SealedScamfeed(store, Hub(store, Policy(newcomers=NewcomerRule(0, 0))), keys, url, folder, database)
        for name in ("reporter", "police", "stranger"):
            made.join(name)
        made.join("reader", "takedown", "takedown-full")
        yield made
    store.close()


@pytest.fixture(scope="package")
def sealed(tmp_path_factory: pytest.TempPathFactory, initial_store: Path) -> Iterator[SealedScamfeed]:
    """A hub shared by all tests of this folder. They only add to it."""
    with _served(tmp_path_factory.mktemp("sealed"), initial_store) as made:
        yield made


@pytest.fixture
def restored(tmp_path: Path, initial_store: Path) -> Iterator[SealedScamfeed]:
    """A hub for a single test that damages it."""
    with _served(tmp_path, initial_store) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def harmed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SealedScamfeed]:
    """A hub for a single test that damages it, on either database."""
    if request.param == "sqlite":
        store_of = request.getfixturevalue("initial_store")
    else:
        server = request.getfixturevalue("postgres")
        store_of = server.url(server.database(request.getfixturevalue("postgres_template")))
    with _served(tmp_path, store_of) as made:
        yield made


@pytest.fixture
def waiting(tmp_path: Path, initial_store: Path) -> Iterator[SealedScamfeed]:
    """A hub for a single test whose server does not seal by itself."""
    with _served(tmp_path, initial_store, serve_unsealed) as made:
        yield made
