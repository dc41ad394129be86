"""The objects delivered to a partner with filters in its settings."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Outgoing, PushSettings
from feeds.runs.push import matches, select_items
from mappers import ids
from mappers.indicator import Profile, to_stix
from schemas.tabular import ReportReader
from server.store import Store, collections, deliveries
from server.store.item import Item

SAID = {"reporter": "Example Telecom", "reported_at": "2026-01-01T00:00:00Z"}


def objects(profile: Profile = Profile.FULL, **row: str) -> list[dict[str, Any]]:
    return to_stix(ReportReader(SAID).report(row), profile)


DOMAIN = objects(kind="domain", value="shop.example.com", action="block", countries="TH;SG")
PHONE = objects(kind="phone", value="+66 2 123 4567", action="warn")
ALL = [Item.of(obj) for obj in [*DOMAIN, *PHONE]]


@pytest.fixture
def outgoing(initial_store: Path, tmp_path: Path) -> Iterator[Outgoing]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    with store.read() as tx:
        collection = collections.get(tx, "takedown-full")
    yield Outgoing(store, collection, "tested", "Example Bank")
    store.close()


def settings(**more: Any) -> PushSettings:
    said = {"name": "tested", "connector": "x", "partner": "Example Bank", "collection": "takedown-full"}
    return PushSettings.model_validate({**said, **more})


def indicator(found: list[dict[str, Any]]) -> dict[str, Any]:
    return next(obj for obj in found if obj["type"] == "indicator")


def test_everything_is_delivered_without_filters(outgoing: Outgoing) -> None:
    assert select_items(outgoing, settings(), ALL) == ALL


def test_kind_is_delivered_with_observable_and_relationship(outgoing: Outgoing) -> None:
    went = select_items(outgoing, settings(kinds=["domain"]), ALL)
    assert [item.id for item in went] == [obj["id"] for obj in DOMAIN]


@pytest.mark.parametrize(
    ("more", "domain", "phone"),
    [
        ({"kinds": ["domain", "phone"]}, True, True),
        ({"actions": ["block", "hold"]}, True, False),
        ({"actions": ["warn"]}, False, True),
        ({"countries": ["SG"]}, True, False),
        ({"countries": ["DE"]}, False, False),
        ({"kinds": ["domain"], "actions": ["warn"]}, False, False),
    ],
)
def test_indicator_is_delivered_if_every_filter_matches(more: dict[str, Any], domain: bool, phone: bool) -> None:
    assert matches(settings(**more), indicator(DOMAIN)) is domain
    assert matches(settings(**more), indicator(PHONE)) is phone


def test_delivered_object_is_delivered_again_after_any_change(outgoing: Outgoing) -> None:
    before = Item.of(indicator(PHONE))
    now = before._replace(version=(before.version or 0) + 1)
    only = settings(actions=["block"])
    assert select_items(outgoing, only, [now]) == []
    with outgoing.store.begin() as tx:
        deliveries.record(tx, "tested", "Example Bank", [before], "success")
    assert select_items(outgoing, only, [now]) == [now]


def test_sighting_is_delivered_with_its_indicator(outgoing: Outgoing) -> None:
    said = {"type": "sighting", "spec_version": "2.1", "id": "sighting--6ba7b810-9dad-41d1-80b4-00c04fd430c8"}
    moment = "2026-01-02T00:00:00.000Z"
    about = {"created": moment, "modified": moment, "sighting_of_ref": indicator(DOMAIN)["id"]}
    sighting = Item.of({**said, **about})
    ours = Item.of(indicator(DOMAIN))
    assert select_items(outgoing, settings(kinds=["domain"]), [ours, sighting]) == [ours, sighting]
    assert select_items(outgoing, settings(kinds=["phone"]), [ours, sighting]) == []


def test_identities_and_markings_are_always_delivered(outgoing: Outgoing) -> None:
    moment = "2026-01-01T00:00:00.000Z"
    said = {"type": "identity", "id": ids.identity("Example Telecom"), "spec_version": "2.1", "created": moment}
    identity = Item.of({**said, "modified": moment, "name": "Example Telecom"})
    assert select_items(outgoing, settings(kinds=["wallet"]), [identity]) == [identity]


def test_kind_of_a_foreign_indicator_follows_from_its_pattern() -> None:
    theirs = {key: value for key, value in indicator(DOMAIN).items() if key not in ("extensions", "labels")}
    assert matches(settings(kinds=["domain"]), theirs)
    assert not matches(settings(kinds=["phone"]), theirs)
    assert not matches(settings(kinds=["domain"]), theirs | {"pattern": "[file:name = 'x']"})
    assert not matches(settings(countries=["TH"]), theirs)


def test_label_of_ours_without_the_extension_is_ignored() -> None:
    forged = {key: value for key, value in indicator(PHONE).items() if key != "extensions"}
    forged |= {"labels": ['scam:kind="domain"']}
    assert not matches(settings(kinds=["domain"]), forged)
