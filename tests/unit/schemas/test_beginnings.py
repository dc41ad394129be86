"""Each text that an erasure finds has one of the beginnings of the value, in every spelling."""

import base64
import random
import re

import pytest
from hypothesis import given, settings, strategies as st

from schemas import beginnings
from server.release import spellings
from server.store.item import compact

VALUES = (
    ("bank-account", "TH:KASITHBK:1234567890"),
    ("bank-account", "DE89370400440532013000"),
    ("phone", "+66812345678"),
    ("payment-alias", "TH:PROMPTPAY:+66812345678"),
    ("social-account", "facebook:Example_Page"),
    ("wallet", "ethereum:0x8ba1f109551bd432803012645ac136ddd64dba72"),
    ("domain", "bad.example.com"),
    ("domain", "login.b-ad.co.th"),
    ("url", "https://shop.example.com/pay?id=7"),
    ("email", "some.one@example.com"),
    ("ip", "192.168.100.20"),
)
_DOTS = (".", "[.]", "(dot)", " dot ", "[dot]", "dot", " (จุด) ", "【.】", "[punto]", "\\.", " .")
_IN_WORDS = (
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"),
)


def _written(rand: random.Random, kind: str, value: str) -> str:
    """Return a value as people write it: defanged, separated, with a prefix, in another case."""
    if kind in ("domain", "url", "email", "ip"):
        text = value.replace(".", rand.choice(_DOTS)).replace("@", rand.choice(("@", "[at]", "(@)", " at ", "(แอท)")))
        text = re.sub("^http", "hxxp", text) if rand.random() < 0.5 else text
        text = rand.choice(("", "www.", "wwwdot", "https://www[.]")) + text if kind == "domain" else text
        text = " ".join(text) if rand.random() < 0.2 else text
    else:
        core = value.rpartition(":")[2].lstrip("+")
        core = core[2:] if kind == "phone" and rand.random() < 0.5 else core
        text = rand.choice(("", "0", "+", "๐")) + rand.choice(("", "-", " ", " - ", "*", "_", "\n")).join(core)
        if rand.random() < 0.3:
            words, between = rand.choice(_IN_WORDS), rand.choice((" ", "-", ", "))
            text = between.join(words[int(char)] if char in "0123456789" else char for char in text)
        elif rand.random() < 0.3:
            text = text.translate(str.maketrans("0123456789", rand.choice(("๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９"))))
    return rand.choice((text, text.upper(), text.title()))


def _hidden(rand: random.Random, text: str) -> str:
    """Return a text in one of the forms in which a value may hide."""
    forms = (
        text,
        "".join(f"%{octet:02X}" for octet in text.encode()),
        "".join(f"%25{octet:02x}" for octet in text.encode()),
        "".join(f"&#{ord(char)};" for char in text),
        "".join(f"&#x{ord(char):x};" for char in text),
        base64.b64encode(f"pay to {text} now".encode()).decode(),
        base64.urlsafe_b64encode(f"pay? to {text} now?".encode()).decode().rstrip("="),
        " ".join(text),
        "\u200b".join(text),
        "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
        f"&lt{text}&gt;",
        text.replace(" ", "     "),
    )
    return rand.choice(forms)


@settings(max_examples=1_000, deadline=None)
@given(
    st.sampled_from(VALUES),
    st.randoms(use_true_random=False),
    st.text(max_size=12),
    st.sampled_from(("", " ", "ค่ะ", "x", "5", "๕", "/", '"', "\\n", "&amp;", "%20")),
)
def test_each_text_with_a_value_has_one_of_its_beginnings(
    value: tuple[str, str], rand: random.Random, before: str, between: str
) -> None:
    spelled = spellings.of([value])
    assert spelled.beginnings
    text = f"{before}{between}{_hidden(rand, _written(rand, *value))}{rand.choice((between, ' and', ''))}"
    text = text.encode(errors="replace").decode()
    if spelled.is_in(compact({"description": text})):
        assert beginnings.of_text(text) & spelled.beginnings, text


@pytest.mark.parametrize("value", VALUES)
def test_most_spellings_are_found(value: tuple[str, str]) -> None:
    """The property above is about texts that have the value: most of its examples do."""
    rand, spelled = random.Random(7), spellings.of([value])  # noqa: S311 - it chooses examples
    made = [f"see {_hidden(rand, _written(rand, *value))} today" for _ in range(300)]
    assert sum(spelled.is_in(compact({"description": text})) for text in made) > 150


def test_letters_are_folded_as_patterns_compare_them() -> None:
    for char in filter(str.isalnum, map(chr, range(0x10000))):
        for other in {char.lower(), char.upper(), char.swapcase(), char.title()}:
            if len(other) == 1 and re.fullmatch(re.escape(char), other, re.IGNORECASE):
                assert beginnings.folded(char) == beginnings.folded(other), (char, other)


def test_beginnings_ignore_separators_and_case() -> None:
    assert beginnings.of_text("081-234 5678") == {"081234", "0812345678", "234567"[:6]}
    assert beginnings.of_text("Bad-Example.com") == {"badexa", "badexample", "exampl", "examplecom"}
    assert beginnings.of_text("short") == set()


def test_value_without_a_plain_beginning_has_none() -> None:
    assert beginnings.of_choices([("ก",), *((char,) for char in "abcdefgh")]) is None
    assert beginnings.of_choices([(char,) for char in "abcde"]) is None


def test_choices_are_combined() -> None:
    choices = [("", "0"), *((char,) for char in "12345"), ("", "dot"), ("6",), ("7",)]
    assert beginnings.of_choices(choices) == {"123456", "012345", "12345d"}
