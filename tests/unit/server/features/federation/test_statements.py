"""Reports of other hubs' partners count as this hub's own do, within the rules for each origin."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from schemas import kinds
from schemas.hub_report import HubDecision, HubFinding, linked_token
from schemas.partner import Partner, PartnerKind
from schemas.vocabulary import Action, HolderStatus, OpinionWord, QualificationCode
from server.release.fuse.consensus import end, fuse, independent, live
from server.release.fuse.doubts import latest_opinions
from server.release.fuse.hubs import fuse_all
from server.release.fuse.statements import HubStatements, JudgeStanding, OpinionStatement, SightingStatement, Statement
from tests.unit.server.features.federation.entries import counted, hub_report, known, peer, read, whole
from tests.unit.server.release.statement_examples import HELD, NOON, VALUES, opinion, partner, report, values

DAY = timedelta(days=1)
KH, LA, MY = (f"hub.example.{country}/log" for country in ("kh", "la", "my"))
_SAME = (
    *("confidence", "grade", "disputed", "reporters", "reporter_kinds", "holder_status", "hold", "valid_until"),
    *("countries", "first_seen", "last_seen"),
)
Everything = tuple[list[Statement], list[SightingStatement], list[OpinionStatement]]


def _fused(own: list[Statement], found: HubStatements, **more: Any) -> Any:
    statements = [*own, *live(found.statements, found.sightings, NOON)]
    return fuse_all(statements, list(found.sightings), list(found.opinions), at=NOON, **more)


def _one(confidence: int, number: int = 1, kind: str = "bank-account", **columns: Any) -> Statement:
    return report(number, kind, confidence=confidence, **columns)


def _plain(everything: Everything) -> Everything:
    """Return what one hub would know, in the precision and with the powers that hub reports have."""
    reports, sightings, opinions = everything
    has_country = bool(kinds.get(reports[0].report.kind).country_of(reports[0].report.value))
    alive = [
        whole(
            one._replace(
                origins=frozenset(),
                partner=one.partner if has_country else one.partner.model_copy(update={"authority": ()}),
                report=one.report.changed({"countries": (), "first_seen": None, "last_seen": None}),
            )
        )
        for one in independent([one._replace(origins=frozenset()) for one in live(reports, counted(sightings), NOON)])
    ]
    doubts = [one for one in latest_opinions(opinions) if one.doubt is not None]
    return alive, counted(sightings), doubts


@given(values(), st.lists(st.sampled_from(["", KH, LA, MY]), min_size=10, max_size=10))
def test_entries_of_several_hubs_fuse_as_the_reports_of_one_hub(everything: Everything, homes: list[str]) -> None:
    reports, sightings, opinions = _plain(everything)
    if not reports:
        return
    # Every organisation is linked, so that its doubts and sightings elsewhere are its own.
    linked = {one.partner.counts_as for part in (reports, sightings, opinions) for one in part}
    by_token = {linked_token(name.encode(), "value"): name for name in linked}
    home = {name: homes[place % len(homes)] for place, name in enumerate(sorted(linked))}
    about = reports[0]._replace(report=reports[0].report)

    def of(name: str) -> Everything:
        return (
            [one for one in reports if home[one.partner.counts_as] == name],
            [one for one in sightings if home[one.partner.counts_as] == name],
            [one for one in opinions if home[one.partner.counts_as] == name],
        )

    stored = [
        known(about, hub_report(*of(origin), origin=origin, linked=linked), peer(origin)) for origin in (KH, LA, MY)
    ]
    found = read(stored, NOON, by_token)
    own = of("")
    both = fuse_all([*own[0], *found.statements], [*own[1], *found.sightings], [*own[2], *found.opinions], at=NOON)
    alone = fuse(reports, sightings, opinions, at=NOON)
    assert {name: getattr(both, name) for name in _SAME} == {name: getattr(alone, name) for name in _SAME}


@given(values())
def test_own_reports_alone_give_the_same_result_as_before(everything: Everything) -> None:
    assert fuse_all(*everything, at=NOON) == fuse(*everything, at=NOON)


@given(values())
def test_an_origin_gains_one_reporter_however_many_it_invents(everything: Everything) -> None:
    reports, sightings, opinions = _plain(everything)
    if not reports:
        return
    found = read([known(reports[0], hub_report(reports, sightings, opinions), peer(count="as-one"))], NOON)
    fused = _fused([], found)
    assert fused.reporters == 1
    assert fused.valid_until == max(end(one.report, sightings, NOON) for one in reports)
    heaviest = max(one.report.confidence or 0 for one in reports)
    if not opinions:
        assert fused.confidence <= heaviest + 3 + 20  # in steps of 5, and one observer at most
    if reports[0].report.kind in HELD:
        assert fused.grade is not Action.BLOCK


def test_two_origins_that_count_as_one_are_two_reporters() -> None:
    bank = _one(60)
    stored = [known(bank, hub_report([bank], origin=origin), peer(origin, count="as-one")) for origin in (KH, LA)]
    fused = _fused([], read(stored, NOON))
    assert (fused.reporters, fused.hubs, fused.grade) == (2, 2, Action.BLOCK)
    assert _fused([_one(60, 2)], read(stored[:1], NOON)).grade is Action.BLOCK


def test_a_linked_organisation_counts_once_by_its_heavier_entry() -> None:
    heavy, light = _one(60), _one(1, reported_at=NOON)
    stored = [
        known(heavy, hub_report([heavy], origin=KH, linked={"partner 1"}), peer(KH)),
        known(light, hub_report([light], origin=LA, linked={"partner 1"}), peer(LA)),
    ]
    fused = _fused([], read(stored, NOON))
    assert (fused.reporters, fused.confidence) == (1, 60)
    # Its own report at this hub is of the same organisation.
    by_token = {linked_token(b"partner 1", "value"): "partner 1"}
    assert _fused([_one(30)], read(stored, NOON, by_token)).reporters == 1
    as_one = [known(heavy, hub_report([heavy], linked={"partner 1"}), peer(count="as-one"))]
    fused = _fused([_one(30)], read(as_one, NOON, by_token))
    assert (fused.reporters, fused.confidence) == (1, 30)


def test_plain_tokens_match_only_within_their_origin() -> None:
    bank = _one(60)
    stored = [known(bank, hub_report([bank], origin=KH), peer(origin)) for origin in (KH, LA)]
    assert _fused([], read(stored, NOON)).reporters == 2


@pytest.mark.parametrize(("countries", "grade"), [(("GB",), Action.BLOCK), (("KH",), Action.HOLD)])
def test_authority_counts_only_in_the_countries_of_the_origin(countries: tuple[str, ...], grade: Action) -> None:
    police = Partner.model_validate({**partner(1).model_dump(), "kind": "government", "authority": ["bank-account"]})
    stored = [known(_one(90), hub_report([_one(90, by=police)]), peer(countries=frozenset(countries)))]
    assert _fused([], read(stored, NOON)).grade is grade


def test_a_finding_of_a_foreign_provider_is_a_dispute_with_standing() -> None:
    bank = _one(90)
    finding = HubFinding(QualificationCode.GENUINE, NOON, NOON + DAY, "GB:202015")
    stored = hub_report([bank], finding=finding)
    here = read([known(bank, stored, peer())], NOON)
    assert [found.code for found in here.findings] == [QualificationCode.GENUINE]
    abroad = read([known(bank, stored, peer(countries=frozenset()))], NOON)
    assert (list(abroad.findings), [one.standing for one in abroad.opinions]) == ([], [JudgeStanding.WITH])
    confirmed = hub_report([bank], finding=HubFinding(QualificationCode.FRAUD, NOON, NOON + DAY, "GB:202015"))
    assert not read([known(bank, confirmed, peer(countries=frozenset()))], NOON).opinions


def test_not_counts_only_findings_and_the_protection_of_the_coerced() -> None:
    bank = _one(90)
    stored = hub_report(
        [bank],
        [SightingStatement(partner(2), NOON, NOON)],
        [opinion(3, OpinionWord.STRONGLY_DISAGREE)],
        finding=HubFinding(QualificationCode.GENUINE, NOON, NOON + DAY, "GB:202015"),
        spare_until=NOON + DAY,
        hub_decision=HubDecision("review", NOON, NOON + DAY),
    )
    found = read([known(bank, stored, peer(count="not"))], NOON)
    assert not [*found.statements, *found.sightings, *found.opinions, *found.decisions]
    assert (len(found.findings), found.spared) == (1, True)


@pytest.mark.parametrize(("kind", "most"), [("bank-account", Action.STEP_UP), ("domain", Action.WARN)])
def test_a_stale_origin_lifts_nothing_further(kind: str, most: Action) -> None:
    reports = [_one(90, number, kind) for number in (1, 2)]
    stale = read([known(reports[0], hub_report(reports), stale=True)], NOON)
    assert _fused([], stale).grade is most
    assert _fused([_one(90, 3, kind), _one(90, 4, kind)], stale).grade is Action.BLOCK


def test_a_confirming_finding_counts_once_and_not_from_a_stale_origin() -> None:
    bank = _one(50)
    fraud = HubFinding(QualificationCode.FRAUD, NOON, NOON + DAY, "GB:202015")
    found = read([known(bank, hub_report([bank], finding=fraud))], NOON)
    fused = _fused([], found, answer=found.findings[0])
    assert (fused.reporters, fused.hubs, fused.grade) == (2, 1, Action.BLOCK)
    keeper = _one(50, by=partner(1, institutions=("GB:202015",)))
    found = read([known(bank, hub_report([keeper], finding=fraud))], NOON)
    assert _fused([], found, answer=found.findings[0]).reporters == 1
    seen = [SightingStatement(partner(2), NOON, NOON)]
    stale = read([known(bank, hub_report([bank], seen, finding=fraud), stale=True)], NOON)
    assert [*stale.findings, *stale.opinions, *stale.sightings] == []


def test_protections_of_a_stale_or_held_report_count() -> None:
    bank = _one(90)
    stored = hub_report([bank], (), [opinion(3, OpinionWord.STRONGLY_DISAGREE)], spare_until=NOON + DAY)
    found = read([known(bank, stored, stale=True, held=True)], NOON)
    assert (list(found.statements), len(found.opinions), found.spared) == ([], 1, True)


def test_ends_apply_by_this_hubs_clock() -> None:
    bank = _one(90, reported_at=NOON, valid_until=NOON + DAY)
    stored = [known(bank, hub_report([bank], spare_until=NOON + DAY))]
    later = read(stored, NOON + 2 * DAY)
    assert (live(later.statements, (), NOON + 2 * DAY), later.spared) == ([], False)
    # A clock that is wrong by years lengthens nothing.
    wrong = _one(90, reported_at=NOON + 3_000 * DAY, valid_until=NOON + 9_000 * DAY)
    found = read([known(wrong, hub_report([wrong]))], NOON)
    assert _fused([], found).valid_until == NOON + 730 * DAY
    assert found.statements[0].report.reported_at == NOON


def test_a_coerced_holder_is_protected_until_the_report_ends() -> None:
    bank = _one(80, holder_status=HolderStatus.COERCED, valid_until=NOON + DAY)
    stored = [known(bank, hub_report([bank]))]
    assert read(stored, NOON).spared
    assert not read(stored, NOON + 2 * DAY).spared
    light = _one(10, holder_status=HolderStatus.COERCED)
    sign = read([known(light, hub_report([light]))], NOON)
    assert (sign.spared, len(sign.signs)) == (False, 1)


@pytest.mark.parametrize(("countries", "standing"), [(("GB",), JudgeStanding.DECIDES), (("KH",), JudgeStanding.WITH)])
def test_a_hub_decision_decides_in_the_countries_of_the_origin(
    countries: tuple[str, ...], standing: JudgeStanding
) -> None:
    bank = _one(90)
    stored = hub_report([bank], hub_decision=HubDecision("operator", NOON, NOON + DAY))
    found = read([known(bank, stored, peer(countries=frozenset(countries)))], NOON)
    assert [decision.standing for decision in found.decisions] == [standing]
    assert _fused([bank], found).disputed
    assert not read([known(bank, stored)], NOON + 2 * DAY).decisions


def test_second_hand_reports_add_nothing() -> None:
    own, echo = _one(40, kind="domain"), _one(60, 2, kind="domain")._replace(second_hand=True)
    fused = fuse_all([own, echo, echo._replace(key="other", partner=partner(3))], at=NOON)
    assert (fused.confidence, fused.reporters) == (60, 1)
    assert fuse_all([own, _one(30, 2, kind="domain")._replace(second_hand=True)], at=NOON) == fuse([own], at=NOON)
    assert fuse_all([echo], at=NOON) == fuse([echo], at=NOON)


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_a_hostile_hub_report_of_any_kind_is_fused(kind: str) -> None:
    one = _one(90, kind=kind)
    police = hub_report([one], spare_until=NOON + DAY, hub_decision=HubDecision("review", NOON, NOON + DAY))
    found = read([known(one, police)], NOON)
    assert found.statements[0].partner.kind is PartnerKind.BANK
    assert _fused([one], found, coerced=found.spared).grade is not Action.BLOCK
