"""A hub for the demonstration: a temporary store and a server process on it."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.own_command import own_command
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.credentials import Credentials

_STARTS_WITHIN = 120.0
# Its pages show times in its partners' time zone.
_ZONE = "Asia/Bangkok"


class DemoHub:
    """A hub named ``name`` with its files in ``folder``; serves from ``start`` until ``stop``."""

    def __init__(self, name: str, folder: Path, *, country: str = "TH") -> None:
        """Make the store and its default collections; its partners are in ``country``."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._country = country
        self._url = f"sqlite:///{folder / 'scamfeed.db'}"
        self._log = folder / "server.log"
        self.store = Store.open(self._url)
        set_up(self.store)
        self.hub = Hub(self.store)
        self.port = _free_port()
        self._nodes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Return the address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def add_partner(
        self, name: str, kind: PartnerKind, *, read: tuple[str, ...] = (), write: tuple[str, ...] = (), **more: Any
    ) -> "Member":
        """Register a partner that reads and writes those collections; ``more`` are its other properties.

        The operator vouches for it: the demonstration is too short for it to earn a record.
        """
        partner = Partner(
            name=name, kind=kind, country=self._country, identity=ids.identity(name), vouched=True, **more
        )
        with self.store.begin() as tx:
            credentials = partners.add(tx, partner)
            for alias in read:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
            for alias in write:
                collections.grant(tx, name, collections.get(tx, alias), write=True)
        return Member(partner, credentials)

    def start(self) -> Self:
        """Serve, and return when the server responds. Raises ``RuntimeError`` if it does not."""
        self.launch()
        self.wait()
        return self

    def launch(self, *, background: bool = True) -> None:
        """Begin to serve. Without ``background`` the work in the background begins with ``start_background``."""
        self._launch(self.port, background=background)

    def wait(self) -> None:
        """Return when the server responds. Raises ``RuntimeError`` if it does not."""
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline and self._nodes[0].poll() is None:
            try:
                if requests.get(f"{self.address}/health", timeout=1).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start; its log says: {self._log.read_text(errors='replace')[-2000:]}")

    def start_background(self) -> None:
        """Begin the work in the background, on a second node whose address nobody uses."""
        self._launch(_free_port(), background=True)

    def stop(self) -> None:
        """Stop the nodes and close the store."""
        for node in self._nodes:
            node.terminate()
        for node in self._nodes:
            node.wait(timeout=_STARTS_WITHIN)
        self._nodes.clear()
        self.store.close()

    def _launch(self, port: int, *, background: bool) -> None:
        command = own_command("serve", "--port", str(port), "--workers", "1")
        own = {"SCAMFEED_DATABASE_URL": self._url, "SCAMFEED_TITLE": self.name, "SCAMFEED_TIMEZONE": _ZONE}
        environment = {**os.environ, **own, "SCAMFEED_BACKGROUND": str(background).lower()}
        with self._log.open("ab") as log:
            node = subprocess.Popen(  # noqa: S603 - ourselves
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._nodes.append(node)


class Member:
    """A registered partner with its credentials."""

    def __init__(self, partner: Partner, credentials: Credentials) -> None:
        """Store partner and credentials."""
        self.partner = partner
        self.credentials = credentials


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
