"""Redaction in texts: no name is built from the remaining parts, and no line is dropped."""

from io import BytesIO

import pytest

from feeds import formats
from feeds.readers.rows import Row, Unreadable
from schemas.refang import refang

PARTS = [
    "[redacted]",
    "<redacted>",
    "(redacted)",
    "REDACTED",
    "[removed]",
    "[information removed]",
    "xxxx",
    "***",
    "███",
    "[…]",
    "[snip]",
    "{masked}",
    "[ปกปิด]",
    "【已隐藏】",
]


def read(text: str) -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(f"DOMAINS:\n\n{text}\n".encode()), format="prose"))


def outcome(text: str) -> str:
    (row,) = read(text)
    return refang(row.fields["value"]) if isinstance(row, Row) else row.reason


@pytest.mark.parametrize("part", PARTS)
def test_name_with_a_partly_hidden_label_is_refused(part: str) -> None:
    for text in (
        f"- {part}.{part}jarvis[.]example[.]com",
        f"- {part}jarvis.example[.]com",
        f"They sent people to {part}jarvis[.]example[.]com in May, and to nothing else.",
    ):
        (row,) = read(text)
        assert isinstance(row, Unreadable), text
        assert row.reason == "redacted"
        assert row.raw.endswith(("jarvis[.]example[.]com", "jarvis.example[.]com"))


@pytest.mark.parametrize("part", PARTS)
def test_registrable_name_is_read_if_whole_labels_are_hidden(part: str) -> None:
    for text in (
        f"- {part}.82banlk-co-jp[.]com",
        f"- {part}[.]82banlk-co-jp[.]com - seen in May",
        f"- www.{part}.82banlk-co-jp[.]com",
        "- --redacted--.82banlk-co-jp[.]com",
        f"- hxxps[:]//{part}.82banlk-co-jp[.]com/login",
        f"We saw {part}.82banlk-co-jp[.]com in many messages of late, as others did too.",
    ):
        assert outcome(text) == "82banlk-co-jp.com", text


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "text",
    [
        "- {}.co[.]th",
        "- {}.github[.]io",
        "- shop.{}[.]com",
        "- {}@shop[.]example[.]com",
    ],
)
def test_line_without_a_certain_value_is_refused(text: str, part: str) -> None:
    assert outcome(text.format(part)) in {"redacted", "public-suffix"}


# Four letters x may be part of an address or stand for hidden parts.
@pytest.mark.parametrize("part", [part for part in PARTS if part != "xxxx"])
@pytest.mark.parametrize(
    "text", ["- hxxps[:]//shop[.]example[.]com/?user_ip={}&page=1", "- hxxps[:]//{}@shop[.]example[.]com/"]
)
def test_partly_hidden_address_is_refused(text: str, part: str) -> None:
    assert outcome(text.format(part)) == "redacted"


@pytest.mark.parametrize(
    "text",
    [
        "089-xxx-1234",
        "+66 81 XXX 5678",
        "123-x-xx789-0",
        "KBANK XXX-X-X1234-X",
        "0x12...ab",
        "0x12…ab34",
        "0x52908400…",
        "1BoatSLRHtKN...",
        "evil-site[.]***",
        "192[.]0[.]2[.]***",
        "hxxps://evil-site[.]com/…",
        "@[redacted]",
        "bc1q***xyz9",
        "DE89 **** **** **** 3000",
        "203.0.113[.]xxx",
        "203.0.x.x",
        "hxxps://t[.]example[.]com/ab…",
        "j***@example[.]com",
        "hxxps[:]//[domain]/app/",
        "api.[name].[tld]",
    ],
)
def test_numbers_wallets_and_templates_are_refused_as_redacted(text: str) -> None:
    for line in (f"- {text}", f"The caller who said so named {text} as the one that people should use."):
        assert outcome(line) == "redacted"


@pytest.mark.parametrize(
    "text",
    ["- *.example[.]com", "- .example[.]com", "- **shop.example[.]com**", "-shop.example[.]com", "•shop.example[.]com"],
)
def test_list_markers_hide_nothing(text: str) -> None:
    assert outcome(text).endswith("example.com")


def test_report_of_redacted_names_returns_each_line() -> None:
    lines = [f"- [redacted].{number}banlk-co-jp[.]com" for number in range(83)]
    lines += [f"- [redacted].[redacted]jarvis{number}[.]com" for number in range(28)]
    rows = read("\n".join(lines))
    assert sum(isinstance(row, Row) for row in rows) == 83
    assert [row.reason for row in rows if isinstance(row, Unreadable)] == ["redacted"] * 28


def test_a_defanged_word_that_cannot_be_read_is_refused_with_its_line() -> None:
    (row,) = read("- host[.]")
    assert isinstance(row, Unreadable)
    assert (row.line, row.raw, row.reason) == (3, "host[.]", "value-form")
