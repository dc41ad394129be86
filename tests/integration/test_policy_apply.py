"""Changed rules apply to existing listings after ``policy apply``."""

from pathlib import Path
from typing import Any

import pytest

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.store import Store, collections, inbox, log, partners
from server.store.item import Item
from tests.integration.command import Run, answer

RULES = """
[[rule]]
collection = "takedown"
kinds = ["domain"]
least_reporters = 2
"""


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    for name in ("First", "Second"):
        assert run_with_store("partner", "add", name, "--kind", "platform", "--vouched").exit_code == 0
    for name, rows in (("First", "a.example.com\nb.example.com\n"), ("Second", "a.example.com\n")):
        assert run_with_store("contribute", "-", "--partner", name, "--kind", "domain", stdin=rows).exit_code == 0
    return run_with_store


def listed(run: Run) -> list[str]:
    result = run("export", "--collection", "takedown", "--format", "list")
    assert result.exit_code == 0, result.output
    return sorted(result.stdout.split())


def applied(run: Run) -> Any:
    return answer(run("policy", "apply", "--json"))


def test_changed_rules_delist_values_and_list_them_anew(hub: Run, tmp_path: Path) -> None:
    assert listed(hub) == ["a.example.com", "b.example.com"]
    (tmp_path / "scamfeed.toml").write_text(RULES)
    assert applied(hub) == {"values": 2, "changed": 1}
    assert listed(hub) == ["a.example.com"]
    assert applied(hub) == {"values": 2, "changed": 0}
    (tmp_path / "scamfeed.toml").unlink()
    assert applied(hub)["changed"] == 1
    assert listed(hub) == ["a.example.com", "b.example.com"]


def test_anew_lists_the_lowered_values(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "scamfeed.toml").write_text(RULES)
    done = answer(hub("policy", "apply", "--anew", "--json"))
    [value] = done["lowered_values"]
    assert done["lowered"] == 1
    assert value == {"kind": "domain", "value": "b.example.com", "before": value["before"], "after": None}
    assert value["before"]["grade"] == "warn"
    assert "Lowered values" not in hub("policy", "apply", "--anew").stdout


def test_listings_in_a_partners_name_move_to_the_hub(hub: Run) -> None:
    now = timestamp.text(timestamp.now())
    reader = ReportReader({"reporter": "First", "reported_at": now, "kind": "domain"})
    own = to_stix(reader.report({"value": "b.example.com"}))[1]
    store = Store.open("sqlite:///scamfeed.db")
    with store.begin() as tx:
        own_id = own["id"]
        assert inbox.latest(tx, [inbox.key(partners.space(tx, "First"), own_id)])
        for alias in ("takedown", "takedown-full"):
            log.append(tx, collections.get(tx, alias), [Item.of(own)])
    applied(hub)
    with store.read() as tx:
        assert log.latest(tx, collections.get(tx, "takedown"), [own_id])[own_id].revoked
    store.close()
    assert listed(hub) == ["a.example.com", "b.example.com"]
