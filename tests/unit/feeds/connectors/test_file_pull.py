"""The folder connector: file selection, reading each file once, and resuming a started file."""

import gzip
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Batch, Misconfigured, Pull, PullSettings, TryLater
from feeds.connectors import build

GOOD = "a.example.com\nb.example.com\n"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def feed(path: object, **more: Any) -> Pull[PullSettings]:
    table = {"name": "f", "connector": "file-pull", "path": str(path), "contribute_as": "P", "batch": 3, **more}
    made = build(table)
    assert isinstance(made, Pull)
    return made


def pulled(path: object, checkpoint: dict[str, Any] | None = None, seen: frozenset[str] = frozenset()) -> list[Batch]:
    return list(feed(path).pull(checkpoint, seen.__contains__))


def done(batches: list[Batch]) -> list[str]:
    return [name for batch in batches for _, name in batch.done]


def test_files_are_read_oldest_first(drop: Path) -> None:
    for age, name in enumerate(["c.txt", "a.txt", "b.txt"]):
        (drop / name).write_text(f"{name}.example.com\n")
        os.utime(drop / name, (1_700_000_000 + age, 1_700_000_000 + age))
    assert done(pulled(drop)) == ["c.txt", "a.txt", "b.txt"]


def test_hidden_unfinished_and_linked_files_are_skipped(drop: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(GOOD)
    for name in (".hidden", "a.csv.part", "b.tmp", "c.txt~", "D.PART"):
        (drop / name).write_text(GOOD)
    (drop / "link.txt").symlink_to(secret)
    (drop / "folder").mkdir()
    assert pulled(drop) == []


def test_same_content_under_another_name_is_one_file(drop: Path) -> None:
    (drop / "a.txt").write_text(GOOD)
    (drop / "b.txt").write_text(GOOD)
    first = pulled(drop)
    assert len(done(first)) == 1
    digests = frozenset(digest for batch in first for digest, _ in batch.done)
    assert pulled(drop, first[-1].checkpoint, digests) == []


@pytest.mark.parametrize(
    "anew", [{"kind": "domain"}, {"timezone": "Asia/Bangkok"}, {"date_order": "day-first"}, {"format": "list"}]
)
def test_file_is_read_again_after_a_change_of_settings(drop: Path, anew: dict[str, str]) -> None:
    (drop / "a.txt").write_text(GOOD)
    digests = frozenset(digest for batch in pulled(drop) for digest, _ in batch.done)
    assert pulled(drop, None, digests) == []
    again = list(feed(drop, **anew).pull(None, digests.__contains__))
    assert done(again) == ["a.txt"]
    known = digests | {digest for batch in again for digest, _ in batch.done}
    assert list(feed(drop, **anew).pull(None, known.__contains__)) == []


def test_a_file_is_read_again_when_its_names_of_columns_have_changed(drop: Path, tmp_path: Path) -> None:
    (drop / "a.csv").write_text("Numero,x\n+66812345678,1\n")
    own = tmp_path / "own.toml"
    seen: set[str] = set()
    taken = []
    for names in ("", '[columns]\nphone = ["numero"]\n', '[columns]\nphone = ["numero"]\n'):
        own.write_text(names)
        made = feed(drop, columns=str(own))
        made.begin(lambda kind, value: [])
        batches: list[Batch] = []
        # Without a known column the file is no list of reports.
        with nullcontext() if names else pytest.raises(TryLater, match=r"a\.csv: no-value-column"):
            batches.extend(made.pull(None, seen.__contains__))
        seen |= {digest for batch in batches for digest, _ in batch.done}
        taken.append([len(batch.items) for batch in batches])
    assert taken == [[0], [1], []]


def test_unread_parts_of_a_file_are_counted_once(drop: Path) -> None:
    rows = "".join(f"h{number}.example.com,X\n" for number in range(7))
    (drop / "a.csv").write_text("domain,remarks\n" + rows)
    whole = pulled(drop)
    assert sum(batch.tally.unread()["columns"]["remarks"] for batch in whole) == 7
    rest = pulled(drop, whole[0].checkpoint)
    assert sum(batch.tally.unread()["columns"]["remarks"] for batch in rest) == 4
    assert whole[0].origins == [("a.csv", 2), ("a.csv", 3), ("a.csv", 4)]


def test_a_changed_file_is_a_new_one(drop: Path) -> None:
    file = drop / "a.txt"
    file.write_text(GOOD)
    made = feed(drop)
    first = list(made.pull(None, lambda _: False))
    digests = {digest for batch in first for digest, _ in batch.done}
    file.write_text(GOOD + "c.example.com\n")
    assert [batch.read for batch in made.pull(None, digests.__contains__)] == [3, 0]


@pytest.mark.parametrize("rows", [0, 1, 3, 6, 7])
def test_file_resumes_after_any_batch(drop: Path, rows: int) -> None:
    (drop / "a.txt").write_text("".join(f"h{number}.example.com\n" for number in range(rows)))
    whole = pulled(drop)
    assert sum(batch.read for batch in whole) == rows
    assert done(whole) == ["a.txt"]
    for place, batch in enumerate(whole):
        rest = pulled(drop, batch.checkpoint)
        if not batch.done:
            assert rest == whole[place + 1 :]


def test_started_file_resumes_before_older_ones(drop: Path) -> None:
    (drop / "new.txt").write_text("".join(f"h{number}.example.com\n" for number in range(7)))
    begun = pulled(drop)[0].checkpoint
    (drop / "old.txt").write_text(GOOD)
    os.utime(drop / "old.txt", (1_600_000_000, 1_600_000_000))
    assert done(pulled(drop, begun)) == ["new.txt", "old.txt"]
    assert pulled(drop, begun)[0].checkpoint["row"] == 6


def test_a_file_that_grows_while_it_is_read_is_read_again(drop: Path) -> None:
    file = drop / "a.txt"
    file.write_text("".join(f"h{number}.example.com\n" for number in range(7)))
    batches: Iterator[Batch] = feed(drop).pull(None, lambda _: False)
    first = next(batches)
    with file.open("a") as more:
        more.write("late.example.com\n")
    assert done([first, *batches]) == []


def test_unreadable_file_is_counted_and_not_retried(drop: Path) -> None:
    packed = gzip.compress(b"".join(b"h%d.example.com\n" % number for number in range(30_000)))
    (drop / "a.txt.gz").write_bytes(packed[:-20_000])
    (drop / "b.txt").write_text(GOOD)
    batches = list(feed(drop, batch=3_000).pull(None, lambda _: False))
    assert sorted(done(batches)) == ["a.txt.gz", "b.txt"]
    assert sum(batch.rejected.get("unreadable-file", 0) for batch in batches) == 1
    damaged = [batch for batch in batches if batch.done != [batches[-1].done[0]]]
    rows = sum(len(batch.items) for batch in damaged)
    assert rows % 3_000
    assert rows > 3_000
    assert damaged[-1].checkpoint["row"] == rows == sum(batch.read for batch in damaged) - 1


def test_damaged_file_resumes_after_any_batch(drop: Path) -> None:
    packed = gzip.compress(b"".join(b"h%d.example.com\n" % number for number in range(30_000)))
    (drop / "a.txt.gz").write_bytes(packed[:-20_000])
    whole = list(feed(drop, batch=3_000).pull(None, lambda _: False))
    assert list(feed(drop, batch=3_000).pull(whole[-2].checkpoint, lambda _: False)) == whole[-1:]
    (again,) = feed(drop, batch=3_000).pull({**whole[-1].checkpoint, "row": 30_000}, lambda _: False)
    assert (again.items, again.rejected) == ([], {"unreadable-file": 1})


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"a\nLOG b.txt", "a\\nLOG b.txt"), (b"\xff.txt", "\\udcff.txt"), ("รายงาน.txt".encode(), "รายงาน.txt")],
)
def test_a_file_name_is_shown_on_one_line(
    drop: Path, name: bytes, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = os.path.join(os.fsencode(drop), name)
    with open(path, "wb") as file:
        file.write(b"PK\x03\x04zzzz")
    (drop / "good.txt").write_text(GOOD)
    assert shown in done(pulled(drop))
    assert f"file={shown} " in caplog.text


def test_reports_have_the_time_of_their_file(drop: Path) -> None:
    (drop / "a.txt").write_text(GOOD)
    os.utime(drop / "a.txt", (1_767_225_600, 1_767_225_600))
    indicator = next(obj for objects in pulled(drop)[0].items for obj in objects if obj["type"] == "indicator")
    assert indicator["created"] == "2026-01-01T00:00:00.000Z"


def test_settings_fill_missing_columns(drop: Path) -> None:
    (drop / "a.txt").write_text("081 234 5678\n")
    batch = next(feed(drop, kind="phone", country="TH", tlp="green", scam_type="romance").pull(None, lambda _: False))
    indicator = next(obj for objects in batch.items for obj in objects if obj["type"] == "indicator")
    assert indicator["pattern"] == "[phone-number:value = '+66812345678']"
    assert 'scam:type="romance"' in indicator["labels"]


def test_a_pattern_names_files_in_folders_below(drop: Path) -> None:
    (drop / "x").mkdir()
    (drop / "x" / "a.csv").write_text("domain\na.example.com\n")
    (drop / "x" / "a.txt").write_text(GOOD)
    assert done(pulled(drop / "**" / "*.csv")) == ["a.csv"]
    assert pulled(drop / "*.csv") == []
    assert done(pulled(drop / "x" / "a.txt")) == ["a.txt"]


def test_a_pattern_follows_no_link_out_of_its_folder(drop: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(GOOD)
    (drop / "x").symlink_to(tmp_path / "outside")
    (drop / "y").mkdir()
    (drop / "y" / "a.txt").write_text(GOOD)
    (tmp_path / "way").symlink_to(drop)
    for root in (drop, tmp_path / "way"):
        assert done(pulled(root / "**" / "*.txt")) == ["a.txt"]
        assert done(pulled(root / "*" / "*.txt")) == ["a.txt"]


def test_missing_folder_is_misconfigured(drop: Path) -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        pulled(drop / "nowhere")


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"format": "xml"}, "format: there is no format 'xml'; there are: "),
        ({"kind": "car"}, "kind: there is no kind of that name; there are: "),
        ({"country": "Thailand"}, "country"),
        ({"connector": "carrier-pigeon"}, "there is no 'carrier-pigeon'; there are file-pull, "),
        ({"every": "often"}, "every: not a duration"),
        ({"cron": "daily"}, "cron"),
        ({"batch": 0}, "batch"),
    ],
)
def test_a_bad_setting_is_named(drop: Path, more: dict[str, Any], fault: str) -> None:
    with pytest.raises(Misconfigured, match=fault):
        feed(drop, **more)


def test_format_can_name_the_path_of_its_list(drop: Path) -> None:
    (drop / "a.json").write_text('{"one": ["a.example.com"], "two": ["b.example.com"]}')
    batch = next(feed(drop, format="json:two").pull(None, lambda _: False))
    assert [len(batch.items), batch.read] == [1, 1]


def test_a_file_that_names_its_records_needs_no_setting(drop: Path) -> None:
    (drop / "a.csv").write_text("record,value,kind,of_reporter\nsighting,shop.example.com,domain,P\n")
    (batch,) = pulled(drop)
    assert {obj["type"] for item in batch.items for obj in item} >= {"sighting"}
    assert not any(obj["type"] == "indicator" for item in batch.items for obj in item)


@pytest.mark.parametrize(
    ("kind", "value", "setting"),
    [("social-account", "example.id", {"platform": "line"}), ("app", "com.example.bank", {"os": "android"})],
)
def test_handles_and_packages_get_platform_and_system_from_the_settings(
    drop: Path, kind: str, value: str, setting: dict[str, str]
) -> None:
    (drop / "a.txt").write_text(f"{value}\n")
    refused = list(feed(drop, kind=kind).pull(None, frozenset[str]().__contains__))
    assert [batch.items for batch in refused] == [[]]
    (batch,) = feed(drop, kind=kind, **setting).pull(None, frozenset[str]().__contains__)
    assert len(batch.items) == 1
    with pytest.raises(Misconfigured):
        feed(drop, kind=kind, **dict.fromkeys(setting, "nowhere"))


def test_files_are_read_again_when_the_platform_is_set(drop: Path) -> None:
    (drop / "a.txt").write_text("example.id\n")
    before = {
        digest for batch in feed(drop, kind="social-account").pull(None, {}.__contains__) for digest, _ in batch.done
    }
    again = feed(drop, kind="social-account", platform="line").pull(None, before.__contains__)
    assert [len(batch.items) for batch in again] == [1]
