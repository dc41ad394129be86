"""Partly hidden values are found in any notation and refused, and their remains are never used."""

import time

import pytest

from schemas import timestamp
from schemas.errors import Rejected
from schemas.refang import HIDDEN, hidden_numbers, mark_hidden
from schemas.tabular import ReportReader

HIDDEN_PARTS = [
    "[redacted]",
    "<redacted>",
    "(redacted)",
    "{masked}",
    "【已隐藏】",
    "[removed]",
    "[information removed]",
    "[snip]",
    "[ปกปิด]",
    "[đã che]",
    "[xxx]",
    "[...]",
    "[…]",
    "(***)",
    "███",
    "●●●",
    "***",
]


@pytest.mark.parametrize("part", [*HIDDEN_PARTS, "REDACTED", "MASKED"])
def test_a_hidden_part_of_a_name_is_marked(part: str) -> None:
    for text in (f"{part}.example[.]com", f"a.{part}.example[.]com", f"- {part}.example[.]com, seen in May"):
        marked = mark_hidden(text)
        assert len(marked) == len(text)
        assert HIDDEN in marked
        assert marked.replace(HIDDEN, "") == text.replace(part, "")


@pytest.mark.parametrize(
    "text",
    [
        "a[.]example[.]com a(dot)example(dot)com a[.example[.]com",
        "h**ps://a.example.com/x and hxxps[:]//a{.}example{.}com",
        "**a.example.com**, ***b.example.com*** and *c.example.com*.",
        "*.example.com",
        "[the bank](https://example.org/x) [1] (see [2])",
        "https://[2001:db8::1]/x?a[]=1",
        "clearance-redacted.example.com",
        "http:[//]a.example.com and someone[at]example[.]com",
        "- [x] a.example.com",
    ],
)
def test_a_text_that_hides_nothing_stays(text: str) -> None:
    assert mark_hidden(text) == text


@pytest.mark.parametrize(
    "number",
    [
        "089-xxx-1234",
        "089-XXX-1234",
        "089***1234",
        "138****5678",
        "+66 81 XXX 5678",
        "089-•••-1234",
        "090-××××-1234",
        "XXX-X-X1234-X",
        "123-x-xx789-0",
        "DE89 **** **** **** 3000",
        "089-___-1234",
        "089-???-1234",
    ],
)
def test_a_number_with_hidden_digits_is_found_whole(number: str) -> None:
    text = f"They call from {number} at night"
    assert [text[start:end] for start, end in hidden_numbers(mark_hidden(text))] == [number]


@pytest.mark.parametrize(
    "text",
    ["1920x1080 px", "2 x 3 x 400 cm", "2024-XX-XX", "081 234 5678", "----------", "########", "1 2 3 4 5 6 7 8"],
)
def test_other_numbers_hide_nothing(text: str) -> None:
    assert hidden_numbers(mark_hidden(text)) == []


@pytest.mark.parametrize("part", HIDDEN_PARTS)
@pytest.mark.parametrize("value", ["{}.{}example.com", "https://{}.example.com/x", "https://example.com/?ip={}&a=1"])
def test_a_row_with_a_hidden_part_is_refused_in_every_format(part: str, value: str) -> None:
    reader = ReportReader({"reporter": "test", "reported_at": timestamp.text(timestamp.now())})
    for kind in ({}, {"kind": "domain"}, {"kind": "url"}):
        with pytest.raises(Rejected) as refusal:
            reader.report({"value": value.format(part, part), **kind})
        assert refusal.value.reason == "redacted"


@pytest.mark.parametrize(
    "piece", ["[", "[a", "(", "*", "a*", "<x", "█ ", "●", "1x-", "x", "…", "..a", "[x", "1 ", "**a"]
)
def test_the_time_is_linear_in_the_text(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    hidden_numbers(mark_hidden(text))
    assert time.process_time() - begun < 5
