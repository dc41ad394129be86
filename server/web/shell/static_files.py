"""The files that pages load: each under an address with its hash, which browsers may keep for ever."""

import hashlib
from importlib.resources import files
from typing import NamedTuple

from server.web.shell.owner_mark import OwnerMark

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}
OWNER_MARK = "owner-mark"


class StaticFile(NamedTuple):
    """A file: its content, and its media type."""

    body: bytes
    content_type: str


class StaticFiles:
    """The files of ``server/web/shell/static``, and the owner's mark; nothing else has an address here."""

    def __init__(self, mark: OwnerMark | None = None) -> None:
        """Read the files; serve the owner's mark with them."""
        self._files: dict[str, StaticFile] = {}
        self._addresses: dict[str, str] = {}
        for file in (files(__package__) / "static").iterdir():
            stem, _, ending = file.name.rpartition(".")
            if ending in _TYPES:
                self._add(file.name, stem, ending, file.read_bytes())
        self.mark = mark
        if mark is not None:
            self._add(OWNER_MARK, OWNER_MARK, mark.ending, mark.body)

    def _add(self, name: str, stem: str, ending: str, body: bytes) -> None:
        hashed = f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{ending}"
        self._files[hashed] = StaticFile(body, _TYPES[ending])
        self._addresses[name] = hashed

    def address(self, name: str) -> str:
        """Return the name with its hash."""
        return self._addresses[name]

    def find(self, hashed: str) -> StaticFile | None:
        """Return the file of that name with that hash, None for any other."""
        return self._files.get(hashed)
