"""The context of reports and records: the STIX property extension, and labels for clients that show no extensions."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from mappers import ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import Sharing
from schemas.hub_report import EXTENSION
from schemas.report import FIELDS, Report
from schemas.vocabulary import Action, scam_category

# The prefix of all our labels.
LABEL_PREFIX = "scam"
_LABELLED = {field.declaration.label: name for name, field in FIELDS.items() if field.declaration.label}
# The fields that reports are read from by their labels; a label of the kind says nothing without its value.
FIELD_OF_LABEL: Mapping[str, str] = MappingProxyType(
    {label: name for label, name in _LABELLED.items() if name != "kind"}
)
_LABEL = re.compile(rf'{LABEL_PREFIX}:([a-z]+(?:-[a-z]+)*)="([^"]*)"')
# Details that may be labels: words, never numbers or names.
_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def labels_of(words: Mapping[str, str | None], countries: Iterable[str] = ()) -> list[str]:
    """Return the labels of words by their names, and of countries; words that are None are left out."""
    of_words = [_label(name, word) for name, word in words.items() if word is not None]
    return [LABEL_PREFIX, *of_words, *(_label("country", country) for country in countries)]


def labels_of_report(report: Report) -> list[str]:
    """Return the labels that show the context of a report, without the details of its kind."""
    context = {label: getattr(report, name) for label, name in _LABELLED.items()}
    return labels_of(
        {"type": report.scam_type, "category": scam_category(report.scam_type)} | context, report.countries
    )


def labels_of_details(details: Mapping[str, str]) -> list[str]:
    """Return the labels of those of a kind's details that are words, such as the chain or platform."""
    return [_label(name, text) for name, text in details.items() if _WORD.fullmatch(text)]


def read_labels(labels: Iterable[str]) -> dict[str, list[str]]:
    """Return the words of labels in our form, by their names."""
    words: dict[str, list[str]] = {}
    for label in labels:
        if found := _LABEL.fullmatch(label):
            words.setdefault(found[1].replace("-", "_"), []).append(found[2])
    return words


def _label(name: str, word: str) -> str:
    return f'{LABEL_PREFIX}:{name.replace("_", "-")}="{word}"'


ID = EXTENSION
TYPE = "property-extension"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_LISTS_OF_PARTNERS = ("only_partners", "not_to_partners")
# The properties of reports in the order in which they have always been published; later ones follow.
_FIRST = [
    "kind",
    "scam_category",
    "requested_action",
    "evidence",
    "sharing",
    "hold",
    "scam_type",
    "channel",
    "payment_rail",
    "holder_status",
    "reference",
    "first_seen",
    "last_seen",
    "countries",
]
_FIELDS = {property_: field.name for field in FIELDS.values() if (property_ := field.extension_property)}
_ORDER = tuple(dict.fromkeys([*_FIRST, *_FIELDS]))
# Read elsewhere: from the pattern, or with the names of partners.
_READ_APART = frozenset({"kind", "details", "sharing"})


def context_of_report(report: Report) -> dict[str, Any]:
    """Return the extension's properties for an indicator, without those that the report does not state.

    The indicator adds the details of the kind, because they differ from value to value.
    """
    context = {property_: _plain(getattr(report, name)) for property_, name in _FIELDS.items() if name != "details"}
    context |= {"scam_category": scam_category(report.scam_type), "sharing": write_sharing(report.sharing)}
    return build(**{name: context[name] for name in _ORDER if name in context})


def report_fields(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a report that ``context_of_report`` wrote, without sharing limits and the kind's details.

    A hold that a hub passes on beside the reports of several partners does not belong to their combined report.
    """
    fields = {
        name: properties[property_]
        for property_, name in _FIELDS.items()
        if property_ in properties and property_ not in _READ_APART
    }
    if properties.get("reporters", 1) != 1 or ("grade" in properties and properties["grade"] == Action.BLOCK):
        fields.pop("hold", None)
    return fields


def _plain(value: Any) -> Any:
    """Return a field's value without models in it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value


def build(**words: Any) -> dict[str, Any]:
    """Return the extension with the given properties, without those that are None or empty."""
    return {
        "extension_type": TYPE,
        **{name: _json_value(word) for name, word in words.items() if word not in (None, (), [], {})},
    }


def context_of(stix_object: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of our extension in an object, empty where it has none."""
    extensions = stix_object.get("extensions")
    properties = extensions.get(ID) if type(extensions) is dict or isinstance(extensions, Mapping) else None
    return properties if type(properties) is dict or isinstance(properties, Mapping) else {}


def sharing(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Sharing | None:
    """Return the sharing limits in an object of any type, None where it has none; ``reporters`` names identities by id.

    Raises ``Rejected`` for limits that cannot be read: they could not be kept.
    """
    return parse_sharing(context_of(stix_object), reporters)


def _json_value(word: Any) -> Any:
    if isinstance(word, datetime):
        return timestamp.text(word)
    if isinstance(word, tuple):
        return list(word)
    return str(word) if isinstance(word, str) else word


def write_sharing(sharing: Sharing | None) -> dict[str, Any]:
    """Return the property ``sharing`` of limits, empty where nothing is limited."""
    if sharing is None:
        return {}
    limits = sharing.model_dump(mode="json", exclude_defaults=True)
    return {
        name: sorted(map(ids.identity_of, limit)) if name in _LISTS_OF_PARTNERS else limit
        for name, limit in limits.items()
    }


def read_sharing(context: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Any:
    """Return the input for ``Sharing`` from the extension's properties, None where they have no limits.

    ``reporters`` names the identities by id; an id that it does not name stays.
    """
    limits = context.get("sharing")
    if not isinstance(limits, Mapping):
        return limits
    return {
        name: [reporters.get(ref, ref) if isinstance(ref, str) else ref for ref in limit]
        if name in _LISTS_OF_PARTNERS and isinstance(limit, list)
        else limit
        for name, limit in limits.items()
    }


def parse_sharing(context: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Sharing | None:
    """Return the sharing limits in the extension's properties (``context_of``), None where there are none.

    Raises ``Rejected`` for limits that cannot be read: they could not be kept.
    """
    limits = read_sharing(context, reporters)
    if limits is None:
        return None
    try:
        return Sharing.model_validate(limits)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, ("sharing", *first["loc"])))
        raise Rejected("bad-sharing", f"{place}: {first['msg']}; limits that cannot be read cannot be kept") from None
