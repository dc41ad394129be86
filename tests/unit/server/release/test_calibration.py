"""Partners count by how right they have been, each report once."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from schemas.vocabulary import OpinionWord, Outcome
from server.release.calibration import came_out, reliability, stated, verdicts
from server.release.confidence import NEWCOMER
from server.store.calibration import Calibration, Verdict
from tests.unit.server.release.saying import NOON, judged, partner, said


def after(*reports: tuple[float, bool]) -> Calibration:
    """Give what is known after reports of a stated confidence that proved right or wrong."""
    right = sum(right for _, right in reports)
    brier = sum((stated - right) ** 2 for stated, right in reports)
    return Calibration(right, len(reports) - right, brier, len(reports))


def test_of_whom_nothing_is_known_is_a_newcomer() -> None:
    assert reliability(Calibration()) == NEWCOMER


@pytest.mark.parametrize(
    ("stated", "right", "wrong", "expected"),
    [
        (0.9, 20, 0, 0.93),
        (0.9, 90, 10, 0.81),
        (0.9, 50, 50, 0.15),
        (0.9, 0, 3, 0.43),
        (0.5, 10, 0, 0.78),
        (0.5, 0, 10, 0.28),
        (0.99, 0, 50, 0.0),
    ],
)
def test_it_follows_from_what_came_out(stated: float, right: int, wrong: int, expected: float) -> None:
    assert reliability(after(*[(stated, True)] * right, *[(stated, False)] * wrong)) == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40), st.floats(0, 1))
def test_being_wrong_never_pays(reports: list[tuple[float, bool]], stated: float) -> None:
    before = reliability(after(*reports))
    assert 0 <= reliability(after(*reports, (stated, False))) <= before <= 1
    assert reliability(after(*reports, (stated, True))) >= reliability(after(*reports, (stated, False)))


def test_it_was_right_where_another_acted_on_it() -> None:
    reporter = partner(1).identity
    assert came_out(reporter, [judged(2, Outcome.BLOCKED)]) is True
    assert came_out(reporter, [judged(1, Outcome.BLOCKED)]) is None
    assert came_out(reporter, [judged(2, Outcome.ALREADY_KNOWN), judged(3, OpinionWord.AGREE)]) is None


def test_it_was_wrong_where_a_trusted_partner_says_so() -> None:
    reporter, trusted = partner(1).identity, partner(9, trusted=True)
    wrong = judged(9, Outcome.FALSE_POSITIVE, by=trusted)
    assert came_out(reporter, [wrong, judged(2, Outcome.BLOCKED)]) is False
    assert came_out(reporter, [judged(3, Outcome.FALSE_POSITIVE)]) is None


def test_each_reporter_gets_its_verdict_once() -> None:
    reports = [said(1, confidence=90), said(2)]
    first, second = judged(3, Outcome.BLOCKED), judged(4, Outcome.TAKEN_DOWN, NOON + timedelta(days=1))
    found = verdicts(reports, [], [first])
    assert found == [Verdict("Partner 1", "domain", 0.9, True), Verdict("Partner 2", "domain", 0.5, True)]
    assert verdicts(reports, [first], [first, second]) == []


def test_who_was_held_for_right_and_was_not_is_wrong_too() -> None:
    acted = judged(3, Outcome.BLOCKED)
    wrong = judged(9, Outcome.FALSE_POSITIVE, by=partner(9, trusted=True))
    assert verdicts([said(1)], [acted], [acted, wrong]) == [Verdict("Partner 1", "domain", 0.5, False)]


def test_who_has_authority_and_states_nothing_is_taken_to_be_surer() -> None:
    assert (stated(said(1)), stated(said(1, by=partner(1, authority=("domain",))))) == (0.5, 0.8)
