"""Write the texts of the pages into the catalogues, so that translators find new texts; nothing is translated.

Usage: ``python -m tools.translations``; ``make generate`` runs it. Each feature with pages has a catalogue. The texts
of the shell, and those that several features share, are in the shared catalogue. A text that no page uses any longer is
removed.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

_SERVER = Path("server")
_FEATURES, _SHELL, _LOGIN = _SERVER / "features", _SERVER / "web" / "shell", _SERVER / "web" / "login"
_METHODS = [("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
# Header lines that would differ in each run.
_OF_THE_RUN = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By')
_TEMPLATES = {"trimmed": "true", "silent": "false"}
_OPTIONS = {method: _TEMPLATES for method, kind in _METHODS if kind == "jinja2"}
_SHARED = _SHELL / "translations" / "shared.th.po"

Text = str | tuple[str, ...]


def updated() -> dict[Path, bytes]:
    """Return each catalogue with the current texts of its pages, and the existing translations.

    A text of several catalogues is only in the shared one.
    """
    found = sorted(_extracted())
    places = {text: {_catalogue_of(file) for file, other in found if other == text} for text in {t for _, t in found}}
    texts: dict[Path, list[tuple[str, Text]]] = {}
    for file, text in found:
        [*only] = places[text]
        texts.setdefault(only[0] if len(only) == 1 else _SHARED, []).append((file, text))
    before = _translations()
    return {file: _catalogue(before, texts[file]) for file in sorted(texts)}


def catalogues() -> list[Path]:
    """Return the Thai catalogues that this program writes, as they are now."""
    return [_SHARED, *sorted(_FEATURES.glob("*/th.po"))]


def _extracted() -> Iterator[tuple[str, Text]]:
    for folder in (_FEATURES, _SHELL, _LOGIN):
        for name, _, text, _, _ in extract_from_dir(folder, _METHODS, _OPTIONS, _KEYWORDS):
            yield str(folder / name), text


def _catalogue_of(file: str) -> Path:
    path = Path(file)
    if path.is_relative_to(_FEATURES):
        return _FEATURES / path.relative_to(_FEATURES).parts[0] / "th.po"
    return _SHARED


def _translations() -> dict[str, str | tuple[str, ...]]:
    known: dict[str, str | tuple[str, ...]] = {}
    for file in catalogues():
        for message in read_po(io.BytesIO(file.read_bytes()), locale="th"):
            known[message.id if isinstance(message.id, str) else message.id[0]] = message.string
    return known


def _catalogue(before: dict[str, str | tuple[str, ...]], texts: list[tuple[str, Text]]) -> bytes:
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
        catalog.add(text, before.get(text if isinstance(text, str) else text[0], ""), locations=[(name, None)])
    out = io.BytesIO()
    write_po(out, catalog, width=120, include_lineno=False, sort_output=False)
    return b"\n".join(line for line in out.getvalue().split(b"\n") if not line.startswith(_OF_THE_RUN))


if __name__ == "__main__":
    made = updated()
    for old in catalogues():
        if old not in made:
            old.unlink()
    for written, catalogue in made.items():
        written.write_bytes(catalogue)
