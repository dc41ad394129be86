"""Ids and versions are restored exactly."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given, strategies as st

from feeds.client.mirror.entries import pack_id, pack_version, time_text, unpack_id, unpack_version
from schemas import timestamp

UUID = "346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"


@given(st.text(max_size=80) | st.uuids().map(lambda uuid: f"indicator--{uuid}"))
@example(f"indicator--{UUID.upper()}")
@example(f"identity--{UUID}")
@example(f"indicator--{UUID}\n")
def test_ids(id_: str) -> None:
    assert unpack_id(pack_id(id_)) == id_


def test_an_indicator_takes_sixteen_bytes() -> None:
    packed = pack_id(f"indicator--{UUID}")
    assert isinstance(packed, bytes)
    assert len(packed) == 16


@given(st.text(max_size=40) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"))
@example("2026-11-26T12:00:00.000Z")
@example("2026-11-26T12:00:00Z")
@example("2026-11-26T12:00:00.000001Z")
@example("1764158400")
@example("")
def test_versions(version: str) -> None:
    assert unpack_version(pack_version(version)) == version


def test_a_usual_version_is_a_number() -> None:
    assert pack_version("2026-11-26T12:00:00.000Z") == 1_795_694_400_000


@given(st.integers(0, 7_000 * 366 * 86_400_000))
def test_times_are_written_in_stix_form(at: int) -> None:
    moment = datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=at % 1000)
    assert time_text(at) == timestamp.text(moment)
