"""Objects of any origin become records, or are refused with a reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mappers import common_objects, extension, ids, marking
from mappers.record_reader import from_stix
from schemas.errors import Rejected
from schemas.records import Case, Opinion
from schemas.vocabulary import CaseContext, OpinionWord, Tlp
from tests.unit.mappers.record_examples import INDICATOR, WALLET, foreign_object, stix_of


def test_a_foreign_sighting_is_read() -> None:
    places = ["location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64", "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"]
    sighting = foreign_object("sighting", sighting_of_ref=INDICATOR, count=7, where_sighted_refs=places)
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


def test_foreign_opinion_applies_to_each_of_its_indicators() -> None:
    second = INDICATOR.replace("2c", "2d")
    refs = [INDICATOR, "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", second]
    opinion = foreign_object("opinion", opinion="strongly-disagree", object_refs=refs, explanation="Ours.")
    found = from_stix({**opinion, "object_marking_refs": [marking.ref(Tlp.GREEN)]}, {opinion["created_by_ref"]: "X"})
    assert all(isinstance(opinion, Opinion) for opinion in found)
    assert [
        (opinion.of.ref, opinion.opinion, opinion.description, opinion.reporter, opinion.tlp) for opinion in found
    ] == [  # type: ignore[attr-defined]  # opinions, as was seen
        (ref, OpinionWord.STRONGLY_DISAGREE, "Ours.", "X", Tlp.GREEN) for ref in (INDICATOR, second)
    ]


def test_a_foreign_grouping_is_a_case() -> None:
    grouping = foreign_object("grouping", context="own-word", object_refs=[INDICATOR])
    (case,) = from_stix(grouping)
    assert isinstance(case, Case)
    assert (case.name, case.context) == (grouping["id"], CaseContext.UNSPECIFIED)


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (foreign_object("note", content="x", object_refs=[INDICATOR]), "not-a-record"),
        ({}, "not-a-record"),
        (foreign_object("sighting"), "no-subject"),
        (foreign_object("sighting", sighting_of_ref=INDICATOR.replace("indicator", "malware")), "not-an-indicators-id"),
        (foreign_object("sighting", sighting_of_ref=5), "record-form"),
        (foreign_object("sighting", sighting_of_ref=INDICATOR, where_sighted_refs="x"), "record-form"),
        (foreign_object("sighting", sighting_of_ref=INDICATOR, count="many"), "record-form"),
        (foreign_object("sighting", sighting_of_ref=INDICATOR, modified="soon"), "record-form"),
        (foreign_object("opinion", opinion="agree", object_refs=["malware--8e2e2d2b"]), "not-about-an-indicator"),
        (foreign_object("opinion", opinion="agree", object_refs=7), "record-form"),
        (foreign_object("opinion", opinion="maybe", object_refs=[INDICATOR]), "record-form"),
        (foreign_object("relationship", source_ref="a", target_ref="b"), "not-a-flow"),
        (
            foreign_object(
                "relationship", source_ref=1, target_ref=2, extensions={extension.ID: {"source": 1, "target": 2}}
            ),
            "observable-missing",
        ),
        (foreign_object("grouping", context="unspecified", object_refs=[]), "record-form"),
        (foreign_object("grouping", context="unspecified", object_refs=["x"]), "record-form"),
        (
            foreign_object("sighting", sighting_of_ref=INDICATOR, extensions={extension.ID: 5}, created_by_ref=9),
            "record-form",
        ),
    ],
)
def test_non_record_object_is_refused_with_a_reason(obj: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        from_stix(obj)
    assert refused.value.reason == reason


def test_only_countries_have_reserved_places() -> None:
    assert common_objects.country_of(ids.location("TH"), {}) == "TH"
    assert common_objects.country_of("location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64", {}) is None


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
            stix_of("sighting", of=INDICATOR, countries="TH"),
            stix_of("outcome", of=INDICATOR, outcome="blocked"),
            stix_of("case", name="Example", members=INDICATOR),
            stix_of("flow", source="bank-account:DE89370400440532013000", target=WALLET),
        ]
    ),
    properties=st.dictionaries(st.sampled_from(PROPERTIES), JSON, max_size=6),
)
def test_every_object_is_a_record_or_refused(obj: dict[str, Any], properties: dict[str, Any]) -> None:
    try:
        found = from_stix({**obj, **properties}, {}, {INDICATOR: {"type": "wallet"}})
    except Rejected:
        return
    assert found
