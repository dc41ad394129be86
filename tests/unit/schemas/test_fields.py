"""A report can request a hold of an amount until a day, and ends on that day."""

from typing import Any

import pytest

from feeds.readers import report_objects
from mappers.indicator import to_stix
from mappers.report_reader import from_stix
from schemas import kinds, tabular
from schemas.errors import Rejected
from schemas.fields import HOLD_COLUMNS, PAID_COLUMNS, Hold
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.timestamp import text
from schemas.vocabulary import Action

ACCOUNT = {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"}
HELD = {"hold_amount": "1500.50", "hold_currency": "thb", "hold_reference": "case 7", "hold_until": "2026-11-27"}
READER = ReportReader({"reporter": "Example Bank", "reported_at": "2026-11-24T08:00:00Z"})


def report(**columns: str) -> Report:
    return READER.report({**ACCOUNT, **columns})


def test_hold_columns_are_columns_of_a_row() -> None:
    held = report(**HELD).hold
    assert held is not None
    assert (str(held.amount), held.currency, held.reference) == ("1500.50", "THB", "case 7")
    assert text(held.until) == "2026-11-27T00:00:00.000Z"
    again = {"amount": "1500.5", "currency": "THB", "reference": "case 7", "until": "2026-11-27T00:00:00.000Z"}
    assert HOLD_COLUMNS.read(HOLD_COLUMNS.write(held)) == again
    assert list(HOLD_COLUMNS.write(held)) == list(HOLD_COLUMNS.names)


def test_report_without_a_hold_has_none() -> None:
    assert report().hold is None
    assert report(**dict.fromkeys(HELD, " ")).hold is None


@pytest.mark.parametrize("ends", [{}, {"valid_until": "2027-01-01"}], ids=["without an end", "with a later end"])
def test_report_ends_with_its_hold(ends: dict[str, str]) -> None:
    made = report(**HELD, **ends)
    assert made.hold
    assert made.valid_until == made.hold.until


def test_an_earlier_end_of_the_report_stays() -> None:
    assert text(report(**HELD, valid_until="2026-11-25").valid_until) == "2026-11-25T00:00:00.000Z"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({**HELD, "action": "block"}, "hold-with-block"),
        ({**HELD, "kind": "domain", "value": "bad.example.com"}, "hold-misplaced"),
        ({**HELD, "kind": "social-account", "value": "facebook:example.page"}, "hold-misplaced"),
        ({"hold_amount": "5", "hold_until": "2026-11-27"}, "amount-without-currency"),
        ({"hold_currency": "THB", "hold_until": "2026-11-27"}, "amount-without-currency"),
        ({"hold_amount": "5", "hold_currency": "THB"}, "bad-hold"),
        ({**HELD, "hold_amount": "-5"}, "bad-hold"),
        ({**HELD, "hold_until": "some day"}, "bad-hold"),
        ({**HELD, "hold_until": "2026-11-20"}, "ends-before-it-starts"),
    ],
    ids=str,
)
def test_a_malformed_hold_is_refused(columns: dict[str, str], reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        report(**columns)
    assert refusal.value.reason == reason
    assert "1500" not in refusal.value.message


@pytest.mark.parametrize("held", [HELD, {"hold_until": "2026-11-27"}], ids=["an amount", "a time"])
def test_hold_survives_stix_and_files(held: dict[str, Any]) -> None:
    made = report(**held, action="hold")
    indicator = next(obj for obj in to_stix(made) if obj["type"] == "indicator")
    assert from_stix(indicator).hold == made.hold
    assert READER.report(tabular.report_columns(made)).hold == made.hold
    (as_json,) = report_objects.rows(1, made.model_dump(mode="json"))
    assert isinstance(as_json, report_objects.Row)
    assert READER.report(as_json.fields).hold == made.hold


def test_a_hold_is_plain_in_json() -> None:
    held = Hold(amount="1500.50", currency="THB", until="2026-11-27T00:00:00Z")
    assert held.model_dump(mode="json", exclude_none=True)["amount"] == "1500.5"


@pytest.mark.parametrize("kind", kinds.every().values(), ids=lambda kind: kind.name)
def test_every_kind_has_its_grades_from_the_strongest_down(kind: kinds.Kind) -> None:
    assert list(kind.grades) == [action for action in Action if action in kind.grades]
    assert kind.grades[0] is Action.BLOCK
    assert kind.grades[-1] is Action.INVESTIGATE
    assert kind.single_report_grade in kind.grades


@pytest.mark.parametrize(
    ("written", "currency", "amount", "read"),
    [
        ("15000", "", "15000", "THB"),
        ("1,534.50", "thb", "1500", "THB"),
        ("฿ 98,765", "", "99000", "THB"),
        ("๑๕๐๐ บาท", "", "1500", "THB"),
        ("12 000 USD", "usd", "12000", "USD"),
        ("0.0000001", "USDT", "0.0000001", "USDT"),
    ],
)
def test_amount_that_victims_paid_is_read_as_people_write_it(
    written: str, currency: str, amount: str, read: str
) -> None:
    made = report(country="TH", paid_amount=written, paid_currency=currency)
    assert made.paid is not None
    assert PAID_COLUMNS.write(made.paid) == {"paid_amount": amount, "paid_currency": read}
    indicator = next(obj for obj in to_stix(made) if obj["type"] == "indicator")
    assert from_stix(indicator).paid == made.paid


@pytest.mark.parametrize("nothing", ["", " ", "0", "0.00", "-"])
def test_row_in_which_nothing_was_paid_has_no_amount(nothing: str) -> None:
    assert report(country="TH", paid_amount=nothing, paid_currency="THB").paid is None


def test_amount_on_a_chain_stays_exact() -> None:
    wallet = {"kind": "wallet", "value": "0x52908400098527886E0F7030069857D2E4169EE7", "chain": "ethereum"}
    made = READER.report({**wallet, "paid_amount": "1234.567", "paid_currency": "USDT"})
    assert made.paid is not None
    assert str(made.paid.amount) == "1234.567"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"paid_amount": "a lot", "paid_currency": "THB"}, "bad-amount"),
        ({"paid_amount": "-5", "paid_currency": "THB"}, "bad-amount"),
        ({"paid_amount": "5", "paid_currency": "XYZ"}, "bad-paid-currency"),
        ({"paid_amount": "5"}, "amount-without-currency"),
    ],
)
def test_amount_that_cannot_be_read_is_refused(columns: dict[str, str], reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        READER.report({"kind": "domain", "value": "bad.example.com", **columns})
    assert refused.value.reason == reason


def test_json_report_has_the_amount_as_one_object() -> None:
    made = report(country="TH", paid_amount="15000")
    (as_json,) = report_objects.rows(1, made.model_dump(mode="json"))
    assert isinstance(as_json, report_objects.Row)
    assert (as_json.fields["paid_amount"], as_json.fields["paid_currency"]) == ("15000", "THB")
