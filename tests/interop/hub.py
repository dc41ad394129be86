"""A hub started like an operator's, from the environment of ``make setup``, and its objects over HTTP."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
# The main environment next to this one, as set up by the Makefile.
BIN = Path(sys.prefix.removesuffix("-interop").removesuffix("-tlog")) / "bin"
TAXII = "application/taxii+json;version=2.1"

ROOMS = ("takedown", "mule-accounts", "wallets", "sightings", "public")

# One report per valid example of every kind, so that each reader also reads new kinds. Look-ups read numbers with an
# extension, but files with them are refused.
EXAMPLES = """
import json
from feeds.readers.rows import Row, refuse_changed_numbers
from schemas import kinds
for name, kind in kinds.every().items():
    for example in kind.examples():
        fields = {"kind": name, "value": example.raw, **example.given}
        if example.value is not None and isinstance(refuse_changed_numbers(Row(1, fields)), Row):
            print(json.dumps(fields))
"""

CONTEXT = {
    "scam_type": "investment",
    "channel": "social-media",
    "action": "block",
    "confidence": "85",
    "tlp": "clear",
    "first_seen": "2026-01-15T08:00:00Z",
    "valid_until": "2199-01-15T08:00:00Z",
    "description": "โฆษณาชวนลงทุนปลอม",
    "lang": "th",
}
AMBER = {"kind": "domain", "value": "amber.example.com"}
WRONG = {"kind": "domain", "value": "wrong.example.com"}


@dataclass(frozen=True)
class Hub:
    """A partner's credentials, and the objects that it gets."""

    url: str
    user: str
    password: str
    bank: str
    folder: Path

    def run(self, *command: str) -> Any:
        """Run a command of the hub's operator, and return its output."""
        return scamfeed(self.folder, *command)

    def page(self, room: str) -> list[dict[str, Any]]:
        """Fetch a whole collection by its alias, page by page."""
        objects: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 50}
        while True:
            answer = requests.get(
                f"{self.url}/feed/collections/{room}/objects/",
                params=query,
                auth=(self.user, self.password),
                headers={"Accept": TAXII},
                timeout=30,
            )
            answer.raise_for_status()
            said = answer.json()
            objects += said.get("objects", [])
            if not said.get("more"):
                return objects
            query["next"] = said["next"]


def bundle(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the objects of a collection into a bundle, like any plain STIX reader."""
    return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}


def of_type(objects: list[dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    """Return the objects of these types."""
    return [one for one in objects if one["type"] in types]


def scamfeed(folder: Path, *command: str) -> Any:
    """Run a command for the hub in a folder, and return its output."""
    line = [BIN / "scamfeed", *command, "--json"]
    return json.loads(subprocess.run(line, env=_environment(folder), check=True, capture_output=True).stdout)


def publish_domains(folder: Path, amount: int) -> None:
    """Report this many domains to the hub in a folder, and wait until they are sealed, here or by the running hub."""
    given = {"kind": "domain", "tlp": "clear", "confidence": 90}
    reports = [{**given, "value": f"of-{amount}-{number}.example.com"} for number in range(amount)]
    file = folder / "reports.jsonl"
    file.write_text("".join(json.dumps(report) + "\n" for report in reports))
    scamfeed(folder, "contribute", str(file), "--partner", "Example Bank")
    deadline = time.monotonic() + 60
    while scamfeed(folder, "log", "seal")["waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "SCAMFEED_DATABASE_URL": f"sqlite:///{folder / 'hub.db'}"}


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """Fill a hub by the command line and over HTTP, and serve it until the tests end."""
    examples = subprocess.run([BIN / "python", "-c", EXAMPLES], cwd=ROOT, check=True, capture_output=True)
    reports = [json.loads(line) | CONTEXT for line in examples.stdout.splitlines()]
    reports += [AMBER | CONTEXT | {"tlp": "amber"}, WRONG | CONTEXT]
    (folder / "reports.jsonl").write_text("".join(json.dumps(one) + "\n" for one in reports))

    scamfeed(folder, "init")
    rooms = [part for room in ROOMS for alias in (room, f"{room}-full") for part in ("--read", alias)]
    bank = scamfeed(folder, "partner", "add", "Example Bank", "--kind", "bank", "--vouched", *rooms)
    reader = scamfeed(folder, "partner", "add", "Reader", "--kind", "platform", "--vouched", *rooms)
    refused = scamfeed(folder, "contribute", str(folder / "reports.jsonl"), "--partner", "Example Bank")["rejected"]
    # Personal numbers are stored, and released to no partner.
    assert refused.keys() <= {"held"}
    scamfeed(folder, "retract", WRONG["value"], "--reason", "a false positive")

    with running(folder) as url:
        hub = Hub(url, reader["user"], reader["password"], bank["identity"], folder)
        _sight(hub, bank)
        yield hub


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Serve the store in a folder, and yield the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    log = folder / "log"
    command = [BIN / "scamfeed", "serve", "--port", str(port), "--workers", "1", "--no-scheduler"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=_environment(folder), stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(60)


def _sight(hub: Hub, bank: dict[str, str]) -> None:
    seen = next(one for one in of_type(hub.page("public"), "indicator") if not one.get("revoked"))
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": f"sighting--{uuid.uuid4()}",
        "created_by_ref": bank["identity"],
        "created": "2026-01-17T00:00:00.000Z",
        "modified": "2026-01-17T00:00:00.000Z",
        "first_seen": "2026-01-16T00:00:00.000Z",
        "last_seen": "2026-01-17T00:00:00.000Z",
        "count": 4,
        "sighting_of_ref": seen["id"],
        "where_sighted_refs": [bank["identity"]],
        "object_marking_refs": seen["object_marking_refs"],
    }
    answer = requests.post(
        f"{hub.url}/feed/collections/inbox/objects/",
        json={"objects": [sighting]},
        auth=(bank["user"], bank["password"]),
        headers={"Accept": TAXII, "Content-Type": TAXII},
        timeout=30,
    )
    assert answer.json()["success_count"] == 1, answer.text


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/health", timeout=10).ok:
                return
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
