"""News feeds: source of the texts, encodings, and refused XML."""

import tracemalloc
from io import BytesIO

import pytest

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.readers.rows import Row, Unreadable

ITEM = "<item><title>{}</title><link>https://social.example/1</link><description>{}</description></item>"


def feed(*items: str, head: str = "") -> bytes:
    return f'{head}<rss version="2.0"><channel><title>x</title>{"".join(items)}</channel></rss>'.encode()


def read(data: bytes) -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(data), format="rss"))


def values(data: bytes) -> list[str]:
    return [row.fields["value"] for row in read(data) if isinstance(row, Row)]


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x [<!ENTITY % more SYSTEM "https://evil.example/x.dtd"> %more;]>',
    ],
    ids=["a bomb", "a file", "another document"],
)
def test_entities_are_refused(prolog: str) -> None:
    with pytest.raises(UnreadableFile, match="entities"):
        read(feed(ITEM.format("a.example.com", "&b;"), head=prolog))


def test_a_document_type_alone_is_accepted() -> None:
    prolog = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "https://my.example/rss-0.91.dtd">'
    assert values(feed(ITEM.format("a.example.com", ""), head=prolog)) == ["a.example.com"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252", "iso-8859-1"])
def test_encoding_follows_the_document(encoding: str) -> None:
    text = feed(ITEM.format("café.example.com", ""), head=f'<?xml version="1.0" encoding="{encoding}"?>').decode()
    assert values(text.encode(encoding)) == ["café.example.com"]


@pytest.mark.parametrize("encoding", ["no-such-thing", "utf-7"])
def test_an_unknown_encoding_is_an_unreadable_file(encoding: str) -> None:
    with pytest.raises(UnreadableFile):
        read(feed(ITEM.format("a.example.com", "é"), head=f'<?xml version="1.0" encoding="{encoding}"?>'))


def test_items_of_a_truncated_feed_are_read() -> None:
    rows = formats.read(BytesIO(feed(ITEM.format("a.example.com", ""), "<item><title>b.example")[:-20]), format="rss")
    assert next(rows).line == 1
    with pytest.raises(UnreadableFile, match=r"not XML \(line 1\)"):
        next(rows)


def test_links_of_an_item_are_never_read_as_values() -> None:
    text = "&lt;a href='https://news.example/1'&gt;read&lt;/a&gt; https://news.example/2"
    assert [getattr(row, "reason", "") for row in read(feed(ITEM.format("A scam", text)))] == ["no-value"]


def test_labelled_and_defanged_values_of_a_text_are_read_once() -> None:
    lines = ["URL: https://a.example.com/x", "Source: https://news.example/1", "b[.]example[.]com b[.]example[.]com"]
    assert values(feed(ITEM.format("New scam", "&lt;br&gt;".join(lines)))) == [
        "https://a.example.com/x",
        "b[.]example[.]com",
    ]


@pytest.mark.parametrize(
    ("time", "reported_at"),
    [
        ("Thu, 01 Jan 2026 08:00:00 GMT", "2026-01-01T08:00:00Z"),
        ("Thu, 01 Jan 2026 08:00:00 +0700", "2026-01-01T08:00:00+07:00"),
        ("Thu, 01 Jan 2026 08:00:00", "2026-01-01T08:00:00Z"),
        ("2026-01-01T08:00:00Z", "2026-01-01T08:00:00Z"),
    ],
)
def test_the_publication_of_an_item_is_the_time_of_its_report(time: str, reported_at: str) -> None:
    (row,) = read(feed(f"<item><title>a.example.com</title><pubDate>{time}</pubDate></item>"))
    assert isinstance(row, Row)
    assert row.fields["reported_at"] == reported_at


@pytest.mark.long
def test_memory_does_not_grow_with_the_feed() -> None:
    def peak(count: int) -> int:
        data = feed(*[ITEM.format("a.example.com", "x" * 200)] * count)
        tracemalloc.start()
        rows = sum(1 for _ in formats.read(BytesIO(data), format="rss"))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == count
        return highest

    peak(10)
    assert peak(12_000) < peak(3_000) + 1_000_000


def test_one_item_of_any_size_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="8 MiB"):
        read(feed(ITEM.format("a.example.com", "x" * 9_000_000)))


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="too deeply"):
        read(feed("<item>" + "<x>" * 1000))
