"""The keeping bank: it hears of every report of its accounts, and its answer counts everywhere."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from mappers.pattern import read  # noqa: F401
from schemas.partner import Partner

ACCOUNT = {"value": "4567890123", "kind": "bank-account", "bank": "KBANK", "country": "TH"}
SUBJECT = "bank-account:TH:KASITHBK:4567890123"

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Room = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def keeper(joins: Joins) -> Partner:
    return joins("Keeping Bank", institutions=("KASITHBK",))


@pytest.fixture
def reader(joins: Joins) -> Partner:
    return joins("Reader", reads=["mule-accounts"])


def _live(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [obj for obj in objects.values() if obj["type"] == "indicator" and not obj.get("revoked")]


@pytest.fixture
def kept(own_room: Room, keeper: Partner) -> Callable[[], list[dict[str, Any]]]:
    """Return the live listings in the keeper's collection."""
    return lambda: _live(own_room(keeper, "accounts"))


@pytest.fixture
def grade(held_by: Callable[[str], dict[str, dict[str, Any]]]) -> Callable[[], tuple[str, bool] | None]:
    """Return the grade of the one listing of mule-accounts, and whether it is disputed."""

    def find() -> tuple[str, bool] | None:
        listed = _live(held_by("mule-accounts"))
        if not listed:
            return None
        [context] = map(extension.context_of, listed)
        return context["grade"], context.get("disputed", False)

    return find


@pytest.fixture
def answers(records_of: Callable[..., dict[str, Any]], keeper: Partner) -> Callable[..., dict[str, Any]]:
    """Let the keeper answer about a listing."""

    def answer(listing: dict[str, Any], code: str, at: str = "2026-11-01T08:00:00.000Z", by: Partner = keeper) -> Any:
        return records_of(by, "qualification", of=listing["id"], code=code, reported_at=at)

    return answer


@pytest.mark.parametrize(
    "limits",
    [{"tlp": "green"}, {"tlp": "amber+strict"}, {"tlp": "red"}, {"tlp": "amber", "only_countries": "SG"}],
    ids=str,
)
def test_the_keeper_reads_every_report_of_its_accounts(
    bank: Partner, reports: Reports, kept: Callable[[], list[dict[str, Any]]], limits: dict[str, str]
) -> None:
    reports(bank, **ACCOUNT, **limits, description="told by the desk", reference="FB-1", scam_type="investment")
    [listing] = kept()
    context = extension.context_of(listing)
    assert context["reporters"] == 1
    assert context["reporter_kinds"] == ["bank"]
    assert context["scam_type"] == "investment"
    assert "told by the desk" not in str(listing)
    assert "FB-1" not in str(listing)


def test_a_cleared_account_is_neither_blocked_nor_held_anywhere(
    bank: Partner,
    other: Partner,
    reports: Reports,
    kept: Callable[[], list[dict[str, Any]]],
    grade: Callable[[], tuple[str, bool] | None],
    answers: Callable[..., dict[str, Any]],
    heard_back: Callable[[Partner], list[dict[str, Any]]],
) -> None:
    first = reports(bank, **ACCOUNT, confidence="90")
    reports(other, **ACCOUNT, confidence="90")
    assert grade() == ("block", False)
    answers(kept()[0], "genuine")
    assert grade() == ("investigate", True)
    assert extension.context_of(kept()[0])["grade"] == "investigate"
    assert {"event": "qualified", "by_kind": "bank", "refs": [first["id"]]} in heard_back(bank)
