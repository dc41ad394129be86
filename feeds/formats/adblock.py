"""Lists of ad blockers: those rules that block a whole name, or a page."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.lines import blocks
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

_RULE = re.compile(r"\|\|(?P<name>[^\s/^$|*,]+)(?P<path>/[^\s^$|*]*)?\^?\|?(?:\$(?P<options>\S+))?")
_PAGE = re.compile(r"\|(?P<url>https?://[^\s^$|*]+)\^?\|?(?:\$(?P<options>\S+))?")
_NAME = re.compile(r"[^\s/^$|*,#@!]+\.[^\s/^$|*,#@!]+")
_COSMETIC = re.compile(r"#[@?$%]*#|\$\$")
# Rules with other options change pages of the name, or block it in some places only.
_WHOLE = frozenset(
    {"all", "doc", "document", "important", "popup", "third-party", "3p", "~third-party", "1p", "network"}
)


class Adblock(Format):
    """``||name^``, with options that leave no doubt that the name as a whole is blocked."""

    name: ClassVar[str] = "adblock"
    endings: ClassVar[tuple[str, ...]] = ("adblock",)
    writes: ClassVar[bool] = True
    once: ClassVar[bool] = True
    blocks: ClassVar[bool] = True
    lines: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Give the share of lines that begin as rules do."""
        lines = [line for line in head.lines if not line.startswith(("!", "# ", "[Adblock"))]
        if head.text.lstrip().startswith("[Adblock"):
            return 0.95
        rules = filter(lambda line: line.startswith(("||", "@@", "|http")) or _COSMETIC.search(line), lines)
        return 0.95 * head.share(rules, len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give each name or page that is blocked as a row."""
        for run in blocks(source):
            if isinstance(run, Unreadable):
                yield run
                continue
            for number, line in enumerate(run[1], run[0]):
                text = line.strip()
                if text and not text.startswith(("!", "# ", "[Adblock", "[AdGuard", "[uBlock")) and text != "#":
                    yield _rule(number, text)

    def examples(self) -> Iterable[Example]:
        """Give rules."""
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        yield Example(b"! Title: bad\n||a.example.com^\n||b.example.com^$all,third-party\r\n", two)
        yield Example(b"[Adblock Plus 2.0]\n||a.example.com\nb.example.com\n", two)
        yield Example(b"||a.example.com/pay^$doc\n", [{"value": "a.example.com/pay"}])
        yield Example(b"|https://a.example.com/pay|\n", [{"value": "https://a.example.com/pay"}])
        yield Example(
            b"||a.example.com^\n@@||good.example.com^\nexample.org##.ad\n||example.net^$removeparam=utm\n"
            b"||avito.example.\n.com-id*.info^\n/ads[0-9]/\n||b.example.com^$popup\n",
            [two[0], {"value": "avito.example."}, two[1]],
            ("not-a-report", "not-a-report", "not-a-report", "rule-without-name", "rule-without-name"),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the domains among ``reports``."""
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"||{report.value}^\n".encode())
                count += 1
        return count


def _rule(number: int, text: str) -> Row | Unreadable:
    if text.startswith("@@"):
        return Unreadable.of(number, text, "not-a-report", "an exception: it says what is not blocked")
    if _COSMETIC.search(text):
        return Unreadable.of(number, text, "not-a-report", "the rule hides parts of pages and blocks no name")
    found = _RULE.fullmatch(text) or _PAGE.fullmatch(text)
    if found is None:
        if _NAME.fullmatch(text):
            return Row(number, {"value": text})
        return Unreadable.of(number, text, "rule-without-name", "the rule is a pattern over many names: list the names")
    if found["options"] and not _WHOLE.issuperset(found["options"].split(",")):
        return Unreadable.of(number, text, "not-a-report", "the rule's options block the name in some places only")
    if found.re is _PAGE:
        return Row(number, {"value": found["url"]})
    return Row(number, {"value": found["name"] + (found["path"] or "")})
