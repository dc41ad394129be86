"""Annotations are rebuilt from known properties. Unknown names, types and lengths are dropped."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from mappers import annotation, extension, marking
from mappers.records import to_stix
from schemas import tabular
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from tests.searches import examples

REF = "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
ACCOUNT, OTHER_ACCOUNT = "DE89370400440532013000", "GB29NWBK60161331926819"
DEFAULTS = {"reporter": "Example Bank", "reported_at": "2026-10-02T08:00:00.000Z", "tlp": "green", "reference": "C-1"}
COLUMNS: dict[str, dict[str, Any]] = {
    "sighting": {"of": REF, "count": "12", "first_seen": "2026-10-01", "countries": "TH,SG", "description": "seen"},
    "outcome": {"of": REF, "outcome": "blocked", "reason": "legal-order", "effective_from": "2026-10-01"},
    "opinion": {"of": REF, "opinion": "disagree", "description": "no scam"},
    "case": {"name": "Operation", "members": REF, "scam_type": "investment", "countries": "TH", "sha256": "0a" * 32},
    "flow": {"source": f"bank-account:{ACCOUNT}", "target": f"bank-account:{OTHER_ACCOUNT}", "amount": "1200"}
    | {"currency": "EUR", "count": "3", "first_seen": "2026-10-01T00:00:00Z"},
}
NOTE = {
    "type": "note",
    "spec_version": "2.1",
    "id": "note--ee20065d-2555-424f-ad9e-0f8428623c75",
    "created": "2026-10-02T08:00:00.000Z",
    "modified": "2026-10-02T08:00:00.000Z",
    "abstract": "A note",
    "content": "Seen in three campaigns.",
    "object_refs": [REF],
    "object_marking_refs": [marking.ref(Tlp.GREEN)],
}


def made(which: str) -> dict[str, Any]:
    if which == "note":
        return dict(NOTE)
    return to_stix(tabular.read_record(which, COLUMNS[which], DEFAULTS))[-1]


WHICH = (*COLUMNS, "note")


@pytest.mark.parametrize("which", WHICH)
def test_annotations_of_our_own_are_published_whole(which: str) -> None:
    assert annotation.rebuild(made(which), Tlp.GREEN) == (made(which), (), False)


@pytest.mark.parametrize("which", WHICH)
def test_rebuilding_again_changes_nothing(which: str) -> None:
    once = annotation.rebuild({**made(which), "count": 812_345_678, "x_more": 1}, Tlp.AMBER).obj
    assert annotation.rebuild(once, Tlp.AMBER) == (once, (), False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_more", "words"),
        ("value", "words"),
        ("context", "words"),
        ("iban", "words"),
        ("user_id", 4242),
        ("lang", "en-words-and-more"),
        ("lang", 5),
        ("confidence", 812_345_678),
        ("confidence", True),
        ("labels", ["words"]),
        ("external_references", [{"source_name": "words", "description": "words"}]),
        ("granular", {"words": "words"}),
        ("authors", ["words"]),
        ("revoked", "words"),
        ("description", {"words": "words"}),
        ("description", "words" * 500),
        ("where_sighted_refs", ["words"]),
        ("where_sighted_refs", [f"user-account--{NOTE['id'][6:]}"]),
        ("summary", "words"),
        ("count", "812345678"),
        ("observed_data_refs", ["observed-data--words"]),
        ("spec_version", "words"),
        ("created_by_ref", "identity--words"),
    ],
)
def test_unknown_and_malformed_properties_are_left_out_and_named(name: str, value: Any) -> None:
    rebuilt = annotation.rebuild({**made("sighting"), name: value}, Tlp.GREEN)
    assert "words" not in str(rebuilt.obj)
    assert rebuilt.obj.get(name) != value
    assert rebuilt.left_out == (name,)
    assert rebuilt.message == f"published without unknown properties: {name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", "words"),
        ("countries", ["words"]),
        ("reference", ["words"]),
        ("reference", "words" * 50),
        ("sharing", {"words": True}),
        ("outcome", "words"),
        ("feedback", {"words": "words"}),
    ],
)
def test_unknown_and_malformed_properties_of_our_extension_are_left_out_and_named(name: str, value: Any) -> None:
    sighting = made("sighting")
    context = {**extension.context_of(sighting), name: value}
    rebuilt = annotation.rebuild({**sighting, "extensions": {extension.ID: context}}, Tlp.GREEN)
    assert "words" not in str(rebuilt.obj)
    assert rebuilt.left_out == (f"extensions.{name}",)


def test_extensions_of_others_are_left_out() -> None:
    note = {**NOTE, "extensions": {"extension-definition--1": {"extension_type": "property-extension", "x": "words"}}}
    assert annotation.rebuild(note, Tlp.GREEN) == (NOTE, ("extensions of others",), False)


def test_message_shows_no_property_name_that_could_be_personal() -> None:
    rebuilt = annotation.rebuild({**NOTE, "Jane Doe": 1, "+66812345678": 1, "x_more": 1}, Tlp.GREEN)
    assert rebuilt.message == "published without unknown properties: x_more, 2 more"


def test_markings_follow_the_effective_level() -> None:
    other = "marking-definition--11111111-1111-4111-8111-111111111111"
    rebuilt = annotation.rebuild({**NOTE, "object_marking_refs": [other], "labels": ["tlp:amber"]}, Tlp.AMBER)
    assert rebuilt.obj["object_marking_refs"] == [marking.ref(Tlp.AMBER)]


def test_possibly_personal_numbers_are_rounded() -> None:
    for count, published in ((999_999, 999_999), (812_345_678, 812_000_000), (999_999_999, 999_000_000)):
        rebuilt = annotation.rebuild({**made("sighting"), "count": count}, Tlp.GREEN)
        assert rebuilt.obj["count"] == published


def test_digits_of_a_time_beyond_the_microsecond_are_cut() -> None:
    rebuilt = annotation.rebuild({**NOTE, "modified": "2026-10-02T08:00:00.0812345678Z"}, Tlp.GREEN)
    assert rebuilt.obj["modified"] == "2026-10-02T08:00:00.081Z"


def test_amount_between_accounts_is_published_in_two_digits() -> None:
    flow = made("flow")
    context = {**extension.context_of(flow), "amount": "4242424242424242.42"}
    rebuilt = annotation.rebuild({**flow, "extensions": {extension.ID: context}}, Tlp.GREEN)
    assert extension.context_of(rebuilt.obj)["amount"] == "4200000000000000"


def test_limits_are_published_in_ids_and_closed_words() -> None:
    sharing = {"only_partners": ["identity--words", "words"], "purposes": ["words"], "not_to_countries": ["KH"]}
    rebuilt = annotation.rebuild({**NOTE, "extensions": {extension.ID: {"sharing": sharing}}}, Tlp.GREEN)
    published = extension.context_of(rebuilt.obj)["sharing"]
    assert "words" not in str(published)
    assert published["not_to_countries"] == ["KH"]
    assert len(published["only_partners"]) == 2
    assert published["onward"] is False


@pytest.mark.parametrize(
    "change",
    [{"content": "words " * 2_000}, {"content": ""}, {"object_refs": ["words"]}, {"object_refs": []}],
    ids=["too long", "empty", "no id", "none"],
)
def test_an_annotation_without_a_required_property_is_not_published(change: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="cannot be published in this form"):
        annotation.rebuild({**NOTE, **change}, Tlp.GREEN)


def test_other_types_are_no_annotations() -> None:
    for type_ in ("indicator", "identity", "language-content", "x-anything"):
        with pytest.raises(Rejected):
            annotation.rebuild({"type": type_}, Tlp.GREEN)


FREE = ("description", "explanation", "content", "abstract", "name")
PLACES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
NESTED = st.recursive(
    st.just("qzmarkerqz"),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(PLACES, inner, min_size=1, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(WHICH), st.data())
@settings(deadline=None, max_examples=examples(200))
def test_no_malformed_property_is_ever_published(which: str, data: st.DataObject) -> None:
    obj = made(which)
    name = data.draw(PLACES | st.sampled_from(sorted(obj)))
    value = data.draw(NESTED | st.just({extension.ID: data.draw(NESTED)}))
    if name == "type":
        return  # the guard has checked it
    if name in FREE:
        value = {"in": value}
    try:
        published = annotation.rebuild({**obj, name: value}, Tlp.GREEN).obj
    except Rejected:
        return
    assert "qzmarkerqz" not in str(published)
