"""Web pages: their tables, and the values in their text and links."""

import re
from collections.abc import Iterable
from typing import ClassVar

from feeds.format import DocumentFormat, Example, Head

_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|div)\b", re.I | re.S
)


class WebPage(DocumentFormat):
    """The tables of a page by their headers, and its text as prose; hidden parts are not read."""

    name: ClassVar[str] = "html"
    endings: ClassVar[tuple[str, ...]] = ("html", "htm", "xhtml")
    reader: ClassVar[str] = "html"

    def score(self, head: Head) -> float:
        """Return a high score for a text that begins as a page does."""
        return 0.95 if _PAGE.match(head.text[:2000]) else 0

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"<!doctype html><html><body><h1>News</h1><p>Our <a href='https://example.org/about'>article</a>"
            b" explains it.</p><table><tr><th>Domain</th><th>First seen</th></tr><tr><td>a.example.com</td>"
            b"<td>2026-01-01</td></tr></table><p style='display: none'>b.example.com</p></body></html>",
            [{"value": "a.example.com", "kind": "domain", "first_seen": "2026-01-01"}],
            ("hidden-text", "not-a-report"),
        )
