"""A filled store, the server on it as in production, and nginx for comparison."""

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import running
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, log, partners
from server.store.item import Item

# Two workers, otherwise the default settings: the access log is on, in a file.
OPTIONS = ("--workers", "2", "--no-scheduler")
_STEP = 5_000


def made(number: int) -> dict[str, object]:
    """Make an indicator of about 850 bytes."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": f"2026-01-01T00:{number // 60_000 % 60:02}:{number // 1000 % 60:02}.{number % 1000:03}Z",
        "modified": f"2026-01-01T00:{number // 60_000 % 60:02}:{number // 1000 % 60:02}.{number % 1000:03}Z",
        "name": f"Domain used in a scam: shop-{number}.example",
        "description": "Sells what it never sends. " * 14,
        "indicator_types": ["malicious-activity"],
        "pattern": f"[domain-name:value = 'shop-{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2026-04-01T00:00:00Z",
        "labels": [f"batch-{number // 1000}"],
    }


def fill(url: str, size: int) -> str:
    """Fill the store at ``url`` with ``size`` objects in a collection named room; return a partner's token."""
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        given = partners.add(
            tx, Partner(name="bench", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
        )
        collections.grant(tx, "bench", room, read=True, write=True)
    for start in range(0, size, _STEP):
        with store.begin() as tx:
            log.append(tx, room, [Item.of(made(number)) for number in range(start, min(size, start + _STEP))])
    store.close()
    return given.token


@contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """Run the server with two workers that have loaded the program; yield its port and its process id."""
    with running.serving(url, *OPTIONS) as (port, pid):
        running.await_workers(pid)
        yield port, pid


@contextmanager
def nginx(folder: Path) -> Iterator[int | None]:
    """Run nginx with two workers on the files in ``folder``; yield its port, None if it is not installed."""
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    port = running.free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"""{user} worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
          access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
          open_file_cache max=1000; gzip_static on; default_type application/taxii+json;
          client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
          uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
          server {{ listen 127.0.0.1:{port}; root {folder}; }}
        }}"""
    )
    with subprocess.Popen([program, "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL) as server:
        try:
            running.await_port(port)
            yield port
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)


def envelope(count: int) -> bytes:
    """Make an envelope of new objects."""
    return json.dumps({"objects": [made(number) for number in range(count)]}).encode()
