"""Filter lists of ad blockers: the rules that block a whole domain or a page."""

import re
from collections.abc import Iterable
from typing import ClassVar

from feeds.format import DomainBlocklist, Example, Head
from feeds.readers.rows import Row, Unreadable

_RULE = re.compile(r"\|\|(?P<name>[^\s/^$|*,]+)(?P<path>/[^\s^$|*]*)?\^?\|?(?:\$(?P<options>\S+))?")
_PAGE = re.compile(r"\|(?P<url>https?://[^\s^$|*]+)\^?\|?(?:\$(?P<options>\S+))?")
_NAME = re.compile(r"[^\s/^$|*,#@!]+\.[^\s/^$|*,#@!]+")
_COSMETIC = re.compile(r"#[@?$%]*#|\$\$")
_COMMENTS = ("!", "# ", "[Adblock", "[AdGuard", "[uBlock")
# Options that leave the whole domain blocked; others change its pages, or block it in some contexts only.
_WHOLE_DOMAIN = frozenset(
    {"all", "doc", "document", "important", "popup", "third-party", "3p", "~third-party", "1p", "network"}
)


class Adblock(DomainBlocklist):
    """Rules ``||domain^``, with options that leave the whole domain blocked."""

    name: ClassVar[str] = "adblock"
    endings: ClassVar[tuple[str, ...]] = ("adblock",)
    written: ClassVar[str] = "||{}^"

    def score(self, head: Head) -> float:
        """Return the share of lines that begin like rules."""
        lines = [line for line in head.lines if not line.startswith(("!", "# ", "[Adblock"))]
        if head.text.lstrip().startswith("[Adblock"):
            return 0.95
        rules = filter(lambda line: line.startswith(("||", "@@", "|http")) or _COSMETIC.search(line), lines)
        return 0.95 * head.share(rules, len(lines))

    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the domain or page that a rule blocks."""
        text = line.strip()
        if not text or text == "#" or text.startswith(_COMMENTS):
            return ()
        return (_row_of_rule(number, text),)

    def examples(self) -> Iterable[Example]:
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


def _row_of_rule(number: int, text: str) -> Row | Unreadable:
    if text.startswith("@@"):
        return Unreadable.of(number, text, "not-a-report", "an exception: it lists a name that is not blocked")
    if _COSMETIC.search(text):
        return Unreadable.of(number, text, "not-a-report", "the rule hides parts of pages and blocks no name")
    found = _RULE.fullmatch(text) or _PAGE.fullmatch(text)
    if found is None:
        if _NAME.fullmatch(text):
            return Row(number, {"value": text})
        return Unreadable.of(number, text, "rule-without-name", "the rule is a pattern over many names: list the names")
    if found["options"] and not _WHOLE_DOMAIN.issuperset(found["options"].split(",")):
        return Unreadable.of(number, text, "not-a-report", "the rule's options block the name in some contexts only")
    if found.re is _PAGE:
        return Row(number, {"value": found["url"]})
    return Row(number, {"value": found["name"] + (found["path"] or "")})
