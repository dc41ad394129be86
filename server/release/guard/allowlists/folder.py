"""The allowlists as files: those bundled with the program, and updated ones in a folder of the operator."""

import gzip
import io
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from schemas.errors import Rejected
from schemas.reference.sites import SHARED_SERVICES
from server.release.guard.allowlists import parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist

BUNDLED = Path(__file__).with_name("data")
# Lists that look-ups need too are in a separate folder, because look-ups do not import the guard.
_FOLDERS = (BUNDLED, SHARED_SERVICES)
TABLE = BUNDLED / "institutions.tsv"

MAX_BYTES = 64 * 1024 * 1024
# Minimum length of a name that is not an abbreviation.
_LONG_NAME = 7
# Before the name of each list that an operator writes.
_OWN = "local-"
_HEAD = re.compile(r"# loaded (\S+)\n")


@dataclass(frozen=True)
class StoredList:
    """The entries of a list as in its file, and the day (``YYYY-MM-DD``) on which they were loaded."""

    allowlist: Allowlist
    entries: tuple[str, ...]
    day: str


def read(allowlist: Allowlist, updated: Path | None = None) -> StoredList:
    """Read a list from the folder ``updated``, otherwise the bundled one; a list that is in neither is empty."""
    for folder in (updated, *_FOLDERS):
        for file in (folder / f"{allowlist.name}.txt.gz", folder / f"{allowlist.name}.txt") if folder else ():
            try:
                text = _unpack(file.read_bytes()).decode()
            except FileNotFoundError:
                continue
            head = _HEAD.match(text)
            lines = (line.partition("#")[0].strip() for line in text.splitlines())
            return StoredList(allowlist, tuple(line for line in lines if line), head[1] if head else "")
    return _read_institutions(allowlist)


def _read_institutions(allowlist: Allowlist) -> StoredList:
    """Read a list from the table of institutions."""
    raw = parse.entries_of_institutions(_table(), allowlist.name)
    day = TABLE.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# loaded ") if raw else ""
    return StoredList(
        allowlist,
        tuple(sorted({entry for text in raw for entry in parse.normalise_entry(allowlist.entry_type, text)})),
        day,
    )


def names_of_institutions() -> frozenset[str]:
    """Return the names of the table's institutions as people write them without spaces: ``krungthaibank``."""
    names = ("".join(filter(str.isalnum, row.name.partition("(")[0])).lower() for row in _table())
    return frozenset(name for name in names if len(name) >= _LONG_NAME)


@cache
def _table() -> tuple[parse.Institution, ...]:
    return tuple(parse.read_institutions(TABLE.read_text(encoding="utf-8").splitlines()))


def read_update(folder: Path, allowlist: Allowlist, content: bytes, *, may_shrink: bool = False) -> StoredList:
    """Read ``content``, a file as its publisher wrote it, as a newer version of a list; ``save`` stores it.

    Raises ``Rejected`` if it is not this list, or, without ``may_shrink``, if more than half of the entries are gone.
    """
    stored = StoredList(allowlist, tuple(parse.entries(allowlist, _unpack(content))), f"{datetime.now(UTC):%Y-%m-%d}")
    before = len(read(allowlist, folder).entries)
    if not may_shrink and 2 * len(stored.entries) < before:
        raise Rejected(
            "list-shrunk",
            f"{allowlist.name}: {len(stored.entries)} entries in place of {before}: load it again, or confirm that "
            "it lost so many (--may-shrink)",
        )
    return stored


def save(folder: Path, stored: StoredList) -> None:
    """Replace a list in the folder; on failure the old list stays in place."""
    folder.mkdir(parents=True, exist_ok=True)
    body = f"# loaded {stored.day}\n" + "".join(f"{entry}\n" for entry in stored.entries)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
        file.write(gzip.compress(body.encode(), mtime=0))
    os.chmod(file.name, 0o644)
    os.replace(file.name, folder / f"{stored.allowlist.name}.txt.gz")


def remove(folder: Path, is_removed: Callable[[str], bool]) -> int:
    """Remove entries from the operator's own lists in the folder, and return their number.

    The lists of publishers stay: their next version would have the same entries.
    """
    removed = 0
    for allowlist in ALLOWLISTS.values():
        by_hand = folder / f"{allowlist.name}.txt"
        if not allowlist.name.startswith(_OWN) or not (by_hand.exists() or by_hand.with_suffix(".txt.gz").exists()):
            continue
        stored = read(allowlist, folder)
        left = tuple(entry for entry in stored.entries if not is_removed(entry))
        if len(left) < len(stored.entries):
            save(folder, replace(stored, entries=left))
            by_hand.unlink(missing_ok=True)
            removed += len(stored.entries) - len(left)
    return removed


def find_lists(source: Path) -> dict[str, Path]:
    """Return, by list name, the list files in a folder, or a single file. Raises ``Rejected`` if there is none."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    files_by_name = {
        allowlist.name: file
        for file in files
        if file.is_file() and (allowlist := parse.allowlist_of_file(file.as_posix()))
    }
    if not files_by_name:
        raise Rejected("list-unknown", f"no list has this name; there are: {', '.join(ALLOWLISTS)}")
    return files_by_name


def stamp(folder: Path | None) -> int:
    """Return a number that changes whenever ``save`` replaces a list in the folder; 0 without a folder."""
    try:
        return folder.stat().st_mtime_ns if folder else 0
    except OSError:
        return 0


def _unpack(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            plain = file.read(MAX_BYTES + 1)
    except (OSError, EOFError):
        raise Rejected("list-form", "the file is gzip and damaged: load it again") from None
    if len(plain) > MAX_BYTES:
        raise Rejected("list-form", "the file is larger than 64 MiB unpacked: a list cannot be this large")
    return plain
