"""Garbage, half requests and slow ones over raw sockets: no fault, no leak, and the server answers the next one."""

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
# Several times what allocators keep back for later, and far less than one that keeps requests would need.
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
    """Remember each server's collection of large objects: pages of every one would be kept ready."""
    return {}


def request(peer: Peer, room: str, chance: random.Random) -> bytes:
    """Write a request that is right."""
    head = f"Host: x\r\nAuthorization: {peer.authorization}\r\nAccept: application/taxii+json\r\n"
    if chance.random() < 0.5:
        query = chance.choice(["", "?limit=2", "?match[type]=indicator", "?added_after=2026-01-01T00:00:00Z"])
        return f"GET /feed/collections/{room}/objects/{query} HTTP/1.1\r\n{head}\r\n".encode()
    body = json.dumps({"objects": [indicator()]}).encode()
    head += f"Content-Type: application/taxii+json\r\nContent-Length: {len(body)}\r\n"
    return f"POST /feed/collections/{room}/objects/ HTTP/1.1\r\n{head}\r\n".encode() + body


def spoilt(sent: bytes, chance: random.Random) -> bytes:
    """Change a few bytes, cut some out, double some, or stop in the middle."""
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
    """Assert that nothing came back, or answers that are no fault."""
    if not answer:
        tally.silence(what)
        return
    status = int(answer.split(b" ", 2)[1])
    head, _, body = answer.partition(b"\r\n\r\n")
    kind = re.search(rb"Content-Type: ([^\r]*)", head)
    # Of several answers on one connection, only the first one's head is taken apart.
    shown = body if b"\r\n\r\n" not in body else b""
    tally.look(what, status, kind[1].decode("latin-1") if kind else "", shown)


def test_random_bytes_are_no_fault(member: Peer, chance: random.Random, tally: Tally) -> None:
    for _ in range(300):
        look(tally, "random bytes", member.raw(chance.randbytes(chance.choice([1, 10, 100, 1_000, 10_000]))))


def test_spoilt_requests_are_no_fault_and_leave_nothing_behind(
    server: Deployment, member: Peer, chance: random.Random, tally: Tally
) -> None:
    room = server.collection()
    for _ in range(ROUNDS // 3):
        look(tally, "spoilt requests", member.raw(spoilt(request(member, room, chance), chance)))
    before = memory(server)
    for _ in range(ROUNDS):
        look(tally, "spoilt requests", member.raw(spoilt(request(member, room, chance), chance)))
    assert memory(server) - before < LEAK


def test_requests_that_never_end_hold_nobody_up(
    server: Deployment, member: Peer, chance: random.Random, tally: Tally
) -> None:
    room = server.collection()
    with contextlib.ExitStack() as stack:
        for index in range(200):
            line = stack.enter_context(socket.create_connection(server.address, timeout=10))
            whole = request(member, room, chance)
            line.sendall(whole[: 1 + index * len(whole) // 250])
            tally.silence("half requests")
        member.post(f"collections/{room}/objects/", [indicator()])
        assert len(member.get(f"collections/{room}/objects/").ok()["objects"]) == 1


def test_bodies_that_come_byte_by_byte_are_taken(server: Deployment, member: Peer, chance: random.Random) -> None:
    room = server.collection()
    body = json.dumps({"objects": [indicator()]}).encode()
    head = (
        f"POST /feed/collections/{room}/objects/ HTTP/1.1\r\nHost: x\r\nAuthorization: {member.authorization}\r\n"
        f"Content-Type: application/taxii+json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(server.address, timeout=30) as line:
        for byte in head.encode() + body:
            line.sendall(bytes([byte]))
        got = b""
        while part := line.recv(65_536):
            got += part
    assert got.startswith(b"HTTP/1.1 202 ")


def test_whoever_hangs_up_is_forgotten(server: Deployment, member: Peer, tally: Tally, large: dict[str, str]) -> None:
    if server.url not in large:
        large[server.url] = server.collection()
        objects = [indicator(description="x" * 200_000) for _ in range(20)]
        member.post(f"collections/{large[server.url]}/objects/", objects)
    room = large[server.url]
    ask = f"GET /feed/collections/{room}/objects/ HTTP/1.1\r\nHost: x\r\nAuthorization: {member.authorization}\r\n\r\n"
    before = memory(server)
    for _ in range(60):
        with socket.create_connection(server.address, timeout=10) as line:
            line.sendall(ask.encode() * 3)
            line.recv(100)
        tally.silence("senders that left")
    member.get(f"collections/{room}/objects/").ok()
    assert memory(server) - before < LEAK
