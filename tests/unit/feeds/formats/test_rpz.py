"""Response policy zones: the blocked names of a zone in every notation."""

from io import BytesIO
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.readers.rows import Row, Unreadable
from schemas.tabular import ReportReader
from tests.searches import examples


def read(text: str, format: str = "rpz") -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(text.encode()), format=format))


def values(text: str, format: str = "rpz") -> list[str]:
    return [row.fields["value"] for row in read(text, format) if isinstance(row, Row)]


def reasons(text: str) -> list[str]:
    return [row.reason for row in read(text) if isinstance(row, Unreadable)]


@pytest.mark.parametrize(
    "line",
    [
        "a.example.com CNAME .",
        "a.example.com\tIN\tCNAME\t.",
        "a.example.com 300 IN CNAME .",
        "a.example.com IN 1h30m CNAME *.",
        "A.Example.COM cname rpz-drop.",
        "a.example.com CNAME . ; since yesterday",
        "a.example.com ( CNAME\n . )",
        "a.example.com A 0.0.0.0",
        "a.example.com AAAA ::",
        "*.a.example.com CNAME .",
    ],
)
def test_a_name_is_blocked_in_many_spellings(line: str) -> None:
    assert values(line + "\n") == ["a.example.com"]


@pytest.mark.parametrize(
    "target",
    ["rpz-passthru.", "a.example.com.", "rpz-tcp-only.", "safe.example.net.", "walled-garden.example.org."],
)
def test_redirected_names_are_no_reports(target: str) -> None:
    assert reasons(f"a.example.com CNAME {target}\n") == ["not-a-report"]


def test_records_of_the_zone_itself_are_skipped() -> None:
    zone = '$TTL 2h\n@ SOA a. b. (\n 2026010101 ; serial (of\n 1h 15m 30d 2h )\n NS ns.\n@ TXT "a; (b"\n@ A 192.0.2.1\n'
    assert read(zone) == []


def test_relative_names_are_below_their_origin() -> None:
    zone = "$ORIGIN rpz.example.net.\n@ SOA a. b. 1 2 3 4 5\n$ORIGIN com.rpz.example.net.\na.example CNAME .\n"
    assert values(zone) == ["a.example.com"]


def test_a_record_without_an_owner_has_the_last_one() -> None:
    assert reasons("a.example.com CNAME .\n  A 192.0.2.1\n") == ["not-a-report"]


def test_names_outside_of_the_zone_are_refused() -> None:
    assert reasons("rpz.example.net. SOA a. b. 1 2 3 4 5\na.example.com. CNAME .\n") == ["outside-zone"]


@pytest.mark.parametrize("line", ["a.example.com", "a.example.com CNAME", 'a.example.com TXT "x', "a ( CNAME .", "$"])
def test_malformed_record_loses_only_itself(line: str) -> None:
    assert values(f"b.example.com CNAME .\n{line}\n")[:1] == ["b.example.com"]
    assert len(read(f"{line}\n")) <= 1


def test_open_bracket_loses_some_lines_and_not_the_file() -> None:
    lines = [f"h{number}.example.com CNAME ." for number in range(200)]
    assert len(values("x ( CNAME\n" + "\n".join(lines))) >= 150


def test_other_files_are_not_read() -> None:
    assert reasons("$INCLUDE /etc/passwd\n$GENERATE 1-9 a$ CNAME .\n") == ["not-a-report", "not-a-report"]


@settings(max_examples=examples(200), deadline=None)
@given(number=st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_written_addresses_read_back(number: IPv4Address | IPv6Address) -> None:
    report = ReportReader({"reporter": "X", "reported_at": "2026-01-01"}).report({"value": "192.0.2.7", "kind": "ip"})
    out = BytesIO()
    assert formats.write("rpz", [report.model_copy(update={"value": str(number)})], out) == 1
    assert values(out.getvalue().decode()) == [str(number)]


def test_dnspython_loads_a_written_zone() -> None:
    import dns.zone

    report = ReportReader({"reporter": "X", "reported_at": "2026-01-01"}).report({"value": "a.example.com"})
    out = BytesIO()
    formats.write("rpz", [report], out)
    zone = dns.zone.from_text(out.getvalue().decode(), origin="rpz.example.net.")
    blocked = [name for name, _ in zone.iterate_rdatasets("CNAME")]
    assert sorted(map(str, blocked)) == ["*.a.example.com", "a.example.com"]


def test_rules_of_ublacklist_for_pages_keep_their_path() -> None:
    assert values("*://example.com/shop/*\n*://*.example.com/*\n", "ublacklist") == ["example.com/shop/", "example.com"]


@settings(max_examples=examples(200), deadline=None)
@given(text=st.text(alphabet='a.;()"\\ \t\n@$*INCNAMESOA019-', max_size=120))
def test_any_zone_is_rows_or_reasons(text: str) -> None:
    assert all(row.line >= 1 for row in read(text))
