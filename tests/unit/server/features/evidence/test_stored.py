import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.features.evidence.stored import FileStore, StoreOfFilesUnavailable


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "files") if request.param == "folder" else f"memory://{tmp_path.name}/files"


def test_a_file_is_written_read_and_removed(url: str) -> None:
    store = FileStore(url)
    store.write("ab", [b"one", b"two"])
    with store.opened("ab") as file:
        assert file.read() == b"onetwo"
    store.remove("ab")
    store.remove("ab")
    with pytest.raises(StoreOfFilesUnavailable), store.opened("ab"):
        pass


def test_folder_is_private_and_has_no_partial_file(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "files"))
    store.write("ab", [b"one"])
    assert stat.S_IMODE((tmp_path / "files").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "files" / "ab").stat().st_mode) == 0o600

    def broken() -> Iterator[bytes]:
        yield b"one"
        raise OSError("no space left")

    with pytest.raises(StoreOfFilesUnavailable):
        store.write("cd", broken())
    assert [file.name for file in (tmp_path / "files").iterdir()] == ["ab"]


def test_a_store_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(StoreOfFilesUnavailable, match="evidence_store"):
        FileStore("nowhere://bucket")
