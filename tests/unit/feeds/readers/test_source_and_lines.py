"""Bytes to lines: encodings, line ends, line numbers, and files pasted together of others."""

import gzip
import tracemalloc
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies as st

from feeds.errors import UnreadableFile
from feeds.formats import read
from feeds.readers.lines import line_runs
from feeds.readers.rows import MAX_LINE, Row, Unreadable
from feeds.readers.source import HEAD, Source, decode
from tests.searches import examples


def lines(data: bytes) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for run in line_runs(Source(BytesIO(data))):
        if isinstance(run, Unreadable):
            found.append((run.line, run.reason))
        else:
            found += [(run[0] + place, line) for place, line in enumerate(run[1])]
    return found


@pytest.mark.parametrize("line", [b"a\n", b"\n", b"a.example.com\n"])
def test_gzip_that_grows_beyond_any_list_is_refused_after_a_few_megabytes(line: bytes) -> None:
    bomb = gzip.compress(line * (40_000_000 // len(line)))
    assert len(bomb) < 200_000
    sizes: list[int] = []
    with pytest.raises(UnreadableFile, match="unpacks to more than 100 times"):
        sizes.extend(map(len, Source(BytesIO(bomb)).blocks()))
    assert sum(sizes) < 21_000_000


def test_a_list_as_long_packs_far_less_and_is_read_whole() -> None:
    data = b"".join(b"0.0.0.0 shop-%d.example.com\n" % number for number in range(300_000))
    assert b"".join(Source(BytesIO(gzip.compress(data, 9))).blocks()) == data


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("ร้านค้าหลอกลวง", "cp874"), ("Ｓcam", "utf-8"), ("fraude à l’amitié", "cp1252"), ("ÿ\x81", "latin-1")],
)
def test_encodings_are_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_each_line_of_a_pasted_file_may_have_an_encoding_of_its_own() -> None:
    data = b"ok\n" + "ไทยแท้\n".encode("cp874") + "café\n".encode("cp1252") + "ไทย\n".encode()
    assert [line for _, line in lines(data)] == ["ok", "ไทยแท้", "café", "ไทย"]


@settings(max_examples=examples(200), deadline=None)
@given(texts=st.lists(st.text(alphabet="ab .é"), max_size=20), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_lines_keep_their_text_and_numbers(texts: list[str], end: str) -> None:
    data = "".join(text + end for text in texts).encode()
    assert lines(data) == list(enumerate(texts, 1))


def test_a_crlf_cut_in_two_by_a_block_is_one_line_end() -> None:
    first = b"a" * (HEAD - 1)
    assert lines(first + b"\r\nb\r\n") == [(1, first.decode()), (2, "b")]


@pytest.mark.parametrize("length", [MAX_LINE + 1, 5 * MAX_LINE, 40 * MAX_LINE])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_over_long_lines_are_left_out_and_counted(length: int, end: bytes) -> None:
    found = lines(b"a" + end + b"x" * length + end + b"b" + end + b"y" * length)
    assert [each for each in found if each[1]] == [(1, "a"), (2, "line-too-long"), (3, "b"), (4, "line-too-long")]


def test_nul_bytes_cost_their_line_only() -> None:
    assert lines(b"a\n\0b\nc\n") == [(1, "a"), (2, "nul-byte"), (3, "c")]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert lines(b"\xef\xbb\xbfa\n") == [(1, "a")]
    assert lines("a\nb".encode("utf-16")) == [(1, "a"), (2, "b")]


def test_memory_does_not_grow_with_the_file() -> None:
    line = b"host.example.com\n"

    def peak(count: int) -> int:
        stream = BytesIO(line * count)
        tracemalloc.start()
        rows = sum(isinstance(row, Row) for row in read(stream))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == count
        return highest

    peak(1000)
    assert peak(400_000) < 1.5 * peak(100_000) + 1_000_000
