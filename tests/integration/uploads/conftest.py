"""A hub with two partners whose users upload files, over real HTTP."""

import html
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import State, Upload
from server.features.uploads.rows import DraftRow
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.operators import sessions, users
from server.store.operators.users import PartnerRole
from tests.integration.peers import scamfeed

BANK, OTHER = "First Bank", "Other Bank"
PATH = "/partner/report/file"
_HOUR = 3_600_000_000
_SECONDS = 300


@dataclass
class Person:
    """A user of a partner in a browser."""

    address: str
    store: Store
    partner: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.address + path, headers={"Accept": "text/html"}, timeout=60)

    def token(self) -> str:
        [token, *_] = re.findall(r'name="token" value="([^"]+)"', self.get(PATH).text)
        return html.unescape(token)

    def post(self, path: str, **more: Any) -> requests.Response:
        data = {"token": self.token(), **more.pop("data", {})}
        return self.session.post(
            self.address + path, data=data, allow_redirects=False, headers={"Accept": "text/html"}, timeout=120, **more
        )

    def upload(self, name: str, content: Any, **settings: str) -> str:
        """Upload a file, and return its id."""
        answer = self.post(PATH, data={"country": "TH", **settings}, files={"file": (name, content)})
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def wait(self, id_: str, *states: State, seconds: float = _SECONDS) -> Upload:
        """Wait until an upload is in one of some states."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with self.store.read() as tx:
                upload = drafts.find(tx, id_)
            if upload.state in states:
                return upload
            time.sleep(0.1)
        raise AssertionError(f"{upload.state} {upload.report}")

    def read(self, name: str, content: Any, **settings: str) -> Upload:
        """Upload a file, and wait until it is read."""
        return self.wait(self.upload(name, content, **settings), State.READY, State.FAILED)

    def rows(self, upload: Upload) -> list[DraftRow]:
        """Return all rows of an upload as they are stored."""
        with self.store.read() as tx:
            return [row for block in rows.blocks(tx, drafts.find(tx, upload.id), 0, 100_000) for row in block.rows]

    def send(self, upload: Upload) -> Upload:
        """Send an upload, and wait until all rows are contributed."""
        answer = self.post(f"{PATH}/{upload.id}/send")
        assert answer.status_code == 303, answer.text
        return self.wait(upload.id, State.SENT)


@dataclass
class UploadHub:
    """A hub with its store, and a way to log in."""

    address: str
    store: Store
    log: Path

    def person(self, partner: str = BANK, role: PartnerRole = PartnerRole.WRITER) -> Person:
        """Let a new person of a partner log in."""
        name = f"Somebody {secrets.token_hex(3)}"
        with self.store.begin() as tx:
            users.add(tx, name, role, "test", partner)
            secret = sessions.begin(tx, users.get(tx, name).id, "full", lasts=_HOUR)
        found = Person(self.address, self.store, partner)
        found.session.cookies.set("session", secret)
        return found


def new_store(folder: Path) -> Store:
    """Make a store with the partners."""
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store, "Hub of the Tests")
    with store.begin() as tx:
        for name in (BANK, OTHER):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, vouched=True))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    return store


Serve = Callable[..., UploadHub]


@contextmanager
def serving(folder: Path, store: Store, **settings: Any) -> Iterator[UploadHub]:
    """Serve a store."""
    log = folder / "hub.log"
    with scamfeed(store.url, log, **settings) as address:
        yield UploadHub(address.rstrip("/"), store, log)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadHub]:
    folder = tmp_path_factory.mktemp("uploads")
    store = new_store(folder)
    with serving(folder, store) as found:
        yield found
    store.close()
