"""The pages of a provider: reports by others, with the time left, and its findings."""

from flask import Response

from server.features.findings import accounts
from server.features.findings.accounts import MICROSECOND, SECOND
from server.features.findings.accounts_file import csv_of
from server.features.findings.listing import AGES, search_of
from server.features.findings.sheet import MOST_ROWS
from server.features.findings.words import ANSWERS
from server.operations.rights import PARTNERS
from server.store.database.times import now
from server.store.providers import kept_accounts
from server.store.providers.kept_accounts import KeptPlace
from server.web.shell.forms import own_partner
from server.web.shell.lists import PAGE, place_of, text_of_place
from server.web.shell.routes import BOTH, OWN, Route, Tab
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark

_MOST_IN_FILE = 2_000
NO_ACCOUNT = mark("None of your accounts that others report matches this.")


def target_of(visit: Visit) -> int:
    """Return the time within which a finding is due (microseconds)."""
    return visit.site.settings.answer_target // MICROSECOND


def show(visit: Visit) -> Response:
    """Show a page of accounts that wait for a finding, or that have one, as searched."""
    return page(visit)


def page(visit: Visit, file_problem: Translatable | None = None) -> Response:
    """Return the list; ``file_problem`` is the fault of a file of findings that was sent from it."""
    target = target_of(visit)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        asked = search_of(visit, tx, partner, target)
        found = accounts.search(tx, partner, asked.search, place_of(visit, KeptPlace, int, int), PAGE)
        shown = accounts.with_listings(tx, partner, found.accounts, target)
        waiting, late = kept_accounts.count_waiting(tx, partner.name, now() - target)
    return visit.page(
        "partner/accounts.html",
        422 if asked.problem or file_problem else 200,
        file_problem=file_problem,
        most_rows=MOST_ROWS,
        partner=partner,
        accounts=shown,
        given=asked.given,
        problem=asked.problem,
        is_answered=asked.is_answered,
        waiting=waiting,
        late=late,
        target=target / SECOND,
        answers=ANSWERS,
        ages=AGES,
        following=text_of_place(found.following or ()),
        most=_MOST_IN_FILE,
    )


def send_file(visit: Visit) -> Response:
    """Send the found accounts as CSV, up to a limit."""
    target = target_of(visit)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = accounts.search(tx, partner, search_of(visit, tx, partner, target).search, None, _MOST_IN_FILE)
        rows = accounts.with_listings(tx, partner, found.accounts, target)
    return visit.file(csv_of(rows, target), "accounts.csv", "text/csv; charset=utf-8")


ROUTES = (
    Route("/partner/accounts", PARTNERS, show, methods=BOTH, changes=False, tab=Tab(OWN, 2, mark("My accounts"))),
    Route("/partner/accounts.csv", PARTNERS, send_file, methods=BOTH, changes=False),
)
