"""An application without sockets on a store with forty objects."""

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import Settings
from server.store import Store, collections, log, partners
from server.store.collections import Collection
from server.store.item import Item
from server.web.taxii.application import TaxiiApplication, call_wsgi

TAXII = "application/taxii+json;version=2.1"
OBJECTS = "/feed/collections/room/objects/"
KNOWN = "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"
NOTE = {"id": "note--5f6a8c1e-2b1d-4c51-8f3e-7d2c9b0a4e61", "content": "x", "object_refs": [KNOWN]}


def indicator(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'scam.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


@dataclass(frozen=True)
class TaxiiHub:
    """An application on a store with forty objects, and its partners."""

    application: TaxiiApplication
    store: Store
    collection: Collection
    token: str

    def environ(self, path: str, method: str = "GET", body: bytes = b"", **more: str) -> dict[str, Any]:
        path, _, query = path.partition("?")
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "HTTP_ACCEPT": TAXII,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            **({"CONTENT_TYPE": TAXII, "CONTENT_LENGTH": str(len(body))} if method == "POST" else {}),
            **more,
        }
        return {name: value for name, value in given.items() if value != "-"}

    def get(self, path: str, **more: str) -> tuple[str, dict[str, str], bytes]:
        status, said, body = call_wsgi(self.application, self.environ(path, **more))
        return status, dict(said), body

    def add(self, *objects: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            log.append(tx, self.collection, [Item.of(one) for one in objects])


@contextmanager
def opened(url: str, **settings: Any) -> Iterator[TaxiiHub]:
    """Fill a store that has its tables, and serve it; only requests change it."""
    store = Store.open(url)
    with store.begin() as tx:
        made = collections.add(tx, "room", "Room")
        collections.add(tx, "secret", "Secret")
        box = collections.add(tx, "box", "Box")
        given = partners.add(
            tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
        )
        collections.grant(tx, "bank", made, read=True, write=True)
        collections.grant(tx, "bank", box, write=True)
    app = create_app(Settings(database_url=url, background=False, **settings))
    application = app.wsgi_app
    assert isinstance(application, TaxiiApplication)
    found = TaxiiHub(application, store, made, given.token)
    found.add(indicator(id=KNOWN), *(indicator(name="x" * 500) for _ in range(38)), indicator(type="note", **NOTE))
    yield found
    close(app)
    store.close()
