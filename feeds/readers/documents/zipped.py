"""Checks of documents that are ZIP archives, before a library unpacks them."""

from io import SEEK_END
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from feeds.errors import UnreadableFile
from feeds.readers.source import unpacked_limit

_MOST_FILES = 10_000
_LARGEST = 512 << 20


def checked(path: str | Path) -> list[ZipInfo]:
    """Return the files in an archive. Raises ``UnreadableFile`` for a damaged one, and for a bomb."""
    try:
        with open(path, "rb") as file, ZipFile(file) as archive:
            found = archive.infolist()
            size = file.seek(0, SEEK_END)
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableFile("the archive is damaged: save or send the file again") from error
    unzipped = sum(info.file_size for info in found)
    if len(found) > _MOST_FILES:
        raise UnreadableFile(f"the archive has more than {_MOST_FILES} files: split it")
    if unzipped > min(_LARGEST, unpacked_limit(size)):
        raise UnreadableFile("the archive unzips to far more than any list of values: unpack it and look at it")
    return found
