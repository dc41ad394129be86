"""The kinds of indicator, one file each, found by being here."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from schemas.discovery import subclasses
from schemas.errors import Rejected
from schemas.kind import Kind


@cache
def every() -> Mapping[str, Kind]:
    """Give all kinds by name, in the order of their files' names."""
    classes = subclasses(__name__, __path__, Kind)  # type: ignore[type-abstract]  # it yields concrete ones only
    kinds = (kind() for kind in classes)
    return MappingProxyType({kind.name: kind for kind in kinds})


def get(name: str) -> Kind:
    """Give the kind called ``name``. Raises ``Rejected`` with the names there are."""
    try:
        return every()[name]
    except KeyError:
        known = ", ".join(every())
        raise Rejected("unknown-kind", f"there is no kind of that name; there are: {known}") from None


def actual_kind(kind: Kind, raw: str) -> Kind:
    """Give the kind of a value that is reported as one of ``kind``: an account's page is the account, not a URL."""
    if name := kind.other_kind(raw):
        other = get(name)
        try:
            other.normalise(raw)
        except Rejected:
            return kind
        return other
    return kind


def canonical(name: str, value: str) -> tuple[str, str]:
    """Give kind and value under which all normal forms of one thing are one, whichever kind they were reported as."""
    kind = get(name)
    if (other := actual_kind(kind, value)) is not kind:
        kind, value = other, other.normalise(value).value
    return kind.name, kind.key(value)


def recognise(raw: str) -> Kind:
    """Give the one kind that a value without a kind looks like. Raises ``Rejected`` where none or several do."""
    found = [kind for kind in every().values() if kind.recognises(raw)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Rejected("kind-not-recognised", "no kind recognises this value; name the kind (--kind or a kind column)")
    names = ", ".join(kind.name for kind in found)
    raise Rejected("kind-ambiguous", f"this value may be {names}; name the kind (--kind or a kind column)")
