"""A mirror's service, queried by a bank's systems over real sockets."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from schemas.api.lookup import MOST_VALUES, LookupAnswer
from tests.integration.mirror.conftest import MirroredScamfeed, mirror_service

GRADES = {"block": "decline", "none": "pay", "error": "ask"}


@pytest.fixture(scope="module")
def service(served: MirroredScamfeed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a mirror that syncs every second, and yield its address."""
    folder = tmp_path_factory.mktemp("service")
    for alias in ("takedown", "mule-accounts"):
        served.grant(alias)
    served.report("listed.example.com")
    config = served.write_settings(folder / "mirror.toml", "takedown", "mule-accounts", actions=GRADES)
    with mirror_service(config) as checks:
        url = checks.removesuffix("/check")
        served.wait_until(lambda: requests.get(f"{url}/health", timeout=60).status_code == 200)
        yield url
    written = (folder / "log").read_text()
    assert "listed.example.com" not in written
    assert "Traceback" not in written, written


def check(service: str, *values: Any) -> Any:
    questions = [value if isinstance(value, dict) else {"value": value} for value in values]
    answer = requests.post(f"{service}/check", json={"values": questions}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_listed_value_is_declined_and_others_are_paid(service: str) -> None:
    answer = check(
        service, "LISTED.example[.]com", "other.example.com", {"value": "no account", "kind": "bank-account"}
    )
    listed, other, refused = answer["results"]
    assert (listed["found"], listed["grade"], listed["action"]) == (True, "block", "decline")
    assert (listed["value"], listed["normal"]) == ("LISTED.example[.]com", "listed.example.com")
    assert listed["listings"][0]["hub"] == "hub"
    assert (other["found"], other["action"], other["stale"]) == (False, "pay", False)
    assert (refused["error"]["reason"], refused["action"]) == ("bad-account", "ask") or refused["error"]["message"]
    assert not answer["stale"]


def test_an_answer_has_the_shape_of_a_look_up(service: str) -> None:
    asked = {"values": [{"value": value} for value in ("listed.example.com", "other.example.com", "\u0000")]}
    answer = requests.post(f"{service}/check", json=asked, timeout=60)
    looked_up = msgspec.json.decode(answer.content, type=LookupAnswer)
    assert [result.found for result in looked_up.results] == [True, False, False]
    assert looked_up.results[0].listings[0].grade == "block"
    assert all("cache_seconds" in result for result in answer.json()["results"])


def test_reported_value_is_found_within_seconds(service: str, served: MirroredScamfeed) -> None:
    served.report("later.example.com")
    served.wait_until(lambda: check(service, "later.example.com")["results"][0]["found"])
    served.retract("later.example.com")
    served.wait_until(lambda: not check(service, "later.example.com")["results"][0]["found"])


def test_at_most_a_thousand_values_are_answered(service: str) -> None:
    values = [f"v{number}.example.com" for number in range(MOST_VALUES)]
    assert [result["value"] for result in check(service, *values)["results"]] == values
    too_many = {"values": [{"value": value} for value in [*values, "x.example.com"]]}
    assert requests.post(f"{service}/check", json=too_many, timeout=60).status_code == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"values": []}', b'{"values": [{"value": 1}]}', b'{"values": [{"value": "x", "y": 1}]}', b"\xff"],
)
def test_malformed_request_is_refused_without_its_words(service: str, body: bytes) -> None:
    answer = requests.post(f"{service}/check", data=body, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Not a request"


def test_other_paths_methods_and_hosts_are_refused(service: str) -> None:
    assert requests.get(f"{service}/", timeout=60).status_code == 404
    refused = requests.get(f"{service}/check", timeout=60)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert requests.get(f"{service}/health", headers={"Host": "evil.example"}, timeout=60).status_code == 403


def test_health_and_metrics_show_the_age_of_copies(service: str) -> None:
    check(service, "listed.example.com", "other.example.com")
    health = requests.get(f"{service}/health", timeout=60).json()
    assert health["status"] == "ok"
    assert {copy["collection"] for copy in health["copies"]} >= {"takedown", "mule-accounts"}
    metrics = requests.get(f"{service}/metrics", timeout=60).text
    assert 'scamfeed_mirror_checks_total{grade="block",stale="no"}' in metrics
    assert 'scamfeed_mirror_age_seconds{collection="takedown",hub="hub"}' in metrics
    assert "example.com" not in metrics


def test_pipelined_requests_are_answered_in_order(service: str) -> None:
    host, port = service.removeprefix("http://").split(":")

    def request(value: str) -> bytes:
        body = json.dumps({"values": [{"value": value}]}).encode()
        return b"POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"".join(request(f"p{number}.example.com") for number in range(40)))
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    places = [received.index(f"p{number}.example.com".encode()) for number in range(40)]
    assert places == sorted(places)
    assert received.count(b"HTTP/1.1 200 OK") == 41


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 6_000_000, 413),
    ],
)
def test_too_large_or_malformed_requests_are_refused(service: str, sent: bytes, status: int) -> None:
    host, port = service.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        try:
            connection.sendall(sent)
            received = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            received = b"HTTP/1.1 %d" % status  # it did not wait for the rest
    assert received.startswith(b"HTTP/1.1 %d" % status)
    assert requests.get(f"{service}/health", timeout=60).status_code == 200


@pytest.mark.long
def test_non_loopback_address_needs_a_token(served: MirroredScamfeed, tmp_path: Path) -> None:
    config = served.write_settings(tmp_path / "mirror.toml", "takedown")
    command = [sys.executable, "-m", "server.cli", "--config", str(config), "mirror", "serve", "--host", "192.0.2.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "set token" in done.stderr
