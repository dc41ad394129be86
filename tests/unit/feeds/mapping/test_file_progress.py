"""A worker contributes a file: once, in parts, from where an earlier run left it, and accounts for each row."""

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from feeds.errors import UnreadableFile
from feeds.mapping import cluster
from feeds.mapping.cluster import MappedFile, contribute_on_worker
from feeds.mapping.options import Options
from feeds.mapping.rows import map_stream
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.contribute import take_all
from server.store import Store, collections, log, partners
from server.store.objects.query import Query

ROWS = [
    "value,scam_type,colour",
    *(f"shop-{number}.example.net,investment,red" for number in range(2_500)),
    "shop-7.example.net,investment,red",
    "co.th,investment,red",
    *(f"late-{number}.example.net,investment,red" for number in range(1_200)),
]
OPTIONS = Options("Bank A", PartnerKind.BANK, kind="domain")


class Stopped(Exception):
    """The worker is gone."""


@pytest.fixture
def folder(initial_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Fill a folder with a hub, a file of reports, and an empty folder of results."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(initial_store, "scamfeed.db")
    store = Store.open("sqlite:///scamfeed.db")
    with store.begin() as tx:
        partners.add(tx, Partner(name="Bank A", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank A")))
    store.close()
    (tmp_path / "results").mkdir()
    (tmp_path / "reports.csv").write_text("\n".join(ROWS))
    return tmp_path


def contributed(folder: Path, options: Options = OPTIONS) -> MappedFile:
    return contribute_on_worker(folder / "reports.csv", folder / "results", options, None, "Bank A")


def stored_reports() -> int:
    store = Store.open("sqlite:///scamfeed.db")
    with store.read() as tx:
        found = log.page(tx, collections.get(tx, "inbox"), Query(types=("indicator",)))
    store.close()
    return len(found.bodies)


def assert_all_counted(done: MappedFile) -> None:
    counts = done.counts
    assert done.fault is None
    assert (counts.read, counts.mapped, counts.duplicates) == (3_702, 3_700, 1)
    assert counts.rejected == {"public-suffix": 1}
    assert counts.tally.rows == 3_702
    assert counts.tally.unread()["columns"] == {"colour": 3_702}


def test_each_row_is_accounted_for(folder: Path) -> None:
    assert_all_counted(contributed(folder))
    assert stored_reports() == 3_700
    rejects = (folder / "results/reports.csv.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in rejects] == ["public-suffix"]


@pytest.mark.parametrize(("batches", "left"), [(1, 14), (4, 10), (9, 6)])
def test_a_stopped_worker_is_followed_by_one_that_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, batches: int, left: int
) -> None:
    calls = []

    def stopped(*arguments: object) -> object:
        if len(calls) == batches:
            raise Stopped
        calls.append(arguments)
        return take_all(*arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr("feeds.mapping.contribute.take_all", stopped)
    with pytest.raises(Stopped):
        contributed(folder)
    calls.clear()
    batches = 100
    assert_all_counted(contributed(folder))
    assert len(calls) == left
    assert stored_reports() == 3_700
    rejects = (folder / "results/reports.csv.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == 1


def test_a_file_that_was_contributed_whole_is_counted_and_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contributed(folder)
    monkeypatch.setattr(cluster, "contribute_file", None)
    assert_all_counted(contributed(folder))


def test_a_changed_file_or_other_options_begin_anew(folder: Path) -> None:
    contributed(folder)
    assert (
        contributed(folder, Options("Bank A", PartnerKind.BANK, kind="domain", defaults={"tlp": "red"})).fault is None
    )
    (folder / "reports.csv").write_text("\n".join(ROWS[:11]))
    done = contributed(folder)
    assert (done.counts.read, done.counts.mapped) == (10, 10)
    assert (folder / "results/reports.csv.rejects.jsonl").read_text() == ""


def test_a_file_that_is_cut_off_is_contributed_as_far_as_it_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*arguments: Any) -> Iterator[Any]:
        yield from islice(map_stream(*arguments), 1_500)
        raise UnreadableFile("cut off")

    monkeypatch.setattr("feeds.mapping.contribute.map_stream", cut_off)
    first = contributed(folder)
    assert (first.fault, first.counts.read, first.counts.tally.rows) == ("cut off", 1_500, 1_500)
    assert stored_reports() == 1_500
    again = contributed(folder)
    assert (again.fault, again.counts.as_dict()) == ("cut off", first.counts.as_dict())
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert_all_counted(contributed(folder))
    assert stored_reports() == 3_700


def test_records_clear_values_and_accuse_none(folder: Path) -> None:
    contributed(folder)
    before = stored_reports()
    (folder / "reports.csv").write_text("record,value,kind,verdict\noutcome,shop-1.example.net,domain,false-positive\n")
    done = contributed(folder)
    assert done.counts.read == 1
    assert stored_reports() == before


def test_what_a_worker_cannot_do_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = contribute_on_worker(folder / "reports.csv", folder / "results", OPTIONS, None, "Bank B")
    assert "Bank B" in str(nobody.fault)
    gone = contribute_on_worker(folder / "other.csv", folder / "results", OPTIONS, None, "Bank A")
    assert "cannot be read by a worker" in str(gone.fault)
    monkeypatch.setenv("SCAMFEED_COLOUR", "red")
    assert "configuration" in str(contributed(folder).fault)
