"""Files of records become STIX: each row is mapped, a duplicate, or rejected with a reason."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.records import map_records
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.readers.record_rows import RecordRow, detect_records, rows
from schemas import tabular

INDICATOR = "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
SECOND = "indicator--2d4125de-07a4-58ff-80f6-00aa533a88a7"
BOTH = (INDICATOR, SECOND)


def options(record: str | None, **more: Any) -> Options:
    return Options(reporter="Example Bank", reported_at=datetime(2026, 1, 15, tzinfo=UTC), record=record, **more)


def outcomes(text: str, record: str | None = None, **more: Any) -> list[Mapped | Duplicate | Reject]:
    return list(map_records(io.BytesIO(text.encode()), "records", options(record), **more))


def mapped(found: list[Mapped | Duplicate | Reject]) -> Iterator[Mapped]:
    for outcome in found:
        assert isinstance(outcome, Mapped), outcome
        yield outcome


def test_a_table_of_outcomes_is_mapped_row_by_row() -> None:
    text = f"indicator,outcome,reason,effective_from\n{INDICATOR},taken down,own finding,2026-01-02\n{SECOND},fp,,\n"
    first, second = mapped(outcomes(text, "outcome"))
    assert [outcome.objects[0]["object_refs"] for outcome in (first, second)] == [[INDICATOR], [SECOND]]
    assert [outcome.objects[0]["opinion"] for outcome in (first, second)] == ["strongly-agree", "strongly-disagree"]


@pytest.mark.parametrize(
    "text",
    [
        f"record\tof\tcount\nsighting\t{INDICATOR}\t3\n",
        f"sep=;\nOf;Times\n{INDICATOR};3\n",
        json.dumps({"of": INDICATOR, "count": 3}),
        json.dumps([{"record": "sighting", "indicator_id": INDICATOR, "hits": "3"}]),
        json.dumps({"sightings": [{"of": {"ref": INDICATOR}, "count": 3}]}),
        json.dumps({"of": INDICATOR, "count": 3, "victim": {"name": "somebody"}}) + "\n",
    ],
    ids=["tabs", "semicolons", "an object", "a list", "a list by name", "with a column that is no record's"],
)
def test_one_sighting_is_the_same_in_every_form(text: str) -> None:
    (found,) = mapped(outcomes(text, "sighting"))
    (sighting,) = found.objects
    assert (sighting["sighting_of_ref"], sighting["count"]) == (INDICATOR, 3)


def test_rows_may_name_different_records() -> None:
    flow = {
        "record": "flow",
        "from": "bank-account:DE89370400440532013000",
        "to": "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    }
    lines = [{"of": INDICATOR}, {"record": "opinion", "of": INDICATOR, "opinion": "agree"}, flow]
    found = mapped(outcomes("\n".join(map(json.dumps, lines)), "sighting"))
    assert [outcome.objects[-1]["type"] for outcome in found] == ["sighting", "opinion", "relationship"]


def test_repeated_record_is_a_duplicate_in_other_files_too() -> None:
    seen: set[str] = set()
    text = f"of\n{INDICATOR}\n"
    found = outcomes(text, "sighting", seen=seen) + outcomes(text, "sighting", seen=seen)
    assert [type(outcome) for outcome in found] == [Mapped, Duplicate]


def test_observables_of_flows_are_written_once() -> None:
    ends = ("bank-account:DE89370400440532013000", "bank-account:GB29NWBK60161331926819")
    text = f"source,target\n{ends[0]},{ends[1]}\n{ends[1]},{ends[0]}\n"
    first, second = mapped(outcomes(text, "flow"))
    assert [len(outcome.objects) for outcome in (first, second)] == [3, 1]


def test_value_refers_to_each_of_its_indicators() -> None:
    found = mapped(
        outcomes("kind,value\ndomain,a.example.com\n", "sighting", find=lambda values: dict.fromkeys(values, BOTH))
    )
    assert [obj["sighting_of_ref"] for outcome in found for obj in outcome.objects] == [INDICATOR, SECOND]


def test_a_case_has_each_indicator_of_its_values_as_a_member() -> None:
    text = f'name,members\nExample,"{INDICATOR} domain:a.example.com"\n'
    (found,) = mapped(outcomes(text, "case", find=lambda values: dict.fromkeys(values, BOTH)))
    assert found.objects[0]["object_refs"] == [INDICATOR, SECOND]


def test_sighting_abroad_includes_its_location() -> None:
    (found,) = mapped(outcomes(f"of,countries\n{INDICATOR},TH\n", "sighting"))
    assert [obj["type"] for obj in found.beside] == ["location"]


@pytest.mark.parametrize(
    ("text", "record", "reason"),
    [
        ("of\ndomain:a.example.com\n", "sighting", "indicator-not-named"),
        (f"of\n{INDICATOR}\n", None, "unknown-record"),
        (f"of\n{INDICATOR}\n", "outcome", "bad-outcome"),
        (f"of\n{INDICATOR},x\n", "sighting", "too-many-cells"),
        (f'[{{"of": "{INDICATOR}"}}, 5]', "sighting", "not-a-record"),
        (f'{{"of": "{INDICATOR}"}}\n{{"of": \n', "sighting", "malformed-json"),
        ('{"type": "note", "id": "note--1"}', "sighting", "not-a-record"),
    ],
)
def test_a_bad_row_has_a_reason_and_its_record(text: str, record: str | None, reason: str) -> None:
    found = outcomes(text, record)
    assert [outcome.reason for outcome in found if isinstance(outcome, Reject)] == [reason]


def test_unreported_value_is_rejected() -> None:
    (reject,) = outcomes("of\ndomain:a.example.com\n", "sighting", find=lambda values: {})
    assert isinstance(reject, Reject)
    assert (reject.line, reject.raw, reject.kind, reject.reason) == (
        2,
        "domain:a.example.com",
        "sighting",
        "indicator-unknown",
    )


def test_sightings_in_stix_are_attributed_to_the_sender() -> None:
    sighting = {
        "type": "sighting",
        "id": "sighting--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "modified": "2026-01-02T00:00:00Z",
        "sighting_of_ref": INDICATOR,
    }
    first, revoked = outcomes(json.dumps({"type": "bundle", "objects": [sighting, {**sighting, "revoked": True}]}))
    assert isinstance(first, Mapped)
    assert first.report.reporter == "Example Bank"
    assert first.objects[0]["id"] != sighting["id"]
    assert isinstance(revoked, Reject)
    assert revoked.reason == "revoked"


def test_own_column_name_of_a_record_has_priority() -> None:
    (row,) = rows(io.BytesIO(b'[{"indicator": "x", "of": "y", "indicatorid": "z"}]'))
    assert isinstance(row, RecordRow)
    assert row.fields == {"of": "y"}


def test_records_are_read_from_tables_and_json_only() -> None:
    with pytest.raises(UnknownFormat, match="csv, json, jsonl"):
        list(rows(io.BytesIO(b"x"), "hosts"))


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"of,outcome\n{text}".encode()))
def test_any_bytes_are_mapped_or_rejected(data: bytes) -> None:
    for record in tabular.RECORDS:
        try:
            found = list(map_records(io.BytesIO(data), "x", options(record)))
        except UnreadableFile:
            continue
        assert all(isinstance(outcome, Mapped | Duplicate) or outcome.message for outcome in found)


def test_the_values_of_many_rows_are_looked_up_at_once() -> None:
    asked: list[set[tuple[str, str]]] = []

    def find(values: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        asked.append({*values})
        return dict.fromkeys(asked[-1], (INDICATOR,))

    text = "kind,value\n" + "".join(f"domain,shop-{number}.example.com\n" for number in range(900))
    found = outcomes(text, "sighting", find=find)
    assert [type(outcome) for outcome in found] == [Mapped] + [Duplicate] * 899
    assert [len(values) for values in asked] == [500, 400]


@pytest.mark.parametrize(
    "text",
    [
        "record,value,kind,outcome\noutcome,shop.example.com,domain,false-positive\n",
        "value;kind;Record\nshop.example.com;domain;Sighting\n",
        '{"record": "opinion", "value": "shop.example.com"}\n',
        '[{"record": "opinion", "value": "shop.example.com"}]',
    ],
)
def test_record_column_distinguishes_records_from_reports(text: str) -> None:
    packed = gzip.compress(text.encode())
    for data in (text.encode(), packed, text.encode("utf-16")):
        are_records, stream = detect_records(io.BytesIO(data))
        assert are_records
        assert stream.read() == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example.com\n",
        "value,kind\nshop.example.com,domain\n",
        "value,record\nshop.example.com,A\n",
        "record\n",
        '{"value": "shop.example.com"}',
        "{",
        "\x00\x01\x02",
    ],
)
def test_other_files_are_read_as_reports(text: str) -> None:
    are_records, stream = detect_records(io.BytesIO(text.encode()))
    assert not are_records
    assert stream.read() == text.encode()


def test_long_file_is_returned_whole() -> None:
    data = b"record,value\n" + b"sighting,shop.example.com\n" * 20_000
    are_records, stream = detect_records(io.BytesIO(data))
    assert are_records
    assert stream.read() == data


def test_other_formats_are_not_searched_for_records() -> None:
    stream = io.BytesIO(b"record,value\nsighting,x\n")
    assert detect_records(stream, "hosts") == (False, stream)
