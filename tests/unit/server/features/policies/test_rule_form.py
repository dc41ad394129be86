"""The form of a policy: its fields and the TOML are the same rules, and each change is in words."""

import re
from datetime import UTC
from html import unescape

import pytest
from flask import Flask

from server.features.policies.rule_form import tables_of_text
from server.features.policies.rule_words import changes, conditions
from server.release.route.deadlines import PolicyDeadline
from server.release.route.policy import Policy, PolicyRule, default_rules, parse_policy, policy_to_toml, tables_to_toml
from server.store.operators.users import OperatorRole
from server.web.shell.languages import ENGLISH, load_languages
from tests.unit.server.web.shell.conftest import app, store
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

__all__ = ["app", "store"]

LANGUAGE = load_languages(UTC)[ENGLISH]
RULE = {"0-collection": "takedown", "0-kinds": ["domain", "url"], "0-least_reporters": "2"}
WHOLE = {
    **RULE,
    **{"0-tlp": "green", "0-from_kinds": ["bank", "government"], "0-grades": ["block"]},
    **{"0-countries": "th, KH", "0-least_confidence": "60"},
}


@pytest.fixture
def analyst(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def send(analyst: Visitor, do: str, **fields: object) -> tuple[int, str]:
    given = {"token": token_of(analyst.get("/console/policy").text), "form": "yes", "do": do, **fields}
    answer = analyst.client.post("/console/policy/trial", data=given)
    return answer.status_code, answer.text


def text_of(page: str) -> str:
    found = re.search(r'<textarea id="rules"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_fields_become_the_text_beside_them(analyst: Visitor) -> None:
    status, page = send(analyst, "try", rule=["0"], **WHOLE)
    assert status == 200
    [rule] = parse_policy(text_of(page)).rules
    assert rule == PolicyRule(
        collection="takedown",
        kinds=("domain", "url"),
        tlp="green",
        from_kinds=("bank", "government"),
        grades=("block",),
        countries=("TH", "KH"),
        least_confidence=60,
        least_reporters=2,
    )
    assert "Propose these rules" in page
    assert "changed rule" in page


def test_rules_are_added_and_removed_in_the_draft_alone(analyst: Visitor) -> None:
    status, page = send(analyst, "add", rule=["0"], **RULE)
    assert (status, page.count('name="rule" value="')) == (200, 2)
    assert "Propose these rules" not in page
    second = {"1-collection": "wallets", "1-least_reporters": "1"}
    _, page = send(analyst, "remove-0", rule=["0", "1"], **RULE, **second)
    assert text_of(page) == '[[rule]]\ncollection = "wallets"\n'


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("0-least_confidence", "many", "least confidence"),
        ("0-least_confidence", "101", "least confidence"),
        ("0-countries", "Thailand", "countries"),
        ("0-collection", 'takedown"]\nx = "', "alias"),
        ("0-collection", "nowhere", "nowhere"),
        ("0-kinds", '"><script>', "no such kind"),
    ],
)
def test_invalid_field_is_named_and_the_form_keeps_it(analyst: Visitor, field: str, value: str, words: str) -> None:
    status, page = send(analyst, "try", rule=["0"], **{**RULE, field: value})
    assert status == 422
    assert words in page.partition('role="alert"')[2].partition("</div>")[0]
    assert "<script>" not in page
    assert value in text_of(page).replace('\\"', '"').replace("\\n", "\n") or value.upper() in text_of(page)


def test_text_that_no_form_can_show_says_so(analyst: Visitor) -> None:
    for text in ("[[rule", "rule = 3", '[[rule]]\ncollection = "takedown"\nother = 1', "[[rule]]\ncollection = [1]"):
        page = analyst.send("/console/policy/trial", "/console/policy", rules=text, do="read").text
        assert "The form cannot show this text" in page, text
        assert text_of(page) == text


def test_text_is_shown_as_a_form(analyst: Visitor) -> None:
    text = '[[rule]]\ncollection = "takedown"\ncountries = ["TH"]\n\n[[rule]]\ncollection = "gone"\n'
    page = analyst.send("/console/policy/trial", "/console/policy", rules=text, do="read").text
    assert 'value="TH"' in page
    assert page.count('name="rule" value="') == 2


def test_policy_survives_text_and_tables() -> None:
    deadlines = [PolicyDeadline(basis=("order",), asks=("take-down",), countries=("TH",), time="36h")]
    text = policy_to_toml(Policy(default_rules(), deadlines=deadlines))
    tables = tables_of_text(text)
    assert tables is not None
    assert tables_to_toml(*tables) == text
    assert parse_policy(text).deadlines == tuple(deadlines)


def test_changes_are_in_words() -> None:
    old = Policy([PolicyRule(collection="takedown"), PolicyRule(collection="wallets", grades=("block",))])
    new = Policy([PolicyRule(collection="takedown", least_reporters=2), PolicyRule(collection="public")])
    assert [tuple(change) for change in changes(LANGUAGE, old, new)] == [
        ("changed", "takedown", [("Least number of reporters", "one reporter", "2")]),
        ("added", "public", []),
        ("removed", "wallets", [("Recommended actions", "Block", "")]),
    ]
    assert [change.sign for change in changes(LANGUAGE, None, new)] == ["added", "added"]
    assert changes(LANGUAGE, new, new) == []


def test_fields_of_deadlines_become_the_text_beside_them(analyst: Visitor) -> None:
    first = {"d0-basis": ["order"], "d0-asks": ["take-down", "suspend"], "d0-countries": "th", "d0-time": "12h"}
    given = {"rule": ["0"], "deadline": ["d0", "d1"], **RULE, **first, "d1-time": "2d"}
    status, page = send(analyst, "try", **given)
    assert status == 200
    wanted = PolicyDeadline(basis=("order",), asks=("take-down", "suspend"), countries=("TH",), time="12h")
    assert parse_policy(text_of(page)).deadlines == (wanted, PolicyDeadline(time="2d"))
    assert "Propose these rules" in page
    assert page.count("Time for responses to takedown requests") >= 4
    _, page = send(analyst, "remove-d0", **given)
    assert parse_policy(text_of(page)).deadlines == (PolicyDeadline(time="2d"),)
    _, page = send(analyst, "add-deadline", **given)
    assert page.count('name="deadline" value="') == 3


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("d0-time", "soon", "from 30m to 90d"),
        ("d0-time", "91d", "from 30m to 90d"),
        ("d0-asks", "freeze", "only takedown requests"),
        ("d0-countries", "Siam", "countries"),
    ],
)
def test_invalid_deadline_is_named_and_the_form_keeps_it(analyst: Visitor, field: str, value: str, words: str) -> None:
    given = {"rule": ["0"], "deadline": ["d0"], **RULE, "d0-time": "2d", field: value}
    status, page = send(analyst, "try", **given)
    assert status == 422
    assert words in page.partition('role="alert"')[2].partition("</div>")[0]
    assert value.lower() in text_of(page).lower()


def test_deadlines_change_in_words() -> None:
    old = Policy(default_rules(), deadlines=[PolicyDeadline(time="2d")])
    new = Policy(default_rules(), deadlines=[PolicyDeadline(basis=("order",), time="12h")])
    title = "Time for responses to takedown requests"
    assert [tuple(change) for change in changes(LANGUAGE, old, new)] == [
        ("removed", title, [("Longest time for a response", "2d", "")]),
        ("added", title, [("Basis", "", "Order of an authority"), ("Longest time for a response", "", "12h")]),
    ]


def test_defaults_are_shown() -> None:
    found = {title: (text, is_set) for title, text, is_set in conditions(LANGUAGE, PolicyRule(collection="public"))}
    assert found["Narrowest marking (TLP)"] == ("clear", False)
    assert found["Kinds of values"] == ("all kinds", False)
