"""Garbage, partial and slow requests over raw sockets: no server error, no leak, and the next one is answered."""

import contextlib
import json
import random
import re
import socket
from collections.abc import Iterator

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator
from tests.robustness.memory import memory
from tests.robustness.tally import Pass, Tally

ROUNDS = 600
# Several times the reserve of allocators, and far below a server that kept its requests.
LEAK = 48 * 1024 * 1024


@pytest.fixture
def member(server: Deployment) -> Iterator[Peer]:
    peer = server.peer("member")
    yield peer
    peer.send("GET", "/taxii2/").ok()
    assert not re.search(r"taxii-failure|http-failure|Traceback", server.log.read_text())


@pytest.fixture
def chance(turn: Pass) -> random.Random:
    return random.Random(20261124 + turn.number)  # noqa: S311 - nothing secret about it


@pytest.fixture(scope="session")
def large() -> dict[str, str]:
    """Store each server's collection of large objects, since pages of every collection would be cached."""
    return {}


def request(peer: Peer, room: str, chance: random.Random) -> bytes:
    """Write a valid request."""
    head = f"Host: x\r\nAuthorization: {peer.authorization}\r\nAccept: application/taxii+json\r\n"
    if chance.random() < 0.5:
        query = chance.choice(["", "?limit=2", "?match[type]=indicator", "?added_after=2026-01-01T00:00:00Z"])
        return f"GET /feed/collections/{room}/objects/{query} HTTP/1.1\r\n{head}\r\n".encode()
    body = json.dumps({"objects": [indicator()]}).encode()
    head += f"Content-Type: application/taxii+json\r\nContent-Length: {len(body)}\r\n"
    return f"POST /feed/collections/{room}/objects/ HTTP/1.1\r\n{head}\r\n".encode() + body


def spoilt(sent: bytes, chance: random.Random) -> bytes:
    """Change, cut or double a few bytes, or stop in the middle."""
    changed = bytearray(sent)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 20)]
            case 2:
                changed[at:at] = changed[at : at + chance.randint(1, 20)]
            case _:
                del changed[at:]
        if not changed:
            return b"\r\n"
    return bytes(changed)


def look(tally: Tally, what: str, answer: bytes) -> None:
    """Check that the response is empty, or has no server error."""
    if not answer:
        tally.silence(what)
        return
    status = int(answer.split(b" ", 2)[1])
    head, _, body = answer.partition(b"\r\n\r\n")
    kind = re.search(rb"Content-Type: ([^\r]*)", head)
    # Of several responses on one connection, only the first head is parsed.
    shown = body if b"\r\n\r\n" not in body else b""
    tally.look(what, status, kind[1].decode("latin-1") if kind else "", shown)


def test_random_bytes_cause_no_server_error(member: Peer, chance: random.Random, tally: Tally) -> None:
    for _ in range(300):
        look(tally, "random bytes", member.raw(chance.randbytes(chance.choice([1, 10, 100, 1_000, 10_000]))))


def test_damaged_requests_cause_no_server_error_and_no_leak(
    server: Deployment, member: Peer, chance: random.Random, tally: Tally
) -> None:
    room = server.collection()
    for _ in range(ROUNDS // 3):
        look(tally, "spoilt requests", member.raw(spoilt(request(member, room, chance), chance)))
    before = memory(server)
    for _ in range(ROUNDS):
        look(tally, "spoilt requests", member.raw(spoilt(request(member, room, chance), chance)))
    assert memory(server) - before < LEAK


def test_endless_requests_delay_no_other_client(
    server: Deployment, member: Peer, chance: random.Random, tally: Tally
) -> None:
    room = server.collection()
    with contextlib.ExitStack() as stack:
        for index in range(200):
            line = stack.enter_context(socket.create_connection(server.address, timeout=60))
            whole = request(member, room, chance)
            line.sendall(whole[: 1 + index * len(whole) // 250])
            tally.silence("half requests")
        member.post(f"collections/{room}/objects/", [indicator()])
        assert len(member.get(f"collections/{room}/objects/").ok()["objects"]) == 1


def test_byte_by_byte_bodies_are_accepted(server: Deployment, member: Peer, chance: random.Random) -> None:
    room = server.collection()
    body = json.dumps({"objects": [indicator()]}).encode()
    head = (
        f"POST /feed/collections/{room}/objects/ HTTP/1.1\r\nHost: x\r\nAuthorization: {member.authorization}\r\n"
        f"Content-Type: application/taxii+json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(server.address, timeout=60) as line:
        for byte in head.encode() + body:
            line.sendall(bytes([byte]))
        got = b""
        while part := line.recv(65_536):
            got += part
    assert got.startswith(b"HTTP/1.1 202 ")


def test_disconnected_client_is_forgotten(
    server: Deployment, member: Peer, tally: Tally, large: dict[str, str]
) -> None:
    if server.url not in large:
        large[server.url] = server.collection()
        objects = [indicator(description="x" * 200_000) for _ in range(20)]
        member.post(f"collections/{large[server.url]}/objects/", objects)
    room = large[server.url]
    ask = f"GET /feed/collections/{room}/objects/ HTTP/1.1\r\nHost: x\r\nAuthorization: {member.authorization}\r\n\r\n"
    before = memory(server)
    for _ in range(60):
        with socket.create_connection(server.address, timeout=60) as line:
            line.sendall(ask.encode() * 3)
            line.recv(100)
        tally.silence("senders that left")
    member.get(f"collections/{room}/objects/").ok()
    assert memory(server) - before < LEAK
