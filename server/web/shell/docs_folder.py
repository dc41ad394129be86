"""The documentation that ``make docs`` builds, served from its folder."""

import logging
from pathlib import Path

from server.web.shell.static_files import StaticFile

log = logging.getLogger(__name__)

# What the generator leaves in the folder: without it, the folder is another one, and nothing of it is served.
_MARK = ".buildinfo"
_DOWNLOADS = "_downloads"
# A file with another ending is not served, and these only as downloads.
_TEXTS = frozenset(("cfg", "go", "ini", "py", "toml", "txt", "yml"))
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
    "inv": "application/octet-stream",
    **dict.fromkeys(("pagefind", "pf_meta", "pf_index", "pf_fragment"), "application/octet-stream"),
    **dict.fromkeys(_TEXTS, "text/plain; charset=utf-8"),
}
_MOST_BYTES = 4 << 20


class DocsFolder:
    """A folder with the built documentation. Its files are read when they are asked for, and may be replaced."""

    def __init__(self, folder: Path) -> None:
        """Serve the files in ``folder``. The log says if it is not such a folder."""
        self._folder = folder.resolve()
        if not self._is_built():
            log.error(
                "docs-missing docs_folder %s is not from make docs; run make docs, and name its folder site", folder
            )

    def _is_built(self) -> bool:
        return (self._folder / _MARK).is_file()

    def find(self, path: str) -> StaticFile | None:
        """Return the file at a path below the folder, and of a folder its start page.

        None for hidden files, other endings, files of more than 4 MiB, all that is or leads outside of the folder, and
        everything in a folder that ``make docs`` did not build.
        """
        parts = path.split("/")
        if not parts[-1]:
            parts[-1] = "index.html"
        ending = parts[-1].rpartition(".")[2]
        content_type = _TYPES.get(ending)
        if content_type is None or (ending in _TEXTS and parts[0] != _DOWNLOADS) or not self._is_built():
            return None
        if any(not part or part.startswith(".") or "\\" in part for part in parts):
            return None
        try:
            file = self._folder.joinpath(*parts).resolve()
            if not file.is_relative_to(self._folder) or not file.is_file():
                return None
            with file.open("rb") as opened:
                body = opened.read(_MOST_BYTES + 1)
        except (OSError, ValueError):
            # Names that are too long, or have a null character.
            return None
        return StaticFile(body, content_type) if len(body) <= _MOST_BYTES else None
