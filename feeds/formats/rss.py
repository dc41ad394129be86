"""News feeds: RSS 0.9x, 1.0 and 2.0, and Atom."""

import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import streams
from feeds.readers.columns.vocabulary import kind_of_word, scam_type_of_tags, tags_say_innocent
from feeds.readers.extraction.prose import ProseReader
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas import kinds
from schemas.refang import refang

_ITEMS = frozenset({"item", "entry"})
_TIMES = ("pubDate", "published", "updated", "date")
_TEXTS = ("description", "summary", "encoded", "content")
_ROOT = re.compile(r"<(?:\w+:)?(?:rss|feed|RDF)[\s>]")
_DECLARED = re.compile(r"<\?xml[^>]*\sencoding\s*=\s*[\"']([\w.-]+)[\"']")
_TAG = re.compile(r"<(?P<block>/?(?:p|br|div|li|tr|h\d|ul|ol|table|td|th)\b)?[^<>]{0,2000}>", re.IGNORECASE)
_NO_VALUE = (
    "no-value",
    "the item has no value: its title is not one, and its text has none that is defanged or labelled (Domain: …)",
)
_INNOCENT = ("not-a-scam", "a category of the item says that it is not a scam: leave such items out")


class Rss(Format):
    """Items of a feed: the title if it is a value, else the values in the title and text.

    An item's link is the reporter's own page, and is never read. Categories give the kind and the scam type.
    """

    name: ClassVar[str] = "rss"
    endings: ClassVar[tuple[str, ...]] = ("rss", "atom", "xml")

    def score(self, head: Head) -> float:
        """Return a high score for the root element of a feed."""
        text = head.text.lstrip()
        return 0.95 if text.startswith("<") and _ROOT.search(text[:5000]) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the values of each item, with the item's number in place of a line."""
        head = source.head[:1000].decode("ascii", "replace")
        declared = _DECLARED.search(head)
        # A document that declares UTF-16 was already converted to UTF-8 (feeds.readers.source).
        own = declared and not declared[1].lower().startswith(("utf-16", "utf-32", "ucs", "utf16", "utf32"))
        encoding = declared[1] if declared and own else "utf-8"
        for number, item in enumerate(streams.pieces(source.blocks(), _Items(), encoding), 1):
            yield from _rows(number, item)

    def examples(self) -> Iterable[Example]:
        item = (
            b"<item><title>%s</title><link>https://social.example/u1/status/1</link><description>%s</description>"
            b"<pubDate>Thu, 01 Jan 2026 08:00:00 +0000</pubDate><category>%s</category>"
            b"<category>#phishing</category></item>"
        )
        value = {"value": "a.example.com", "kind": "domain", "scam_type": "credential-phishing"}
        yield Example(
            b'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>Bad</title>'
            + item % (b"a.example.com", b"@reporter: see https://social.example/u1", b"domain")
            + b"</channel></rss>\n",
            [value | {"reported_at": "2026-01-01T08:00:00Z"}],
        )
        yield Example(
            b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Warnings</title><entry><title>A fake shop</title>'
            b"<updated>2026-01-01T08:00:00+07:00</updated>"
            b'<content type="html">&lt;p&gt;Do not buy from hxxps://b[.]example[.]com/pay, read '
            b"&lt;a href='https://example.org/news'&gt;more&lt;/a&gt;.&lt;/p&gt;</content></entry>"
            b"<entry><title>Our yearly report</title><summary>Nothing to see.</summary></entry></feed>\n",
            [{"value": "hxxps://b[.]example[.]com/pay", "reported_at": "2026-01-01T08:00:00+07:00"}],
            ("no-value",),
        )
        yield Example(
            b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
            + item % (b"+66 81 234 5678", b"", b"phone")
            + item % (b"good.example.com", b"", b"legitimate")
            + b"</rdf:RDF>\n",
            [
                {"value": "+66 81 234 5678", "kind": "phone", "scam_type": "credential-phishing"}
                | {"reported_at": "2026-01-01T08:00:00Z"}
            ],
            ("not-a-scam",),
        )


class _FeedItem:
    """One item: its texts by the names of their elements, and its categories."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.categories: list[str] = []


class _Items(streams.Gatherer[_FeedItem]):
    """Collects the items of a feed, and nothing of the feed itself."""

    def __init__(self) -> None:
        super().__init__()
        self._item: _FeedItem | None = None
        self._depth = 0
        self._name = ""
        self._parts: list[str] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._item is None:
            if name in _ITEMS:
                self._item, self._depth = _FeedItem(), self.depth
        elif self.depth == self._depth + 1:
            self._name = name
            self._parts.clear()
            if name == "category" and (term := attributes.get("term")):
                self._item.categories.append(term)
        else:
            self._parts.append(" ")

    def data(self, text: str) -> None:
        if self._item is not None:
            self._parts.append(text)

    def finish(self, name: str) -> None:
        if self._item is None:
            return
        if self.depth == self._depth:
            text = "".join(self._parts).strip()
            if name == "category" and text:
                self._item.categories.append(text)
            elif text:
                self._item.texts.setdefault(name, text)
            self._parts.clear()
        elif self.depth < self._depth:
            self.found.append(self._item)
            self._item = None


def _rows(number: int, item: _FeedItem) -> Iterator[Row | Unreadable]:
    title = html.unescape(item.texts.get("title", ""))
    if tags_say_innocent(item.categories):
        yield Unreadable.of(number, title, *_INNOCENT)
        return
    stated = {"scam_type": scam_type_of_tags(item.categories), "reported_at": _time(item)}
    context = {name: text for name, text in stated.items() if text}
    if _is_value(title):
        kind = next(filter(None, map(kind_of_word, item.categories)), None)
        yield Row(number, {"value": title} | ({"kind": kind} if kind else {}) | context)
        return
    prose, rows = ProseReader(), list[Row]()
    texts = [title, *(_plain(item.texts[name]) for name in _TEXTS if name in item.texts)]
    for line in "\n".join(texts).splitlines():
        rows += [row for row in prose.rows(number, line) if isinstance(row, Row)]
    rows += [row for row in prose.finish() if isinstance(row, Row)]
    for fields in {row.fields["value"]: row.fields for row in rows}.values():
        yield Row(number, {**fields, **context})
    if not rows:
        yield Unreadable.of(number, title, *_NO_VALUE)


def _is_value(title: str) -> bool:
    text = refang(title)
    return bool(text) and any(kind.recognises(text) for kind in kinds.every().values())


def _plain(text: str) -> str:
    """Return a text without its HTML tags; the targets of links are dropped, because they are the reporter's."""
    return html.unescape(_TAG.sub(lambda tag: "\n" if tag["block"] else " ", html.unescape(text)))


def _time(item: _FeedItem) -> str:
    text = next((item.texts[name] for name in _TIMES if name in item.texts), "")
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return text  # in RFC 3339, or wrong: the column's check refuses it
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.isoformat().replace("+00:00", "Z")
