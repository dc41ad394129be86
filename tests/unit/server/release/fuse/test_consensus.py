"""Reports of one value become one consensus, independent of their order."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st

from mappers import consensus, ids
from mappers.report_reader import from_stix
from schemas import kinds, timestamp
from schemas.fields import Evidence, Hold
from schemas.partner import PartnerKind
from schemas.report import Report
from schemas.vocabulary import Action, HolderStatus, OpinionWord, OutcomeWord, PaymentRail, Tlp
from server.release.fuse import grade
from server.release.fuse.consensus import end, fuse, independent, live
from server.release.fuse.doubts import latest_opinions
from server.release.fuse.statements import JudgeStanding, OpinionStatement, SightingStatement, Statement
from tests.unit.server.release.statement_examples import (
    HELD,
    NOON,
    VALUES,
    opinion,
    partner,
    report,
    sighting,
    statements,
    values,
)

DAY = timedelta(days=1)
HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"
STRENGTH = list(reversed(Action)).index

Everything = tuple[list[Statement], list[SightingStatement], list[OpinionStatement]]


@given(values(), st.integers())
def test_order_of_statements_makes_no_difference(everything: Everything, seed: int) -> None:
    shuffled: list[list[object]] = [Random(seed).sample(part, len(part)) for part in everything]  # noqa: S311
    assert fuse(*shuffled, at=NOON) == fuse(*everything, at=NOON)  # type: ignore[arg-type]


@given(values())
def test_the_end_is_always_set_and_after_the_beginning(everything: Everything) -> None:
    fused = fuse(*everything, at=NOON)
    assert fused.valid_from < fused.valid_until
    assert (fused.first_seen or fused.valid_from) <= (fused.last_seen or fused.valid_until)


@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_another_reporter_never_lowers_anything(data: st.DataObject, kind: str) -> None:
    everything = data.draw(values(kind))
    more = data.draw(statements(kind, st.just(10)))
    more = more._replace(origins=frozenset())
    before, after = fuse(*everything, at=NOON), fuse([*everything[0], more], *everything[1:], at=NOON)
    assert after.confidence >= before.confidence
    assert after.reporters == before.reporters + 1
    assert after.valid_until >= before.valid_until
    if more.report.holder_status is not HolderStatus.COERCED:
        assert STRENGTH(after.grade) >= STRENGTH(before.grade)


@given(values(), st.data())
def test_the_coerced_are_never_graded_block(everything: Everything, data: st.DataObject) -> None:
    assert fuse(*everything, coerced=True, at=NOON).grade is not Action.BLOCK
    reports, sightings, opinions = everything
    if kinds.get(reports[0].report.kind).account:
        sign = data.draw(statements(reports[0].report.kind, st.integers(1, 9)))
        columns = {**sign.report.model_dump(), "holder_status": "coerced", "action": None}
        signed = sign._replace(report=Report.model_validate(columns), key="indicator--sign")
        fused = fuse([*reports, signed], sightings, opinions, at=NOON)
        assert fused.holder_status is HolderStatus.COERCED
        assert fused.grade is not Action.BLOCK


@given(values(), st.sampled_from(HELD))
def test_one_reporter_without_authority_blocks_no_held_value(everything: Everything, kind: str) -> None:
    reports, sightings, opinions = everything
    if reports[0].report.kind not in HELD:
        reports = [report(kind=kind, confidence=100, reliability=1.0, action=Action.BLOCK)]
    counted = independent(reports)
    if len(counted) > 1 or any(grade.has_authority(each.partner, each.report) for each in counted):
        return
    assert fuse(reports, sightings, opinions, at=NOON).grade is not Action.BLOCK


def test_name_of_a_sender_is_blocked_by_authority_alone() -> None:
    def graded(value: str, *authority: str) -> Action:
        first = partner(1).model_copy(update={"authority": authority})
        reports = [report(1, "phone", by=first), *(report(number, "phone") for number in (2, 3, 4))]
        named = [each._replace(report=each.report.model_copy(update={"value": value})) for each in reports]
        sure = [each._replace(reliability=1.0) for each in named]
        return fuse(sure, at=NOON).grade

    assert graded("+66812345678") is Action.BLOCK
    assert graded("TH:1555") is Action.BLOCK
    assert graded("TH:KBANK-SMS") is Action.WARN
    assert graded("TH:KBANK-SMS", "phone") is Action.BLOCK


@given(values(), st.sampled_from(Tlp))
def test_consensus_is_read_back_from_its_indicator(everything: Everything, tlp: Tlp) -> None:
    reports, sightings, opinions = everything
    alive = live(reports, sightings, NOON)
    if not alive:
        return
    fused = fuse(alive, sightings, opinions, at=NOON)
    id_ = ids.indicator(HUB, consensus.pattern_of(alive[0].report))
    moment = timestamp.text(NOON)
    report = from_stix(consensus.to_stix(fused, id_, HUB, created=moment, modified=moment, tlp=tlp))
    assert (report.kind, report.value, report.reporter) == (fused.kind, fused.value, HUB)
    assert (report.action, report.confidence) == (fused.grade, fused.confidence)
    assert (report.first_seen, report.last_seen) == (fused.first_seen, fused.last_seen)
    assert (report.valid_until, report.holder_status) == (fused.valid_until, fused.holder_status)
    assert (report.scam_type, report.countries) == (fused.scam_type, fused.countries)


def test_no_report_gives_no_consensus() -> None:
    with pytest.raises(ValueError, match="at least one statement"):
        fuse([], at=NOON)


def test_a_consensus_is_on_one_value() -> None:
    with pytest.raises(ValueError, match="one value"):
        fuse([report(1), report(2, "url")], at=NOON)


def test_single_report_becomes_the_consensus() -> None:
    assert fuse([report(confidence=80)], at=NOON).confidence == 80
    assert fuse([report()], at=NOON).confidence == 50


def test_newest_report_of_a_partner_counts_once() -> None:
    older = report(confidence=90, reported_at=NOON - DAY, key="indicator--older")
    newer = report(confidence=40, key="indicator--newer")
    fused = fuse([newer, older], at=NOON)
    assert (fused.reporters, fused.confidence) == (1, 40)


def test_forwarded_report_and_original_count_once() -> None:
    original = report(1, confidence=50)
    id_ = ids.indicator(original.partner.identity, consensus.pattern_of(original.report))
    original = original._replace(key=f"7/{id_}")
    copy = report(2, confidence=90, origins=frozenset({id_}), reported_at=NOON - DAY)
    fused = fuse([copy, original], at=NOON)
    assert (fused.reporters, fused.confidence) == (1, 50)


def test_reused_id_does_not_weaken_its_forwarder() -> None:
    drawn = "indicator--11111111-2222-4333-8444-555555555555"
    squatting = report(1, confidence=1, key=f"1/{drawn}")
    copy = report(2, confidence=90, reported_at=NOON - DAY)
    for passed in (
        copy._replace(origins=frozenset({drawn})),
        copy._replace(key=f"2/{drawn}", passed_on=True),
    ):
        fused = fuse([squatting, passed], at=NOON)
        assert (fused.reporters, fused.confidence) == (1, 90)


def test_two_forwarders_of_one_object_count_once() -> None:
    both = [report(number, key=f"{number}/indicator--x")._replace(passed_on=True) for number in (1, 2)]
    assert fuse(both, at=NOON).reporters == 1


def test_two_forwarders_of_the_same_origin_count_once() -> None:
    copies = [report(number, origins=frozenset({"indicator--x"})) for number in (1, 2)]
    fused = fuse(copies, at=NOON)
    assert fused.reporters == 1
    assert fused.origins == ("indicator--x",)


def test_claimed_origins_do_not_merge_two_others() -> None:
    joining = report(3, origins=frozenset({"indicator--1", "indicator--2"}))
    assert fuse([joining, report(1), report(2)], at=NOON).reporters == 2


def test_consensus_names_no_reporter() -> None:
    proof = Evidence(sha256="a" * 64, reference="Partner 1, case 7")
    reports = [report(1, description="Partner 1 saw it", reference="P1-7", evidence=(proof,)), report(2)]
    fused = fuse(reports, at=NOON)
    assert (fused.description, fused.reference, fused.hold) == (None, None, None)
    assert fused.evidence == (Evidence(sha256="a" * 64),)
    assert "Partner 1" not in str(fused)
    assert not any(each.key in str(fused) or each.partner.identity in str(fused) for each in reports)


def test_heaviest_statement_leads_and_others_are_kept() -> None:
    fused = fuse(
        [
            report(1, scam_type="romance", confidence=40, channel="messaging"),
            report(2, scam_type="romance", confidence=30, payment_rail=PaymentRail.CRYPTO),
            report(3, scam_type="investment", confidence=60),
            report(4, scam_type="unknown", confidence=100, channel="ad"),
        ],
        at=NOON,
    )
    assert (fused.scam_type, fused.scam_types) == ("romance", ("investment",))
    assert (fused.channel, fused.payment_rail) == ("ad", PaymentRail.CRYPTO)


def test_heaviest_reporter_decides_context_fields() -> None:
    reports = [
        report(1, "bank-account", confidence=80, details={"bic": "BUKBGB22"}),
        report(2, "bank-account", confidence=40, details={"bic": "NWBKGB2L"}, reported_at=NOON - DAY),
        report(3, "bank-account", confidence=90),
    ]
    assert fuse(reports, at=NOON).details == fuse(reports[::-1], at=NOON).details == {"bic": "BUKBGB22"}
    reports[1] = report(2, "bank-account", confidence=85, details={"bic": "NWBKGB2L"}, reported_at=NOON - DAY)
    assert fuse(reports, at=NOON).details == {"bic": "NWBKGB2L"}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["complicit", "deceived", "coerced"], HolderStatus.COERCED),
        (["complicit", "deceived", "unknown"], HolderStatus.DECEIVED),
        (["complicit", "unknown"], HolderStatus.UNKNOWN),
        (["complicit", "complicit", None], HolderStatus.COMPLICIT),
        ([None, None], None),
    ],
    ids=str,
)
def test_holder_status_is_the_most_protective_one(words: list[str | None], status: HolderStatus | None) -> None:
    reports = [report(number, "bank-account", holder_status=word) for number, word in enumerate(words)]
    assert fuse(reports, at=NOON).holder_status is status


def test_a_sign_of_coercion_counts_in_a_copy_too() -> None:
    copy = report(2, "bank-account", origins=frozenset({"indicator--1"}), holder_status="coerced")
    assert fuse([report(1, "bank-account", holder_status="complicit"), copy], at=NOON).holder_status == "coerced"


def test_kinds_of_reporters_are_listed_and_countries_merged() -> None:
    ngo = partner(2, kind=PartnerKind.NGO)
    fused = fuse([report(1, countries=("TH",)), report(2, by=ngo, countries=("KH", "TH"))], at=NOON)
    assert fused.reporter_kinds == (PartnerKind.BANK, PartnerKind.NGO)
    assert fused.countries == ("KH", "TH")


def test_a_sighting_of_another_partner_raises_confidence_and_moves_the_end() -> None:
    reports = [report(reported_at=NOON - 30 * DAY, confidence=50)]
    alone, spotted = fuse(reports, at=NOON), fuse(reports, [sighting(7, NOON - DAY)], at=NOON)
    assert (alone.confidence, spotted.confidence) == (50, 60)
    assert alone.valid_until == NOON + 60 * DAY
    assert (spotted.last_seen, spotted.valid_until) == (NOON - DAY, NOON + 89 * DAY)


def test_consensus_starts_at_the_first_observation() -> None:
    fused = fuse([report(reported_at=NOON - DAY)], [sighting(7, NOON - 5 * DAY)], at=NOON)
    assert (fused.first_seen, fused.valid_from) == (NOON - 5 * DAY, NOON - 5 * DAY)
    assert fuse([report(reported_at=NOON - DAY)], at=NOON).valid_from == NOON - DAY


def test_reversed_observation_times_are_reordered() -> None:
    reports = [
        report(1, first_seen=NOON - DAY),
        report(2, reported_at=NOON - 5 * DAY, last_seen=NOON - 5 * DAY),
    ]
    fused = fuse(reports, at=NOON)
    assert (fused.first_seen, fused.last_seen) == (NOON - 5 * DAY, NOON - DAY)


def test_sighting_by_a_reporter_raises_no_confidence() -> None:
    fused = fuse([report(1, confidence=50)], [sighting(1, NOON), sighting(7, NOON), sighting(7, NOON)], at=NOON)
    assert fused.confidence == fuse([report(1, confidence=50)], [sighting(7, NOON)], at=NOON).confidence == 60


def test_looked_for_and_not_seen_is_no_sighting() -> None:
    assert fuse([report()], [sighting(7, NOON, count=0)], at=NOON) == fuse([report()], at=NOON)


def test_a_sighting_of_tomorrow_is_one_of_now() -> None:
    fused = fuse([report(reported_at=NOON - DAY)], [sighting(7, NOON + 300 * DAY)], at=NOON)
    assert (fused.last_seen, fused.valid_until) == (NOON, NOON + 90 * DAY)


def test_sightings_extend_and_never_revive_a_listing() -> None:
    reports = [report(kind="phone", reported_at=NOON - 40 * DAY)]
    assert live(reports, [], NOON) == []
    assert live(reports, [sighting(7, NOON - 20 * DAY)], NOON) == reports
    assert live(reports, [sighting(7, NOON - DAY)], NOON) == []
    assert live(reports, [sighting(7, NOON - DAY), sighting(8, NOON - 20 * DAY)], NOON) == reports


def test_hold_ends_despite_sightings() -> None:
    hold = Hold(until=NOON + 3 * DAY, amount="1500.50", currency="THB", reference="case 7")
    held = report(kind="bank-account", confidence=99, hold=hold)
    fused = fuse([held], [sighting(7, NOON)], at=NOON)
    assert (fused.hold, fused.grade, fused.valid_until) == (hold, Action.HOLD, NOON + 3 * DAY)
    assert end(held.report, [sighting(7, NOON)], NOON) == NOON + 3 * DAY


def test_hold_is_kept_for_a_single_reporter() -> None:
    hold = Hold(until=NOON + 3 * DAY)
    fused = fuse([report(1, "wallet", hold=hold), report(2, "wallet")], at=NOON)
    assert (fused.hold, fused.valid_until) == (None, NOON + 365 * DAY)


@pytest.mark.parametrize("word", [OutcomeWord.FALSE_POSITIVE, OpinionWord.STRONGLY_DISAGREE])
@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (JudgeStanding.SETTLED, (False, 99, Action.BLOCK)),
        (JudgeStanding.WITHOUT, (False, 99, Action.HOLD)),
        (JudgeStanding.WITH, (True, 50, Action.STEP_UP)),
        (JudgeStanding.DECIDES, (True, 50, Action.INVESTIGATE)),
    ],
)
def test_a_false_positive_counts_by_its_standing(
    word: OutcomeWord | OpinionWord, standing: JudgeStanding, expected: tuple[bool, int, Action]
) -> None:
    reports = [report(number, "wallet", confidence=95) for number in range(3)]
    fused = fuse(reports, opinions=[opinion(7, word, standing=standing)], at=NOON)
    assert (fused.disputed, fused.confidence, fused.grade) == expected


@given(values(), st.lists(st.sampled_from([JudgeStanding.SETTLED, JudgeStanding.WITHOUT]), min_size=1, max_size=9))
def test_disputes_without_standing_lower_by_one_grade_in_total(
    everything: Everything, standings: list[JudgeStanding]
) -> None:
    reports, sightings, _ = everything
    words = [
        opinion(100 + number, OutcomeWord.FALSE_POSITIVE, standing=standing)
        for number, standing in enumerate(standings)
    ]
    before, after = fuse(reports, sightings, at=NOON), fuse(reports, sightings, words, at=NOON)
    assert after._replace(grade=before.grade) == before
    ladder = kinds.get(before.kind).grades
    assert ladder.index(after.grade) - ladder.index(before.grade) in (0, 1)


@given(values(), st.integers(1, 4))
def test_report_with_authority_is_lowered_further_only_by_a_decider(everything: Everything, doubters: int) -> None:
    reports, sightings, _ = everything
    kind = reports[0].report.kind
    reports = [*reports, report(50, kind, by=partner(50, authority=(kind,)), confidence=95)]
    words = [opinion(100 + number, OutcomeWord.FALSE_POSITIVE) for number in range(doubters)]
    before, after = fuse(reports, sightings, at=NOON), fuse(reports, sightings, words, at=NOON)
    assert after.confidence == before.confidence
    ladder = kinds.get(kind).grades
    assert ladder.index(after.grade) - ladder.index(before.grade) in (0, 1)
    decides = opinion(200, OutcomeWord.FALSE_POSITIVE, standing=JudgeStanding.DECIDES)
    assert fuse(reports, sightings, [decides], at=NOON).grade is Action.INVESTIGATE


def test_last_opinion_of_each_judge_counts_and_the_graver_of_two() -> None:
    words = [
        opinion(7, OutcomeWord.FALSE_POSITIVE, NOON - DAY),
        opinion(7, OutcomeWord.BLOCKED, NOON),
        opinion(8, OutcomeWord.NO_ACTION, NOON),
        opinion(8, OutcomeWord.FALSE_POSITIVE, NOON),
        opinion(8, OutcomeWord.BLOCKED, NOON - DAY),
    ]
    assert [(each.partner.name, each.outcome) for each in latest_opinions(words)] == [
        ("Partner 7", OutcomeWord.BLOCKED),
        ("Partner 8", OutcomeWord.FALSE_POSITIVE),
    ]
    assert latest_opinions(words) == latest_opinions(words[::-1])


def test_sign_of_coercion_without_standing_only_lowers_to_hold() -> None:
    reports = [report(number, "bank-account", confidence=95) for number in range(2)]
    before, after = fuse(reports, at=NOON), fuse(reports, sign=True, at=NOON)
    assert (before.grade, after.grade) == (Action.BLOCK, Action.HOLD)
    assert after._replace(grade=before.grade) == before


def test_revoked_dispute_is_lifted() -> None:
    words = [opinion(7, OutcomeWord.FALSE_POSITIVE, NOON - DAY), opinion(7, OutcomeWord.BLOCKED, NOON)]
    assert fuse([report(confidence=95)], opinions=words, at=NOON) == fuse([report(confidence=95)], at=NOON)


def test_no_action_lowers_one_grade_unless_not_applicable() -> None:
    reports = [report(number, "wallet", confidence=95) for number in range(2)]
    assert fuse(reports, opinions=[opinion(7, OutcomeWord.NO_ACTION)], at=NOON).grade is Action.HOLD
    assert fuse(reports, opinions=[opinion(7, OutcomeWord.NO_ACTION, reason="not-ours")], at=NOON).grade is Action.BLOCK
