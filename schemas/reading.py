"""Raw columns, as files have them, to reports."""

from collections.abc import Mapping
from functools import cache

from pydantic import ValidationError

from schemas import hold, kinds, redaction, sharing
from schemas.errors import of_validation
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.refang import refang
from schemas.report import MAX_VALUE, Report, evidence_by_hash
from schemas.vocabulary import Tlp

_LISTS = {"countries": ","}
# Columns that say one thing together.
_TOGETHER = frozenset({*sharing.COLUMNS, *hold.COLUMNS})
_OF_A_VALUE = {"value", "kind"}
# Who speaks is who sends, not what a row claims.
_NOT_A_ROWS_TO_SAY = {"reporter"}


class Reader:
    """Makes reports from rows of columns, filling what a row leaves out from ``defaults``.

    ``defaults`` are columns too; ``reporter`` and ``reported_at`` have to be among them or in each row. ``kind`` may
    be missing from both: then the value has to look like one kind only.
    """

    def __init__(self, defaults: Mapping[str, str]) -> None:
        """Prepare to read rows with ``defaults``. Raises ``Rejected`` where the defaults themselves are wrong."""
        self._defaults = {key: text for key, text in defaults.items() if text}
        self._patterns: dict[str, Report] = {}
        self._default_kind = kinds.get(self._defaults["kind"]) if "kind" in self._defaults else None

    def report(self, fields: Mapping[str, str]) -> Report:
        """Give the report that a row says. Raises ``Rejected``, with the column and the rule it breaks."""
        redaction.refuse(fields.get("value", ""))
        if fields.keys() <= _OF_A_VALUE:  # Rows of plain lists: all but the value is the same each time.
            return self._like_before(fields)
        said = {key: text.strip() for key, text in fields.items() if text.strip() and key not in _NOT_A_ROWS_TO_SAY}
        columns = self._defaults | said
        kind = self._kind(columns)
        return _validated({**columns, "kind": kind.name}, kind)

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
        normal = kind.normalise(plain, _given(self._defaults, kind))
        if kind.widest_tlp(normal) is not Tlp.CLEAR:
            return _validated({**self._defaults, "kind": kind.name, "value": value}, kind)
        return pattern.about(normal)


def _kind_of(named: Kind | None, plain: str) -> Kind:
    return kinds.recognise(plain) if named is None else kinds.actual_kind(named, plain)


@cache
def _inputs_of_kinds() -> frozenset[str]:
    """Give the columns that are some kind's own; what helps one kind says nothing about another."""
    return frozenset(column for kind in kinds.every().values() for column in kind.columns)


def _given(columns: Mapping[str, str], kind: Kind) -> Mapping[str, str]:
    """Give the columns that are the kind's own."""
    return {key: columns[key] for key in kind.columns if key in columns} if kind.columns else NO_DETAILS


def _validated(columns: Mapping[str, str], kind: Kind) -> Report:
    data: dict[str, object] = {"value": "", "details": _given(columns, kind)}
    if limits := sharing.read(columns):
        data["sharing"] = limits
    if held := hold.read(columns):
        data["hold"] = held
    for key, text in columns.items():
        if key in _TOGETHER:
            continue
        if key == "sha256":
            data["evidence"] = evidence_by_hash(text)
        elif key in _LISTS:
            data[key] = [part.strip().upper() for part in text.replace(";", ",").split(_LISTS[key]) if part.strip()]
        elif key in Report.model_fields or key not in _inputs_of_kinds():
            data[key] = text
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        raise of_validation(error) from None
