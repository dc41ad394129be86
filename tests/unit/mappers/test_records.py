"""Records become STIX that plain STIX readers understand."""

from typing import Any

import pytest

from mappers import common_objects, extension, ids
from mappers.indicator import Profile, to_stix as report_to_stix
from mappers.record_reader import from_stix
from mappers.records import beside, to_stix
from schemas import tabular
from schemas.errors import Rejected
from schemas.tabular import ReportReader
from schemas.vocabulary import OutcomeWord
from tests.unit.mappers.record_examples import DEFAULTS, INDICATOR, REPORTER, REPORTERS, WALLET, record, stix_of


def test_sighting_without_a_place_has_a_default_one() -> None:
    assert stix_of("sighting", of=INDICATOR)["where_sighted_refs"] == [ids.identity(REPORTER)]


def test_country_is_a_separate_location_object() -> None:
    seen = record("sighting", of=INDICATOR, countries="TH", seen_by="Other Bank")
    identity, country = beside(seen)
    assert to_stix(seen)[-1]["where_sighted_refs"] == [identity["id"], country["id"]]
    assert (country["type"], country["country"], country["name"]) == ("location", "TH", "Thailand")
    assert country["id"] in common_objects.reserved_ids()


def test_sightings_at_different_places_are_different_sightings() -> None:
    times = {"first_seen": "2026-01-01", "last_seen": "2026-01-02"}
    places: list[dict[str, Any]] = [{}, {"countries": "TH"}, {"countries": "TH,KH"}, {"seen_by": "Other Bank"}]
    assert len({stix_of("sighting", of=INDICATOR, **times, **place)["id"] for place in places}) == len(places)


def test_more_of_the_same_sighting_is_a_new_version_of_it() -> None:
    first, later = (
        stix_of("sighting", of=INDICATOR, first_seen="2026-01-01", count=count, reported_at=at)
        for count, at in ((1, "2026-01-15"), (5, "2026-01-16"))
    )
    assert first["id"] == later["id"]
    assert first["modified"] < later["modified"]


@pytest.mark.parametrize(
    ("word", "opinion"),
    [
        (OutcomeWord.BLOCKED, "agree"),
        (OutcomeWord.TAKEN_DOWN, "strongly-agree"),
        (OutcomeWord.HELD, "strongly-agree"),
        (OutcomeWord.NO_ACTION, "neutral"),
        (OutcomeWord.FALSE_POSITIVE, "strongly-disagree"),
        (OutcomeWord.ALREADY_KNOWN, "agree"),
    ],
)
def test_readers_of_plain_stix_see_agreement_or_dissent(word: OutcomeWord, opinion: str) -> None:
    done = stix_of("outcome", of=INDICATOR, outcome=word.value)
    assert (done["type"], done["opinion"], done["object_refs"]) == ("opinion", opinion, [INDICATOR])
    assert f'scam:outcome="{word.value}"' in done["labels"]
    assert " / " in done["explanation"]


def test_simultaneous_opinions_have_different_creation_times() -> None:
    """OpenCTI merges opinions with the same word and creation time."""
    report = [f"indicator--2c4125de-07a4-58ff-80f6-{number:012x}" for number in range(200)]
    made = [stix_of("outcome", of=ref, outcome="blocked") for ref in report]
    assert len({obj["created"] for obj in made}) == len(made)
    assert all("2026-01-14T08:00:00.000Z" < obj["created"] <= obj["modified"] for obj in made)


def test_a_repeated_outcome_keeps_its_id() -> None:
    first, later = (
        stix_of("outcome", of=INDICATOR, outcome="blocked", reported_at=at) for at in ("2026-01-15", "2026-01-16")
    )
    assert first["id"] == later["id"]


def test_outcomes_are_separate_per_partner_and_per_hold() -> None:
    columns = {"of": INDICATOR, "outcome": "held"}
    ours = stix_of("outcome", **columns)
    theirs = to_stix(tabular.read_record("outcome", columns, {**DEFAULTS, "reporter": "Other Bank"}))[-1]
    later = stix_of("outcome", **columns, effective_from="2026-01-20")
    assert len({ours["id"], theirs["id"], later["id"]}) == 3


def test_a_flow_joins_the_observables_that_indicators_are_based_on() -> None:
    source, target, flow = to_stix(record("flow", source="bank-account:DE89370400440532013000", target=WALLET))
    reader = ReportReader(DEFAULTS)
    based_on = [
        report_to_stix(reader.report({"kind": kind, "value": value}))[0]
        for kind, value in (("bank-account", "DE89370400440532013000"), tuple(WALLET.split(":")))
    ]
    assert [source, target] == based_on
    assert (flow["source_ref"], flow["target_ref"]) == (source["id"], target["id"])
    assert flow["relationship_type"] == "related-to"


def test_flow_of_one_moment_has_no_stop_time() -> None:
    flow = stix_of(
        "flow",
        source="bank-account:DE89370400440532013000",
        target=WALLET,
        first_seen="2026-01-01",
        last_seen="2026-01-01",
    )
    assert "stop_time" not in flow
    assert flow["extensions"][extension.ID]["last_seen"] == flow["start_time"]


def test_opencti_accepts_our_flows_between_accounts() -> None:
    flow = record("flow", source="bank-account:TH:KASITHBK:1234567890", target=WALLET)
    source, _, relationship = to_stix(flow, Profile.OPENCTI)
    assert (source["type"], source["user_id"]) == ("user-account", "TH:KASITHBK:1234567890")
    assert list(from_stix(relationship, REPORTERS, {obj["id"]: obj for obj in to_stix(flow, Profile.OPENCTI)})) == [
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


def test_case_keeps_its_id_when_members_are_added() -> None:
    small = stix_of("case", name="Example", members=[INDICATOR], reference="case 42")
    larger = stix_of("case", name="Renamed", members=[INDICATOR, INDICATOR.replace("2c", "2d")], reference="case 42")
    assert small["id"] == larger["id"]


@pytest.mark.parametrize("profile", list(Profile))
def test_a_value_with_its_reporters_name_is_that_reporters_indicator(profile: Profile) -> None:
    value = {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"}
    report = ReportReader({**DEFAULTS, "reporter": "Other Bank"}).report(value)
    (indicator,) = (obj["id"] for obj in report_to_stix(report, profile) if obj["type"] == "indicator")
    done = record("outcome", of={**value, "reporter": "Other Bank"}, outcome="blocked")
    assert to_stix(done, profile)[-1]["object_refs"] == [indicator]


def test_a_value_without_reporter_names_no_indicator() -> None:
    with pytest.raises(Rejected, match="indicator-not-named"):
        stix_of("sighting", of="domain:shop.example.com")


def test_no_record_but_a_flow_shows_a_value() -> None:
    """Readers of sightings may lack access to the values. A flow is published only if both its ends are."""
    value = {"kind": "bank-account", "value": "TH:KASITHBK:1234567890", "reporter": "Other Bank"}
    for which, columns in (
        ("sighting", {"of": value}),
        ("outcome", {"of": value, "outcome": "blocked"}),
        ("opinion", {"of": value, "opinion": "agree"}),
        ("case", {"name": "Example", "members": [value]}),
    ):
        assert "1234567890" not in str(to_stix(record(which, **columns)))
