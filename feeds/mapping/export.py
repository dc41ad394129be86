"""Export: the active indicators of a collection, written in a file format."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import fsspec
import msgspec

from feeds import formats
from feeds.readers.stix import report_of
from feeds.runs.push import grade, reaches
from mappers import extension
from schemas import kinds
from schemas.errors import Rejected
from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse.statements import indicator_subject
from server.release.publish import identities
from server.release.query import active
from server.release.route.audience import effective_tlp
from server.store import Store, log
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.objects.query import EVERY, Query

# Reason of indicators that are left out because their grade is too weak.
BELOW = "below-grade"


@dataclass
class Exported:
    """Numbers of active indicators: ``active`` is the sum of the others.

    ``duplicates``: further indicators of a value, in formats with one entry per value. ``left_out``: the indicators
    that the format does not support, by reason.
    """

    active: int = 0
    written: int = 0
    duplicates: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts for JSON."""
        return {
            "active": self.active,
            "written": self.written,
            "duplicates": self.duplicates,
            "left_out": dict(self.left_out.most_common()),
        }


def export(
    tx: Tx,
    collection: Collection,
    format: str,
    target: BinaryIO | Path,
    at: datetime,
    since: int = -1,
    only: Callable[[dict[str, Any]], bool] = lambda _: True,
    least: Action | None = None,
) -> Exported:
    """Write the indicators that are active at ``at`` to ``target``: a folder for folder formats, else a file.

    Formats of STIX objects get the collection's objects unchanged, others get their reports. ``since`` leaves out
    indicators added at that time (microseconds) or earlier, ``only`` those for which it returns false. ``least`` is the
    weakest grade to write; None is ``block`` for blocklists, and any grade for other formats. Raises
    ``UnknownFormat``.
    """
    writer = formats.get(format)
    done = Exported()
    wanted = filter(only, active.indicators(tx, collection, at, since))
    indicators = _counted(wanted, least or weakest(format), done)
    if isinstance(target, Path):
        done.written = writer.write_folder(_reports(tx, indicators, done, once=writer.values_only), target)
    elif writer.stix_objects:
        done.written = writer.copy(chain(active.companions(tx, collection), indicators), target)
    else:
        done.written = formats.write(format, _reports(tx, indicators, done, once=writer.values_only), target)
    rest = done.active - done.written - done.duplicates - done.left_out.total()
    if rest:
        done.left_out["not-in-format"] = rest
    return done


def weakest(format: str) -> Action | None:
    """Return the weakest grade that a format gets by default; None for any."""
    return Action.BLOCK if formats.get(format).blocklist else None


def _counted(
    indicators: Iterable[Mapping[str, Any]], least: Action | None, done: Exported
) -> Iterator[Mapping[str, Any]]:
    """Count the indicators; yield those that are graded ``least`` or stronger, and count the others as left out."""
    for indicator in indicators:
        done.active += 1
        if reaches(indicator, least):
            yield indicator
        else:
            done.left_out[BELOW] += 1


def _reports(tx: Tx, indicators: Iterable[Mapping[str, Any]], done: Exported, *, once: bool) -> Iterator[Report]:
    """Yield the reports of the indicators; with ``once``, only the first of each value, remembered by its hash."""
    names = identities.names(tx)
    seen: set[int] = set()
    for indicator in indicators:
        try:
            report = report_of(indicator, names)
        except Rejected as refusal:
            done.left_out[refusal.reason] += 1
            continue
        key = hash((report.kind, kinds.get(report.kind).key(report.value)))
        if once and key in seen:
            done.duplicates += 1
            continue
        if once:
            seen.add(key)
        yield report


_PAGE = 10_000
# A part of this size takes about 100 MB of memory.
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
    """One row of the files; missing properties of an object are None."""

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
        """Return the newest day with files, None if there are none."""
        try:
            names = [path.rpartition("/")[2] for path in self._files.ls(self._path, detail=False)]
        except FileNotFoundError:
            return None
        days = [name.removeprefix("day=") for name in names if name.startswith("day=")]
        return datetime.strptime(max(days), "%Y-%m-%d").replace(tzinfo=UTC) if days else None

    def put(self, day: str, number: int, content: bytes) -> None:
        """Write a part of a day: a reader finds either the old file or the new one."""
        folder, name = f"{self._path}/day={day}", _part_name(number)
        if not self._is_local:
            self._files.pipe_file(f"{folder}/{name}", content)  # an object exists only after all of it has arrived
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

    The newest existing day is written again, because it may have been incomplete, and so are all days from ``since``
    on. Each page is a separate transaction, and memory does not grow with the collection. Raises
    ``HistoryUnavailable``.
    """
    try:
        import polars  # noqa: F401 - to report at once that it is missing
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
    """Yield every version of every object added after ``after``, in order."""
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
        grade(obj).value,
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
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("date_added", "version").cast(moment),
        pl.col("valid_from", "valid_until").str.to_datetime(time_unit="us", time_zone="UTC", strict=False),
    )
    out = BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()
