"""``scamfeed policy``: rules are shown, pasted, refused, and tried on cases."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.command import Run

DOCS = Path(__file__).parents[2] / "docs"
CASES = DOCS / "release-cases.toml"
RULE = '[[rule]]\ncollection = "task-force"\nkinds = ["bank-account"]\nleast_reporters = 2\n'
CASE: dict[str, Any] = {
    "partner": [
        {"name": "First Bank", "kind": "bank", "read": ["takedown"]},
        {"name": "Platform", "kind": "platform", "country": "TH", "read": ["takedown"]},
    ],
    "case": [
        {
            "name": "a domain",
            "contribute": [{"by": "First Bank", "kind": "domain", "value": "bad.example.com"}],
            "expect": {"collections": ["takedown"], "readers": ["Platform", "First Bank"]},
        }
    ],
}


def changed(**expect: Any) -> str:
    (case,) = CASE["case"]
    return json.dumps({**CASE, "case": [{**case, "expect": expect}]})


def test_every_worked_case_holds(run: Run) -> None:
    result = run("policy", "test", str(CASES), "--json")
    assert result.exit_code == 0, result.output
    tried = json.loads(result.stdout)
    assert tried["failed"] == 0
    assert len(tried["cases"]) == 20


def test_the_page_has_a_line_for_each_worked_case() -> None:
    cases = tomllib.loads(CASES.read_text(encoding="utf-8"))["case"]
    page = (DOCS / "release-rules.md").read_text(encoding="utf-8").partition("## Twenty cases")[2]
    assert [case["name"].partition(".")[0] for case in cases] == [str(n + 1) for n in range(20)]
    for number, case in enumerate(cases, 1):
        (line,) = [each for each in page.splitlines() if each.startswith(f"| {number} |")]
        if grade := case["expect"].get("grade"):
            assert f"`{grade}`" in line


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({"collections": []}, "collections: found takedown"),
        ({"collections": ["takedown", "public"]}, "collections: found takedown"),
        ({"readers": ["Platform"]}, "readers: found First Bank, Platform"),
        ({"private_collections": ["Platform"]}, "private_collections: found none"),
        ({"grade": "block"}, "grade: found warn"),
        ({"answer": "failed"}, "answer: found accepted"),
        ({"message": "no such thing"}, "message: found -"),
    ],
    ids=str,
)
def test_failing_case_shows_the_actual_result(run: Run, tmp_path: Path, expect: dict[str, Any], wrong: str) -> None:
    (tmp_path / "cases.json").write_text(changed(**expect), encoding="utf-8")
    result = run("policy", "test", "cases.json")
    assert result.exit_code == 1
    assert f"a domain: {wrong}" in result.output
    assert "0 of 1 cases hold" in result.output


def test_cases_may_be_written_in_yaml(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(CASE), encoding="utf-8")
    assert run("policy", "test", "cases.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{", "neither TOML, JSON nor YAML"),
        ("{}", "cases.json: partner: Field required"),
        (changed(rums=[]), "expect.rums: Extra inputs"),
        (json.dumps({**CASE, "rule": [{"collection": "missing"}]}), "no shared collection 'missing'"),
        (json.dumps({**CASE, "rule": [{"collection": "takedown", "tlp": "red"}]}), "only for named partners"),
        (json.dumps({**CASE, "partner": [{"name": "First Bank", "kind": "bnk"}]}), "partner 'First Bank': kind"),
        (json.dumps({**CASE, "partner": [{"name": "Other", "kind": "bank"}]}), "by: it has to be one of the partners"),
        (changed().replace("bad.example.com", "bad example"), "case 'a domain': "),
    ],
    ids=["json", "empty", "key", "collection", "level", "kind", "stranger", "value"],
)
def test_cases_that_cannot_be_tried_are_a_clear_error(run: Run, tmp_path: Path, said: str, message: str) -> None:
    (tmp_path / "cases.json").write_text(said, encoding="utf-8")
    result = run("policy", "test", "cases.json")
    assert result.exit_code == 2, result.output
    assert message in result.output


def test_shown_rules_can_be_pasted(run: Run, tmp_path: Path) -> None:
    shown = run("policy", "show").stdout
    (tmp_path / "scamfeed.toml").write_text(shown, encoding="utf-8")
    assert "where none are configured" in shown
    again = run("policy", "show").stdout
    assert again.partition("\n")[2] == shown.partition("\n")[2]
    assert json.loads(run("policy", "show", "--json").stdout)["configured"] is True


def test_kinds_without_a_rule_are_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scamfeed.toml").write_text(RULE, encoding="utf-8")
    assert "No rule takes app, company, domain" in run("policy", "show").stdout
    assert "bank-account" not in json.loads(run("policy", "show", "--json").stdout)["kinds_without_rule"]


def test_rule_needs_its_collection(run: Run, tmp_path: Path) -> None:
    assert run("init").exit_code == 0
    (tmp_path / "scamfeed.toml").write_text(RULE, encoding="utf-8")
    refused = run("status")
    assert refused.exit_code == 2
    assert "rule.0.collection: there is no shared collection 'task-force'" in refused.output
    made = run("collection", "add", "task-force", "--title", "Task force", "--json")
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert (said["alias"], said["full"]["alias"]) == ("task-force", "task-force-full")
    kinds = {row["alias"]: row["kind"] for row in json.loads(run("collection", "list", "--json").stdout)}
    assert kinds["task-force"] == kinds["task-force-full"] == "released"
    assert run("collection", "add", "task-force", "--title", "Another").exit_code == 2


def test_collection_without_a_rule_is_shown(run: Run) -> None:
    assert run("init").exit_code == 0
    assert "No rule fills it yet" in run("collection", "add", "task-force", "--title", "Task force").stdout


def test_rule_fills_its_new_collection(run: Run, tmp_path: Path) -> None:
    rule = RULE.replace("task-force", "two-banks")
    cases = {
        "collection": ["two-banks"],
        "partner": [{"name": name, "kind": "bank", "read": ["two-banks-full"]} for name in ("First", "Second")],
        "rule": tomllib.loads(rule)["rule"],
        "case": [
            {
                "name": f"by {len(by)}",
                "contribute": [
                    {"by": each, "kind": "bank-account", "value": "4567890123", "bank": "KBANK", "country": "TH"}
                    for each in by
                ],
                "expect": {
                    "collections": ["two-banks"] * (len(by) > 1),
                    "readers": ["First", "Second"] * (len(by) > 1),
                },
            }
            for by in (["First"], ["First", "Second"])
        ],
    }
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    result = run("policy", "test", "cases.json")
    assert result.exit_code == 0, result.output
