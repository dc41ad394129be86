"""Every spelling, wrapping and defanging of a value gives one value of its kind and one indicator."""

from collections.abc import Callable, Iterator

import pytest

from mappers.indicator import to_stix
from schemas import kinds
from schemas.kind import ValueExample
from schemas.tabular import ReportReader

WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

WRAPPED: dict[str, str] = {
    "bare": "{}",
    "blanks": "  {}\t\r\n",
    "no-break spaces": "\u00a0{}\u202f",
    "ideographic space": "\u3000{}",
    "byte order mark": "\ufeff{}",
    "right-to-left marks": "\u200f\u202b{}\u202c\u200e",
    "isolates": "\u2067{}\u2069",
    "straight quotes": '"{}"',
    "curly quotes": "“{}”",
    "low quotes": "„{}“",
    "guillemets": "«{}»",
    "corner brackets": "「{}」",
    "backticks": "`{}`",
    "angle brackets": "<{}>",
    "square brackets": "[{}]",
}
WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda value: value,
    "zero-width spaces": "\u200b".join,
    "soft hyphen": lambda value: f"{value[:3]}\u00ad{value[3:]}",
    "word joiner": lambda value: f"{value[:2]}\u2060{value[2:]}",
    "right-to-left override": lambda value: f"{value[:2]}\u202e{value[2:]}",
    "tags": lambda value: f"{value[:2]}\U000e0041{value[2:]}",
    "[.]": lambda value: value.replace(".", "[.]"),
    "(.)": lambda value: value.replace(".", "(.)"),
    "{.}": lambda value: value.replace(".", "{.}"),
    "【.】": lambda value: value.replace(".", "【.】"),
    "[dot]": lambda value: value.replace(".", "[dot]"),
    " (DOT) ": lambda value: value.replace(".", " (DOT) "),
    " dot ": lambda value: value.replace(".", " dot "),
    "(จุด)": lambda value: value.replace(".", "(จุด)"),
    "\\.": lambda value: value.replace(".", "\\."),
    "[.": lambda value: value.replace(".", "[."),
    " .": lambda value: value.replace(".", " ."),
    "ideographic full stop": lambda value: value.replace(".", "。"),
    "half-width full stop": lambda value: value.replace(".", "｡"),
    "[@]": lambda value: value.replace("@", "[@]"),
    "(at)": lambda value: value.replace("@", " (at) "),
    "hxxp[:]//": lambda value: value.replace("http", "hxxp").replace("://", "[:]//"),
    "hXXp[://]": lambda value: value.replace("http", "hXXp").replace("://", "[://]"),
    "h**p :// ": lambda value: value.replace("http", "h**p").replace("://", " :// "),
    "full width": lambda value: value.translate(WIDE),
}


def spellings(value: str) -> Iterator[tuple[str, str]]:
    for way, write in WRITTEN.items():
        for wrapping, form in WRAPPED.items():
            yield f"{way}, {wrapping}", form.format(write(value))


FIRST = [(name, next(example for example in kind.examples() if example.value)) for name, kind in kinds.every().items()]


@pytest.mark.parametrize(("name", "example"), FIRST, ids=[name for name, _ in FIRST])
def test_every_spelling_of_a_value_gives_one_indicator(name: str, example: ValueExample) -> None:
    assert example.value is not None
    reader = ReportReader({"kind": name, "reporter": "Example Bank", "reported_at": "2026-01-15T08:00:00Z"})
    columns = {**example.given, **example.details}
    meant = to_stix(reader.report({"value": example.value, **columns}))
    written = dict(spellings(example.value))
    assert len(set(written.values())) > 50
    for spelling, text in written.items():
        assert to_stix(reader.report({"value": text, **columns})) == meant, spelling


@pytest.mark.parametrize(
    ("name", "written", "plain", "columns"),
    [
        ("phone", "๐๘๑-๒๓๔-๕๖๗๘", "081-234-5678", {"country": "TH"}),
        ("phone", "٠٨١٢٣٤٥٦٧٨", "0812345678", {"country": "TH"}),
        ("phone", "＋６６８１２３４５６７８", "+66812345678", {}),
        ("bank-account", "๑๒๓-๔-๕๖๗๘๙-๐", "123-4-56789-0", {"bank": "KBANK"}),
        ("bank-account", "१२३४५६७८९०", "1234567890", {"bank": "KBANK"}),
        ("social-account", "๑๐๐๐๐๐๐๐๐๐๐๐๐๐๑", "100000000000001", {"platform": "facebook"}),
        ("app", "id๑๒๓๔๕๖๗๘๙๐", "id1234567890", {}),
    ],
)
def test_digits_of_every_script_are_digits(name: str, written: str, plain: str, columns: dict[str, str]) -> None:
    kind = kinds.get(name)
    assert kind.normalise(written, columns) == kind.normalise(plain, columns)


def test_a_thai_digit_in_a_thai_name_stays_a_part_of_the_name() -> None:
    domain = kinds.get("domain")
    assert domain.normalise("ตัวอย่าง๑.com") != domain.normalise("ตัวอย่าง1.com")
