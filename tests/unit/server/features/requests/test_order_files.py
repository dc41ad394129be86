"""Files of takedown requests: each row is a request of its own, and no location changes."""

import csv
import io

import pytest

from mappers import ids
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from server.features.requests.order_files import MOST_ROWS, read_order, read_responses

POLICE = Partner(name="Cyber Police", kind=PartnerKind.GOVERNMENT, identity=ids.identity("Cyber Police"))
COMMON = {"asks": "take-down", "reference": "C-1", "basis": "notice", "explanation": "obtains-money"}
LOCATIONS = ['https://shop.example.com/a,b"c', "https://shop.example.com/lI1|0O", "https://shop.example.com/аА๑๒", "+x"]


def written(*rows: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()


def test_locations_are_read_as_they_are_written() -> None:
    text = "\ufeff" + written(["location"], *([one] for one in LOCATIONS[:3]))
    found = [row.content for row in read_order(text, POLICE, COMMON)]
    assert [one.location for one in found if isinstance(one, Request)] == LOCATIONS[:3]


def test_list_without_a_header_is_a_list_of_locations() -> None:
    text = "https://shop.example.com/1\r\n\r\nhttps://shop.example.com/2"
    rows = read_order(text, POLICE, COMMON)
    assert [row.line for row in rows] == [1, 3]
    assert all(row.content for row in rows)


def test_refused_row_stops_no_other() -> None:
    text = written(["URL", "scam_type"], ["https://shop.example.com/1 ", ""], ["https://shop.example.com/2", "romance"])
    first, second = read_order(text, POLICE, COMMON)
    assert (first.content, first.reason, first.line) == (None, "bad-location", 2)
    assert isinstance(second.content, Request)
    assert second.content.scam_type == "romance"


def test_row_cannot_name_another_reporter() -> None:
    text = written(["location", "reporter"], ["https://shop.example.com/1", "Another"])
    [row] = read_order(text, POLICE, COMMON)
    assert row.content is not None
    assert row.content.reporter == "Cyber Police"


def test_request_about_money_is_refused() -> None:
    row = ["bank-account", "TH:KASITHBK:1234567890", "freeze", "4h", "scheme-rules", "10", "THB"]
    header = ["kind", "value", "asks", "deadline", "legal_basis", "amount", "currency"]
    [found] = read_order(written(["location", *header], ["", *row]), POLICE, {"reference": "C-1"})
    assert found.content is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\nc,d", "bad-columns"),
        ("location,location\nc,d", "bad-columns"),
        ('location\n"open', "bad-columns"),
        ("location\na,b", "bad-columns"),
        ("https://shop.example.com/1\n" * (MOST_ROWS + 1), "file-too-large"),
    ],
)
def test_unreadable_file_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_order(text, POLICE, COMMON)
    assert refused.value.reason == reason


def test_responses_are_read() -> None:
    id_ = "346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"
    header = "request,response,reason,territory,reference"
    rows = read_responses(f"{header}\n{id_},restricted,,TH;LA,T-1\n{id_},rejected,,,\n", POLICE)
    assert rows[0].content is not None
    assert rows[0].content.model_dump()["territory"] == ("LA", "TH")
    assert rows[1].reason == "no-reason"
