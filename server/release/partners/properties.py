"""The properties of a partner, as an operator writes them."""

import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers import common_objects, ids
from schemas.partner import Partner, PartnerKind


class BadProperties(ValueError):
    """The properties are no partner's; the message names the property and the rule."""


class Properties(NamedTuple):
    """Properties that an operator gives; None is not given. "" is no organisation, and no country.

    Words that are empty, or given twice, are left out of lists. With ``drops_answers``, what it answered counts no more
    for accounts of institutions that it keeps no more.
    """

    kind: PartnerKind | str | None = None
    country: str | None = None
    trusted: bool | None = None
    authority: Iterable[str] | None = None
    institutions: Iterable[str] | None = None
    forwards: bool | None = None
    named: bool | None = None
    shown_publicly: bool | None = None
    organisation: str | None = None
    drops_answers: bool = False


def new_partner(name: str, given: Properties) -> Partner:
    """Return the partner of that name. Raises ``BadProperties``."""
    name = _one_line(name)
    if name.casefold() == common_objects.PROJECT.casefold():
        raise BadProperties(
            f"name: {common_objects.PROJECT} is this project's own, in whose name the hub itself speaks"
        )
    return _partner({"name": name, "identity": ids.identity(name)}, given)


def changed_partner(before: Partner, given: Properties) -> Partner:
    """Return the partner with what is given in place of what was. Raises ``BadProperties``.

    An institution that it keeps no more is one that it kept before: whoever it cleared stays cleared.
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
        raise BadProperties(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None


def _values(given: Properties) -> dict[str, Any]:
    """Return what is given, as a partner has it."""
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
