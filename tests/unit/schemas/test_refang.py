"""Defanged values become plain, and plain ones stay as they are."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from schemas.refang import refang

WAYS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        lambda text: text.replace(".", "[.]"),
        lambda text: text.replace(".", " (dot) "),
        lambda text: f"[{text}]",
        lambda text: f'"{text}"',
        lambda text: f" <{text}>\t",
    ]
)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("bad.example", "bad.example"),
        ("  bad.example\t", "bad.example"),
        ("bad[.]example", "bad.example"),
        ("bad(.)example[.com", "bad.example.com"),
        ("bad{.}example", "bad.example"),
        ("bad[dot]example(DOT)com", "bad.example.com"),
        ("bad dot example", "bad.example"),
        ("bad\\.example", "bad.example"),
        ("hxxp://bad[.]example/a", "http://bad.example/a"),
        ("hxxps[:]//bad.example", "https://bad.example"),
        ("hXXps[://]bad.example", "https://bad.example"),
        ("h**ps://bad.example", "https://bad.example"),
        ("meow://bad.example", "http://bad.example"),
        ("someone[at]bad[.]example", "someone@bad.example"),
        ("someone[@]bad.example", "someone@bad.example"),
        ("<bad.example>", "bad.example"),
        ('"bad.example"', "bad.example"),
        ("`bad.example`", "bad.example"),
        ("\ufeffbad\u200b.exam\u00adple", "bad.example"),
        ("bad\x00.example", "bad.example"),
        ('["bad.example"]', "bad.example"),
        ("bad[[.]]example", "bad.example"),
        ("\ud800.example", "\ufffd.example"),
        (" " + "x" * 9000 + "[.]example", "x" * 9000 + "[.]example"),
    ],
)
def test_a_defanged_value_becomes_plain(written: str, plain: str) -> None:
    assert refang(written) == plain


@given(st.text(st.characters(), max_size=200))
def test_any_text_comes_back_stripped_and_can_be_encoded(text: str) -> None:
    once = refang(text)
    assert once == once.strip()
    assert once.encode() or not once


@given(st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,10}){1,3}", fullmatch=True), st.lists(WAYS, max_size=2))
def test_what_was_defanged_twice_at_most_is_undone_in_one_go(plain: str, ways: list[Callable[[str], str]]) -> None:
    written = plain
    for way in ways:
        written = way(written)
    assert refang(written) == plain
    assert refang(plain) == plain


@pytest.mark.parametrize("filling", [" ", "[", " [", "[ ", "\u00a0", "\t", " dot ", "[.", "\u0301\u0323"])
def test_a_hostile_value_takes_no_longer_than_its_length(filling: str) -> None:
    for length in (8000, 200_000):
        start = time.perf_counter()
        refang("a" + (filling * length)[:length] + "b")
        assert time.perf_counter() - start < 0.5
