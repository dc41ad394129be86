"""The server frees an incomplete body when its connection closes."""

import socket
from pathlib import Path

from tests.integration.access.conftest import TAXII, Hub, Serve, eventually

MIB = 1024 * 1024


def resident(hub: Hub) -> int:
    """Return the memory of the only worker in MiB."""
    [worker] = hub.workers()
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def test_incomplete_body_is_freed_when_its_connection_closes(serve: Serve) -> None:
    hub = serve()
    path, port = hub.objects.removeprefix(hub.url), int(hub.url.rpartition(":")[2])
    head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {hub.bank.token}\r\n"
    head += f"Content-Type: {TAXII}\r\nContent-Length: {32 * MIB + 1}\r\n\r\n"
    hub.get()
    before = resident(hub)
    for _ in range(12):
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(head.encode() + bytes(32 * MIB))
    assert hub.get().status_code == 200
    eventually(lambda: resident(hub) < before + 3 * 32)
