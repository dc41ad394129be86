"""Defanged values become plain, and plain ones stay as they are."""

import time

import pytest
from hypothesis import given, strategies as st

from schemas.refang import refang


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
    ],
)
def test_a_defanged_value_becomes_plain(written: str, plain: str) -> None:
    assert refang(written) == plain


@given(st.text(max_size=200))
def test_refanging_is_done_in_one_go(text: str) -> None:
    once = refang(text)
    assert len(once) <= len(text) + 4
    assert once == once.strip()


def test_a_hostile_value_takes_no_longer_than_its_length() -> None:
    def seconds(length: int) -> float:
        start = time.perf_counter()
        refang("[" * length)
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(200_000) < 1000 * max(seconds(2000), 0.0001)
