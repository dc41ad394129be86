"""MISP events as rows: the attributes marked for detection (``to_ids``), and no comments or descriptions.

Analysts write comments and descriptions, and name people in them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from feeds.readers import streams
from feeds.readers.columns.vocabulary import scam_type_of_tags, tags_say_innocent, tlp_of_word
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from mappers import extension, kinds
from mappers.marking import narrowest
from mappers.pattern import Terms
from schemas.errors import Rejected
from schemas.vocabulary import Tlp

# The tags of an event follow its attributes, so that each event is read as a whole.
_LARGEST_EVENT = 128 << 20
_LISTS = frozenset({"response"})
_MACHINE_TAG = re.compile(r'([^:="]+):([^="]+)(?:="([^"]*)")?')
# The taxonomy ``misp:confidence-level``.
_CONFIDENCE = {
    "completely-confident": "100",
    "usually-confident": "75",
    "fairly-confident": "50",
    "rarely-confident": "25",
    "unconfident": "0",
}

# Types of attributes by kind; in composed values (``domain|ip``) the first part is the value.
_KINDS = {
    "domain": ("domain", "hostname", "domain|ip", "hostname|port"),
    "url": ("url", "uri"),
    "email": ("email", "email-src", "email-reply-to"),
    "ip": ("ip-src", "ip-dst", "ip-src|port", "ip-dst|port"),
    "phone": ("phone-number", "prtn"),
    "bank-account": ("iban", "bank-account-nr"),
    "wallet": ("btc", "xmr", "dash"),
    "app": ("mobile-application-id",),
}
_KIND_OF = {type_: kind for kind, types in _KINDS.items() for type_ in types}
_CHAINS = {"btc": "bitcoin", "xmr": "monero", "dash": "dash"}
_COLUMNS_OF_VALUES = {"bank-account-nr": "account_number", "iban": "iban"}
_PERSONAL = {
    "email-dst": "the address that received mail is usually a victim's; the scammers' own is an email-src",
    "cc-number": "card numbers are not read: they belong to somebody, and any reader could pay with them",
}
_BANK_RELATIONS = {"iban": "iban", "account": "account_number", "swift": "bic", "institution-name": "bank"}
_COIN_RELATIONS = {"address": "bitcoin", "wallet-address": "bitcoin", "address-xmr": "monero", "address-crypto": ""}
_PARTS = {("coin-address", "symbol"), ("user-account", "account-type"), ("android-app", "name")}
_ACCOUNT_RELATIONS = {"user-id": "user_id", "id": "user_id", "username": "account_login"}

_Attribute = Mapping[str, Any]


class _Context(NamedTuple):
    """The statements of the tags around an attribute."""

    tlp: Sequence[Tlp]
    columns: Mapping[str, str]
    innocent: bool


_NO_CONTEXT = _Context((), {}, innocent=False)


def rows(source: Source) -> Iterator[Row | Unreadable]:
    """Yield the attributes of events, each as a row or with the reason why it is not a report.

    Attributes are numbered through the file; an object for one thing (a bank account, a wallet) is one row. The most
    restrictive TLP level of event, object and attribute applies.
    """
    number = 0
    for item in streams.items(source, _LISTS, _LARGEST_EVENT):
        if isinstance(item, streams.MalformedLine):
            number += 1
            yield item.refused("event")._replace(line=number)
            continue
        event = _event(item.value)
        if event is None:
            number += 1
            message = "not a MISP event: an object with its attributes under Attribute or Object"
            yield Unreadable.of(number, text(item.value), "not-a-report", message)
            continue
        for row in rows_of_event(event):
            number += 1
            yield row._replace(line=number)


def _event(value: Any) -> Mapping[str, Any] | None:
    """Return the event in an item of an export, a feed or a search, None if there is none."""
    for name in ("response", "Event"):
        if isinstance(value, dict) and isinstance(value.get(name), dict):
            value = value[name]
    if isinstance(value, dict) and (value.keys() & {"Attribute", "Object"} or {"uuid", "info"} <= value.keys()):
        return value
    return None


def rows_of_event(event: Mapping[str, Any]) -> Iterator[Row | Unreadable]:
    """Yield the rows of one event, each numbered 1."""
    context = _with_tags(_NO_CONTEXT, event)
    attributes = event.get("Attribute")
    for attribute in attributes if isinstance(attributes, list) else []:
        if isinstance(attribute, dict):
            yield _row(attribute, context)
        else:
            yield Unreadable.of(
                1, text(attribute), "not-a-record", "not an attribute: an object with its type and value"
            )
    for obj in dicts(event.get("Object")):
        yield from _of_object(obj, _with_tags(context, obj))


def _of_object(obj: Mapping[str, Any], context: _Context) -> Iterator[Row | Unreadable]:
    attributes, name = dicts(obj.get("Attribute")), text(obj.get("name"))
    if is_set(obj.get("deleted")):
        attributes = [{**attribute, "deleted": True} for attribute in attributes]
    values = {
        text(attribute.get("object_relation")): attribute
        for attribute in attributes
        if not is_set(attribute.get("deleted"))
    }
    main = values.get("iban") or values.get("account")
    if name == "bank-account" and main:
        columns = {
            _BANK_RELATIONS[relation]: text(attribute.get("value"))
            for relation, attribute in values.items()
            if relation in _BANK_RELATIONS
        }
        yield _row(main, context, {"kind": "bank-account", **columns})
        return
    for attribute in attributes:
        if (name, text(attribute.get("object_relation"))) not in _PARTS:
            yield _row_of_part(attribute, context, name, values)


def _row_of_part(
    attribute: _Attribute, context: _Context, name: str, values: Mapping[str, _Attribute]
) -> Row | Unreadable:
    """Read an attribute of an object called ``name``; ``values`` are the object's attributes by relation."""
    relation, value = text(attribute.get("object_relation")), text(attribute.get("value"))
    if name in ("coin-address", "btc-wallet") and relation in _COIN_RELATIONS:
        coin = text(values.get("symbol", {}).get("value"))
        chain = {"currency": coin} if coin else {"chain": _COIN_RELATIONS[relation]}
        return _row(attribute, context, {"kind": "wallet", "value": value, **chain})
    if (name, relation) == ("android-app", "appid"):
        return _row(attribute, context, {"kind": "app", "value": value, "os": "android"})
    if name.endswith("-account") and relation in _ACCOUNT_RELATIONS:
        platform = text(values.get("account-type", {}).get("value")) or name.removesuffix("-account")
        return _account(attribute, context, platform, _ACCOUNT_RELATIONS[relation])
    return _row(attribute, context)


def _account(attribute: _Attribute, context: _Context, platform: str, column: str) -> Row | Unreadable:
    """Read an account on a platform in the form of STIX."""
    value = text(attribute.get("value"))
    try:
        mapper, normal = kinds.read(Terms("user-account", {"account_type": platform.lower(), column: value}))
    except Rejected as refusal:
        return _refused(attribute, context) or Unreadable.of(1, value, refusal.reason, refusal.message)
    return _row(attribute, context, {"kind": mapper.kind, "value": normal.value, **normal.details})


def _row(attribute: _Attribute, context: _Context, columns: Mapping[str, str] | None = None) -> Row | Unreadable:
    context = _with_tags(context, attribute)
    if refused := _refused(attribute, context):
        return refused
    kind, value = text(attribute.get("type")), text(attribute.get("value")).strip()
    if columns is None:
        if kind not in _KIND_OF:
            return Unreadable.of(1, value, "unknown-kind", "no kind has this type of attribute")
        column = _COLUMNS_OF_VALUES.get(kind, "value")
        chain = {"chain": _CHAINS[kind]} if kind in _CHAINS else {}
        columns = {"kind": _KIND_OF[kind], column: value.partition("|")[0] if "|" in kind else value, **chain}
    if not value:
        return Unreadable.of(1, "", "no-value", "the attribute has no value")
    fields = {
        **columns,
        **context.columns,
        "reported_at": text(attribute.get("timestamp")),
        "first_seen": text(attribute.get("first_seen")),
        "last_seen": text(attribute.get("last_seen")),
        "reference": text(attribute.get("uuid")),
        "tlp": narrowest(context.tlp) or "",
    }
    return Row(1, {name: str(value) for name, value in fields.items() if value})


def _refused(attribute: _Attribute, context: _Context) -> Unreadable | None:
    """Return the reason why an attribute is not a report, None for reports; a victim's value is not repeated."""
    kind, value = text(attribute.get("type")), text(attribute.get("value"))
    if kind in _PERSONAL or kind.startswith("target-"):
        message = _PERSONAL.get(kind, "targets of a scam are not read: report the values that served it")
        return Unreadable.of(1, "", "personal-data", message)
    if is_set(attribute.get("deleted")):
        return Unreadable.of(1, value, "deleted", "the attribute was deleted: retract its report, if there is one")
    if not is_set(attribute.get("to_ids")):
        message = "marked for context, not for detection: if it served the scam, set to_ids"
        return Unreadable.of(1, value, "not-actionable", message)
    if context.innocent:
        return Unreadable.of(1, value, "not-a-scam", "its tags say that this is not a scam: leave such attributes out")
    return None


def _with_tags(context: _Context, tagged: Mapping[str, Any]) -> _Context:
    """Add the statements of the tags of an event, an object or an attribute to those around it."""
    names = [text(tag.get("name")) for tag in dicts(tagged.get("Tag"))]
    if not names:
        return context
    levels, columns, words = list(context.tlp), dict(context.columns), list[str]()
    for name in names:
        found = _MACHINE_TAG.fullmatch(name.strip())
        space, predicate, value = found.groups("") if found else ("", name, "")
        if space.lower() == "tlp":
            levels += [Tlp(level)] if (level := tlp_of_word(predicate)) else []
        elif space == "scam" and value:
            columns |= _column(extension.FIELD_OF_LABEL.get(predicate.replace("-", "_")), value)
        elif (space, predicate) == ("misp", "confidence-level"):
            columns |= _column("confidence", _CONFIDENCE.get(value))
        elif (space, predicate) == ("false-positive", "confirmed"):
            words.append("false-positive" if value == "true" else "")
        else:
            words.append(value or predicate)
    if scam_type := scam_type_of_tags(words):
        columns.setdefault("scam_type", scam_type)
    return _Context(levels, columns, context.innocent or tags_say_innocent(words))


def _column(name: str | None, text: str | None) -> dict[str, str]:
    return {name: text} if name and text else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_set(value: Any) -> bool:
    """Return whether a flag of MISP is set."""
    return value is True or value in (1, "1", "true")


STIX_TYPES = ("x-misp-attribute", "x-misp-object")
_TO_IDS = 'misp:to_ids="'
# Types that MISP marks for detection by default, if its export has no mark.
_TO_IDS_BY_DEFAULT = {"iban", "bic", "bank-account-nr", "btc", "xmr", "dash", "prtn"}


def rows_of_stix(obj: Mapping[str, Any], tlp: Tlp | None) -> Iterator[Row | Unreadable]:
    """Yield the rows of an ``x-misp-attribute`` or ``x-misp-object``, read as a part of an event."""
    labels = obj.get("labels")
    names = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
    ref, moment = str(obj.get("id", "")).partition("--")[2], obj.get("modified")
    tags = [{"name": name} for name in names if not name.startswith("misp:")]
    context = {"Tag": [*tags, *([{"name": f"tlp:{tlp}"}] if tlp else [])]}
    if obj.get("type") == STIX_TYPES[0]:
        attribute = {"type": obj.get("x_misp_type"), "value": obj.get("x_misp_value"), "uuid": ref, "timestamp": moment}
        attribute |= {"to_ids": _to_ids(names, attribute["type"])} | _seen(obj)
        yield from rows_of_event({**context, "Attribute": [attribute]})
        return
    parts = obj.get("x_misp_attributes")
    attributes = [
        {"timestamp": moment, **_seen(obj), **part}
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict)
    ]
    yield from rows_of_event({**context, "Object": [{"name": obj.get("x_misp_name"), "Attribute": attributes}]})


def _to_ids(labels: list[str], type_: Any) -> bool:
    marks = [label for label in labels if label.startswith(_TO_IDS)]
    return marks[0].lower() == f'{_TO_IDS}true"' if marks else type_ in _TO_IDS_BY_DEFAULT


def _seen(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {name: obj[name] for name in ("first_seen", "last_seen") if obj.get(name)}
