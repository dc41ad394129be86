"""A client sends no body before an expensive login check is complete."""

import base64
import socket
import time

from tests.integration.access.conftest import TAXII, Hub, Serve

MIB = 1024 * 1024


def _begun(hub: Hub, user: str, password: str, size: int) -> socket.socket:
    path, port = hub.objects.removeprefix(hub.url), int(hub.url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), 30)
    given = base64.b64encode(f"{user}:{password}".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Basic {given}\r\n"
    connection.sendall(f"{head}Content-Type: {TAXII}\r\nContent-Length: {size}\r\n\r\n".encode())
    return connection


def test_wrong_password_is_refused_before_the_body(serve: Serve) -> None:
    hub = serve()
    with _begun(hub, hub.bank.user, "not-the-password", 50 * MIB) as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_new_correct_password_is_accepted_with_its_body(serve: Serve) -> None:
    hub = serve()
    body = b'{"objects": []}' + b" " * MIB
    with _begun(hub, hub.bank.user, hub.bank.password, len(body)) as connection:
        connection.sendall(body[:MIB])
        time.sleep(0.3)
        connection.sendall(body[MIB:])
        assert connection.recv(12) == b"HTTP/1.1 422"
