"""What MISP writes into STIX where STIX has no type for it: ``x-misp-attribute`` and ``x-misp-object``."""

from collections.abc import Iterator, Mapping
from typing import Any

from feeds.readers import misp
from feeds.readers.rows import Row, Unreadable
from schemas.vocabulary import Tlp

TYPES = ("x-misp-attribute", "x-misp-object")
_TO_IDS = 'misp:to_ids="'
# What MISP marks for detection by itself, where its export does not say whether it is.
_TO_IDS_BY_DEFAULT = {"iban", "bic", "bank-account-nr", "btc", "xmr", "dash", "prtn"}


def rows(obj: Mapping[str, Any], tlp: Tlp | None) -> Iterator[Row | Unreadable]:
    """Give the attribute, or the object's attributes, as an event would have it."""
    labels = obj.get("labels")
    names = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
    ref, moment = str(obj.get("id", "")).partition("--")[2], obj.get("modified")
    tags = [{"name": name} for name in names if not name.startswith("misp:")]
    context = {"Tag": [*tags, *([{"name": f"tlp:{tlp}"}] if tlp else [])]}
    if obj.get("type") == TYPES[0]:
        attribute = {"type": obj.get("x_misp_type"), "value": obj.get("x_misp_value"), "uuid": ref, "timestamp": moment}
        attribute |= {"to_ids": _to_ids(names, attribute["type"])} | _seen(obj)
        yield from misp.of_event({**context, "Attribute": [attribute]})
        return
    parts = obj.get("x_misp_attributes")
    attributes = [
        {"timestamp": moment, **_seen(obj), **part}
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict)
    ]
    yield from misp.of_event({**context, "Object": [{"name": obj.get("x_misp_name"), "Attribute": attributes}]})


def _to_ids(labels: list[str], type_: Any) -> bool:
    said = [label for label in labels if label.startswith(_TO_IDS)]
    return said[0].lower() == f'{_TO_IDS}true"' if said else type_ in _TO_IDS_BY_DEFAULT


def _seen(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {name: obj[name] for name in ("first_seen", "last_seen") if obj.get(name)}
