"""A worker contributes a file once, in parts, resumes an earlier run, and accounts for each row."""

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
from server.release.guard.ends import Sender
from server.store import Store, collections, log, partners
from server.store.objects.query import Query

ROWS = [
    "value,scam_type,colour",
    *(f"shop-{number}.example.net,investment,red" for number in range(900)),
    "shop-7.example.net,investment,red",
    "co.th,investment,red",
    *(f"late-{number}.example.net,investment,red" for number in range(400)),
]
OPTIONS = Options("Bank A", PartnerKind.BANK, kind="domain")


class Stopped(Exception):
    """The worker died."""


@pytest.fixture
def folder(initial_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Fill a folder with a hub, a file of reports, and an empty folder for results."""
    monkeypatch.chdir(tmp_path)
    for module in ("contribute", "cluster"):
        monkeypatch.setattr(f"feeds.mapping.{module}.BATCH", 350)
    shutil.copy(initial_store, "scamfeed.db")
    store = Store.open("sqlite:///scamfeed.db")
    with store.begin() as tx:
        bank = Partner(
            name="Bank A", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank A"), vouched=True
        )
        partners.add(tx, bank)
    store.close()
    (tmp_path / "results").mkdir()
    (tmp_path / "reports.csv").write_text("\n".join(ROWS))
    return tmp_path


def contributed(folder: Path, options: Options = OPTIONS) -> MappedFile:
    return contribute_on_worker(folder / "reports.csv", folder / "results", options, None, "Bank A", "Anna")


def stored_reports() -> int:
    store = Store.open("sqlite:///scamfeed.db")
    with store.read() as tx:
        found = log.page(tx, collections.get(tx, "inbox"), Query(types=("indicator",)))
    store.close()
    return len(found.bodies)


def assert_all_counted(done: MappedFile) -> None:
    counts = done.counts
    assert done.fault is None
    assert (counts.read, counts.mapped, counts.duplicates) == (1_302, 1_300, 1)
    assert counts.rejected == {"public-suffix": 1}
    assert counts.tally.rows == 1_302
    assert counts.tally.unread()["columns"] == {"colour": 1_302}


def test_each_row_is_accounted_for(folder: Path) -> None:
    assert_all_counted(contributed(folder))
    assert stored_reports() == 1_300
    rejects = (folder / "results/reports.csv.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in rejects] == ["public-suffix"]


@pytest.mark.long_but("4-10")
@pytest.mark.parametrize(("batches", "left"), [(1, 14), (4, 10), (9, 6)])
def test_next_worker_continues_after_a_stopped_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, batches: int, left: int
) -> None:
    calls = []

    def stopped(*arguments: object, sender: Sender) -> object:
        if len(calls) == batches:
            raise Stopped
        calls.append(arguments)
        return take_all(*arguments, sender=sender)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr("server.features.reports.operations.take_all", stopped)
    with pytest.raises(Stopped):
        contributed(folder)
    calls.clear()
    batches = 100
    assert_all_counted(contributed(folder))
    assert len(calls) == left
    assert stored_reports() == 1_300
    rejects = (folder / "results/reports.csv.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == 1


def test_completed_file_is_counted_and_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contributed(folder)
    monkeypatch.setattr(cluster, "contribute_file", None)
    assert_all_counted(contributed(folder))


def test_changed_file_or_options_start_again(folder: Path) -> None:
    contributed(folder)
    assert (
        contributed(folder, Options("Bank A", PartnerKind.BANK, kind="domain", defaults={"tlp": "red"})).fault is None
    )
    (folder / "reports.csv").write_text("\n".join(ROWS[:11]))
    done = contributed(folder)
    assert (done.counts.read, done.counts.mapped) == (10, 10)
    assert (folder / "results/reports.csv.rejects.jsonl").read_text() == ""


def test_truncated_file_is_contributed_up_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*arguments: Any) -> Iterator[Any]:
        yield from islice(map_stream(*arguments), 600)
        raise UnreadableFile("cut off")

    monkeypatch.setattr("feeds.mapping.records.map_stream", cut_off)
    first = contributed(folder)
    assert (first.fault, first.counts.read, first.counts.tally.rows) == ("cut off", 600, 600)
    assert stored_reports() == 600
    again = contributed(folder)
    assert (again.fault, again.counts.as_dict()) == ("cut off", first.counts.as_dict())
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert_all_counted(contributed(folder))
    assert stored_reports() == 1_300


def test_records_clear_values_and_accuse_none(folder: Path) -> None:
    contributed(folder)
    before = stored_reports()
    (folder / "reports.csv").write_text("record,value,kind,verdict\noutcome,shop-1.example.net,domain,false-positive\n")
    done = contributed(folder)
    assert done.counts.read == 1
    assert stored_reports() == before


def test_worker_errors_are_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = contribute_on_worker(folder / "reports.csv", folder / "results", OPTIONS, None, "Bank B", "Anna")
    assert "Bank B" in str(nobody.fault)
    gone = contribute_on_worker(folder / "other.csv", folder / "results", OPTIONS, None, "Bank A", "Anna")
    assert "cannot be read by a worker" in str(gone.fault)
    monkeypatch.setenv("SCAMFEED_COLOUR", "red")
    assert "configuration" in str(contributed(folder).fault)
