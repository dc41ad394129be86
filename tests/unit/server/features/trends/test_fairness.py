"""Fairness figures: findings of providers, objections, and the discovery of wrong listings."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas import timestamp
from schemas.api.statements import UpholdReason
from schemas.partner import Partner
from server.features.objections import decide, records as objections
from server.features.objections.records import Objection
from server.features.trends import answers, publications, settle
from server.features.trends.counts import DAY
from server.features.trends.fold import fold_all
from server.features.trends.publish import DELAY, publish_due
from server.release.hub import Hub
from server.release.retract import retract
from server.store.database.times import now
from server.store.providers import kept_accounts
from server.store.providers.tables import kept_accounts as clocks
from tests.times import ago

Figure = Callable[..., dict[str, int]]
Reports = Callable[..., dict[str, Any]]
Answers = Callable[..., Any]
NUMBER = "4567890123"
HOUR = 3_600 * 1_000_000


@pytest.fixture
def provider(joins: Callable[..., Partner]) -> Partner:
    return joins("Keeping Bank", institutions=("KASITHBK",))


@pytest.fixture
def reported(bank: Partner, reports: Reports) -> Callable[..., None]:
    """Let a bank report an account of the provider."""

    def report(number: str = NUMBER, by: Partner = bank, **columns: str) -> None:
        reports(by, number, "bank-account", bank="KBANK", country="TH", **columns)

    return report


@pytest.fixture
def reports_finding(
    provider: Partner,
    records_of: Callable[..., dict[str, Any]],
    own_room: Callable[..., dict[str, dict[str, Any]]],
) -> Callable[..., None]:
    """Let the provider report a finding."""
    given = iter(range(10, 60))

    def answer(code: str, number: str = NUMBER) -> None:
        listed = [obj["id"] for obj in own_room(provider, "accounts").values() if number in obj.get("pattern", "")]
        at = ago(days=30, hours=-next(given))
        records_of(provider, "qualification", of=listed[0], code=code, reported_at=timestamp.text(at))

    return answer


@pytest.fixture
def objected(hub: Hub) -> Callable[..., str]:
    """File an objection, look up whether the value is listed, and return its id."""

    def file(subject: str, due: int = 24 * HOUR) -> str:
        with hub.store.begin() as tx:
            new = Objection(objections.new_id(), subject.partition(":")[0], "other", None, None, now(), now() + due)
            objections.add(tx, new, [subject])
        decide.route_new(hub)
        return new.id

    return file


def _clear(hub: Hub, id_: str) -> None:
    with hub.store.begin() as tx:
        decide.clear(hub, tx, id_, "Anong")


def test_first_finding_of_a_provider_counts_by_code_and_time(
    hub: Hub, provider: Partner, reported: Any, reports_finding: Any, figure: Figure
) -> None:
    reported()
    reported("9876543210")
    with hub.store.begin() as tx:
        tx.execute(clocks.update().where(clocks.c.since > 0).values(since=clocks.c.since - 5 * HOUR))
    reported("1112223334")
    reports_finding("fraud")
    reports_finding("unknown", "9876543210")
    reports_finding("fraud", "1112223334")
    reports_finding("closed", "1112223334")
    assert figure("keeper-answers", "answer") == {"fraud": 2, "unknown": 1}
    assert figure("keeper-answers", "timeliness") == {"late": 2, "in-time": 1}
    assert figure("answers-given") == {"": 3}
    assert figure("wrong") == {}


def test_finding_is_counted_once_by_any_process(
    hub: Hub, provider: Partner, reported: Any, reports_finding: Any
) -> None:
    reported()
    reports_finding("fraud")
    with hub.store.read() as tx:
        assert len(answers.waiting(tx, 10)) == 1
    fold_all(hub)
    with hub.store.read() as tx:
        assert answers.waiting(tx, 10) == []


def test_finding_on_a_limited_value_is_in_no_public_figure(
    provider: Partner, reported: Any, reports_finding: Any, figure: Figure
) -> None:
    reported(tlp="red")
    reports_finding("genuine")
    assert figure("answers-given", "answer") == {"genuine": 1}
    assert figure("keeper-answers") == figure("wrong") == {}


def test_listing_refuted_by_its_provider_is_counted_once(
    hub: Hub, provider: Partner, reported: Any, reports_finding: Any, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle.settle, "__defaults__", (0,))
    reported()
    reports_finding("unknown")
    assert figure("wrong") == {}
    reports_finding("genuine")
    reports_finding("misattributed")
    assert figure("wrong", "noticed_by") == figure("wrong-listed-for", "noticed_by") == {"keeper": 1}
    assert figure("keeper-answers", "answer") == {"unknown": 1}
    with hub.store.begin() as tx:
        retract(hub, tx, f"bank-account:TH:KASITHBK:{NUMBER}".partition(":")[2])
    assert figure("delisted") == {"": 1}
    assert figure("wrong", "noticed_by") == {"keeper": 1}


def test_an_objection_counts_by_its_answer_and_in_time(
    hub: Hub, bank: Partner, reports: Reports, objected: Any, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle.settle, "__defaults__", (0,))
    reports(bank, "wrong.example.com", tlp="clear")
    reports(bank, "bad.example.com", tlp="clear")
    _clear(hub, objected("domain:wrong.example.com"))
    late = objected("domain:bad.example.com", due=-HOUR)
    with hub.store.begin() as tx:
        decide.uphold(tx, late, "Anong", UpholdReason.COURT_ORDER)
    assert figure("objections", "answer") == figure("objections-decided", "answer") == {"cleared": 1, "stays": 1}
    assert figure("objections", "timeliness") == {"in-time": 1, "late": 1}
    assert figure("wrong", "noticed_by") == {"objection": 1}


def test_objection_to_a_limited_value_is_in_no_public_figure(
    hub: Hub, bank: Partner, reports: Reports, objected: Any, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle.settle, "__defaults__", (0,))
    reports(bank, "wrong.example.com", tlp="amber")
    _clear(hub, objected("domain:wrong.example.com"))
    assert figure("objections-decided", "answer") == {"cleared": 1}
    assert figure("objections") == {}
    assert figure("wrong", "noticed_by") == {"operator": 1}


def test_objections_are_published_with_enough_reporting_organisations(
    hub: Hub, joins: Callable[..., Partner], reports: Reports, objected: Any
) -> None:
    partners = [joins(f"Bank {number}") for number in range(3)]
    for number in range(6):
        reports(partners[number % 3], f"wrong{number}.example.com", tlp="clear")
    reports(partners[0], "alone.example.com", "domain", tlp="clear")
    for number in range(6):
        _clear(hub, objected(f"domain:wrong{number}.example.com"))
    fold_all(hub)
    day = now() // DAY
    publish_due(hub, (day + 1) * DAY + DELAY)
    with hub.store.read() as tx:
        found = publications.published(tx, "day", day, day, "objections", "answer")
        assert publications.published(tx, "day", day, day, "objections-decided") == []
    assert {(cell.word, cell.measure): cell.value for cell in found if cell.measure == "count"} == {
        ("cleared", "count"): 6
    }
    assert {cell.measure for cell in found} == {"count", "p50"}


def test_findings_of_few_providers_are_not_published(
    hub: Hub, provider: Partner, reported: Any, reports_finding: Any
) -> None:
    for number in range(6):
        reported(f"456789012{number}")
        reports_finding("fraud", f"456789012{number}")
    fold_all(hub)
    day = now() // DAY
    publish_due(hub, (day + 1) * DAY + DELAY)
    with hub.store.read() as tx:
        assert publications.published(tx, "day", day, day, "keeper-answers") == []
        assert len(kept_accounts.find(tx, every=True)) == 6
