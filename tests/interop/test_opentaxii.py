"""OpenTAXII (EclecticIQ): a hub pushes into one of its collections, and another hub pulls from there."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from hub import BIN

# As documented, with two exceptions. Its responses contain UUIDs that Python's JSON cannot encode (0.9.3,
# taxii2/http.py). And its commands cannot register a collection writable by an account.
SERVE = """
import functools, json, sys, types
from opentaxii.taxii2 import http
http.json = types.SimpleNamespace(dumps=functools.partial(json.dumps, default=str))
from opentaxii.entities import Account
from opentaxii.http import app
from opentaxii.local import context
with app.app_context():
    context.account = Account(id=None, username="admin", permissions=None, is_admin=True)
    kept = app.taxii_server.servers.taxii2.persistence.api
    root = kept.add_api_root(title="Root", default=True)
    kept.add_collection(api_root_id=root.id, title="Room", alias="room")
    app.taxii_server.auth.api.create_account("hub", "s3cret", is_admin=True)
    context.account = None
app.run(port=int(sys.argv[1]))
"""
TAXII = "application/taxii+json;version=2.1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run OpenTAXII, and yield the address of an API root."""
    folder = tmp_path_factory.mktemp("opentaxii")
    database = {"create_tables": True, "db_connection": f"sqlite:///{folder / 'data.db'}"}
    secret = "0123456789abcdef0123456789abcdef"
    auth = {"class": "opentaxii.auth.sqldb.SQLDatabaseAPI", "parameters": {**database, "secret": secret}}
    kept = {"class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI", "parameters": database}
    about = {"title": "Peer", "description": "Peer", "contact": "peer@example.com", "max_content_length": 1_000_000}
    config = folder / "config.yml"
    # JSON is YAML.
    config.write_text(
        json.dumps(
            {
                "domain": "127.0.0.1",
                "auth_api": auth,
                "taxii1": None,
                "taxii2": {**about, "public_discovery": True, "allow_custom_properties": True, "persistence_api": kept},
            }
        )
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    log = folder / "log"
    with log.open("wb") as out:
        env = {**os.environ, "OPENTAXII_CONFIG": str(config)}
        server = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=env, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while True:
            with suppress(requests.ConnectionError):
                headers = {"Accept": TAXII}
                said = requests.get(f"http://127.0.0.1:{port}/taxii2/", headers=headers, timeout=10)
                said.raise_for_status()
                yield f"http://127.0.0.1:{port}{said.json()['default']}"
                return
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
    finally:
        server.terminate()
        server.wait(60)


def a_hub(folder: Path, feed: dict[str, Any]) -> Callable[..., Any]:
    """Set up a hub with one feed, and return a function that runs its commands."""
    env = {**os.environ, "SCAMFEED_DATABASE_URL": f"sqlite:///{folder / 'hub.db'}", "PEER_PASSWORD": "s3cret"}
    lines = [f"{name} = {json.dumps(said)}" for name, said in feed.items()]
    folder.mkdir()
    config = folder / "scamfeed.toml"
    config.write_text("\n".join(["[[feed]]", 'name = "peer"', *lines, 'password = { env = "PEER_PASSWORD" }', ""]))

    def scamfeed(*command: str) -> Any:
        done = subprocess.run(
            [BIN / "scamfeed", *command], cwd=folder, env=env, check=True, capture_output=True, text=True
        )
        return json.loads(done.stdout) if "--json" in command else done.stdout

    scamfeed("init")
    for name in ("Example Bank", "Peer"):
        scamfeed("partner", "add", name, "--kind", "bank", "--read", "takedown", "--json")
    return scamfeed


def active(scamfeed: Callable[..., Any]) -> set[str]:
    return set(scamfeed("export", "--collection", "takedown", "--format", "list").split())


def test_both_sides_have_the_same_objects(root: str, tmp_path: Path) -> None:
    where = {"url": root, "peer_collection": "room", "user": "hub", "allow_private": True, "batch": 40}
    to = {"connector": "taxii-push", "partner": "Example Bank", "collection": "takedown", **where}
    # OpenTAXII fails on an object without ``modified``, and on its whole envelope.
    ours = a_hub(tmp_path / "ours", to | {"leave_out": ["marking-definition"]})
    theirs = a_hub(tmp_path / "theirs", {"connector": "taxii-pull", "contribute_as": "Peer", **where})

    def say(*values: str) -> None:
        reports = tmp_path / "reports.txt"
        reports.write_text("".join(f"{value}\n" for value in values))
        more = ("--kind", "domain", "--tlp", "green", "--scam-type", "merchandise", "--json")
        assert ours("contribute", str(reports), "--partner", "Example Bank", *more)["mapped"] == len(values)

    def exchange() -> None:
        for scamfeed in (ours, theirs):
            run = scamfeed("feed", "run", "peer", "--json")
            assert run["error"] is None, run
        assert active(ours) == active(theirs)

    say(*(f"h{number}.example.com" for number in range(100)))
    exchange()
    assert len(active(theirs)) == 100
    ours("retract", "h7.example.com", "--reason", "a false positive")
    say("h100.example.com")
    exchange()
    assert len(active(theirs)) == 100
    assert "h7.example.com" not in active(theirs)


def test_mirror_of_it_finds_active_objects_only(root: str, tmp_path: Path) -> None:
    def post(number: int, day: int, **more: Any) -> None:
        obj = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": f"2026-01-{day:02}T00:00:00.000Z",
            "pattern": f"[domain-name:value = 'm{number}.example.com']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00.000Z",
            **more,
        }
        headers, url = {"Accept": TAXII, "Content-Type": TAXII}, f"{root}collections/room/objects/"
        answer = requests.post(url, json={"objects": [obj]}, headers=headers, auth=("hub", "s3cret"), timeout=30)
        answer.raise_for_status()

    secret, config = tmp_path / "secret", tmp_path / "mirror.toml"
    secret.write_text("s3cret")
    table = {"name": "peer", "url": root, "user": "hub", "collections": ["room"], "allow_private": True, "page": 10}
    lines = [f"{name} = {json.dumps(said)}" for name, said in {**table, "default_grade": "warn"}.items()]
    config.write_text("\n".join(["[[hub]]", *lines, f"password = {{ file = {json.dumps(str(secret))} }}", ""]))

    def scamfeed(*command: str) -> Any:
        done = subprocess.run([BIN / "scamfeed", *command, "--json"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def found() -> list[bool]:
        values = [f"m{number}.example.com" for number in range(26)]
        return [result["found"] for result in scamfeed("check", *values, "--mirror", str(config))["results"]]

    for number in range(25):
        post(number, 1)
    (synced,) = scamfeed("mirror", "sync", "--config", str(config))["hubs"][0]["collections"]
    assert synced["digest"] == "none"
    assert found() == [True] * 25 + [False]
    post(7, 2, revoked=True)
    post(25, 1)
    scamfeed("mirror", "sync", "--config", str(config))
    assert found() == [number != 7 for number in range(26)]


def test_doctor_reports_it_healthy(root: str, tmp_path: Path) -> None:
    """It has no digest and no heartbeat; the doctor mentions this without reporting an error."""
    obj = {
        **{"type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z"},
        **{"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"},
    }
    objects = [
        obj | {"id": f"indicator--{uuid.uuid4()}", "pattern": f"[domain-name:value = 'd{number}.example.com']"}
        for number in range(3)
    ]
    headers = {"Accept": TAXII, "Content-Type": TAXII}
    posted = requests.post(
        f"{root}collections/room/objects/",
        json={"objects": objects},
        headers=headers,
        auth=("hub", "s3cret"),
        timeout=30,
    )
    assert posted.status_code == 202, posted.text
    address = f"{root.partition('/taxii2/')[0]}/taxii2/"
    done = subprocess.run(
        [BIN / "scamfeed", "doctor", address, "--user", "hub", "--collection", "room", "--json"],
        cwd=tmp_path,
        env={**os.environ, "HUB_PASSWORD": "s3cret"},
        capture_output=True,
        text=True,
    )
    findings = {found["check"]: found for found in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, done.stdout
    assert {found["verdict"] for found in findings.values()} <= {"ok", "skipped", "note"}
    assert findings["login"]["verdict"] == "ok"
