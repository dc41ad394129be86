from collections.abc import Callable
from typing import Any

import pytest

from mappers import ids
from schemas.partner import Partner
from server.features.receipts import timeline
from server.features.receipts.timeline import Journey
from server.release.results import Results
from server.store import Store, collections, log, read_progress
from tests.times import text_ago

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Listed = Callable[..., str]


def _read_on(store: Store, reader: str) -> None:
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [(reader, takedown.id, log.last_added(tx, takedown) or 0)])


def _opinion(partner: Partner, about: str, outcome: str, word: str) -> dict[str, Any]:
    moment = text_ago(days=30)
    return {
        "type": "opinion",
        "spec_version": "2.1",
        "id": ids.opinion(partner.identity, about, outcome),
        "created_by_ref": partner.identity,
        "created": moment,
        "modified": moment,
        "opinion": word,
        "object_refs": [about],
        "extensions": {
            "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c": {
                "extension_type": "property-extension",
                "outcome": outcome,
            }
        },
    }


@pytest.fixture
def reported(stix: Stix, post: Post) -> dict[str, Any]:
    (indicator,) = (obj for obj in stix() if obj["type"] == "indicator")
    assert post(indicator).accepted
    return indicator


def test_an_object_is_reported_and_released_before_it_is_read_and_acted_on(
    reported: dict[str, Any], store: Store, listed: Listed, other: Partner, post: Post
) -> None:
    published = listed(reported)
    with store.begin() as tx:
        collections.grant(tx, other.name, collections.get(tx, "takedown"), read=True)
        (first,) = timeline.recent(tx)
    assert first.id == published
    assert first.reported is not None
    assert first.released is not None
    assert (first.read, first.acted) == (None, None)
    _read_on(store, other.name)
    assert post(_opinion(other, published, "no-action", "neutral"), by=other).accepted
    with store.read() as tx:
        read = timeline.of(tx, [published])[published]
    assert read.read is not None
    assert read.acted is None
    assert post(_opinion(other, published, "blocked", "agree"), by=other).accepted
    with store.read() as tx:
        acted = timeline.of(tx, [published])[published]
    assert acted.acted is not None
    assert acted[:4] == read[:4]
    assert first.reported <= first.released <= read.read


def test_a_report_has_the_journey_of_its_value_and_its_own_beginning(
    reported: dict[str, Any], store: Store, bank: Partner, other: Partner, stix: Stix, post: Post
) -> None:
    _read_on(store, other.name)
    (second,) = (obj for obj in stix(reporter=other.name) if obj["type"] == "indicator")
    assert post(second, by=other).accepted
    with store.read() as tx:
        found = timeline.of_reports(tx, bank.name, [reported["id"], second["id"], "indicator--not-there"])
        assert found.keys() == {reported["id"]}
        found |= timeline.of_reports(tx, other.name, [reported["id"], second["id"]])
    assert found.keys() == {reported["id"], second["id"]}
    mine, later = found[reported["id"]], found[second["id"]]
    assert mine[2:] == later[2:]
    assert (mine.reported or 0) < (later.reported or 0)


def test_unpublished_object_has_no_journey(stix: Stix, post: Post, store: Store, bank: Partner) -> None:
    (indicator,) = (obj for obj in stix("wikipedia.org") if obj["type"] == "indicator")
    assert post(indicator).pending
    with store.read() as tx:
        assert timeline.recent(tx) == []
        (found,) = timeline.of_reports(tx, bank.name, [indicator["id"]]).values()
        assert found.reported is not None
        assert found[2:] == (None, None, None)
        assert timeline.of(tx, [indicator["id"]]) == {}


def test_times_count_from_the_report() -> None:
    second = 1_000_000
    found = timeline.times(
        [Journey("a", second, 2 * second, 11 * second, None), Journey("b", second, second), Journey("c", None, second)]
    )
    assert found["released"] == (2, 0.0, 1.0)
    assert found["read"] == (1, 10.0, 10.0)
    assert found["acted"] == (0, None, None)
