"""The rules of the message schemas, from the classes of ``pyiso20022``, and the check of a message by them.

The classes hold names, order, numbers, lengths, patterns, digits and codes of the official schemas. Their own parser
checks neither the order nor the choices, so the check is done here. In these schemas exactly the types with a name on
``…Choice`` are choices, and all other complex types are sequences.
"""

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from server.features.iso20022.xml import MessageRefused

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
CANCELLATION: Final = "camt.056.001.08"
RESOLUTION: Final = "camt.029.001.09"
RETURN: Final = "pacs.004.001.09"
# The versions that are read, of which the first of each is written.
READ: Final = (
    *(CANCELLATION, "camt.056.001.09", "camt.056.001.10", "camt.056.001.11"),
    *(RESOLUTION, "camt.029.001.10", "camt.029.001.11", "camt.029.001.12", "camt.029.001.13"),
    *(RETURN, "pacs.004.001.10", "pacs.004.001.11", "pacs.004.001.13", "pacs.004.001.14"),
)
MISSING: Final = 'the messages of ISO 20022 need the extra: pip install "scamfeed[iso20022]"'
_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_HARMLESS = frozenset({f"{_SCHEMA_INSTANCE}schemaLocation"})
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_BOOLEANS = frozenset({"true", "false", "0", "1"})
_HEX, _BASE64 = re.compile(r"([0-9A-Fa-f]{2})*"), re.compile(r"[A-Za-z0-9+/=\s]*")


def is_installed() -> bool:
    """Return whether the package with the schemas is installed."""
    return find_spec("pyiso20022") is not None


class _Rule(NamedTuple):
    """The rule of a part of a type: its name, type, number, and the facets of its text."""

    name: str
    type: Any
    least: int
    most: int | None
    facets: Mapping[str, Any]


class _TypeRules(NamedTuple):
    """The rules of a complex type; ``text`` is that of its text, if it has one, ``is_open`` whether it takes all."""

    elements: tuple[_Rule, ...]
    attributes: Mapping[str, _Rule]
    text: _Rule | None
    is_choice: bool
    is_open: bool


def check(root: Element) -> str:
    """Return the name of a message, as ``camt.056.001.08``. Raises ``MessageRefused`` with the broken rule."""
    namespace, _, name = root.tag.removeprefix("{").rpartition("}")
    if name != "Document" or not namespace.startswith(NAMESPACE):
        raise MessageRefused("root", "/", "the message is an element Document of ISO 20022", "unknown-message")
    message = namespace.removeprefix(NAMESPACE)
    if message not in READ:
        known = ", ".join(READ)
        raise MessageRefused("root", "/Document", f"the messages that are read are {known}", "unknown-message")
    _Check(namespace).element(root, "/Document", _document(message))
    return message


@cache
def _document(message: str) -> Any:
    """Return the class of a message's document."""
    module = message.replace(".", "_")
    return import_module(f"pyiso20022.{message[:4]}.{module}.{module}").Document


@cache
def _rules(of: Any) -> _TypeRules:
    hints = typing.get_type_hints(of)
    elements: list[_Rule] = []
    attributes: dict[str, _Rule] = {}
    text, is_open = None, False
    for field in dataclasses.fields(of):
        data, hint = field.metadata, hints[field.name]
        inner = next((part for part in typing.get_args(hint) if part is not type(None)), hint)
        is_list = typing.get_origin(hint) is list
        least = int(data.get("min_occurs", 0)) if is_list else int(bool(data.get("required")))
        most = data.get("max_occurs") if is_list else 1
        rule = _Rule(data.get("name", ""), inner, least, most, data)
        match data.get("type"):
            case "Element":
                elements.append(rule)
            case "Attribute":
                attributes[rule.name] = rule
            case "Wildcard":
                is_open = True
            case _:
                text = rule
    return _TypeRules(tuple(elements), MappingProxyType(attributes), text, of.__name__.endswith("Choice"), is_open)


class _Check:
    """Checks the elements of a message in one namespace."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}"

    def element(self, element: Element, path: str, of: Any) -> None:
        """Check an element of a complex type. Raises ``MessageRefused``."""
        rules = _rules(of)
        self._attributes(element, path, rules)
        if rules.text is not None:
            _check_text(element.text or "", path, rules.text)
        elif any((part or "").strip() for part in _texts(element)):
            raise MessageRefused("content", path, "there is no text between elements here")
        if rules.is_open:
            if len(element) != 1:
                raise MessageRefused("any", path, "it has exactly one element, of any kind")
            return
        names = [self._name(child, path) for child in element]
        if rules.is_choice and len(names) != 1:
            known = ", ".join(rule.name for rule in rules.elements)
            raise MessageRefused("choice", path, f"it has exactly one of {known}")
        self._children(element, names, path, rules)

    def _children(self, element: Element, names: list[str], path: str, rules: _TypeRules) -> None:
        """Check the children in the order of the rules."""
        at = 0
        for rule in rules.elements:
            start = at
            while at < len(names) and names[at] == rule.name:
                at += 1
            number = at - start
            if number < rule.least and not rules.is_choice:
                raise MessageRefused("minOccurs", f"{path}/{rule.name}", f"at least {rule.least} is required")
            if rule.most is not None and number > rule.most:
                raise MessageRefused("maxOccurs", f"{path}/{rule.name}", f"at most {rule.most} may follow each other")
            for index, child in enumerate(element[start:at], start=1):
                self._child(child, f"{path}/{rule.name}" + (f"[{index}]" if number > 1 else ""), rule)
        if at < len(names):
            if any(rule.name == names[at] for rule in rules.elements):
                raise MessageRefused("sequence", f"{path}/{names[at]}", "it has another place in the order")
            raise MessageRefused("element", f"{path}/*[{at + 1}]", "the schema has no such element here")

    def _child(self, child: Element, path: str, rule: _Rule) -> None:
        if dataclasses.is_dataclass(rule.type):
            self.element(child, path, rule.type)
            return
        if len(child) or child.attrib:
            raise MessageRefused("content", path, "it has a text only, without elements and attributes")
        _check_text(child.text or "", path, rule)

    def _attributes(self, element: Element, path: str, rules: _TypeRules) -> None:
        for name in element.attrib:
            if name not in rules.attributes and not (path == "/Document" and name in _HARMLESS):
                raise MessageRefused("attribute", path, "it has an attribute that the schema does not have")
        for name, rule in rules.attributes.items():
            text = element.get(name)
            if text is None:
                raise MessageRefused("attribute", f"{path}/@{name}", "it is required")
            _check_text(text, f"{path}/@{name}", rule)

    def _name(self, child: Element, path: str) -> str:
        if not child.tag.startswith(self._prefix):
            raise MessageRefused("namespace", path, "an element of another namespace is in it")
        return child.tag.removeprefix(self._prefix)


def _texts(element: Element) -> typing.Iterator[str | None]:
    yield element.text
    for child in element:
        yield child.tail


def _check_text(text: str, path: str, rule: _Rule) -> None:
    """Check a text by the type and the facets of its rule. Raises ``MessageRefused``, without the text."""
    of, facets = rule.type, rule.facets
    if isinstance(of, type) and issubclass(of, Enum):
        codes = {member.value for member in of}
        if text not in codes:
            raise MessageRefused("enumeration", path, f"it is one of {', '.join(sorted(codes))}")
        return
    if not _FORMS.get(of.__name__, _any)(text.strip(), facets):
        raise MessageRefused("type", path, f"it has the form of {of.__name__.removeprefix('Xml').lower()}")
    if of is Decimal:
        _check_digits(text.strip(), path, facets)
    elif not int(facets.get("min_length", 0)) <= len(text) <= int(facets.get("max_length", len(text))):
        rule_ = f"minLength={facets.get('min_length', 0)} maxLength={facets.get('max_length')}"
        raise MessageRefused(rule_, path, f"it has {facets.get('min_length', 0)} to {facets['max_length']} characters")
    pattern = facets.get("pattern")
    if pattern is not None and re.fullmatch(pattern, text) is None:
        raise MessageRefused(f"pattern={pattern}", path, "it has another form")


def _check_digits(text: str, path: str, facets: Mapping[str, Any]) -> None:
    number = Decimal(text)
    whole, _, fraction = text.lstrip("+-0").partition(".")
    fraction = fraction.rstrip("0")
    least, digits, places = (facets.get(name) for name in ("min_inclusive", "total_digits", "fraction_digits"))
    if least is not None and number < least:
        raise MessageRefused(f"minInclusive={least}", path, f"it is at least {least}")
    if digits is not None and len(whole) + len(fraction) > digits:
        raise MessageRefused(f"totalDigits={digits}", path, f"it has {digits} digits at most")
    if places is not None and len(fraction) > places:
        raise MessageRefused(f"fractionDigits={places}", path, f"it has {places} digits at most behind the point")


def _any(text: str, facets: Mapping[str, Any]) -> bool:
    return True


def _dated(name: str) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return a check of a text by a type of dates of ``xsdata``."""

    def is_one(text: str, facets: Mapping[str, Any]) -> bool:
        kind = getattr(import_module("xsdata.models.datatype"), name)
        try:
            (kind if name == "XmlPeriod" else kind.from_string)(text)
        except ValueError:
            return False
        return True

    return is_one


def _binary(text: str, facets: Mapping[str, Any]) -> bool:
    return (_HEX if facets.get("format") == "base16" else _BASE64).fullmatch(text) is not None


_FORMS: Mapping[str, Callable[[str, Mapping[str, Any]], bool]] = MappingProxyType(
    {
        "Decimal": lambda text, _: len(text) < 40 and _DECIMAL.fullmatch(text) is not None,
        "bool": lambda text, _: text in _BOOLEANS,
        "bytes": _binary,
        **{name: _dated(name) for name in ("XmlDate", "XmlDateTime", "XmlTime", "XmlPeriod")},
    }
)
