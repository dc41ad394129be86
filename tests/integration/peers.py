"""Peers in separate processes: unmodified Medallion, and a Scamfeed server."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.orphans import dying
from tests.ports import free_port
from tests.processes import Forked, serve_hub

TAXII = "application/taxii+json;version=2.1"
MEDALLION = "from medallion.scripts.run import main; main()"


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Start a server by a command, and return its address when it responds."""
    with log.open("wb") as out:
        server = subprocess.Popen(dying(*command), stderr=out, stdout=out)
    with answering(server, port, log) as address:
        yield address


@contextmanager
def answering(server: subprocess.Popen[bytes] | Forked, port: int, log: Path) -> Iterator[str]:
    """Yield the address of a server when it responds, and stop the server afterwards."""
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 60
    try:
        while True:
            try:
                requests.get(address, timeout=60)
                break
            except (requests.ConnectionError, requests.Timeout):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def scamfeed(database: str, log: Path, **settings: Any) -> Iterator[str]:
    """Serve a prepared store, and return the server's address."""
    port, given = free_port(), {"database_url": database, **settings}
    with answering(Forked(serve_hub, given, port, 1, 4, log=log), port, log) as address:
        yield address


@contextmanager
def medallion(folder: Path, rooms: tuple[str, ...], page: int) -> Iterator[str]:
    """Serve empty collections with these ids and ``page`` objects per page, and return the server's address."""
    room = {"title": "Room", "can_read": True, "can_write": True, "media_types": [], "objects": [], "manifest": []}
    root = {"information": {"title": "Root", "versions": [TAXII], "max_content_length": 10_000_000}}
    root |= {"collections": [{**room, "id": id_} for id_ in rooms], "status": []}
    discovery = {"title": "Some TAXII server", "default": "http://127.0.0.1/api/", "api_roots": []}
    data, config, port = folder / "data.json", folder / "config.json", free_port()
    data.write_text(json.dumps({"/discovery": discovery, "api": root}))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": str(data)}
    config.write_text(json.dumps({"backend": backend, "users": {"hub": "s3cret"}, "taxii": {"max_page_size": page}}))
    command = [sys.executable, "-c", MEDALLION, "--port", str(port), str(config)]
    with running(command, port, folder / "medallion.log") as address:
        yield address
