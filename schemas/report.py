"""The report: one partner's claim that one value served a scam; the consensus: the hub's conclusion from all."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import (
    EVIDENCE_COLUMNS,
    HOLD_COLUMNS,
    PAID_COLUMNS,
    SHARING_COLUMNS,
    Countries,
    DeclaredField,
    Evidence,
    Fusion,
    Hold,
    Lang,
    Limits,
    Line,
    Paid,
    Reporter,
    ReportField,
    Text,
    declared_fields,
    two_digits,
)
from schemas.kind import Normal
from schemas.partner import PartnerKind
from schemas.refang import refang
from schemas.timestamp import Timestamp
from schemas.vocabulary import WORD_SCHEMA, Action, Channel, HolderStatus, PaymentRail, ScamType, Tlp, Word

MAX_VALUE = 4096
# The kind whose amounts are public anyway.
ON_A_CHAIN = "wallet"
_TIMES: TypeAdapter[Any] = TypeAdapter(Timestamp)
_LEVELS = list(Tlp)


class Report(BaseModel):
    """One value of one kind, its reporter, and the known facts about the scam around it.

    Validation brings ``value`` into its kind's normal form, so that equal reports are equal objects. The columns in
    ``details`` are the kind's own. ``valid_until`` is always set: from the report, else by the kind's time to live
    after the latest known time. Personal data of victims and holders has no field, on purpose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, ReportField(meaning="kind of the value", schema=WORD_SCHEMA, label="kind")]
    value: Annotated[
        str,
        Field(max_length=MAX_VALUE, description="in any spelling: defanged, with blanks, in Thai or full-width digits"),
    ]
    details: Annotated[
        Mapping[str, str],
        ReportField(
            meaning="further facts of the kind, such as a wallet's `chain`",
            acted_on=True,
        ),
    ] = {}
    reporter: Reporter
    reported_at: Annotated[
        Timestamp,
        Field(description="time of the report; without it the file's time of change"),
        ReportField(
            extension=False,
            names=("reported", "reportdate", "datereported", "date", "dateadded", "added", "timestamp", "lastmod"),
        ),
    ]
    scam_type: Annotated[
        Word, ReportField(meaning="pretence of the scam", words=ScamType, label="type", acted_on=True)
    ] = ScamType.UNKNOWN.value
    channel: Annotated[
        Word | None,
        Field(description="place where the scammer met the victim"),
        ReportField(words=Channel, label="channel", fused=Fusion.HEAVIEST),
    ] = None
    payment_rail: Annotated[
        PaymentRail | None,
        ReportField(meaning="way in which the money moved", label="payment_rail", fused=Fusion.HEAVIEST),
    ] = None
    first_seen: Annotated[
        Timestamp | None,
        Field(description="first time seen"),
        ReportField(
            meaning="first time seen; of a flow, the first transfer",
            names=("firstdetected", "detecteddate", "detected", "datedetected", "discovered"),
        ),
    ] = None
    last_seen: Annotated[
        Timestamp | None,
        ReportField(meaning="last time seen", names=("lastactivity", "lastactive", "lastdetected", "lastonline")),
    ] = None
    valid_until: Annotated[
        Timestamp, Field(description="end of the report; without it by the kind's time to live (release-rules.md)")
    ]
    confidence: Annotated[
        int | None,
        Field(
            ge=0,
            le=100,
            description="0 to 100; `80%`, `8/10`, `high`, `สูง`, `cao`, `高`; `0.8` in a column of shares of 1",
        ),
        ReportField(extension=False, names=("confidencelevel",)),
    ] = None
    tlp: Annotated[
        Tlp,
        Field(description="marking by TLP 2.0; `amber` without it"),
        ReportField(extension=False, names=("marking", "trafficlightprotocol"), limits_use=True),
    ] = Tlp.AMBER
    countries: Annotated[
        Countries,
        Field(description="countries concerned, as ISO codes separated by commas"),
        ReportField(meaning="countries concerned, ISO 3166-1 alpha-2", acted_on=True, fused=Fusion.UNION),
    ] = ()
    action: Annotated[
        Action | None,
        Field(description="action that the reporter asks readers to take"),
        ReportField(extension="requested_action", label="action", limits_use=True),  # STIX 2.1 §3.1 reserves "action"
    ] = None
    holder_status: Annotated[
        HolderStatus | None,
        Field(description="status of the account's holder"),
        ReportField(meaning="status of the account's holder", label="holder_status", limits_use=True, acted_on=True),
    ] = None
    evidence: Annotated[
        tuple[Evidence, ...],
        Field(max_length=50, description="SHA-256 hashes of evidence, separated by commas"),
        ReportField(
            meaning="hashes of evidence (`sha256`), each with a `reference` for its holder",
            columns=EVIDENCE_COLUMNS,
            fused=Fusion.UNION,
        ),
    ] = ()
    reference: Annotated[
        Line | None,
        Field(description="the reporter's own number for it"),
        ReportField(names=("caseid", "casenumber", "reportid", "ticket"), case_number=True, fused=Fusion.SINGLE),
    ] = None
    description: Annotated[
        Text | None,
        Field(description="a text, which the guard searches for personal data"),
        ReportField(extension=False, fused=Fusion.SINGLE),
    ] = None
    lang: Annotated[Lang, Field(description="language of `description`")] = "en"
    hold: Annotated[
        Hold | None,
        Field(description="an amount to hold rather than the account, and until when"),
        ReportField(
            meaning=(
                "a hold: `until`, and `amount`, `currency`, `reference` if they are known; "
                "independent of the grade, and ends by itself"
            ),
            columns=HOLD_COLUMNS,
            acted_on=True,
        ),
    ] = None
    paid: Annotated[
        Paid | None,
        Field(description="money that victims paid to the value"),
        ReportField(
            meaning=(
                "money that victims paid to the value, in a partner's own report: `amount` (two digits of it, except "
                "on a chain) and `currency`; `first_seen` and `last_seen` are the times of payment"
            ),
            columns=PAID_COLUMNS,
        ),
    ] = None
    sharing: Annotated[
        Limits,
        Field(description="permitted readers and purposes"),
        ReportField(
            meaning=(
                "the contributor's sharing limits; a reader has to observe all of them "
                "(release-rules.md#who-may-see-it)"
            ),
            columns=SHARING_COLUMNS,
        ),
    ] = None

    def about(self, normal: Normal) -> Self:
        """Return the same report of another value of the same kind, in its normal form."""
        return self.changed({"value": normal.value, "details": normal.details})

    def changed(self, fields: Mapping[str, Any]) -> Self:
        """Return a copy with other values for ``fields``, which are valid already."""
        # As model_copy does, without its checks for extra and private fields: a file has millions of rows.
        other = self.__class__.__new__(self.__class__)
        set_ = object.__setattr__
        set_(other, "__dict__", {**self.__dict__, **fields})
        set_(other, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        set_(other, "__pydantic_extra__", None)
        set_(other, "__pydantic_private__", None)
        return other

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, data: Any) -> Any:
        """Bring the value into its normal form."""
        if not isinstance(data, Mapping) or not isinstance(data.get("value"), str) or "kind" not in data:
            return data
        if len(data["value"]) > MAX_VALUE:  # cut to that, it might be another value
            raise Rejected("bad-value", f"value: longer than {MAX_VALUE} characters: give the value alone")
        plain = refang(data["value"])
        kind = kinds.actual_kind(kinds.get(data["kind"]), plain)
        normal = kind.normalise(plain, data.get("details") or {})
        data = {**data, "kind": kind.name, "value": normal.value, "details": normal.details}
        if data.get("holder_status") is not None and not kind.account:
            raise Rejected("holder-status-misplaced", f"a {kind.name} has no holder: leave holder_status out")
        if _is_wider(data.get("tlp", Tlp.AMBER), widest := kind.widest_tlp(normal)):
            data["tlp"] = widest
        return data

    @model_validator(mode="before")
    @classmethod
    def _end(cls, data: Any) -> Any:
        """Set the report's end: the end of its hold, else by the kind's time to live after the latest known time."""
        if not isinstance(data, Mapping) or "kind" not in data:
            return data
        if data.get("hold") and (ended := _ended_with(data["hold"], data)):
            return ended
        if data.get("valid_until") is not None:
            return data
        times = [data[key] for key in ("reported_at", "last_seen") if data.get(key) is not None]
        try:
            known = [_TIMES.validate_python(time) for time in times]
        except ValidationError:
            return data  # the column's own check says so, with its name
        if not known:
            return data
        return {**data, "valid_until": max(known) + kinds.get(data["kind"]).time_to_live}

    @field_validator("paid", mode="after")
    @classmethod
    def _minimised(cls, paid: Paid | None, info: ValidationInfo) -> Paid | None:
        """Keep two digits of the amount, except on a chain."""
        if paid is None or info.data.get("kind") == ON_A_CHAIN:
            return paid
        return paid.model_copy(update={"amount": two_digits(paid.amount)})

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.first_seen and self.last_seen and self.last_seen < self.first_seen:
            raise Rejected("times-reversed", "last_seen is before first_seen: exchange or correct them")
        if self.valid_until <= (self.first_seen or self.reported_at):
            raise Rejected(
                "ends-before-it-starts",
                "valid_until has to be after first_seen, or after reported_at where first_seen is missing",
            )
        if self.holder_status is HolderStatus.COERCED and self.action is Action.BLOCK:
            raise Rejected("coerced-holder", "the holder acts under coercion: ask for hold at most, never for block")
        if self.hold and Action.HOLD not in kinds.get(self.kind).grades:
            raise Rejected("hold-misplaced", f"a {self.kind} has no money to hold: leave hold out")
        if self.hold and self.action is Action.BLOCK:
            raise Rejected("hold-with-block", "a report with a hold asks for hold, not for block")
        return self


def _is_wider(tlp: Any, widest: Tlp) -> bool:
    """Return whether a level is wider than the widest that there may be."""
    return tlp in _LEVELS[: _LEVELS.index(widest)]


FIELDS: Mapping[str, DeclaredField] = MappingProxyType(declared_fields(Report))


def _ended_with(hold: Any, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the report with the earlier of its end and its hold's end, None where a time cannot be read."""
    until = hold.get("until") if isinstance(hold, Mapping) else getattr(hold, "until", None)
    if until is None:
        return None
    try:
        ends = [_TIMES.validate_python(time) for time in (until, data.get("valid_until")) if time is not None]
    except ValidationError:
        return None  # the column's own check says so, with its name
    return {**data, "valid_until": min(ends)}


class Referral(NamedTuple):
    """The organisation that protects people who act under coercion, and how to reach it."""

    organisation: str
    contact: str


class Consensus(NamedTuple):
    """One value, the hub's confidence that it serves a scam, and the strongest action that readers may take.

    ``reporters`` counts the independent organisations that report the value, ``reporter_kinds`` lists their kinds; no
    field contains their names. ``confidence`` goes in steps of 5 up to 95, and 99. ``grade`` is one of the kind's
    grades. ``disputed``: a partner calls it a false positive. ``scam_types`` are the reported types besides
    ``scam_type``. ``reference`` and ``description`` come from a single reporter, and are empty once a second one
    reports the value. ``hold`` is the hold that an authority or a single reporter asks for; it is independent of the
    grade, and has its own end. ``holds`` lists all of them if there are several, the latest end first. ``further`` are
    the fields of reports that are fused as ``schemas.report`` declares without a separate field here, by name.
    ``hubs`` is the number of hubs whose partners report the value.
    """

    kind: str
    value: str
    details: Mapping[str, str]
    first_seen: datetime | None
    last_seen: datetime | None
    valid_from: datetime
    valid_until: datetime
    confidence: int
    grade: Action
    disputed: bool
    reporters: int
    reporter_kinds: tuple[PartnerKind, ...]
    scam_type: str = "unknown"
    scam_types: tuple[str, ...] = ()
    channel: str | None = None
    payment_rail: PaymentRail | None = None
    holder_status: HolderStatus | None = None
    countries: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    reference: str | None = None
    description: str | None = None
    lang: str = "en"
    hold: Hold | None = None
    holds: tuple[Hold, ...] = ()
    origins: tuple[str, ...] = ()
    further: tuple[tuple[str, Any], ...] = ()
    hubs: int = 1
