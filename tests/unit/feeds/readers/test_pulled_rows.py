"""Pulls turn events, updates and objects into rows and withdrawals."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from feeds.connectors import opencti_pull, threatexchange_pull
from feeds.connectors.misp_pull import EventVersion, batches, event_in, split_deleted
from feeds.mapping.batches import batch_of_rows, gone_in
from feeds.mapping.options import Options
from feeds.readers import misp
from feeds.readers.rows import ReportRow, Row, Unreadable
from tests.unit.feeds.row_columns import columns_of_row

OPTIONS = Options(reporter="Example Telecom")


def attribute(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "domain", "to_ids": True, "value": value, "timestamp": "1767225600", **more}


def values(event: dict[str, Any]) -> list[str]:
    return [row.fields["value"] for row in misp.rows_of_event(event) if isinstance(row, Row)]


def test_event_is_split_into_active_and_deleted_values() -> None:
    event = {"Attribute": [attribute("a.example.com"), attribute("b.example.com", deleted="1")], "Tag": [{"name": "x"}]}
    live, deleted = split_deleted(event)
    assert (values(live), values(deleted)) == (["a.example.com"], ["b.example.com"])
    assert live["Tag"] == deleted["Tag"] == event["Tag"]
    assert event["Attribute"][1]["deleted"] == "1"


def test_object_can_be_deleted_in_part_or_whole() -> None:
    parts = [attribute("a.example.com"), attribute("b.example.com", deleted=True)]
    live, deleted = split_deleted({"Object": [{"name": "domain-ip", "Attribute": parts}]})
    assert (values(live), values(deleted)) == (["a.example.com"], ["b.example.com"])
    live, deleted = split_deleted({"Object": [{"name": "domain-ip", "deleted": True, "Attribute": parts}]})
    assert (values(live), values(deleted)) == ([], ["a.example.com", "b.example.com"])


@pytest.mark.parametrize("content", [None, 7, [], {"Event": 7}])
def test_content_without_an_event_is_none(content: Any) -> None:
    assert event_in(content) is None


def test_event_resumes_after_any_batch() -> None:
    event = {"Attribute": [attribute(f"h{number}.example.com") for number in range(7)]}
    version = EventVersion("u", "1")
    whole = list(batches(event, version, 0, OPTIONS, 3, lambda row: {"row": row}))
    assert [batch.read for batch in whole] == [3, 3, 1]
    assert [bool(batch.done) for batch in whole] == [False, False, True]
    for place, batch in enumerate(whole):
        rest = list(batches(event, version, batch.checkpoint["row"], OPTIONS, 3, lambda row: {"row": row}))
        assert sum(batch.read for batch in rest) == 7 - sum(batch.read for batch in whole[: place + 1])


def test_deleted_value_in_another_attribute_is_not_retracted() -> None:
    event = {"Attribute": [attribute("a.example.com", deleted=True), attribute("a.example.com")]}
    (batch,) = batches(event, EventVersion("u", "1"), 0, OPTIONS, 3, lambda row: {"row": row})
    assert (len(batch.items), batch.gone) == (1, [])


def test_versions_of_an_event_have_different_names() -> None:
    assert len({EventVersion("u", "1").digest, EventVersion("u", "2").digest, EventVersion("v", "1").digest}) == 3


def update(**more: Any) -> dict[str, Any]:
    opinion = {"id": "9", "status": "MALICIOUS"}
    return {
        "id": "1",
        "indicator": "a.example.com",
        "type": "DOMAIN",
        "last_updated": 1_767_225_600,
        "should_delete": False,
        "descriptors": {"data": [opinion]},
    } | more


def test_an_update_is_a_row() -> None:
    opinions = [
        {"status": "MALICIOUS", "confidence": 75, "share_level": "GREEN", "first_active": "2026-01-02T00:00:00+0000"},
        {"status": "MALICIOUS", "share_level": "AMBER", "first_active": "2026-01-01T00:00:00+0000"},
    ]
    (row,), gone = threatexchange_pull.split([update(descriptors={"data": opinions})])
    assert isinstance(row, Row)
    assert gone == []
    assert row.fields == {
        "kind": "domain",
        "value": "a.example.com",
        "reported_at": "1767225600",
        "confidence": "75",
        "tlp": "amber",
        "first_seen": "2026-01-01T00:00:00+0000",
        "reference": "1",
    }


def test_an_opinion_without_an_end_keeps_a_signal_alive() -> None:
    ending = {"status": "MALICIOUS", "expired_on": "2027-01-01T00:00:00+0000"}
    (row,), _ = threatexchange_pull.split([update(descriptors={"data": [ending]})])
    assert isinstance(row, Row)
    assert row.fields["valid_until"] == "2027-01-01T00:00:00+0000"
    (row,), _ = threatexchange_pull.split([update(descriptors={"data": [ending, {"status": "SUSPICIOUS"}]})])
    assert isinstance(row, Row)
    assert "valid_until" not in row.fields


@pytest.mark.parametrize(
    "more",
    [
        {"should_delete": True},
        {"should_delete": True, "descriptors": {"data": []}},
        {"descriptors": {"data": [{"status": "NON_MALICIOUS"}]}},
        {"descriptors": {"data": [{"status": "NON_MALICIOUS"}, {"status": "UNKNOWN"}]}},
    ],
)
def test_deleted_and_harmless_signals_are_retracted(more: dict[str, Any]) -> None:
    rows, gone = threatexchange_pull.split([update(**more)])
    assert rows == []
    assert [row.fields["value"] for row in gone] == ["a.example.com"]


def test_warning_opinion_outweighs_the_others() -> None:
    rows, gone = threatexchange_pull.split(
        [update(descriptors={"data": [{"status": "NON_MALICIOUS"}, {"status": "MALICIOUS"}]})]
    )
    assert (len(rows), gone) == (1, [])


@pytest.mark.parametrize(
    ("more", "reason"), [({"type": "HASH_PDQ"}, "unknown-kind"), ({"descriptors": {"data": []}}, "no-verdict")]
)
def test_an_object_without_a_report_has_its_reason(more: dict[str, Any], reason: str) -> None:
    (row,), gone = threatexchange_pull.split([update(**more)])
    assert isinstance(row, Unreadable)
    assert (row.reason, gone) == (reason, [])


INDICATOR = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
    "valid_from": "2026-01-01T00:00:00Z",
    "pattern_type": "stix",
    "pattern": "[domain-name:value = 'a.example.com' OR domain-name:value = 'b.example.com']",
}


def test_revoked_indicator_retracts_all_its_values() -> None:
    rows, gone = opencti_pull.split([{**INDICATOR, "revoked": True}, {"type": "identity", "id": "x"}])
    assert rows == []
    assert [columns_of_row(row)["value"] for row in gone] == ["a.example.com", "b.example.com"]


def test_value_in_another_indicator_is_not_retracted() -> None:
    other = {
        **INDICATOR,
        "id": "indicator--c410e480-e42b-47d1-9476-85307c12bcbf",
        "pattern": "[domain-name:value = 'a.example.com']",
    }
    _, gone = opencti_pull.split([{**INDICATOR, "revoked": True}, other])
    assert [columns_of_row(row)["value"] for row in gone] == ["b.example.com"]


def test_retracted_value_has_the_id_of_its_report() -> None:
    rows, _ = opencti_pull.split([INDICATOR])
    made = batch_of_rows(rows, {}, OPTIONS)
    given = [obj["id"] for objects in made.items for obj in objects if obj["type"] == "indicator"]
    assert [value.subject for value in gone_in(opencti_pull.values({**INDICATOR, "revoked": True}), OPTIONS)] == given
    assert len(given) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ["Attribute", "Object", "Tag", "deleted", "type", "value", "name", "to_ids", "indicator", "descriptors", "data"]
objects = st.dictionaries(
    st.sampled_from([*_KEYS, "status", "tags", "pattern", "last_updated"]), json_values, max_size=8
)


@given(objects, st.lists(objects, max_size=3))
@settings(deadline=None)
def test_any_object_is_handled(content: dict[str, Any], inner: list[dict[str, Any]]) -> None:
    for name in ("Attribute", "Object"):
        live, deleted = split_deleted({**content, name: inner})
        assert len(live[name]) + len(deleted[name]) >= len(inner)
        found = [*misp.rows_of_event(live), *misp.rows_of_event(deleted)]
        assert all(isinstance(row, Row | Unreadable) for row in found)
    rows, gone = threatexchange_pull.split([content, {**content, "descriptors": inner, "type": "DOMAIN"}])
    assert len(rows) + len(gone) <= 2
    rows, gone = opencti_pull.split([{**content, "type": "indicator"}, {**INDICATOR, **content, "type": "indicator"}])
    assert all(isinstance(row, ReportRow) for row in gone)
    assert all(isinstance(row, ReportRow | Unreadable) for row in rows)
