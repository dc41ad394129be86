"""Objects within objects of JSON: each is read by the names around it."""

import json
import time
from io import BytesIO
from typing import Any

import pytest

from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, Reject, map_stream
from feeds.readers import nested

WALLET = "0x00000000000000000000000000000000000000aa"
SUSPECT = {"account": {"bank": {"code": "004"}, "no": "1234567890"}, "phones": ["0812345678", "0812345679"]}
ACCOUNT = ("bank-account", "TH:KASITHBK:1234567890")
PHONES = [("phone", "+66812345678"), ("phone", "+66812345679")]


def read(document: Any, name: str = "x.json") -> tuple[list[tuple[str, str]], list[str]]:
    """Return the keys of the reports of a document from Thailand, and the reasons of the others."""
    outcomes = list(
        map_stream(BytesIO(json.dumps(document).encode()), name, Options(reporter="tester", defaults={"country": "TH"}))
    )
    keys = [one.key for one in outcomes if isinstance(one, Mapped)]
    return sorted(keys), [one.reason for one in outcomes if isinstance(one, Reject)]


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        ({"victim": SUSPECT, "suspects": [SUSPECT]}, [ACCOUNT, *PHONES]),
        ({"beneficiary": {"bank": {"code": "004"}, "account": {"number": "1234567890"}}}, [ACCOUNT]),
        ({"bank": "KBANK", "accounts": [{"accountNo": "1234567890"}]}, [ACCOUNT]),
        ({"doi_tuong": {"sdt": "+84912345678"}, "nguoi_bao": {"sdt": "+84912345679"}}, [("phone", "+84912345678")]),
        ({"transfer": {"from": SUSPECT, "to": {"bank_code": "004", "account_no": "1234567890"}}}, [ACCOUNT]),
        ({"debtor": {"account": {"iban": "GB33BUKB20201555555555"}}, "url": "https://a.example.com/x"},
         [("url", "https://a.example.com/x")]),
        ({"coin": "ETH", "wallets": [{"address": WALLET}], "client": {"wallet": WALLET[:-1] + "b"}},
         [("wallet", WALLET)]),
        ({"receiver": {"bank_code": "004", "account_no": "1234567890", "phone": "0812345678"}}, [ACCOUNT]),
        ({"victim": {"handle": "@b"}, "offender": {"network": "line", "handle": "@a.example"}},
         [("social-account", "line:@a.example")]),
        ({"smishing": {"sender": "EZ-LOAN", "text": "x", "to": "0812345678"}}, [("phone", "TH:EZ-LOAN")]),
        ({"chat": {"sender": "Somchai", "text": "x"}, "url": "https://a.example.com/x"}, [("url", "https://a.example.com/x")]),
        ({"url": "https://a.example.com/x", "contact": {"phone": "0812345678", "email": "a@example.org"}},
         [("url", "https://a.example.com/x")]),
    ],
)  # fmt: skip
def test_values_in_objects_are_read_by_the_names_around_them(item: dict[str, Any], keys: list[tuple[str, str]]) -> None:
    assert read({"exported": "2026-01-01", "cases": [item], "contact": {"tel": "0812345670"}})[0] == sorted(keys)
    assert read(item, "x.jsonl")[0] == sorted(keys)


def test_lists_are_reports_by_their_objects_and_names() -> None:
    phones = [{"no": number, "reporter": {"hp": "0812345671"}} for number in ("1", "2")]
    document = {
        "data": [{"phone": "0812345678", "reporter": {"phone": "0812345671"}}],
        "accounts": [{"bank": "KBANK", "account": "1234567890"}],
        "victims": [{"phone": "0812345672"}],
        "whitelist": ["0812345673"],
        "office": phones,
    }
    keys, reasons = read(document)
    assert keys == sorted([PHONES[0], ACCOUNT])
    assert reasons == ["not-a-scammers", "not-a-scammers", "not-a-report", "not-a-report", "not-a-report"]


def test_an_object_without_values_is_refused_with_its_unread_keys() -> None:
    assert read([{"victim": {"phone": "0812345678"}, "suspect": {"name": "X"}}]) == ([], ["not-a-scammers"])
    assert read([{"case": {"date": "2026-01-01"}, "suspect": {"name": "X"}}]) == ([], ["no-value-column"])


def test_an_object_around_many_others_is_read_once() -> None:
    item = {f"k{place}": "x" for place in range(1_500)} | {"suspects": [{"phone": "+66812345678"}] * 1_500}
    assert len(nested.rows(1, item, (), (), str)) == 1_500
    begun = time.process_time()
    nested.rows(1, item, (), (), str)
    assert time.process_time() - begun < 0.5
