"""A hub without sockets that lists values of several partners, on either database."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mappers import ids
from mappers.indicator import to_stix
from mappers.records import to_stix as records_to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.app import close, create_app
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.retract import retract
from server.release.route.policy import Policy
from server.settings import Settings
from server.store import Store, collections, partners
from server.store.item import Item
from server.web.taxii.application import TaxiiApplication, call_wsgi
from tests.initial_stores import initial_url

KINDS = {"bank": PartnerKind.BANK, "police": PartnerKind.GOVERNMENT, "reader": PartnerKind.BANK}


@dataclass
class ApiHub:
    """The hub, its application, and a token for each partner."""

    store: Store
    hub: Hub
    application: TaxiiApplication
    tokens: dict[str, str] = field(default_factory=dict)

    def join(self, name: str, *reads: str, kind: PartnerKind = PartnerKind.BANK) -> None:
        """Register a partner that reads some collections."""
        with self.store.begin() as tx:
            made = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), vouched=True)
            self.tokens[name] = partners.add(tx, made).token
        self.grant(name, *reads)

    def grant(self, name: str, *reads: str) -> None:
        with self.store.begin() as tx:
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)

    def report(self, by: str, value: str, kind: str, *, seq: int = 0, **columns: Any) -> None:
        """Contribute a report of a value as ``by``."""
        details = columns.pop("details", {})
        given = {"reporter": by, "kind": kind, "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
        report = ReportReader({**given, **columns}).report({"value": value, **details})
        with self.store.begin() as tx:
            partner = partners.get(tx, by)
            contribute(self.hub, tx, partner, [Item.of(obj) for obj in to_stix(report, seq=seq)])

    def contribute_record(self, by: str, which: str, **columns: Any) -> None:
        """Contribute a sighting, an outcome or another record as ``by``."""
        defaults = {"reporter": by, "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
        with self.store.begin() as tx:
            objects = records_to_stix(tabular.read_record(which, columns, defaults))
            contribute(self.hub, tx, partners.get(tx, by), list(map(Item.of, objects)))

    def retract(self, value: str, by: str) -> None:
        with self.store.begin() as tx:
            assert retract(self.hub, tx, value, partners.get(tx, by))

    def ask(
        self, method: str, path: str, by: str | None = "reader", body: bytes = b"", **more: str
    ) -> tuple[int, dict[str, str], bytes]:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            **({"HTTP_AUTHORIZATION": f"Bearer {self.tokens[by]}"} if by else {}),
            **({"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if method == "POST" else {}),
            **more,
        }
        status, headers, answer = call_wsgi(self.application, environ)
        return int(status[:3]), dict(headers), answer

    def look_up(self, *values: str | dict[str, Any], by: str = "reader") -> list[dict[str, Any]]:
        """Return the results for these values."""
        asked = [{"value": value} if isinstance(value, str) else value for value in values]
        status, _, body = self.ask("POST", "/api/lookup", by, json.dumps({"values": asked}).encode())
        assert status == 200, body
        results: list[dict[str, Any]] = json.loads(body)["results"]
        return results


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return initial_url(request, tmp_path)


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings besides the defaults. A module can override them."""
    return {}


@pytest.fixture
def hub(url: str, settings: dict[str, Any]) -> Iterator[ApiHub]:
    store = Store.open(url)
    app = create_app(Settings(database_url=url, **{"background": False, **settings}))
    application = app.wsgi_app
    assert isinstance(application, TaxiiApplication)
    made = ApiHub(store, Hub(store, Policy(newcomers=NewcomerRule(0, 0))), application)
    made.join("bank")
    made.join("police", kind=PartnerKind.GOVERNMENT)
    made.join("reader", "mule-accounts", "takedown")
    made.join("stranger")
    yield made
    close(app)
    store.close()
