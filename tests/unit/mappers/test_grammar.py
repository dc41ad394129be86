"""Patterns of the official grammar are split into the alternatives that match."""

from contextlib import suppress

import pytest
from hypothesis import given, settings, strategies as st

from mappers import pattern
from mappers.pattern import Comparison, Way
from schemas.errors import Rejected


def a(text: str, operator: str = "=", path: str = "value", kind: str = "domain-name") -> Comparison:
    return Comparison(kind, path, operator, text)


@pytest.mark.parametrize(
    ("written", "ways"),
    [
        ("[domain-name:value IN ('a.example', 'b.example')]", [(a("a.example"),), (a("b.example"),)]),
        ("[domain-name:value IN ('it\\'s', 7)]", [(a("it's"),), (a("7"),)]),
        ("[domain-name:value LIKE '%.example']", [(a("%.example", "LIKE"),)]),
        ("[domain-name:value = 'a' OR domain-name:value = 'b']", [(a("a"),), (a("b"),)]),
        ("[domain-name:value = 'a'] OR [domain-name:value = 'b']", [(a("a"),), (a("b"),)]),
        ("([domain-name:value = 'a'])", [(a("a"),)]),
        ("[(domain-name:value = 'a')]", [(a("a"),)]),
        (
            "[(domain-name:value = 'a' OR domain-name:value = 'b') AND domain-name:x = 'c']",
            [(a("a"), a("c", path="x")), (a("b"), a("c", path="x"))],
        ),
        (
            "[domain-name:value = 'a' AND domain-name:x = 'b' OR url:value = 'c']",
            [(a("a"), a("b", path="x")), (a("c", kind="url"),)],
        ),
        ("[network-traffic:dst_refs[*].value = 'a']", [(a("a", path="dst_refs[*].value", kind="network-traffic"),)]),
        ("[file:hashes.'SHA-256' = 'a']", [(a("a", path="hashes.SHA-256", kind="file"),)]),
    ],
)
def test_each_sufficient_value_is_an_alternative(written: str, ways: list[Way]) -> None:
    assert pattern.ways_by_grammar(written) == ways


@pytest.mark.parametrize(
    "written",
    [
        "[domain-name:value != 'a']",
        "[domain-name:value NOT = 'a']",
        "[domain-name:value NOT IN ('a')]",
        "[domain-name:value NOT LIKE '%.a']",
        "[domain-name:value MATCHES 'a']",
        "[domain-name:value > 'a']",
        "[domain-name:value ISSUBSET 'a']",
        "[EXISTS domain-name:value]",
        "[domain-name:value IN ()]",
        "[domain-name:value = true]",
        "[domain-name:value = h'00']",
    ],
)
def test_a_comparison_without_a_value_has_no_operator(written: str) -> None:
    assert {comparison.operator for way in pattern.ways_by_grammar(written) for comparison in way} == {""}


@pytest.mark.parametrize(
    "written",
    [
        "[domain-name:value = 'a'] AND [domain-name:value = 'b']",
        "[domain-name:value = 'a'] FOLLOWEDBY [domain-name:value = 'b']",
        "[domain-name:value = 'a'] REPEATS 5 TIMES",
        "[domain-name:value = 'a'] WITHIN 5 SECONDS",
        "[domain-name:value = 'a'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
        "[" + "(" * 500 + "domain-name:value = 'a'" + ")" * 500 + "]",
        "[" + " AND ".join(["(a:b = 'c' OR a:b = 'd')"] * 40) + "]",
    ],
)
def test_match_over_several_observables_is_an_empty_alternative(written: str) -> None:
    assert pattern.ways_by_grammar(written) == [()]


def test_rest_of_a_pattern_is_read_next_to_an_incomparable_part() -> None:
    assert pattern.ways_by_grammar("[url:value = 'a'] OR ([url:value = 'b'] AND [url:value = 'c'])") == [
        (a("a", kind="url"),),
        (),
    ]


@pytest.mark.parametrize(
    "written", ["", " ", "\n", "x", "[", "[]", "[a:b]", '[a:b = "c"]', "[a:b = 'it's']", "[a:b = 'c\\d']"]
)
def test_malformed_pattern_is_refused(written: str) -> None:
    with pytest.raises(Rejected, match="pattern-form"):
        pattern.ways_by_grammar(written)


def test_too_expensive_pattern_is_not_read() -> None:
    with pytest.raises(Rejected, match="longer than 10000 characters"):
        pattern.ways_by_grammar("[a:b = '" + "c" * 10_000 + "']")


@settings(deadline=None)
@given(st.text(max_size=40) | st.text("[]()ab:='\\ANDORINLIKE %,*.", max_size=40))
def test_any_text_has_alternatives_or_a_reason(written: str) -> None:
    with suppress(Rejected):
        ways = pattern.ways_by_grammar(written)
        assert all(isinstance(comparison, Comparison) for way in ways for comparison in way)
