"""MISP feeds: a folder of events, with the manifest and the hashes by which MISP finds them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, ClassVar, NamedTuple

import orjson

from feeds.format import Example, Format, Head
from feeds.readers import streams
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source, numbered_lines
from mappers import ids, misp
from schemas import kinds
from schemas.report import Report
from schemas.vocabulary import Tlp

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MANIFEST = re.compile(rf'\s*\{{\s*"{_UUID}"\s*:\s*\{{')
_HASH = re.compile(rf"[0-9a-fA-F]{{32}},{_UUID}")
_EVENT_FILE = re.compile(_UUID)
_IN_EVENT = "the reports are in the event's file, <uuid>.json"
_INFO = "Scam indicators for "
# MISP reads an event as a whole, and so does the format misp-event.
_LARGEST_EVENT = 50_000
# Attributes buffered before they are appended to their events' files.
_HELD = 20_000


class MispFeed(Format):
    """A feed as MISP fetches it. Its events are read as ``misp-event``; its manifest and hashes contain no reports.

    One event is written for each reporter, TLP level, day and collection, so that it has one creator and one marking.
    More than 50,000 reports need several events.
    """

    name: ClassVar[str] = "misp-feed"
    endings: ClassVar[tuple[str, ...]] = ("json", "csv")
    writes: ClassVar[bool] = True
    folder: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for events under their UUIDs, or for lines of a hash and a UUID."""
        if _MANIFEST.match(head.text) and '"Attribute"' not in head.text:
            return 0.99
        lines = head.lines
        return 0.99 * head.share(filter(_HASH.fullmatch, lines), len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield each entry of the manifest or of the hashes as unreadable, with the place of its reports."""
        if source.head.lstrip()[:1] == b"{":
            number = 0
            for item in streams.items(source, frozenset()):
                for uuid in item.value if isinstance(item, streams.JsonItem) and isinstance(item.value, dict) else ():
                    number += 1
                    yield Unreadable.of(number, uuid, "not-a-report", f"an entry of a feed's manifest: {_IN_EVENT}")
            return
        for line in numbered_lines(source):
            if isinstance(line, Unreadable):
                yield line
            elif line[1].strip():
                yield Unreadable.of(*line, "not-a-report", f"a line of a feed's hashes: {_IN_EVENT}")

    def examples(self) -> Iterable[Example]:
        uuid = b"1733d613-f09f-43ec-8e6a-3926f75e5fa4"
        yield Example(b'{"' + uuid + b'":{"info":"X",\n"date":"2026-01-01"}}', [], ("not-a-report",))
        yield Example(b"0" * 32 + b"," + uuid + b"\n", [], ("not-a-report",))

    def write_folder(self, reports: Iterable[Report], folder: Path) -> int:
        """Write the events, then the hashes, then the manifest; then remove the events of the previous manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        gone = _own_events(folder / "manifest.json")
        with TemporaryDirectory(prefix=".writing-", dir=folder) as working:
            events = _Events(Path(working))
            count = sum(events.add(report) for report in reports)
            for uuid, made in events.finished():
                made.replace(folder / f"{uuid}.json")
                gone.discard(uuid)
            events.hashes.replace(folder / "hashes.csv")
            events.manifest().replace(folder / "manifest.json")
        for uuid in gone:
            (folder / f"{uuid}.json").unlink(missing_ok=True)
        return count


class _EventKey(NamedTuple):
    """The properties shared by all reports of one event."""

    reporter: str
    tlp: Tlp
    collection: str
    day: str
    part: int = 0

    @property
    def uuid(self) -> str:
        return ids.in_scamfeed({**self._asdict(), "type": "misp-event"})


class _Events:
    """Events during writing, as parts in files of a folder, so that memory does not grow with them."""

    def __init__(self, working: Path) -> None:
        self.hashes = working / "hashes.csv"
        self.hashes.touch()
        self._working = working
        self._held: dict[tuple[_EventKey, str], list[bytes]] = {}
        self._hashes: list[bytes] = []
        self._count = 0
        self._sizes: Counter[_EventKey] = Counter()
        self._stamps: dict[_EventKey, int] = {}

    def add(self, report: Report) -> bool:
        """Add a report to its event; return False if MISP has no type for it."""
        spelled = misp.to_misp(report)
        if spelled is None:
            return False
        collection = kinds.get(report.kind).collection
        group = _EventKey(report.reporter, report.tlp, collection, report.reported_at.date().isoformat())
        self._sizes[group] += 1
        group = group._replace(part=(self._sizes[group] - 1) // _LARGEST_EVENT)
        self._hold(group, spelled)
        self._stamps[group] = max(self._stamps.get(group, 0), int(report.reported_at.timestamp()))
        self._count += 1
        if self._count % _HELD == 0:
            self._flush()
        return True

    def finished(self) -> Iterator[tuple[str, Path]]:
        """Put each event together, and yield its UUID and its file."""
        self._flush()
        for group in self._stamps:
            whole = self._working / "event.json"
            with whole.open("wb") as out:
                out.write(b'{"Event":' + orjson.dumps(self._head(group))[:-1])
                for section in ("Attribute", "Object"):
                    out.write(b',"' + section.encode() + b'":[')
                    self._copy(self._part(group, section), out)
                    out.write(b"]")
                out.write(b"}}\n")
            yield group.uuid, whole

    def manifest(self) -> Path:
        """Write the manifest of all events, and return its file."""
        path = self._working / "manifest.json"
        shown = ("Orgc", "Tag", "info", "date", "analysis", "threat_level_id", "timestamp")
        heads = {group.uuid: self._head(group) for group in self._stamps}
        path.write_bytes(orjson.dumps({uuid: {name: head[name] for name in shown} for uuid, head in heads.items()}))
        return path

    def _hold(self, group: _EventKey, spelled: misp.MispReport) -> None:
        self._held.setdefault((group, spelled.section), []).append(orjson.dumps(spelled.body))
        uuid = group.uuid
        digests = (md5(value.encode(), usedforsecurity=False).hexdigest() for value in spelled.values)
        self._hashes.extend(f"{digest},{uuid}\n".encode() for digest in digests)

    def _flush(self) -> None:
        for (group, section), bodies in self._held.items():
            part = self._part(group, section)
            begun = part.exists()
            with part.open("ab") as out:
                out.write((b",\n" if begun else b"") + b",\n".join(bodies))
        with self.hashes.open("ab") as out:
            out.writelines(self._hashes)
        self._held.clear()
        self._hashes.clear()

    def _part(self, group: _EventKey, section: str) -> Path:
        return self._working / f"{group.uuid}.{section}"

    def _head(self, group: _EventKey) -> dict[str, Any]:
        info = f"{_INFO}{group.collection}, {group.day}"
        return misp.head(group.uuid, info, group.reporter, group.tlp, group.day, self._stamps[group])

    @staticmethod
    def _copy(part: Path, out: BinaryIO) -> None:
        if part.exists():
            with part.open("rb") as file:
                while block := file.read(1 << 20):
                    out.write(block)


def _own_events(manifest: Path) -> set[str]:
    """Return the UUIDs of the events in a manifest that this format wrote."""
    try:
        named = orjson.loads(manifest.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return set()
    if not isinstance(named, dict):
        return set()
    entries = ((uuid, entry.get("info")) for uuid, entry in named.items() if isinstance(entry, dict))
    return {uuid for uuid, info in entries if str(info).startswith(_INFO) and _EVENT_FILE.fullmatch(uuid)}
