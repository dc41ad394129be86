"""Defanged values become plain, and plain ones stay unchanged."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings, strategies as st

from schemas.refang import refang, refang_once
from tests.searches import examples

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
        ("(bad.example)", "bad.example"),
        ("(bad[.]example).", "bad.example"),
        ("bad.example),", "bad.example"),
        ("bad.example,", "bad.example"),
        ("“bad.example”;", "bad.example"),
        ("https://bad.example/?to=hxxps://worse[.]example", "https://bad.example/?to=https://worse.example"),
        ("https://bad.example/?to=hXXp%3A%2F%2Fworse", "https://bad.example/?to=http%3A%2F%2Fworse"),
        ("hxxp://bad.example/hxxp://worse.example", "http://bad.example/http://worse.example"),
        ('"bad.example"', "bad.example"),
        ("`bad.example`", "bad.example"),
        ("[hxxps://bad[.]example/a]", "https://bad.example/a"),
        ("http[s]://bad.example", "https://bad.example"),
        ("hxxps : // bad . example", "https://bad.example"),
        ("HXXP[:]//bad.example[/]a", "http://bad.example/a"),
        ("h++p://bad.example", "http://bad.example"),
        ("fxp://bad.example", "ftp://bad.example"),
        ("bad【.】example", "bad.example"),
        ("bad<dot>example", "bad.example"),
        ("bad (จุด) example", "bad.example"),
        ("bad&#46;example", "bad.example"),
        ("someone at bad dot example", "someone@bad.example"),
        ("someone @ bad.example", "someone@bad.example"),
        ("someone&#64;bad.example", "someone@bad.example"),
        ("someone＠bad．example", "someone@bad.example"),
        ("bad。example", "bad.example"),
        ("ｂａｄ｡example", "bad.example"),
        ("ｈｘｘｐｓ：／／ｂａｄ．ｅｘａｍｐｌｅ／ａ？ｂ", "https://bad.example/a?b"),
        ("https：／／bad.example／a", "https://bad.example/a"),
        ("“bad.example”", "bad.example"),
        ("「bad.example」", "bad.example"),
        ("bad\u200c.exam\U000e0041ple", "bad.example"),
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
def test_any_text_is_stripped_and_encodable(text: str) -> None:
    once = refang(text)
    assert once == once.strip()
    assert once.encode() or not once


@given(st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,10}){1,3}", fullmatch=True), st.lists(WAYS, max_size=2))
def test_up_to_two_layers_of_defanging_are_undone_at_once(plain: str, ways: list[Callable[[str], str]]) -> None:
    written = plain
    for way in ways:
        written = way(written)
    assert refang(written) == plain
    assert refang(plain) == plain


@pytest.mark.parametrize(
    "kept",
    [
        "https://red-dot-design.example/a(b)[c]",
        "https://bad.example/ａ？b。c",
        "https://bank.example／login@bad.example",
        "bank.example／login@bad.example",
        "brand.example∕login@bad.example",
        "нотгоогле.example",
        "๑๒๓.example",
        "نامه\u200cای.example",
        "@example_name",
        "TG @example_name",
        "# https://bad.example/list",
        "[name].bad.example",
        "and so on ...",
        "http://[2001:db8::7]/",
    ],
)
def test_possibly_literal_text_is_unchanged(kept: str) -> None:
    assert refang(kept) == kept


PIECES = [
    "[[",
    "[.",
    " dot ",
    " at ",
    "h**",
    "[a]",
    "http[s",
    "&#46",
    "（",
    "．",
    "。",
    "«",
    "\u00a0",
    "\u200b",
    "\u200c",
]
MARKS = ["\u0301", "\u0301\u0323", "\u0e38\u0e48"]
HOSTILE = st.lists(st.sampled_from([*" \t[](){}<>.@|\\:/h'\"#&", *PIECES, *MARKS]), min_size=1, max_size=4).map("".join)


def seconds_for(filling: str, length: int) -> float:
    value = "a" + (filling * length)[:length] + "b"
    start = time.process_time()
    refang_once(value)
    return time.process_time() - start


@pytest.mark.long
@settings(max_examples=examples(40))
@given(HOSTILE)
@example("\u0301\u0323")
@example(" ")
@example("[")
@example("a.")
def test_refanging_takes_linear_time(filling: str) -> None:
    """Eight times the length may take eight times as long, not 64. The minimum of several runs removes noise."""
    short = min(seconds_for(filling, 12_500) for _ in range(5))
    long = min(seconds_for(filling, 100_000) for _ in range(3))
    assert long < 24 * short + 0.002


def test_too_long_value_is_not_processed() -> None:
    assert refang("a" + "[.]" * 100_000) == "a" + "[.]" * 100_000
