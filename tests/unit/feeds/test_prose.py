"""Values in running text: how they are written, where they count, and which words are none."""

import time
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.format import Row, Unreadable
from feeds.outline import Outline, Place, meaning
from feeds.spotted import spot
from schemas.refang import refang


def read(text: str) -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(text.encode()), format="prose"))


def values(text: str) -> list[str]:
    return [row.fields["value"] for row in read(text) if isinstance(row, Row)]


def reasons(text: str) -> list[str]:
    return [row.reason for row in read(text) if isinstance(row, Unreadable)]


DEFANGED = [
    "hxxps[:]//pay[.]example[.]com/x?a=(01)-2",
    "hxxps://pay.example[.]com/x?a=(01)-2",
    "hxxps[://]pay[.]example[.]com/x?a=(01)-2",
    "hXXps://pay(.)example(.)com/x?a=(01)-2",
    "h**ps://pay.example.com/x?a=(01)-2",
    "https[:]//pay{.}example{.}com/x?a=(01)-2",
    "https://pay[dot]example[dot]com/x?a=(01)-2",
    "hxxps:[//]pay.example.com/x?a=(01)-2",
    "meows://pay.example.com/x?a=(01)-2",
    "hxxps://pay\\.example\\.com/x?a=(01)-2",
    "hxxps://pay [.] example [.] com/x?a=(01)-2",
]
SENTENCES = [
    "{}",
    "- {}",
    "They open {}.",
    "They open ({}), then pay.",
    'Go to "{}"!',
    "กด{}แล้วโอน",
    "> * {} - seen 2026-01-01",
]


@pytest.mark.parametrize("written", DEFANGED)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_defanged_url_is_found_wherever_it_stands(sentence: str, written: str) -> None:
    (value,) = values(sentence.format(written) + "\n")
    # What has no blank before it goes on to the next one, as URLs may have any letters.
    assert refang(value).removesuffix("แล้วโอน") == "https://pay.example.com/x?a=(01)-2"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("bad[.]example[.]com", "bad.example.com"),
        ("bad(dot)example(dot)com", "bad.example.com"),
        ("bad.example[.]com", "bad.example.com"),
        ("bad[.example[.com", "bad.example.com"),
        ("bücher[.]example[.]com", "bücher.example.com"),
        ("192[.]0[.]2[.]7", "192.0.2.7"),
        ("192.0.2[.]7", "192.0.2.7"),
        ("someone[at]example[.]com", "someone@example.com"),
        ("someone(@)example.com", "someone@example.com"),
        ("hxxp://name@bad[.]example[.]com/", "http://name@bad.example.com/"),
    ],
)
def test_names_addresses_and_mailboxes_are_found_when_defanged(written: str, value: str) -> None:
    assert [refang(found) for found in values(f"We have seen {written} in many messages of late.\n")] == [value]


@pytest.mark.parametrize(
    "words",
    [
        "Open report.pdf or setup.exe and then readme.md.",
        "Version 1.2.3.4 of node.js came at 12:30:45 e.g. with U.S. money.",
        "The digest is d41d8cd98f00b204e9800998ecf8427e and da39a3ee5e6b4b0d3255bfef95601890afd80709.",
        "The digest is e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.",
        "Reported between 2026-01-01 and 2026-02-01; ids AB12 CDEF and 550e8400-e29b-41d4-a716-446655440000.",
    ],
)
def test_what_is_no_value_is_nothing(words: str) -> None:
    assert read(words + "\n") == []


@pytest.mark.parametrize("plain", ["https://example.org/news", "someone@example.com", "+66 81 234 5678"])
def test_plain_values_in_a_sentence_are_refused_with_advice(plain: str) -> None:
    (row,) = read(f"For all of this we thank the people who can be reached at {plain}.\n")
    assert isinstance(row, Unreadable)
    assert (row.raw, row.reason) == (plain, "not-marked")
    assert plain not in row.message


@pytest.mark.parametrize(
    "heading", ["## Indicators", "DOMAINS:", "**Phishing URLs**", "# เว็บไซต์หลอกลวง", "Scam sites:"]
)
def test_plain_values_are_taken_where_they_are_listed(heading: str) -> None:
    assert values(f"{heading}\n\n- a.example.com\n- https://b.example.com/x (since May)\n") == [
        "a.example.com",
        "https://b.example.com/x",
    ]


@pytest.mark.parametrize("heading", ["## References", "SOURCES:", "**Further reading**", "# แหล่งที่มา", "Contact:"])
@pytest.mark.parametrize("value", ["https://example.org/news", "hxxps[:]//example[.]org/news"])
def test_nothing_is_taken_where_sources_are_named(heading: str, value: str) -> None:
    assert reasons(f"{heading}\n\n- {value}\n") == ["not-a-report"]


def test_a_new_heading_ends_what_the_last_one_said() -> None:
    sources, notes = "## References\n\nhttps://example.org/1\n\n", "## Notes\n\nSee b.example.com as well.\n"
    text = f"{sources}## Domains\n\na.example.com\n\n{notes}"
    assert values(text) == ["a.example.com"]


@pytest.mark.parametrize("label", ["Registrar", "Name server 1", "Legitimate site", "Victim"])
def test_what_a_label_calls_innocent_is_not_taken(label: str) -> None:
    assert reasons(f"DOMAINS:\n\n- {label}: www.example[.]net\n") == ["not-a-report"]


def test_labels_say_the_coin_and_the_platform() -> None:
    rows = read("WALLETS:\n\nBTC: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\nTelegram: @example_handle\n")
    assert [dict(row.fields) for row in rows if isinstance(row, Row)] == [
        {"value": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "kind": "wallet", "currency": "BTC"},
        {"value": "@example_handle", "kind": "social-account", "platform": "telegram"},
    ]


def test_columns_of_a_table_say_what_is_in_them() -> None:
    table = "| Domain | Reference |\n|---|---|\n| a.example.com | https://example.org/1 |\n| b[.]example[.]com | - |\n"
    assert formats.recognise(table.encode()) == "prose"
    assert values(table) == ["a.example.com", "b[.]example[.]com"]
    assert reasons(table) == ["not-a-report"]


def test_code_is_taken_where_it_is_a_value_and_not_a_program() -> None:
    text = "It opens `https://a.example.com/x` first.\n\n```\nb.example.com\nimport os.name from https://example.org/x\n```\n"
    assert values(text) == ["https://a.example.com/x", "b.example.com"]


def test_a_link_of_markdown_is_a_source() -> None:
    assert reasons("Read [what the bank says](https://example.org/scams) about it before you pay.\n") == ["not-marked"]


def test_ibans_end_where_words_in_capitals_begin() -> None:
    assert values("PAY TO DE89 3704 0044 0532 0130 00 SOON PLEASE\n") == ["DE89 3704 0044 0532 0130 00"]


def test_a_list_is_no_prose_however_its_names_look() -> None:
    names = "\n".join(f"my-bank-is-so-good-{number}.example.com" for number in range(50)).encode()
    assert formats.recognise(names, "names.txt") == "list"
    assert formats.recognise(b"# These are all the names that we know of.\n" + names) == "list"
    assert formats.recognise("\n".join(["Example Trading Company Limited (Thailand)"] * 9).encode()) == "list"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("Indicators of compromise", Place.VALUES),
        ("38 domains registered in October", Place.VALUES),
        ("Social media accounts", Place.VALUES),
        ("Reported phone numbers", Place.VALUES),
        ("References", Place.SOURCES),
        ("Source links", Place.SOURCES),
        ("Tweet", Place.SOURCES),
        ("Legitimate domains", Place.INNOCENT),
        ("File names", Place.INNOCENT),
        ("SHA256 of samples", Place.WORDS),
        ("Notes", None),
    ],
)
def test_headings_mean_what_they_say(words: str, place: Place | None) -> None:
    assert meaning(words) is place


def test_a_lower_heading_that_says_nothing_goes_on_with_the_higher_one() -> None:
    outline = Outline()
    for line in ("# Indicators", "## Campaign A"):
        assert outline.heading(line)
    assert outline.place is Place.VALUES
    assert outline.heading("# The end")
    assert outline.place is Place.WORDS


ADVERSARIES = [
    "[",
    "a",
    "a.",
    "a[.]",
    "+1",
    "DE89 ",
    ":",
    "hxxp",
    "a@",
    "http://",
    "0:",
    ")",
    "1 ",
    "(",
    "[.",
    "@",
    "é",
    "ก",
    "-.",
    "`",
    "[a](",
    "| ",
]


@pytest.mark.parametrize("piece", ADVERSARIES)
def test_the_time_is_linear_in_the_line(piece: str) -> None:
    line = piece * (60_000 // len(piece))
    begun = time.process_time()
    for text in (line, f"hxxp://a.example/{line}", f"{line}.example.com"):
        read(text)
    assert time.process_time() - begun < 5


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet='ab.:/[]()@+ \n#*|`-0189hxp"ก\u200b', max_size=120))
def test_any_text_is_rows_or_reasons(text: str) -> None:
    for row in read(text):
        assert row.line >= 1
    for found in spot(text.replace("\n", " ")):
        assert found.raw in text.replace("\n", " ") or found.shape == "iban"
