"""The pages on which findings are checked before they are sent: those of the list, of one account, and of a file."""

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
from flask import Response

from schemas.api.statements import MOST_ANSWERS
from schemas.partner import Partner
from schemas.vocabulary import QualificationCode
from server.features.findings.accounts import basis_of, present_accounts
from server.features.findings.answering import AnswerResult, GivenAnswer
from server.features.findings.operations import ReportFindings, run_in_parts
from server.features.findings.pages import NO_ACCOUNT, page, target_of
from server.features.findings.sheet import MOST_BYTES, MOST_ROWS, RefusedRow, SheetFinding, UnreadableSheet, read
from server.features.findings.words import ANSWERS, eases
from server.operations.rights import PARTNER_WRITERS
from server.store import listings
from server.store.database.engine import Tx
from server.web.shell.forms import own_partner, quotas_of, refusal_of
from server.web.shell.hub_texts import text_of
from server.web.shell.routes import FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError

_NONE_CHOSEN = mark("Choose an answer for at least one account, and for a hundred at most.")
_NO_FILE = mark("Choose a file of 256 KB at most.")
_NO_TABLE = mark(
    "This is no table of findings: send CSV in UTF-8 with the columns listing or value, and code, and 300 rows at most."
)
_NOT_READ = mark("This form cannot be read. Nothing was sent. Open the list again.")


class _Row(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A finding as the form of the preview carries it, with the state of the account that was shown."""

    of: str
    code: QualificationCode
    basis: str
    reference: str = ""
    note: str = ""


def check(visit: Visit) -> Response:
    """Show the findings that were chosen on a page before they are sent, each with its effect."""
    codes = _chosen_codes(visit)
    if not 0 < len(codes) <= MOST_ANSWERS:
        raise PageRefused(422, _NONE_CHOSEN)
    with visit.site.hub.store.read() as tx:
        chosen = _chosen(visit, tx, codes)
    return _preview(visit, chosen)


def check_file(visit: Visit) -> Response:
    """Show the findings of a file before they are sent, and its refused rows with line and reason."""
    file = visit.request.files.get("file")
    data = file.stream.read(MOST_BYTES + 1) if file is not None else b""
    if not 0 < len(data) <= MOST_BYTES:
        return page(visit, _NO_FILE)
    try:
        with visit.site.hub.store.read() as tx:
            sheet = read(tx, own_partner(visit, tx), data, visit.site.settings.country, target_of(visit))
    except UnreadableSheet:
        return page(visit, _NO_TABLE)
    refused = [(row, text_of(visit.language, row.refusal)) for row in sheet.refused]
    return _preview(visit, sheet.findings, refused, sheet.without_code, is_file=True)


def _preview(
    visit: Visit,
    chosen: Sequence[SheetFinding],
    refused: Sequence[tuple[RefusedRow, str]] = (),
    without_code: int = 0,
    *,
    is_file: bool = False,
) -> Response:
    rows = [
        _Row(found.account.listing, found.code, basis_of(found.account), found.reference, found.note)
        for found in chosen
    ]
    shown = [(found, msgspec.json.encode(row).decode()) for found, row in zip(chosen, rows, strict=True)]
    return visit.page(
        "partner/answers.html",
        refused=refused,
        without_code=without_code,
        is_file=is_file,
        chosen=shown,
        answers=ANSWERS,
        eases=eases,
    )


def answer(visit: Visit) -> Response:
    """Report the findings that were checked, as ``POST /api/answers`` does; one about a changed account is refused."""
    rows = _rows(visit.request.form.getlist("answer"))
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        chosen = _chosen(visit, tx, {row.of: row.code for row in rows})
    note, reference = visit.field("note", 500), visit.field("reference", 200)
    given = tuple(
        GivenAnswer(row.of, row.code, row.note or note or None, row.reference or reference or None, row.basis)
        for row in rows
    )
    done = _send(visit, partner, given)
    by_listing = {found.account.listing: found for found in chosen}
    results = [(by_listing[row.of], result) for row, result in zip(rows, done, strict=True)]
    is_sent = any(result.refused is None for result in done)
    return visit.page("partner/answered.html", 200 if is_sent else 409, results=results, answers=ANSWERS)


def _send(visit: Visit, partner: Partner, given: tuple[GivenAnswer, ...]) -> list[AnswerResult]:
    operation = ReportFindings(partner=partner, findings=given)
    try:
        return run_in_parts(visit.site.hub, operation, visit.actor, partial(inbox_check, quotas_of(visit), partner))
    except TaxiiError as error:
        raise refusal_of(error) from None


def _rows(given: Sequence[str]) -> list[_Row]:
    """Return the findings of the preview's form, each account once. Raises ``PageRefused``."""
    if not 0 < len(given) <= MOST_ROWS:
        raise PageRefused(422, _NONE_CHOSEN)
    try:
        rows = [msgspec.json.decode(text, type=_Row) for text in given]
    except msgspec.MsgspecError:
        raise PageRefused(422, _NOT_READ) from None
    if len({row.of for row in rows}) < len(rows):
        raise PageRefused(422, _NOT_READ)
    return rows


def _chosen_codes(visit: Visit) -> dict[str, QualificationCode]:
    """Return the chosen findings by listing: that of the row, else for ticked rows the common one."""
    form = visit.request.form
    for_all = form.get("code", "")
    given = [f"{id_} {form.get(f'code {id_}') or for_all}" for id_ in form.getlist("id")]
    given += [f"{name.removeprefix('code ')} {code}" for name, code in form.items() if name.startswith("code ")]
    return dict(_pairs(given))


def _pairs(given: Iterable[str]) -> list[tuple[str, QualificationCode]]:
    """Return the listings that have a finding, with it."""
    parts = (text.rpartition(" ") for text in given)
    return [(id_, QualificationCode(code)) for id_, _, code in parts if code in list(QualificationCode)]


def _chosen(visit: Visit, tx: Tx, codes: dict[str, QualificationCode]) -> list[SheetFinding]:
    """Return the accounts of these listings with their answers. Raises ``PageRefused`` for one that is not its own."""
    subjects = listings.subjects(tx, codes).values()
    found = present_accounts(tx, own_partner(visit, tx), subjects, target_of(visit))
    by_listing = {account.listing: account for account in found}
    if not codes.keys() <= by_listing.keys():
        raise PageRefused(404, NO_ACCOUNT)
    return [SheetFinding(0, account, codes[id_]) for id_, account in by_listing.items() if id_ in codes]


ROUTES = (
    Route("/partner/accounts/check", PARTNER_WRITERS, check, methods=FORM),
    Route("/partner/accounts/file", PARTNER_WRITERS, check_file, methods=FORM),
    Route("/partner/accounts/answer", may_run(ReportFindings), answer, methods=FORM),
)
