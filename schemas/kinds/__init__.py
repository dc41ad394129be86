"""Kinds of indicator, one file a kind; a file's presence registers it."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from schemas.discovery import subclasses
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal

_DIGIT = re.compile(r"\d")
_FEWEST_DIGITS = 3


@cache
def every() -> Mapping[str, Kind]:
    """Return all kinds by name, in the order of their files' names."""
    classes = subclasses(__name__, __path__, Kind)  # type: ignore[type-abstract]  # it yields concrete ones only
    kinds = (kind() for kind in classes)
    return MappingProxyType({kind.name: kind for kind in kinds})


def get(name: str) -> Kind:
    """Return the kind called ``name``. Raises ``Rejected`` with the known names."""
    try:
        return every()[name]
    except KeyError:
        known = ", ".join(every())
        raise Rejected("unknown-kind", f"there is no kind of that name; there are: {known}") from None


def actual_kind(kind: Kind, raw: str) -> Kind:
    """Return the kind of a value reported as one of ``kind``: an account's page is a social account, not a URL."""
    if name := kind.other_kind(raw):
        other = get(name)
        try:
            other.normalise(raw)
        except Rejected:
            return kind
        return other
    return kind


def canonical(name: str, value: str) -> tuple[str, str]:
    """Return the kind and key that all normal forms of one thing share, whichever kind they were reported as."""
    kind = get(name)
    if (other := actual_kind(kind, value)) is not kind:
        kind, value = other, other.normalise(value).value
    return kind.name, kind.key(value)


def name_of(name: str, value: str) -> str:
    """Return the one name that all normal forms of one thing share, whichever kind they were reported as."""
    return ":".join(canonical(name, value))


def split(text: str) -> tuple[str | None, str]:
    """Return the kind and the value of a text such as ``phone:+66812345678``, as the hub writes them; else no kind."""
    name, colon, value = text.partition(":")
    return (name, value) if colon and name in every() else (None, text)


def normalise(kind: Kind, raw: str, given: Mapping[str, str] = NO_DETAILS, country: str = "") -> Normal:
    """Return a value in its normal form; ``country`` is the default for a value that needs a country.

    This is a national telephone number, or a bank whose name exists in several countries; without a country a word
    does not count as a sender name. Raises ``Rejected``.
    """
    try:
        return kind.normalise(raw, given)
    except Rejected:
        is_number = len(_DIGIT.findall(raw)) >= _FEWEST_DIGITS
        if not (country and is_number) or "country" not in kind.columns or given.get("country"):
            raise
    return kind.normalise(raw, {**given, "country": country})


def taken_by(text: str, country: str = "") -> list[tuple[Kind, str]]:
    """Return each kind that takes a text, with the normal value; one alone where it stands before the value.

    ``country`` is the default of ``normalise``. Raises ``Rejected`` where none takes it.
    """
    named, raw = split(text)
    if named is not None:
        kind = actual_kind(get(named), raw)
        return [(kind, normalise(kind, raw, NO_DETAILS, country).value)]
    found = []
    for kind in every().values():
        try:
            found.append((kind, normalise(kind, raw, NO_DETAILS, country).value))
        except Rejected:
            continue
    if not found:
        raise Rejected("not-a-value", "no kind takes this value; correct it, or name the kind before it: phone:VALUE")
    return found


def recognise(raw: str) -> Kind:
    """Return the one kind that ``raw`` looks like. Raises ``Rejected`` if it looks like none, or like several."""
    found = [kind for kind in every().values() if kind.recognises(raw)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Rejected("kind-not-recognised", "no kind recognises this value; name the kind (--kind or a kind column)")
    names = ", ".join(kind.name for kind in found)
    raise Rejected("kind-ambiguous", f"this value may be {names}; name the kind (--kind or a kind column)")
