"""A hub on SQLite and on PostgreSQL, reporting partners, and a search in every byte of the database."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from sqlalchemy import text

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.erasures import action
from server.operations import dual_control, registry
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.results import Results
from server.release.route.policy import Policy
from server.store import Store, collections, listings, log, partners
from server.store.item import Item
from server.store.objects import bodies
from server.store.objects.query import Query
from tests.postgres import Postgres
from tests.times import text_ago
from tests.unit.server.release.hubs import NOBODY_NEW

REPORTED = text_ago(days=30)


class ErasingHub:
    """A hub with partners, and the operations of a test."""

    def __init__(self, store: Store, files: Path, server: Postgres | None) -> None:
        self.store, self.files, self.server = store, files, server
        self.hub = Hub(store, Policy(newcomers=NOBODY_NEW))

    def join(self, name: str, kind: str = "bank", *reads: str) -> Partner:
        partner = Partner(name=name, kind=PartnerKind(kind), country="TH", identity=ids.identity(name))
        with self.store.begin() as tx:
            partners.add(tx, partner)
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
        return partner

    def objects(self, partner: Partner, value: str, kind: str = "bank-account", **columns: str) -> list[dict[str, Any]]:
        given = {"reporter": partner.name, "reported_at": REPORTED, "kind": kind, "tlp": "amber"}
        return to_stix(ReportReader({**given, **columns}).report({"value": value}))

    def post(self, partner: Partner, *objects: dict[str, Any]) -> Results:
        with self.store.begin() as tx:
            return contribute(self.hub, tx, partner, [Item.of(obj) for obj in objects])

    def report(self, partner: Partner, value: str, kind: str = "bank-account", **columns: str) -> dict[str, Any]:
        objects = self.objects(partner, value, kind, **columns)
        done = self.post(partner, *objects)
        assert not done.failed
        return next(obj for obj in objects if obj["type"] == "indicator")

    def record(self, partner: Partner, **columns: Any) -> dict[str, Any]:
        """Contribute a record about other objects."""
        which = columns.pop("record")
        made = tabular.read_record(which, columns, {"reporter": partner.name, "reported_at": REPORTED})
        obj = records.to_stix(made)[-1]
        assert not self.post(partner, obj).failed
        return obj

    def listing(self, subject: str) -> str:
        with self.store.read() as tx:
            return sorted(listings.ids(tx, subject))[-1]

    def latest(self, alias: str) -> dict[str, dict[str, Any]]:
        with self.store.read() as tx:
            page = log.page(tx, collections.get(tx, alias), Query())
        return {obj["id"]: obj for obj in map(msgspec.json.decode, page.bodies)}

    def erase(self, value: str, kind: str | None = None) -> str:
        """Erase a value under dual control, and return the id of the erasure."""
        with self.store.begin() as tx:
            arguments = action.arguments(tx, value, kind, "the law asks for it")
            proposed = dual_control.propose(self.hub, tx, action.ACTION, arguments, "Anong")
        with self.store.begin() as tx:
            found, done = dual_control.confirm(self.hub, tx, registry.actions(), proposed.id, "Boon")
        assert found.state == "confirmed"
        ended = action.finish(self.hub)
        assert ended[0].code == "erasure-ended", ended
        return str(done[0].values["id"])

    def traces(self, *needles: str | bytes) -> list[str]:
        """Return the places in the database, including compressed bodies, that contain any of these bytes."""
        wanted = [needle.encode() if isinstance(needle, str) else needle for needle in needles]
        found = []
        with self.store.read() as tx:
            for collection, body in tx.execute(text("SELECT collection, body FROM objects")).all():
                unpacked = b" ".join(bodies.of(tx).all_of(tx, bytes(body)))
                found += [f"{collection}: {needle!r} in {unpacked!r}" for needle in wanted if needle in unpacked]
        for file in self._data_files():
            try:
                bytes_ = file.read_bytes()
            except FileNotFoundError:
                continue  # PostgreSQL deleted it since it was listed
            found += [f"{file.name}: {needle!r}" for needle in wanted if needle in bytes_]
        return found

    def _data_files(self) -> Iterable[Path]:
        if self.server is None:
            return sorted(self.files.glob("hub.db*"))
        with psycopg.connect(self._admin(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            [(number,)] = connection.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).fetchall()
        return sorted(path for path in (self.server.folder / "data" / "base" / str(number)).iterdir() if path.is_file())

    def _admin(self) -> str:
        return re.sub(r"\+psycopg", "", self.store._engine.url.render_as_string(hide_password=False))


def halves(id_: str) -> tuple[bytes, bytes]:
    """Return the first half of a UUID as stored in a row by SQLite and by PostgreSQL."""
    high = UUID(id_[-36:]).bytes[:8]
    return high, high[::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ErasingHub]:
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("initial_store")
        store = Store.open(f"sqlite:///{shutil.copy(template, tmp_path / 'hub.db')}")
        yield ErasingHub(store, tmp_path, None)
        store.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_initial"))
    store = Store.open(server.url(name))
    yield ErasingHub(store, tmp_path, server)
    store.close()
    server.drop(name)
