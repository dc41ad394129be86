"""Fields of reports and records: their types, their declarations, and the columns of those that need several."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum, StrEnum
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Self, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from schemas.errors import Rejected
from schemas.partner import CountryCode, PartnerKind
from schemas.reference.numbers import currency_of, plain_quantity
from schemas.text import visible
from schemas.timestamp import Timestamp
from schemas.vocabulary import SharingPurpose, Word


class Fusion(Enum):
    """The way in which the reports of several partners become one entry of the consensus."""

    HEAVIEST = "the word that most confidence stands behind"
    UNION = "everything that any of them lists"
    SINGLE = "a single reporter's own, and nothing as soon as there are two"


class FieldColumns(NamedTuple):
    """The columns of a file that together hold one field.

    ``read`` returns the field's input for the model from the columns of a row, empty where they are empty; ``write``
    returns the columns that ``read`` takes for the same value.
    """

    names: tuple[str, ...]
    read: Callable[[Mapping[str, str]], Any]
    write: Callable[[Any], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class ReportField:
    """The declaration of one field of ``Report``, in the metadata of its annotation.

    - ``extension``: its property in the STIX extension; the field's own name unless given, False where STIX itself has
      a property for it. ``meaning`` is that property's description, the field's own description unless given, and
      ``schema`` its JSON Schema where the type does not tell.
    - ``words``: the words to prefer, of a field that takes others too. A field of an enum type takes no others.
    - ``label``: the name under which indicators show the field as a label, for clients that read no extensions.
    - ``names``: other English names of its column, the surest first. ``columns``: the columns of a field that one
      column cannot hold.
    - ``limits_use``: readers may do less because of it: a row with an unknown word is refused, not read without it.
    - ``acted_on``: readers of the hub's indicators act on it: a change is worth a new version.
    - ``case_number``: holds numbers of cases; one that could be a person's number is stored, and not published.
    - ``fused``: how the consensus gets it from several reports; None where no consensus has it.
    """

    extension: str | bool = True
    meaning: str = ""
    schema: Mapping[str, Any] | None = None
    words: type[StrEnum] | None = None
    label: str = ""
    names: tuple[str, ...] = ()
    columns: FieldColumns | None = None
    limits_use: bool = False
    acted_on: bool = False
    case_number: bool = False
    fused: Fusion | None = None


_IN_NO_EXTENSION = ReportField(extension=False)


@dataclass(frozen=True)
class DeclaredField:
    """A field of a report with its declaration and type; ``many`` says whether it is a list of that type."""

    name: str
    declaration: ReportField
    type: Any
    many: bool
    constraints: tuple[Any, ...]
    description: str

    @property
    def extension_property(self) -> str:
        """Return the name of its property in the STIX extension, "" where it is in none."""
        extension = self.declaration.extension
        return extension if isinstance(extension, str) else self.name if extension else ""

    @property
    def meaning(self) -> str:
        """Return the words that describe it in the extension's schema."""
        return self.declaration.meaning or self.description

    @cached_property
    def vocabulary(self) -> type[StrEnum] | None:
        """Return the enum of its words, None where it has no vocabulary."""
        return self.type if self.closed else self.declaration.words

    @cached_property
    def closed(self) -> bool:
        """Return whether it takes the words of its vocabulary alone."""
        return isinstance(self.type, type) and issubclass(self.type, StrEnum)

    @cached_property
    def is_time(self) -> bool:
        """Return whether it is a point in time."""
        return self.type is datetime

    @cached_property
    def is_free_text(self) -> bool:
        """Return whether people write it in their own words."""
        return self.type is str and not self.many and (self.constraint("pattern") or "").startswith("^[^")

    def constraint(self, name: str) -> Any:
        """Return a constraint of its type, as ``max_length``, None where it has none."""
        return next((value for entry in self.constraints if (value := getattr(entry, name, None)) is not None), None)


def declared_fields(model: type[BaseModel]) -> dict[str, DeclaredField]:
    """Return the fields of ``model`` by name, in its order, each with its declaration."""
    return {name: _declared(name, info) for name, info in model.model_fields.items()}


def _declared(name: str, info: FieldInfo) -> DeclaredField:
    found = [entry for entry in info.metadata if isinstance(entry, ReportField)]
    type_, many, constraints = _unwrapped(info.annotation, tuple(info.metadata))
    declaration = found[0] if found else _IN_NO_EXTENSION
    return DeclaredField(name, declaration, type_, many, constraints, info.description or "")


def _unwrapped(annotation: Any, constraints: tuple[Any, ...]) -> tuple[Any, bool, tuple[Any, ...]]:
    """Return the type inside optional, annotated and list types, whether it is a list, and all constraints."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        more = [entry for part in parts[1:] for entry in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return _unwrapped(parts[0], (*constraints, *more))
    if origin in (Union, UnionType):
        (inner,) = (part for part in parts if part is not NoneType)
        return _unwrapped(inner, constraints)
    if origin is tuple:
        # Constraints of the list are not those of its entries.
        type_, _, of_entries = _unwrapped(parts[0], ())
        return type_, True, of_entries
    return origin or annotation, False, constraints


_MOST_ENTRIES = 250


def sorted_once(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Return the entries of a set-like list sorted, without repetitions."""
    return tuple(sorted(set(entries)))


PartnerRef = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="a partner's name or identity"),
]
_Countries = Annotated[tuple[CountryCode, ...], Field(max_length=_MOST_ENTRIES), AfterValidator(sorted_once)]
_Partners = Annotated[tuple[PartnerRef, ...], Field(max_length=_MOST_ENTRIES), AfterValidator(sorted_once)]


class Sharing(BaseModel):
    """Limits on the audience. A reader has to keep every one; an empty one limits nothing.

    A partner whose kind or country is not known is outside ``only_…`` and ``not_to_countries`` too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    only_partners: Annotated[
        _Partners, Field(description="only these partners, by name or identity, whichever collections they read")
    ] = ()
    not_to_partners: Annotated[
        _Partners, Field(description="never these partners; a name that this hub does not know admits no partner")
    ] = ()
    only_partner_kinds: Annotated[
        tuple[PartnerKind, ...], Field(description="only partners of these kinds"), AfterValidator(sorted_once)
    ] = ()
    only_countries: Annotated[_Countries, Field(description="only partners of these countries")] = ()
    not_to_countries: Annotated[_Countries, Field(description="never partners of these countries")] = ()
    purposes: Annotated[
        tuple[Word, ...],
        Field(
            max_length=20,
            description=f"permitted purposes; preferred: {', '.join(SharingPurpose)}",
        ),
        AfterValidator(sorted_once),
    ] = ()
    onward: Annotated[
        bool, Field(description="whether readers may pass it on; `no` keeps it out of shared collections")
    ] = True

    @property
    def limited(self) -> bool:
        """Return whether any limit is set."""
        return self != _UNLIMITED


_UNLIMITED = Sharing()

Limits = Annotated[Sharing | None, AfterValidator(lambda sharing: sharing if sharing and sharing.limited else None)]

# Lists in a column of a file: names may hold commas, so they are separated by semicolons where there is one.
_PARTNER_LISTS = ("only_partners", "not_to_partners")
_COUNTRY_LISTS = ("only_countries", "not_to_countries")


def _read_sharing(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input for ``Sharing`` from columns of a file or keys of JSON; empty where they hold nothing."""
    limits: dict[str, Any] = {}
    for name in Sharing.model_fields:
        text = columns.get(name)
        if text is None or (isinstance(text, str) and not (text := text.strip())):
            continue
        if name == "onward" or not isinstance(text, str):
            limits[name] = text
        elif name in _PARTNER_LISTS:
            limits[name] = _parts(text if ";" in text else text.replace(",", ";"))
        else:
            parts = _parts(text.replace(",", ";"))
            limits[name] = [part.upper() if name in _COUNTRY_LISTS else part.lower() for part in parts]
    return limits


def _write_sharing(sharing: Sharing) -> dict[str, str]:
    """Return the columns that ``_read`` takes for the same limits, without empty ones."""
    lists = {name: getattr(sharing, name) for name in Sharing.model_fields if name != "onward"}
    columns = {name: "".join(f"{entry};" for entry in entries) for name, entries in lists.items() if entries}
    return columns if sharing.onward else {**columns, "onward": "no"}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


SHARING_COLUMNS = FieldColumns(tuple(Sharing.model_fields), _read_sharing, _write_sharing)


def plain_amount(amount: Decimal) -> str:
    """Return an amount in digits, without zeros at the end of its fraction."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Amount = Annotated[
    Decimal,
    Field(gt=0, lt=10**30, max_digits=48, decimal_places=18),
    PlainSerializer(plain_amount, return_type=str, when_used="json"),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$", description="ISO 4217, or a coin's symbol")]


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


Text = Annotated[
    str,
    Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"),
    BeforeValidator(_shown),
]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"), BeforeValidator(_shown)]

Lang = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Reporter = Annotated[str, Field(min_length=1, max_length=100, description="name of the reporting partner")]
Countries = Annotated[tuple[CountryCode, ...], Field(max_length=60), AfterValidator(sorted_once)]


class Evidence(BaseModel):
    """A proof of the report, identified by its hash; its owner keeps the file itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reference: Annotated[Text | None, Field(description="where the holder keeps it: a file name or case number")] = None


def evidence_by_hash(column: str) -> list[dict[str, str]]:
    """Return the input for ``Evidence`` from a column of hashes with commas between them."""
    return [{"sha256": digest.strip().lower()} for digest in column.split(",")]


class Hold(BaseModel):
    """Which amount of an account's money to hold rather than all of it, and until when: it ends by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[Amount | None, Field(description="amount to hold; without it everything")] = None
    currency: Currency | None = None
    reference: Annotated[
        Line | None, Field(description="the reporter's own number of the case, not a person's name")
    ] = None
    until: Annotated[
        Timestamp, Field(description="end of the hold and of the report, which then never asks for `block`")
    ]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        return self


class Paid(BaseModel):
    """The money that victims paid to a value, in all; when it was paid, the times of the report say.

    Nothing identifies a victim. The report keeps two digits of the amount, except on a chain, where all is public.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[Amount, Field(description="amount that victims paid to the value, as `1234.50`")]
    currency: Annotated[
        Currency, Field(description="ISO 4217, or a coin's symbol; of an account, that of its country without it")
    ]


def two_digits(amount: Decimal) -> Decimal:
    """Return an amount rounded to two digits, which identify no payment."""
    return amount.quantize(Decimal((0, (1,), amount.adjusted() - 1)), ROUND_HALF_UP)


def _read_evidence(columns: Mapping[str, Any]) -> list[dict[str, str]]:
    return evidence_by_hash(columns["sha256"]) if columns.get("sha256") else []


def _write_evidence(evidence: tuple[Evidence, ...]) -> dict[str, str]:
    return {"sha256": ",".join(proof.sha256 for proof in evidence)}


EVIDENCE_COLUMNS = FieldColumns(("sha256",), _read_evidence, _write_evidence)

_HOLD_PREFIX = "hold_"


def _read_hold(columns: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: columns.get(_HOLD_PREFIX + name, "").strip() for name in Hold.model_fields}
    hold = {name: text for name, text in columns.items() if text}
    return hold | {"currency": hold["currency"].upper()} if "currency" in hold else hold


def _write_hold(hold: Hold) -> dict[str, str]:
    return {_HOLD_PREFIX + name: text for name, text in hold.model_dump(mode="json", exclude_none=True).items()}


HOLD_COLUMNS = FieldColumns(tuple(_HOLD_PREFIX + name for name in Hold.model_fields), _read_hold, _write_hold)

_PAID_PREFIX = "paid_"
# What spreadsheets write where nothing was paid.
_NOTHING = re.compile(r"[0.,-]*")
_DIGITS = re.compile(r"[0-9]{1,28}(\.[0-9]{1,18})?")


def _read_paid(columns: Mapping[str, Any]) -> dict[str, Any]:
    amount, currency = (columns.get(_PAID_PREFIX + name, "").strip() for name in Paid.model_fields)
    currency = currency.upper() or currency_of(columns.get("country", ""))
    amount = plain_quantity(amount.upper().replace(currency, "") if currency else amount)
    if _NOTHING.fullmatch(amount):
        return {}
    if not _DIGITS.fullmatch(amount):
        raise Rejected("bad-amount", "paid_amount: give the amount in digits, as 1500.50")
    if not currency:
        raise Rejected("amount-without-currency", "paid_amount: give paid_currency, too, as THB")
    return {"amount": amount, "currency": currency}


def _write_paid(paid: Paid) -> dict[str, str]:
    return {_PAID_PREFIX + name: text for name, text in paid.model_dump(mode="json").items()}


PAID_COLUMNS = FieldColumns(tuple(_PAID_PREFIX + name for name in Paid.model_fields), _read_paid, _write_paid)
