"""Types of the fields that reports and records share, and the columns of those that need several."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from schemas.declaration import FieldColumns
from schemas.errors import Rejected
from schemas.partner import CountryCode
from schemas.sharing import sorted_once
from schemas.text import visible
from schemas.timestamp import Timestamp


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
    """Something that proves the report, named by its hash; the thing itself stays with who holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reference: Annotated[Text | None, Field(description="where the holder keeps it: a file name or case number")] = None


def evidence_by_hash(column: str) -> list[dict[str, str]]:
    """Return the input for ``Evidence`` from a column of hashes with commas between them."""
    return [{"sha256": digest.strip().lower()} for digest in column.split(",")]


class Hold(BaseModel):
    """Which amount of an account's money to hold rather than all of it, and until when: it ends by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount | None = None
    currency: Currency | None = None
    reference: Annotated[Line | None, Field(description="the reporter's own number of the case, nobody's name")] = None
    until: Timestamp

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        return self


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
