"""Objects that a source dates ahead of this clock are dated now: the checkpoint passes them, and they would be lost."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Batch
from feeds.connectors import build
from feeds.mapping.batches import as_of_now
from feeds.runs.run import Run
from mappers import ids, marking, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.store import Store, partners
from tests.contract.connectors.contract import latest
from tests.running import run

NAME = "Example Telecom"
MINE = ids.identity(NAME)


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    with opened.begin() as tx:
        partners.add(tx, Partner(name=NAME, kind=PartnerKind.TELECOM, identity=MINE))
    yield opened
    opened.close()


def ahead(hours: float) -> str:
    return timestamp.text(timestamp.now() + timedelta(hours=hours))


def indicator(hours: float, value: str = "a.example.com", **more: Any) -> dict[str, Any]:
    return {**to_stix(Report(kind="domain", value=value, reporter=NAME, reported_at=ahead(hours)))[1], **more}


def pulled(store: Store, *objects: dict[str, Any]) -> Run:
    feed = build({"name": "list", "connector": "file-pull", "path": "/x", "contribute_as": NAME})
    feed.pull = lambda *_: iter([Batch([[obj] for obj in objects], {}, len(objects))])  # type: ignore[attr-defined]
    return run(store, feed)


def kept(store: Store, type_: str = "indicator") -> list[dict[str, Any]]:
    return [obj for obj in latest(store, "inbox") if obj["type"] == type_]


@pytest.mark.parametrize("hours", [0.1, 7, 24 * 365])
def test_an_object_dated_ahead_is_dated_now_and_counted(store: Store, hours: float) -> None:
    result = pulled(store, indicator(hours), indicator(-1, "b.example.com"))
    assert (result.ending, result.accepted, result.rejected, result.dated_ahead) == ("done", 2, 0, 1)
    assert len(kept(store)) == 2
    assert all(obj["created"] <= obj["modified"] <= timestamp.text(timestamp.now()) for obj in kept(store))


def test_a_later_version_that_is_dated_ahead_too_stands(store: Store) -> None:
    pulled(store, indicator(7))
    assert pulled(store, indicator(7.5, confidence=90)).dated_ahead == 1
    assert [obj["confidence"] for obj in kept(store)] == [90]


def test_a_revocation_that_is_dated_ahead_stands_too(store: Store) -> None:
    pulled(store, indicator(7))
    pulled(store, indicator(8, revoked=True))
    assert [obj["revoked"] for obj in kept(store)] == [True]


def test_a_sighting_and_a_note_are_dated_likewise(store: Store) -> None:
    known = indicator(-1)
    defaults = {"reporter": NAME, "reported_at": ahead(7), "tlp": "green"}
    sighting = record_mapper.to_stix(tabular.read_record("sighting", {"of": known["id"]}, defaults))[-1]
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": MINE,
        "created": ahead(7),
        "modified": ahead(7),
        "content": "Seen in three campaigns.",
        "object_refs": [known["id"]],
        "object_marking_refs": [marking.ref(Tlp.GREEN)],
    }
    assert pulled(store, known, sighting, note).dated_ahead == 2
    assert len(kept(store, "sighting")) == len(kept(store, "note")) == 1


def test_an_object_a_few_minutes_ahead_or_without_a_time_stays_as_it_is() -> None:
    items = [[indicator(0.05)], [{"type": "url", "id": "url--1", "value": "x"}], [{"modified": 5}], [{"modified": "x"}]]
    assert as_of_now(items) == (items, 0)
