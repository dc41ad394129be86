"""A report with limits is published only for the admitted partners, and invisible to the others."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from server.release.results import Results
from tests.times import text_ago

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Withdraws = Callable[[Partner, dict[str, Any]], None]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]

SHARED = [name + full for name in ("takedown", "public", "sightings") for full in ("", "-full")]


@pytest.fixture
def partners(joins: Joins) -> dict[str, Partner]:
    return {
        "first": joins("First Bank", reads=["takedown"]),
        "second": joins("Second Bank", reads=["takedown"]),
        "khmer": joins("Khmer Bank", reads=["takedown"], country="KH"),
        "police": joins("Police", "government"),
    }


Partners = dict[str, Partner]


def live(held: dict[str, dict[str, Any]]) -> set[str]:
    return {id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


@pytest.mark.parametrize("tlp", ["amber", "amber+strict", "red"])
def test_report_that_names_a_partner_is_for_that_partner_only(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed, tlp: str
) -> None:
    said = reports(partners["first"], tlp=tlp, only_partners="Police")
    assert live(own_room(partners["police"])) == {listed(said, to=partners["police"])}
    assert not any(listed(said) in held_by(alias) for alias in SHARED)
    assert not any(listed(said, to=partners[name]) in own_room(partners[name]) for name in ("first", "second", "khmer"))


def test_a_report_that_excludes_a_country_is_in_the_private_collections_of_the_other_readers(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["first"], not_to_countries="KH")
    assert live(own_room(partners["second"])) == {listed(said, to=partners["second"])}
    assert not any(listed(said) in held_by(alias) for alias in SHARED)
    assert not any(listed(said, to=partners[name]) in own_room(partners[name]) for name in ("first", "khmer", "police"))


def test_object_in_a_private_collection_includes_its_references(
    partners: Partners, reports: Reports, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["first"], tlp="red", only_partners="Police")
    held = own_room(partners["police"])
    listing = held[listed(said, to=partners["police"])]
    assert {listing["created_by_ref"], *listing["object_marking_refs"], extension.ID} <= held.keys()
    assert partners["first"].identity not in str(held)


def test_partner_outside_the_audience_learns_nothing_of_a_report(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    """This covers the reporters' number and kinds, the confidence, the dates and the texts."""
    open_ = {"confidence": "50", "scam_type": "investment", "reported_at": text_ago(days=53)}
    said = reports(partners["first"], **open_)
    before = [held_by(alias)[listed(said)] for alias in ("takedown", "takedown-full")]
    reports(
        partners["second"],
        tlp="red",
        only_partners="Police;Khmer Bank",
        confidence="90",
        scam_type="romance",
        action="block",
        countries="KH",
        description="for few eyes",
        first_seen=text_ago(days=62),
        reported_at=text_ago(days=22),
    )
    assert [held_by(alias)[listed(said)] for alias in ("takedown", "takedown-full")] == before
    both = own_room(partners["khmer"])[listed(said, to=partners["khmer"])]
    assert (both["confidence"], extension.context_of(both)["reporters"]) == (95, 2)
    # Police read no shared collection, so their private one must not reveal shared content.
    one = own_room(partners["police"])[listed(said, to=partners["police"])]
    assert (one["confidence"], extension.context_of(one)["reporters"]) == (90, 1)
    assert extension.context_of(one)["scam_type"] == "romance"


def test_reader_of_several_shared_collections_keeps_the_version_for_members(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    """Of two versions of one id, readers keep the one with the later modified time."""
    said = reports(partners["first"], confidence="50", tlp="clear")
    reports(partners["second"], confidence="50", tlp="red", only_partners="Khmer Bank")
    reports(partners["first"], confidence="70", tlp="clear", reported_at=text_ago(days=61))
    public, members = held_by("public")[listed(said)], held_by("takedown")[listed(said)]
    assert public["modified"] < members["modified"]
    alone = own_room(partners["khmer"])[listed(said, to=partners["khmer"])]
    assert [each["confidence"] for each in (public, members, alone)] == [70, 70, 85]


def test_shared_listing_stays_after_the_private_report_ends(
    partners: Partners, reports: Reports, withdraws: Withdraws, held_by: Held, own_room: Own, listed: Listed
) -> None:
    """A revocation in its private collection would remove a listing that it still reads elsewhere."""
    said = reports(partners["first"], confidence="50")
    alone = reports(partners["second"], confidence="50", tlp="red", only_partners="Khmer Bank")
    withdraws(partners["second"], alone)
    kept, shared = own_room(partners["khmer"])[listed(said, to=partners["khmer"])], held_by("takedown")[listed(said)]
    assert (kept.get("revoked", False), kept["confidence"]) == (False, 50)
    assert kept["modified"] > shared["modified"]


def test_end_of_the_last_report_is_revoked_for_its_readers_only(
    partners: Partners, reports: Reports, withdraws: Withdraws, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["first"], confidence="50")
    alone = reports(partners["second"], tlp="red", only_partners="Police")
    before = held_by("takedown")[listed(said)]
    withdraws(partners["second"], alone)
    assert own_room(partners["police"])[listed(said, to=partners["police"])]["revoked"] is True
    assert held_by("takedown")[listed(said)] == before


def test_a_report_that_is_limited_later_leaves_the_shared_collections(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["first"], tlp="clear")
    reports(partners["first"], tlp="red", only_partners="Police", reported_at=text_ago(days=61))
    assert all(held_by(alias)[listed(said)]["revoked"] for alias in ("takedown", "takedown-full", "public"))
    assert live(own_room(partners["police"])) == {listed(said, to=partners["police"])}


def test_only_the_contributor_learns_that_its_limits_admit_no_reader(
    partners: Partners, stix: Stix, post: Post
) -> None:
    (pending,) = post(stix(tlp="red", reporter="First Bank")[1], by=partners["first"]).pending
    assert "add only_partners" in pending.message


def test_an_annotation_of_a_private_listing_is_published_in_private_collections_only(
    partners: Partners, reports: Reports, records_of: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["first"], tlp="red", only_partners="Police;Khmer Bank")
    sighting = records_of(partners["police"], "sighting", of=listed(said, to=partners["police"]))
    assert not any(sighting["id"] in held_by(alias) for alias in SHARED)
    assert sighting["id"] not in own_room(partners["second"])
