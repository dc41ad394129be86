"""Contributions without new information make no new versions."""

from collections.abc import Callable
from typing import Any

from mappers import extension
from server.release.results import Results
from server.store import Store
from tests.times import text_ago

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]

RELEASED = ("takedown", "mule-accounts", "wallets", "sightings", "public")


def test_contributing_twice_changes_nothing(store: Store, stix: Stix, post: Post, held_by: Held) -> None:
    objects = stix(tlp="clear")
    post(*objects)
    before = {alias: held_by(alias) for alias in (*RELEASED, "takedown-full")}
    outcome = post(*objects)
    assert len(outcome.accepted) == len(objects)
    assert {alias: held_by(alias) for alias in before} == before


def test_list_repeated_next_day_makes_no_new_versions(stix: Stix, post: Post, held_by: Held) -> None:
    post(*stix())
    before = held_by("takedown-full")
    post(*stix(reported_at=text_ago(days=61)))
    assert held_by("takedown-full") == before


def test_repeat_extends_an_indicator_after_half_its_life(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    first, again = stix()[1], stix(reported_at=text_ago(days=12))[1]
    post(first)
    before = held_by("takedown")[listed(first)]
    post(again)
    now = held_by("takedown")[listed(first)]
    assert now["valid_until"] == again["valid_until"] > before["valid_until"] == first["valid_until"]
    assert now["created"] == before["created"]
    assert now["modified"] > before["modified"]


def test_a_change_that_a_reader_acts_on_is_a_new_version(stix: Stix, post: Post, held_by: Held, listed: Listed) -> None:
    first, again = stix(confidence="90")[1], stix(confidence="90", reported_at=text_ago(days=61), action="warn")[1]
    post(first)
    before = held_by("takedown")[listed(first)]
    post(again)
    now = held_by("takedown")[listed(first)]
    assert now["modified"] > before["modified"]
    assert [extension.context_of(each)["grade"] for each in (before, now)] == ["block", "warn"]


def test_an_older_version_behind_a_newer_one_is_not_released(
    stix: Stix, post: Post, held_by: Held, listed: Listed
) -> None:
    older, newer = stix()[1], stix(tlp="red", reported_at=text_ago(days=61))[1]
    post(newer, older)
    assert listed(older) not in held_by("takedown")
