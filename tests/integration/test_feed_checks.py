"""``scamfeed feed verify`` and ``replay``, and the liveness of a hub in the status."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.store import Store, jobs
from server.store.liveness import heartbeats
from tests.integration.command import Run, answer

FEEDS = """
[[feed]]
name = "out"
connector = "file-push"
path = "out"
partner = "Platform"
collection = "takedown"
format = "csv"
least_grade = "investigate"
signing_key = { file = "files.pem" }

[[feed]]
name = "in"
connector = "file-pull"
path = "in"
contribute_as = "Platform"
"""


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    """Make a hub that has delivered a domain into a folder."""
    added = run_with_store("partner", "add", "Platform", "--kind", "platform", "--read", "takedown")
    assert added.exit_code == 0
    (tmp_path / "a.csv").write_text("value,kind\nbad.example.com,domain\n", encoding="utf-8")
    answer(run_with_store("contribute", "a.csv", "--partner", "Platform", "--tlp", "green", "--json"))
    (tmp_path / "out").mkdir()
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "files.pem").write_bytes(Ed25519PrivateKey.generate().private_bytes(*pem))
    (tmp_path / "scamfeed.toml").write_text(FEEDS, encoding="utf-8")
    answer(run_with_store("feed", "run", "out", "--json"))
    return run_with_store


def test_push_is_verified_and_its_responses_are_stored(hub: Run) -> None:
    assert answer(hub("feed", "verify", "out", "--history", "--json")) == []
    verified = answer(hub("feed", "verify", "out", "--state", "spoken", "--json"))
    assert (verified["well"], verified["state"], verified["answer"]) == (True, "spoken", "answers")
    assert answer(hub("feed", "verify", "out", "--history", "--json")) == [verified]
    listed = {feed["feed"]: feed["verified"] for feed in answer(hub("feed", "list", "--json"))}
    assert listed == {"out": verified, "in": None}


def test_a_push_that_cannot_deliver_fails_its_verification(hub: Run) -> None:
    assert hub("partner", "revoke", "Platform", "--read", "takedown").exit_code == 0
    refused = hub("feed", "verify", "out", "--json")
    assert refused.exit_code == 1
    assert "may not read takedown" in json.loads(refused.stdout)["answer"]


def test_replay_delivers_again_and_names_the_next_position(hub: Run) -> None:
    again = answer(hub("feed", "replay", "out", "--since", "2026-01-01T00:00:00Z", "--json"))
    assert (again["accepted"] > 0, again["more"], again["go_on_from"], again["error"]) == (True, False, None, None)
    assert answer(hub("feed", "replay", "out", "--since", "2026-01-01T00:00:00Z", "--json")) == again
    later = answer(hub("feed", "replay", "out", "--since", "2999-01-01T00:00:00Z", "--json"))
    assert (later["read"], later["more"]) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "in"), "in is a pull"),
        (("replay", "in", "--since", "2026-01-01T00:00:00Z"), "in is a pull"),
        (("replay", "out", "--since", "yesterday"), "--since yesterday"),
        (("verify", "other"), "there is no feed 'other'"),
    ],
)
def test_impossible_options_are_refused(hub: Run, arguments: tuple[str, ...], words: str) -> None:
    refused = hub("feed", *arguments)
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_status_shows_the_time_up_to_which_collections_are_current(hub: Run) -> None:
    def shown() -> dict[str, str | None]:
        return {row["alias"]: row["heartbeat"] for row in answer(hub("status", "--json"))["collections"]}

    assert set(shown().values()) == {None}
    store = Store.open("sqlite:///scamfeed.db")
    with store.begin() as tx:
        heartbeats.beat(tx, "server")
    first = shown()
    assert first["inbox"] is None
    assert first["takedown"] is not None
    with store.begin() as tx:
        jobs.begin(tx, "policy apply", {})
        heartbeats.forget(tx, "server")
    with store.begin() as tx:
        heartbeats.beat(tx, "server")
    status = answer(hub("status", "--json"))
    assert status["heartbeats"]["server"] >= shown()["takedown"]
    assert status["quiet"] == []
    store.close()
    assert hub("status").exit_code == 0
