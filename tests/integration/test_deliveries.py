"""``scamfeed feed deliveries`` shows the deliveries to a partner, from the files of a push to the command."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.command import Run, answer
from tests.times import set_written_now


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    """Make a hub that writes files for a bank."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "out").mkdir()
    (tmp_path / "scamfeed.toml").write_text(
        '[[feed]]\nname = "files"\nconnector = "file-push"\npartner = "First Bank"\ncollection = "takedown"\n'
        'path = "out"\nformat = "list"\nsigning_key = { file = "key.pem" }\n'
    )
    (tmp_path / "domains.txt").write_text("a.example.com\nb.example.com\n")
    set_written_now(tmp_path / "domains.txt")
    for command in (
        ("partner", "add", "First Bank", "--kind", "bank", "--read", "takedown"),
        ("partner", "add", "Telecom", "--kind", "telecom"),
        ("contribute", "domains.txt", "--partner", "Telecom", "--kind", "domain"),
        ("feed", "run", "files"),
    ):
        result = run_with_store(*command)
        assert result.exit_code == 0, result.output
    return run_with_store


def deliveries(hub: Run, *options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer(hub("feed", "deliveries", *options, "--json"))
    return rows


def test_deliveries_show_receivers_and_their_responses(hub: Run, tmp_path: Path) -> None:
    assert sorted((tmp_path / "out" / "takedown.txt").read_text().split()) == ["a.example.com", "b.example.com"]
    (row,) = deliveries(hub, "--object", "hxxp://a[.]example[.]com")
    assert (row["feed"], row["partner"], row["answer"], row["attempts"]) == ("files", "First Bank", "success", 1)
    assert deliveries(hub, "--object", row["object"]) == [row]


def test_retraction_is_a_separate_version(hub: Run) -> None:
    assert hub("retract", "a.example.com", "--partner", "Telecom", "--reason", "false-positive").exit_code == 0
    assert hub("feed", "run", "files").exit_code == 0
    rows = deliveries(hub, "files", "--object", "a.example.com")
    assert len({row["version"] for row in rows}) == 2
    assert rows[0]["version"] > rows[1]["version"]


def test_deliveries_can_be_filtered(hub: Run) -> None:
    assert len(deliveries(hub, "files", "--limit", "1")) == 1
    assert deliveries(hub, "another-feed") == []
    assert deliveries(hub, "--refused") == []
    assert hub("feed", "deliveries", "--object", "??").exit_code == 2
    assert "Deliveries" in hub("feed", "deliveries").output
