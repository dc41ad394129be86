"""A withdrawn report is withdrawn in every collection, permanently."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas import timestamp
from server.release import review
from server.release.results import Results
from server.store import Store
from tests.times import text_ago
from tests.unit.server.release.collection_members import holding

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]


def test_the_last_revocation_reaches_every_collection_and_ends_the_listing(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear")[1]
    post(indicator)
    before = held_by("takedown")[listed(indicator)]
    post({**indicator, "modified": text_ago(days=61), "revoked": True})
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        version = held_by(alias)[listed(indicator)]
        assert version["revoked"] is True
        assert before["modified"] < version["modified"]
        assert before["valid_until"] > version["valid_until"] <= timestamp.text(timestamp.now())
        assert (version["pattern"], version["created"]) == (indicator["pattern"], before["created"])


def test_revocation_reveals_no_new_text(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    indicator = stix(tlp="clear", description="for all to read")[1]
    post(indicator)
    secret = {"description": "for few eyes", "object_marking_refs": stix(tlp="red")[1]["object_marking_refs"]}
    post({**indicator, **secret, "modified": text_ago(days=61), "revoked": True})
    assert held_by("public")[listed(indicator)]["description"] == indicator["description"]
    assert held_by("public")[listed(indicator)]["revoked"] is True


def test_revoked_value_is_relisted_by_the_next_list_only_after_review(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix()[1]
    post(indicator)
    post({**indicator, "modified": text_ago(days=61), "revoked": True})
    again = stix(reported_at=text_ago(days=60))[1]
    outcome = post(again)
    assert not outcome.failed
    assert "you reported this value before" in outcome.pending[0].message
    assert held_by("inbox")[again["id"]] == {**again, "created": indicator["created"]}
    assert held_by("takedown")[listed(indicator)]["revoked"] is True
    assert listed(indicator, 1) not in held_by("takedown")
    with store.read() as tx:
        assert review.find(tx, again["id"]).rule == "listed-again"


def test_object_revoked_in_its_own_post_is_not_published(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix(tlp="clear")[1]
    outcome = post(indicator, {**indicator, "modified": text_ago(days=61), "revoked": True})
    assert len(outcome.accepted) == 2
    assert holding(store, held_by, listed(indicator)) == set()
    assert held_by("inbox")[indicator["id"]]["revoked"] is True


def test_object_revoked_and_repeated_in_a_post_waits_for_review(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    indicator = stix()[1]
    post(indicator)
    later = {**indicator, "modified": text_ago(days=60), "confidence": 90}
    outcome = post({**indicator, "modified": text_ago(days=61), "revoked": True}, later)
    assert [each.id for each in outcome.pending] == [indicator["id"]]
    assert held_by("takedown")[listed(indicator)]["revoked"] is True


@pytest.mark.parametrize(("tlp", "left"), [("amber", {"takedown", "takedown-full"}), ("red", set())])
def test_narrower_marking_revokes_wider_copies(
    stix: Stix, post: Post, held_by: Held, listed: Listed, tlp: str, left: set[str]
) -> None:
    post(stix(tlp="clear")[1])
    narrower = stix(tlp=tlp, reported_at=text_ago(days=61))[1]
    post(narrower)
    for alias in ("takedown", "takedown-full", "public", "public-full"):
        copy = held_by(alias)[listed(narrower)]
        assert copy.get("revoked", False) is (alias not in left)
        assert copy["object_marking_refs"] == narrower["object_marking_refs"] or alias not in left


def test_a_revocation_never_extends_a_life(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    until = text_ago(days=58)
    indicator = {**stix()[1], "valid_until": until}
    post(indicator)
    post({**indicator, "modified": text_ago(days=61), "revoked": True})
    assert held_by("takedown")[listed(indicator)]["valid_until"] == until
