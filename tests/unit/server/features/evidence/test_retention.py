from pathlib import Path

from server.features.evidence import files
from server.features.evidence.stored import FileStore
from server.jobs.retention import Days, Retention
from server.store import Store


def test_old_evidence_is_deleted_with_its_file_and_new_evidence_stays(store: Store, tmp_path: Path) -> None:
    kept = FileStore(str(tmp_path / "files"))
    for place in ("old", "new"):
        kept.write(place, [b"noise"])
        with store.begin() as tx:
            file = files.add(tx, "bank", ("ab" if place == "old" else "cd") * 32, 5, "text/plain")
            files.link(tx, file.id, "1:indicator--1")
            files.store(tx, file.id, place, b"key")
            if place == "old":
                tx.execute(files.evidence_files.update().values(added=1))
    Retention(store, Days(), kept).clean()
    with store.read() as tx:
        assert [file.place for file in files.all_files(tx)] == ["new"]
        assert files.leftovers(tx) == []
    assert [file.name for file in (tmp_path / "files").iterdir()] == ["new"]


def test_files_that_cannot_be_removed_now_are_removed_later(store: Store, tmp_path: Path) -> None:
    with store.begin() as tx:
        file = files.add(tx, "bank", "ab" * 32, 5, "text/plain")
        files.store(tx, file.id, "place", b"key")
    (tmp_path / "files" / "place").mkdir(parents=True)
    Retention(store, Days(), FileStore(str(tmp_path / "files"))).clean()
    with store.read() as tx:
        assert files.all_files(tx) == []
        assert files.leftovers(tx) == ["place"]
