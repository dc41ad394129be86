"""The pages of policy and allowlists: rights to try, propose and enter, and refused input."""

import re

import pytest
from flask import Flask

from server.app import close, create_app
from server.release.route.policy import PolicyRule
from server.settings import Settings
from server.store import Store
from server.store.allowlist import entries
from server.store.operators.users import OperatorRole
from server.store.policies import policies
from server.store.proposals import proposals
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

STRICT = '[[rule]]\r\ncollection = "takedown"\r\nkinds = ["domain"]\r\nleast_reporters = 2\r\n'


@pytest.fixture
def analyst(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def test_a_policy_is_tried_proposed_confirmed_and_in_the_history(app: Flask, store: Store, analyst: Visitor) -> None:
    tried = analyst.send("/console/policy/trial", "/console/policy", rules=STRICT).text
    assert "<ins>+least_reporters = 2</ins>" in tried
    proposed = analyst.send("/console/policy/propose", "/console/policy", rules=STRICT, note="fewer mistakes")
    assert proposed.status_code == 303
    with store.read() as tx:
        [found] = proposals.all_proposals(tx)
    assert found.arguments["rules"] == STRICT.replace("\r\n", "\n")
    approver = visitor_of(app, OperatorRole.APPROVER)
    assert approver.send(f"/console/proposals/{found.id}/confirm", proposed.headers["Location"]).status_code < 400
    with store.read() as tx:
        last = policies.last_decided(tx)
    assert last is not None
    assert (last.proposed_by, last.confirmed_by, last.note) == (analyst.name, approver.name, "fewer mistakes")
    history = approver.get("/console/policy/history").text
    assert "fewer mistakes" in history
    assert "least_reporters = 2" in approver.get(f"/console/policy/history/{last.number}").text
    assert approver.get("/console/policy/history/77").status_code == 404


@pytest.mark.parametrize("rules", ["", "[[rule", 'a = "b"', '[[rule]]\ncollection = "<script>"', "#" * 70_000])
def test_malformed_policy_is_refused_in_words(analyst: Visitor, rules: str) -> None:
    answer = analyst.send("/console/policy/trial", "/console/policy", rules=rules)
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert analyst.send("/console/policy/propose", "/console/policy", rules=rules).status_code == 409


def test_rules_of_the_configuration_are_tried_and_not_proposed(app: Flask, store: Store) -> None:
    rule = PolicyRule(collection="takedown", kinds=("domain",))
    url = store.url.replace("***", "")
    configured = create_app(Settings(database_url=url, access_log="off", background=False, rule=[rule]))
    try:
        analyst = visitor_of(configured, OperatorRole.ANALYST, name="Anong")
        page = analyst.send("/console/policy/trial", "/console/policy", rules=STRICT).text
        assert "The configuration of this hub has the rules" in page
        assert "Propose these rules" not in page
        assert analyst.send("/console/policy/propose", "/console/policy", rules=STRICT).status_code == 409
    finally:
        close(configured)


def test_a_harmless_value_is_entered_tested_and_removed_by_role(app: Flask, store: Store, analyst: Visitor) -> None:
    place = "/console/allowlists"
    given = {"value": "mill.example.com", "reason": "a member's page", "days": "30", "below": "yes"}
    proposed = analyst.send(f"{place}/add", place, **given)
    with store.read() as tx:
        assert entries.page(tx) == []
    approver = visitor_of(app, OperatorRole.APPROVER)
    confirmed = approver.send(f"{proposed.location}/confirm", proposed.location)
    assert (proposed.status_code, confirmed.status_code) == (303, 303)
    tested = analyst.send(f"{place}/test", place, value="https://pay.mill.example.com/x").text
    assert "operator-entries" in tested
    with store.read() as tx:
        [entry] = entries.page(tx)
    assert (entry.subject, entry.added_by) == ("domain:mill.example.com", analyst.name)
    assert analyst.client.post(f"{place}/remove", data={"subject": entry.subject}).status_code == 403
    assert approver.send(f"{place}/remove", place, subject=entry.subject).status_code == 303
    assert approver.send(f"{place}/remove", place, subject=entry.subject).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"value": ""}, {"reason": ""}, {"reason": "call +66812345678"}, {"days": "soon"}, {"days": "99999"}],
    ids=str,
)
def test_invalid_entry_is_refused_and_the_form_keeps_the_input(
    analyst: Visitor, store: Store, wrong: dict[str, str]
) -> None:
    given = {"value": "mill.example.com", "reason": "ours", "days": "", **wrong}
    answer = analyst.send("/console/allowlists/add", "/console/allowlists", **given)
    assert answer.status_code == 422
    if given["reason"]:
        assert f'value="{given["reason"]}"' in answer.text
    with store.read() as tx:
        assert entries.page(tx) == []


def test_a_hostile_value_is_shown_as_text(analyst: Visitor) -> None:
    answer = analyst.send("/console/allowlists/test", "/console/allowlists", value='"><script>alert(1)</script>')
    assert "<script>alert" not in answer.text


def test_a_collection_is_added_once(app: Flask) -> None:
    admin = visitor_of(app, OperatorRole.ADMIN)
    given = {"alias": "task-force", "title": "Task force", "kind": "exchange", "needs_certificate": "yes"}
    place = "/console/collections"
    made = admin.send(f"{place}/new", place, **given)
    assert made.status_code == 303
    assert "a sandbox certificate" in admin.get(made.headers["Location"]).text
    assert admin.send(f"{place}/new", place, **given).status_code == 422
    assert admin.send(f"{place}/new", place, **{**given, "alias": "for-mill"}).status_code == 422
    page = admin.get(place).text
    assert re.search(r"task-force", page)
    assert token_of(page)
    assert admin.get(f"{place}/outcomes-first-bank").status_code == 404
