"""Restore a backup on a machine without a store: first the files, then the database, then check the result."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from server.features.backup import archive, manifest as manifests, named_files
from server.features.backup.archive import BadArchive
from server.features.backup.manifest import DATABASE, ENVIRONMENT, EVIDENCE, FILES, BackupManifest, BadBackup, SavedFile
from server.features.backup.named_files import CONFIGURATION, VARIABLES
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import FileStore, StoreOfFilesUnavailable
from server.release.key_files import BadKeyFile
from server.settings import DEFAULT_FILE, BadConfiguration, Settings, load
from server.store import StoreUnavailable

_PIECE = 1 << 20


class Restored:
    """A restored hub: its manifest, its settings, and the files that were written."""

    def __init__(self, manifest: BackupManifest, settings: Settings, written: list[Path], unset: list[str]) -> None:
        """Describe the restored hub; ``unset`` lists variables with feed secrets that must still be set."""
        self.manifest = manifest
        self.settings = settings
        self.written = written
        self.unset = unset


def restore(folder: Path, config: Path | None) -> Restored:
    """Restore a backup to the paths that the settings name, without overwriting existing files.

    The settings are those of ``config`` and the environment. If there is no configuration file, one is written into
    this folder with the settings of the backup, including those from variables. Raises ``BadBackup``.
    """
    manifest = manifests.read(folder)
    try:
        with ExitStack() as undo:
            restored = _restore(folder, manifest, config, _Place(undo))
            undo.pop_all()
    except (BadArchive, BadConfiguration, BadKeyFile, StoreOfFilesUnavailable, StoreUnavailable) as error:
        raise BadBackup(str(error)) from error
    except OSError as error:
        raise BadBackup(f"{error.filename}: cannot be written: {error.strerror}") from error
    return restored


class _Place:
    """The machine that is restored. Files written to it are removed again unless the restore completes."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo
        self.written: list[Path] = []

    def make_folder(self, folder: Path) -> None:
        for made in reversed([part for part in (folder, *folder.parents) if not part.exists()]):
            made.mkdir(mode=0o700)
            self._undo.callback(_remove_folder, made)

    def write(self, target: Path, pieces: Iterable[bytes]) -> None:
        """Write a file that only its owner may read."""
        self.make_folder(target.parent)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            self._undo.callback(target.unlink, missing_ok=True)
            self.written.append(target)
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())

    def write_evidence(self, store: FileStore, name: str, pieces: Iterable[bytes]) -> None:
        self._undo.callback(store.remove, name)
        store.write(name, pieces)


def _restore(folder: Path, manifest: BackupManifest, config: Path | None, place: _Place) -> Restored:
    settings = _settings(folder, manifest, config, place)
    archive.refuse_unknown(settings.database_url, manifest.database)
    archive.refuse_used(settings.database_url)
    targets = [
        (file, named_files.place_of(file.setting, settings) or Path(file.source))
        for file in manifest.under(FILES)
        if file.setting != CONFIGURATION
    ]
    for file, target in targets:
        _refuse_other(file, target)
    for file, target in targets:
        if not target.exists():
            place.write(target, _pieces(folder / file.path))
    _restore_evidence(folder, manifest, settings, place)
    # Last, because it is atomic by itself.
    archive.load(settings.database_url, folder / DATABASE, manifest.database)
    unset = [name for name in _variables(folder) if not name.startswith(VARIABLES) and name not in os.environ]
    return Restored(manifest, settings, place.written, unset)


def _settings(folder: Path, manifest: BackupManifest, config: Path | None, place: _Place) -> Settings:
    """Return the settings of the restored hub."""
    if named_files.configuration_of(config) is None:
        had = [file for file in manifest.under(FILES) if file.setting == CONFIGURATION]
        text = (folder / had[0].path).read_text(encoding="utf-8") if had else ""
        if text := named_files.configuration_with(text, _variables(folder)):
            place.write(DEFAULT_FILE, [text.encode()])
    return load(config)


def _variables(folder: Path) -> dict[str, str]:
    return msgspec.json.decode((folder / ENVIRONMENT).read_bytes(), type=dict[str, str])


def _refuse_other(file: SavedFile, target: Path) -> None:
    """Refuse to replace a file with other content. Raises ``BadBackup``."""
    if target.exists():
        there = manifests.described(target.parent, target.name)
        if (there.size, there.sha256) != (file.size, file.sha256):
            raise BadBackup(f"{target}: it exists already, and its content differs from the backup ({file.setting})")


def _restore_evidence(folder: Path, manifest: BackupManifest, settings: Settings, place: _Place) -> None:
    files = manifest.under(EVIDENCE)
    if not files:
        return
    if "://" not in settings.evidence_store:
        place.make_folder(Path(settings.evidence_store))
    evidence = evidence_place(settings)
    if evidence is None:
        raise BadBackup("the backup contains evidence: set evidence_store and evidence_key_file")
    for saved in files:
        place.write_evidence(evidence.store, saved.path.removeprefix(f"{EVIDENCE}/"), _pieces(folder / saved.path))


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
