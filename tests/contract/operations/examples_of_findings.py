"""Examples of findings, questions, referrals and receipts."""

from collections.abc import Callable, Mapping
from typing import Any

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.question import QuestionKind
from schemas.tabular import ReportReader
from schemas.vocabulary import OutcomeWord, QualificationCode, ReferralAnswer
from server.features.findings.answering import GivenAnswer
from server.features.findings.operations import ReportFindings
from server.features.questions.operations import AnswerQuestion, AskAboutAccount, AskReporters
from server.features.receipts.operations import ConfirmReceipts
from server.features.referrals.operations import AnswerReferral, Refer
from server.operations.operation import Act
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract_all
from server.store import collections, listings, log, partners, read_progress
from server.store.item import Item
from server.store.providers import kept_accounts
from server.store.questions import questions
from server.store.referrals import referrals
from tests import operators_desk as desk

PROVIDER = "Providing Bank"


def report_account(hub: Hub, **columns: str) -> None:
    """Report an account of a new partner, which is its provider."""
    given = {"reporter": desk.REPORTER, "kind": "bank-account", "tlp": "amber", "bank": "KBANK", "country": "TH"}
    reader = ReportReader({**given, **columns, "reported_at": timestamp.text(timestamp.now())})
    identity = ids.identity(PROVIDER)
    with hub.store.begin() as tx:
        new = Partner(name=PROVIDER, kind=PartnerKind.BANK, country="TH", identity=identity, institutions=("KASITHBK",))
        partners.add(tx, new)
        collections.grant(tx, PROVIDER, collections.get(tx, "mule-accounts"), read=True)
        objects = to_stix(reader.report({"value": "4567890123"}))
        done = contribute(hub, tx, partners.get(tx, desk.REPORTER), [Item.of(obj) for obj in objects])
        assert not done.failed, done.failed


def report_finding(hub: Hub) -> ReportFindings:
    """Return a finding of a provider on an account that another partner reports."""
    report_account(hub)
    with hub.store.read() as tx:
        [kept] = kept_accounts.find(tx, PROVIDER)
        finding = GivenAnswer(frozenset((kept.subject,)), QualificationCode.GENUINE)
        return ReportFindings(partner=partners.get(tx, PROVIDER), findings=(finding,))


def _answer_question(hub: Hub) -> Act[Any]:
    with hub.store.read() as tx:
        [(question, _)] = questions.all_questions(tx, 1)
        [listing] = listings.ids(tx, f"domain:{desk.DISPUTED}")
        partner = partners.get(tx, desk.REPORTER)
    return AnswerQuestion(partner=partner, id=question.id, of=listing, text="The first one")


def _ask_about_account(hub: Hub) -> Act[Any]:
    report_account(hub)
    with hub.store.read() as tx:
        [kept] = kept_accounts.find(tx, PROVIDER)
        [listing] = listings.find(tx, [kept.subject])[kept.subject][listings.track_of_provider(PROVIDER)]
        return AskAboutAccount(partner=partners.get(tx, PROVIDER), listing=listing, kind=QuestionKind.NUMBER)


def _confirm_receipts(hub: Hub) -> Act[Any]:
    with hub.store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        [listing] = listings.ids(tx, f"domain:{desk.OBJECTED}")
        read_progress.record_reads(tx, [(desk.INSTITUTION, takedown.id, log.last_added(tx, takedown) or 0)])
        retract_all(hub, tx, (desk.OBJECTED,), None, "wrong")
        partner = partners.get(tx, desk.INSTITUTION)
    return ConfirmReceipts(partner=partner, ids=(listing,), outcome=OutcomeWord.RESTORED)


def _refer(hub: Hub) -> Act[Any]:
    report_account(hub, holder_status="coerced")
    return Refer(id_or_value="TH:KASITHBK:4567890123", to=None)


def _answer_referral(hub: Hub) -> Act[Any]:
    with hub.store.read() as tx:
        [referral] = referrals.all_referrals(tx)
    return AnswerReferral(id=referral.id, answer=ReferralAnswer.PROTECTED)


def _ask(hub: Hub) -> Act[Any]:
    subjects = frozenset((f"domain:{desk.OBJECTED}",))
    return AskReporters(question="Is the shop still open?", about=desk.OBJECTED, subjects=subjects)


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "account answer": report_finding,
    "account ask": _ask_about_account,
    "ask": _ask,
    "question answer": _answer_question,
    "receipts confirm": _confirm_receipts,
    "referral add": _refer,
    "referral answer": _answer_referral,
}
