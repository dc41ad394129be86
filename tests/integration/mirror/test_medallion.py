"""A mirror of unmodified Medallion: any TAXII 2.1 server is enough."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from tests.integration import peers
from tests.integration.flow import OnMedallion

ROOM = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
OTHER = "472c94ae-3113-4e3e-a4dd-a9f4ac7471d4"


@pytest.fixture
def medallion(tmp_path: Path) -> Iterator[str]:
    with peers.medallion(tmp_path, (ROOM, OTHER), 20) as address:
        yield f"{address}api/"


def settings(root: str, folder: Path, *names: str, **more: Any) -> MirrorSettings:
    password = folder / "password"
    password.write_text("s3cret")
    hub = {"name": "medallion", "url": root, "user": "hub", "password": {"file": str(password)}, "collections": names}
    hub |= {"allow_private": True, "page": 50, **more}
    return MirrorSettings.model_validate({"mirror": {"file": str(folder / "mirror.db")}, "hub": [hub]})


def test_active_objects_are_found_and_revoked_ones_are_not(medallion: str, tmp_path: Path) -> None:
    source = OnMedallion(f"{medallion}collections/{ROOM}/")
    for number in range(70):
        source.report(f"h{number}.example.com")
    wanted = settings(medallion, tmp_path, "*", default_grade="warn")
    (done,) = sync_once(wanted)
    assert done.is_well, done
    assert {synced.digest for synced in done.collections} == {"none"}
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert all(mirror.check(f"h{number}.example.com").grade == "warn" for number in range(70))
        source.retract("h7.example.com")
        source.report("h70.example.com")
        source.change("h8.example.com")
        assert sync_once(wanted)[0].is_well
        found = [mirror.check(f"h{number}.example.com").found for number in range(72)]
        assert found == [number not in (7, 71) for number in range(72)]
        source.report_again("h7.example.com")
        assert sync_once(wanted)[0].is_well
        assert mirror.check("h7.example.com").found


def test_absent_collection_is_reported_missing(medallion: str, tmp_path: Path) -> None:
    (done,) = sync_once(settings(medallion, tmp_path, ROOM, "nowhere"))
    assert done.missing == ("nowhere",)
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert mirror.check("h0.example.com").stale


def test_collection_without_a_digest_is_read_again_in_full(
    medallion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = OnMedallion(f"{medallion}collections/{ROOM}/")
    source.report("a.example.com")
    sync_once(settings(medallion, tmp_path, ROOM))
    (done,) = sync_once(settings(medallion, tmp_path, ROOM, reread="1ms"))
    assert done.is_well
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert mirror.check("a.example.com").found
