"""Odd column names, and the effect of other columns on a row."""

import pytest

from feeds.readers.columns.columns import Columns
from feeds.readers.rows import Row, Unreadable
from schemas import kinds, tabular
from schemas.tabular import ReportReader


def row(**cells: str) -> dict[str, str]:
    found = Columns(list(cells)).rows(1, list(cells.values()))[0]
    assert isinstance(found, Row), found
    return dict(found.fields)


def reason(**cells: str) -> str:
    found = Columns(list(cells)).rows(1, list(cells.values()))[0]
    assert isinstance(found, Unreadable), found
    return found.reason


@pytest.mark.parametrize("name", ["PhoneNumber", "phone_number", "Phone Number", "PHONE-NUMBER", "e164", "เบอร์โทรศัพท์"])
def test_names_are_compared_without_case_and_marks(name: str) -> None:
    assert row(**{name: "+66812345678"}) == {"value": "+66812345678", "kind": "phone"}


def test_unknown_columns_are_dropped() -> None:
    assert row(domain="a.example.com", victim_name="X", email_of_victim="x@example.com") == {
        "value": "a.example.com",
        "kind": "domain",
    }


def test_every_field_of_a_row_is_read_by_its_own_name() -> None:
    fields = {
        "kind": "bank-account",
        "value": "1234567890",
        "bank": "KBANK",
        "reported_at": "2026-01-01",
        "scam_type": "romance",
        "channel": "social-media",
        "payment_rail": "instant",
        "first_seen": "2025-12-01",
        "last_seen": "2025-12-31",
        "valid_until": "2026-06-01",
        "confidence": "85",
        "tlp": "green",
        "countries": "TH",
        "action": "hold",
        "holder_status": "coerced",
        "reference": "case 7",
        "description": "words",
        "lang": "en",
        "sha256": "a" * 64,
        "only_partners": "First Bank;",
        "not_to_partners": "Second Bank;",
        "only_partner_kinds": "bank",
        "only_countries": "TH",
        "not_to_countries": "KH",
        "purposes": "fraud-prevention",
        "onward": "no",
        "paid_amount": "15000",
        "paid_currency": "THB",
        "hold_amount": "1500.50",
        "hold_currency": "THB",
        "hold_reference": "case 7",
        "hold_until": "2026-01-04",
    }
    assert row(**fields) == fields
    of_kinds = {column for kind in kinds.every().values() for column in kind.columns}
    assert {*tabular.column_names()} - of_kinds <= fields.keys()
    assert ReportReader({"reporter": "P"}).report(row(**fields)).holder_status == "coerced"


def test_every_input_of_every_kind_is_accepted() -> None:
    for kind in kinds.every().values():
        for name in kind.columns:
            assert row(kind=kind.name, value="x", **{name: "TH"})[name] == "TH"


def test_inputs_of_other_kinds_are_left_out() -> None:
    assert row(domain="a.example.com", country="TH", bank="KBANK") == {"value": "a.example.com", "kind": "domain"}


def test_a_row_cannot_name_its_reporter() -> None:
    assert "reporter" not in row(value="a.example.com", reporter="Somebody Else")


@pytest.mark.parametrize("word", ["legitimate", "Benign", "false positive", "not malicious", "WHITELISTED"])
@pytest.mark.parametrize("column", ["classification", "verdict", "type", "scam_type", "category"])
def test_rows_with_an_innocent_verdict_are_refused(column: str, word: str) -> None:
    assert reason(**{"value": "a.example.com", column: word}) == "not-a-scam"


def test_an_exchange_is_no_scam_unless_an_abuse_is_named() -> None:
    assert reason(address="x", currency="BTC", category="exchange") == "not-a-scam"
    assert row(address="x", currency="BTC", category="exchange", abuse="scam")["kind"] == "wallet"


@pytest.mark.parametrize("votes", ["0", "-3"])
def test_value_without_votes_is_no_scam(votes: str) -> None:
    assert reason(phone="+66812345678", votes=votes) == "not-a-scam"
    assert row(phone="+66812345678", votes="22") == {"value": "+66812345678", "kind": "phone"}


def test_classifications_become_scam_types_or_nothing() -> None:
    assert row(value="a", classification="phishing")["scam_type"] == "credential-phishing"
    assert row(value="a", abuse="ponzi_scheme")["scam_type"] == "investment"
    assert row(value="a", type="phishing")["scam_type"] == "credential-phishing"
    assert row(value="a", classification="malicious") == {"value": "a"}
    assert row(value="a", classification="other") == {"value": "a"}
    assert row(value="a", scam_type="Brand New") == {"value": "a", "scam_type": "brand-new"}


def test_known_types_become_kinds() -> None:
    assert row(indicator="a", type="hostname")["kind"] == "domain"
    assert row(indicator="a", type="sha256")["kind"] == "file"
    assert row(e164="+66812345678", type="toll_free", region="TH") == {
        "value": "+66812345678",
        "kind": "phone",
        "country": "TH",
    }
    assert row(value="a", kind="no-such-kind")["kind"] == "no-such-kind"


def test_confidence_and_markings_are_read_in_their_spellings() -> None:
    assert row(value="a", confidence="High")["confidence"] == "85"
    assert row(value="a", confidence="70%")["confidence"] == "70"
    assert row(value="a", confidence="who knows") == {"value": "a"}
    assert row(value="a", classification="suspicious")["confidence"] == "50"
    assert row(value="a", tlp="TLP:WHITE")["tlp"] == "clear"
    assert row(value="a", tlp="TLP:AMBER+STRICT")["tlp"] == "amber+strict"


def test_unknown_marking_is_never_ignored() -> None:
    assert row(value="a", tlp="TLP:EX:CHR")["tlp"] == "ex:chr"


def test_surer_and_filled_value_column_is_chosen() -> None:
    assert row(url="https://a.example.com/", value="a.example.com")["value"] == "a.example.com"
    assert row(url="https://a.example.com/", value="")["value"] == "https://a.example.com/"


def test_an_account_is_known_by_its_columns_without_a_value() -> None:
    assert row(account_number="123-4-56789-0", bank="KBANK") == {
        "kind": "bank-account",
        "account_number": "123-4-56789-0",
        "bank": "KBANK",
    }
    assert reason(account_number="", bank="KBANK") == "no-value"
    assert reason(bank="KBANK", bic="KASITHBK") == "no-value-column"


def test_context_fills_missing_columns() -> None:
    columns = Columns(["address", "currency", "description"], {"currency": "BTC", "description": "of all"})
    first, second = columns.rows(1, ["x", "", ""])[0], columns.rows(2, ["y", "ETH", "own"])[0]
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert first.fields == {"value": "x", "kind": "wallet", "currency": "BTC", "description": "of all"}
    assert second.fields == {"value": "y", "kind": "wallet", "currency": "ETH", "description": "own"}


def test_ispb_that_lost_its_zeros_is_not_another_banks_code() -> None:
    assert reason(**{"ISPB": "208", "agência": "0001", "conta": "12345-6"}) == "digits-lost"
    assert row(**{"ISPB": "00000208", "agência": "0001", "conta": "12345-6"})["bank"] == "00000208"
    assert row(**{"ISPB": "360305", "agência": "0001", "conta": "12345-6"})["bank"] == "360305"
    assert row(**{"banco": "208", "agência": "0001", "conta": "12345-6"})["bank"] == "208"
    assert row(ISPB="208", telefone="+5511987654321")["kind"] == "phone"


def test_short_rows_lack_their_last_cells() -> None:
    found = Columns(["value", "tlp"]).rows(3, ["a.example.com"])[0]
    assert found == Row(3, {"value": "a.example.com"})


def test_votes_of_any_length_are_read() -> None:
    assert row(phone="+66812345678", votes="9" * 5000) == {"value": "+66812345678", "kind": "phone"}
    assert reason(phone="+66812345678", votes="-" + "9" * 5000) == "not-a-scam"
    assert reason(phone="+66812345678", votes="0") == "not-a-scam"
