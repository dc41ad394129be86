"""A partner without a record has a daily limit of listed values. The rest waits for review, and nothing is lost."""

from pathlib import Path

import pytest

from tests.integration.command import Run, answer
from tests.times import set_written_now

MOST, MOST_PUBLIC = 200, 20
OTHERS = ("--partner", "New Bank", "--kind", "domain", "--json")


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    for name in ("New Bank", "Reader"):
        added = ("partner", "add", name, "--kind", "bank", "--country", "th", "--read", "takedown", "--read", "public")
        assert run_with_store(*added).exit_code == 0
    return run_with_store


def write(folder: Path, name: str, count: int, tlp: str = "green") -> str:
    lines = ["value,tlp", *(f"{name}{number}.example.com,{tlp}" for number in range(count))]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    set_written_now(folder / f"{name}.csv")
    return f"{name}.csv"


def listed(hub: Run, alias: str, tmp_path: Path) -> int:
    assert hub("export", "--collection", alias, "--format", "csv", "--output", "out.csv").exit_code == 0
    return len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) - 1


@pytest.mark.long
def test_large_batch_is_cut_and_the_rest_can_be_approved(hub: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "v", 1_100)
    first = answer(hub("contribute", file, *OTHERS))
    assert listed(hub, "takedown", tmp_path) == MOST
    assert answer(hub("contribute", file, *OTHERS)).keys() == first.keys()
    assert listed(hub, "takedown", tmp_path) == MOST
    assert {row["rule"] for row in answer(hub("review", "list", "--json"))} == {"new-partner"}
    assert answer(hub("status", "--json"))["reviews"]["open"] == 1_100 - MOST
    said = answer(hub("explain", "v1099.example.com", "--partner", "New Bank", "--json"))
    assert "without a record" in str(said)
    approved = hub("review", "approve", "--rule", "new-partner", "--partner", "New Bank", "--note", "all looked at")
    assert approved.exit_code == 0, approved.output
    assert listed(hub, "takedown", tmp_path) == 1_100


def test_fewer_are_listed_in_public(hub: Run, tmp_path: Path) -> None:
    hub("contribute", write(tmp_path, "c", 30, "clear"), *OTHERS)
    assert listed(hub, "public", tmp_path) == MOST_PUBLIC
    hub("contribute", write(tmp_path, "g", 185), *OTHERS)
    assert listed(hub, "takedown", tmp_path) == MOST
    assert listed(hub, "public", tmp_path) == MOST_PUBLIC


def test_a_value_that_becomes_public_later_counts_as_public(hub: Run, tmp_path: Path) -> None:
    hub("contribute", write(tmp_path, "v", 30), *OTHERS)
    hub("contribute", write(tmp_path, "v", 30, "clear"), *OTHERS)
    assert listed(hub, "public", tmp_path) <= MOST_PUBLIC


def test_held_values_throttle_no_partner(hub: Run, tmp_path: Path) -> None:
    hub("contribute", write(tmp_path, "v", 900), *OTHERS)
    assert answer(hub("contribute", write(tmp_path, "w", 1), *OTHERS))
    assert {row["rule"] for row in answer(hub("review", "list", "--json"))} == {"new-partner"}


def test_vouched_partner_has_no_limit(hub: Run, tmp_path: Path) -> None:
    assert hub("partner", "set", "New Bank", "--vouched").exit_code == 0
    hub("contribute", write(tmp_path, "v", 300, "clear"), *OTHERS)
    assert listed(hub, "public", tmp_path) == 300
    assert answer(hub("review", "list", "--json")) == []


def test_the_limits_are_settings(hub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMFEED_NEWCOMER_VALUES", "5")
    hub("contribute", write(tmp_path, "v", 9), *OTHERS)
    assert listed(hub, "takedown", tmp_path) == 5
    monkeypatch.setenv("SCAMFEED_NEWCOMER_VALUES", "0")
    hub("contribute", write(tmp_path, "w", 300), *OTHERS)
    assert listed(hub, "takedown", tmp_path) == 305
