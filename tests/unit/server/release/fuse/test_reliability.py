"""Partners are weighted by the accuracy of their reports, each counted once."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from schemas.vocabulary import OpinionWord, OutcomeWord
from server.release.fuse.confidence import NEWCOMER
from server.release.fuse.reliability import confirmed_by, record, reliability, stated, verdicts
from server.store.reputation import Calibration, JudgedReport
from tests.unit.server.release.statement_examples import NOON, opinion, partner, report


def after(*reports: tuple[float, bool]) -> Calibration:
    """Return the record after right or wrong reports with a stated confidence."""
    known = Calibration()
    for confidence, right in reports:
        known = known.with_(JudgedReport("Partner 1", "domain", confidence, right))
    return known


def test_unknown_partner_is_a_newcomer() -> None:
    assert reliability(Calibration()) == NEWCOMER


@pytest.mark.parametrize(
    ("stated", "right", "wrong", "expected"),
    [
        (0.9, 20, 0, 0.93),
        (0.9, 90, 10, 0.81),
        (0.9, 50, 50, 0.12),
        (0.9, 0, 3, 0.44),
        (0.5, 10, 0, 0.87),
        (0.5, 0, 10, 0.37),
        (0.15, 100, 0, 0.92),
        (0.15, 0, 10, 0.68),
        (0.99, 0, 50, 0.0),
    ],
)
def test_reliability_follows_from_results(stated: float, right: int, wrong: int, expected: float) -> None:
    assert reliability(after(*[(stated, True)] * right, *[(stated, False)] * wrong)) == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40), st.floats(0, 1))
def test_right_reports_never_lower_and_wrong_ones_never_raise_reliability(
    reports: list[tuple[float, bool]], stated: float
) -> None:
    before = reliability(after(*reports))
    assert 0 <= reliability(after(*reports, (stated, False))) <= before <= 1
    assert before <= reliability(after(*reports, (stated, True))) <= 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_higher_stated_confidence_gains_and_costs_more(one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    assert reliability(after((lower, True))) <= reliability(after((higher, True)))
    assert reliability(after((lower, False))) >= reliability(after((higher, False)))


def test_action_by_another_organisation_confirms_a_report() -> None:
    reporter, other = partner(1), partner(2)
    assert confirmed_by(reporter, [opinion(2, OutcomeWord.BLOCKED)]) == other
    assert confirmed_by(reporter, [opinion(1, OutcomeWord.BLOCKED)]) is None
    second_login = partner(3, organisation=reporter.name)
    assert confirmed_by(reporter, [opinion(3, OutcomeWord.BLOCKED, by=second_login)]) is None
    assert confirmed_by(reporter, [opinion(2, OutcomeWord.ALREADY_KNOWN), opinion(3, OpinionWord.AGREE)]) is None


def test_one_partner_alone_cannot_lower_another_record() -> None:
    wrong = opinion(9, OutcomeWord.FALSE_POSITIVE, by=partner(9, trusted=True))
    assert verdicts([report(1)], [], [wrong]) == []
    assert verdicts([report(1)], [], [wrong, opinion(2, OutcomeWord.BLOCKED)]) == [
        JudgedReport("Partner 1", "domain", 0.5, True, "partner 2")
    ]


def test_each_reporter_gets_its_verdict_once() -> None:
    reports = [report(1, confidence=90), report(2)]
    first, second = opinion(3, OutcomeWord.BLOCKED), opinion(4, OutcomeWord.TAKEN_DOWN, NOON + timedelta(days=1))
    found = verdicts(reports, [], [first])
    assert found == [
        JudgedReport("Partner 1", "domain", 0.9, True, "partner 3"),
        JudgedReport("Partner 2", "domain", 0.5, True, "partner 3"),
    ]
    assert verdicts(reports, [first], [first, second]) == []


def test_a_judge_counts_by_its_own_record() -> None:
    acted = opinion(3, OutcomeWord.BLOCKED)
    (found,) = verdicts([report(1)], [], [acted], lambda judge: 0.2 if judge == acted.partner else NEWCOMER)
    assert found.weight == 0.25
    assert [record(reliable) for reliable in (0.0, 0.4, NEWCOMER, 1.0)] == [0.0, 0.5, 1.0, 1.0]


def test_authority_without_a_statement_is_judged_as_surer() -> None:
    assert (stated(report(1)), stated(report(1, by=partner(1, authority=("domain",))))) == (0.5, 0.8)
