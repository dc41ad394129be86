"""Bytes to lines: encodings, line ends, line numbers, and files pasted from several others."""

import gzip
import tracemalloc
from io import BytesIO
from unicodedata import normalize

import pytest
from hypothesis import given, settings, strategies as st

from feeds.errors import UnreadableFile
from feeds.formats import read
from feeds.readers.rows import MAX_LINE, Row, Unreadable
from feeds.readers.source import HEAD, Source, decode, line_runs
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
def test_gzip_bomb_is_refused_after_a_few_megabytes(line: bytes) -> None:
    bomb = gzip.compress(line * (40_000_000 // len(line)))
    assert len(bomb) < 200_000
    sizes: list[int] = []
    with pytest.raises(UnreadableFile, match="unpacks to more than 100 times"):
        sizes.extend(map(len, Source(BytesIO(bomb)).blocks()))
    assert sum(sizes) < 21_000_000


def test_long_list_compresses_far_less_and_is_read_whole() -> None:
    data = b"".join(b"0.0.0.0 shop-%d.example.com\n" % number for number in range(300_000))
    assert b"".join(Source(BytesIO(gzip.compress(data, 9))).blocks()) == data


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("ร้านค้าหลอกลวง", "cp874"), ("Ｓcam", "utf-8"), ("fraude à l’amitié", "cp1252"), ("ÿ\x81", "latin-1")],
)
def test_encodings_are_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_each_line_of_a_pasted_file_can_have_its_own_encoding() -> None:
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


def test_nul_bytes_lose_only_their_line() -> None:
    assert lines(b"a\n\0b\nc\n") == [(1, "a"), (2, "nul-byte"), (3, "c")]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert lines(b"\xef\xbb\xbfa\n") == [(1, "a")]
    assert lines("a\nb".encode("utf-16")) == [(1, "a"), (2, "b")]


@pytest.mark.long
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
    assert peak(120_000) < 1.5 * peak(30_000) + 1_000_000


TABLES = {
    "th": "ธนาคาร,เลขที่บัญชี,จำนวนเงิน\nกสิกรไทย,012-3-45678-9,5000\n",
    "vi": "Ngân hàng,Số tài khoản,Tên người nhận\nVietcombank,0071000123456,ĐỖ THỊ HẢO\n",
    "zh": "银行,账号,金额\n工商银行,6222020000000000,800\n",
    "en": "url,bank\nhttp://scam.example/login,KBANK\n",
}


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_a_wide_text_needs_no_byte_order_mark(language: str, encoding: str) -> None:
    table = TABLES[language]
    assert lines(table.encode(encoding)) == list(enumerate(table.splitlines(), 1))


@pytest.mark.parametrize("data", [b"\0\1" * 600, b"\x01\x00\x02\x00\x1f\x00\x03\x00" * 90])
def test_binary_data_is_no_wide_text(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        lines(data)


def test_nul_bytes_in_a_short_list_do_not_make_it_wide() -> None:
    found = lines(b"a.example.com\nb.example.com\n\0\nc.example.com\n")
    assert [line for _, line in found] == ["a.example.com", "b.example.com", "nul-byte", "c.example.com"]


def test_wide_characters_that_no_text_has_are_no_wide_text() -> None:
    assert lines(b"a\0\xff\xdf" * 90) == [(1, "nul-byte")]


@pytest.mark.parametrize(
    "text",
    [
        "Số tài khoản: 0071000123456",
        "Người nhận: Đỗ Thị Hảo",
        "chuyển tiền đến tài khoản Vietcombank",
        "SỐ ĐIỆN THOẠI BỊ TỐ CÁO",
    ],
)
def test_vietnamese_in_windows_1258_is_read(text: str) -> None:
    data = windows_1258(text)
    assert lines(data) == [(1, text)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ยา สา 500 บาท", "cp874"),
        ("Lineสาวสวย และ Tสาม", "cp874"),
        ("così può però più, João não põe São Tomé", "cp1252"),
        ("à bientôt, où êtes-vous?", "cp1252"),
    ],
)
def test_other_texts_are_not_taken_for_vietnamese(text: str, encoding: str) -> None:
    assert lines(text.encode(encoding)) == [(1, text)]


def windows_1258(text: str) -> bytes:
    """Encode Vietnamese as its keyboards do: a vowel of the code page, and the tone behind it."""
    return b"".join(_in_1258(char) for char in text)


def _in_1258(char: str) -> bytes:
    try:
        return char.encode("cp1258")
    except UnicodeEncodeError:
        decomposed = normalize("NFD", char)
        base, marks = decomposed[0], decomposed[1:]
        tone = next(mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323")
        vowel = normalize("NFC", base + "".join(mark for mark in marks if mark != tone))
        return (vowel + tone).encode("cp1258")
