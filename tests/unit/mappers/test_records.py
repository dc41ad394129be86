"""Records become STIX that who knows STIX alone understands, and foreign objects become records."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mappers import companions, extension, ids, location, marking
from mappers.indicator import Profile, to_stix as report_to_stix
from mappers.records import beside, from_stix, to_stix
from schemas import kinds, records
from schemas.errors import Rejected
from schemas.outcome import Opinion
from schemas.reading import Reader
from schemas.record import Record
from schemas.vocabulary import CaseContext, OpinionWord, Outcome, Tlp

REPORTER = "Example Bank"
DEFAULTS = {"reporter": REPORTER, "reported_at": "2026-01-15T08:00:00.000Z"}
INDICATOR = "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
WALLET = "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
REPORTERS = {ids.identity(REPORTER): REPORTER, ids.identity("Other Bank"): "Other Bank"}


def record(which: str, /, **columns: Any) -> Record:
    return records.read(which, columns, DEFAULTS)


def said(which: str, /, **columns: Any) -> dict[str, Any]:
    return to_stix(record(which, **columns))[-1]


def foreign(type_: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.123456Z",
        **properties,
    }


def test_a_sighting_says_a_place_even_where_none_is_named() -> None:
    assert said("sighting", of=INDICATOR)["where_sighted_refs"] == [ids.identity(REPORTER)]


def test_a_country_is_a_place_of_its_own_that_comes_along() -> None:
    seen = record("sighting", of=INDICATOR, countries="TH", seen_by="Other Bank")
    identity, country = beside(seen)
    assert to_stix(seen)[-1]["where_sighted_refs"] == [identity["id"], country["id"]]
    assert (country["type"], country["country"], country["name"]) == ("location", "TH", "Thailand")
    assert country["id"] in companions.reserved()


def test_sightings_at_different_places_are_different_sightings() -> None:
    times = {"first_seen": "2026-01-01", "last_seen": "2026-01-02"}
    places: list[dict[str, Any]] = [{}, {"countries": "TH"}, {"countries": "TH,KH"}, {"seen_by": "Other Bank"}]
    assert len({said("sighting", of=INDICATOR, **times, **place)["id"] for place in places}) == len(places)


def test_more_of_the_same_sighting_is_a_new_version_of_it() -> None:
    first, later = (
        said("sighting", of=INDICATOR, first_seen="2026-01-01", count=count, reported_at=at)
        for count, at in ((1, "2026-01-15"), (5, "2026-01-16"))
    )
    assert first["id"] == later["id"]
    assert first["modified"] < later["modified"]


@pytest.mark.parametrize(
    ("word", "opinion"),
    [
        (Outcome.BLOCKED, "agree"),
        (Outcome.TAKEN_DOWN, "strongly-agree"),
        (Outcome.FUNDS_HELD, "strongly-agree"),
        (Outcome.NO_ACTION, "neutral"),
        (Outcome.FALSE_POSITIVE, "strongly-disagree"),
        (Outcome.ALREADY_KNOWN, "agree"),
    ],
)
def test_who_knows_stix_alone_sees_agreement_or_dissent(word: Outcome, opinion: str) -> None:
    done = said("outcome", of=INDICATOR, outcome=word.value)
    assert (done["type"], done["opinion"], done["object_refs"]) == ("opinion", opinion, [INDICATOR])
    assert f'scam:outcome="{word.value}"' in done["labels"]
    assert " / " in done["explanation"]


def test_opinions_of_one_moment_are_not_created_at_one_moment() -> None:
    """OpenCTI takes opinions of one word and one time of creation for the same."""
    report = [f"indicator--2c4125de-07a4-58ff-80f6-{number:012x}" for number in range(200)]
    made = [said("outcome", of=each, outcome="blocked") for each in report]
    assert len({each["created"] for each in made}) == len(made)
    assert all("2026-01-14T08:00:00.000Z" < each["created"] <= each["modified"] for each in made)


def test_an_outcome_said_again_keeps_its_id() -> None:
    first, later = (
        said("outcome", of=INDICATOR, outcome="blocked", reported_at=at) for at in ("2026-01-15", "2026-01-16")
    )
    assert first["id"] == later["id"]


def test_each_partner_has_its_own_outcomes_and_each_hold_is_one() -> None:
    columns = {"of": INDICATOR, "outcome": "funds-held"}
    ours = said("outcome", **columns)
    theirs = to_stix(records.read("outcome", columns, {**DEFAULTS, "reporter": "Other Bank"}))[-1]
    later = said("outcome", **columns, effective_from="2026-01-20")
    assert len({ours["id"], theirs["id"], later["id"]}) == 3


def test_a_flow_joins_the_observables_that_indicators_are_based_on() -> None:
    source, target, flow = to_stix(record("flow", source="bank-account:DE89370400440532013000", target=WALLET))
    reader = Reader(DEFAULTS)
    based_on = [
        report_to_stix(reader.report({"kind": kind, "value": value}))[0]
        for kind, value in (("bank-account", "DE89370400440532013000"), tuple(WALLET.split(":")))
    ]
    assert [source, target] == based_on
    assert (flow["source_ref"], flow["target_ref"]) == (source["id"], target["id"])
    assert flow["relationship_type"] == "related-to"


def test_a_flow_of_one_moment_has_no_stop_time_that_is_not_later() -> None:
    flow = said(
        "flow",
        source="bank-account:DE89370400440532013000",
        target=WALLET,
        first_seen="2026-01-01",
        last_seen="2026-01-01",
    )
    assert "stop_time" not in flow
    assert flow["extensions"][extension.ID]["last_seen"] == flow["start_time"]


def test_opencti_gets_flows_between_accounts_that_it_can_store() -> None:
    flow = record("flow", source="bank-account:TH:KASITHBK:1234567890", target=WALLET)
    source, _, relationship = to_stix(flow, Profile.OPENCTI)
    assert (source["type"], source["user_id"]) == ("user-account", "TH:KASITHBK:1234567890")
    assert list(from_stix(relationship, REPORTERS, {each["id"]: each for each in to_stix(flow, Profile.OPENCTI)})) == [
        flow
    ]


def test_the_core_profile_has_no_flows() -> None:
    with pytest.raises(Rejected, match="not-in-profile"):
        to_stix(record("flow", source="bank-account:DE89370400440532013000", target=WALLET), Profile.CORE)


def test_the_core_profile_of_a_case_has_no_members_that_stix_lacks() -> None:
    wallet = "cryptocurrency-wallet--bfa4b8d0-956b-5468-b03d-be19bb5163dd"
    case = record("case", name="Example", members=[wallet, INDICATOR])
    assert to_stix(case)[-1]["object_refs"] == [wallet, INDICATOR]
    assert to_stix(case, Profile.CORE)[-1]["object_refs"] == [INDICATOR]
    with pytest.raises(Rejected, match="not-in-profile"):
        to_stix(record("case", name="Example", members=[wallet]), Profile.CORE)


def test_a_case_keeps_its_id_when_members_come() -> None:
    small = said("case", name="Example", members=[INDICATOR], reference="case 42")
    larger = said("case", name="Renamed", members=[INDICATOR, INDICATOR.replace("2c", "2d")], reference="case 42")
    assert small["id"] == larger["id"]


@pytest.mark.parametrize("profile", list(Profile))
def test_a_value_with_its_reporters_name_is_that_reporters_indicator(profile: Profile) -> None:
    value = {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"}
    report = Reader({**DEFAULTS, "reporter": "Other Bank"}).report(value)
    (indicator,) = (each["id"] for each in report_to_stix(report, profile) if each["type"] == "indicator")
    done = record("outcome", of={**value, "reporter": "Other Bank"}, outcome="blocked")
    assert to_stix(done, profile)[-1]["object_refs"] == [indicator]


def test_a_value_alone_says_no_indicator() -> None:
    with pytest.raises(Rejected, match="indicator-not-named"):
        said("sighting", of="domain:shop.example.com")


def test_no_record_but_a_flow_shows_a_value() -> None:
    """Who reads sightings may not read what was seen; a flow goes only where both its ends are out."""
    value = {"kind": "bank-account", "value": "TH:KASITHBK:1234567890", "reporter": "Other Bank"}
    for which, columns in (
        ("sighting", {"of": value}),
        ("outcome", {"of": value, "outcome": "blocked"}),
        ("opinion", {"of": value, "opinion": "agree"}),
        ("case", {"name": "Example", "members": [value]}),
    ):
        assert "1234567890" not in str(to_stix(record(which, **columns)))


def test_a_foreign_sighting_is_read() -> None:
    places = ["location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64", "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"]
    sighting = foreign("sighting", sighting_of_ref=INDICATOR, count=7, where_sighted_refs=places)
    (seen,) = from_stix(sighting, {}, {places[0]: {"type": "location", "country": "th"}})
    assert seen.model_dump(exclude_none=True) == {
        "reporter": places[1],
        "reported_at": datetime(2026, 1, 2, 0, 0, 0, 123000, tzinfo=UTC),
        "tlp": Tlp.AMBER,
        "lang": "en",
        "of": {"ref": INDICATOR, "details": {}},
        "count": 7,
        "countries": ("TH",),
    }


def test_a_foreign_opinion_is_one_about_each_of_its_indicators() -> None:
    second = INDICATOR.replace("2c", "2d")
    refs = [INDICATOR, "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", second]
    opinion = foreign("opinion", opinion="strongly-disagree", object_refs=refs, explanation="Ours.")
    found = from_stix({**opinion, "object_marking_refs": [marking.ref(Tlp.GREEN)]}, {opinion["created_by_ref"]: "X"})
    assert all(isinstance(each, Opinion) for each in found)
    assert [(each.of.ref, each.opinion, each.description, each.reporter, each.tlp) for each in found] == [  # type: ignore[attr-defined]  # opinions, as was seen
        (ref, OpinionWord.STRONGLY_DISAGREE, "Ours.", "X", Tlp.GREEN) for ref in (INDICATOR, second)
    ]


def test_a_foreign_grouping_is_a_case() -> None:
    grouping = foreign("grouping", context="own-word", object_refs=[INDICATOR])
    (case,) = from_stix(grouping)
    assert (case.name, case.context) == (grouping["id"], CaseContext.UNSPECIFIED)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (foreign("note", content="x", object_refs=[INDICATOR]), "not-a-record"),
        ({}, "not-a-record"),
        (foreign("sighting"), "no-subject"),
        (foreign("sighting", sighting_of_ref=INDICATOR.replace("indicator", "malware")), "not-an-indicators-id"),
        (foreign("sighting", sighting_of_ref=5), "record-form"),
        (foreign("sighting", sighting_of_ref=INDICATOR, where_sighted_refs="x"), "record-form"),
        (foreign("sighting", sighting_of_ref=INDICATOR, count="many"), "record-form"),
        (foreign("sighting", sighting_of_ref=INDICATOR, modified="soon"), "record-form"),
        (foreign("opinion", opinion="agree", object_refs=["malware--8e2e2d2b"]), "not-about-an-indicator"),
        (foreign("opinion", opinion="agree", object_refs=7), "record-form"),
        (foreign("opinion", opinion="maybe", object_refs=[INDICATOR]), "record-form"),
        (foreign("relationship", source_ref="a", target_ref="b"), "not-a-flow"),
        (
            foreign("relationship", source_ref=1, target_ref=2, extensions={extension.ID: {"source": 1, "target": 2}}),
            "observable-missing",
        ),
        (foreign("grouping", context="unspecified", object_refs=[]), "record-form"),
        (foreign("grouping", context="unspecified", object_refs=["x"]), "record-form"),
        (foreign("sighting", sighting_of_ref=INDICATOR, extensions={extension.ID: 5}, created_by_ref=9), "record-form"),
    ],
)
def test_what_says_no_record_is_refused_with_a_reason(obj: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        from_stix(obj)
    assert refused.value.reason == reason


def test_only_countries_have_reserved_places() -> None:
    assert location.country_of(ids.location("TH"), {}) == "TH"
    assert location.country_of("location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64", {}) is None


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), min_size=1, max_size=40)
LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
TIME = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - in UTC by the strategy
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
SPAN = st.tuples(
    TIME,
    st.timedeltas(
        timedelta(0),
        timedelta(days=400),
    ).map(lambda t: timedelta(milliseconds=t // timedelta(milliseconds=1))),
)
COUNTRIES = st.lists(st.sampled_from(["TH", "KH", "VN", "ZZ"]), max_size=3)
IDS = st.uuids().map(lambda uuid: f"indicator--{uuid}")
ENDS = [
    {"kind": kind.name, "value": example.value, "details": dict(example.details)}
    for kind in kinds.every().values()
    if kind.account or kind.name == "wallet"
    for example in kind.examples()
    if example.value is not None
]


def times(names: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    both = SPAN.map(lambda span: {names[0]: span[0], names[1]: span[0] + span[1]})
    return st.one_of(
        st.just({}), both, TIME.map(lambda moment: {names[0]: moment}), TIME.map(lambda moment: {names[1]: moment})
    )


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    columns: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"reporter": st.sampled_from([REPORTER, "Other Bank"]), "reported_at": TIME},
            optional={
                "tlp": st.sampled_from(list(Tlp)),
                "reference": LINE,
                "description": TEXT,
                "lang": st.sampled_from(["en", "th"]),
            },
        )
    )
    which = draw(st.sampled_from(list(records.MODELS)))
    if which in ("sighting", "outcome", "opinion"):
        columns["of"] = {"ref": draw(IDS)}
    if which in ("sighting", "flow", "case"):
        columns |= draw(times(("first_seen", "last_seen")))
    if which in ("sighting", "flow"):
        columns["count"] = draw(st.integers(1, 999_999_999))
    match which:
        case "sighting":
            columns |= {"countries": draw(COUNTRIES), "seen_by": draw(st.sampled_from([None, REPORTER, "Other Bank"]))}
        case "outcome":
            columns["outcome"] = draw(st.sampled_from(list(Outcome)))
            columns["reason"] = draw(st.sampled_from([None, "other", "own-word"]))
            if columns["outcome"] in (Outcome.BLOCKED, Outcome.FUNDS_HELD):
                columns |= draw(times(("effective_from", "effective_until")))
        case "opinion":
            columns["opinion"] = draw(st.sampled_from(list(OpinionWord)))
        case "flow":
            ends = st.lists(
                st.sampled_from(ENDS), min_size=2, max_size=2, unique_by=lambda end: (end["kind"], end["value"])
            )
            columns["source"], columns["target"] = draw(ends)
            if draw(st.booleans()):
                columns |= {"amount": draw(st.decimals("0.000001", 10**9, places=6)), "currency": "THB"}
        case "case":
            columns |= {
                "name": draw(LINE),
                "context": draw(st.sampled_from(list(CaseContext))),
                "members": [{"ref": each} for each in draw(st.lists(IDS, min_size=1, max_size=4))],
                "scam_type": draw(st.sampled_from(["unknown", "investment", "own-word"])),
                "countries": draw(COUNTRIES),
            }
    return records.get(which).model_validate(columns)


@given(record=any_record())
def test_a_round_trip_loses_nothing(record: Record) -> None:
    *around, obj = to_stix(record)
    assert list(from_stix(obj, REPORTERS, {each["id"]: each for each in around})) == [record]
    assert obj["created"] <= obj["modified"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just(INDICATOR),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([extension.ID, "source", "target", "kind", "outcome"]), inner, max_size=3)
    ),
    max_leaves=8,
)
PROPERTIES = [
    "sighting_of_ref",
    "object_refs",
    "where_sighted_refs",
    "opinion",
    "count",
    "extensions",
    "source_ref",
    "target_ref",
    "name",
    "context",
    "lang",
    "modified",
    "created_by_ref",
    "object_marking_refs",
    "explanation",
]


@given(
    obj=st.sampled_from(
        [
            said("sighting", of=INDICATOR, countries="TH"),
            said("outcome", of=INDICATOR, outcome="blocked"),
            said("case", name="Example", members=INDICATOR),
            said("flow", source="bank-account:DE89370400440532013000", target=WALLET),
        ]
    ),
    properties=st.dictionaries(st.sampled_from(PROPERTIES), JSON, max_size=6),
)
def test_whatever_an_object_says_it_is_a_record_or_refused(obj: dict[str, Any], properties: dict[str, Any]) -> None:
    try:
        found = from_stix({**obj, **properties}, {}, {INDICATOR: {"type": "wallet"}})
    except Rejected:
        return
    assert found
