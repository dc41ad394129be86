"""Rows of text columns, as files have them: read as reports and records, and written."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from schemas import kinds, timestamp
from schemas.errors import Rejected, rejection_of
from schemas.fields import SHARING_COLUMNS, DeclaredField, evidence_by_hash
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.partner import COUNTRY_PATTERN
from schemas.records import Case, Flow, Opinion, Outcome, Qualification, Record, Sighting, subject_of_text
from schemas.refang import refang, refuse_hidden
from schemas.reference.numbers import refuse_unknown_currency
from schemas.report import FIELDS, MAX_VALUE, Report
from schemas.request import Request, RequestAnswer
from schemas.vocabulary import OUTCOMES, ScamType, Tlp

# Never from a row: who reports is who sends. Within other fields: details, of which the kind has the columns.
_NO_COLUMN = frozenset({"reporter", "details"})
_SEVERAL_COLUMNS = {
    name: columns for name, field in FIELDS.items() if (columns := field.declaration.columns) is not None
}
_OF_SEVERAL = frozenset(column for columns in _SEVERAL_COLUMNS.values() for column in columns.names)
_ONE_COLUMN = tuple(name for name in FIELDS if name not in {*_NO_COLUMN, *_SEVERAL_COLUMNS})
_LISTS = {name: field for name, field in FIELDS.items() if field.many and name not in _SEVERAL_COLUMNS}
_VALUE_AND_KIND = {"value", "kind"}
# Every report states these, regardless of the defaults.
_ALWAYS_STATED = frozenset({"kind", "reporter", "reported_at", "valid_until", "tlp", "lang"})


# Spreadsheets take the wide forms of the signs for the signs, too.
_FORMULA = re.compile(r"(?!\+\d+\Z)[=@\t\r\n+\uff1d\uff20\uff0b\uff0d-]")


class ReportReader:
    """Makes reports from rows of columns, and fills what a row leaves out from ``defaults``.

    ``defaults`` are columns too; ``reporter`` and ``reported_at`` have to be among them or in each row. ``kind`` may be
    missing from both: then the value has to look like one kind only.
    """

    def __init__(self, defaults: Mapping[str, str]) -> None:
        """Prepare to read rows with ``defaults``. Raises ``Rejected`` where the defaults themselves are wrong."""
        self._defaults = {key: text for key, text in defaults.items() if text}
        self._patterns: dict[str, Report] = {}
        self._default_kind = kinds.get(self._defaults["kind"]) if "kind" in self._defaults else None

    def report(self, fields: Mapping[str, str]) -> Report:
        """Return the report of a row. Raises ``Rejected`` with the column and the rule that it breaks."""
        refuse_hidden(fields.get("value", ""))
        # All but the value is the same in each row of a plain list: 1.6 to 2.2 times as fast, measured in decision 69.
        if fields.keys() <= _VALUE_AND_KIND:
            return self._like_before(fields)
        row = {key: text.strip() for key, text in fields.items() if text.strip() and key != "reporter"}
        columns = self._defaults | row
        kind = self._kind(columns)
        return _validated({**columns, "kind": kind.name}, kind)

    def complete(self, report: Report) -> Report:
        """Complete ``report``, parsed elsewhere, with the defaults' reporter, and defaults for missing fields.

        The result is the report that ``report`` reads from its columns. An unknown scam type counts as missing.
        Raises ``Rejected``.
        """
        refuse_hidden(report.value)
        stated = {"reporter": self._defaults["reporter"]} | _trimmed_texts(report)
        if self._defaults.keys() <= _ALWAYS_STATED:
            return report.changed(stated)
        stated = {name: value for name, value in {**dict(report), **stated}.items() if value not in (None, ())}
        if stated["scam_type"] == ScamType.UNKNOWN:
            del stated["scam_type"]
        for name, several in _SEVERAL_COLUMNS.items():
            if not self._defaults.keys().isdisjoint(several.names):
                columns = self._defaults | (several.write(stated[name]) if name in stated else {})
                stated[name] = several.read(columns)
        details = {**_details(self._defaults, kinds.get(report.kind)), **report.details}
        return _checked({**_typed(self._defaults), **stated, "details": details})

    def _kind(self, columns: Mapping[str, str]) -> Kind:
        named = kinds.get(columns["kind"]) if "kind" in columns else self._default_kind
        return _kind_of(named, refang(columns.get("value", "")))

    def _like_before(self, fields: Mapping[str, str]) -> Report:
        value = fields.get("value", "")
        plain = refang(value)
        kind = _kind_of(kinds.get(fields["kind"]) if "kind" in fields else self._default_kind, plain)
        pattern = self._patterns.get(kind.name)
        if pattern is None or len(value) > MAX_VALUE:
            report = _validated({**self._defaults, "kind": kind.name, "value": value}, kind)
            if kind.widest_tlp(Normal(report.value, report.details)) is Tlp.CLEAR:
                self._patterns[kind.name] = report
            return report
        normal = kind.normalise(plain, _details(self._defaults, kind))
        if kind.widest_tlp(normal) is not Tlp.CLEAR:
            return _validated({**self._defaults, "kind": kind.name, "value": value}, kind)
        return pattern.about(normal)


def _kind_of(named: Kind | None, plain: str) -> Kind:
    return kinds.recognise(plain) if named is None else kinds.actual_kind(named, plain)


@cache
def _inputs_of_kinds() -> frozenset[str]:
    """Return the columns of all kinds; a kind's column says nothing about a value of another kind."""
    return frozenset(column for kind in kinds.every().values() for column in kind.columns)


def _details(columns: Mapping[str, str], kind: Kind) -> Mapping[str, str]:
    """Return the columns that belong to the kind."""
    return {key: columns[key] for key in kind.columns if key in columns} if kind.columns else NO_DETAILS


def _validated(columns: Mapping[str, str], kind: Kind) -> Report:
    data: dict[str, object] = {"value": "", "details": _details(columns, kind)}
    data |= {name: read for name, several in _SEVERAL_COLUMNS.items() if (read := several.read(columns))}
    return _checked(data | _typed(columns))


def _checked(data: Mapping[str, object]) -> Report:
    try:
        report = Report.model_validate(data)
    except ValidationError as error:
        raise rejection_of(error) from None
    if report.hold is not None:
        refuse_unknown_currency("hold_currency", report.hold.currency)
    if report.paid is not None:
        refuse_unknown_currency("paid_currency", report.paid.currency)
    return report


def _typed(columns: Mapping[str, str]) -> dict[str, object]:
    """Return the fields that one column states each, as ``Report`` takes them."""
    data: dict[str, object] = {}
    for key, text in columns.items():
        if key in _OF_SEVERAL:
            continue
        if field := _LISTS.get(key):
            data[key] = _list(text, field)
        elif key in FIELDS or key not in _inputs_of_kinds():
            data[key] = text
    return data


def _trimmed_texts(report: Report) -> dict[str, str | None]:
    """Return the free texts of ``report`` that have space around them, without it; None where nothing is left."""
    texts = {"reference": report.reference, "description": report.description}
    return {name: text.strip() or None for name, text in texts.items() if text and text != text.strip()}


def _list(text: str, field: DeclaredField) -> list[str]:
    entries = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    return [entry.upper() for entry in entries] if field.constraint("pattern") == COUNTRY_PATTERN else entries


def report_columns(report: Report) -> dict[str, str]:
    """Return the columns that ``ReportReader`` reads as the same report; empty ones are left out.

    The reporter is not among them: who sends a file is who reports.
    """
    columns = {"kind": report.kind, "value": report.value, **report.details}
    for name in _ONE_COLUMN:
        value = getattr(report, name)
        if value is not None and value != ():
            columns[name] = _text(value)
    for name, several in reversed(_SEVERAL_COLUMNS.items()):  # files have always had them in this order
        if value := getattr(report, name):
            columns |= several.write(value)
    return columns


def column_names() -> list[str]:
    """Return every column that ``report_columns`` may give, in the order of a table's header."""
    several = [column for columns in reversed(_SEVERAL_COLUMNS.values()) for column in columns.names]
    of_kinds = (column for kind in kinds.every().values() for column in kind.columns)
    return list(dict.fromkeys([*_ONE_COLUMN, *of_kinds, *several]))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return timestamp.text(value) if isinstance(value, datetime) else str(value)


RECORDS: Mapping[str, type[Record]] = MappingProxyType(
    {
        "sighting": Sighting,
        "outcome": Outcome,
        "opinion": Opinion,
        "flow": Flow,
        "case": Case,
        "qualification": Qualification,
        "request": Request,
        "request-answer": RequestAnswer,
    }
)

# The columns that together name the subject of a record.
SUBJECT_COLUMNS = ("value", "kind", "of_reporter")

_WORD_COLUMNS = frozenset(
    {"outcome", "reason", "opinion", "context", "scam_type", "code", "asks", "state", "legal_basis"}
    | {"basis", "response"}
)
_NOT_ALNUM = re.compile(r"[\W_]+")
_MEMBERS = re.compile(r"[\s|]+|[,;](?=[a-z][a-z0-9-]+(?:--|:))")
# Words of people and other feeds, with the outcome that they mean.
_OUTCOME_WORDS = {called: word.value for word, meaning in OUTCOMES.items() for called in meaning.called.split()}


def record_model(name: str) -> type[Record]:
    """Return the model of the record called ``name``. Raises ``Rejected`` with the names that exist."""
    try:
        return RECORDS[name]
    except KeyError:
        raise Rejected("unknown-record", f"unknown record type; known are: {', '.join(RECORDS)}") from None


def harmless_cell(text: str) -> str:
    """Return the text of a cell, with a space before text that a spreadsheet would run as a formula.

    A telephone number needs none: a spreadsheet only reads it as a number.
    """
    return " " + text if _FORMULA.match(text) else text


def read_record(name: str, row: Mapping[str, Any], defaults: Mapping[str, str]) -> Record:
    """Return the record ``name`` of a row of texts, or of a JSON object by the record's schema.

    ``defaults`` fill what the row leaves out; columns that the record does not have are ignored. Raises ``Rejected``
    with the column and the rule that it breaks.
    """
    model = record_model(name)
    columns = {**defaults, **{key: cell for key, cell in row.items() if cell not in ("", None) and key != "reporter"}}
    data = {key: _cell(key, cell) for key, cell in columns.items() if key in model.model_fields}
    if "others" in model.model_fields:
        data |= _several(data.get("of"), data.get("others"))
    if "of" in model.model_fields and "of" not in data:
        data["of"] = _subject_of(columns)
    if "sharing" not in data and (limits := SHARING_COLUMNS.read(columns)):
        data["sharing"] = limits
    if "evidence" in model.model_fields and isinstance(columns.get("sha256"), str):
        data["evidence"] = evidence_by_hash(columns["sha256"])
    try:
        record = model.model_validate(data)
    except ValidationError as error:
        raise rejection_of(error) from None
    refuse_unknown_currency("currency", getattr(record, "currency", None))
    return record


def _several(of: Any, others: Any) -> dict[str, Any]:
    """Return the first of several subjects and the others, from a list or from one cell; nothing where there is one."""
    subjects: list[Any] = list(of) if isinstance(of, list) else [of] if of is not None else []
    if isinstance(of, str):
        parts = [part.strip(",;") for part in _MEMBERS.split(of) if part.strip(",;")]
        if len(parts) > 1 and all(_is_named(part) for part in parts):
            subjects = list(parts)
    if isinstance(others, str):
        others = [part.strip(",;") for part in _MEMBERS.split(others) if part.strip(",;")]
    if isinstance(others, list):
        return {"others": [*subjects[1:], *others], **({"of": subjects[0]} if subjects else {})}
    return {"of": subjects[0], "others": subjects[1:]} if len(subjects) > 1 else {}


def _is_named(part: str) -> bool:
    """Return whether a part of a cell is an id, or a value behind its kind."""
    return subject_of_text(part).keys() != {"value"}


def _subject_of(columns: Mapping[str, Any]) -> Any:
    """Return the subject from the columns ``value``, ``kind``, ``of_reporter`` and those of the kind."""
    kind, value = (columns.get(name) if isinstance(columns.get(name), str) else None for name in ("kind", "value"))
    if not kind and not value:
        return {}
    inputs = (
        kinds.get(kind).columns
        if kind
        else {name for each_kind in kinds.every().values() for name in each_kind.columns}
    )
    helping = {name: columns[name] for name in inputs if isinstance(columns.get(name), str)}
    named: dict[str, Any] = subject_of_text(value or "")
    if "ref" in named:
        return named
    if kind:
        named = {"kind": kind, "value": value or ""}
    return {**named, "details": helping, "reporter": columns.get("of_reporter")}


def _cell(key: str, cell: Any) -> Any:
    """Return a column's text as the model takes it."""
    if not isinstance(cell, str):
        return cell
    if key == "location":
        return cell
    text = cell.strip()
    if key in _WORD_COLUMNS:
        word = _NOT_ALNUM.sub("-", text).strip("-").lower()
        return _OUTCOME_WORDS.get(word, word) if key == "outcome" else word
    if key == "tlp":
        return text.lower().removeprefix("tlp").lstrip(":_- ")
    if key == "currency":
        return text.upper()
    if key == "countries":
        return [part.strip().upper() for part in re.split(r"[,;\s]+", text) if part.strip()]
    if key == "members":
        return [part.strip(",;") for part in _MEMBERS.split(text) if part.strip(",;")]
    return text
