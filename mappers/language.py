"""An indicator's texts in the languages that it is not written in: STIX's ``language-content``."""

from collections.abc import Mapping
from typing import Any

from mappers import ids, wording
from schemas.report import Report


def contents(indicator: Mapping[str, Any], report: Report) -> list[dict[str, Any]]:
    """Give the object that says the name, and a description that was not the reporter's, in the other languages.

    There is none for an indicator whose own texts say both: in English, with the description that has Thai beside it.
    A reporter's words are never translated. Each version of the indicator has its version of this.
    """
    own = report.lang.partition("-")[0]
    if own == "en" and report.description is None:
        return []
    texts = {lang: _texts(report, lang) for lang in wording.LANGUAGES if lang != own}
    return [
        {
            "type": "language-content",
            "spec_version": "2.1",
            "id": ids.language_content(indicator["id"]),
            "created_by_ref": indicator["created_by_ref"],
            "created": indicator["created"],
            "modified": indicator["modified"],
            "object_ref": indicator["id"],
            "object_modified": indicator["modified"],
            "contents": texts,
            "object_marking_refs": indicator["object_marking_refs"],
        }
    ]


def _texts(report: Report, lang: str) -> dict[str, str]:
    texts = {"name": wording.name_prefix(report.kind, lang) + report.value}
    if report.description is None:
        texts["description"] = wording.sentence(report.kind, report.scam_type, lang)
    return texts
