"""The lists as they are kept: those that come with the program, and newer ones in a folder of the operator's."""

import gzip
import io
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from schemas.errors import Rejected
from server.release.guard.allowlists import parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist

BUNDLED = Path(__file__).with_name("data")
TABLE = BUNDLED / "institutions.tsv"

MAX_BYTES = 64 * 1024 * 1024
_HEAD = re.compile(r"# loaded (\S+)\n")


@dataclass(frozen=True)
class StoredList:
    """What is kept of a list: its entries, and the day it was loaded on."""

    listing: Allowlist
    entries: tuple[str, ...]
    day: str


def read(listing: Allowlist, updated: Path | None = None) -> StoredList:
    """Give a list as it is in the folder ``updated``, else as it comes with the program, empty where it is in none."""
    for folder in (updated, BUNDLED):
        for file in (folder / f"{listing.name}.txt.gz", folder / f"{listing.name}.txt") if folder else ():
            try:
                text = _opened(file.read_bytes()).decode()
            except FileNotFoundError:
                continue
            head = _HEAD.match(text)
            lines = (line.partition("#")[0].strip() for line in text.splitlines())
            return StoredList(listing, tuple(line for line in lines if line), head[1] if head else "")
    return _of_institutions(listing)


def _of_institutions(listing: Allowlist) -> StoredList:
    """Give what the table of institutions has for a list."""
    raw = parse.entries_of_institutions(_table(), listing.name)
    day = TABLE.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# loaded ") if raw else ""
    return StoredList(
        listing, tuple(sorted({entry for each in raw for entry in parse.normalise_entry(listing.holds, each)})), day
    )


@cache
def _table() -> tuple[parse.Institution, ...]:
    return tuple(parse.read_institutions(TABLE.read_text(encoding="utf-8").splitlines()))


def write(folder: Path, listing: Allowlist, content: bytes, *, may_shrink: bool = False) -> StoredList:
    """Put a list, as somebody published it, in the place of the one before, whole or not at all.

    Raises ``Rejected`` for what is not this list, or has lost more than half of it, where it ``may_shrink`` not.
    """
    kept = StoredList(listing, tuple(parse.entries(listing, _opened(content))), f"{datetime.now(UTC):%Y-%m-%d}")
    before = len(read(listing, folder).entries)
    if not may_shrink and 2 * len(kept.entries) < before:
        raise Rejected(
            "list-shrunk",
            f"{listing.name}: {len(kept.entries)} entries in the place of {before}: load it again, "
            "or say that it is meant (--may-shrink)",
        )
    folder.mkdir(parents=True, exist_ok=True)
    body = f"# loaded {kept.day}\n" + "".join(f"{entry}\n" for entry in kept.entries)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
        file.write(gzip.compress(body.encode(), mtime=0))
    os.chmod(file.name, 0o644)
    os.replace(file.name, folder / f"{listing.name}.txt.gz")
    return kept


def found(source: Path) -> dict[str, Path]:
    """Give by name the lists that a folder holds, or a file is. Raises ``Rejected`` where it is none."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    named = {
        listing.name: file for file in files if file.is_file() and (listing := parse.allowlist_of_file(file.as_posix()))
    }
    if not named:
        raise Rejected("list-unknown", f"no list is called so; there are: {', '.join(ALLOWLISTS)}")
    return named


def stamp(folder: Path | None) -> int:
    """Give what changes when a list in the folder is put in place of another; 0 where there is no folder."""
    try:
        return folder.stat().st_mtime_ns if folder else 0
    except OSError:
        return 0


def _opened(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            plain = file.read(MAX_BYTES + 1)
    except (OSError, EOFError):
        raise Rejected("list-form", "the file is packed (gzip) and broken: load it again") from None
    if len(plain) > MAX_BYTES:
        raise Rejected("list-form", "larger than 64 MiB unpacked: no list is")
    return plain
