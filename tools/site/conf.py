"""The settings of Sphinx for the documentation site. ``make docs`` passes the folder of sources.

The document ``docs/for-banks`` becomes ``for-banks.html``, each README the ``index.html`` of its folder.
"""

import hashlib
import shutil
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

_HERE = Path(__file__).parent
_PROJECT = tomllib.loads((_HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Scamfeed"
version = release = _PROJECT["version"]
extensions = ["myst_parser"]
root_doc = "README"
# Markdown as a forge shows it, and nothing that only this generator understands.
myst_disable_syntax = ["myst_line_comment", "myst_target", "myst_role", "myst_block_break"]
myst_heading_anchors = 6
# Examples with an ellipsis, and languages without colours.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_additional_pages = {"search": "search.html"}
templates_path = ["templates"]


class SiteBuilder(StandaloneHTMLBuilder):
    """Writes the pages under short addresses, and removes those that no longer exist. Pages without Sphinx's search."""

    search = False

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return the address of a page below the start page."""
        return f"{_address(docname)}.html"

    def get_output_path(self, page_name: str, /) -> Path:
        """Return the file of a page."""
        return Path(self.outdir, f"{_address(page_name)}.html")

    def finish(self) -> None:
        """Finish the site, and remove the files of pages and downloads that no longer exist."""
        super().finish()
        kept = {self.get_output_path(name) for name in (*self.env.found_docs, *self.config.html_additional_pages)}
        kept |= {Path(self.outdir, "_images", name) for _, name in self.env.images.values()}
        kept |= {Path(self.outdir, "_downloads", name) for _, name in self.env.dlfiles.values()}
        shutil.rmtree(Path(self.outdir, "_sources"), ignore_errors=True)
        Path(self.outdir, ".buildinfo.bak").unlink(missing_ok=True)
        for pattern in ("**/*.html", "_images/*", "_downloads/*/*"):
            for path in Path(self.outdir).glob(pattern):
                if path not in kept:
                    path.unlink()


def _address(name: str) -> str:
    short = name.removeprefix("docs/")
    return f"{short.removesuffix('README')}index" if short.split("/")[-1] == "README" else short


def _language(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Name the language of a page: ``…-th`` is in Thai."""
    if page.endswith("-th"):
        context["language"] = "th"


def setup(app: Sphinx) -> None:
    """Add the builder, and what each page is made with."""
    app.add_builder(SiteBuilder, override=True)
    app.connect("html-page-context", _language)
    app.connect("config-inited", lambda _, config: config.html_context.update(sources=_digest(Path(app.srcdir))))


def _digest(sources: Path) -> str:
    """Return a digest of what is on every page: navigation, scripts and styles. If it changes, all are written."""
    starts = (path.read_bytes().partition(b"\n")[0] for path in sorted(sources.rglob("*.md")))
    contents = (path.read_bytes().partition(b"```{toctree}")[2] for path in sorted(sources.rglob("README.md")))
    static = (path.read_bytes() for path in sorted((_HERE / "static").iterdir()))
    return hashlib.sha256(b"\n".join([*starts, *contents, *static])).hexdigest()
