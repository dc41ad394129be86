"""Patterns are written in one form and read in every form of equality."""

import pytest
from hypothesis import given, strategies as st
from stix2patterns.validator import validate

from mappers import pattern
from mappers.pattern import Terms
from schemas.errors import Rejected

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@given(TEXT)
def test_any_value_is_read_back_as_it_was_written(value: str) -> None:
    terms = Terms("url", {"value": value})
    assert pattern.read(pattern.write(terms)) == terms


@given(TEXT, TEXT)
def test_two_terms_are_read_back_in_their_order(first: str, second: str) -> None:
    terms = Terms("bank-account", {"account_number": first, "bic": second})
    assert pattern.read(pattern.write(terms)) == terms


@given(TEXT)
def test_the_official_grammar_takes_what_is_written(value: str) -> None:
    assert validate(pattern.write(Terms("url", {"value": value})), "2.1")


@pytest.mark.parametrize(
    "written",
    [
        "[domain-name:value = 'bad.example']",
        "[ domain-name:value = 'bad.example' ]",
        "[domain-name:value='bad.example']",
        "[domain-name:value == 'bad.example']",
        "[(domain-name:value = 'bad.example')]",
    ],
)
def test_every_spelling_of_an_equality_is_read(written: str) -> None:
    assert pattern.read(written) == Terms("domain-name", {"value": "bad.example"})


def test_terms_joined_without_blanks_are_read_too() -> None:
    read = pattern.read("[user-account:account_type='telegram' AND user-account:account_login='x']")
    assert read == Terms("user-account", {"account_type": "telegram", "account_login": "x"})


@pytest.mark.parametrize(
    "written",
    [
        "[domain-name:value != 'bad.example']",
        "[domain-name:value LIKE '%.example']",
        "[domain-name:value IN ('a.example', 'b.example')]",
        "[domain-name:value = 'a.example' OR domain-name:value = 'b.example']",
        "[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']",
        "[domain-name:value = 'a.example' AND url:value = 'b']",
        "[NOT domain-name:value = 'a.example']",
        "[domain-name:value = 'a.example' AND domain-name:value = 'b.example']",
        "[domain-name:value='a.example' AND domain-name:value='b.example']",
    ],
)
def test_a_pattern_of_no_single_value_is_told_apart(written: str) -> None:
    with pytest.raises(Rejected) as refusal:
        pattern.read(written)
    assert refusal.value.reason in ("pattern-not-comparable", "pattern-form")


@pytest.mark.parametrize("written", ["", "x", "[", "[domain-name:value = bad]", "[domain-name:value = 'it's']", "[]"])
def test_what_is_no_pattern_is_refused(written: str) -> None:
    with pytest.raises(Rejected, match="pattern-form"):
        pattern.read(written)


@pytest.mark.parametrize(
    "written",
    [
        "[" + " OR ".join(f"domain-name:value = '{number}.example'" for number in range(200)) + "]",
        "[" + " OR ".join(f"domain-name:value = '{number}.example'" for number in range(400)) + "]",
        "[" + "(" * 1000 + "domain-name:value = 'a.example'" + ")" * 1000 + "]",
        f"[domain-name:value = '{'a' * 10_000}.example']",
    ],
    ids=["or-200", "or-400", "deep", "long"],
)
def test_a_pattern_too_long_or_deep_for_the_reader_is_not_comparable(written: str) -> None:
    with pytest.raises(Rejected, match="pattern-not-comparable"):
        pattern.read(written)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(written: str) -> None:
    with pytest.raises(Rejected, match=r"pattern-form|pattern-not-comparable"):
        pattern.read(written)
