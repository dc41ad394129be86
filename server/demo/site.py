"""A hub for the demonstration: a temporary store and a server process on it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.credentials import Credentials

_STARTS_WITHIN = 30.0
# Its pages show the times of where its partners are.
_ZONE = "Asia/Bangkok"


class DemoHub:
    """A hub named ``name`` whose files live in ``folder``; serves from ``start`` until ``stop``."""

    def __init__(self, name: str, folder: Path) -> None:
        """Make the store and its default collections."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._url = f"sqlite:///{folder / 'scamfeed.db'}"
        self._log = folder / "server.log"
        self.store = Store.open(self._url)
        set_up(self.store)
        self.hub = Hub(self.store)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return the address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def add_partner(
        self, name: str, kind: PartnerKind, *, read: tuple[str, ...] = (), write: tuple[str, ...] = (), **more: Any
    ) -> "Member":
        """Register a partner that reads and writes those collections; ``more`` is what else it is registered with."""
        partner = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), **more)
        with self.store.begin() as tx:
            credentials = partners.add(tx, partner)
            for alias in read:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
            for alias in write:
                collections.grant(tx, name, collections.get(tx, alias), write=True)
        return Member(partner, credentials)

    def start(self) -> Self:
        """Serve, and return when the server answers. Raises ``RuntimeError`` if it does not."""
        command = [sys.executable, "-m", "server.cli", "serve", "--port", str(self.port), "--workers", "1"]
        own = {"SCAMFEED_DATABASE_URL": self._url, "SCAMFEED_TITLE": self.name, "SCAMFEED_TIMEZONE": _ZONE}
        environment = {**os.environ, **own}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if requests.get(f"{self.address}/health", timeout=1).ok:
                    return self
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start; its log says: {self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stop the server and close the store."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_STARTS_WITHIN)
            self._process = None
        self.store.close()


class Member:
    """A registered partner with its credentials."""

    def __init__(self, partner: Partner, credentials: Credentials) -> None:
        """Keep partner and credentials."""
        self.partner = partner
        self.credentials = credentials


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
