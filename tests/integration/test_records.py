"""Records from files to their readers, through the command line and a real STIX parser."""

import json
from pathlib import Path
from typing import Any

import pytest
import stix2

from server.store import Store, collections, log
from server.store.objects.query import Query
from tests.integration.command import Run, answer

COUNTED = ("read", "mapped", "duplicates", "rejected")

REPORTS = (
    "value,kind\nshop.example.com,domain\nDE89370400440532013000,bank-account\nGB29NWBK60161331926819,bank-account\n"
)
OUTCOMES = (
    "value,kind,outcome,reason,effective_from\n"
    "shop[.]example[.]com,domain,Takedown,policy violation,2026-01-02\n"
    "DE89 3704 0044 0532 0130 00,bank-account,held,,2026-01-01\n"
    "shop.example.com,domain,taken-down,,2026-01-02\n"
    "unknown.example.com,domain,blocked,,\n"
)


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    """Make a hub with a reporting bank, and police that read domains only."""
    added = ("--kind", "bank", "--read", "mule-accounts", "--read", "takedown")
    assert run_with_store("partner", "add", "First Bank", *added).exit_code == 0
    assert run_with_store("partner", "add", "Cyber Police", "--kind", "government", "--read", "takedown").exit_code == 0
    assert run_with_store("contribute", "-", "--partner", "First Bank", stdin=REPORTS).exit_code == 0
    return run_with_store


def held(alias: str) -> list[dict[str, Any]]:
    store = Store.open("sqlite:///scamfeed.db")
    with store.read() as tx:
        page = log.page(tx, collections.get(tx, alias), Query())
    store.close()
    return [json.loads(body) for body in page.bodies]


def test_outcomes_reach_readers_of_sightings(hub: Run) -> None:
    counts = answer(hub("contribute", "-", "--partner", "First Bank", "--record", "outcome", "--json", stdin=OUTCOMES))
    assert {name: counts[name] for name in COUNTED} == {
        "read": 4,
        "mapped": 2,
        "duplicates": 1,
        "rejected": {"indicator-unknown": 1},
    }
    opinions = [obj for obj in held("sightings") if obj["type"] == "opinion"]
    assert {obj["opinion"] for obj in opinions} == {"strongly-agree"}
    parsed = stix2.parse({"type": "bundle", "id": opinions[0]["id"].replace("opinion", "bundle"), "objects": opinions})
    assert len(parsed["objects"]) == 2
    known = next(each for each in answer(hub("lookup", "shop.example.com", "--json")) if each["kind"] == "domain")
    assert [(each["partner"], each["outcome"], each["reason"]) for each in known["outcomes"]] == [
        ("First Bank", "taken-down", "policy-violation")
    ]
    assert "Outcomes of shop.example.com" in hub("lookup", "shop.example.com").output


def test_a_file_that_names_its_records_needs_no_flag(hub: Run) -> None:
    said = OUTCOMES.replace("value,kind", "record,value,kind", 1).replace("\n", "\noutcome,").removesuffix("outcome,")
    assert answer(hub("contribute", "-", "--partner", "First Bank", "--json", stdin=said))["mapped"] == 2
    assert {obj["opinion"] for obj in held("sightings") if obj["type"] == "opinion"} == {"strongly-agree"}


def test_handles_and_packages_get_platform_and_system_from_the_command_line(run: Run) -> None:
    social = ("map", "-", "--kind", "social-account", "--json")
    assert answer(run(*social, "--platform", "LINE", stdin="example.id\n"))["mapped"] == 1
    assert answer(run(*social, stdin="example.id\n"))["rejected"] == {"platform-missing": 1}
    app = ("map", "-", "--kind", "app", "--json")
    assert answer(run(*app, "--os", "android", stdin="com.example.bank\n"))["mapped"] == 1
    assert answer(run(*app, stdin="com.example.bank\n"))["rejected"] == {"os-missing": 1}
    for option, word in (("--platform", "nowhere"), ("--os", "nothing")):
        refused = run(*social, option, word, stdin="x\n")
        assert (refused.exit_code, f"{option} {word}" in refused.stderr) == (2, True)


def test_value_looks_unknown_without_read_access(hub: Run, tmp_path: Path) -> None:
    arguments = (
        "contribute",
        "-",
        "--partner",
        "Cyber Police",
        "--record",
        "outcome",
        "--json",
        "--rejects",
        "r.jsonl",
    )
    counts = answer(hub(*arguments, stdin=OUTCOMES))
    assert counts["rejected"] == {"indicator-unknown": 2}
    rejects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({each["message"] for each in rejects}) == 1
    assert [each["line"] for each in rejects] == [3, 5]


def test_contributing_records_twice_changes_nothing(hub: Run) -> None:
    arguments = ("contribute", "o.csv", "--partner", "First Bank", "--record", "outcome", "--json")
    Path("o.csv").write_text(OUTCOMES, encoding="utf-8")
    first = answer(hub(*arguments)), held("sightings"), held("inbox")
    assert (answer(hub(*arguments)), held("sightings"), held("inbox")) == first


def test_only_a_flow_between_reported_accounts_is_released(hub: Run, tmp_path: Path) -> None:
    ends = (
        "bank-account:DE89370400440532013000",
        "bank-account:GB29NWBK60161331926819",
        "bank-account:FR1420041010050500013M02606",
    )
    flows = f"source,target,amount,currency\n{ends[0]},{ends[1]},1234.50,EUR\n{ends[0]},{ends[2]},,\n"
    arguments = ("contribute", "-", "--partner", "First Bank", "--record", "flow", "--json", "--rejects", "r.jsonl")
    results = answer(hub(*arguments, stdin=flows))["results"]
    assert (results["published"], [*results["kept, not published"].values()]) == (1, [1])
    assert "FR14" not in (tmp_path / "r.jsonl").read_text(encoding="utf-8")
    related = [obj for obj in held("mule-accounts-full") if obj.get("relationship_type") == "related-to"]
    assert [obj["source_ref"].partition("--")[0] for obj in related] == ["bank-account"]
    assert "FR14" not in json.dumps(held("mule-accounts-full"))


def test_map_makes_records_without_a_store(run: Run, tmp_path: Path) -> None:
    rows = "of,count,countries\nindicator--2c4125de-07a4-58ff-80f6-00aa533a88a7,3,TH\ndomain:a.example.com,1,\n"
    counts = answer(run("map", "-", "--record", "sighting", "--output", "o.json", "--json", stdin=rows))
    assert {name: counts[name] for name in COUNTED} == {
        "read": 2,
        "mapped": 1,
        "duplicates": 0,
        "rejected": {"indicator-not-named": 1},
    }
    objects = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))["objects"]
    assert [obj["type"] for obj in objects[-2:]] == ["location", "sighting"]
    assert len({obj["id"] for obj in objects}) == len(objects)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--record", "rumour"), "there is no such record; there are: sighting, outcome, opinion, flow, case"),
        (("--record", "sighting", "--format", "hosts"), "records are read from csv, json, jsonl"),
    ],
)
def test_a_wrong_option_is_a_clear_error(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("map", "-", *arguments, stdin="x\n")
    assert result.exit_code == 2
    assert message in result.stderr
