"""A real server with two partners, one for each test file."""

import base64
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from server.store.credentials import Credentials
from tests.integration.peers import TAXII
from tests.ports import free_port
from tests.processes import Forked, serve_hub


@dataclass(frozen=True)
class Hub:
    """A running server and two partners: the bank has access to the room, the platform to no collection."""

    url: str
    log: Path
    room: str
    listening_only: str
    bank: Credentials
    platform: Credentials

    def ask(self, path: str, method: str = "GET", who: Credentials | None = None, **more: Any) -> requests.Response:
        headers = {"Accept": TAXII, **more.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Content-Type", TAXII)
        asking = who or self.bank
        return requests.request(
            method,
            self.url + path,
            auth=(asking.user.encode(), asking.password),
            headers={name: value for name, value in headers.items() if value is not None},
            allow_redirects=False,
            timeout=60,
            **more,
        )

    @property
    def objects(self) -> str:
        return f"/feed/collections/{self.room}/objects/"

    def keeps_secrets(self) -> None:
        """Check that the log contains neither a secret nor a traceback."""
        said = self.log.read_text()
        for partner in (self.bank, self.platform):
            for secret in (partner.password, partner.token):
                assert secret not in said
                assert base64.b64encode(f"{partner.user}:{partner.password}".encode()).decode() not in said
        assert "Traceback" not in said


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    url = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        collections.create_defaults(tx)
        room = collections.add(tx, "room", "Room")
        quiet = collections.add(tx, "quiet", "Quiet")
        bank = partners.add(
            tx, Partner(name="bänk", kind=PartnerKind.BANK, country="TH", identity=ids.identity("bänk"), vouched=True)
        )
        platform = partners.add(
            tx, Partner(name="platform", kind=PartnerKind.PLATFORM, identity=f"identity--{uuid.uuid4()}", vouched=True)
        )
        collections.grant(tx, bank.user, room, read=True, write=True)
        collections.grant(tx, bank.user, quiet, read=True)
        collections.grant(tx, bank.user, collections.get(tx, "inbox"), write=True)
        collections.grant(tx, bank.user, collections.get(tx, "takedown"), read=True, write=True)
        collections.grant(tx, platform.user, quiet, read=True)
    store.close()
    port = free_port()
    log = folder / "log"
    asked = {"database_url": url, "title": "Test hub", "contact": "hub@example.org"}
    server = Forked(serve_hub, asked, port, 2, 8, log=log)
    running = Hub(f"http://127.0.0.1:{port}", log, room.id, quiet.id, bank, platform)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert requests.get(running.url + "/health", timeout=60).json() == {"status": "ok"}
                break
            except (requests.ConnectionError, requests.Timeout):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield running
    finally:
        server.terminate()
        assert server.wait(60) == 0
    running.keeps_secrets()


def error_of(response: requests.Response, status: int) -> dict[str, Any]:
    """Check that this is a plain TAXII error resource."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == TAXII
    resource: dict[str, Any] = response.json()
    assert resource["http_status"] == str(status)
    assert resource["title"]
    uuid.UUID(resource["error_id"])
    assert not re.search(r"Traceback|sqlite|\.py|SELECT", response.text)
    return resource
