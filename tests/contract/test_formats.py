"""Guarantees of every file format: its own examples, and random bytes."""

import functools
import gzip
import io
import os
import threading
import tracemalloc
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.errors import UnknownFormat, UnreadableFile
from feeds.format import Example
from feeds.readers.rows import ReportRow, Row, Unreadable
from mappers import common_objects
from mappers.indicator import Profile, to_stix
from schemas.report import Report
from schemas.tabular import ReportReader
from tests.searches import examples
from tests.unit.feeds.row_columns import columns_of_row

NAMES = formats.names()
TEXTS = [name for name in NAMES if not formats.get(name).binary]
WRITTEN = [name for name in NAMES if formats.get(name).writes and not formats.get(name).folder]
FOLDERS = [name for name in NAMES if formats.get(name).folder]
# Formats that express all fields of a report.
WHOLE = ("csv", "jsonl", "json", "stix", "sentinel")
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name in NAMES
    for number, example in enumerate(formats.get(name).examples())
]
REPORTER = {"reporter": "Example Bank", "reported_at": "2026-01-01T00:00:00.000Z"}


def outcome(data: bytes, name: str = "", format: str | None = None) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    rows: list[dict[str, str]] = []
    reasons: list[str] = []
    for row in formats.read(BytesIO(data), name=name, format=format):
        if not isinstance(row, Unreadable):
            rows.append(columns_of_row(row))
        else:
            reasons.append(row.reason)
            assert row.message
        assert row.line >= 1
    return rows, tuple(reasons)


def reports() -> list[Report]:
    columns: list[dict[str, str]] = [
        {"kind": "domain", "value": "shop.example.com", "scam_type": "investment", "countries": "TH,KH"},
        {"kind": "domain", "value": "bank.example.org", "description": '=1+1, "quoted"\nand a line', "tlp": "clear"},
        {"kind": "phone", "value": "+66812345678", "last_seen": "2026-01-01T08:00:00.000Z", "confidence": "85"},
        {"kind": "bank-account", "value": "DE89370400440532013000", "holder_status": "deceived", "action": "hold"},
        {"kind": "wallet", "value": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "sha256": "a" * 64},
    ]
    return [ReportReader(REPORTER).report(row) for row in columns]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_gives_its_rows_and_reasons(name: str, example: Example) -> None:
    assert outcome(example.data, example.name, name) == (example.rows, example.reasons)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_recognised_by_its_content(name: str, example: Example) -> None:
    if example.data:
        assert formats.recognise(example.data, example.name) == name


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_gzip_changes_nothing(name: str, example: Example) -> None:
    packed = gzip.compress(example.data)
    assert outcome(packed, example.name, name) == (example.rows, example.reasons)
    if example.data:
        assert formats.recognise(packed[:65536], f"{example.name}.gz") == name


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_byte_by_byte_pipe_changes_nothing(name: str, example: Example) -> None:
    reading, writing = os.pipe()

    def feed() -> None:
        with open(writing, "wb", buffering=0) as out:
            for byte in example.data[:2000]:
                out.write(bytes([byte]))
            out.write(example.data[2000:])

    thread = threading.Thread(target=feed)
    thread.start()
    with open(reading, "rb", buffering=0) as pipe:
        rows = list(formats.read(pipe, name=example.name, format=name))
    thread.join()
    assert [columns_of_row(row) for row in rows if not isinstance(row, Unreadable)] == example.rows


@pytest.mark.parametrize("name", [name for name in NAMES if formats.get(name).lines])
def test_lines_of_a_line_format_read_the_same_in_any_excerpt(name: str) -> None:
    for example in formats.get(name).examples():
        if b"---\n" in example.data or b"\r" in example.data or not example.data.isascii():
            continue  # leading properties, other line ends, and UTF-16 texts must start at the start of the file
        lines = example.data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
        for end in range(len(lines)):
            parts = [outcome(b"".join(part), example.name, name) for part in (lines[:end], lines[end:])]
            assert parts[0][0] + parts[1][0] == example.rows
            assert parts[0][1] + parts[1][1] == example.reasons


@pytest.mark.parametrize("name", TEXTS)
def test_crlf_and_cr_and_a_mark_in_front_change_nothing(name: str) -> None:
    example = next(iter(formats.get(name).examples()))
    plain = example.data.replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf")
    for data in (plain.replace(b"\n", b"\r\n"), plain.replace(b"\n", b"\r"), b"\xef\xbb\xbf" + plain):
        assert outcome(data, example.name, name) == (example.rows, example.reasons)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert outcome(plain.decode().encode(encoding), example.name, name) == (example.rows, example.reasons)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=examples(150), deadline=None)
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_rows_or_reasons_or_an_unreadable_file(name: str, data: bytes) -> None:
    with suppress(UnreadableFile):
        for row in formats.read(BytesIO(data), format=name):
            assert isinstance(row, Row | ReportRow | Unreadable)
            assert all(isinstance(text, str) for text in getattr(row, "fields", {}).values())


NESTED = functools.reduce(lambda inner, _: [inner], range(40), "a.example.com")


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("json", [{"value": NESTED}]),
        ("json", {"tlp": NESTED, "data": ["a.example.com"]}),
        ("jsonl", {"value": NESTED}),
        ("gse", {"signal": NESTED, "abuse_type": "scam"}),
        ("web-risk", {"submission": {"uri": NESTED}}),
        ("misp-event", {"Event": {"Attribute": [{"type": "domain", "to_ids": True, "value": NESTED}]}}),
        ("stix", {"type": "indicator", "pattern": NESTED}),
    ],
)
def test_nested_lists_lose_their_item_and_not_the_file(name: str, document: object) -> None:
    assert list(formats.read(BytesIO(orjson.dumps(document)), format=name))


@settings(max_examples=examples(300), deadline=None)
@given(data=st.text(alphabet='a.,;\t|"{}[]:-/#!@^0\n\r =\x00é', max_size=80))
def test_every_recognised_file_can_be_read(data: str) -> None:
    with suppress(UnreadableFile):
        assert all(row.line >= 1 for row in formats.read(BytesIO(data.encode())))


@pytest.mark.parametrize("name", WRITTEN)
def test_written_reports_read_back(name: str) -> None:
    wanted = reports()
    out = BytesIO()
    count = formats.write(name, wanted, out)
    assert formats.recognise(out.getvalue()) == name
    rows, reasons = outcome(out.getvalue(), format=name)
    assert (len(rows), reasons) == (count, ())
    values = [report.value for report in wanted]
    assert [row["value"] for row in rows] == [value for value in values if value in {row["value"] for row in rows}]
    if name in WHOLE:
        assert [ReportReader(REPORTER).report(row) for row in rows] == wanted
    elif name != "list":
        assert {report.kind for report in wanted if report.value in {row["value"] for row in rows}} == {"domain"}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_without_reports_can_be_read(name: str) -> None:
    out = BytesIO()
    assert formats.write(name, [], out) == 0
    assert outcome(out.getvalue(), format=name) == ([], ())


@pytest.mark.parametrize("name", FOLDERS)
def test_reports_written_to_a_folder_read_back(name: str, tmp_path: Path) -> None:
    wanted = reports()
    count = formats.get(name).write_folder(wanted, tmp_path / "feed")
    read: list[Report] = []
    for path in sorted((tmp_path / "feed").iterdir()):
        rows, _ = outcome(path.read_bytes(), path.name)
        read += [ReportReader(REPORTER).report(row) for row in rows]
    assert len(read) == count > 0
    by_value = {(report.kind, report.value): report for report in wanted}
    assert {(report.kind, report.value) for report in read} <= by_value.keys()
    for report in read:
        assert report.tlp == by_value[report.kind, report.value].tlp
        assert report.scam_type == by_value[report.kind, report.value].scam_type


@pytest.mark.parametrize("name", FOLDERS)
def test_writing_a_folder_again_replaces_its_files_and_no_others(name: str, tmp_path: Path) -> None:
    writer = formats.get(name)
    writer.write_folder(reports()[:1], tmp_path / "once")
    for folder in ("once", "twice"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "notes.txt").write_text("mine", encoding="utf-8")
    writer.write_folder(reports(), tmp_path / "twice")
    writer.write_folder(reports()[:1], tmp_path / "twice")
    held = [{path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("once", "twice")]
    assert held[0] == held[1]


@pytest.mark.parametrize("name", [name for name in NAMES if formats.get(name).stix_objects])
def test_stix_objects_are_copied_unchanged(name: str) -> None:
    objects = [to_stix(report, Profile.CORE)[0] | {"x_unknown": [1]} for report in reports()]
    out = BytesIO()
    assert formats.get(name).copy([common_objects.for_levels(())[0], *objects], out) == len(objects)
    for obj in objects:
        assert orjson.dumps(obj) in out.getvalue()
    rows, reasons = outcome(out.getvalue(), format=name)
    assert (len(rows), reasons) == (len(objects), ())


def test_no_cell_is_a_spreadsheet_formula() -> None:
    out = BytesIO()
    formats.write("csv", reports(), out)
    assert "=1+1" in out.getvalue().decode()
    assert not any(
        line.startswith("=") or ',"=' in line or ",=" in line for line in out.getvalue().decode().split("\n")
    )


def test_only_phone_numbers_begin_with_a_sign() -> None:
    columns = {"reporter": "X", "reported_at": "2026-01-01", "kind": "phone", "value": "+66812345678"}
    report = ReportReader(columns).report({"description": "+cmd|' /C calc'!A0", "reference": "-2+3"})
    out = BytesIO()
    formats.write("csv", [report], out)
    text = out.getvalue().decode()
    assert "+66812345678," in text
    assert " +cmd" in text
    assert " -2+3" in text


def test_an_unknown_format_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(UnknownFormat, match="jsonl"):
        formats.read(BytesIO(b""), format="xml").__next__()
    with pytest.raises(UnknownFormat, match="csv, "):
        formats.write("yaml", [], BytesIO())
    with pytest.raises(UnknownFormat, match="folder"):
        formats.write("misp-feed", [], BytesIO())


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04rest",
        b"%PDF-1.7",
        b"BZh9",
        gzip.compress(gzip.compress(b"a.example.com\n")),
        bytes(range(1, 32)) * 9,
    ],
    ids=["zip", "pdf", "bzip2", "gzip twice", "control characters"],
)
def test_a_binary_file_is_refused_with_advice(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"this is not text|again"):
        list(formats.read(BytesIO(data)))


def test_rows_before_damage_in_a_gzip_file_are_read() -> None:
    lines = "".join(f"host{number}.example.com\n" for number in range(200_000)).encode()
    packed = gzip.compress(lines)
    rows = formats.read(BytesIO(packed[: len(packed) // 2]))
    with pytest.raises(UnreadableFile, match="cut off or damaged"):  # noqa: PT012 - rows come first
        assert next(rows) == Row(1, {"value": "host0.example.com"})
        for _ in rows:
            pass


class Endless(io.RawIOBase):
    """An endless stream of one line or of many."""

    def __init__(self, block: bytes) -> None:
        self.given = 0
        self._block = block

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # buffers are memoryviews here
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self.given += size
        return size


@pytest.mark.parametrize("name", ["list", "hosts", "csv", "jsonl", "dnsmasq", "adblock", "ublacklist", "rpz", "prose"])
def test_rows_are_read_before_the_end_of_the_file(name: str) -> None:
    example = next(iter(formats.get(name).examples()))
    stream = Endless((example.data.rstrip(b"\r\n") + b"\n") * 500)
    rows = formats.read(io.BufferedReader(stream), format=name)
    for _ in range(1000):
        next(rows)
    assert stream.given < 2_000_000


def test_a_document_that_never_ends_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="larger than 128 MiB"):
        list(formats.read(io.BufferedReader(Endless(b'{"a":' * 100_000)), format="json"))


@pytest.mark.long
def test_gzip_bombs_cost_no_memory() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=9)
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="unpacks to more than"):
        list(formats.read(BytesIO(bomb), format="list"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
