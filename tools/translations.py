"""Write the texts of the pages into the catalogue, where translators find those that are new; nothing is translated.

``python -m tools.translations``; ``make generate`` runs it. A text that no page has any more is removed.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGES = Path("server/console")
THAI = PAGES / "translations" / "th.po"
_METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
# Lines of the head that would make each run differ.
_OF_THE_RUN = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By')
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}


def extracted() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield each text of the pages with the file that has it."""
    for name, _, text, _, _ in extract_from_dir(PAGES, _METHODS, _OPTIONS, _KEYWORDS):
        yield name, text


def updated() -> bytes:
    """Return the catalogue with the texts that the pages have now, in their order, and the translations it had."""
    before = read_po(io.BytesIO(THAI.read_bytes()), locale="th")
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
    for name, text in sorted(extracted(), key=lambda found: found[0]):
        known = before.get(text if isinstance(text, str) else text[0])
        catalog.add(text, known.string if known else "", locations=[(name, None)])
    out = io.BytesIO()
    write_po(out, catalog, width=120, include_lineno=False, sort_output=False)
    return b"\n".join(line for line in out.getvalue().split(b"\n") if not line.startswith(_OF_THE_RUN))


if __name__ == "__main__":
    THAI.write_bytes(updated())
