"""Requests between institutions: to freeze, trace or return money, for information, to preserve evidence; answers."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import Amount, Currency, Line
from schemas.record import Record
from schemas.sharing import PartnerRef
from schemas.subject import Subject, subject_of_text
from schemas.timestamp import Timestamp
from schemas.vocabulary import Tlp

MOST_DESTINATIONS = 20
_MOST_NAMED = 10
_WALLET = "wallet"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
# UETR (SWIFT): a UUID of version 4. Max35Text of ISO 20022, in the characters that all payment systems pass on.
_UETR_PATTERN = rf"^{_UUID}$"
_END_TO_END_PATTERN = r"^[A-Za-z0-9/?:().,'+ -]{1,35}$"
_HASH_PATTERN = r"^((0x)?[0-9a-f]{64}|[1-9A-HJ-NP-Za-km-z]{86,88})$"
_HEX_HASH = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
_NOT_PROVIDED = re.compile(r"not ?provided|none|n/?a|0+", re.IGNORECASE)
_DESTINATIONS = re.compile(r"\s*(?P<of>[^=;]{1,2100}?)\s*=\s*(?P<amount>[0-9][0-9.]{0,47})\s*")


class RequestWord(StrEnum):
    """An action about money that one institution asks another for."""

    FREEZE = "freeze"
    TRACE = "trace"
    RETURN = "return"
    INFORMATION = "information"
    PRESERVE = "preserve"


class RequestState(StrEnum):
    """The states of a request."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    AGREED = "agreed"
    DISAGREED = "disagreed"
    DONE = "done"
    CLOSED = "closed"


class LegalBasis(StrEnum):
    """The basis in law on which an institution asks."""

    COURT_ORDER = "court-order"
    POLICE_ORDER = "police-order"
    PROSECUTOR_ORDER = "prosecutor-order"
    FIU_ORDER = "fiu-order"
    STATUTE = "statute"
    SCHEME_RULES = "scheme-rules"
    CUSTOMER_MANDATE = "customer-mandate"
    MUTUAL_AGREEMENT = "mutual-agreement"


class RequestReason(StrEnum):
    """Why an institution disagrees, or why a request was closed."""

    NO_FUNDS = "no-funds"
    NOT_OURS = "not-ours"
    ACCOUNT_CLOSED = "account-closed"
    HOLDER_LEGITIMATE = "holder-legitimate"
    NO_LEGAL_BASIS = "no-legal-basis"
    INSUFFICIENT_EVIDENCE = "insufficient-evidence"
    OTHER_ORDER = "other-order"
    TOO_LATE = "too-late"
    OTHER = "other"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"
    UNANSWERED = "unanswered"


# Why an addressee disagrees, and why a sender closes; the hub alone closes what nobody answered.
DISAGREEMENTS = frozenset(RequestReason) - {RequestReason.WITHDRAWN, RequestReason.SETTLED, RequestReason.UNANSWERED}
CLOSINGS = frozenset({RequestReason.WITHDRAWN, RequestReason.SETTLED})

RequestId = Annotated[
    str,
    Field(pattern=rf"^{_UUID}$", description="the request's id, with or without note-- in front, as the hub gave it"),
]


def checked_keeper_of_money(subject: Subject) -> Subject:
    """Return ``subject`` where it is an account, an alias or a wallet, by its value. Raises ``Rejected``."""
    if subject.kind is None or not (subject.kind == _WALLET or kinds.get(subject.kind).account):
        raise Rejected("no-account", "a request is about money: give an account, a payment alias or a wallet by value")
    if subject.reporter is not None:
        raise Rejected("subject-twice", "a request is about a value, whoever reported it: leave of_reporter out")
    return subject


def _hash(text: str) -> str:
    return text.lower() if _HEX_HASH.fullmatch(text) else text


class _Exchange(Record):
    """A message about a request from one institution to another: never more than the two and those named read it."""

    tlp: Tlp = Tlp.AMBER_STRICT

    @field_validator("tlp", mode="after")
    @classmethod
    def _narrow(cls, tlp: Tlp) -> Tlp:
        return Tlp.AMBER_STRICT

    @model_validator(mode="after")
    def _without_words(self) -> Self:
        if self.description is not None:
            raise Rejected("no-free-text", "a request and its answers have no free text: leave description out")
        if self.sharing is not None:
            raise Rejected("bad-sharing", "a request goes to its parties alone: name others in also_to")
        return self


class Request(_Exchange):
    """One institution's request to another about the money of one account or wallet.

    ``addressee`` is the partner that is asked; without it, whoever keeps the account. ``reference`` is the sender's
    number of the case, which every later hop bears. ``until`` is when a freeze ends. ``also_to`` are partners that may
    follow it. Nothing in it is about a person.
    """

    asks: Annotated[RequestWord, Field(description="what is asked")]
    of: Annotated[Subject, AfterValidator(checked_keeper_of_money)]
    addressee: Annotated[
        PartnerRef | None, Field(description="the partner that is asked; none is the keeper of `of`")
    ] = None
    reference: Annotated[Line, Field(min_length=1, description="the sender's number of the case, nobody's name")]
    amount: Amount | None = None
    currency: Currency | None = None
    uetr: Annotated[str | None, Field(pattern=_UETR_PATTERN, description="of the payment: a UUID of version 4")] = None
    end_to_end_id: Annotated[
        str | None, Field(pattern=_END_TO_END_PATTERN, description="of the payment, by ISO 20022: 35 characters")
    ] = None
    transaction_hash: Annotated[
        str | None, Field(pattern=_HASH_PATTERN, description="of the payment, on its chain")
    ] = None
    deadline: Annotated[Timestamp, Field(description="by when an answer is asked for")]
    legal_basis: LegalBasis
    legal_reference: Annotated[Line | None, Field(description="number of the order or law, nobody's name")] = None
    until: Annotated[Timestamp | None, Field(description="when a freeze ends")] = None
    also_to: Annotated[
        tuple[PartnerRef, ...], Field(max_length=_MOST_NAMED, description="partners that may follow it")
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, data: Any) -> Any:
        """Normalise identifiers in any letters, and split names that are in one text."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if isinstance(data.get("uetr"), str):
            data["uetr"] = data["uetr"].strip().lower()
        if isinstance(data.get("transaction_hash"), str):
            data["transaction_hash"] = _hash(data["transaction_hash"].strip())
        if isinstance(data.get("also_to"), str):
            data["also_to"] = [name.strip() for name in data["also_to"].split(";") if name.strip()]
        return data

    @field_validator("end_to_end_id", mode="after")
    @classmethod
    def _provided(cls, text: str | None) -> str | None:
        if text is not None and _NOT_PROVIDED.fullmatch(text.strip()):
            raise Rejected("bad-end-to-end-id", "end_to_end_id: it names no payment: leave it out")
        return text

    @field_validator("also_to", mode="after")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(names)))

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not self.reference.strip():
            raise Rejected("no-reference", "the request needs the sender's own number of the case")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        payment = self.uetr or self.end_to_end_id or self.transaction_hash
        if self.amount is None and (
            self.asks is RequestWord.RETURN or (self.asks is RequestWord.TRACE and payment is None)
        ):
            raise Rejected("no-amount", "say how much is asked back, and of a trace how much or which payment")
        if self.until is not None and self.asks is not RequestWord.FREEZE:
            raise Rejected("end-misplaced", "only a freeze ends: leave until out")
        return self


class Destination(BaseModel):
    """A place where a part of the money went; the amount is in the request's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Annotated[Subject, AfterValidator(checked_keeper_of_money)]
    amount: Amount

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, data: Any) -> Any:
        """Read ``bank-account:TH:KASITHBK:1234567890=350000``."""
        if not isinstance(data, str):
            return data
        found = _DESTINATIONS.fullmatch(data)
        if found is None:
            raise Rejected("destination-form", "went_to: write each as KIND:VALUE=AMOUNT, with semicolons between them")
        return {"of": subject_of_text(found["of"]), "amount": found["amount"]}


class RequestAnswer(_Exchange):
    """The next step of a request, by the institution that was asked, or by the one that asked.

    ``amount`` is what is agreed or done of what was asked, in the request's currency; none is all of it. ``went_to`` is
    where money went that is not there any more.
    """

    request: RequestId
    state: Annotated[RequestState, Field(description="acknowledged, agreed, disagreed, done or closed")]
    amount: Amount | None = None
    currency: Currency | None = None
    reason: Annotated[RequestReason | None, Field(description="why the partner disagrees, or closes it")] = None
    went_to: Annotated[
        tuple[Destination, ...], Field(max_length=MOST_DESTINATIONS, description="where the money went")
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, data: Any) -> Any:
        """Cut the type from a request's id, and split a list that is in one text."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if isinstance(data.get("request"), str):
            data["request"] = data["request"].strip().lower().removeprefix("note--")
        if isinstance(data.get("went_to"), str):
            data["went_to"] = [part for part in data["went_to"].split(";") if part.strip()]
        return data

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.reference is not None:
            raise Rejected("reference-misplaced", "an answer goes by the id of the request: leave reference out")
        if self.state is RequestState.OPEN:
            raise Rejected("bad-state", "state: a request is open by itself: answer with the state that follows")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        if self.amount is not None and self.state not in (RequestState.AGREED, RequestState.DONE):
            raise Rejected("amount-misplaced", "an amount is agreed or done: leave it out otherwise")
        if self.reason is None and self.state is RequestState.DISAGREED:
            raise Rejected("no-reason", "say why you disagree: give the reason")
        allowed = {RequestState.DISAGREED: DISAGREEMENTS, RequestState.CLOSED: CLOSINGS}.get(self.state, frozenset())
        if self.reason is not None and self.reason not in allowed:
            raise Rejected(
                "bad-reason", f"reason: with {self.state} it is one of {', '.join(sorted(allowed)) or 'none'}"
            )
        if self.went_to and self.state not in (RequestState.AGREED, RequestState.DISAGREED, RequestState.DONE):
            raise Rejected("destination-misplaced", "say where the money went when you agree, disagree or are done")
        seen = {
            (destination.of.kind, kinds.get(str(destination.of.kind)).key(str(destination.of.value)))
            for destination in self.went_to
        }
        if len(seen) < len(self.went_to):
            raise Rejected("destination-twice", "each account that money went to is named once, with its whole amount")
        return self


def total(destinations: tuple[Destination, ...]) -> Decimal:
    """Return how much money went on in all."""
    return sum((destination.amount for destination in destinations), Decimal(0))
