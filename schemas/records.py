"""The records by their names, and raw columns, as files have them, to records."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from schemas import kinds, sharing
from schemas.case import Case
from schemas.errors import Rejected, of_validation
from schemas.flow import Flow
from schemas.outcome import Opinion, Outcome
from schemas.record import Record
from schemas.report import evidence_by_hash
from schemas.sighting import Sighting
from schemas.subject import spelled

MODELS: Mapping[str, type[Record]] = MappingProxyType(
    {"sighting": Sighting, "outcome": Outcome, "opinion": Opinion, "flow": Flow, "case": Case}
)

# The columns that say which subject is meant, where it is not said as one.
OF_A_SUBJECT = ("value", "kind", "of_reporter")

_WORDS = frozenset({"outcome", "reason", "opinion", "context", "scam_type"})
_NOT_ALNUM = re.compile(r"[\W_]+")
_MEMBERS = re.compile(r"[\s|]+|[,;](?=[a-z][a-z0-9-]+(?:--|:))")
# Words of other feeds and of people for what is in the vocabulary.
_OUTCOMES = {
    "block": "blocked",
    "blocklisted": "blocked",
    "takedown": "taken-down",
    "removed": "taken-down",
    "suspended": "taken-down",
    "disabled": "taken-down",
    "held": "funds-held",
    "frozen": "funds-held",
    "funds-frozen": "funds-held",
    "none": "no-action",
    "no-action-taken": "no-action",
    "fp": "false-positive",
    "benign": "false-positive",
    "known": "already-known",
    "duplicate": "already-known",
}


def get(name: str) -> type[Record]:
    """Give the record called ``name``. Raises ``Rejected`` with the names there are."""
    try:
        return MODELS[name]
    except KeyError:
        raise Rejected("unknown-record", f"there is no record of that name; there are: {', '.join(MODELS)}") from None


def read(name: str, said: Mapping[str, Any], defaults: Mapping[str, str]) -> Record:
    """Give the record ``name`` that a row says: texts, or in JSON what the record's schema has.

    ``defaults`` fill what the row leaves out; columns that the record has not are passed over. Raises ``Rejected``,
    with the column and the rule it breaks.
    """
    model = get(name)
    columns = {**defaults, **{key: each for key, each in said.items() if each not in ("", None) and key != "reporter"}}
    data = {key: _spelled(key, each) for key, each in columns.items() if key in model.model_fields}
    if "of" in model.model_fields and "of" not in data:
        data["of"] = _subject(columns)
    if "sharing" not in data and (limits := sharing.read(columns)):
        data["sharing"] = limits
    if "evidence" in model.model_fields and isinstance(columns.get("sha256"), str):
        data["evidence"] = evidence_by_hash(columns["sha256"])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise of_validation(error) from None


def _subject(columns: Mapping[str, Any]) -> Any:
    """Gather the subject from the columns ``value``, ``kind``, ``of_reporter`` and those that help its kind."""
    kind, value = (columns.get(name) if isinstance(columns.get(name), str) else None for name in ("kind", "value"))
    if not kind and not value:
        return {}
    inputs = kinds.get(kind).columns if kind else {name for each in kinds.every().values() for name in each.columns}
    helping = {name: columns[name] for name in inputs if isinstance(columns.get(name), str)}
    named: dict[str, Any] = spelled(value or "")
    if "ref" in named:
        return named
    if kind:
        named = {"kind": kind, "value": value or ""}
    return {**named, "details": helping, "reporter": columns.get("of_reporter")}


def _spelled(key: str, said: Any) -> Any:
    """Give what stands in a column as the model takes it."""
    if not isinstance(said, str):
        return said
    text = said.strip()
    if key in _WORDS:
        word = _NOT_ALNUM.sub("-", text).strip("-").lower()
        return _OUTCOMES.get(word, word) if key == "outcome" else word
    if key == "tlp":
        return text.lower().removeprefix("tlp").lstrip(":_- ")
    if key == "countries":
        return [part.strip().upper() for part in re.split(r"[,;\s]+", text) if part.strip()]
    if key == "members":
        return [part.strip(",;") for part in _MEMBERS.split(text) if part.strip(",;")]
    return text
