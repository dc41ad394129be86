"""The pages of a keeping institution: what others report of its accounts, by the clock, and its answers."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import orjson
from flask import Response

from mappers import extension
from schemas.api.account_answers import MOST_ANSWERS
from schemas.partner import Partner
from schemas.qualification import QualificationCode
from server.api.account_answers import contribute_answers
from server.console.operator.trail import note
from server.console.partner.answer_words import ANSWERS, eases
from server.console.partner.own import PAGE, asked, link, numbers_of, own_partner, quotas_of, refusal_of
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.answering import AnswerResult, GivenAnswer
from server.store import collections, listings, log
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.keepers import kept_accounts
from server.store.keepers.kept_accounts import KeptAccount, KeptPlace
from server.taxii.errors import TaxiiError

_PATH = "/partner/accounts"
_SECOND = 1_000_000
_MICROSECOND = timedelta(microseconds=1)
_LAST_DIGITS = 4
_NONE_CHOSEN = mark("Choose an answer for at least one account, and for a hundred at most.")
_NO_ACCOUNT = mark("There is no such account that you keep and others report.")
_CHANGED = mark("One of these was answered or reported anew meanwhile. Nothing was sent. Open the list again.")


class ReportedAccount(NamedTuple):
    """An account that the partner keeps and others report, as its listing is now; moments in microseconds.

    ``number`` is what tells it from other accounts of the institution ``at``; ``seconds_left`` is below zero once the
    answer is late.
    """

    listing: str
    kind: str
    at: str
    number: str
    kept: KeptAccount
    seconds_left: float
    context: dict[str, Any]

    @property
    def beginning(self) -> str:
        """Return the number without its last digits."""
        return self.number[:-_LAST_DIGITS]

    @property
    def end(self) -> str:
        """Return the last digits, by which a person compares."""
        return self.number[-_LAST_DIGITS:]

    @property
    def code(self) -> QualificationCode | None:
        """Return the last answer, None where there is none."""
        return QualificationCode(self.kept.code) if self.kept.code else None


class _ChosenAnswer(NamedTuple):
    """An answer as it is to be confirmed."""

    account: ReportedAccount
    code: QualificationCode


def show(visit: Visit) -> Response:
    """Show what waits for an answer, the oldest first, or what was answered, the latest first."""
    is_answered = asked(visit, "list") == "answered"
    target = visit.site.settings.answer_target // _MICROSECOND
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        page = kept_accounts.answered_by if is_answered else kept_accounts.waiting
        found = page(tx, partner.name, after=_place(visit), limit=PAGE + 1)
        accounts = _accounts(tx, partner, [kept for kept, _ in found[:PAGE]], target)
        waiting, late = kept_accounts.count_waiting(tx, partner.name, now() - target)
    following = ""
    if len(found) > PAGE:
        place = found[PAGE - 1][1]
        following = link(_PATH, list="answered" if is_answered else "", after=f"{place.moment}~{place.value}")
    return visit.page(
        "partner/accounts.html",
        partner=partner,
        accounts=accounts,
        is_answered=is_answered,
        waiting=waiting,
        late=late,
        target=target / _SECOND,
        answers=ANSWERS,
        following=following,
    )


def check(visit: Visit) -> Response:
    """Show the answers as they would be sent, each with the account's last digits and its effect."""
    codes = _chosen_codes(visit)
    if not 0 < len(codes) <= MOST_ANSWERS:
        raise PageRefused(422, _NONE_CHOSEN)
    with visit.site.hub.store.read() as tx:
        chosen = _chosen(visit, tx, codes)
    return visit.page("partner/answers.html", chosen=chosen, answers=ANSWERS, eases=eases, basis=_basis(chosen))


def answer(visit: Visit) -> Response:
    """Send the answers that were checked, by the function of ``POST /api/answers``."""
    codes = dict(_pairs(visit.request.form.getlist("answer")))
    if not 0 < len(codes) <= MOST_ANSWERS:
        raise PageRefused(422, _NONE_CHOSEN)
    hub, user = visit.site.hub, visit.known_user
    with hub.store.read() as tx:
        partner, chosen = own_partner(visit, tx), _chosen(visit, tx, codes)
    if visit.field("basis") != _basis(chosen):
        raise PageRefused(409, _CHANGED)
    words, reference = visit.field("note", 500) or None, visit.field("reference", 200) or None
    given = [GivenAnswer(found.account.listing, found.code, words, reference) for found in chosen]

    def record(tx: Tx, done: Sequence[AnswerResult]) -> None:
        for result in done:
            note(tx, "ANSWER", "account", user, result.answer, status=403 if result.refused else 200)

    try:
        done = contribute_answers(hub, quotas_of(visit), partner, given, record)
    except TaxiiError as error:
        raise refusal_of(error) from None
    return visit.page("partner/answered.html", results=list(zip(chosen, done, strict=True)), answers=ANSWERS)


def _chosen_codes(visit: Visit) -> dict[str, QualificationCode]:
    """Return the answers of the list by listing: a row's own, else for those that are ticked the one for all."""
    form = visit.request.form
    for_all = form.get("code", "")
    given = [f"{id_} {form.get(f'code {id_}') or for_all}" for id_ in form.getlist("id")]
    given += [f"{name.removeprefix('code ')} {code}" for name, code in form.items() if name.startswith("code ")]
    return dict(_pairs(given))


def _pairs(given: Iterable[str]) -> list[tuple[str, QualificationCode]]:
    """Return listings with their answers, those that have one."""
    parts = (text.rpartition(" ") for text in given)
    return [(id_, QualificationCode(code)) for id_, _, code in parts if code in list(QualificationCode)]


def _chosen(visit: Visit, tx: Tx, codes: dict[str, QualificationCode]) -> list[_ChosenAnswer]:
    """Return the accounts of these listings with their answers. Raises ``PageRefused`` for one that is not its own."""
    partner = own_partner(visit, tx)
    subjects = set(listings.subjects(tx, codes).values())
    found = kept_accounts.find(tx, partner.name, every=True, values=subjects, limit=len(subjects) or 1)
    target = visit.site.settings.answer_target // _MICROSECOND
    present = [kept for kept in found if kept.left is None]
    by_listing = {account.listing: account for account in _accounts(tx, partner, present, target)}
    if not codes.keys() <= by_listing.keys():
        raise PageRefused(404, _NO_ACCOUNT)
    return [_ChosenAnswer(account, codes[id_]) for id_, account in by_listing.items() if id_ in codes]


def _basis(chosen: Sequence[_ChosenAnswer]) -> str:
    """Return what the answers are about now: who sends them sends them about that."""
    rows = [[found.account.listing, found.code, list(found.account.kept), found.account.context] for found in chosen]
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _accounts(tx: Tx, partner: Partner, found: Sequence[KeptAccount], target: int) -> list[ReportedAccount]:
    """Return accounts with their listings, as they are in the partner's own collection."""
    track, tracks = listings.track_of_keeper(partner.name), listings.find(tx, {kept.subject for kept in found})
    ids = {kept.subject: known[-1] for kept in found if (known := tracks.get(kept.subject, {}).get(track))}
    collection = collections.find_private(tx, partner.name, "accounts")
    items = log.latest(tx, collection, ids.values()) if collection is not None else {}
    at = now()
    accounts = []
    for kept in found:
        listing = ids.get(kept.subject, "")
        kind, _, value = kept.subject.partition(":")
        place, _, number = value.rpartition(":")
        item = items.get(listing)
        context = extension.context_of(msgspec.json.decode(item.body)) if item is not None else {}
        left = (kept.since + target - (kept.answered or at)) / _SECOND
        accounts.append(ReportedAccount(listing, kind, place, number, kept, left, dict(context)))
    return accounts


def _place(visit: Visit) -> KeptPlace | None:
    numbers = numbers_of(asked(visit, "after"), 2)
    return None if numbers is None else KeptPlace(*numbers)
