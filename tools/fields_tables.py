"""The tables of settings, of columns, and of the extension's properties, from the declarations of their fields."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from feeds.client.mirror.settings import MirroredHub, MirrorOptions
from feeds.transport.client import OutboundSettings
from schemas import kinds
from schemas.fields import Hold, Paid, Sharing
from schemas.json_schema import ON_OBJECTS, extension_schema
from schemas.report import FIELDS, Report
from schemas.tabular import RECORDS, column_names
from server.release.peers import PeerTable
from server.settings import Settings
from tools.tables import linked, table, words

# The few fields that a file states in columns of other names, or that no file states.
_OTHER_COLUMNS = {"evidence": "sha256"}
_NO_COLUMNS = frozenset({"reporter", "details"})


def _settings(model: type[BaseModel], *without: type[BaseModel]) -> Callable[[], list[str]]:
    """Return the function that makes the table of a model's settings, without those of some of its bases."""
    inherited = {name for base in without for name in base.model_fields}
    return lambda: table(
        ["setting", "meaning", "default"],
        (
            (f"`{name}`", linked(field.description or ""), _default(field))
            for name, field in model.model_fields.items()
            if name not in inherited
        ),
    )


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if isinstance(default, SecretStr) or default is None or default in ("", (), [], {}):
        return "none"
    if isinstance(default, list):
        return words(default)
    if isinstance(default, timedelta):
        return f"`{default // timedelta(hours=1)}h`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _columns() -> list[str]:
    """Return the columns of reports; those of a kind name it."""
    of_kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, kind in kinds.every().items():
        for column, meaning in kind.columns.items():
            of_kinds[column][meaning].append(name)
    rows = []
    for column in column_names():
        if column in of_kinds:
            rows += [(f"`{column}`", words(names), meaning) for meaning, names in of_kinds[column].items()]
        else:
            rows.append((f"`{column}`", "all", _of_reports(column)))
    return table(["column", "kinds", "meaning"], rows)


def _of_reports(column: str) -> str:
    """Return the meaning of a column of every report, with the words of its field."""
    if column == "kind":
        return f"kind of the value: {words(kinds.every())}; without it the one kind that the value looks like"
    if column.startswith("hold_"):
        return _meaning(Hold.model_fields[column.removeprefix("hold_")])
    if column.startswith("paid_"):
        return _meaning(Paid.model_fields[column.removeprefix("paid_")])
    field = FIELDS.get("evidence" if column == "sha256" else column)
    if field is None:
        return _meaning(Sharing.model_fields[column])
    text = _meaning(Report.model_fields[field.name]) or field.meaning
    if field.closed and field.vocabulary and words(field.vocabulary) not in text:
        return f"{text}; {words(field.vocabulary)}"
    return text if field.closed or not field.vocabulary else f"{text}; {words(field.vocabulary)} or another word"


def _record_columns() -> list[str]:
    """Return the columns of records, with the records that have each."""
    found: dict[tuple[str, str], list[str]] = {}
    for record, model in RECORDS.items():
        for name, field in model.model_fields.items():
            if name not in _NO_COLUMNS:
                key = f"`{_OTHER_COLUMNS.get(name, name)}`", _meaning(field)
                found.setdefault(key, []).append(record)
    return table(
        ["column", "of", "meaning"],
        (
            (column, "all" if len(records) == len(RECORDS) else ", ".join(records), meaning)
            for (column, meaning), records in found.items()
        ),
    )


def _meaning(field: FieldInfo) -> str:
    """Return the description of a field, or of its type, and its words if it takes no others."""
    described = field.description or _description_of(field.annotation)
    return "; ".join(filter(None, [linked(described), words(_vocabulary(field.annotation))]))


def _description_of(annotation: Any) -> str:
    for part in (*getattr(annotation, "__metadata__", ()), *get_args(annotation)):
        if found := getattr(part, "description", None) or (_description_of(part) if get_args(part) else ""):
            return str(found)
    return ""


def _vocabulary(annotation: Any) -> Iterable[object]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return annotation
    return next((found for part in get_args(annotation) if (found := list(_vocabulary(part)))), ())


def _properties() -> list[str]:
    """Return the properties of the extension, with the objects that have each."""
    return table(
        ["property", "on", "meaning"],
        (
            (f"`{name}`", ON_OBJECTS[name], "; ".join(_of_property(schema)))
            for name, schema in extension_schema()["properties"].items()
        ),
    )


def _of_property(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from filter(None, [linked(schema.get("description", ""))])
    one = schema.get("items", schema)
    if "enum" in one:
        yield words(one["enum"])
    if "const" in one:
        yield f"always `{str(one['const']).lower()}`"
    if parts := one.get("properties"):
        yield f"with {words(parts)}"
        yield from (f"`{name}`: {words(part['enum'])}" for name, part in parts.items() if name == "event")


TABLES: Mapping[str, Callable[[], list[str]]] = {
    "columns": _columns,
    "mirror": _settings(MirrorOptions),
    "mirrored-hub": _settings(MirroredHub, OutboundSettings),
    "properties": _properties,
    "record-columns": _record_columns,
    "peers": _settings(PeerTable),
    "settings": _settings(Settings),
}
