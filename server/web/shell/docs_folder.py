"""The documentation that ``make docs`` builds, served from its folder."""

import logging
from pathlib import Path

from server.web.shell.static_files import StaticFile

log = logging.getLogger(__name__)

# A file with another ending is not served.
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
    **dict.fromkeys(("cfg", "go", "ini", "py", "toml", "txt", "yml"), "text/plain; charset=utf-8"),
}
_MOST_BYTES = 4 << 20


class DocsFolder:
    """A folder with the built documentation. Its files are read when they are asked for, and may be replaced."""

    def __init__(self, folder: Path) -> None:
        """Serve the files in ``folder``. The log says if it has no start page."""
        self._folder = folder.resolve()
        if not (self._folder / "index.html").is_file():
            log.error("docs-missing docs_folder %s has no index.html; run make docs, and name its folder site", folder)

    def find(self, path: str) -> StaticFile | None:
        """Return the file at a path below the folder, and of a folder its start page.

        None for hidden files, other endings, files of more than 4 MiB, and all that is or leads outside of the folder.
        """
        parts = path.split("/")
        if not parts[-1]:
            parts[-1] = "index.html"
        content_type = _TYPES.get(parts[-1].rpartition(".")[2])
        if content_type is None or any(not part or part.startswith(".") or "\\" in part for part in parts):
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
