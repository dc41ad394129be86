"""The work that waits for a partner: accounts to answer for, requests, and what was taken back; each counted so far."""

from datetime import timedelta
from typing import NamedTuple

from schemas.partner import Partner
from server.console.visit import Visit
from server.release.requests.states import Role
from server.store import retractions
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.keepers import kept_accounts
from server.store.requests import requests
from server.store.requests.requests import UNANSWERED

# More are shown as so many or more.
MOST_COUNTED = 100
_MICROSECOND = timedelta(microseconds=1)


class WaitingForPartner(NamedTuple):
    """The numbers of accounts and requests that wait for an answer, of late ones, and of what was taken back."""

    accounts: int
    late_accounts: int
    requests: int
    late_requests: int
    receipts: int


def find_waiting(visit: Visit, tx: Tx, partner: Partner) -> WaitingForPartner:
    """Return what waits for the partner now."""
    at = now()
    due = at - visit.site.settings.answer_target // _MICROSECOND
    asked = requests.of_partner(tx, partner.name, states=UNANSWERED, role=Role.ADDRESSEE, most=MOST_COUNTED)
    return WaitingForPartner(
        *kept_accounts.count_waiting(tx, partner.name, due),
        len(asked),
        sum(1 for request, _ in asked if request.deadline < at),
        len(retractions.open_of(tx, partner.name, limit=MOST_COUNTED)),
    )
