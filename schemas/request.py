"""Requests between institutions: about money, and to take down, suspend, disconnect or block; answers to them."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.fields import Amount, Countries, Currency, Evidence, Line, PartnerRef
from schemas.payment import PaymentFacts, is_number_of
from schemas.records import Record, Subject, subject_of_text
from schemas.refang import refang
from schemas.takedown import (
    KINDS_OF,
    Location,
    TakedownBasis,
    TakedownGround,
    TakedownResponse,
    TimeAllowed,
)
from schemas.timestamp import Timestamp
from schemas.vocabulary import Tlp, Word

MOST_DESTINATIONS = 20
_MOST_PROOFS = 20
# The fields that only requests about money have, and those that only takedown requests have.
_OF_MONEY = ("amount", "currency", "uetr", "end_to_end_id", "transaction_hash", "until", "payment")
_OF_TAKEDOWNS = (
    *("basis", "authority", "location", "explanation", "scam_type", "territory", "evidence", "allowed", "restores"),
)
_MOST_NAMED = 10
_WALLET = "wallet"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
# UETR (SWIFT): a UUID of version 4. Max35Text of ISO 20022, in the characters that all payment systems pass on.
_UETR_PATTERN = rf"^{_UUID}$"
_END_TO_END_PATTERN = r"^[A-Za-z0-9/?:().,'+ -]{1,35}$"
_HASH_PATTERN = r"^((0x)?[0-9a-f]{64}|[1-9A-HJ-NP-Za-km-z]{86,88})$"
_HEX_HASH = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
_NOT_PROVIDED = re.compile(r"not ?provided|none|n/?a|0+", re.IGNORECASE)
# The address of a page whose host is not defanged: it is the location as it is written.
_PLAIN_URL = re.compile(r"https?://[^/?#\[\](){}<>\\\s]+([/?#]|\Z)", re.IGNORECASE)
_DESTINATIONS = re.compile(r"\s*(?P<of>[^=;]{1,2100}?)\s*=\s*(?P<amount>[0-9][0-9.]{0,47})\s*")


class RequestWord(StrEnum):
    """An action that one institution asks another for: about money, or about a place on the internet or a number."""

    FREEZE = "freeze"
    TRACE = "trace"
    RETURN = "return"
    INFORMATION = "information"
    PRESERVE = "preserve"
    TAKE_DOWN = "take-down"
    SUSPEND = "suspend"
    DISCONNECT = "disconnect"
    BLOCK_PAGE = "block-page"
    RESTORE = "restore"


# The words of takedown requests; the others are about money.
TAKEDOWNS = frozenset(
    {
        RequestWord.TAKE_DOWN,
        RequestWord.SUSPEND,
        RequestWord.DISCONNECT,
        RequestWord.BLOCK_PAGE,
        RequestWord.RESTORE,
    }
)


class RequestState(StrEnum):
    """The states of a request."""

    HELD = "held"
    UNCONFIRMED = "unconfirmed"
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


_BASES_OF_ORDERS = (
    LegalBasis.COURT_ORDER,
    LegalBasis.POLICE_ORDER,
    LegalBasis.PROSECUTOR_ORDER,
    LegalBasis.FIU_ORDER,
    LegalBasis.STATUTE,
)


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
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    PEER_QUOTA = "peer-quota"
    NO_ADDRESSEE = "no-addressee"
    NOT_ACCEPTED = "not-accepted"
    # Of a rejected takedown request (Article 17 of the DSA).
    NOT_ILLEGAL = "not-illegal"
    WITHIN_TERMS = "within-terms"
    FACTS_NOT_SHOWN = "facts-not-shown"
    LOCATION_NOT_FOUND = "location-not-found"
    ORDER_NOT_VALID = "order-not-valid"
    OTHER_TERRITORY = "other-territory"
    OWNER_LEGITIMATE = "owner-legitimate"
    CLEANED = "cleaned"
    # Why the hub holds a request back, ends it, or gives it back to its sender.
    HARMLESS_VALUE = "harmless-value"
    FOUND_WRONG = "found-wrong"
    HOLDER_COERCED = "holder-coerced"
    LISTING_ENDED = "listing-ended"
    NOT_RELEASED = "not-released"
    ADDRESSEE_LEFT = "addressee-left"


# Reasons of an addressee to disagree and of a sender to close. Only the hub closes unanswered requests, and those that
# the addressee's hub refused.
CLOSINGS = frozenset({RequestReason.WITHDRAWN, RequestReason.SETTLED, RequestReason.DECLINED})
REFUSALS = frozenset({RequestReason.PEER_QUOTA, RequestReason.NO_ADDRESSEE, RequestReason.NOT_ACCEPTED})
# The closed list of reasons to reject a takedown request, by what Article 17(3) of the DSA has a platform state: the
# legal ground (d), the terms (e), the facts (b), and the territory (a).
REJECTIONS = frozenset(
    {
        RequestReason.NOT_ILLEGAL,
        RequestReason.WITHIN_TERMS,
        RequestReason.FACTS_NOT_SHOWN,
        RequestReason.LOCATION_NOT_FOUND,
        RequestReason.ORDER_NOT_VALID,
        RequestReason.OTHER_TERRITORY,
        RequestReason.OWNER_LEGITIMATE,
        RequestReason.CLEANED,
    }
)
# What the addressee of a takedown request may still need.
_MISSING = frozenset({RequestReason.FACTS_NOT_SHOWN, RequestReason.LOCATION_NOT_FOUND, RequestReason.ORDER_NOT_VALID})
# The reasons of the hub itself: the gate holds a request back, its basis ended, or nobody answered.
OF_THE_HUB = frozenset(
    {
        RequestReason.UNANSWERED,
        RequestReason.HARMLESS_VALUE,
        RequestReason.FOUND_WRONG,
        RequestReason.HOLDER_COERCED,
        RequestReason.LISTING_ENDED,
        RequestReason.NOT_RELEASED,
        RequestReason.ADDRESSEE_LEFT,
    }
)
DISAGREEMENTS = frozenset(RequestReason) - CLOSINGS - REFUSALS - REJECTIONS - OF_THE_HUB
# States that only the hub gives a request.
SET_BY_HUB = frozenset({RequestState.HELD, RequestState.UNCONFIRMED})
# The state of a request after each response to a takedown request.
STATE_OF: Mapping[TakedownResponse, RequestState] = MappingProxyType(
    {
        **dict.fromkeys(TakedownResponse, RequestState.DONE),
        TakedownResponse.NOT_OURS: RequestState.DISAGREED,
        TakedownResponse.REJECTED: RequestState.DISAGREED,
        TakedownResponse.MORE_NEEDED: RequestState.ACKNOWLEDGED,
    }
)

RequestId = Annotated[
    str,
    Field(pattern=rf"^{_UUID}$", description="the request's id, with or without note-- in front, as the hub gave it"),
]


def checked_provider_of_money(subject: Subject) -> Subject:
    """Return ``subject`` where it is an account, an alias or a wallet, by its value. Raises ``Rejected``."""
    if subject.kind is None or not (subject.kind == _WALLET or kinds.get(subject.kind).account):
        raise Rejected("no-account", "a request is about money: give an account, a payment alias or a wallet by value")
    if subject.reporter is not None:
        raise Rejected(
            "subject-twice", "a request is about a value, not about one reporter's listing: leave of_reporter out"
        )
    return subject


def _checked_place(asks: RequestWord, subject: Subject) -> None:
    """Refuse a takedown request about another kind of value than its word is for. Raises ``Rejected``."""
    if subject.kind is None or subject.kind not in KINDS_OF[asks]:
        raise Rejected("wrong-kind", f"of: {asks} is about {', '.join(sorted(KINDS_OF[asks]))}, by value")
    if subject.reporter is not None:
        raise Rejected(
            "subject-twice", "a request is about a value, not about one reporter's listing: leave of_reporter out"
        )


def _hash(text: str) -> str:
    return text.lower() if _HEX_HASH.fullmatch(text) else text


def _after(text: str, reported: Any) -> datetime | None:
    """Return the time of the report plus a duration, None if there is none."""
    duration = timestamp.duration(text)
    if duration is None:
        return None
    try:
        return duration + (timestamp.parse(reported) if isinstance(reported, str) else reported)
    except (TypeError, Rejected):
        return None


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
    """One institution's request to another about the money of one account or wallet, or a takedown request.

    ``addressee`` is the requested partner, by default the provider of the value. ``reference`` is the sender's number
    of the case, which every later hop repeats. ``until`` is when a freeze ends. ``also_to`` are partners that may
    follow it. It contains nothing about a person.

    A takedown request has a ``location``, whose bytes never change, and the ``allowed`` time, which begins when it is
    served; a ``deadline`` written as a duration is that time. ``restores`` is the request that one to restore undoes.
    """

    asks: Annotated[RequestWord, Field(description="the act that the sender asks for")]
    of: Annotated[Subject, Field(description="account, alias or wallet, or what shall be taken down, by value")]
    addressee: Annotated[
        PartnerRef | None, Field(description="partner that receives the request; without it the provider of `of`")
    ] = None
    reference: Annotated[Line, Field(min_length=1, description="the sender's number of the case, not a person's name")]
    amount: Annotated[Amount | None, Field(description="amount concerned")] = None
    currency: Currency | None = None
    uetr: Annotated[str | None, Field(pattern=_UETR_PATTERN, description="of the payment: a UUID of version 4")] = None
    end_to_end_id: Annotated[
        str | None, Field(pattern=_END_TO_END_PATTERN, description="of the payment, by ISO 20022: 35 characters")
    ] = None
    transaction_hash: Annotated[
        str | None, Field(pattern=_HASH_PATTERN, description="of the payment, on its chain")
    ] = None
    deadline: Annotated[
        Timestamp | None,
        Field(description="time by which a response is asked for, or a duration: 4h; a takedown request has a default"),
    ] = None
    legal_basis: Annotated[
        LegalBasis | None,
        Field(description="basis in law (requests.md#orders-of-authorities); of a takedown request only for an order"),
    ] = None
    legal_reference: Annotated[Line | None, Field(description="number of the order or law, not a person's name")] = None
    until: Annotated[Timestamp | None, Field(description="end of a freeze, or a duration: 10d")] = None
    also_to: Annotated[
        tuple[PartnerRef, ...], Field(max_length=_MOST_NAMED, description="partners that may follow it")
    ] = ()
    payment: Annotated[
        PaymentFacts | None, Field(description="the payment and its message by ISO 20022 (iso20022.md)")
    ] = None
    basis: Annotated[TakedownBasis | None, Field(description="basis of a takedown request (takedown.md#basis)")] = None
    authority: Annotated[
        Line | None, Field(description="the authority that ordered a takedown, not a person's name")
    ] = None
    location: Location | None = None
    explanation: Annotated[
        tuple[TakedownGround, ...], Field(max_length=len(TakedownGround), description="why it shall be taken down")
    ] = ()
    scam_type: Annotated[Word | None, Field(description="scam type, as in a report")] = None
    territory: Annotated[Countries, Field(description="countries in which it shall be removed; none: everywhere")] = ()
    evidence: Annotated[
        tuple[Evidence, ...], Field(max_length=_MOST_PROOFS, description="evidence, by its SHA-256 (evidence.md)")
    ] = ()
    allowed: TimeAllowed | None = None
    restores: Annotated[RequestId | None, Field(description="the earlier request that this one undoes")] = None

    @property
    def is_takedown(self) -> bool:
        """Return whether it is a takedown request; the others are about money."""
        return self.asks in TAKEDOWNS

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, data: Any) -> Any:
        """Normalise identifiers in any letters, and split names that are in one text."""
        if not isinstance(data, dict):
            return data
        asks = data.get("asks")
        data = _with_place(dict(data)) if isinstance(asks, str) and asks in TAKEDOWNS else dict(data)
        if isinstance(data.get("uetr"), str):
            data["uetr"] = data["uetr"].strip().lower()
        if isinstance(data.get("transaction_hash"), str):
            data["transaction_hash"] = _hash(data["transaction_hash"].strip())
        for name in ("deadline", "until"):
            if isinstance(data.get(name), str) and (time := _after(data[name], data.get("reported_at"))):
                data[name] = time
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

    @field_validator("explanation", mode="after")
    @classmethod
    def _each_once(cls, grounds: tuple[TakedownGround, ...]) -> tuple[TakedownGround, ...]:
        return tuple(ground for ground in TakedownGround if ground in grounds)

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        """Refuse the fields of a takedown request in one about money, and the other way round."""
        if self.is_takedown:
            self._check_takedown()
            self._check_order()
        else:
            self._check_money()
        return self

    def _check_takedown(self) -> None:
        _checked_place(self.asks, self.of)
        is_restore = self.asks is RequestWord.RESTORE
        if wrong := [name for name in _OF_MONEY if getattr(self, name) is not None]:
            raise Rejected("field-of-money", f"{wrong[0]}: only a request about money has it: leave it out")
        if missing := [name for name in ("basis", "location") if getattr(self, name) is None]:
            raise Rejected(f"bad-{missing[0]}", f"{missing[0]}: a takedown request needs it")
        if not self.explanation and not is_restore:
            raise Rejected("bad-explanation", "explanation: a takedown request needs at least one ground")
        if self.deadline is not None and self.allowed is not None:
            raise Rejected("bad-deadline", "deadline: give a time, or the time allowed, and not both")
        if (self.restores is not None) != is_restore:
            raise Rejected("bad-restores", "restores: only a request to restore names the earlier request")

    def _check_order(self) -> None:
        is_order = self.basis is TakedownBasis.ORDER
        if is_order != (self.legal_basis in _BASES_OF_ORDERS):
            raise Rejected(
                "bad-legal-basis", f"legal_basis: only an order has it: one of {', '.join(_BASES_OF_ORDERS)}"
            )
        if not is_order and self.legal_basis is not None:
            raise Rejected("bad-legal-basis", "legal_basis: only an order has it: leave it out")

    def _check_money(self) -> None:
        checked_provider_of_money(self.of)
        if wrong := [name for name in _OF_TAKEDOWNS if getattr(self, name)]:
            raise Rejected("field-of-takedown", f"{wrong[0]}: only a takedown request has it: leave it out")
        for name in ("deadline", "legal_basis"):
            if getattr(self, name) is None:
                raise Rejected(f"bad-{name.replace('_', '-')}", f"{name}: Field required")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not self.reference.strip():
            raise Rejected("no-reference", "the request needs the sender's own number of the case")
        self._check_amount()
        if self.until is not None and self.asks is not RequestWord.FREEZE:
            raise Rejected("end-misplaced", "only a freeze ends: leave until out")
        account = self.payment.account if self.payment else None
        if account is not None and not is_number_of(account, str(self.of.value)):
            raise Rejected("account-conflict", "payment.account: it is the number of another account than of")
        return self

    def _check_amount(self) -> None:
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        needs = self.asks is RequestWord.RETURN
        if self.asks is RequestWord.TRACE:
            needs = not (self.uetr or self.end_to_end_id or self.transaction_hash)
        if needs and self.amount is None:
            raise Rejected("no-amount", "say how much is asked back, and of a trace how much or which payment")


def _with_place(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a takedown request with its location, from the value as it was written."""
    of = data.get("of")
    written = of if isinstance(of, str) else of.get("value") if isinstance(of, Mapping) else None
    if isinstance(of, str):
        written = subject_of_text(of).get("value")
    if not of and isinstance(data.get("location"), str):
        data["of"] = data["location"]
    if not data.get("location") and isinstance(written, str):
        data["location"] = written if _PLAIN_URL.match(written) else refang(written)
    if isinstance(data.get("deadline"), str) and timestamp.duration(data["deadline"]) is not None:
        data.setdefault("allowed", data.pop("deadline"))
    for name in ("explanation", "territory"):
        if isinstance(data.get(name), str):
            data[name] = [part.strip() for part in re.split("[;,]", data[name]) if part.strip()]
    if isinstance(data.get("restores"), str):
        data["restores"] = data["restores"].strip().lower().removeprefix("note--")
    return data


class Destination(BaseModel):
    """A place where a part of the money went; the amount is in the request's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Annotated[
        Subject, AfterValidator(checked_provider_of_money), Field(description="account, alias or wallet, by value")
    ]
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
    """The next step of a request, by the addressee or by the sender.

    With ``open`` a sender confirms a request that the hub opened for it to an account reported by another institution.

    ``amount`` is the agreed or completed part of the request, in its currency; by default all of it. ``went_to`` are
    the destinations of money that is no longer in the account.

    To a takedown request the ``response`` says what was done, and the state follows from it. ``reference`` is then the
    addressee's own number for it, and ``right_addressee`` names who hosts the value if the addressee does not.
    """

    request: RequestId
    state: Annotated[
        RequestState, Field(description="acknowledged, agreed, disagreed, done or closed; open confirms a hop")
    ]
    amount: Annotated[
        Amount | None, Field(description="agreed or completed part of the request; without it all of it")
    ] = None
    currency: Currency | None = None
    reason: Annotated[RequestReason | None, Field(description="reason to disagree or to close")] = None
    went_to: Annotated[
        tuple[Destination, ...],
        Field(
            max_length=MOST_DESTINATIONS,
            description="accounts that received the money: `KIND:VALUE=AMOUNT; …`",
        ),
    ] = ()
    payment: Annotated[
        PaymentFacts | None, Field(description="the message that says it, and the return (iso20022.md)")
    ] = None
    response: Annotated[
        TakedownResponse | None, Field(description="what was done about a takedown request, or why nothing was")
    ] = None
    territory: Annotated[
        Countries, Field(description="of restricted: the countries in which it cannot be reached")
    ] = ()
    right_addressee: Annotated[
        PartnerRef | None, Field(description="of not-ours: the right addressee, if it is known")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, data: Any) -> Any:
        """Cut the type from a request's id, and split a list that is in one text."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if data.get("response") in list(TakedownResponse) and not data.get("state"):
            data["state"] = STATE_OF[TakedownResponse(data["response"])]
        if isinstance(data.get("territory"), str):
            data["territory"] = [part.strip() for part in re.split("[;,]", data["territory"]) if part.strip()]
        if isinstance(data.get("request"), str):
            data["request"] = data["request"].strip().lower().removeprefix("note--")
        if isinstance(data.get("went_to"), str):
            data["went_to"] = [part for part in data["went_to"].split(";") if part.strip()]
        return data

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.reference is not None and self.response is None:
            raise Rejected("reference-misplaced", "an answer goes by the id of the request: leave reference out")
        self._check_response()
        if self.state in SET_BY_HUB:
            raise Rejected("bad-state", f"state: only the hub makes a request {self.state}: answer with another state")
        if (self.amount is None) != (self.currency is None):
            raise Rejected("amount-without-currency", "give amount and currency together, or leave out both")
        if self.amount is not None and self.state not in (RequestState.AGREED, RequestState.DONE):
            raise Rejected("amount-misplaced", "an amount is agreed or done: leave it out otherwise")
        self._check_reason()
        self._check_destinations()
        return self

    def _check_reason(self) -> None:
        if self.reason is None and self.state is RequestState.DISAGREED and self.response is None:
            raise Rejected("no-reason", "say why you disagree: give the reason")
        allowed = {RequestState.DISAGREED: DISAGREEMENTS, RequestState.CLOSED: CLOSINGS}.get(self.state, frozenset())
        if self.response is not None:
            allowed = _REASONS_OF.get(self.response, frozenset())
        if self.reason is not None and self.reason not in allowed:
            raise Rejected(
                "bad-reason", f"reason: with {self.state} it is one of {', '.join(sorted(allowed)) or 'none'}"
            )

    def _check_destinations(self) -> None:
        if self.went_to and self.state not in (RequestState.AGREED, RequestState.DISAGREED, RequestState.DONE):
            raise Rejected("destination-misplaced", "say where the money went when you agree, disagree or are done")
        seen = {
            (destination.of.kind, kinds.get(str(destination.of.kind)).key(str(destination.of.value)))
            for destination in self.went_to
        }
        if len(seen) < len(self.went_to):
            raise Rejected("destination-twice", "each account that money went to is named once, with its whole amount")

    def _check_response(self) -> None:
        """Refuse fields that do not belong to the response to a takedown request. Raises ``Rejected``."""
        response = self.response
        if response is not None and self.state is not STATE_OF[response]:
            raise Rejected("bad-state", f"state: after {response} it is {STATE_OF[response]}: leave it out")
        if response is not None and (self.amount is not None or self.went_to or self.payment is not None):
            raise Rejected("field-of-money", "amount: only a response about money has it: leave it out")
        if (response is TakedownResponse.RESTRICTED) != bool(self.territory):
            raise Rejected("bad-territory", "territory: restricted needs it, and no other response has it")
        if self.right_addressee is not None and response is not TakedownResponse.NOT_OURS:
            raise Rejected("bad-right-addressee", "right_addressee: only not-ours has it: leave it out")
        if response is TakedownResponse.REJECTED and self.reason is None:
            raise Rejected("no-reason", "say why you reject it: give the reason")


_REASONS_OF: Mapping[TakedownResponse, frozenset[RequestReason]] = MappingProxyType(
    {TakedownResponse.REJECTED: REJECTIONS, TakedownResponse.MORE_NEEDED: _MISSING}
)


def total(destinations: tuple[Destination, ...]) -> Decimal:
    """Return how much money went on in all."""
    return sum((destination.amount for destination in destinations), Decimal(0))
