"""The files that pages load: each under an address with its hash, which browsers may keep for ever."""

import hashlib
from importlib.resources import files
from typing import NamedTuple

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """A file: its content, and its media type."""

    body: bytes
    content_type: str


class StaticFiles:
    """The files of ``server/console/static``, read once; nothing else has an address here."""

    def __init__(self) -> None:
        """Read the files."""
        self._files: dict[str, StaticFile] = {}
        self._addresses: dict[str, str] = {}
        for file in (files("server.console") / "static").iterdir():
            stem, _, ending = file.name.rpartition(".")
            if ending not in _TYPES:
                continue
            body = file.read_bytes()
            hashed = f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{ending}"
            self._files[hashed] = StaticFile(body, _TYPES[ending])
            self._addresses[file.name] = hashed

    def address(self, name: str) -> str:
        """Return the name with its hash."""
        return self._addresses[name]

    def find(self, hashed: str) -> StaticFile | None:
        """Return the file of that name with that hash, None for any other."""
        return self._files.get(hashed)
