"""Make a backup of a hub while it runs."""

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec

from server.features.backup import archive, manifest as manifests, named_files
from server.features.backup.archive import BadArchive
from server.features.backup.manifest import (
    DATABASE,
    ENVIRONMENT,
    EVIDENCE,
    FILES,
    FORMAT,
    MANIFEST,
    BackupManifest,
    BadBackup,
)
from server.features.evidence import files as evidence
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import StoreOfFilesUnavailable
from server.release.key_files import BadKeyFile
from server.settings import Settings
from server.store import Store

_PIECE = 1 << 20


class MadeBackup:
    """A completed and verified backup: its manifest, and how many evidence files were missing."""

    def __init__(self, manifest: BackupManifest, missing: int) -> None:
        """Describe the backup."""
        self.manifest = manifest
        self.evidence_missing = missing


def make(store: Store, settings: Settings, config: Path | None, folder: Path) -> MadeBackup:
    """Write a backup into a new or empty folder and verify it. Only its owner may read it.

    The database is a snapshot of one moment. Raises ``BadBackup`` and leaves nothing in the folder.
    """
    _prepare(folder)
    try:
        return _write(store, settings, named_files.configuration_of(config), folder)
    except (BadArchive, BadKeyFile, StoreOfFilesUnavailable) as error:
        _clear(folder)
        raise BadBackup(str(error)) from error
    except OSError as error:
        _clear(folder)
        raise BadBackup(f"{folder}: cannot be written: {error.strerror}") from error
    except BaseException:  # any error, also when stopping: half a backup must not look like one
        _clear(folder)
        raise


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadBackup(f"{folder}: the folder is not empty; name a new one")
        folder.chmod(0o700)
        for inner in (DATABASE, FILES, EVIDENCE):
            (folder / inner).mkdir(mode=0o700)
    except OSError as error:
        raise BadBackup(f"{folder}: cannot be written: {error.strerror}") from error


def _clear(folder: Path) -> None:
    for inner in folder.iterdir():
        if inner.is_dir():
            shutil.rmtree(inner, ignore_errors=True)
        else:
            inner.unlink(missing_ok=True)


def _write(store: Store, settings: Settings, config: Path | None, folder: Path) -> MadeBackup:
    # Before the large work, so that a missing file is found at once.
    named = named_files.named_files(settings, config)
    database = archive.save(settings.database_url, folder / DATABASE)
    found = [manifests.described(folder, f"{DATABASE}/{file.name}") for file in sorted((folder / DATABASE).iterdir())]
    for number, (setting, source) in enumerate(named):
        path = f"{FILES}/{number:03}-{setting.replace('/', '_')}"
        with source.open("rb") as file:
            _copy(file, folder / path)
        found.append(manifests.described(folder, path, setting, str(source)))
    _put(folder / ENVIRONMENT, msgspec.json.encode(named_files.environment(config)))
    found.append(manifests.described(folder, ENVIRONMENT))
    places, missing = _save_evidence(store, settings, folder)
    found += [manifests.described(folder, f"{EVIDENCE}/{place}") for place in places]
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    manifest = BackupManifest(FORMAT, made, version("scamfeed"), database, found, named_files.in_hsm(settings))
    # Last, because a folder without it is not a backup.
    _put(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return MadeBackup(manifests.read(folder), missing)


def _save_evidence(store: Store, settings: Settings, folder: Path) -> tuple[list[str], int]:
    """Copy the encrypted evidence files. Return their names, and how many are missing in the file store."""
    place = evidence_place(settings)
    if place is None:
        return [], 0
    with store.read() as tx:
        names = evidence.stored_places(tx)
    saved, missing = [], 0
    for name in names:
        try:
            with place.store.opened(name) as file:
                _copy(file, folder / EVIDENCE / name)
            saved.append(name)
        except StoreOfFilesUnavailable:
            # Its row was removed since the database was saved, or another process removed the file.
            missing += 1
    return saved, missing


def _copy(file: IO[bytes], target: Path) -> None:
    _put_all(target, iter(lambda: file.read(_PIECE), b""))


def _put(target: Path, data: bytes) -> None:
    _put_all(target, [data])


def _put_all(target: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for piece in pieces:
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
