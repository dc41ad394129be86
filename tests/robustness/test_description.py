"""schemathesis with the description at ``/openapi.json``: valid requests are accepted, invalid ones refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import TAXII, Peer, indicator, version
from tests.robustness.tally import Pass, Tally

# The main environment next to this one, as set up by the Makefile.
SCHEMATHESIS = Path(f"{sys.prefix}-fuzz/bin/schemathesis")
EXAMPLES = 60
SECONDS = 300
# An invalid request may also be too large. A value that matches its schema may still be invalid, such as an account of
# no bank.
REFUSALS = """
[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "5xx"]
"""


@pytest.fixture(scope="module")
def member(server: Deployment, turn: Pass) -> Peer:
    """Return a partner whose collection has objects in several versions, too few for a cached page."""
    peer = server.peer("member")
    if not turn.number:
        objects = [indicator() for _ in range(20)]
        peer.post("collections/room/objects/", objects)
        peer.post("collections/room/objects/", [version(item, "2026-02-01T00:00:00.000Z") for item in objects[:10]])
    return peer


@pytest.mark.parametrize("collection", ["room", None], ids=["one-collection", "any-collection"])
def test_server_matches_its_description(
    server: Deployment, member: Peer, turn: Pass, tally: Tally, tmp_path: Path, collection: str | None
) -> None:
    told = run(server, member, turn.number, tmp_path, collection)
    # The output after it is long, and no failure.
    assert told.returncode == 0, told.stderr + told.stdout.partition("Failed to extract data")[0]
    answered = json.loads((tmp_path / "answers.har").read_text())["log"]["entries"]
    assert len(answered) > 10 * EXAMPLES
    for entry in answered:
        path = urlsplit(entry["request"]["url"]).path
        beside = path.startswith(("/api/", "/match/", "/witness/", "/v5/")) or "/log/" in path
        also_in = "application/json" if beside else TAXII
        tally.look("schemathesis on the description", *answer(entry["response"]), also_in=also_in)


def run(
    server: Deployment, member: Peer, seed: int, folder: Path, collection: str | None
) -> subprocess.CompletedProcess[str]:
    """Let schemathesis send requests to one ``collection``, or to any that it finds or invents."""
    rules = folder / "schemathesis.toml"
    rules.write_text((f'[parameters]\ncollection_id = "{collection}"\n' if collection else "") + REFUSALS)
    return subprocess.run(
        [
            str(SCHEMATHESIS),
            *("--config-file", str(rules), "run", f"{server.url}/openapi.json"),
            *("--header", f"Authorization: {member.authorization}", "--checks", "all"),
            # It has no end; tests/integration/test_streams.py has its refusals.
            *("--exclude-path", "/api/collections/{collection_id}/stream"),
            # After repeated wrong passwords a client must wait, which schemathesis does not know.
            *("--exclude-checks", "ignored_auth"),
            *("--max-examples", str(EXAMPLES), "--seed", str(seed)),
            *("--generation-database", "none", "--continue-on-failure", "--no-color", "--warnings", "off"),
            *("--report", "har", "--report-har-path", str(folder / "answers.har")),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "SCHEMATHESIS_HOOKS": "hooks"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def answer(response: dict[str, Any]) -> tuple[int, str, bytes]:
    """Return status, type and body of a recorded response."""
    kinds = [header["value"] for header in response["headers"] if header["name"].lower() == "content-type"]
    return response["status"], kinds[0] if kinds else "", response["content"].get("text", "").encode()
