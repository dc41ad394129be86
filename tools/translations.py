"""Write the texts of the pages into the catalogues, where translators find those that are new; nothing is translated.

``python -m tools.translations``; ``make generate`` runs it. Each area of the pages has a catalogue, and what several
areas share has one. A text that no page has any more is removed.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGES = Path("server/console")
SHARED = "shared"
AREAS = ("public", "login", "partner", "operator")
_METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
# Lines of the head that would make each run differ.
_OF_THE_RUN = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By')
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}


def file_of(area: str) -> Path:
    """Return the Thai catalogue of an area."""
    return PAGES / "translations" / f"{area}.th.po"


def updated() -> dict[str, bytes]:
    """Return the catalogue of each area with the texts that its pages have now, and the translations that it had.

    A text that several areas share stands in the shared catalogue alone.
    """
    texts: dict[str, list[tuple[str, str | tuple[str, ...]]]] = {area: [] for area in (SHARED, *AREAS)}
    for name, text in sorted(_extracted(), key=lambda found: found[0]):
        texts[_area(name)].append((name, text))
    shared = {text for _, text in texts[SHARED]}
    own = {area: [found for found in texts[area] if found[1] not in shared] for area in AREAS}
    return {area: _catalogue(area, found) for area, found in ({SHARED: texts[SHARED]} | own).items()}


def _extracted() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for name, _, text, _, _ in extract_from_dir(PAGES, _METHODS, _OPTIONS, _KEYWORDS):
        yield name, text


def _area(name: str) -> str:
    """Return the area of a file below ``server/console``."""
    return next((part for part in Path(name).parts[:-1] if part in AREAS), SHARED)


def _catalogue(area: str, texts: list[tuple[str, str | tuple[str, ...]]]) -> bytes:
    before = read_po(io.BytesIO(file_of(area).read_bytes()), locale="th")
    catalog = Catalog(
        locale="th",
        project="Scamfeed",
        version="pages",
        msgid_bugs_address="",
        last_translator="",
        language_team="Thai",
        fuzzy=False,
        header_comment="# Thai texts of the pages.",
    )
    for name, text in texts:
        known = before.get(text if isinstance(text, str) else text[0])
        catalog.add(text, known.string if known else "", locations=[(name, None)])
    out = io.BytesIO()
    write_po(out, catalog, width=120, include_lineno=False, sort_output=False)
    return b"\n".join(line for line in out.getvalue().split(b"\n") if not line.startswith(_OF_THE_RUN))


if __name__ == "__main__":
    for written, catalogue in updated().items():
        file_of(written).write_bytes(catalogue)
