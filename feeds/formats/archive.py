"""ZIP archives of files."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import ClassVar
from zipfile import BadZipFile, ZipFile, ZipInfo

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers.documents import zipped
from feeds.readers.rows import FileRow, Unreadable, in_part
from feeds.readers.source import Source

_ZIP = b"PK\x03\x04"
_LARGEST = 128 << 20
# Names at the beginning of archives that are documents. In an archive of documents they may follow the first file.
_OF_DOCUMENTS = (
    "[Content_Types].xml",
    "xl/",
    "word/",
    "mimetypeapplication/vnd.oasis",
    "_rels/",
    "docProps/",
    "customXml/",
)
_FIRST_NAME = 30  # APPNOTE.TXT 4.3.7
_BESIDE = ("__MACOSX/", ".")
# A chat's messages in an archive of WhatsApp, which the archive is named after.
_CHAT = "_chat.txt"
_MEDIA = ("jpg", "jpeg", "png", "gif", "webp", "heic", "mp4", "3gp", "mov", "opus", "ogg", "mp3", "m4a", "aac")
_PICTURE = ("picture", "pictures, sounds and films are not read: type what they show")
_DAMAGED = "the file in the archive is damaged: send it unpacked"
_PROTECTED = "the file in the archive is protected by a password: send it unpacked, or without the password"
# The bit of a file in an archive that is encrypted.
_ENCRYPTED = 1


class Archive(Format):
    """The files of an archive, each by its own format."""

    name: ClassVar[str] = "archive"
    endings: ClassVar[tuple[str, ...]] = ("zip",)
    binary: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for an archive that is no document."""
        if not head.magic.startswith(_ZIP) or head.text.startswith(_OF_DOCUMENTS, _FIRST_NAME):
            return 0
        return 0.97 if "zip" in head.suffixes or not any(name in head.text for name in _OF_DOCUMENTS) else 0

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of each file. Raises ``UnreadableFile``."""
        with source.spooled(_LARGEST) as file:
            listed = zipped.checked(file.name)
            with ZipFile(file) as archive:
                for place, info in enumerate(listed, 1):
                    if not info.is_dir() and not info.filename.startswith(_BESIDE):
                        yield from in_part(_of_file(archive, place, info, source), info.filename)

    def examples(self) -> Iterable[Example]:
        out = BytesIO()
        with ZipFile(out, "w") as archive:
            archive.writestr(
                "lists/shops.csv", "domain,first_seen\na.example.com,2026-01-01\nb.example.com,2026-01-02\n"
            )
            archive.writestr("photo.jpg", b"\xff\xd8\xff")
        yield Example(
            out.getvalue(),
            [
                {"value": "a.example.com", "kind": "domain", "first_seen": "2026-01-01"},
                {"value": "b.example.com", "kind": "domain", "first_seen": "2026-01-02"},
            ],
            ("picture",),
        )


def _of_file(archive: ZipFile, place: int, info: ZipInfo, source: Source) -> Iterator[FileRow]:
    name = info.filename
    if name.rpartition(".")[2].lower() in _MEDIA:
        yield Unreadable.of(place, name, *_PICTURE)
        return
    try:
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableFile(_PROTECTED)
        if source.inside is None:
            raise UnreadableFile("an archive in this place is not read: send its files alone")
        with archive.open(info) as file:
            yield from source.inside(file, source.name if name.endswith(_CHAT) else name)  # type: ignore[arg-type]  # it reads like a file
    except UnreadableFile as error:
        yield Unreadable.of(place, name, "unreadable-file", str(error))
    except (BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        yield Unreadable.of(place, name, "unreadable-file", _DAMAGED)
