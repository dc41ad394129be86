"""Patterns are written in one form and read in every form of equality."""

import pytest
from hypothesis import given, settings, strategies as st
from stix2patterns.validator import validate

from mappers import pattern
from mappers.pattern import Comparison, Terms
from schemas.errors import Rejected

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@given(TEXT)
def test_any_written_value_is_read_back(value: str) -> None:
    terms = Terms("url", {"value": value})
    assert pattern.read(pattern.write(terms)) == terms


@given(TEXT, TEXT)
def test_two_terms_are_read_back_in_their_order(first: str, second: str) -> None:
    terms = Terms("bank-account", {"account_number": first, "bic": second})
    assert pattern.read(pattern.write(terms)) == terms


@given(TEXT)
def test_the_official_grammar_reads_every_written_pattern(value: str) -> None:
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
def test_pattern_without_a_single_value_is_refused_with_its_reason(written: str) -> None:
    with pytest.raises(Rejected) as refusal:
        pattern.read(written)
    assert refusal.value.reason in ("pattern-not-comparable", "pattern-form")


@pytest.mark.parametrize("written", ["", "x", "[", "[domain-name:value = bad]", "[domain-name:value = 'it's']", "[]"])
def test_malformed_pattern_is_refused(written: str) -> None:
    with pytest.raises(Rejected, match="pattern-form"):
        pattern.read(written)


@pytest.mark.parametrize(
    "written",
    [
        "[" + " OR ".join(f"domain-name:value = '{number}.example'" for number in range(400)) + "]",
        "[" + "(" * 1000 + "domain-name:value = 'a.example'" + ")" * 1000 + "]",
        f"[domain-name:value = '{'a' * 10_000}.example']",
    ],
    ids=["or-400", "deep", "long"],
)
def test_a_pattern_too_long_or_deep_for_the_reader_is_not_comparable(written: str) -> None:
    with pytest.raises(Rejected, match="pattern-not-comparable"):
        pattern.read(written)


@given(st.text(max_size=60))
def test_any_text_can_be_read(written: str) -> None:
    with pytest.raises(Rejected, match=r"pattern-form|pattern-not-comparable"):
        pattern.read(written)


def test_the_refusal_of_several_values_counts_them() -> None:
    with pytest.raises(Rejected, match="names 2 values"):
        pattern.read("[domain-name:value IN ('a.example', 'b.example')]")


def test_a_long_list_is_read_value_by_value() -> None:
    names = [f"{number}.example" for number in range(20_000)]
    written = "[" + " OR ".join(f"domain-name:value = '{name}'" for name in names) + "]"
    assert [way[0].text for way in pattern.ways(written)] == names


BLANK = st.sampled_from(["", " ", "  ", "\n"])
TYPES = st.sampled_from(["domain-name", "url", "x-opencti-text"])
PATHS = st.sampled_from(["value", "dst_ref.value", "to_refs[*].value", "hashes.'SHA-256'", "hashes.MD5"])
LITERAL = TEXT.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'") | st.sampled_from(
    ["443", "1"]
)
EQUALITY = st.builds(
    lambda kind, path, left, sign, right, literal: f"{kind}:{path}{left}{sign}{right}{literal}",
    TYPES,
    PATHS,
    BLANK,
    st.sampled_from(["=", "=="]),
    BLANK,
    LITERAL,
)


def joined(parts: st.SearchStrategy[str], words: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(st.sampled_from(words), parts), min_size=1, max_size=4).map(
        lambda pairs: "".join(part if not at else f" {word}  {part}" for at, (word, part) in enumerate(pairs))
    )


BRACKET = st.builds(lambda left, inner, right: f"[{left}{inner}{right}]", BLANK, joined(EQUALITY, ["AND", "OR"]), BLANK)


@settings(deadline=None)
@given(joined(BRACKET, ["OR"]))
def test_the_reader_without_grammar_agrees_with_the_grammar(written: str) -> None:
    assert pattern.ways(written) == pattern.ways_by_grammar(written)


@settings(deadline=None)
@given(st.text("[]()ab:='\\ ANDOR,*.1", max_size=30) | joined(BRACKET, ["AND", "OR", "FOLLOWEDBY"]))
def test_reader_accepts_nothing_that_the_grammar_refuses(written: str) -> None:
    try:
        expected: object = pattern.ways_by_grammar(written)
    except Rejected as refusal:
        expected = refusal.reason
    try:
        read: object = pattern.ways(written)
    except Rejected as refusal:
        read = refusal.reason
    assert read == expected


def test_alternative_of_several_types_is_no_single_observable() -> None:
    for way in (
        (),
        (Comparison("a", "b", "LIKE", "c"),),
        (Comparison("a", "b", "=", "c"), Comparison("d", "b", "=", "c")),
        (Comparison("a", "b", "=", "c"), Comparison("a", "b", "=", "c")),
    ):
        with pytest.raises(Rejected, match="pattern-not-comparable"):
            pattern.terms_of_way(way)
