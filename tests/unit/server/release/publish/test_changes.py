"""A new version is published if readers would act differently, or if the end has moved far enough."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from mappers import consensus, ids
from mappers.indicator import Profile, to_stix
from schemas import timestamp
from schemas.fields import Hold
from schemas.report import Referral
from schemas.vocabulary import Action, OutcomeWord, Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import OpinionStatement, SightingStatement, Statement
from server.release.publish.changes import changes_what_a_reader_does
from server.release.publish.collections import revoked
from tests.unit.server.release.statement_examples import NOON, opinion, report, sighting

DAY = timedelta(days=1)
HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"


def published(
    reports: Sequence[Statement],
    sightings: Sequence[SightingStatement] = (),
    opinions: Sequence[OpinionStatement] = (),
    *,
    days: int = 0,
    tlp: Tlp = Tlp.AMBER,
    referral: Referral | None = None,
) -> dict[str, Any]:
    at = NOON + days * DAY
    fused = fuse(reports, sightings, opinions, at=at)
    id_ = ids.indicator(HUB, consensus.pattern_of(reports[0].report))
    created, modified = timestamp.text(NOON), timestamp.text(at)
    return consensus.to_stix(fused, id_, HUB, created=created, modified=modified, tlp=tlp, referral=referral)


BEFORE = published([report(1, confidence=80)])
ACCOUNT = published([report(1, "bank-account", confidence=80)])


def test_repeat_makes_no_version() -> None:
    assert not changes_what_a_reader_does(BEFORE, published([report(1, confidence=81)], days=1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE, published([report(1, confidence=85)])),
        (BEFORE, published([report(1, confidence=80, action=Action.WARN)])),
        (BEFORE, published([report(1, confidence=80, scam_type="romance")])),
        (BEFORE, published([report(1, confidence=80, countries=("TH",))])),
        (BEFORE, published([report(1, confidence=80)], tlp=Tlp.GREEN)),
        (BEFORE, published([report(1, confidence=80), report(2, confidence=0)])),
        (BEFORE, published([report(1, confidence=80)], opinions=[opinion(7, OutcomeWord.FALSE_POSITIVE)])),
        (BEFORE, published([report(1, confidence=80, valid_until=NOON + 10 * DAY)])),
        (BEFORE, revoked(BEFORE, NOON)),
        (ACCOUNT, published([report(1, "bank-account", confidence=80, holder_status="deceived")])),
        (ACCOUNT, published([report(1, "bank-account", confidence=80, hold=Hold(until=NOON + 80 * DAY))])),
        (
            ACCOUNT,
            published([report(1, "bank-account", confidence=80)], referral=Referral("Police", "desk@example.com")),
        ),
    ],
    ids=[
        *("confidence", "grade", "scam-type", "country", "marking", "corroborated"),
        *("disputed", "shorter", "revoked", "holder", "hold", "referral"),
    ],
)
def test_change_in_recommended_action_makes_a_version(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert changes_what_a_reader_does(before, after)


def test_third_reporter_and_context_changes_make_no_version() -> None:
    two = [report(number, confidence=99, scam_type="romance") for number in (1, 2)]
    three = [*two, report(3, scam_type="other", channel="ad")]
    assert not changes_what_a_reader_does(published(two), published(three))


@pytest.mark.parametrize(("days", "news"), [(1, False), (29, False), (31, True), (89, True)])
def test_later_end_makes_a_version_from_half_of_the_rest_on(days: int, news: bool) -> None:
    assert (
        changes_what_a_reader_does(
            BEFORE, published([report(1, confidence=80, reported_at=NOON + days * DAY)], days=days)
        )
        is news
    )


def test_revived_listing_makes_a_version() -> None:
    sightings = [sighting(1, NOON + 95 * DAY)]
    assert changes_what_a_reader_does(
        BEFORE, published([report(1, confidence=80, valid_until=NOON + 96 * DAY)], sightings, days=95)
    )


def test_every_change_by_a_partner_makes_a_version_except_early_times() -> None:
    [before] = to_stix(report(1).report, Profile.CORE)
    [again] = to_stix(report(1, reported_at=NOON + 2 * DAY).report, Profile.CORE)
    [late] = to_stix(report(1, reported_at=NOON + 50 * DAY).report, Profile.CORE)
    [otherwise] = to_stix(report(1, channel="ad").report, Profile.CORE)
    assert [changes_what_a_reader_does(before, after) for after in (again, late, otherwise)] == [False, True, True]


@pytest.mark.parametrize("reporters", ["2", [], None, 2])
def test_partner_that_imitates_the_hub_stops_nothing(reporters: object) -> None:
    [obj] = to_stix(report(1).report, Profile.CORE)
    del obj["valid_until"]
    ours = {name: {**said_, "reporters": reporters} for name, said_ in obj["extensions"].items()}
    assert changes_what_a_reader_does({**obj, "extensions": ours}, {**obj, "extensions": ours, "name": "another"})
