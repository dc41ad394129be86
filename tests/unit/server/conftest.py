"""A migrated store with the default collections, two partners, and reports as items."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mappers import extension, ids, records as records_to_stix
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.fuse.statements import indicator_subject
from server.release.results import Results
from server.release.route.policy import Policy
from server.store import Store, collections, hub_identity, inbox, log, partners
from server.store.item import Item
from tests.postgres import Postgres
from tests.times import text_ago
from tests.unit.server.release.hubs import NOBODY_NEW, hub_on

REPORTED, RECORDED = text_ago(days=62), text_ago(days=31)


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store like after ``scamfeed init``, on each database."""
    if request.param == "sqlite":
        opened = Store.open(f"sqlite:///{shutil.copy(request.getfixturevalue('initial_store'), tmp_path / 'hub.db')}")
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_initial"))
    opened = Store.open(server.url(name))
    yield opened
    opened.close()
    server.drop(name)


def partner_called(store: Store, name: str) -> Partner:
    partner = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))
    with store.begin() as tx:
        partners.add(tx, partner)
    return partner


@pytest.fixture
def bank(store: Store) -> Partner:
    return partner_called(store, "Example Bank")


@pytest.fixture
def other(store: Store) -> Partner:
    return partner_called(store, "Other Bank")


@pytest.fixture
def stix() -> Callable[..., list[dict[str, Any]]]:
    """Make the STIX objects of one report by Example Bank."""

    def make(value: str = "bad.example.com", kind: str = "domain", **columns: str) -> list[dict[str, Any]]:
        defaults = {"reporter": "Example Bank", "reported_at": REPORTED, "kind": kind, "tlp": "green", **columns}
        return to_stix(ReportReader(defaults).report({"value": value}))

    return make


@pytest.fixture
def policies() -> list[Policy]:
    """Return the policies of the hub, the current one last."""
    return [Policy(newcomers=NOBODY_NEW)]


@pytest.fixture
def post(store: Store, bank: Partner, policies: list[Policy]) -> Callable[..., Results]:
    """Contribute objects in one transaction, as Example Bank by default."""

    def send(*objects: dict[str, Any], by: Partner = bank) -> Results:
        with store.begin() as tx:
            return contribute(hub_on(store, policies[-1]), tx, by, [Item.of(obj) for obj in objects])

    return send


@pytest.fixture
def listed(store: Store) -> Callable[..., str]:
    """Return the id of the hub's first or next listing of an indicator's value.

    It is the id in the shared collections, or in a partner's private collection.
    """

    def name(indicator: dict[str, Any], seq: int = 0, to: Partner | None = None) -> str:
        with store.read() as tx:
            named = "listing", str(indicator_subject(indicator)), to.name if to else "", seq
            return ids.of_hub(hub_identity.secret(tx, "ids"), "indicator", *named)

    return name


@pytest.fixture
def published(store: Store) -> Callable[[dict[str, Any]], str]:
    """Return the id under which the hub publishes a partner's annotation."""

    def name(obj: dict[str, Any]) -> str:
        with store.read() as tx:
            (by,) = [each for each in partners.all_partners(tx) if each.identity == obj["created_by_ref"]]
            key = inbox.key(partners.space(tx, by.name), obj["id"])
            return ids.of_hub(hub_identity.secret(tx, "ids"), obj["type"], "annotation", key)

    return name


@pytest.fixture
def held_by(store: Store) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Read the latest versions of all objects of a collection, by id."""

    def read(alias: str) -> dict[str, dict[str, Any]]:
        with store.read() as tx:
            page = log.page(tx, collections.get(tx, alias), log.Query())
        return {obj["id"]: obj for obj in map(msgspec.json.decode, page.bodies)}

    return read


@pytest.fixture
def joins(store: Store) -> Callable[..., Partner]:
    """Register a partner, and grant it the collections that it ``reads``."""

    def join(
        name: str, kind: str = "bank", reads: Iterable[str] = (), country: str | None = "TH", **more: Any
    ) -> Partner:
        partner = Partner(name=name, kind=PartnerKind(kind), country=country, identity=ids.identity(name), **more)
        with store.begin() as tx:
            partners.add(tx, partner)
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
        return partner

    return join


@pytest.fixture
def reports(stix: Callable[..., list[dict[str, Any]]], post: Callable[..., Results]) -> Callable[..., dict[str, Any]]:
    """Let a partner report a value, and return its indicator."""

    def report(by: Partner, value: str = "bad.example.com", kind: str = "domain", **columns: str) -> dict[str, Any]:
        indicator = stix(value, kind, reporter=by.name, **columns)[1]
        assert not post(indicator, by=by).failed
        return indicator

    return report


@pytest.fixture
def withdraws(post: Callable[..., Results]) -> Callable[[Partner, dict[str, Any]], None]:
    """Let a partner revoke its own object."""

    def withdraw(by: Partner, obj: dict[str, Any]) -> None:
        next_second = timestamp.text(timestamp.parse(obj["modified"]) + timedelta(seconds=1))
        modified = max(text_ago(days=30), next_second)
        assert not post({**obj, "modified": modified, "revoked": True}, by=by).failed

    return withdraw


@pytest.fixture
def records_of(post: Callable[..., Results]) -> Callable[..., dict[str, Any]]:
    """Let a partner contribute a record: a sighting, an outcome, an opinion. Return its object."""

    def contribute_record(by: Partner, which: str, /, **columns: Any) -> dict[str, Any]:
        defaults = {"reporter": by.name, "reported_at": RECORDED, "tlp": "green"}
        obj = records_to_stix.to_stix(tabular.read_record(which, columns, defaults))[-1]
        assert not post(obj, by=by).failed
        return obj

    return contribute_record


@pytest.fixture
def own_room(store: Store) -> Callable[..., dict[str, dict[str, Any]]]:
    """Read the latest versions in a partner's private collection, which may not exist yet."""

    def read(partner: Partner, use: collections.PrivateUse = "for") -> dict[str, dict[str, Any]]:
        with store.read() as tx:
            room = collections.find_private(tx, partner.name, use)
            if room is None:
                return {}
            page = log.page(tx, room, log.Query())
        return {obj["id"]: obj for obj in map(msgspec.json.decode, page.bodies)}

    return read


@pytest.fixture
def feedback_of(own_room: Callable[..., dict[str, dict[str, Any]]]) -> Callable[[Partner], list[dict[str, Any]]]:
    """Return a partner's feedback on its contributions with the objects concerned, sorted."""

    def read(partner: Partner) -> list[dict[str, Any]]:
        notes = [obj for obj in own_room(partner, "outcomes").values() if obj["type"] == "note"]
        told = [{**extension.context_of(each)["feedback"], "refs": each["object_refs"]} for each in notes]
        kept = ("event", "by_kind", "outcome", "refs")
        return sorted(({name: each[name] for name in kept if name in each} for each in told), key=str)

    return read
