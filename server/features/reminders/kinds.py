"""The reminders: who gets each, its heading, and why some cannot be turned off."""

from typing import NamedTuple

from server.operations.rights import ANALYSTS, APPROVERS, PARTNER_ADMINS, PARTNER_WRITERS
from server.web.shell.words import Translatable, mark

_MONEY = mark("Money may leave while a request waits, and the sender relies on the deadline.")
_PROMISED = mark("The hub promised an answer by a date to the person who objected.")


class Reminder(NamedTuple):
    """A reminder: its name, the rights that get it, its heading, the page to go to, and why it is mandatory, if so."""

    name: str
    who: frozenset[str]
    text: Translatable
    path: str
    mandatory: Translatable = ""


_ALL = (
    Reminder(
        "request-near",
        PARTNER_WRITERS,
        mark("Requests to you whose deadline is near"),
        "/partner/requests",
    ),
    Reminder("request-overdue", PARTNER_WRITERS, mark("Overdue requests to you"), "/partner/requests", _MONEY),
    Reminder(
        "request-escalated",
        PARTNER_ADMINS,
        mark("Requests that nobody in your organisation answered in time"),
        "/partner/requests",
        _MONEY,
    ),
    Reminder(
        "hop-unconfirmed",
        PARTNER_WRITERS,
        mark("Further requests that wait for your confirmation"),
        "/partner/requests",
    ),
    Reminder("own-end", PARTNER_WRITERS, mark("Delistings of yours that wait for a colleague"), "/partner/ends"),
    Reminder(
        "finding-near",
        PARTNER_WRITERS,
        mark("Accounts whose finding is soon due"),
        "/partner/accounts",
    ),
    Reminder("finding-overdue", PARTNER_WRITERS, mark("Accounts whose finding is overdue"), "/partner/accounts"),
    Reminder(
        "request-unanswered",
        ANALYSTS,
        mark("Requests that an institution has not answered long after the deadline"),
        "/console/requests",
        _MONEY,
    ),
    Reminder("objection-near", ANALYSTS, mark("Objections whose answer is soon due"), "/console/objections"),
    Reminder("objection-overdue", ANALYSTS, mark("Overdue objections"), "/console/objections", _PROMISED),
    Reminder("review-waiting", ANALYSTS, mark("Reports that have waited long for a review"), "/console/reviews"),
    Reminder("end-waiting", ANALYSTS, mark("Delistings that wait for a second person"), "/console/reviews"),
    Reminder("proposal", APPROVERS, mark("Proposals that wait for a second person"), "/console/proposals"),
)
BY_NAME = {kind.name: kind for kind in _ALL}


def for_right(right: str) -> list[Reminder]:
    """Return the reminders of a person with that right."""
    return [kind for kind in _ALL if right in kind.who]
