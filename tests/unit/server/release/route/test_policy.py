"""Policy rules are read, written, refused if invalid, and never wider than TLP."""

import tomllib
from typing import Any

import pytest
from hypothesis import given

from schemas import kinds
from schemas.partner import PartnerKind
from schemas.vocabulary import Action, Tlp
from server.release.route import policy
from server.release.route.policy import BadPolicy, ConsensusFacts, Policy, PolicyRule, ReportFacts
from tests.unit.server.release.route.registry_examples import FACTS, POLICIES

REPORT = ReportFacts("domain", Tlp.GREEN, PartnerKind.BANK)


@pytest.mark.parametrize("kind", kinds.every())
def test_without_rules_each_kind_has_its_collection_and_clear_reports_are_public(kind: str) -> None:
    home = kinds.get(kind).collection
    assert Policy().aliases(ReportFacts(kind, Tlp.AMBER, PartnerKind.NGO)) == {home}
    assert Policy().aliases(ReportFacts(kind, Tlp.CLEAR, PartnerKind.NGO)) == {home, "public"}
    assert Policy().kinds_without_rule() == []


@given(POLICIES)
def test_written_rules_are_read_back(rules: Policy) -> None:
    assert policy.read_policy(tomllib.loads(policy.policy_to_toml(rules))["rule"]).rules == rules.rules


@given(POLICIES, FACTS)
def test_no_narrow_report_enters_and_public_has_clear_reports_only(rules: Policy, facts: ConsensusFacts) -> None:
    for tlp in Tlp:
        source = ReportFacts("domain", tlp, PartnerKind.BANK)
        aliases = rules.aliases(source)
        assert not aliases or tlp in policy.SHARED
        assert "public" not in aliases or tlp is Tlp.CLEAR
        entered = {rule.collection for rule in rules.rules if rules.admits(rule.collection, facts, [source])}
        assert entered <= aliases


@pytest.mark.parametrize(
    ("rule", "enters"),
    [
        ({}, True),
        ({"kinds": ["domain", "url"]}, True),
        ({"kinds": ["wallet"]}, False),
        ({"tlp": "amber"}, True),
        ({"tlp": "clear"}, False),
        ({"from_kinds": ["government"]}, False),
        ({"grades": ["block", "hold"]}, True),
        ({"grades": ["warn"]}, False),
        ({"countries": ["KH", "TH"]}, True),
        ({"countries": ["KH"]}, False),
        ({"least_confidence": 60}, True),
        ({"least_confidence": 61}, False),
        ({"least_reporters": 2}, True),
        ({"least_reporters": 3}, False),
    ],
    ids=str,
)
def test_every_condition_of_a_rule_has_to_hold(rule: dict[str, Any], enters: bool) -> None:
    facts = ConsensusFacts(Action.BLOCK, ("TH",), confidence=60, reporters=2)
    assert policy.read_policy([{"collection": "takedown", **rule}]).admits("takedown", facts, [REPORT]) is enters


def test_conditions_of_several_rules_do_not_add_up() -> None:
    rules = Policy(
        [
            PolicyRule(collection="task-force", from_kinds=(PartnerKind.GOVERNMENT,), grades=(Action.WARN,)),
            PolicyRule(collection="task-force", from_kinds=(PartnerKind.BANK,), grades=(Action.BLOCK,)),
        ]
    )
    assert not rules.admits("task-force", ConsensusFacts(Action.WARN), [REPORT])
    assert rules.admits("task-force", ConsensusFacts(Action.BLOCK), [REPORT])
    assert not rules.admits("takedown", ConsensusFacts(Action.BLOCK), [REPORT])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "rule.0.collection: Field required"),
        ({"collection": "takedown-full"}, "without -full"),
        ({"collection": "inbox"}, "no rule can fill an inbox"),
        ({"collection": "for-first-bank"}, "a private collection"),
        ({"collection": "Task Force"}, "lower-case letters"),
        ({"collection": "public", "tlp": "green"}, "only tlp clear"),
        ({"collection": "takedown", "tlp": "red"}, "only for named partners"),
        ({"collection": "takedown", "kinds": ["sheep"]}, "there is no such kind; there are: .*domain"),
        ({"collection": "takedown", "grades": ["shout"]}, "rule.0.grades.0: Input should be 'block'"),
        ({"collection": "takedown", "countries": ["Siam"]}, "rule.0.countries.0"),
        ({"collection": "takedown", "least_confidence": 101}, "rule.0.least_confidence"),
        ({"collection": "takedown", "colour": "red"}, "rule.0.colour: Extra inputs"),
    ],
    ids=str,
)
def test_an_invalid_rule_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(BadPolicy, match=message):
        policy.read_policy([rule])


def test_an_unknown_collection_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadPolicy, match=r"rule\.1\.collection: .*'task-force'; there are public, takedown; create it"):
        Policy([PolicyRule(collection="public"), PolicyRule(collection="task-force")]).refuse_unknown(
            ["public", "public-full", "takedown"]
        )


def test_kinds_without_a_rule_are_returned() -> None:
    taken = Policy([PolicyRule(collection="takedown", kinds=("domain", "url"))]).kinds_without_rule()
    assert set(taken) == kinds.every().keys() - {"domain", "url"}


@pytest.mark.parametrize("text", ["x = " + "[" * 30_000, "x = " + "{a=" * 5_000], ids=["lists", "tables"])
def test_endless_brackets_are_no_policy(text: str) -> None:
    with pytest.raises(BadPolicy, match="not TOML"):
        policy.parse_policy(text)
