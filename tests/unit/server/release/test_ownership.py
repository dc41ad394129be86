"""Partners cannot change or impersonate objects of others."""

from collections.abc import Callable
from typing import Any

from mappers import extension
from schemas.partner import Partner
from server.release.results import Results
from tests.times import text_ago

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]


def test_partner_cannot_version_or_revoke_objects_of_another(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")[listed(indicator)]
    forged = {**indicator, "modified": text_ago(days=61), "revoked": True}
    outcome = post(forged, by=other)
    assert [each.id for each in outcome.failed] == [indicator["id"]]
    assert other.identity in outcome.failed[0].message
    assert held_by("takedown")[listed(indicator)] == before
    assert held_by("inbox")[indicator["id"]] == indicator


def test_contribution_needs_a_creator(stix: Stix, post: Post, held_by: Held) -> None:
    indicator = stix()[1]
    del indicator["created_by_ref"]
    outcome = post(indicator)
    assert "created_by_ref is missing" in outcome.failed[0].message
    assert indicator["id"] not in held_by("inbox")


def test_claiming_to_be_the_creator_of_anothers_object_changes_nothing(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    post(indicator)
    before = held_by("takedown")
    for change in ({"revoked": True}, {"pattern": "[domain-name:value = 'innocent.example.com']"}):
        forged = {**indicator, **change, "created_by_ref": other.identity, "modified": text_ago(days=61)}
        assert not post(forged, by=other).failed
    after = held_by("takedown")
    assert {id_: obj for id_, obj in after.items() if id_ in before} == before
    assert not any(obj.get("revoked") for obj in after.values())


def test_claimed_id_does_not_silence_its_owner(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner
) -> None:
    indicator = stix()[1]
    squatting = {**indicator, "created_by_ref": other.identity, "revoked": True}
    post(squatting, by=other)
    outcome = post(indicator)
    assert not outcome.failed
    patterns = [(each["id"], each["pattern"]) for each in held_by("takedown").values() if "pattern" in each]
    assert patterns == [(listed(indicator), indicator["pattern"])]


def test_only_the_hub_defines_markings_and_extensions(stix: Stix, post: Post, held_by: Held, other: Partner) -> None:
    post(stix()[1])
    before = held_by("takedown")[extension.ID]
    forged = {**before, "created_by_ref": other.identity, "modified": text_ago(days=61), "revoked": True}
    post(forged, by=other)
    assert held_by("takedown")[extension.ID] == before
    assert extension.ID not in held_by("inbox")
