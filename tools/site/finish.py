"""Makes the search index of the built site, and checks its pages: ``python finish.py SITE``.

A page must have no broken link, anchor or picture, and must load nothing from another host. It must have no script or
style of its own: the policy of the hub forbids them.
"""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = frozenset(("src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"))
_STYLE_URL = re.compile(r"url\(\s*['\"]?([^'\")\s]+)|@import\s+['\"]([^'\"]+)")
_HEADING = re.compile(r'<section id="([^"]+)">\s*<h(\d)')
_TAG = re.compile(r"(<[^>]+>)")
_THAI = re.compile(r"[\u0e00-\u0e7f]+")
# A Thai letter with the marks on it.
_LETTER = re.compile(r"[\u0e00-\u0e7f][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*")
# The letters of a search for Thai that count, and the invisible sign of an ending: search.js has both too.
_LETTERS, _ENDING = 16, " \u2060"
# Pages that are found below others of as many words.
_LESS = ("decisions/", "CHANGELOG")


def main(site: Path) -> None:
    """Write the index, and end with an error that lists all faults."""
    index(site)
    found = list(faults(site))
    if found:
        sys.exit("\n".join([*found, f"{len(found)} faults on the pages of {site}"]))


def index(site: Path) -> None:
    """Write the index of the words on all pages into ``pagefind``, unless it is the one of these pages."""
    folder = site / "pagefind"
    known, digest = folder / "pages.sha256", hashlib.sha256(Path(__file__).read_bytes())
    for page in _pages(site):
        digest.update(hashlib.sha256(page.read_bytes()).digest())
    if not known.is_file() or known.read_text(encoding="utf-8") != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        _index(site, folder)
        known.write_text(digest.hexdigest(), encoding="utf-8")


def _index(site: Path, folder: Path) -> None:
    """Run Pagefind as a program: its service for Python is stopped before the last bytes of its files are written.

    Raises ``CalledProcessError`` if it fails.
    """
    with tempfile.TemporaryDirectory() as pages:
        for page in _pages(site):
            if page.name != "search.html":
                name = page.relative_to(site)
                copy = Path(pages, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(searchable(page.read_text(encoding="utf-8"), name.as_posix()), encoding="utf-8")
        options = ["--root-selector", "article", "--exclude-selectors", ".headerlink", "--force-language", "en"]
        files = ["--site", pages, "--output-path", str(folder), "--keep-index-url"]
        subprocess.run([sys.executable, "-m", "pagefind", "--quiet", *options, *files], check=True)  # noqa: S603 - fixed arguments
    refuse_cut(folder)


def refuse_cut(folder: Path) -> None:
    """End with an error that names the files of an index that are cut off: a search would only find less."""
    cut = [file.name for file in sorted(folder.rglob("*.pf_*")) if not _is_whole(file.read_bytes())]
    if cut:
        sys.exit(f"{folder} has files that Pagefind did not write to their end: {', '.join(cut)}; run make docs again")


def _is_whole(packed: bytes) -> bool:
    try:
        gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return False
    return bool(packed)


def searchable(text: str, name: str = "") -> str:
    """Return a page for the index: results lead to the heading above them, and Thai is found from each of its letters.

    Thai has no spaces between words, and a search finds words by their beginning. So each run of Thai is followed by
    its endings, as words with a sign. The search page leaves them out of its results.
    """
    with_anchors = _HEADING.sub(r'<section><h\2 id="\1"', text)
    if name.startswith(_LESS):
        with_anchors = with_anchors.replace("<h1", '<h1 data-pagefind-weight="1"')
    parts = _TAG.split(with_anchors)
    parts[::2] = [_THAI.sub(_with_endings, part) for part in parts[::2]]
    return "".join(parts)


def _with_endings(run: re.Match[str]) -> str:
    letters = _LETTER.findall(run[0])
    return _ENDING.join([run[0], *("".join(letters[at : at + _LETTERS]) for at in range(1, len(letters)))])


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


class _Page(HTMLParser):
    """What a page has: the names of its parts, its links, what it loads, and what the policy of the hub forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.forbidden: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        self.loads += [value for name, value in given.items() if name in _LOADED]
        if "href" in given:
            (self.links if tag == "a" else self.loads).append(given["href"])
        if tag == "style" or (tag == "script" and "src" not in given):
            self.forbidden.append(f"<{tag}>")
        self.forbidden += [f"{name}= of <{tag}>" for name in given if name == "style" or name.startswith("on")]


def faults(site: Path) -> Iterator[str]:
    """Yield a line for each fault of the pages and style sheets of a site."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in _pages(site)}
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name}: {part} is forbidden by the policy of the hub" for part in page.forbidden)
        yield from (f"{name}: loads {url} from another host" for url in page.loads if _is_elsewhere(url))
        for url in (*page.links, *page.loads):
            if not urlsplit(url).scheme and not _is_elsewhere(url) and not _exists(site, path, url, pages):
                yield f"{name}: {url} leads to nothing on the site"
    for sheet in sorted(site.rglob("*.css")):
        for found in _STYLE_URL.findall(sheet.read_text(encoding="utf-8")):
            if _is_elsewhere("".join(found)):
                yield f"{sheet.relative_to(site)}: loads {''.join(found)} from another host"


def _is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def _exists(site: Path, page: Path, url: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(url)
    if parts.path.startswith("/"):
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target not in pages or anchor in pages[target].anchors


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
