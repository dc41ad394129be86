"""The properties of a partner, as an operator writes them."""

import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers import common_objects, ids
from schemas.partner import Partner, PartnerKind
from schemas.text import look_alike


class BadProperties(ValueError):
    """The properties are not valid for a partner; the message names the property and the rule."""


class Properties(NamedTuple):
    """Properties set by an operator; None means not given. "" means no organisation, or no country.

    Empty and duplicate words are removed from lists. With ``drops_answers``, its findings no longer count for accounts
    of institutions that it loses.
    """

    kind: PartnerKind | str | None = None
    country: str | None = None
    trusted: bool | None = None
    authority: Sequence[str] | None = None
    institutions: Sequence[str] | None = None
    vouched: bool | None = None
    forwards: bool | None = None
    named: bool | None = None
    shown_publicly: bool | None = None
    peer: bool | None = None
    organisation: str | None = None
    drops_answers: bool = False


def new_partner(name: str, given: Properties) -> Partner:
    """Return a new partner with that name. Raises ``BadProperties``."""
    name = _one_line(name)
    if look_alike(name, common_objects.PROJECT):
        raise BadProperties(f"name: {common_objects.PROJECT} is reserved for this project and its hubs")
    return _partner({"name": name, "identity": ids.identity(name)}, given)


def changed_partner(before: Partner, given: Properties) -> Partner:
    """Return the partner with the given properties changed. Raises ``BadProperties``.

    An institution that it loses counts as one that it had: holders whom it cleared stay cleared.
    """
    changed = _partner(before.model_dump(), given)
    kept_before = dict.fromkeys((*before.former_institutions, *before.institutions))
    former = () if given.drops_answers else tuple(name for name in kept_before if name not in changed.institutions)
    return changed.model_copy(update={"former_institutions": former})


def _partner(before: dict[str, Any], given: Properties) -> Partner:
    try:
        return Partner.model_validate({**before, **_values(given)})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadProperties(f"{(first['loc'] or ('peer',))[0]}: {first['msg'].removeprefix('Value error, ')}") from None


def _values(given: Properties) -> dict[str, Any]:
    """Return the given properties in the form of a partner."""
    values = {name: value for name, value in given._asdict().items() if value is not None}
    del values["drops_answers"]
    for name in ("authority", "institutions"):
        if name in values:
            values[name] = tuple(dict.fromkeys(word for word in values[name] if word))
    if given.country is not None:
        values["country"] = given.country.upper() or None
    if given.organisation is not None:
        values["organisation"] = _one_line(given.organisation) or None
    return values


def _one_line(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
