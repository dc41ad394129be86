"""The pages of questions to reporters and their answers, and of referrals of people who act under coercion."""

from urllib.parse import urlencode

from flask import Response

from schemas.vocabulary import ReferralAnswer
from server.console.operator.desk_words import REFERRAL_ANSWERS
from server.console.operator.places import after_of
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.publish.referrals import answer
from server.store.database.times import now
from server.store.questions import questions
from server.store.referrals import referrals
from server.store.referrals.referrals import UnknownReferral

_PAGE = 50
_MOST = 200
_NO_REFERRAL = mark("There is no such referral.")
_NO_ANSWER = mark("Choose what the focal point answered.")


def show_questions(visit: Visit) -> Response:
    """Show questions and their answers, the latest first."""
    with visit.site.hub.store.read() as tx:
        found = questions.all_questions(tx, _PAGE + 1, after_of(visit))
    following = ""
    if len(found) > _PAGE:
        last = found[_PAGE - 1][0]
        following = "/console/questions?" + urlencode({"after": f"{last.asked}.{last.id}"})
    return visit.page("operator/questions.html", found=found[:_PAGE], following=following)


def show_referrals(visit: Visit) -> Response:
    """Show the referrals that nobody has answered yet, the oldest first, or all of them."""
    every = visit.request.args.get("show") == "all"
    with visit.site.hub.store.read() as tx:
        found = referrals.all_referrals(tx, only_open=not every, limit=_MOST)
    return visit.page("operator/referrals.html", found=found, every=every, answers=REFERRAL_ANSWERS, now=now())


def answer_referral(visit: Visit, id: str) -> Response:
    """Write down what the focal point answered, in one word."""
    word, user = visit.field("answer"), visit.known_user
    if word not in list(ReferralAnswer):
        raise PageRefused(422, _NO_ANSWER)
    with visit.site.hub.store.begin() as tx:
        try:
            answer(visit.site.hub, tx, id, ReferralAnswer(word), user.name)
        except UnknownReferral:
            raise PageRefused(404, _NO_REFERRAL) from None
        note(tx, "ANSWER", "referral", user, id)
    return visit.go("/console/referrals")
