"""The flow: money went from one account or wallet of a scam to another."""

from collections.abc import Mapping, Set
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas import kinds
from schemas.amount import Amount, Currency
from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.record import Record, in_order
from schemas.subject import Subject
from schemas.timestamp import Timestamp
from schemas.vocabulary import Tlp

_PUBLIC = "wallet"


def _end(subject: Subject) -> Subject:
    if subject.kind is None:
        raise Rejected("flow-end-by-value", "a flow goes from a value to a value: give them with their kinds, not ids")
    if not (subject.kind == _PUBLIC or kinds.get(subject.kind).account):
        raise Rejected("no-account", f"money does not stay at a {subject.kind}: give accounts, aliases or wallets")
    if subject.reporter is not None:
        raise Rejected("subject-twice", "a flow is about values, whoever reported them: leave reporter out")
    return subject


class Flow(Record):
    """Between which values, how much altogether and in how many transfers, and when.

    Both ends are values that serve scams: the account of somebody who was deceived into paying is never one of them.
    Between wallets, where everybody may read it on the chain, the amount stays exact. Otherwise it is rounded to two
    digits: exact sums and days point at persons, and who needs them asks the reporter by ``reference``.
    """

    source: Annotated[Subject, AfterValidator(_end)]
    target: Annotated[Subject, AfterValidator(_end)]
    amount: Amount | None = None
    currency: Currency | None = None
    count: Annotated[int, Field(ge=1, le=999_999_999, description="transfers")] = 1
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None

    @model_validator(mode="before")
    @classmethod
    def _narrowed(cls, data: Any) -> Any:
        """Mark the flow no wider than its ends may be: it names them."""
        if not isinstance(data, Mapping) or not {"source", "target"} <= data.keys():
            return data
        try:
            ends = [Subject.model_validate(data[name]) for name in ("source", "target")]
            said = Tlp(data.get("tlp") or Tlp.AMBER)
        except (ValidationError, ValueError):
            return data  # the field's own check says so, with its name
        widest = [
            kinds.get(end.kind).widest_tlp(Normal(end.value, end.details)) for end in ends if end.kind and end.value
        ]
        return {**data, "tlp": max([said, *widest], key=list(Tlp).index)}

    @field_validator("amount", mode="after")
    @classmethod
    def _minimised(cls, amount: Decimal | None, said: ValidationInfo) -> Decimal | None:
        """Keep of the amount what it takes to follow the money: all of it where the chain shows it anyway."""
        ends = {said.data[name].kind for name in ("source", "target") if name in said.data}
        return amount if amount is None else minimised(amount, ends)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        in_order(self.first_seen, self.last_seen, "first_seen, last_seen")
        if (self.source.kind, self.source.value) == (self.target.kind, self.target.value):
            raise Rejected("flow-to-itself", "source and target are the same: a flow goes from one to another")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "amount and currency stand together, or neither does")
        return self


def minimised(amount: Decimal, ends: Set[str | None]) -> Decimal:
    """Give two digits of an amount, unless both ends are wallets: the chain shows it anyway."""
    return amount if ends == {_PUBLIC} else _two_digits(amount)


def _two_digits(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal((0, (1,), amount.adjusted() - 1)), ROUND_HALF_UP)
