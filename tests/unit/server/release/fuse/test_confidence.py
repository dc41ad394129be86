"""The hub's confidence follows the figures promised by docs/consensus.md."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, strategies as st

from schemas.vocabulary import OpinionWord, OutcomeWord
from server.release.fuse.confidence import NEWCOMER, Doubt, combined, doubt, left_by, weight

weights = st.lists(st.floats(0, 0.99), min_size=1, max_size=8)
against = st.lists(st.floats(0.5, 1), max_size=4)


@pytest.mark.parametrize("stated", range(101))
def test_single_newcomer_has_its_stated_confidence(stated: int) -> None:
    assert abs(combined([weight(stated, NEWCOMER)]) - stated) <= 2.5


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [([50, 50], 75), ([50, 50, 50], 90), ([80, 80], 95), ([30, 30], 50), ([70, 50], 85), ([99, 99], 99)],
    ids=str,
)
def test_several_reporters_raise_confidence(stated: list[int], confidence: int) -> None:
    assert combined([weight(each, NEWCOMER) for each in stated]) == confidence


def test_half_steps_are_rounded_up_on_every_machine() -> None:
    for one in range(0, 100, 5):
        for other in range(100):
            exact = 100 - Fraction((100 - one) * (100 - other), 100)
            wanted = min(5 * floor(exact / 5 + Fraction(1, 2)), 99)
            assert combined([weight(one, NEWCOMER), weight(other, NEWCOMER)]) == wanted


@pytest.mark.parametrize(("watching", "confidence"), [(0, 50), (1, 60), (2, 65), (50, 65)])
def test_sightings_raise_it_each_less_than_the_one_before(watching: int, confidence: int) -> None:
    assert combined([0.5], watching) == confidence


@pytest.mark.parametrize(
    ("words", "confidence"), [([], 80), (["doubted"], 70), (["doubted"] * 2, 65), (["disputed"], 40)], ids=str
)
def test_judgements_against_it_lower_it(words: list[str], confidence: int) -> None:
    assert combined([0.8], left=[left_by(Doubt(word), NEWCOMER) for word in words]) == confidence


@pytest.mark.parametrize(("record", "left"), [(0.0, 1.0), (0.4, 0.75), (0.8, 0.5), (1.0, 0.5)])
def test_dispute_weighs_by_the_record_of_its_author(record: float, left: float) -> None:
    assert left_by(Doubt.DISPUTED, record) == left


@pytest.mark.parametrize(("reliability", "counts"), [(0.0, 0.0), (0.4, 0.4), (0.8, 0.8), (1.0, 0.99)])
def test_less_reliable_reporter_counts_less(reliability: float, counts: float) -> None:
    assert weight(80, reliability) == pytest.approx(counts)


def test_authority_without_a_statement_has_higher_confidence() -> None:
    assert (weight(None, NEWCOMER), weight(None, NEWCOMER, authority=True)) == (0.5, 0.8)
    assert weight(30, NEWCOMER, authority=True) == pytest.approx(0.3)


@given(weights, st.integers(0, 20), against)
def test_the_order_makes_no_difference(reports: list[float], watching: int, words: list[float]) -> None:
    assert combined(reports[::-1], watching, words[::-1]) == combined(reports, watching, words)


@given(weights, st.integers(0, 20), against)
def test_confidence_is_stepped_and_never_certain(reports: list[float], watching: int, words: list[float]) -> None:
    sure = combined(reports, watching, words)
    assert sure % 5 == 0 or sure == 99
    assert 0 <= sure <= 99


@given(weights, st.floats(0, 0.99), st.integers(0, 20), against)
def test_more_of_the_same_opinion_never_lowers_it(
    reports: list[float], more: float, watching: int, words: list[float]
) -> None:
    sure = combined(reports, watching, words)
    assert combined([*reports, more], watching, words) >= sure
    assert combined(reports, watching + 1, words) >= sure
    assert combined(reports, watching, [*words, 0.9]) <= sure


@pytest.mark.parametrize(
    ("outcome", "opinion", "reason", "said"),
    [
        (OutcomeWord.FALSE_POSITIVE, None, None, Doubt.DISPUTED),
        (OutcomeWord.NO_ACTION, OpinionWord.NEUTRAL, None, Doubt.DOUBTED),
        (OutcomeWord.NO_ACTION, None, "insufficient-evidence", Doubt.DOUBTED),
        (OutcomeWord.NO_ACTION, None, "not-ours", None),
        (OutcomeWord.NO_ACTION, None, "already-gone", None),
        (OutcomeWord.BLOCKED, OpinionWord.STRONGLY_DISAGREE, None, None),
        (OutcomeWord.ALREADY_KNOWN, None, None, None),
        (None, OpinionWord.STRONGLY_DISAGREE, None, Doubt.DISPUTED),
        (None, OpinionWord.DISAGREE, None, Doubt.DOUBTED),
        (None, OpinionWord.NEUTRAL, None, None),
        (None, OpinionWord.STRONGLY_AGREE, None, None),
    ],
    ids=str,
)
def test_weight_of_a_judgement_against_the_value(
    outcome: OutcomeWord | None, opinion: OpinionWord | None, reason: str | None, said: Doubt | None
) -> None:
    assert doubt(outcome, opinion, reason) is said
