"""A clearance on paper: one page of A4 as PDF, in English or Thai, with the signed statement attached."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from schemas import timestamp
from server.features import notices
from server.features.notices.statement import digest_of
from server.features.notices.words import time_text
from server.web.shell.typesetting import typeset


@cache
def _texts(language: str) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))[language]
    return found


def pdf_of(document: Mapping[str, Any], language: str, zone: str = "") -> bytes:
    """Return a signed clearance as PDF/A-3, times in ``zone``. Raises ``PdfUnavailable``."""
    stated: Mapping[str, Any] = document["statement"]
    texts = _texts(language)
    named = {
        "hub": stated["hub"]["name"],
        "value": stated["value"]["value"],
        "since": time_text(stated["not_listed_since"], language, zone),
        "made": time_text(stated["made"], language, zone),
    }
    keys = [signature["key"] for signature in document["signatures"]]
    data = {
        "language": language,
        "title": texts["title"],
        "hub": named["hub"],
        "head": [
            [texts["value"], f"{named['value']} ({texts.get(stated['value']['kind'], stated['value']['kind'])})"],
            [texts["since"], named["since"]],
            [texts["made"], named["made"]],
        ],
        "sections": [
            {"heading": texts["states"], "text": texts[stated["scope"]].format(**named)},
            {"heading": texts["means"], "items": [texts["no-reason"], texts["as-of"].format(**named), texts["others"]]},
        ],
        "signed": {
            "heading": texts["signed"],
            "text": texts["check"],
            "rows": [[texts["digest"], digest_of(stated)], *([texts["key"], key] for key in keys)],
        },
    }
    template = Path(notices.__file__).parent / "notice.typ"
    attached = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return typeset(template, data, timestamp.parse(stated["made"]), "a-3b", document=attached, name="clearance.json")
