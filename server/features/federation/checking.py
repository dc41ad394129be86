"""Check hub reports and heads of other hubs, outside of any transaction: known origin, signature, form, and the guard.

A million reports are checked at the first exchange with a hub, so nothing here uses the store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from mappers import extension
from mappers.hub_report import value_of
from schemas.errors import Rejected
from schemas.hub_head import SignedHubHead, read_head
from schemas.hub_message import HubMessage, is_message, may_be_message, read as read_message
from schemas.hub_report import SignedReport, is_hub_report, read
from schemas.report import Report
from schemas.tlog import BadProof
from schemas.tlog.notes import VerifierKey
from server.features.federation import contradictions
from server.features.federation.contradictions import Contradiction
from server.release.guard.allowlists.lookup import Allowlists
from server.release.guard.personal_data import objects as personal_data
from server.store import value_index
from server.store.database.times import stix_stamp
from server.store.item import compact

# Reasons for which an object of a peer is refused.
UNKNOWN_ORIGIN, UNKNOWN_KEY, BAD_SIGNATURE, BAD_FORM = "unknown-origin", "unknown-key", "bad-signature", "bad-form"
ANOTHERS_ID, NOT_FOR_US, PASSED_ON, TOO_MANY = "anothers-id", "not-for-this-hub", "passed-on", "too-many"
# The signature shows that the delivering peer, which has to verify before it relays, altered the object.
ALTERED = (BAD_SIGNATURE, ANOTHERS_ID)
_LONGEST_ID = 300
_REASONS = {"hub-report-id": ANOTHERS_ID}
_OF_MESSAGES = (UNKNOWN_KEY, BAD_SIGNATURE, ANOTHERS_ID)

Keys = Mapping[tuple[str, bytes], VerifierKey]
# An object as it was received: its bytes, or parsed.
Received = bytes | Mapping[str, Any]


class CheckedReport(NamedTuple):
    """A hub report with a valid signature. ``subject`` is its value, empty if it has none or cannot be read.

    ``report`` are its value and facts. ``rule`` and ``message`` are those of the guard that holds it, empty if none
    does. ``is_personal``: it has personal data, so that its body is neither stored nor relayed.
    """

    signed: SignedReport
    subject: str = ""
    report: Report | None = None
    rule: str = ""
    message: str = ""
    is_personal: bool = False


@dataclass
class CheckedPage:
    """Objects of one peer: the signed and well-formed ones, and the refused ones by origin and reason.

    ``refused`` has the number of objects, and the id of one of them. ``reasons`` has the reason by id and number, for
    objects that were refused after their signature was verified.
    """

    reports: list[CheckedReport] = field(default_factory=list)
    messages: list[HubMessage] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    refused: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    reasons: dict[tuple[str, int], str] = field(default_factory=dict)

    def refuse(self, origin: str, reason: str, example: str = "") -> None:
        """Count a refused object."""
        count, first = self.refused.get((origin, reason), (0, example))
        self.refused[origin, reason] = (count + 1, first or example)

    def refuse_signed(self, signed: SignedReport | HubMessage, reason: str) -> None:
        """Count a refused object of its origin, and keep the reason for its sender."""
        self.refuse(signed.origin, reason, signed.id)
        self.reasons[signed.id, signed.number] = reason


def check(keys: Keys, allowlists: Allowlists, received: Iterable[Received]) -> CheckedPage:
    """Check the objects of a page; a refused object does not stop the others.

    ``keys`` are the trusted keys by name and id.
    """
    page, origins = CheckedPage(), {name for name, _ in keys}
    # Each step runs over all objects before the next step: the repeated code makes this a fifth faster.
    read_reports: list[SignedReport] = []
    for one in received:
        if (body := _body_of(one)) is None:
            page.refuse("", BAD_FORM)
            continue
        try:
            # A partner's word in a report may be one of these marks.
            if may_be_message(body) and is_message(_parsed(body)):
                page.messages.append(read_message(body, keys))
            elif contradictions.may_be(body) and _parsed(body).get("type") == contradictions.TYPE:
                _add_contradiction(page, contradictions.read_contradiction(body), keys, origins)
            else:
                read_reports.append(read(body))
        except Rejected as refusal:
            origin, id_ = _named(body)
            known = refusal.reason if refusal.reason in _OF_MESSAGES else BAD_FORM
            page.refuse(origin if origin in origins else "", _REASONS.get(refusal.reason, known), id_)
    verified = [signed for signed in read_reports if _is_verified(page, signed, keys, origins)]
    page.reports += [_guarded(signed, allowlists) for signed in verified]
    return page


def _is_verified(page: CheckedPage, signed: SignedReport, keys: Keys, origins: set[str]) -> bool:
    """Return whether a report is its origin's; refuse it on the page if it is not."""
    reason = _why_refused(signed, keys, origins)
    if not reason and signed.obj["modified"] != stix_stamp(signed.number):
        # The version would not increase with the number, and the log would refuse it.
        reason = BAD_FORM
    if reason:
        page.refuse(signed.origin if signed.origin in origins else "", reason, signed.id)
    return not reason


def _body_of(received: Received) -> bytes | None:
    """Return an object as JSON; None if that is impossible: half a character, or too many levels."""
    if isinstance(received, bytes):
        return received
    try:
        return compact(received)
    except (UnicodeEncodeError, RecursionError, ValueError):
        return None


def _parsed(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in ``body``; an empty one for any other content."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _add_contradiction(page: CheckedPage, found: Contradiction, keys: Keys, origins: set[str]) -> None:
    reason = _why_refused(found.first, keys, origins) or _why_refused(found.second, keys, origins)
    if reason:
        page.refuse(found.origin if found.origin in origins else "", reason, found.id)
    else:
        page.contradictions.append(found)


def check_head(keys: Keys, received: Received) -> SignedHubHead | str:
    """Return a head with a valid signature by a trusted key, or the reason for refusing it."""
    body = _body_of(received)
    try:
        signed = read_head(body or b"")
    except Rejected:
        return BAD_FORM
    origins = {name for name, _ in keys}
    return _why_refused(signed, keys, origins) or signed


def is_of_hubs(obj: Mapping[str, Any]) -> bool:
    """Return whether an object is one that hubs exchange, of any form."""
    return obj.get("type") == contradictions.TYPE or is_hub_report(obj) or is_message(obj)


def _why_refused(signed: SignedReport | SignedHubHead, keys: Keys, origins: set[str]) -> str | None:
    """Return why an object is refused: its origin or key is unknown, or the signature is wrong; None if it is not."""
    if signed.origin not in origins:
        return UNKNOWN_ORIGIN
    key = keys.get((signed.origin, bytes.fromhex(signed.key_id)))
    if key is None:
        return UNKNOWN_KEY
    try:
        signed.verify(key)
    except BadProof:
        return BAD_SIGNATURE
    return None


def _guarded(signed: SignedReport, allowlists: Allowlists) -> CheckedReport:
    """Read the value of a report, and ask the parts of the guard that need no store."""
    found = CheckedReport(signed)
    try:
        if not signed.revoked and signed.report is not None:
            report = value_of(signed)
            found = CheckedReport(signed, value_index.subject_of(report.kind, report.value), report)
    except Rejected as refusal:
        found = CheckedReport(signed, rule=refusal.reason, message=refusal.message)
    try:
        personal_data.refuse_personal_data(_without_entries(signed.obj), found.report)
    except Rejected as refusal:
        return CheckedReport(signed, rule=refusal.reason, message=refusal.message, is_personal=True)
    if found.report is None or signed.report is None or not signed.report.reports:
        return found
    match = allowlists.match(found.report)
    return found if match is None else found._replace(rule=match.list, message=match.message)


def _without_entries(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return an indicator without its reporter entries, whose tokens and times are no personal data."""
    context = {name: value for name, value in extension.context_of(obj).items() if name != "hub_report"}
    return {**obj, "extensions": {**obj["extensions"], extension.ID: context}}


def _named(body: bytes) -> tuple[str, str]:
    """Return the origin and the id that a refused object states, each empty if it states none."""
    try:
        obj = orjson.loads(body)
        origin = str(obj["extensions"][extension.ID]["hub_report"]["key"]).rpartition("+")[0]
        return origin, str(obj["id"])[:_LONGEST_ID]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "", ""
