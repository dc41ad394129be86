"""Indicators of this hub and of other makers as listings in look-up results."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from mappers import extension, indicator, marking
from mappers.listing import listing_of, listing_of_bytes
from schemas.api.lookup import ListedHold, ListedReferral
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action, Tlp

_ACCOUNT = Report.model_validate(
    {
        "kind": "bank-account",
        "value": "1234567890",
        "details": {"bank": "KBANK", "country": "TH"},
        "reporter": "bank-one",
        "reported_at": "2026-11-01T00:00:00Z",
        "scam_type": "investment",
        "confidence": 70,
        "action": "hold",
        "holder_status": "coerced",
        "hold": {"amount": "1500.50", "currency": "THB", "until": "2026-12-01T00:00:00Z"},
        "tlp": "green",
    }
)
_FOREIGN = {
    "type": "indicator",
    "id": "indicator--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d11",
    "created": "2026-11-01T00:00:00Z",
    "modified": "2026-11-01T00:00:00Z",
    "pattern": "[domain-name:value = 'shop.example.com']",
    "pattern_type": "stix",
    "valid_from": "2026-11-01T00:00:00Z",
}


def _of_the_hub(**context: Any) -> dict[str, Any]:
    [obj] = indicator.to_stix(_ACCOUNT, indicator.Profile.CORE)
    return {**obj, "extensions": {**obj["extensions"], extension.ID: {**extension.context_of(obj), **context}}}


def test_listing_of_a_hub_is_read_completely() -> None:
    found = listing_of(
        _of_the_hub(
            grade="hold",
            reporters=2,
            reporter_kinds=["bank", "telecom"],
            disputed=True,
            referral={"organisation": "Anti-trafficking line", "contact": "1300"},
        ),
        "mule-accounts",
    )
    assert found is not None
    assert (found.collection, found.grade, found.confidence) == ("mule-accounts", Action.HOLD, 70)
    assert (found.reporters, found.reporter_kinds) == (2, ("bank", "telecom"))
    assert (found.scam_type, found.holder_status, found.disputed, found.tlp) == ("investment", "coerced", True, "green")
    assert found.hold == ListedHold(amount="1500.5", currency="THB", until="2026-12-01T00:00:00.000Z")
    assert found.referral == ListedReferral("Anti-trafficking line", "1300")
    assert (found.valid_until, found.modified) == ("2026-12-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z")


def test_report_without_a_consensus_has_its_requested_grade() -> None:
    found = listing_of(_of_the_hub(), "mule-accounts")
    assert found is not None
    assert (found.grade, found.reporters, found.reporter_kinds) == (Action.HOLD, None, ())


def test_an_indicator_without_any_grade_has_the_weakest() -> None:
    found = listing_of(_FOREIGN, "their-collection")
    assert found is not None
    assert (found.grade, found.valid_until, found.tlp) == (Action.INVESTIGATE, None, "amber")


@pytest.mark.parametrize("obj", [{**_FOREIGN, "revoked": True}, {"type": "identity"}])
def test_revoked_and_other_objects_are_no_listings(obj: dict[str, Any]) -> None:
    assert listing_of(obj, "takedown") is None


def test_unreadable_end_is_refused() -> None:
    with pytest.raises(Rejected):
        listing_of({**_FOREIGN, "valid_until": "soon"}, "takedown")


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_PROPERTIES = ("grade", "reporters", "reporter_kinds", "disputed", "holder_status", "hold", "referral", "scam_type")


@given(st.dictionaries(st.sampled_from(_PROPERTIES), _ANYTHING))
def test_foreign_context_is_harmless(context: dict[str, Any]) -> None:
    try:
        found = listing_of({**_FOREIGN, "extensions": {extension.ID: context}}, "takedown")
    except Rejected:
        return
    assert found is not None
    assert found.grade in Action


@given(
    st.just({}) | st.dictionaries(st.sampled_from(_PROPERTIES), _ANYTHING, max_size=1),
    st.fixed_dictionaries(
        {},
        optional={
            "grade": st.sampled_from(["block", "hold", "odd"]),
            "reporters": st.integers(),
            "disputed": st.booleans(),
            "sandbox": st.booleans(),
            "holder_status": st.sampled_from(["coerced", "odd"]),
            "hold": st.fixed_dictionaries(
                {"until": st.sampled_from(["2026-12-01T00:00:00.000Z", "soon"])},
                optional={
                    "amount": st.sampled_from(["5", ""]),
                    "currency": st.just("THB"),
                    "reference": st.just("c-1"),
                },
            ),
            "referral": st.fixed_dictionaries({"organisation": st.just("Line"), "contact": st.text(max_size=2)}),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "revoked": st.booleans(),
            "valid_until": st.sampled_from(["2027-01-01T00:00:00.000Z", "soon"]),
            "confidence": st.integers(0, 100) | st.none(),
            "labels": st.lists(st.sampled_from(["tlp:red", "scam"]), max_size=2),
            "granular_markings": st.just([{"marking_ref": "x", "selectors": ["name"]}]),
            "object_marking_refs": st.lists(st.sampled_from([marking.ref(tlp) for tlp in Tlp]), max_size=2),
        },
    ),
)
def test_fast_reader_agrees_with_the_full_reader(
    odd: dict[str, Any], context: dict[str, Any], more: dict[str, Any]
) -> None:
    hub = _of_the_hub(grade="hold", reporters=2, reporter_kinds=["bank"])
    obj = {**hub, **more, "extensions": {extension.ID: {**extension.context_of(hub), **context, **odd}}}
    body = msgspec.json.encode(obj)
    try:
        whole = listing_of(msgspec.json.decode(body), "takedown")
    except Rejected:
        with pytest.raises(Rejected):
            listing_of_bytes(body, "takedown")
        return
    assert listing_of_bytes(body, "takedown") == whole
