"""Sharing limits: the partners and purposes to which a contributor restricts its reports."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.declaration import FieldColumns
from schemas.partner import CountryCode, PartnerKind
from schemas.vocabulary import SharingPurpose, Word

_MOST = 250


def sorted_once(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Return the entries of a set-like list sorted, without repetitions."""
    return tuple(sorted(set(entries)))


PartnerRef = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="a partner's name or identity"),
]
_Countries = Annotated[tuple[CountryCode, ...], Field(max_length=_MOST), AfterValidator(sorted_once)]
_Partners = Annotated[tuple[PartnerRef, ...], Field(max_length=_MOST), AfterValidator(sorted_once)]


class Sharing(BaseModel):
    """Limits on the audience. A reader has to keep every one; an empty one limits nothing.

    A partner whose kind or country is not known is outside ``only_…`` and ``not_to_countries`` too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    only_partners: Annotated[_Partners, Field(description="these and no others, whatever they read otherwise")] = ()
    not_to_partners: Annotated[_Partners, Field(description="never these")] = ()
    only_partner_kinds: Annotated[
        tuple[PartnerKind, ...], Field(description="partners of these kinds only"), AfterValidator(sorted_once)
    ] = ()
    only_countries: Annotated[_Countries, Field(description="partners of these countries only")] = ()
    not_to_countries: Annotated[_Countries, Field(description="never to partners of these countries")] = ()
    purposes: Annotated[
        tuple[Word, ...],
        Field(
            max_length=20,
            description=f"what it may be used for; preferred: {', '.join(SharingPurpose)}",
        ),
        AfterValidator(sorted_once),
    ] = ()
    onward: Annotated[bool, Field(description="whether those whom it reaches may pass it on")] = True

    @property
    def limited(self) -> bool:
        """Return whether any limit is set."""
        return self != _UNLIMITED


_UNLIMITED = Sharing()

Limits = Annotated[Sharing | None, AfterValidator(lambda sharing: sharing if sharing and sharing.limited else None)]

# Lists in a column of a file: names may hold commas, so they are separated by semicolons where there is one.
_NAMES = ("only_partners", "not_to_partners")
_UPPER = ("only_countries", "not_to_countries")


def _read(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input for ``Sharing`` from columns of a file or keys of JSON; empty where they hold nothing."""
    limits: dict[str, Any] = {}
    for name in Sharing.model_fields:
        text = columns.get(name)
        if text is None or (isinstance(text, str) and not (text := text.strip())):
            continue
        if name == "onward" or not isinstance(text, str):
            limits[name] = text
        elif name in _NAMES:
            limits[name] = _parts(text if ";" in text else text.replace(",", ";"))
        else:
            parts = _parts(text.replace(",", ";"))
            limits[name] = [part.upper() if name in _UPPER else part.lower() for part in parts]
    return limits


def _write(sharing: Sharing) -> dict[str, str]:
    """Return the columns that ``_read`` takes for the same limits, without empty ones."""
    lists = {name: getattr(sharing, name) for name in Sharing.model_fields if name != "onward"}
    columns = {name: "".join(f"{entry};" for entry in entries) for name, entries in lists.items() if entries}
    return columns if sharing.onward else {**columns, "onward": "no"}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


SHARING_COLUMNS = FieldColumns(tuple(Sharing.model_fields), _read, _write)
