"""Commands of the guard: its lists, their updates, and the brake."""

import json
from pathlib import Path

import pytest

from server.store import Store, quotas
from server.store.database.times import now
from tests.integration.command import Run, answer


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    assert run_with_store("partner", "add", "First Bank", "--kind", "bank", "--country", "th").exit_code == 0
    return run_with_store


def test_lists_show_their_entries_and_held_values(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "reports.txt").write_text("bit.ly\nshop.example.com\n", encoding="utf-8")
    hub("contribute", "reports.txt", "--partner", "First Bank", "--kind", "domain")
    rows = {row["list"]: row for row in answer(hub("lists", "show", "--json"))}
    assert rows["url-shortener"]["held"] == 1
    assert rows["tranco10k"]["entries"] == 10_000
    assert rows["local-sites"] == {
        "list": "local-sites",
        "entries": 0,
        "loaded": "",
        "updated": False,
        "held": 0,
        "what": "a site that this hub's operator knows as harmless",
    }


def test_updated_list_is_next_to_the_store_and_in_force(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "ours.txt").write_text("shop.example.com\n", encoding="utf-8")
    assert answer(hub("lists", "update", "ours.txt", "--as", "local-sites", "--json"))[0]["entries"] == 1
    assert (tmp_path / "scamfeed-lists" / "local-sites.txt.gz").exists()
    (tmp_path / "reports.txt").write_text("shop.example.com\nother.example.com\n", encoding="utf-8")
    hub("contribute", "reports.txt", "--partner", "First Bank", "--kind", "domain")
    assert [row["rule"] for row in answer(hub("review", "list", "--json"))] == ["local-sites"]


def test_published_folder_of_lists_is_accepted(hub: Run, tmp_path: Path) -> None:
    for name, entries in (("bank-website", [".bank.example"]), ("tlds", ["example"])):
        (tmp_path / "lists" / name).mkdir(parents=True)
        (tmp_path / "lists" / name / "list.json").write_text(json.dumps({"list": entries}), encoding="utf-8")
    assert "--may-shrink" in hub("lists", "update", "lists").stderr
    done = answer(hub("lists", "update", "lists", "--may-shrink", "--json"))
    assert [(row["list"], row["entries"]) for row in done] == [("bank-website", 1)]


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("nothing.txt", ["--as", "local-sites"], "No such file"),
        ("nothing.txt", [], "no list has this name"),
        ("ours.txt", ["--as", "none-of-ours"], "there is no list none-of-ours"),
        ("ours.txt", ["--as", "public-dns-v4"], "has only such"),
        ("http://lists.example/bank-website/list.json", [], "https://"),
        ("https://127.0.0.1:9/bank-website/list.json", [], "cannot be loaded"),
        ("https://lists.example/what.json", [], "--as"),
    ],
)
def test_malformed_list_is_refused_with_advice(
    hub: Run, tmp_path: Path, source: str, options: list[str], said: str
) -> None:
    (tmp_path / "ours.txt").write_text("shop.example.com\n", encoding="utf-8")
    result = hub("lists", "update", source, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "scamfeed-lists").exists()


def test_commands_propose_on_request_and_once_two_operators_may_confirm(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "reports.txt").write_text("bit.ly\nimdb.com\ngoogle.com\n", encoding="utf-8")
    hub("contribute", "reports.txt", "--partner", "First Bank", "--kind", "domain")
    [held, alone, last] = [row["id"] for row in answer(hub("review", "list", "--json"))]
    [caution] = answer(hub("review", "show", held, "--json"))["cautions"]
    assert caution["list"] in ("url-shortener", "tranco10k", "owned-sites")
    assert caution["list"] in hub("review", "show", held).stdout
    [row] = answer(hub("review", "approve", held, "--propose", "--by", "Anong", "--json"))
    assert row["state"] == "open"
    assert hub("proposal", "confirm", row["proposal"], "--by", "Anong").exit_code == 2
    assert answer(hub("proposal", "confirm", row["proposal"], "--by", "Boon", "--json"))["state"] == "confirmed"
    [row] = answer(hub("review", "approve", alone, "--json"))
    assert (row["state"], "proposal" in row) == ("approved", False)
    for name in ("Anong", "Boon"):
        assert hub("operator", "add", name, "--role", "approver").exit_code == 0
    [row] = answer(hub("review", "approve", last, "--json"))
    assert (row["state"], "proposal" in row) == ("open", True)


def test_a_brake_is_lifted_by_name(hub: Run, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    with store.begin() as tx:
        quotas.throttle(tx, "First Bank", "unusual-volume", now())
    assert hub("partner", "lift-throttle", "First Bank").exit_code == 0
    with store.read() as tx:
        assert quotas.current_throttles(tx) == []
    store.close()
    again = hub("partner", "lift-throttle", "First Bank")
    assert (again.exit_code, "not throttled" in again.stderr) == (2, True)
    assert "no partner" in hub("partner", "lift-throttle", "Nobody").stderr
