"""The consensus: what the hub says of one value, from all that its partners say of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from schemas.fields import Evidence, Hold
from schemas.partner import PartnerKind
from schemas.vocabulary import Action, HolderStatus, PaymentRail


class Referral(NamedTuple):
    """Whom to turn to for the protection of somebody who acts under coercion, and how that organisation is reached."""

    organisation: str
    contact: str


class Consensus(NamedTuple):
    """One value, how sure the hub is that it serves a scam, and what a reader may do about it at most.

    ``reporters`` counts those who say so independently of each other, ``reporter_kinds`` what they are; nothing here
    says who they are. ``confidence`` goes in steps of 5 up to 95, and 99. ``grade`` is one of the kind's grades.
    ``disputed``: somebody holds it for a false positive. ``scam_types`` are those that were said beside ``scam_type``.
    ``reference`` and ``description`` are a single reporter's own, and there while nobody else reports it. ``hold`` is
    what authority asks to hold, or a single reporter; it stands beside the grade and ends by itself. ``holds`` has all
    of them where there are several, those that end last first. ``further`` are the fields of reports that are fused as
    ``schemas.report`` declares, by name, and have no place of their own here.
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
