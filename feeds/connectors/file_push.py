"""Files in a folder that the partner fetches: all active indicators, and the changes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, BinaryIO, ClassVar

import msgspec
from pydantic import Field, field_validator

from feeds import formats
from feeds.connector import Answer, Duration, Misconfigured, Outgoing, Push, PushSettings, Secret, duration
from feeds.mapping.export import export, weakest
from feeds.readers.stix import report_of
from feeds.runs.push import matches
from feeds.transport.envelopes import refused_answer, skipped_answer
from feeds.transport.local import LocalFolder
from feeds.transport.remote import Remote, RemoteFolder, RemoteSettings
from feeds.transport.signing import FileManifest, FileSigner, ManifestEntry, PublishedFolder
from schemas import timestamp
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.publish import identities
from server.release.query.lookup import is_active
from server.store import inbox, listings, log, value_index
from server.store.database.engine import Tx
from server.store.item import Item


class FilePushSettings(RemoteSettings, PushSettings):
    """The folder, the format, and the key that signs the manifest."""

    path: Annotated[str, Field(min_length=1, description="an existing folder, here or at sftp:// or s3://")]
    format: Annotated[str, Field(description="format of the files, or of the folder of files")]
    signing_key: Annotated[Secret, Field(description="the Ed25519 key in PEM format that signs the manifest")]
    full_every: Annotated[
        Duration, Field(description="maximum age of the full file; a revocation rewrites it at once")
    ] = "1h"
    as_added: Annotated[
        bool, Field(description="with `every`: also write files about a second after an object is added")
    ] = False
    keep: Annotated[Duration, Field(description="how long files of changes are kept")] = "7d"
    least_grade: Annotated[
        Action | None,
        Field(description="the weakest grade in the files; default: block in formats that block, any grade in others"),
    ] = None

    @field_validator("format")
    @classmethod
    def _written(cls, name: str) -> str:
        if not formats.get(name).writes:
            able = ", ".join(format_.name for format_ in formats.every().values() if format_.writes)
            raise ValueError(f"the format {name} cannot be written; choose one of: {able}")
        return name

    @property
    def least(self) -> Action | None:
        """Return the weakest grade in the files; None for any."""
        return self.least_grade or weakest(self.format)


class FilePush(Push[FilePushSettings]):
    """Writes a file of additions and one of removals for each batch, and sometimes a full one.

    The manifest lists a file only when it is complete. An indicator that expires disappears from the full file only.
    """

    name: ClassVar[str] = "file-push"
    settings_model = FilePushSettings

    def __init__(self, settings: FilePushSettings) -> None:
        super().__init__(settings)
        self._format = formats.get(settings.format)
        self._ending = self._format.endings[0] if self._format.endings else "txt"
        self._outgoing: Outgoing | None = None
        self._shelf: PublishedFolder | None = None
        self._revoked = False

    def begin(self, outgoing: Outgoing) -> None:
        """Store the collection whose indicators are in the full file."""
        self._outgoing = outgoing
        self._revoked = False

    def check(self) -> None:
        """Read the signing key, and write and remove a test file in the folder."""
        _, folder = self._opened()
        folder.check()

    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Write the additions and removals in ``items``."""
        outgoing, folder = self._opened()
        now = timestamp.now()
        manifest = self._manifest(folder, now)
        with outgoing.store.read() as tx:
            answers, added, removed = self._sorted(tx, items, now)
        stamp = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{len(manifest.files):06d}"
        entries: list[ManifestEntry] = []
        if removed and not self._format.folder:
            entries.append(
                folder.put(f"changes/{stamp}.removed.{self._ending}", "removed", now, self._writing(removed))
            )
        if added and not self._format.folder:
            entries.append(folder.put(f"changes/{stamp}.added.{self._ending}", "added", now, self._writing(added)))
        self._revoked = self._revoked or bool(removed) or any(item.revoked for item in items)
        if entries:
            changes = {"created": now, "files": [*manifest.files, *entries]}
            folder.publish(manifest.model_copy(update=changes), duration(self.settings.keep))
        return answers

    def finish(self) -> None:
        """Rewrite the full file if it is missing, too old, or contains a revoked indicator."""
        _, folder = self._opened()
        now = timestamp.now()
        manifest = self._manifest(folder, now)
        before = manifest.full
        if before and not self._revoked and now - before[0].created < duration(self.settings.full_every):
            return
        if self._format.folder:
            entries = self._folder(folder, now)
        else:
            name = f"{self.settings.collection}.{self._ending}"
            entries = [folder.put(name, "full", now, lambda out: self._export(out, now))]
        rest = [entry for entry in manifest.files if entry.role != "full"]
        named = {entry.name for entry in entries}
        folder.publish(
            manifest.model_copy(update={"created": now, "files": [*entries, *rest]}),
            duration(self.settings.keep),
            gone=[entry for entry in before if entry.name not in named],
        )
        self._revoked = False

    def close(self) -> None:
        """Forget the key; the next run reads it again."""
        if self._shelf is not None:
            self._shelf.close()
        self._shelf = None

    def _folder(self, folder: PublishedFolder, now: datetime) -> list[ManifestEntry]:
        with TemporaryDirectory(prefix="scamfeed-") as working:
            self._export(Path(working), now)
            # The file that lists the others is written last.
            files = sorted(Path(working).iterdir(), key=lambda file: (file.name == "manifest.json", file.name))
            return folder.put_all(self.settings.collection, files, now)

    def _export(self, target: BinaryIO | Path, now: datetime) -> int:
        outgoing, _ = self._opened()
        with outgoing.store.read() as tx:
            least = self.settings.least
            return export(
                tx, outgoing.collection, self._format.name, target, now, only=self._wanted, least=least
            ).written

    def _opened(self) -> tuple[Outgoing, PublishedFolder]:
        if self._outgoing is None:
            raise Misconfigured("file-push: begin() comes before push()")
        if self._shelf is None:
            signer = FileSigner(self.settings.signing_key.reveal())
            remote = RemoteFolder(Remote(self.settings, self.settings.path)) if self.settings.is_remote else None
            self._shelf = PublishedFolder(remote or LocalFolder(Path(self.settings.path)), signer)
        return self._outgoing, self._shelf

    def _manifest(self, folder: PublishedFolder, now: datetime) -> FileManifest:
        collection, format = self.settings.collection, self._format.name
        found = folder.manifest()
        if found is not None and (found.collection, found.format) == (collection, format):
            return found
        return FileManifest(collection=collection, format=format, created=now)

    def _wanted(self, indicator: dict[str, Any]) -> bool:
        return matches(self.settings, indicator)

    def _sorted(self, tx: Tx, items: Sequence[Item], now: datetime) -> tuple[list[Answer], list[Any], list[Any]]:
        """Return the answers, and the additions and removals: objects if the format copies them, else reports."""
        answers: list[Answer] = []
        added: list[Any] = []
        removed: list[Any] = []
        names = {} if self._format.stix_objects else identities.names(tx)
        for item in items:
            obj: dict[str, Any] = msgspec.json.decode(item.body)
            if self._format.stix_objects:
                (removed if item.revoked else added).append(obj)
                answers.append(Answer(item, True, "success"))
                continue
            if item.type != "indicator":
                answers.append(skipped_answer(item, "files say indicators"))
                continue
            try:
                report = report_of(obj, names)
            except Rejected as refusal:
                answers.append(refused_answer(item, refusal.reason))
                continue
            answers.append(Answer(item, True, "success"))
            # An indicator that was sent before and is no longer wanted is not a reason to block.
            if not item.revoked and self._wanted(obj):
                added.append(report)
            elif not self._still_said(tx, report, now):
                removed.append(report)
        return answers, added, removed

    def _still_said(self, tx: Tx, report: Report, now: datetime) -> bool:
        """Return whether another indicator in the collection has the value, which must then stay in the file."""
        assert self._outgoing is not None  # noqa: S101 - opened before
        subject = value_index.subject_of(report.kind, report.value)
        object_ids = map(inbox.object_id, value_index.find(tx, [subject]).get(subject, set()))
        others = log.latest(tx, self._outgoing.collection, {*object_ids, *listings.ids(tx, subject)})
        return any(
            item.type == "indicator" and is_active(obj, now) and self._wanted(obj)
            for item, obj in ((item, msgspec.json.decode(item.body)) for item in others.values())
        )

    def _writing(self, what: Iterable[Any]) -> Callable[[BinaryIO], int]:
        if self._format.stix_objects:
            return lambda out: self._format.copy(what, out)
        return lambda out: formats.write(self._format.name, what, out)
