"""No refusal and no log line contains values of a client or secrets of the server."""

import json
import re
import time

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import TAXII, Peer, basic, indicator
from tests.robustness.tally import TELLTALE, Tally

CANARY = "4111111111111111"
_FAULT = re.compile("taxii-failure|http-failure|store-unavailable")

SAID = {
    "in the path": ("GET", f"/feed/collections/{CANARY}/objects/", {}, None),
    "in the path of nothing": ("GET", f"/{CANARY}/", {}, None),
    "as an object's id": ("GET", f"/feed/collections/room/objects/{CANARY}/", {}, None),
    "as a status": ("GET", f"/feed/status/{CANARY}/", {}, None),
    "as a parameter": ("GET", f"/feed/collections/room/objects/?{CANARY}={CANARY}", {}, None),
    "as a filter": ("GET", f"/feed/collections/room/objects/?match[id]={CANARY}&limit=1", {}, None),
    "as a bad filter": ("GET", f"/feed/collections/room/objects/?match[{CANARY}]={CANARY}", {}, None),
    "as a moment": ("GET", f"/feed/collections/room/manifest/?added_after={CANARY}", {}, None),
    "as a cursor": ("GET", f"/feed/collections/room/objects/?next={CANARY}", {}, None),
    "as a token": ("GET", "/feed/", {"Authorization": f"Bearer {CANARY}"}, None),
    "as a user and password": ("GET", "/feed/", {"Authorization": basic(CANARY, CANARY)}, None),
    "as a scheme": ("GET", "/feed/", {"Authorization": f"{CANARY} x"}, None),
    "as what is accepted": ("GET", "/feed/", {"Accept": f"text/{CANARY}"}, None),
    "as a cookie": ("GET", "/feed/", {"Cookie": CANARY, "User-Agent": CANARY, "Referer": CANARY}, None),
    "as whom it comes from": ("GET", "/feed/", {"X-Forwarded-For": CANARY, "X-Request-Id": CANARY}, None),
    "as a host": ("GET", "/taxii2/", {"Host": CANARY}, None),
    "as a method": (f"X{CANARY}", "/feed/", {}, None),
    "as an expectation": ("POST", "/feed/collections/room/objects/", {"Expect": CANARY}, b"{}"),
    "as a type": ("POST", "/feed/collections/room/objects/", {"Content-Type": f"text/{CANARY}"}, b"{}"),
    "as a packing": ("POST", "/feed/collections/room/objects/", {"Content-Encoding": CANARY}, b"{}"),
    "as a length": ("POST", "/feed/", {"Content-Length": f"{CANARY}x"}, b"{}"),
    "in a body that is no JSON": ("POST", "/feed/collections/room/objects/", {}, CANARY.encode() + b"{"),
    "in a body that is no envelope": ("POST", "/feed/collections/room/objects/", {}, json.dumps([CANARY]).encode()),
    "in a body that is not UTF-8": ("POST", "/feed/collections/room/objects/", {}, CANARY.encode() + b"\xff"),
    "in refused objects": (
        "POST",
        "/feed/collections/inbox/objects/",
        {},
        json.dumps(
            {
                "objects": [
                    CANARY,
                    indicator(created=CANARY),
                    indicator(id=CANARY),
                    indicator(name=CANARY, pattern=CANARY),
                    {"type": CANARY, CANARY: CANARY},
                ]
            }
        ).encode(),
    ),
}


@pytest.fixture
def member(server: Deployment) -> Peer:
    return server.peer("member")


@pytest.mark.parametrize("where", SAID)
def test_request_values_are_neither_repeated_nor_logged(
    server: Deployment, member: Peer, tally: Tally, where: str
) -> None:
    method, path, headers, body = SAID[where]
    before = server.log.stat().st_size
    answer = member.send(method, path, headers, body)
    tally.look("telling requests", answer.status, answer.headers.get("Content-Type", ""), answer.body)
    # The location of the API root may contain the requested Host.
    assert CANARY not in answer.body.decode() + str(answer.headers)
    logged = _since(server, before)
    assert CANARY not in logged
    assert f"status={answer.status}" in logged


def test_log_contains_no_secret_and_no_server_error(server: Deployment, tally: Tally) -> None:
    for peer in ("member", "reader", "outsider"):
        server.peer(peer).send("GET", "/feed/collections/", {"Content-Type": TAXII}).ok()
    log = server.log.read_text()
    assert tally.secrets
    held = {CANARY, *tally.secrets}
    assert [line for line in log.splitlines() if any(secret in line for secret in held)] == []
    assert [line for line in log.splitlines() if TELLTALE.search(line) or _FAULT.search(line)] == []


def _since(server: Deployment, at: int) -> str:
    """Read the log lines after this length. A line is written after its response."""
    deadline = time.monotonic() + 60
    while True:
        logged = server.log.read_bytes()[at:].decode()
        if logged.endswith("\n") or time.monotonic() > deadline:
            return logged
        time.sleep(0.01)
