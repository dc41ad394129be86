"""An organisation counts once for all its partners."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from schemas.vocabulary import Action, OutcomeWord
from server.release.fuse.consensus import fuse
from tests.unit.server.release.statement_examples import NOON, opinion, partner, report, sighting

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]

FIRST = partner(1)
# An operator's spelling: the name of the first partner in any case.
SECOND_LOGIN = partner(2, organisation="PARTNER 1")
OF_A_GROUP = [partner(number, organisation="Group") for number in (3, 4, 5)]


@pytest.mark.parametrize("logins", [[FIRST, SECOND_LOGIN], OF_A_GROUP, [*OF_A_GROUP, OF_A_GROUP[0]]], ids=len)
def test_several_logins_are_one_reporter(logins: list[Partner]) -> None:
    reports = [
        report(number, "bank-account", by=by, key=f"indicator--{number}", confidence=65)
        for number, by in enumerate(logins)
    ]
    fused = fuse(reports, at=NOON)
    assert (fused.reporters, fused.confidence, fused.grade) == (1, 65, Action.HOLD)


def test_other_organisation_corroborates() -> None:
    fused = fuse([report(1, by=FIRST, confidence=65), report(3, by=OF_A_GROUP[0], confidence=65)], at=NOON)
    assert (fused.reporters, fused.confidence) == (2, 90)


def test_login_with_authority_outweighs_a_newer_one_without() -> None:
    police = partner(1, authority=("bank-account",))
    desk = partner(2, organisation="Partner 1")
    older = report(1, "bank-account", by=police, confidence=90, reported_at=NOON - timedelta(days=1))
    newer = report(2, "bank-account", by=desk, confidence=10)
    assert fuse([newer, older], at=NOON).grade is Action.BLOCK


def test_sightings_of_several_logins_count_once_and_not_for_own_reports() -> None:
    alone = fuse([report(9, confidence=50)], [replace(sighting(3, NOON), partner=OF_A_GROUP[0])], at=NOON)
    sightings = [replace(sighting(3, NOON), partner=by) for by in OF_A_GROUP]
    assert fuse([report(9, confidence=50)], sightings, at=NOON).confidence == alone.confidence == 60


def test_several_logins_judge_once_by_the_last_opinion() -> None:
    words = [opinion(number, OutcomeWord.NO_ACTION, by=by) for number, by in enumerate(OF_A_GROUP)]
    once = fuse([report(9, confidence=80)], opinions=words[:1], at=NOON)
    assert fuse([report(9, confidence=80)], opinions=words, at=NOON) == once
    later = opinion(4, OutcomeWord.BLOCKED, NOON + timedelta(hours=1), by=OF_A_GROUP[1])
    assert fuse([report(9, confidence=80)], opinions=[*words, later], at=NOON) == fuse(
        [report(9, confidence=80)], at=NOON
    )


def test_second_login_cannot_lift_an_opinion_of_the_first(
    joins: Joins, reports: Reports, held_by: Callable[[str], dict[str, dict[str, Any]]], listed: Callable[..., str]
) -> None:
    first = joins("First Bank")
    second = joins("First Bank App", organisation="First Bank")
    indicator = reports(first, confidence="65")
    before = held_by("takedown")[listed(indicator)]
    reports(second, confidence="65")
    assert held_by("takedown")[listed(indicator)] == before
    assert (before["confidence"], extension.context_of(before)["reporters"]) == (65, 1)
