"""A contributor's limits in STIX: the property ``sharing`` of our extension, on any object; partners by identity."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from mappers import ids
from schemas.errors import Rejected
from schemas.sharing import Sharing

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_PARTNERS = ("only_partners", "not_to_partners")


def write(sharing: Sharing | None) -> dict[str, Any]:
    """Give the property's value; empty where nothing is limited."""
    if sharing is None:
        return {}
    said = sharing.model_dump(mode="json", exclude_defaults=True)
    return {name: sorted(map(ids.identity_called, each)) if name in _PARTNERS else each for name, each in said.items()}


def read(ours: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Any:
    """Give what our extension's properties say of sharing, for ``Sharing`` to check; None where they say nothing.

    ``reporters`` names the identities by id; one that it does not name stays as it is.
    """
    said = ours.get("sharing")
    if not isinstance(said, Mapping):
        return said
    return {
        name: [reporters.get(ref, ref) if isinstance(ref, str) else ref for ref in each]
        if name in _PARTNERS and isinstance(each, list)
        else each
        for name, each in said.items()
    }


def of(ours: Mapping[str, Any], reporters: Mapping[str, str] = _NOTHING) -> Sharing | None:
    """Give the limits among our extension's properties (``extension.found``), None where there are none.

    Raises ``Rejected`` where they cannot be read: what is not understood cannot be kept.
    """
    said = read(ours, reporters)
    if said is None:
        return None
    try:
        return Sharing.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, ("sharing", *first["loc"])))
        raise Rejected(
            "bad-sharing", f"{place}: {first['msg']}; limits that are not understood cannot be kept"
        ) from None
