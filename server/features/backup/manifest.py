"""The manifest of a backup: its format, its versions, and each file with its size and SHA-256."""

import hashlib
import re
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from server.features.backup.archive import SavedDatabase

FORMAT = "scamfeed-backup/1"
MANIFEST = "manifest.json"
DATABASE, FILES, EVIDENCE, ENVIRONMENT = "database", "files", "evidence", "environment.json"
_PATH = re.compile(r"(?:environment\.json|(?:database|files|evidence)/[A-Za-z0-9_][A-Za-z0-9._-]*)")
_PIECE = 1 << 20


class BadBackup(Exception):
    """A backup cannot be made, or a folder is not a restorable backup. The message says why."""


class SavedFile(msgspec.Struct, frozen=True):
    """A file of a backup. For a file named by a setting: also the setting and the original path."""

    path: str
    size: int
    sha256: str
    setting: str = ""
    source: str = ""


class BackupManifest(msgspec.Struct, frozen=True):
    """The content of a backup. ``made`` is in RFC 3339, ``program`` is the version that made it."""

    format: str
    made: str
    program: str
    database: SavedDatabase
    files: list[SavedFile]
    # Names of settings whose keys are in an HSM instead of the backup.
    in_hsm: list[str] = []

    def under(self, folder: str) -> list[SavedFile]:
        """Return the files in one of the folders of the backup."""
        return [file for file in self.files if file.path.startswith(f"{folder}/")]


def described(folder: Path, path: str, setting: str = "", source: str = "") -> SavedFile:
    """Return a file of a backup as a manifest entry."""
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return SavedFile(path, size, digest.hexdigest(), setting, source)


def read(folder: Path) -> BackupManifest:
    """Return the manifest of a backup after checking that exactly the listed files exist. Raises ``BadBackup``."""
    try:
        data = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(data, type=BackupManifest)
    except FileNotFoundError:
        raise BadBackup(
            f"{folder}: there is no {MANIFEST}: the folder is not a backup, or the backup was not finished"
        ) from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadBackup(f"{folder / MANIFEST}: cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BadBackup(
            f"{folder}: the backup has another format, {manifest.format!r}: restore it with the version that made it"
        )
    check(folder, manifest)
    return manifest


def check(folder: Path, manifest: BackupManifest) -> None:
    """Check that the files of a backup are those of its manifest. Raises ``BadBackup``."""
    known = {file.path for file in manifest.files}
    if len(known) != len(manifest.files) or not all(map(_PATH.fullmatch, known)):
        raise BadBackup(f"{folder}: the manifest lists a file twice, or a file outside the backup")
    for path in _paths(folder):
        if path not in known and path != MANIFEST:
            raise BadBackup(f"{folder / path}: the manifest does not list it")
    for file in manifest.files:
        try:
            if described(folder, file.path, file.setting, file.source) != file:
                raise BadBackup(f"{folder / file.path}: its content differs from the manifest")
        except OSError as error:
            raise BadBackup(f"{folder / file.path}: cannot be read: {error.strerror}") from None


def _paths(folder: Path) -> Iterable[str]:
    """Yield the paths of all files below a folder, which must not contain links. Raises ``BadBackup``."""
    for file in sorted(folder.rglob("*")):
        mode = file.lstat().st_mode
        if stat.S_ISREG(mode):
            yield file.relative_to(folder).as_posix()
        elif not stat.S_ISDIR(mode):
            raise BadBackup(f"{file}: a backup must contain only files and folders")
