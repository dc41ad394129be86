"""A contributor's limits are read from columns, written back, and never lost."""

import pytest
from hypothesis import given

from schemas.errors import Rejected
from schemas.fields import SHARING_COLUMNS, Sharing
from schemas.report import Report
from schemas.tabular import ReportReader
from tests.unit.schemas.sharing_examples import LIMITS

BASE = {"reporter": "Example Bank", "reported_at": "2026-11-24T08:00:00.000Z", "kind": "domain"}


def read(**columns: str) -> Report:
    return ReportReader(BASE).report({"value": "bad.example.com", **columns})


@given(LIMITS)
def test_columns_can_express_every_limit(limits: Sharing) -> None:
    assert Sharing.model_validate(SHARING_COLUMNS.read(SHARING_COLUMNS.write(limits))) == limits


@given(LIMITS)
def test_row_passes_limits_to_the_report(limits: Sharing) -> None:
    assert read(**SHARING_COLUMNS.write(limits)).sharing == (limits if limits.limited else None)


def test_a_row_without_limits_has_none() -> None:
    assert read().sharing is None
    assert read(onward="yes").sharing is None


@pytest.mark.parametrize("text", ["KH,mm", "kh; MM", "KH;MM;"])
def test_lists_are_written_naturally(text: str) -> None:
    limits = read(not_to_countries=text).sharing
    assert limits is not None
    assert limits.not_to_countries == ("KH", "MM")


def test_a_semicolon_keeps_the_commas_of_names() -> None:
    limits = read(only_partners="Bank, Ltd; Second Bank").sharing
    assert limits is not None
    assert limits.only_partners == ("Bank, Ltd", "Second Bank")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("not_to_countries", "Cambodia"),
        ("only_countries", "T9"),
        ("only_partner_kinds", "banks"),
        ("purposes", "no use!"),
        ("onward", "perhaps"),
        ("only_partners", "x" * 101),
    ],
)
def test_unknown_limits_refuse_the_row(column: str, text: str) -> None:
    with pytest.raises(Rejected) as refusal:
        read(**{column: text})
    assert refusal.value.reason == "bad-sharing"
    assert column in refusal.value.message
    assert text not in refusal.value.message
