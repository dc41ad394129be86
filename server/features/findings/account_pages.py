"""The page of one reported account: the facts to decide by, questions to the reporters, and the finding."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from flask import Response

from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.question import LONGEST_TEXT, QuestionKind
from server.features.findings import accounts
from server.features.findings.accounts import ReportedAccount
from server.features.findings.facts import facts_of
from server.features.findings.pages import NO_ACCOUNT, target_of
from server.features.findings.words import ANSWERS
from server.features.questions import desk
from server.features.questions.operations import AskAboutAccount
from server.features.questions.words import QUESTIONS, shown
from server.operations.rights import PARTNERS
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.web.shell.forms import contribute, own_partner
from server.web.shell.hub_texts import text_of
from server.web.shell.routes import FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_NO_KIND = mark("Choose what you ask, and by when you want an answer.")
# The days for the answer, as offered.
DAYS = (1, 3, 7, 14)
_EMPTY: Mapping[str, str] = MappingProxyType({"kind": "", "text": "", "days": "3"})


def show(visit: Visit, id: str) -> Response:
    """Show one account of the partner with all facts, the answers of its reporters, and the form of its finding."""
    with visit.site.hub.store.read() as tx:
        return _page(visit, tx, *_find(visit, tx, id))


def ask(visit: Visit, id: str) -> Response:
    """Ask the reporters of the account, as ``POST /api/questions`` does."""
    with visit.site.hub.store.read() as tx:
        partner, account = _find(visit, tx, id)
        given = {name: visit.field(name, 2_000) for name in ("kind", "text", "days")}
        if given["kind"] not in list(QuestionKind) or given["days"] not in map(str, DAYS):
            return _page(visit, tx, partner, account, given, _NO_KIND)
    try:
        operation = AskAboutAccount(
            partner=partner,
            listing=account.listing,
            kind=QuestionKind(given["kind"]),
            text=given["text"],
            deadline=timestamp.moment_or_duration(f"{given['days']}d"),
        )
        contribute(visit, operation, partner, 1)
    except Rejected as refusal:
        with visit.site.hub.store.read() as tx:
            refused = text_of(visit.language, refusal)
            return _page(visit, tx, *_find(visit, tx, id), given, None, refused)
    return visit.go(f"/partner/accounts/{account.listing}#questions")


def _find(visit: Visit, tx: Tx, id_: str) -> tuple[Partner, ReportedAccount]:
    """Return an account of the partner. Raises ``PageRefused``, the same for another's and for an unknown one."""
    partner = own_partner(visit, tx)
    kept = accounts.own_account(tx, partner, id_)
    if kept is None:
        raise PageRefused(404, NO_ACCOUNT)
    [account] = accounts.with_listings(tx, partner, [kept], target_of(visit))
    return partner, account


def _page(
    visit: Visit,
    tx: Tx,
    partner: Partner,
    account: ReportedAccount,
    given: Mapping[str, str] = _EMPTY,
    problem: Translatable | None = None,
    refused: str = "",
) -> Response:
    return visit.page(
        "partner/account.html",
        422 if problem or refused else 200,
        account=account,
        facts=facts_of(visit.site.hub, tx, partner, account, target_of(visit)),
        asked=desk.asked_about(tx, partner, account.listing),
        shown=shown,
        kinds=QUESTIONS,
        days=DAYS,
        most=LONGEST_TEXT,
        given=given,
        problem=problem,
        refused=refused,
        answers=ANSWERS,
        moment_of=lambda text: micros(timestamp.parse(text)),
        amount_of=Decimal,
    )


ROUTES = (
    Route("/partner/accounts/<id>", PARTNERS, show),
    Route("/partner/accounts/<id>/ask", may_run(AskAboutAccount), ask, methods=FORM),
)
