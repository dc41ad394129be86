"""Records: one partner's statements about reports, the subjects of these statements, and feedback on contributions."""

import re
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Self

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
from schemas.fields import (
    Amount,
    Countries,
    Currency,
    Evidence,
    Lang,
    Limits,
    Line,
    Reporter,
    Text,
    plain_amount,
    two_digits,
)
from schemas.kind import Normal
from schemas.partner import PartnerKind
from schemas.refang import refang
from schemas.report import MAX_VALUE, ON_A_CHAIN
from schemas.timestamp import Timestamp
from schemas.vocabulary import (
    CaseContext,
    OpinionWord,
    OutcomeReason,
    OutcomeWord,
    QualificationCode,
    ScamType,
    Tlp,
    Word,
    outcomes_that,
)

_ID_FORM = "[a-z][a-z0-9-]{2,60}--[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ID = re.compile(_ID_FORM)
StixId = Annotated[str, Field(pattern=rf"^{_ID_FORM}$", max_length=100)]


class Subject(BaseModel):
    """An object by its id in ``ref``, or a ``value`` of a ``kind`` in its normal form.

    ``reporter`` names the partner whose indicator of the value is meant; without it, all indicators of the value.
    Written as one text, a subject is the id, or the value, alone or behind its kind: ``domain:shop.example.com``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: StixId | None = None
    kind: str | None = None
    value: Annotated[str | None, Field(max_length=MAX_VALUE)] = None
    details: Mapping[str, str] = {}
    reporter: Annotated[Reporter | None, Field(description="whose indicator of the value is meant")] = None

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, data: Any) -> Any:
        """Read a text, and bring a value into its kind's normal form."""
        fields = subject_of_text(data) if isinstance(data, str) else data
        if not isinstance(fields, Mapping) or not isinstance(fields.get("value"), str):
            return fields
        kind_name = fields.get("kind")
        details: Any = fields.get("details") or {}
        if not isinstance(kind_name, str | None) or not _are_texts(details):
            return fields  # the field's own check says so, with its name
        raw = refang(fields["value"][: MAX_VALUE + 1])
        kind = kinds.actual_kind(kinds.get(kind_name), raw) if kind_name else kinds.recognise(raw)
        normal = kind.normalise(raw, details)
        return {**fields, "kind": kind.name, "value": normal.value, "details": normal.details}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.ref is None) == (self.value is None):
            raise Rejected("no-subject", "the subject is missing: give the indicator's id, or a value and its kind")
        if self.ref is not None and (self.kind or self.reporter or self.details):
            raise Rejected("subject-twice", "the id names the object: leave out kind, details and reporter")
        return self


def _are_texts(details: Any) -> bool:
    return isinstance(details, Mapping) and all(isinstance(text, str) for text in details.values())


def subject_of_text(text: str) -> dict[str, str]:
    """Return a subject's fields from one text: an id, or a value, alone or behind its kind and a colon."""
    text = text.strip()
    if ID.fullmatch(text):
        return {"ref": text}
    kind, value = kinds.split(text)
    return {"kind": kind, "value": value} if kind else {"value": text}


FirstSeen = Annotated[Timestamp | None, Field(description="first time")]
LastSeen = Annotated[Timestamp | None, Field(description="last time")]
OF = "an indicator's id, or a value, alone or after its kind: `domain:shop.example.com`"
# Outcomes that may have an end.
_ENDING = outcomes_that("ends")
# Listings that one outcome may be about, beside its first.
_MOST_OTHERS = 99
_FIRST_DAY = date(2000, 1, 1)
# Numbers of fewer people or cases than this are shown only to their reporter and the hub's operator.
SMALLEST_CELL = 5


class Record(BaseModel):
    """One partner's statement about reports. Personal data of victims and holders has no field, on purpose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reporter: Reporter
    reported_at: Annotated[Timestamp, Field(description="time of the statement")]
    tlp: Annotated[Tlp, Field(description="marking by TLP 2.0")] = Tlp.AMBER
    reference: Annotated[Line | None, Field(description="the reporter's own number for it")] = None
    description: Annotated[Text | None, Field(description="a text, which the guard searches for personal data")] = None
    lang: Annotated[Lang, Field(description="language of `description`")] = "en"
    sharing: Annotated[Limits, Field(description="sharing limits, in the columns of a report (reports.md#columns)")] = (
        None
    )


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

    of: Annotated[Subject, AfterValidator(indicator_or_value), Field(description=OF)]
    count: Annotated[
        int, Field(ge=0, le=999_999_999, description="number of sightings; 0: looked for and not seen")
    ] = 1
    first_seen: FirstSeen = None
    last_seen: LastSeen = None
    seen_by: Annotated[
        Reporter | None, Field(description="organisation where it was seen, by name or identity, if not the reporter")
    ] = None
    countries: Annotated[Countries, Field(description="countries where it was seen")] = ()

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

    of: Annotated[Subject, AfterValidator(indicator_or_value), Field(description=OF)]
    others: Annotated[
        tuple[Annotated[Subject, AfterValidator(indicator_or_value)], ...],
        Field(
            max_length=_MOST_OTHERS,
            description="further indicators of the same totals; several in `of`, separated by blanks, mean the same",
        ),
    ] = ()
    outcome: Annotated[OutcomeWord, Field(description="action of the reporter (records.md#outcomes)")]
    reason: Annotated[Word | None, Field(description=f"reason; preferred: {', '.join(OutcomeReason)}")] = None
    effective_from: Annotated[Timestamp | None, Field(description="start of the outcome")] = None
    effective_until: Annotated[Timestamp | None, Field(description="end of a block or a hold")] = None
    count: Annotated[
        int | None, Field(ge=1, le=999_999_999, description="payments, accounts or messages in the totals")
    ] = None
    victims: Annotated[int | None, Field(ge=1, le=999_999_999, description="people concerned, each once")] = None
    amount: Annotated[TotalAmount | None, Field(description="money in the totals, as `1234.50`")] = None
    currency: Currency | None = None
    period_from: Annotated[Day | None, Field(description="first day of the totals, in UTC; also `from`")] = None
    period_to: Annotated[Day | None, Field(description="last day of the totals, in UTC; also `to`")] = None

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

    of: Annotated[Subject, AfterValidator(indicator_or_value), Field(description=OF)]
    opinion: Annotated[OpinionWord, Field(description="degree of agreement")]


def _account_or_wallet(subject: Subject) -> Subject:
    if subject.kind is None:
        raise Rejected("flow-end-by-value", "a flow needs values with their kinds as source and target, not ids")
    if not (subject.kind == ON_A_CHAIN or kinds.get(subject.kind).account):
        raise Rejected("no-account", f"a {subject.kind} holds no money: give accounts, aliases or wallets")
    if subject.reporter is not None:
        raise Rejected("subject-twice", "a flow is about values, not about one reporter's listing: leave reporter out")
    return subject


class Flow(Record):
    """Money that moved between two values: the total, the number of transfers, and the time.

    Both ends are values that serve scams: the account of a deceived payer is never one of them. Between wallets the
    amount stays exact, because anybody can read it on the chain. Otherwise it is rounded to two digits, because exact
    sums and days identify persons. Readers that need them ask the reporter by ``reference``.
    """

    source: Annotated[
        Subject,
        AfterValidator(_account_or_wallet),
        Field(description="sending account, alias or wallet, after its kind"),
    ]
    target: Annotated[
        Subject,
        AfterValidator(_account_or_wallet),
        Field(description="receiving account, alias or wallet, after its kind"),
    ]
    amount: Annotated[Amount | None, Field(description="amount that moved, as `1234.50`")] = None
    currency: Currency | None = None
    count: Annotated[int, Field(ge=1, le=999_999_999, description="number of transfers")] = 1
    first_seen: FirstSeen = None
    last_seen: LastSeen = None

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
    """Return the totals of an outcome for other readers, by the names of its fields; empty if they may not see them.

    ``totals`` are the stated ones. If they cover fewer than ``SMALLEST_CELL`` people or cases, or an unknown number,
    not even the period is shown; the amount is rounded to two digits.
    """
    cells = [totals[name] for name in ("count", "victims") if name in totals]
    if not cells or min(cells) < SMALLEST_CELL:
        return {}
    shown = dict(totals)
    if "amount" in shown:
        shown["amount"] = format(two_digits(Decimal(shown["amount"])), "f")
    return shown


def minimised_amount(amount: Decimal, ends: Set[str | None]) -> Decimal:
    """Return an amount rounded to two digits, unless both ends are wallets."""
    return amount if ends == {ON_A_CHAIN} else two_digits(amount)


class Case(Record):
    """Indicators, sightings, flows and other objects of one investigation. Its name is no person's."""

    name: Annotated[Line, Field(min_length=1, description="name of the case, not a person's")]
    context: Annotated[CaseContext, Field(description="relation between the members")] = CaseContext.SUSPICIOUS_ACTIVITY
    members: Annotated[
        tuple[Subject, ...],
        Field(
            min_length=1,
            max_length=10_000,
            description="ids of objects, or values after their kinds, separated by blanks; in JSON a list",
        ),
    ]
    scam_type: Annotated[Word, Field(description="pretence of the scam")] = ScamType.UNKNOWN.value
    countries: Annotated[Countries, Field(description="countries concerned")] = ()
    first_seen: FirstSeen = None
    last_seen: LastSeen = None
    evidence: Annotated[
        tuple[Evidence, ...], Field(max_length=50, description="SHA-256 hashes of evidence, separated by commas")
    ] = ()

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


class Qualification(Record):
    """The finding of an account's provider about one listing of it."""

    of: Annotated[Subject, AfterValidator(indicator_or_value), Field(description=OF)]
    code: Annotated[QualificationCode, Field(description="finding of the provider (providers.md#the-findings)")]


class FeedbackEvent(StrEnum):
    """An event of a contribution that its contributor reads about."""

    RELEASED = "released"
    CORROBORATED = "corroborated"
    SIGHTED = "sighted"
    ACTED_ON = "acted-on"
    DISPUTED = "disputed"
    RETRACTED = "retracted"
    APPROVED = "approved"
    REFUSED = "refused"
    UPHELD = "upheld"
    DELISTED = "delisted"
    OVERRULED = "overruled"
    QUALIFIED = "qualified"
    REQUESTED = "requested"
    ANSWERED = "answered"


class FeedbackReason(StrEnum):
    """The hub's reason for an event. Beside it stand the words of other closed vocabularies, such as an outcome's."""

    OPERATOR = "operator"
    REVIEW = "review"
    DISPUTE = "dispute"
    PROVIDER = "keeper"
    OBJECTION = "objection"


# The longest message, question or answer that feedback carries.
MOST_CHARACTERS = 500


class Feedback(NamedTuple):
    """One event of contributions; ``by_kind`` is the kind of the partner that caused it.

    ``code`` is the keeping bank's answer or the state of a request, ``reason`` says why: both are words of closed
    vocabularies, so that no partner writes to another in them. ``message`` is a line of the hub's operator, or of a
    partner, that the guard's check of free text let pass (``server.release.guard.personal_data``).
    ``question`` is the id of the question that is asked or answered.
    """

    event: FeedbackEvent
    by_kind: PartnerKind | None = None
    outcome: OutcomeWord | None = None
    code: StrEnum | None = None
    reason: StrEnum | None = None
    message: str | None = None
    question: str | None = None
