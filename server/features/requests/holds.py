"""Freezes by police: the report that holds the money, visible to the partners that may see the request, and its end."""

import uuid
from collections.abc import Iterable
from typing import Any

from mappers.indicator import to_stix
from schemas import kinds, timestamp
from schemas.fields import Hold, Sharing
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.request import Request, RequestWord
from schemas.vocabulary import Action, Tlp


def is_police_freeze(sender: Partner, request: Request) -> bool:
    """Return whether a request holds money by itself: an authority for the kind sets its end."""
    return (
        request.asks is RequestWord.FREEZE
        and request.until is not None
        and sender.kind is PartnerKind.GOVERNMENT
        and str(request.of.kind) in sender.authority
        and Action.HOLD in kinds.get(str(request.of.kind)).grades
    )


def new_id() -> str:
    """Return a random id for the report of a hold."""
    return f"indicator--{uuid.uuid4()}"


def report(
    id_: str, sender: Partner, request: Request, readers: Iterable[Partner], never: Iterable[Partner]
) -> dict[str, Any]:
    """Return the report that holds the money, visible only to these readers, until the freeze ends.

    ``never`` are partners that are not parties of the request, and would read it as providers of the account.
    """
    moment = timestamp.now()
    held = Report.model_validate(
        {
            "kind": request.of.kind,
            "value": request.of.value,
            "details": dict(request.of.details),
            "reporter": sender.name,
            "reported_at": moment,
            "tlp": Tlp.AMBER,
            "hold": Hold.model_validate(
                {
                    "amount": request.amount,
                    "currency": request.currency,
                    "reference": request.reference,
                    "until": request.until,
                }
            ),
            "sharing": Sharing(
                only_partners=tuple(reader.identity for reader in readers),
                not_to_partners=tuple(partner.identity for partner in never),
            ),
        }
    )
    indicator = next(obj for obj in to_stix(held) if obj["type"] == "indicator")
    return {**indicator, "id": id_, "created_by_ref": sender.identity}
