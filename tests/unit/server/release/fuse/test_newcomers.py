"""Partners without a record cause warnings and no block, in any number."""

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
from server.store import Store, partners as stored, reputation
from server.store.database.times import micros
from server.store.reputation import JudgedReport
from server.store.tables import partners

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Grade = Callable[..., str]

SURE = {"confidence": "90"}
ACCOUNT = "GB33BUKB20201555555555"
ONE_REPORT_BLOCKS = [
    ("domain", "bad.example.com"),
    ("url", "https://bad.example.com/pay"),
    ("ip", "192.0.2.7"),
    ("email", "desk@bad.example.com"),
    ("wallet", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("app", "android:com.example.bad"),
    ("company", "GB:12345678"),
]
TWO_REPORTS_BLOCK = [
    ("bank-account", ACCOUNT, "step-up"),
    ("payment-alias", "promptpay:0812345678", "step-up"),
    ("phone", "+66812345678", "warn"),
    ("social-account", "facebook:example.bad", "warn"),
]
ROOMS = {"wallet": "wallets", "bank-account": "mule-accounts", "payment-alias": "mule-accounts"}


@pytest.fixture(autouse=True)
def _as_by_default(policies: list[Policy]) -> None:
    policies.append(Policy())


@pytest.fixture
def grade(held_by: Callable[[str], dict[str, dict[str, Any]]], listed: Callable[..., str]) -> Grade:
    """Return the grade of the hub's listing for an indicator's value."""

    def read(indicator: dict[str, Any], room: str = "takedown") -> str:
        return str(extension.context_of(held_by(room)[listed(indicator)])["grade"])

    return read


@pytest.fixture
def ages(store: Store) -> Callable[..., None]:
    """Backdate a partner's registration by some days."""

    def age(one: Partner, days: float) -> None:
        since = micros(timestamp.now() - timedelta(days=days))
        with store.begin() as tx:
            tx.execute(update(partners).where(partners.c.name == one.name).values(created=since))
            stored.touch(tx, one.name)

    return age


@pytest.fixture
def judged(store: Store) -> Callable[..., None]:
    """Let reports of a partner be judged right by others, or wrong."""

    def judge(one: Partner, right: dict[str, int], wrong: int = 0) -> None:
        said = [JudgedReport(one.name, "url", 0.9, True, by) for by, count in right.items() for _ in range(count)]
        said += [JudgedReport(one.name, "url", 0.9, False)] * wrong
        with store.begin() as tx:
            reputation.add(tx, said)

    return judge


@pytest.fixture
def judges(joins: Joins) -> list[str]:
    """Register three vouched organisations, and return the names under which they judge."""
    return [joins(f"Judge {number}", vouched=True).counts_as for number in range(3)]


@pytest.mark.parametrize(("kind", "value"), ONE_REPORT_BLOCKS)
def test_newcomer_only_warns_of_a_value_blockable_by_one_report(
    kind: str, value: str, reports: Reports, bank: Partner, joins: Joins, grade: Grade
) -> None:
    room = ROOMS.get(kind, "takedown")
    assert grade(reports(bank, value, kind, **SURE), room) == "warn"
    assert grade(reports(joins("Known Bank", vouched=True), value, kind, **SURE), room) == "block"


@pytest.mark.parametrize(("kind", "value", "most"), [(*one, "warn") for one in ONE_REPORT_BLOCKS] + TWO_REPORTS_BLOCK)
def test_any_number_of_newcomers_blocks_nothing(
    kind: str, value: str, most: str, reports: Reports, joins: Joins, grade: Grade
) -> None:
    for number in range(3):
        indicator = reports(joins(f"New Bank {number}"), value, kind, confidence="95")
        assert grade(indicator, ROOMS.get(kind, "takedown")) == most


def test_a_newcomer_does_not_complete_the_two_reports_that_block_an_account(
    reports: Reports, bank: Partner, joins: Joins, grade: Grade
) -> None:
    known, other = joins("Known Bank", vouched=True), joins("Other Known Bank", vouched=True)
    assert grade(reports(known, ACCOUNT, "bank-account", **SURE), "mule-accounts") == "hold"
    assert grade(reports(bank, ACCOUNT, "bank-account", **SURE), "mule-accounts") == "hold"
    assert grade(reports(other, ACCOUNT, "bank-account", **SURE), "mule-accounts") == "block"


def test_newcomer_does_not_raise_a_weak_report_above_a_warning(
    reports: Reports, bank: Partner, joins: Joins, grade: Grade
) -> None:
    reports(joins("Known Bank", vouched=True), confidence="35")
    assert grade(reports(bank, confidence="99")) == "warn"


def test_a_newcomer_does_not_lower_the_grade_of_others(
    reports: Reports, bank: Partner, joins: Joins, grade: Grade
) -> None:
    assert grade(reports(joins("Known Bank", vouched=True), **SURE)) == "block"
    assert grade(reports(bank, **SURE, action="monitor")) == "block"


def test_age_alone_is_no_record(reports: Reports, bank: Partner, grade: Grade, ages: Callable[..., None]) -> None:
    ages(bank, 4_000)
    assert grade(reports(bank, **SURE)) == "warn"


@pytest.mark.parametrize(("days", "graded"), [(0, "warn"), (29.9, "warn"), (30.1, "block")])
def test_a_month_and_one_confirmed_report_are_a_record(
    days: float,
    graded: str,
    reports: Reports,
    bank: Partner,
    grade: Grade,
    ages: Callable[..., None],
    judged: Callable[..., None],
    judges: list[str],
) -> None:
    ages(bank, days)
    judged(bank, {judges[0]: 1})
    assert grade(reports(bank, **SURE)) == graded


@pytest.mark.parametrize(
    ("right", "wrong", "graded"),
    [
        ((5, 4), 0, "warn"),
        ((5, 5), 0, "block"),
        ((5, 5), 1, "warn"),
        ((40,), 0, "warn"),
        ((40, 1), 0, "block"),
    ],
)
def test_confirmations_by_two_with_a_record_make_a_record_sooner(
    right: tuple[int, ...],
    wrong: int,
    graded: str,
    reports: Reports,
    bank: Partner,
    grade: Grade,
    judged: Callable[..., None],
    judges: list[str],
) -> None:
    judged(bank, dict(zip(judges, right, strict=False)), wrong)
    assert grade(reports(bank, **SURE)) == graded


def test_newcomers_make_no_record_for_each_other(
    reports: Reports, joins: Joins, grade: Grade, ages: Callable[..., None], judged: Callable[..., None]
) -> None:
    puppets = [joins(f"New Bank {number}") for number in range(4)]
    for one in puppets:
        ages(one, 400)
        judged(one, {other.counts_as: 50 for other in puppets if other is not one})
    assert grade(reports(puppets[0], **SURE)) == "warn"
    assert grade(reports(puppets[1], **SURE)) == "warn"


def test_confirmations_by_newcomers_do_not_add_to_those_by_others(
    reports: Reports, bank: Partner, joins: Joins, grade: Grade, judged: Callable[..., None], judges: list[str]
) -> None:
    judged(bank, {joins("New Bank").counts_as: 50, judges[0]: 1, judges[1]: 1})
    assert grade(reports(bank, **SURE)) == "warn"


def test_a_record_can_follow_from_judges_that_earned_theirs(
    reports: Reports, bank: Partner, joins: Joins, grade: Grade, judged: Callable[..., None], judges: list[str]
) -> None:
    earned = joins("Earned Bank")
    judged(earned, {judges[0]: 5, judges[1]: 5})
    judged(bank, {earned.counts_as: 9, judges[2]: 1})
    assert grade(reports(bank, **SURE)) == "block"


def test_a_second_login_of_a_newcomer_is_a_newcomer(reports: Reports, joins: Joins, grade: Grade) -> None:
    first, second = (joins(name, organisation="New Bank") for name in ("New Bank One", "New Bank Two"))
    reports(first, **SURE)
    assert grade(reports(second, **SURE)) == "warn"


def test_a_new_login_of_a_known_organisation_is_no_newcomer(reports: Reports, joins: Joins, grade: Grade) -> None:
    joins("Old Bank One", organisation="Old Bank", vouched=True)
    assert grade(reports(joins("Old Bank Two", organisation="Old Bank"), **SURE)) == "block"


def test_authority_and_trust_are_records(reports: Reports, joins: Joins, grade: Grade) -> None:
    assert grade(reports(joins("Police", "government", authority=("domain",)), **SURE)) == "block"
    assert grade(reports(joins("Known", trusted=True), "worse.example.com", **SURE)) == "block"


def test_newcomers_are_not_distinguished_with_no_days(
    reports: Reports, bank: Partner, grade: Grade, policies: list[Policy]
) -> None:
    policies.append(Policy(newcomers=NewcomerRule(days=0)))
    assert grade(reports(bank, **SURE)) == "block"


def test_without_outcomes_days_alone_count(
    reports: Reports,
    bank: Partner,
    grade: Grade,
    policies: list[Policy],
    ages: Callable[..., None],
    judged: Callable[..., None],
    judges: list[str],
) -> None:
    policies.append(Policy(newcomers=NewcomerRule(outcomes=0)))
    judged(bank, {judges[0]: 40, judges[1]: 40})
    assert grade(reports(bank, **SURE)) == "warn"
    ages(bank, 31)
    assert grade(reports(bank, "worse.example.com", **SURE)) == "block"
