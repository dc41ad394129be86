"""A contributor's sharing limits are read from the rows of files and written with the reports."""

from io import BytesIO

import orjson
import pytest
from hypothesis import given

from feeds import formats
from feeds.readers.rows import Row, Unreadable
from schemas.fields import Sharing
from schemas.report import Report
from schemas.tabular import ReportReader
from tests.unit.schemas.sharing_examples import LIMITS

BASE = {"reporter": "Example Bank", "reported_at": "2026-11-24T08:00:00.000Z", "kind": "domain"}
REPORT = ReportReader(BASE).report({"value": "bad.example.com"})


def read(data: bytes, format: str) -> list[Report]:
    rows = formats.read(BytesIO(data), format=format)
    return [ReportReader(BASE).report(row.fields) for row in rows if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("csv", b'value,Not To Countries,only-partners\nbad.example.com,"KH,MM","Bank, Ltd;"\n'),
        (
            "jsonl",
            b'{"value":"bad.example.com","sharing":{"not_to_countries":["KH","MM"],"only_partners":"Bank, Ltd;"}}\n',
        ),
        ("jsonl", b'{"value":"bad.example.com","not_to_countries":["KH","MM"],"only_partners":"Bank, Ltd;"}\n'),
    ],
    ids=["columns", "one object", "keys"],
)
def test_rows_state_limits(format: str, data: bytes) -> None:
    (report,) = read(data, format)
    assert report.sharing == Sharing(not_to_countries=("KH", "MM"), only_partners=("Bank, Ltd",))


@pytest.mark.parametrize("format", ["csv", "json", "jsonl"])
@given(limits=LIMITS)
def test_written_reports_read_back_with_the_same_limits(format: str, limits: Sharing) -> None:
    out = BytesIO()
    formats.get(format).write([REPORT.model_copy(update={"sharing": limits})], out)
    (report,) = read(out.getvalue(), format)
    assert report.sharing == (limits if limits.limited else None)


@pytest.mark.parametrize("limits", [{"not_to_countries": ["KH"], "nowhere_else": True}, ["KH"], "not to KH"], ids=str)
def test_unknown_limits_refuse_the_row(limits: object) -> None:
    data = orjson.dumps({"value": "bad.example.com", "sharing": limits}) + b"\n"
    (row,) = formats.read(BytesIO(data), format="jsonl")
    assert isinstance(row, Unreadable)
    assert row.reason == "bad-sharing"
