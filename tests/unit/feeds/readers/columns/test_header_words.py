"""Names of columns by their words, in any order, with qualifiers and abbreviations."""

import time
from io import BytesIO

import pytest

from feeds import formats
from feeds.readers.columns.vocabulary import field_column, value_column, vocabulary
from feeds.readers.rows import Row


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Mobile No. of Suspect", "phone"),
        ("Suspect's Phone Numbers", "phone"),
        ("No. Telefon Suspek", "phone"),
        ("Số điện thoại của đối tượng", "phone"),
        ("หมายเลขโทรศัพท์ที่ใช้หลอกลวง", "phone"),
        ("嫌疑人电话号码", "phone"),
        ("Wallet Address of scammer", "wallet"),
        ("Chave Pix do golpista", "payment-alias"),
        ("PayNow No.", "payment-alias"),
        ("What is the scammer's PayNow number?", "payment-alias"),
        # Mistyped words: two letters in the other order, or one missing.
        ("Suspcet phone", "phone"),
        ("Domian", "domain"),
    ],
)
def test_value_columns_are_found_by_their_words(name: str, kind: str) -> None:
    column = value_column(name, vocabulary())
    assert column
    assert (column.kind, column.unsure) == (kind, False)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ACCT_NO", "account_number"),
        ("Beneficiary A/c No", "account_number"),
        ("Número de cuenta del sospechoso", "account_number"),
        ("Nomor Rekening Terduga Pelaku", "account_number"),
        ("BANK_CD", "bank"),
        ("Bank of Beneficiary", "bank"),
        ("ธนาคารของคนร้าย", "bank"),
        ("RPT_DT", "reported_at"),
        ("Acount Nmbr", "account_number"),
        ("Pngalan ng Bangko", "bank"),
    ],
)
def test_fields_are_found_by_their_words(name: str, field: str) -> None:
    column = field_column(name, vocabulary())
    assert column
    assert column[1] == field


@pytest.mark.parametrize(
    "name",
    [
        "Phone of Victim",
        "Complainant A/C No.",
        "Reported by (phone)",
        "Contact Officer Phone",
        "Station Phone",
        "Sender Account",
        "No. of accounts",
        "เบอร์โทรผู้แจ้ง",
        "报案人电话",
        "ACCT_NM",
    ],
)
def test_columns_of_others_and_counts_are_not_read(name: str) -> None:
    assert value_column(name, vocabulary()) is None
    assert field_column(name, vocabulary()) is None


@pytest.mark.parametrize("name", ["Vicitm phone", "Telefno da vítima", "Calle número", "Repoted by", "Landlord phone"])
def test_mistyped_names_of_other_people_stay_unread(name: str) -> None:
    assert value_column(name, vocabulary()) is None
    assert field_column(name, vocabulary()) is None


@pytest.mark.parametrize("sign", ["(", " ", "1 "])
def test_a_far_longer_text_is_no_name(sign: str) -> None:
    begun = time.process_time()
    assert value_column(sign * 60_000 + "phone", vocabulary()) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("digit", ["5", "X", "x"])
def test_check_digit_in_a_column_of_its_own_is_part_of_the_account(digit: str) -> None:
    table = f"Banco;Agência;Conta;Dígito\n341;2204;33018;{digit}\n".encode()
    [row] = formats.read(BytesIO(table))
    assert isinstance(row, Row)
    assert row.fields["account_number"] == f"33018-{digit}"
