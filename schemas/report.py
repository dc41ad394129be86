"""The report: one partner's claim that one value served a scam, and the declarations of its fields."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from schemas import kinds, timestamp
from schemas.declaration import DeclaredField, Fusion, ReportField, declared_fields
from schemas.errors import Rejected
from schemas.fields import EVIDENCE_COLUMNS, HOLD_COLUMNS, Countries, Evidence, Hold, Lang, Line, Reporter, Text
from schemas.kind import Normal
from schemas.refang import refang
from schemas.sharing import SHARING_COLUMNS, Limits
from schemas.timestamp import Timestamp
from schemas.vocabulary import WORD_SCHEMA, Action, Channel, HolderStatus, PaymentRail, ScamType, Tlp, Word

MAX_VALUE = 4096
_TIMES: TypeAdapter[Any] = TypeAdapter(Timestamp)
_LEVELS = list(Tlp)


class Report(BaseModel):
    """One value of one kind, its reporter, and what is known about the scam around it.

    Validation brings ``value`` into its kind's normal form, so that equal reports are equal objects. The columns in
    ``details`` are the kind's own. ``valid_until`` is always set: from the report, else by the kind's time to live
    after the latest known time. Personal data of victims and holders has no field, on purpose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, ReportField(meaning="what the indicator's value is", schema=WORD_SCHEMA, label="kind")]
    value: Annotated[str, Field(max_length=MAX_VALUE)]
    details: Annotated[
        Mapping[str, str],
        ReportField(
            meaning="what the kind knows beside its value: a wallet's chain, an app's store",
            acted_on=True,
        ),
    ] = {}
    reporter: Reporter
    reported_at: Annotated[
        Timestamp,
        ReportField(
            extension=False,
            names=("reported", "reportdate", "datereported", "date", "dateadded", "added", "timestamp", "lastmod"),
        ),
    ]
    scam_type: Annotated[
        Word, ReportField(meaning="what the scam pretends to be", words=ScamType, label="type", acted_on=True)
    ] = ScamType.UNKNOWN.value
    channel: Annotated[
        Word | None,
        Field(description="where the victim was met"),
        ReportField(words=Channel, label="channel", fused=Fusion.HEAVIEST),
    ] = None
    payment_rail: Annotated[
        PaymentRail | None,
        ReportField(meaning="how the money moved", label="payment_rail", fused=Fusion.HEAVIEST),
    ] = None
    first_seen: Annotated[
        Timestamp | None,
        ReportField(
            meaning="when it was first seen, to the reporter's knowledge",
            names=("firstdetected", "detecteddate", "detected", "datedetected", "discovered"),
        ),
    ] = None
    last_seen: Annotated[
        Timestamp | None,
        ReportField(
            meaning="when it was last seen", names=("lastactivity", "lastactive", "lastdetected", "lastonline")
        ),
    ] = None
    valid_until: Timestamp
    confidence: Annotated[int | None, Field(ge=0, le=100), ReportField(extension=False, names=("confidencelevel",))] = (
        None
    )
    tlp: Annotated[Tlp, ReportField(extension=False, names=("marking", "trafficlightprotocol"), limits_use=True)] = (
        Tlp.AMBER
    )
    countries: Annotated[
        Countries,
        Field(description="countries it concerns"),
        ReportField(meaning="countries that it concerns (ISO 3166-1 alpha-2)", acted_on=True, fused=Fusion.UNION),
    ] = ()
    action: Annotated[
        Action | None,
        Field(description="what the reporter asks of who reads it"),
        ReportField(extension="requested_action", label="action", limits_use=True),  # STIX 2.1 §3.1 reserves "action"
    ] = None
    holder_status: Annotated[
        HolderStatus | None,
        Field(description="for kinds that somebody holds"),
        ReportField(
            meaning="what is known of who holds the account", label="holder_status", limits_use=True, acted_on=True
        ),
    ] = None
    evidence: Annotated[
        tuple[Evidence, ...],
        Field(max_length=50),
        ReportField(
            meaning="evidence by hash; the thing itself stays with who holds it",
            columns=EVIDENCE_COLUMNS,
            fused=Fusion.UNION,
        ),
    ] = ()
    reference: Annotated[
        Line | None,
        Field(description="the reporter's own number for it"),
        ReportField(names=("caseid", "casenumber", "reportid", "ticket"), case_number=True, fused=Fusion.SINGLE),
    ] = None
    description: Annotated[Text | None, ReportField(extension=False, fused=Fusion.SINGLE)] = None
    lang: Annotated[Lang, Field(description="language of description")] = "en"
    hold: Annotated[
        Hold | None,
        Field(description="an amount to hold rather than the account, and until when"),
        ReportField(
            meaning="which amount to hold, for which case, and until when, whatever the grade",
            columns=HOLD_COLUMNS,
            acted_on=True,
        ),
    ] = None
    sharing: Annotated[
        Limits,
        Field(description="whom it may reach, and for what"),
        ReportField(
            meaning="the contributor's limits to who may hear of it; a reader has to keep every one",
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
            raise Rejected("holder-status-misplaced", f"nobody holds a {kind.name}: leave holder_status out")
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


def like(template: Report, value: str, details: Mapping[str, str], times: Mapping[str, str | None]) -> Report | None:
    """Return the report of another value that is like a valid one without a hold, else None: it has to be validated.

    ``value`` and ``details`` are as somebody wrote them, ``times`` the texts of all its times, by their fields.
    """
    kind = kinds.get(template.kind)
    if len(value) > MAX_VALUE or kind.other_kind(plain := refang(value)):
        return None
    try:
        normal = kind.normalise(plain, details)
        moments = {name: timestamp.parse(text) for name, text in times.items() if text is not None}
    except Rejected:
        return None
    reported, first, last = moments.get("reported_at"), moments.get("first_seen"), moments.get("last_seen")
    if reported is None or len(normal.value) > MAX_VALUE or _is_wider(template.tlp, kind.widest_tlp(normal)):
        return None
    end = moments.get("valid_until") or max(reported, last or reported) + kind.time_to_live
    if (first and last and last < first) or end <= (first or reported):
        return None
    return template.changed(
        {
            "value": normal.value,
            "details": dict(normal.details),
            "reported_at": reported,
            "first_seen": first,
            "last_seen": last,
            "valid_until": end,
        }
    )


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
