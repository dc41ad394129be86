"""Reports in documents and tables are found, and other content is not read as reports."""

from io import BytesIO

import orjson
import pytest

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.readers.rows import Row, Unreadable


def read(data: bytes, format: str | None = None, name: str = "") -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(data), format=format, name=name))


def values(data: bytes, format: str | None = None, name: str = "") -> list[str]:
    return [row.fields["value"] for row in read(data, format, name) if isinstance(row, Row)]


SAFE = ["allow", "whitelist", "allowlist", "fuzzylist", "safe", "trusted", "exclusions", "false_positives", "benign"]
BAD = ["deny", "blacklist", "blocklist", "denySub", "phishing", "scams", "domains", "items", "data"]


@pytest.mark.parametrize("safe", SAFE)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("nested", [False, True])
def test_a_value_of_an_allowlist_is_never_a_scam(safe: str, bad: str, nested: bool) -> None:
    document = {safe: ["good.example.com"], bad: ["bad.example.com"]}
    data = orjson.dumps({"data": document} if nested else document)
    rows = read(data)
    assert [row.fields["value"] for row in rows if isinstance(row, Row)] == ["bad.example.com"]
    assert [row.raw for row in rows if isinstance(row, Unreadable)] == ["good.example.com"]


@pytest.mark.parametrize("safe", SAFE)
def test_allowlist_alone_yields_nothing(safe: str) -> None:
    assert values(orjson.dumps({safe: ["good.example.com"]})) == []


def test_a_path_names_the_list() -> None:
    data = orjson.dumps({"a": {"b": ["x.example.com"]}, "c": ["y.example.com"], "n": 1})
    assert values(data, "json:a.b") == ["x.example.com"]
    assert values(data, "json:c") == ["y.example.com"]
    for path in ("a.nothing", "n"):
        with pytest.raises(UnreadableFile, match=path):
            read(data, f"json:{path}")


def test_several_lists_without_a_telling_name_ask_for_the_path() -> None:
    rows = read(orjson.dumps({"one": ["x.example.com"], "two": ["y.example.com"]}))
    assert {row.reason for row in rows if isinstance(row, Unreadable)} == {"not-a-report"}
    assert "json:one" in getattr(rows[0], "message", "")


@pytest.mark.parametrize("data", [b'["a"', b"{", b'{"a": ["b"]} trailing', b"[" * 5000])
def test_broken_json_is_an_unreadable_file(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="not a complete JSON document"):
        read(data, "json")


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_lenient_json_is_accepted(format: str) -> None:
    data = b'{"value": "a.example.com", "x": NaN, "y": 123456789012345678901234567890, "z": "\\ud800"}'
    assert values(data, format) == ["a.example.com"]


def test_yaml_aliases_are_refused() -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ntags:\n- address: x\n"
    with pytest.raises(UnreadableFile, match="alias"):
        read(bomb, "yaml")


def test_yaml_tags_create_no_objects() -> None:
    assert values(b"- !!python/object/apply:os.system ['echo']\n- value: a.example.com\n", "yaml") == ["a.example.com"]


def test_endlessly_nested_yaml_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="too deeply"):
        read(b"[" * 500 + b"]" * 500, "yaml")


@pytest.mark.parametrize("data", [b"a: [", b"a: b: c", b"\t- a"])
def test_broken_yaml_is_an_unreadable_file(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="not YAML"):
        read(data, "yaml")


def test_prose_with_colons_and_bullets_is_no_yaml() -> None:
    prose = b"2024-05-16: SCAMS\n\nREFERENCES:\n- https://example.com/a\n\nDOMAINS:\n- a[.]example[.]com\n"
    assert formats.recognise(prose, "report.txt") == "prose"


def test_table_without_header_yields_values_and_not_source_pages() -> None:
    data = (
        b"2022-05-01 00:01:25,u1,url,http://192.0.2.1/,#phishing,https://social.example/u1/status/1\n"
        b"2022-05-01 00:01:26,u2,ip,192.0.2.2,#phishing,https://social.example/u1/status/2\n"
    )
    rows = read(data)
    assert [dict(row.fields) for row in rows if isinstance(row, Row)] == [
        {"value": "http://192.0.2.1/", "kind": "url", "reported_at": "2022-05-01 00:01:25"},
        {"value": "192.0.2.2", "kind": "ip", "reported_at": "2022-05-01 00:01:26"},
    ]


def test_header_below_many_comments_is_found() -> None:
    comments = b"".join(b"# line %d of a licence\n" % number for number in range(25))
    assert values(comments + b"domain,seen\na.example.com,2026-01-01\nb.example.com,2026-01-02\n", "csv") == [
        "a.example.com",
        "b.example.com",
    ]


def test_unreadable_line_above_the_header_of_a_list_is_reported() -> None:
    rows = read(b"bad\0line\ndomain\na.example.com\n", "csv")
    assert [row.reason for row in rows if isinstance(row, Unreadable)] == ["nul-byte"]
    assert [row.fields["value"] for row in rows if isinstance(row, Row)] == ["a.example.com"]


def test_table_without_known_columns_is_refused_row_by_row() -> None:
    rows = read(b"bank_code,name\n001,X\n002,Y\n", "csv")
    assert [(row.line, row.reason) for row in rows if isinstance(row, Unreadable)] == [
        (2, "no-value-column"),
        (3, "no-value-column"),
    ]


def test_lines_of_quoted_cells_are_counted() -> None:
    rows = read(b'value,description\na.example.com,"one\ntwo"\nb.example.com,x\n')
    assert [row.line for row in rows] == [2, 4]


def test_unclosed_quote_loses_one_row_in_a_file_of_any_length() -> None:
    body = b"".join(b"h%d.example.com,x\n" % number for number in range(500))
    rows = read(b'value,description\nbad.example.com,"open\n' + body)
    assert [row.reason for row in rows if isinstance(row, Unreadable)] == ["unclosed-quote"]
    assert sum(isinstance(row, Row) for row in rows) == 500


def test_quoted_cells_can_span_read_blocks() -> None:
    body = b"".join(b'h%d.example.com,"first\nsecond"\n' % number for number in range(20_000))
    rows = read(b"value,description\n" + body)
    assert len(rows) == 20_000
    assert all(isinstance(row, Row) and row.fields["description"] == "first\nsecond" for row in rows)


def test_stix_and_warning_lists_are_no_raw_reports() -> None:
    bundle = {"type": "bundle", "objects": [{"type": "domain-name", "value": "a.example.com"}]}
    envelope = {"objects": [{"type": "domain-name", "spec_version": "2.1", "value": "a.example.com"}]}
    warning = {"list": ["a.example.com"], "matching_attributes": ["domain"], "type": "hostname"}
    for document in (bundle, envelope, warning):
        assert values(orjson.dumps(document)) == []


def test_endlessly_nested_lists_lose_one_row() -> None:
    deep = b'{"value":' + b"[" * 900 + b"]" * 900 + b"}\n"
    bad, good = read(deep + b'{"value":"good.example.com"}\n', "jsonl")
    assert isinstance(bad, Unreadable)
    assert bad.reason == "nested-too-deeply"
    assert good == Row(2, {"value": "good.example.com"})
