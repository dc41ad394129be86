"""Gathers the pages of the documentation site for Sphinx: ``python -m tools.site.sources FOLDER``.

The folder mirrors the repository, so that all links between pages stay as they are: the documents, every file that they
link to, and the pages of the HTTP API, written from the description that a hub serves.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.routes_table import described
from tools.site import openapi_pages

ROOT = Path(__file__).parents[2]
NAVIGATION = Path(__file__).parent / "navigation.toml"
START = "README"
_LINK = re.compile(r"(\]\()([^)\s#]+)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)


class BadSources(ValueError):
    """The site cannot be made of these files; the message names the page, the rule and the remedy."""


def main(folder: Path) -> None:
    """Write the sources of the site into ``folder``, and only what has changed. Remove all else from it."""
    try:
        files = gathered(ROOT, tomllib.loads(NAVIGATION.read_text(encoding="utf-8")), openapi_pages.pages(described()))
    except BadSources as error:
        sys.exit(str(error))
    for old in [path for path in folder.rglob("*") if path.is_file() and _name(path, folder) not in files]:
        old.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def gathered(root: Path, navigation: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, bytes]:
    """Return the content of each file of the site by its name in the repository. ``made`` are generated pages.

    Raises ``BadSources`` for a link to a file that does not exist, and for a section with a missing page.
    """
    pages = {_name(path, root): path.read_text(encoding="utf-8") for path in _documents(root)} | dict(made)
    files: dict[str, bytes] = {}
    waiting = sorted(pages)
    while waiting:
        name = waiting.pop()
        pages[name] = _with_folders(root, name, pages[name], navigation["folders"])
        for target in sorted(set(_targets(name, pages[name])) - pages.keys() - files.keys()):
            folder, path = target.removesuffix("/README.md"), root / target
            if folder in navigation["folders"]:
                pages[target] = _folder_page(root / folder, navigation["folders"][folder])
                waiting.append(target)
            elif not path.is_file() or not path.resolve().is_relative_to(root):
                raise BadSources(f"{name} links to {target}, which is no file of the repository. Correct the link.")
            elif path.suffix == ".md":
                pages[target] = path.read_text(encoding="utf-8")
                waiting.append(target)
            else:
                files[target] = path.read_bytes()
    _add_navigation(pages, navigation["section"])
    return files | {name: text.encode() for name, text in pages.items()}


def _documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _targets(name: str, text: str) -> Iterator[str]:
    """Yield the files that a page links to, by their names in the repository."""
    for _, target in _LINK.findall(_CODE.sub("", text)):
        if "://" not in target and not target.startswith("mailto:"):
            yield os.path.normpath(os.path.join(os.path.dirname(name), target))


def _with_folders(root: Path, name: str, text: str, folders: Mapping[str, str]) -> str:
    """Return a page whose links to folders lead to their lists of files. Raises ``BadSources``."""

    def link(found: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(os.path.dirname(name), found[2]))
        if "://" in found[2] or not (root / target).is_dir():
            return found[0]
        if target not in folders and not (root / target / "README.md").is_file():
            raise BadSources(f"{name} links to the folder {target}. Give it a title in tools/site/navigation.toml.")
        return f"{found[1]}{found[2].rstrip('/')}/README.md"

    return _LINK.sub(link, text)


def _folder_page(folder: Path, title: str) -> str:
    lines = [f"# {title}", ""]
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "README.md":
            heading = _title(path.read_text(encoding="utf-8")) if path.suffix == ".md" else path.name
            lines.append(f"- [{heading}]({path.name})")
    return "\n".join([*lines, ""])


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return found[1] if found else ""


def _add_navigation(pages: dict[str, str], sections: list[dict[str, Any]]) -> None:
    """Add the sections to the start page, and to each README of docs the pages of its folder.

    Raises ``BadSources`` for a section that names a missing page.
    """
    for section in sections:
        for page in section["pages"]:
            if f"{page}.md" not in pages:
                raise BadSources(
                    f"The section {section['title']} has the page {page}, which does not exist. "
                    "Correct tools/site/navigation.toml."
                )
        pages[f"{START}.md"] += _contents(section["pages"], section["title"])
    for readme in [name for name in pages if re.fullmatch(r"docs/[^/]+/README\.md", name)]:
        inside = [name for name in sorted(pages) if os.path.dirname(name) == os.path.dirname(readme)]
        pages[readme] += _contents([name.removesuffix(".md") for name in inside if name != readme])


def _contents(pages: list[str], caption: str = "") -> str:
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "```{toctree}", *options, "", *(f"/{page}" for page in pages), "```", ""])


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    main(out)
