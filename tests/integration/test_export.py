"""``scamfeed export`` writes exactly the active listings in every format."""

import os
import shutil
import threading
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from feeds import formats
from feeds.readers.rows import Unreadable
from mappers.indicator import Profile, to_stix
from schemas import timestamp
from schemas.report import Report
from schemas.tabular import ReportReader
from server.store import Store, collections, log
from server.store.item import Item
from tests.integration.command import Run, answer
from tests.unit.feeds.row_columns import columns_of_row

WRITTEN = [name for name, each in formats.every().items() if each.writes]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of the first test in this module, for the other tests."""
    return tmp_path_factory.mktemp("filled") / "scamfeed.db"


@pytest.fixture
def hub(run_with_store: Run, filled: Path, tmp_path: Path) -> Run:
    """Make a hub with two partners that report some domains, one of them by both."""
    run = run_with_store
    if filled.exists():
        shutil.copy(filled, tmp_path)
        return run
    for name, rows in (("First", "a.example.com\nb.example.com\n"), ("Second", "a.example.com\nc.example.com\n")):
        assert run("partner", "add", name, "--kind", "platform", "--vouched").exit_code == 0
        assert run("contribute", "-", "--partner", name, "--kind", "domain", stdin=rows).exit_code == 0
    shutil.copy(tmp_path / "scamfeed.db", filled)
    return run


def add(*objects: dict[str, Any], to: str = "takedown") -> None:
    store = Store.open("sqlite:///scamfeed.db")
    with store.begin() as tx:
        log.append(tx, collections.get(tx, to), [Item.of(obj) for obj in objects])
    store.close()


def report(value: str, **columns: str) -> Report:
    reader = ReportReader({"reporter": "Third", "reported_at": timestamp.text(timestamp.now())})
    return reader.report({"kind": "domain", "value": value, **columns})


def test_latest_active_versions_are_written(hub: Run) -> None:
    old = timestamp.text(timestamp.now() - timedelta(days=1))
    add(to_stix(report("old.example.com", reported_at="2025-01-01", valid_until=old), Profile.CORE)[0])
    assert hub("retract", "b.example.com", "--reason", "x").exit_code == 0
    result = hub("export", "--collection", "takedown", "--format", "list")
    assert result.exit_code == 0
    assert sorted(result.stdout.split()) == ["a.example.com", "c.example.com"]


def test_active_listings_are_counted(hub: Run) -> None:
    counts = answer(hub("export", "--collection", "takedown", "--format", "hosts", "--least-grade", "warn", "--json"))
    assert counts == {
        "collection": "takedown",
        "format": "hosts",
        "active": 3,
        "written": 3,
        "duplicates": 0,
        "left_out": {},
    }


@pytest.mark.parametrize("format", ["hosts", "rpz", "dnsmasq", "adblock", "ublacklist"])
def test_block_list_formats_contain_listings_graded_block(hub: Run, format: str) -> None:
    """Two partners report one of the three, for a confidence of 75. The others stay at warn."""
    add(to_stix(report("unsaid.example.com"), Profile.CORE)[0])
    result = hub("export", "--collection", "takedown", "--format", format)
    assert "a.example.com" in result.stdout
    assert not any(f"{name}.example.com" in result.stdout for name in ("b", "c", "unsaid"))
    counts = answer(hub("export", "--collection", "takedown", "--format", format, "--json"))
    assert (counts["active"], counts["written"], counts["left_out"]) == (4, 1, {"below-grade": 3})


def test_formats_with_grades_contain_all_listings(hub: Run) -> None:
    rows = hub("export", "--collection", "takedown", "--format", "csv").stdout.splitlines()
    column = rows[0].split(",").index("action")
    assert sorted(row.split(",")[column] for row in rows[1:]) == ["block", "warn", "warn"]
    result = hub("export", "--collection", "takedown", "--format", "csv", "--least-grade", "block")
    assert len(result.stdout.splitlines()) == 2


def test_values_that_a_format_cannot_express_are_counted(hub: Run) -> None:
    assert hub("contribute", "-", "--partner", "First", "--kind", "phone", stdin="+66812345678\n").exit_code == 0
    yara = to_stix(report("x.example.com"), Profile.CORE)[0] | {"pattern_type": "yara"}
    add(yara)
    asked = ("--format", "dnsmasq", "--least-grade", "investigate")
    counts = answer(hub("export", "--collection", "takedown", *asked, "--json"))
    assert counts["left_out"] == {"not-in-format": 1, "not-an-indicator": 1}
    assert counts["active"] == counts["written"] + counts["duplicates"] + sum(counts["left_out"].values())


@pytest.mark.parametrize("format", WRITTEN)
def test_every_format_contains_the_same_values(hub: Run, tmp_path: Path, format: str) -> None:
    asked = ("--format", format, "--least-grade", "warn", "--output", "out")
    assert hub("export", "--collection", "takedown", *asked).exit_code == 0
    target = tmp_path / "out"
    files = [path for path in target.iterdir() if path.is_file()] if target.is_dir() else [target]
    rows = [row for file in files for row in formats.read(BytesIO(file.read_bytes()), name=file.name)]
    values = {columns_of_row(row)["value"].removeprefix("*.") for row in rows if not isinstance(row, Unreadable)}
    assert values == {"a.example.com", "b.example.com", "c.example.com"}


def test_stix_export_includes_referenced_objects(hub: Run) -> None:
    bundle = orjson.loads(hub("export", "--collection", "takedown", "--format", "stix").stdout)
    objects = {obj["id"]: obj for obj in bundle["objects"]}
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        stored = {
            id_: orjson.loads(item.body)
            for id_, item in log.latest(tx, collections.get(tx, "takedown"), list(objects)).items()
        }
    assert objects == stored
    for indicator in [obj for obj in objects.values() if obj["type"] == "indicator"]:
        assert indicator["created_by_ref"] in objects
        assert set(indicator["object_marking_refs"]) <= objects.keys()


def test_misp_feed_names_the_hub_and_no_reporter(hub: Run, tmp_path: Path) -> None:
    assert hub("export", "--collection", "takedown", "--format", "misp-feed", "--output", "feed").exit_code == 0
    manifest = orjson.loads((tmp_path / "feed" / "manifest.json").read_bytes())
    assert {entry["Orgc"]["name"] for entry in manifest.values()} == {"Scamfeed"}


def test_only_later_objects_are_written_with_added_after(hub: Run) -> None:
    since = timestamp.text(timestamp.now())
    assert hub("contribute", "-", "--partner", "First", "--kind", "domain", stdin="new.example.com\n").exit_code == 0
    result = hub("export", "--collection", "takedown", "--format", "list", "--since", since)
    assert result.stdout.split() == ["new.example.com"]
    whole = orjson.loads(hub("export", "--collection", "takedown", "--format", "stix", "--since", since).stdout)
    assert {obj["type"] for obj in whole["objects"]} >= {"identity", "indicator"}


def test_invalid_objects_in_a_room_do_not_stop_an_export(hub: Run) -> None:
    assert hub("collection", "add", "room", "--title", "Room", "--exchange").exit_code == 0
    good = to_stix(report("good.example.com"), Profile.CORE)[0]

    def like(number: int, **changes: Any) -> dict[str, Any]:
        return good | {"id": f"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd{number}", **changes}

    add(
        good,
        like(10, valid_until="soon"),
        like(11, valid_until=7),
        like(12, extensions=[1]),
        like(13, labels="x"),
        like(14, pattern=None),
        like(15, confidence=2**70),
        to="room",
    )
    assert hub("export", "--collection", "room", "--format", "list").stdout.split() == ["good.example.com"]
    assert hub("export", "--collection", "room", "--format", "stix").exit_code == 0


def test_an_output_is_replaced_as_a_whole(hub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "names.txt"
    target.write_text("before", encoding="utf-8")

    def fails(_self: object, _reports: object, out: Any) -> int:
        out.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(formats.get("list")), "write", fails)
    result = hub("export", "--collection", "takedown", "--format", "list", "--output", "names.txt")
    assert result.exit_code == 2
    assert "names.txt: cannot be written: No space left on device" in result.stderr
    assert target.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir() if "names" in path.name] == ["names.txt"]


def test_an_output_may_be_a_pipe_or_a_link(hub: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append((tmp_path / "pipe").read_text(encoding="utf-8")))
    reader.start()
    assert hub("export", "--collection", "takedown", "--format", "list", "--output", "pipe").exit_code == 0
    reader.join()
    assert "a.example.com\n" in said[0]
    (tmp_path / "kept.txt").touch()
    (tmp_path / "link.txt").symlink_to("kept.txt")
    assert hub("export", "--collection", "takedown", "--format", "list", "--output", "link.txt").exit_code == 0
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == said[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--collection", "nothing", "--format", "list"), "there is no collection 'nothing'; there are: inbox, "),
        (("--collection", "inbox", "--format", "list"), "never read"),
        (("--collection", "takedown", "--format", "horse"), "nothing is written in such a format; there are: "),
        (("--collection", "takedown", "--format", "yaml"), "nothing is written in such a format"),
        (("--collection", "takedown", "--format", "misp-feed"), "with --output"),
        (("--collection", "takedown", "--format", "misp-feed", "--output", "file"), "this is a file"),
        (("--collection", "takedown", "--format", "list", "--output", "folder"), "this is a folder"),
        (("--collection", "takedown", "--format", "list", "--output", "no/x"), "cannot be written"),
        (("--collection", "takedown", "--format", "list", "--since", "yesterday"), "--since yesterday: not a time"),
    ],
)
def test_usage_error_is_reported(hub: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    result = hub("export", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
