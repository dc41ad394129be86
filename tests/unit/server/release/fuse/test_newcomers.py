"""A new partner's word alone warns of what it names, and blocks nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mappers import extension
from schemas import timestamp
from schemas.partner import Partner
from server.release.fuse.newcomers import NewcomerRule
from server.release.route.policy import Policy
from server.store import Store, reputation
from server.store.database.times import micros
from server.store.reputation import JudgedReport
from server.store.tables import partners

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Grade = Callable[..., str]

SURE = {"confidence": "90"}
ONE_WORD_BLOCKS = [
    ("domain", "bad.example.com"),
    ("url", "https://bad.example.com/pay"),
    ("ip", "192.0.2.7"),
    ("email", "desk@bad.example.com"),
    ("wallet", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("app", "android:com.example.bad"),
]


@pytest.fixture(autouse=True)
def _as_by_default(policies: list[Policy]) -> None:
    policies.append(Policy())


@pytest.fixture
def grade(held_by: Callable[[str], dict[str, dict[str, Any]]], listed: Callable[..., str]) -> Grade:
    """Return the grade under which the hub lists what an indicator reports."""

    def read(indicator: dict[str, Any], room: str = "takedown") -> str:
        return str(extension.context_of(held_by(room)[listed(indicator)])["grade"])

    return read


@pytest.fixture
def ages(store: Store) -> Callable[..., None]:
    """Let a partner have been here for some days."""

    def age(one: Partner, days: float) -> None:
        since = micros(timestamp.now() - timedelta(days=days))
        with store.begin() as tx:
            tx.execute(update(partners).where(partners.c.name == one.name).values(created=since))

    return age


@pytest.mark.parametrize(("kind", "value"), ONE_WORD_BLOCKS)
def test_what_one_word_may_block_a_newcomer_warns_of(
    kind: str, value: str, reports: Reports, bank: Partner, grade: Grade, ages: Callable[..., None]
) -> None:
    room = "wallets" if kind == "wallet" else "takedown"
    assert grade(reports(bank, value, kind, **SURE), room) == "warn"
    ages(bank, 31)
    assert grade(reports(bank, value, kind, confidence="95", reported_at="2026-10-02T08:00:00Z"), room) == "block"


@pytest.mark.parametrize(("days", "graded"), [(0, "warn"), (29.9, "warn"), (30.1, "block")])
def test_a_month_ends_it(
    days: float, graded: str, reports: Reports, bank: Partner, grade: Grade, ages: Callable[..., None]
) -> None:
    ages(bank, days)
    assert grade(reports(bank, **SURE)) == graded


def _came_out(store: Store, by: Partner, right: int, wrong: int, judges: int) -> None:
    said = [JudgedReport(by.name, "url", 0.9, True, f"judge {place % judges}") for place in range(right)]
    said += [JudgedReport(by.name, "url", 0.9, False)] * wrong
    with store.begin() as tx:
        reputation.add(tx, said)


@pytest.mark.parametrize(
    ("right", "wrong", "judges", "graded"),
    [
        (9, 0, 2, "warn"),
        (10, 0, 2, "block"),
        (10, 1, 2, "warn"),
        (40, 0, 1, "warn"),
    ],
)
def test_reports_that_proved_right_end_it_sooner_by_the_word_of_two(
    right: int, wrong: int, judges: int, graded: str, store: Store, reports: Reports, bank: Partner, grade: Grade
) -> None:
    _came_out(store, bank, right, wrong, judges)
    assert grade(reports(bank, **SURE)) == graded


def test_two_newcomers_of_different_organisations_are_enough(
    reports: Reports, bank: Partner, other: Partner, grade: Grade
) -> None:
    reports(bank, **SURE)
    assert grade(reports(other, **SURE)) == "block"


def test_a_second_login_of_a_newcomer_is_not(reports: Reports, joins: Joins, grade: Grade) -> None:
    first, second = (joins(name, organisation="New Bank") for name in ("New Bank One", "New Bank Two"))
    reports(first, **SURE)
    assert grade(reports(second, **SURE)) == "warn"


def test_a_new_login_of_who_has_long_been_here_is_no_newcomer(
    reports: Reports, joins: Joins, grade: Grade, ages: Callable[..., None]
) -> None:
    first, second = (joins(name, organisation="Old Bank") for name in ("Old Bank One", "Old Bank Two"))
    ages(first, 400)
    assert grade(reports(second, **SURE)) == "block"


def test_who_says_it_weakly_vouches_for_no_newcomer(
    reports: Reports, bank: Partner, other: Partner, grade: Grade, ages: Callable[..., None]
) -> None:
    ages(other, 400)
    reports(other, confidence="20")
    assert grade(reports(bank, **SURE)) == "warn"


def test_authority_is_not_new(reports: Reports, joins: Joins, grade: Grade) -> None:
    assert grade(reports(joins("Police", "government", authority=("domain",)), **SURE)) == "block"


def test_it_may_be_switched_off(reports: Reports, bank: Partner, grade: Grade, policies: list[Policy]) -> None:
    policies.append(Policy(newcomers=NewcomerRule(days=0)))
    assert grade(reports(bank, **SURE)) == "block"


def test_without_outcomes_days_alone_count(
    store: Store, reports: Reports, bank: Partner, grade: Grade, policies: list[Policy]
) -> None:
    policies.append(Policy(newcomers=NewcomerRule(outcomes=0)))
    _came_out(store, bank, 40, 0, 4)
    assert grade(reports(bank, **SURE)) == "warn"


def test_what_an_account_comes_to_is_as_of_anybody(
    reports: Reports, bank: Partner, held_by: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    """One word holds an account and blocks none, whoever says it."""
    reports(bank, "GB33BUKB20201555555555", "bank-account", **SURE)
    (listing,) = (obj for obj in held_by("mule-accounts").values() if obj["type"] == "indicator")
    assert extension.context_of(listing)["grade"] == "hold"
