"""The consensus: the hub's conclusion on one value, from all reports, sightings and opinions of its partners."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from schemas.fields import Evidence, Hold
from schemas.partner import PartnerKind
from schemas.vocabulary import Action, HolderStatus, PaymentRail


class Referral(NamedTuple):
    """The organisation that protects people who act under coercion, and how to reach it."""

    organisation: str
    contact: str


class Consensus(NamedTuple):
    """One value, the hub's confidence that it serves a scam, and the strongest action that readers may take.

    ``reporters`` counts the independent organisations that report the value, ``reporter_kinds`` lists their kinds; no
    field names one of them. ``confidence`` goes in steps of 5 up to 95, and 99. ``grade`` is one of the kind's grades.
    ``disputed``: a partner calls it a false positive. ``scam_types`` are the reported types beside ``scam_type``.
    ``reference`` and ``description`` come from a single reporter, and are empty as soon as a second one reports the
    value. ``hold`` is the hold that an authority or a single reporter asks for; it stands beside the grade and ends by
    itself. ``holds`` lists all of them where there are several, the latest end first. ``further`` are the fields of
    reports that are fused as ``schemas.report`` declares and have no place of their own here, by name.
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
    scam_type: str
    scam_types: tuple[str, ...]
    channel: str | None
    payment_rail: PaymentRail | None
    holder_status: HolderStatus | None
    countries: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    reference: str | None
    description: str | None
    lang: str
    hold: Hold | None
    holds: tuple[Hold, ...]
    origins: tuple[str, ...]
    further: tuple[tuple[str, Any], ...] = ()
