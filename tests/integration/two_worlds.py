"""Two copies of one hub, with and without contributions hidden from some partners, and each partner's view of both."""

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask

from mappers import ids, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.tabular import ReportReader
from server.app import DIRECT_WRITES
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.results import Results
from server.release.retract import retract
from server.release.route import audience
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, hub_identity, partners, value_index
from server.store.collections import Collection, PrivateUse
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.objects import ends
from server.web.taxii.application import TaxiiApplication, call_wsgi
from server.web.taxii.mount import mount
from tests.times import ago

TAXII = "application/taxii+json;version=2.1"
BEGINNING = ago(days=30).replace(hour=8, minute=0, second=0, microsecond=0)
STEP = timedelta(minutes=7)

# Name, kind, country, readable collections.
PARTNERS: tuple[tuple[str, PartnerKind, str | None, tuple[str, ...]], ...] = (
    ("First Bank", PartnerKind.BANK, "TH", ("mule-accounts", "takedown-full", "sightings")),
    ("Second Bank", PartnerKind.BANK, "KH", ("mule-accounts-full", "sightings-full", "public")),
    ("Exchange", PartnerKind.EXCHANGE, None, ("wallets", "wallets-full", "mule-accounts")),
    ("Platform", PartnerKind.PLATFORM, "TH", ("takedown", "sightings", "public-full")),
    ("Police", PartnerKind.GOVERNMENT, "TH", ("mule-accounts", "takedown", "wallets-full", "sightings")),
    ("Newcomer", PartnerKind.NGO, "SG", ("public",)),
)
NAMES = tuple(name for name, *_ in PARTNERS)
VALUES: tuple[dict[str, str], ...] = (
    {"kind": "domain", "value": "parcel-refund.example.com"},
    {"kind": "domain", "value": "cheap-phones.example.com"},
    {"kind": "bank-account", "value": "4567890123", "bank": "KBANK", "country": "TH"},
    {"kind": "wallet", "value": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"},
)


@dataclass(frozen=True)
class Step:
    """One act of a partner: a report, a retraction, a sighting or an outcome."""

    by: str
    what: str = "report"
    value: int = 0
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> dict[str, str]:
        return dict(self.columns)


@dataclass
class World:
    """One hub: its store, its application, and its results for the steps taken."""

    store: Store
    application: TaxiiApplication
    tokens: dict[str, str]
    answers: list[tuple[str, int, list[tuple[str, str, str]]]] = field(default_factory=list)

    def take(self, number: int, step: Step) -> None:
        with self.store.begin() as tx:
            partner = partners.get(tx, step.by)
            if step.what == "retract":
                retract(Hub(self.store), tx, report_of(step).value, partner)
                return
            outcome = contribute(Hub(self.store), tx, partner, self._items(step, hub_identity.secret(tx, "ids")))
            self.answers.append((step.by, number, _plainly(outcome)))

    def answers_to(self, name: str) -> list[tuple[str, int, list[tuple[str, str, str]]]]:
        return [answer for answer in self.answers if answer[0] == name]

    def _items(self, step: Step, secret: bytes) -> list[Item]:
        report = report_of(step)
        if step.what == "report":
            return [Item.of(obj) for obj in to_stix(report)]
        of = _listing(secret, report, 0)
        defaults = {"reporter": step.by, "reported_at": timestamp.text(timestamp.now())}
        name = step.what if step.what == "sighting" else "outcome"
        said = {"of": of, **({"outcome": step.what} if name == "outcome" else {}), **step.said}
        return [Item.of(obj) for obj in record_mapper.to_stix(tabular.read_record(name, said, defaults))]

    def sees(self, name: str, others: Iterable[str]) -> dict[str, tuple[str, dict[str, str], bytes]]:
        """Send each request about objects that a partner can make, also for ``others``, and return the responses."""
        asked = ["/taxii2/", "/feed/", "/feed/collections/", "/feed/collections/outcomes/objects/"]
        found = {path: self._get(name, path) for path in asked}
        for collection in self._aliases():
            base = f"/feed/collections/{collection}/"
            paths = [base, f"{base}manifest/", f"{base}objects/", f"{base}objects/?match[version]=all"]
            paths += [f"{base}objects/?match[id]={','.join(sorted(others))}", f"{base}objects/?match[type]=indicator"]
            for id_ in sorted(others):
                paths += [f"{base}objects/{id_}/", f"{base}objects/{id_}/versions/"]
            found |= {path: self._get(name, path) for path in paths}
            found |= dict(self._pages(name, f"{base}objects/?limit=2"))
        return found

    def _pages(self, name: str, path: str) -> Iterator[tuple[str, tuple[str, dict[str, str], bytes]]]:
        next_, number = "", 0
        while number < 200:
            status, headers, body = self._get(name, path + next_)
            yield f"{path} page {number}", (status, headers, body)
            token = json.loads(body).get("next") if status.startswith("200") else None
            if token is None:
                return
            next_, number = f"&next={token}", number + 1

    def _aliases(self) -> list[str]:
        with self.store.read() as tx:
            shared = [each.alias for each in collections.all_collections(tx) if each.kind != "private"]
        # Private collections of other partners look absent to a reader whether they exist or not.
        return [*shared, *(f"{use}-{slug}" for use in get_args(PrivateUse) for slug in ("police", "newcomer"))]

    def _get(self, name: str, path: str) -> tuple[str, dict[str, str], bytes]:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"Bearer {self.tokens[name]}",
            "HTTP_ACCEPT": TAXII,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "https",
        }
        status, headers, body = call_wsgi(self.application, environ)
        return status, dict(headers), self._normal(body)

    def _normal(self, body: bytes) -> bytes:
        """Return a body without its random parts: error ids, and ids of collections created during the run."""
        body = re.sub(rb'"error_id": ?"[^"]*"', b'"error_id":""', body)
        with self.store.read() as tx:
            for each in collections.all_collections(tx):
                body = body.replace(each.id.encode(), each.alias.encode())
        return body


def report_of(step: Step) -> Report:
    defaults = {"reporter": step.by, "reported_at": timestamp.text(timestamp.now())}
    said = step.said if step.what == "report" else {}
    return ReportReader(defaults).report({**VALUES[step.value], **said})


def readers_of(world: World, step: Step) -> frozenset[str]:
    """Return the audience of a report according to the rules for a single contribution."""
    report = report_of(step)
    with world.store.read() as tx:
        here = partners.load_registry(tx)
    reached = audience.audience_of(report.kind, report.tlp, report.sharing, here.partners[step.by], here, Policy())
    return reached.readers(here)


def hub_ids(world: World, values: Iterable[int]) -> set[str]:
    """Return the ids under which the hub would publish the first and second listing of these values."""
    with world.store.read() as tx:
        secret = hub_identity.secret(tx, "ids")
    reports = [report_of(Step("Police", value=place)) for place in values]
    return {_listing(secret, each, number) for each in reports for number in (0, 1)}


def _listing(secret: bytes, report: Report, number: int) -> str:
    """Return the id of the value's listing in the shared collections."""
    return ids.of_hub(secret, "indicator", "listing", value_index.subject_of(report.kind, report.value), "", number)


@dataclass(frozen=True)
class Ground:
    """A prepared hub, copied for each world."""

    file: Path
    tokens: dict[str, str]


def prepared(folder: Path) -> Ground:
    file = folder / "ground.db"
    store = Store.open(f"sqlite:///{file}")
    set_up(store)
    tokens = {}
    with store.begin() as tx:
        for name, kind, country, reads in PARTNERS:
            partner = Partner(name=name, kind=kind, country=country, identity=ids.identity(name), vouched=True)
            tokens[name] = partners.add(tx, partner).token
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
    store.close()
    return Ground(file, tokens)


@contextmanager
def world_on(ground: Ground, file: Path) -> Iterator[World]:
    shutil.copy(ground.file, file)
    store = Store.open(f"sqlite:///{file}")
    application = mount(Flask("hub", static_folder=None), Hub(store), title="Hub", contact="", writes=DIRECT_WRITES)
    try:
        with pytest.MonkeyPatch.context() as patch:
            ids_by_alias(patch)
            yield World(store, application, ground.tokens)
    finally:
        store.close()


class Clock:
    """A frozen clock that advances one step on request."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = BEGINNING
        patch.setattr(timestamp, "now", lambda: self.now)
        patch.setattr(ends, "now", lambda: int(self.now.timestamp() * 1_000_000))

    def at(self, number: int) -> None:
        self.now = BEGINNING + number * STEP


def ids_by_alias(patch: pytest.MonkeyPatch) -> None:
    """Derive collection ids from their aliases, because random ids would make page tags differ."""
    add = collections.add

    def add_by_alias(tx: Tx, alias: str, *args: Any, **more: Any) -> Collection:
        with pytest.MonkeyPatch.context() as while_adding:
            id_ = uuid.UUID(bytes=hashlib.md5(alias.encode(), usedforsecurity=False).digest(), version=4)
            while_adding.setattr(uuid, "uuid4", lambda: id_)
            return add(tx, alias, *args, **more)

    patch.setattr(collections, "add", add_by_alias)


def difference(seen: bytes, expected: bytes) -> str:
    """Return the objects that differ between two bodies, as text for a failed assertion."""
    one, other = (json.loads(body).get("objects") or [json.loads(body)] for body in (seen, expected))
    return f"\nseen: {[each for each in one if each not in other]}\nelse: {[each for each in other if each not in one]}"


def _plainly(outcome: Results) -> list[tuple[str, str, str]]:
    accepted = [("accepted", each.id, "") for each in outcome.accepted]
    pending = [("pending", each.id, each.message) for each in outcome.pending]
    return sorted([*accepted, *pending, *(("failed", each.id, each.message) for each in outcome.failed)])
