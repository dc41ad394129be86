"""Thai and English: every text of every page is translated, and dates are in the reader's form."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from server.web.shell import words
from server.web.shell.languages import load_languages
from tools import translations

TEMPLATES = sorted(Path("server").rglob("templates/**/*.html"))
_BLANK = re.compile(r"[^\W\d_]{2,}")
# Names that are the same in every language.
_NAMES = {"TAXII", "STIX", "taxii", "feed", "openapi", "json", "health"}
_READ_ALOUD = ("aria-label", "title", "placeholder", "alt")


@cache
def updated() -> dict[Path, bytes]:
    """Return the catalogues as they would be generated, by file."""
    return translations.updated()


@cache
def catalogues() -> dict[str, dict[str, str]]:
    found = {}
    for file in updated():
        with file.open("rb") as source:
            found[str(file)] = {str(entry.id): str(entry.string) for entry in read_po(source, locale="th") if entry.id}
    return found


def catalogue() -> dict[str, str]:
    return {english: thai for texts in catalogues().values() for english, thai in texts.items()}


def test_catalogues_have_exactly_the_texts_of_the_pages() -> None:
    for file, texts in updated().items():
        assert file.read_bytes() == texts, f"{file}: run make generate"


def test_a_text_of_several_areas_is_translated_alike() -> None:
    thai: dict[str, str] = {}
    for texts in catalogues().values():
        for english, translated in texts.items():
            assert thai.setdefault(english, translated) == translated, english


def test_every_text_is_translated() -> None:
    for english, thai in catalogue().items():
        if not _BLANK.search(re.sub(r"%\(\w+\)\w", "", english)):
            continue  # values alone
        assert re.search("[\u0e00-\u0e7f]", thai), f"not in Thai: {english}"
        assert re.findall(r"%\(\w+\)\w", english) == re.findall(r"%\(\w+\)\w", thai) or sorted(
            re.findall(r"%\(\w+\)\w", english)
        ) == sorted(re.findall(r"%\(\w+\)\w", thai)), english


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_text_that_is_not_in_the_catalogue(template: Path) -> None:
    plain = re.sub(r"\{%.*?%\}|\{#.*?#\}", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    plain = re.sub(r"\{\{.*?\}\}", " ", plain, flags=re.DOTALL)
    found: list[str] = []

    class Texts(HTMLParser):
        quiet = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.quiet = tag in ("code", "kbd")
            found.extend(value for name, value in attrs if name in _READ_ALOUD and value)

        def handle_endtag(self, tag: str) -> None:
            self.quiet = False

        def handle_data(self, data: str) -> None:
            if not self.quiet:
                found.append(data)

    Texts().feed(plain)
    assert [word for text in found for word in _BLANK.findall(text) if word not in _NAMES] == []


def test_labels_of_words_are_in_the_catalogue() -> None:
    assert set(words.labelled().values()) <= catalogue().keys()


def test_templates_escape_every_value() -> None:
    for template in TEMPLATES:
        text = template.read_text(encoding="utf-8")
        Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(text)
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text
        assert not re.search(r"\s[a-z-]+=\{\{", text), "an attribute without quotes"


def test_thai_dates_use_the_buddhist_era_and_local_time() -> None:
    moment = int(datetime(2026, 11, 26, 20, 5, tzinfo=UTC).timestamp() * 1_000_000)
    languages = load_languages(ZoneInfo("Asia/Bangkok"))
    assert languages["en"].moment(moment) == "27 Nov 2026 03:05"
    assert languages["th"].moment(moment) == "27 พ.ย. 2569 03:05 น."
    assert load_languages(UTC)["th"].moment(moment) == "26 พ.ย. 2569 20:05 UTC"
    assert languages["th"].machine_moment(moment) == "2026-11-26T20:05:00Z"


def test_numbers_and_amounts_follow_the_language() -> None:
    languages = load_languages(UTC)
    assert languages["en"].number(1234567) == "1,234,567"
    assert languages["th"].amount(800_000, "THB") == "฿800,000.00"
    assert languages["en"].amount(800_000, "THB").replace("\u00a0", "") == "THB800,000.00"


@pytest.mark.parametrize("folder", [Path("server/web/shell/static"), Path("tests/browser")])
def test_third_party_files_match_the_sources_file(folder: Path) -> None:
    rows = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (folder / "SOURCES.md").read_text(), re.MULTILINE)
    assert rows
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
