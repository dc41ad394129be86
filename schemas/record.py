"""Records: one partner's statements about reports: sightings, outcomes, opinions, money flows and cases."""

from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import Amount, Countries, Currency, Evidence, Lang, Line, Reporter, Text, plain_amount
from schemas.kind import Normal
from schemas.outcomes import words_that
from schemas.sharing import Limits
from schemas.subject import Subject
from schemas.timestamp import Timestamp
from schemas.vocabulary import CaseContext, OpinionWord, OutcomeWord, ScamType, Tlp, Word

# Outcomes that may have an end.
_ENDING = words_that("ends")
# Listings that one outcome may be about, beside its first.
_MOST_OTHERS = 99
_FIRST_DAY = date(2000, 1, 1)
# Numbers of fewer people or cases than this are shown to nobody but their reporter and the hub's operator.
SMALLEST_CELL = 5
# The kind whose amounts are public anyway.
_ON_A_CHAIN = "wallet"


class Record(BaseModel):
    """One partner's statement about reports. Personal data of victims and holders has no field, on purpose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reporter: Reporter
    reported_at: Timestamp
    tlp: Tlp = Tlp.AMBER
    reference: Annotated[Line | None, Field(description="the reporter's own number for it")] = None
    description: Text | None = None
    lang: Annotated[Lang, Field(description="language of description")] = "en"
    sharing: Annotated[Limits, Field(description="whom it may reach, and for what")] = None


def indicator_or_value(subject: Subject) -> Subject:
    """Return ``subject`` where it may be an indicator. Raises ``Rejected``."""
    if subject.ref is not None and not subject.ref.startswith("indicator--"):
        raise Rejected(
            "not-an-indicators-id", "the subject has to be an indicator: give its id (indicator--…) or the value"
        )
    return subject


def _key(subject: Subject) -> tuple[str | None, ...]:
    return subject.ref, subject.kind, subject.value, subject.reporter


def refuse_reversed_times(first: Timestamp | None, last: Timestamp | None, names: str) -> None:
    """Raise ``Rejected`` where the end is before the beginning; ``names`` are the fields' names."""
    if first and last and last < first:
        raise Rejected("times-reversed", f"{names}: the end is before the beginning")


class Sighting(Record):
    """A sighting of an indicator's value: where, how often and when.

    ``seen_by`` is the organisation where it was seen, by its name or its identity's id, where that is not the reporter.
    ``count`` 0 means that the reporter looked for it and did not see it.
    """

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    count: Annotated[int, Field(ge=0, le=999_999_999)] = 1
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    seen_by: Reporter | None = None
    countries: Annotated[Countries, Field(description="where it was seen")] = ()

    @field_validator("seen_by", mode="after")
    @classmethod
    def _elsewhere(cls, seen_by: str | None, info: ValidationInfo) -> str | None:
        return None if seen_by == info.data.get("reporter") else seen_by

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        refuse_reversed_times(self.first_seen, self.last_seen, "first_seen, last_seen")
        return self


def _day_of(value: Any) -> Any:
    """Return the day of a time as text, and of a midnight; everything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    return value[:10] if isinstance(value, str) and value[10:11] in ("T", " ") else value


Day = Annotated[date, Field(ge=_FIRST_DAY), BeforeValidator(_day_of)]
# Totals are of one partner and one period: a bound that no sum of money in any currency comes near.
TotalAmount = Annotated[
    Decimal,
    Field(gt=0, lt=10**16, max_digits=34, decimal_places=18),
    PlainSerializer(plain_amount, return_type=str, when_used="json"),
]


class Outcome(Record):
    """The result of an indicator at the reporter, the reason, and from when until when it holds.

    It may have totals: what was done altogether, in a period of whole days (UTC), about ``of`` and the ``others``.
    They are the reporter's own: whoever else states the same money states it in a record of its own. Stated again,
    with the same ``reference``, or about the same indicators and period, they replace those stated before.
    """

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    others: Annotated[
        tuple[Annotated[Subject, AfterValidator(indicator_or_value)], ...],
        Field(max_length=_MOST_OTHERS, description="further indicators that the same totals are about"),
    ] = ()
    outcome: OutcomeWord
    reason: Annotated[Word | None, Field(description="a word of the vocabulary, or another")] = None
    effective_from: Timestamp | None = None
    effective_until: Annotated[Timestamp | None, Field(description="when a block or a hold ends")] = None
    count: Annotated[int | None, Field(ge=1, le=999_999_999, description="payments, accounts, messages, …")] = None
    victims: Annotated[int | None, Field(ge=1, le=999_999_999, description="people concerned, each once")] = None
    amount: TotalAmount | None = None
    currency: Currency | None = None
    period_from: Annotated[Day | None, Field(description="first day of the totals")] = None
    period_to: Annotated[Day | None, Field(description="last day of the totals")] = None

    @property
    def has_totals(self) -> bool:
        """Return whether it states any number."""
        return self.count is not None or self.victims is not None or self.amount is not None

    @property
    def day(self) -> date:
        """Return the day on which its totals count: the last of its period, else when it began or was reported."""
        return self.period_to or self.period_from or (self.effective_from or self.reported_at).astimezone(UTC).date()

    @field_validator("others", mode="after")
    @classmethod
    def _once(cls, others: tuple[Subject, ...], info: ValidationInfo) -> tuple[Subject, ...]:
        """Keep each further indicator once, in the order given."""
        first = info.data.get("of")
        kept = {_key(subject): subject for subject in others if first is None or _key(subject) != _key(first)}
        return tuple(kept.values())

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        refuse_reversed_times(self.effective_from, self.effective_until, "effective_from, effective_until")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        if self.period_from and self.period_to and self.period_to < self.period_from:
            raise Rejected("times-reversed", "period_from, period_to: the end is before the beginning")
        latest = self.reported_at.astimezone(UTC).date() + timedelta(days=1)
        if max(self.period_from or latest, self.period_to or latest) > latest:
            raise Rejected("period-in-future", "the period ends after the report: totals are of days that are over")
        if self.effective_until and self.outcome not in _ENDING:
            raise Rejected("end-misplaced", "only a block or a hold of funds ends: leave effective_until out")
        return self


class Opinion(Record):
    """The reporter's agreement with an indicator, without an action of its own."""

    of: Annotated[Subject, AfterValidator(indicator_or_value)]
    opinion: OpinionWord


def _account_or_wallet(subject: Subject) -> Subject:
    if subject.kind is None:
        raise Rejected("flow-end-by-value", "a flow needs values with their kinds as source and target, not ids")
    if not (subject.kind == _ON_A_CHAIN or kinds.get(subject.kind).account):
        raise Rejected("no-account", f"a {subject.kind} holds no money: give accounts, aliases or wallets")
    if subject.reporter is not None:
        raise Rejected("subject-twice", "a flow is about values, whoever reported them: leave reporter out")
    return subject


class Flow(Record):
    """Money that went between two values: how much altogether, in how many transfers, and when.

    Both ends are values that serve scams: the account of somebody who was deceived into paying is never one of them.
    Between wallets the amount stays exact, as everybody may read it on the chain. Otherwise it is rounded to two
    digits: exact sums and days identify persons, and who needs them asks the reporter by ``reference``.
    """

    source: Annotated[Subject, AfterValidator(_account_or_wallet)]
    target: Annotated[Subject, AfterValidator(_account_or_wallet)]
    amount: Amount | None = None
    currency: Currency | None = None
    count: Annotated[int, Field(ge=1, le=999_999_999, description="transfers")] = 1
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None

    @model_validator(mode="before")
    @classmethod
    def _narrowed(cls, data: Any) -> Any:
        """Narrow the TLP level to the narrower of its ends, which the flow names."""
        if not isinstance(data, Mapping) or not {"source", "target"} <= data.keys():
            return data
        try:
            ends = [Subject.model_validate(data[name]) for name in ("source", "target")]
            tlp = Tlp(data.get("tlp") or Tlp.AMBER)
        except (ValidationError, ValueError):
            return data  # the field's own check says so, with its name
        widest = [
            kinds.get(end.kind).widest_tlp(Normal(end.value, end.details)) for end in ends if end.kind and end.value
        ]
        return {**data, "tlp": max([tlp, *widest], key=list(Tlp).index)}

    @field_validator("amount", mode="after")
    @classmethod
    def _minimised(cls, amount: Decimal | None, info: ValidationInfo) -> Decimal | None:
        """Keep the amount exact between wallets only."""
        ends = {info.data[name].kind for name in ("source", "target") if name in info.data}
        return amount if amount is None else minimised_amount(amount, ends)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        refuse_reversed_times(self.first_seen, self.last_seen, "first_seen, last_seen")
        if (self.source.kind, self.source.value) == (self.target.kind, self.target.value):
            raise Rejected("flow-to-itself", "source and target are the same value: give two")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        return self


def shown_totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the totals of an outcome as others may see them, by the names of its fields; empty where they may not.

    ``totals`` are those that are stated. Where fewer than ``SMALLEST_CELL`` people or cases are behind them, or nobody
    knows how many, not even the period is shown; the amount is rounded to two digits.
    """
    cells = [totals[name] for name in ("count", "victims") if name in totals]
    if not cells or min(cells) < SMALLEST_CELL:
        return {}
    shown = dict(totals)
    if "amount" in shown:
        shown["amount"] = format(_two_digits(Decimal(shown["amount"])), "f")
    return shown


def minimised_amount(amount: Decimal, ends: Set[str | None]) -> Decimal:
    """Return an amount rounded to two digits, unless both ends are wallets."""
    return amount if ends == {_ON_A_CHAIN} else _two_digits(amount)


def _two_digits(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal((0, (1,), amount.adjusted() - 1)), ROUND_HALF_UP)


class Case(Record):
    """Indicators, sightings, flows and other objects of one investigation. Its name is no person's."""

    name: Annotated[Line, Field(min_length=1)]
    context: CaseContext = CaseContext.SUSPICIOUS_ACTIVITY
    members: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=10_000)]
    scam_type: Word = ScamType.UNKNOWN.value
    countries: Annotated[Countries, Field(description="countries it concerns")] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=50)] = ()

    @field_validator("members", mode="after")
    @classmethod
    def _once(cls, members: tuple[Subject, ...]) -> tuple[Subject, ...]:
        """Keep each member once, in the order given."""
        return tuple({_key(member): member for member in members}.values())

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        refuse_reversed_times(self.first_seen, self.last_seen, "first_seen, last_seen")
        if not self.name.strip():
            raise Rejected("no-name", "the case needs a name: the operation's, or the reporter's own number for it")
        return self
