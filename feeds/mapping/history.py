"""The history of a collection as Parquet files by day, which analysts read with Polars, DuckDB or Spark.

``FOLDER/collection=ALIAS/day=2026-11-26/part-0000.parquet`` has the object versions that were added on that day (UTC),
in their order. The folder may be any that fsspec opens.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import fsspec
import msgspec

from feeds.runs import grades
from mappers import extension
from server.release.fuse.statements import indicator_subject
from server.release.route.audience import effective_tlp
from server.store import Store, log
from server.store.collections import Collection
from server.store.database.times import micros
from server.store.objects.query import EVERY, Query

if TYPE_CHECKING:
    import polars

_PAGE = 10_000
# A part of this size takes some 100 MB to make.
_ROWS_IN_PART = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOTH = ("2.0", "2.1")


class HistoryUnavailable(Exception):
    """The files cannot be written; the message says what to do."""


class WrittenDay(NamedTuple):
    """The files of a day, and the object versions in them."""

    day: str
    parts: int
    versions: int


class _Version(NamedTuple):
    """One row of the files; what an object does not have is None."""

    date_added: int
    id: str
    type: str
    spec_version: str
    version: int
    revoked: bool
    kind: str | None
    value: str | None
    confidence: int | None
    grade: str | None
    reporters: int | None
    scam_type: str | None
    tlp: str | None
    valid_from: str | None
    valid_until: str | None
    body: str


class HistoryFolder:
    """The folder of one collection's history."""

    def __init__(self, target: str, collection: Collection) -> None:
        """Use ``target``, a folder of this machine or a URL such as ``s3://bucket/history``."""
        try:
            self._files, root = fsspec.core.url_to_fs(target)
        except (ImportError, ValueError) as error:
            raise HistoryUnavailable(f"{target}: {error}") from error
        self._is_local = "file" in self._files.protocol
        self._path = f"{root.rstrip('/')}/collection={collection.alias}"

    def newest_day(self) -> datetime | None:
        """Return the newest day that has files, None without any."""
        try:
            names = [path.rpartition("/")[2] for path in self._files.ls(self._path, detail=False)]
        except FileNotFoundError:
            return None
        days = [name.removeprefix("day=") for name in names if name.startswith("day=")]
        return datetime.strptime(max(days), "%Y-%m-%d").replace(tzinfo=UTC) if days else None

    def put(self, day: str, number: int, content: bytes) -> None:
        """Write a part of a day: a reader finds the old file or the new one."""
        folder, name = f"{self._path}/day={day}", _part_name(number)
        if not self._is_local:
            self._files.pipe_file(f"{folder}/{name}", content)  # an object is there when all of it has come
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        unfinished = Path(folder, f".{name}.{os.getpid()}.part")
        try:
            with unfinished.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(Path(folder, name))
        finally:
            unfinished.unlink(missing_ok=True)

    def drop_parts(self, day: str, first: int) -> None:
        """Remove the parts of a day from number ``first`` on, which an earlier run wrote."""
        with suppress(FileNotFoundError):
            for path in self._files.ls(f"{self._path}/day={day}", detail=False):
                name = path.rpartition("/")[2]
                if name.startswith("part-") and name >= _part_name(first):
                    self._files.rm_file(path)


def export_history(
    store: Store, collection: Collection, target: str, since: datetime | None = None
) -> Iterator[WrittenDay]:
    """Write the days that are not in ``target`` yet, and yield each when it is written.

    The newest day there is written again, since it may have gone on, and so are all from the day of ``since`` on. Each
    page is a transaction of its own, and memory does not grow with the collection. Raises ``HistoryUnavailable``.
    """
    try:
        import polars  # noqa: F401 - to say at once that it is missing
    except ImportError as error:
        raise HistoryUnavailable("polars is not installed: pip install 'scamfeed[parquet]'") from error
    folder = HistoryFolder(target, collection)
    try:
        begin = folder.newest_day()
        if since is not None and begin is not None:
            begin = min(begin, since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        after = -1 if begin is None else micros(begin) - 1
        for day, versions in groupby(_versions(store, collection, after), key=_day):
            yield _write_day(folder, day, versions)
    except OSError as error:
        raise HistoryUnavailable(f"{target}: cannot be written: {error.strerror or error}") from error


def _write_day(folder: HistoryFolder, day: str, versions: Iterator[_Version]) -> WrittenDay:
    parts = count = 0
    rows: list[_Version] = []
    for version in versions:
        rows.append(version)
        if len(rows) >= _ROWS_IN_PART:
            folder.put(day, parts, _parquet(rows))
            parts, count, rows = parts + 1, count + len(rows), []
    if rows:
        folder.put(day, parts, _parquet(rows))
        parts, count = parts + 1, count + len(rows)
    folder.drop_parts(day, parts)
    return WrittenDay(day, parts, count)


def _versions(store: Store, collection: Collection, after: int) -> Iterator[_Version]:
    """Yield every version of every object added after that, in their order."""
    query = Query(after=after, limit=_PAGE, spec_versions=_BOTH, versions=EVERY)
    while True:
        with store.read() as tx:
            page, manifest = log.page(tx, collection, query), log.manifest(tx, collection, query)
        for record, body in zip(manifest.records, page.bodies, strict=True):
            yield _version(record, body)
        if page.next is None:
            return
        query = query.past(page.next)


def _version(record: log.ManifestRecord, body: bytes) -> _Version:
    obj = msgspec.json.decode(body)
    common = (record.date_added, record.id, obj["type"], record.spec_version, record.version, bool(obj.get("revoked")))
    if obj["type"] != "indicator":
        return _Version(*common, None, None, None, None, None, None, _tlp(obj), None, None, body.decode())
    context = extension.context_of(obj)
    kind, _, value = (indicator_subject(obj) or "").partition(":")
    return _Version(
        *common,
        kind or None,
        value or None,
        _whole(obj.get("confidence")),
        grades.grade(obj).value,
        _whole(context.get("reporters")),
        _text(context.get("scam_type")),
        _tlp(obj),
        _text(obj.get("valid_from")),
        _text(obj.get("valid_until")),
        body.decode(),
    )


def _tlp(obj: dict[str, Any]) -> str | None:
    return effective_tlp(obj).value if obj.get("object_marking_refs") else None


def _whole(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 1 << 31 else None


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _day(version: _Version) -> str:
    return (_EPOCH + timedelta(microseconds=version.date_added)).strftime("%Y-%m-%d")


def _part_name(number: int) -> str:
    return f"part-{number:04}.parquet"


def _parquet(rows: list[_Version]) -> bytes:
    """Return the rows as a Parquet file."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    whole, text = pl.Int64, pl.String
    schema: dict[str, Any] = dict.fromkeys(_Version._fields, text)
    schema |= {"date_added": whole, "version": whole, "revoked": pl.Boolean, "confidence": pl.Int32}
    schema |= {"reporters": pl.Int32}
    frame: polars.DataFrame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("date_added", "version").cast(moment),
        pl.col("valid_from", "valid_until").str.to_datetime(time_unit="us", time_zone="UTC", strict=False),
    )
    out = BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()
