"""The pages of a partner's sandbox: the results of its client for each rule, and the certificate to print."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from flask import Response

from server.features.sandbox import judge, play, script
from server.features.sandbox.operations import StartSandbox
from server.operations.rights import PARTNERS
from server.operations.run import run
from server.store import quotas
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.sandbox import certificates, runs
from server.web.shell.forms import own_partner
from server.web.shell.routes import CONNECTION, FORM, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PATH = "/partner/sandbox"
# A new rehearsal right after the last one would only empty the collection that the client reads.
_AGAIN_AFTER = 60 * 1_000_000
# The publications of a rehearsal stay in the tree of the log forever.
_MOST_A_DAY, _DAY_SECONDS = 12, 86_400
_TOO_OFTEN = mark("You started twelve rehearsals today. Start the next one tomorrow.")
_TOO_SOON = mark("The rehearsal started a moment ago. Start again in a minute.")
_NO_CERTIFICATE = mark("There is no certificate yet. Your client gets it after it meets every rule of the sandbox.")


def show(visit: Visit) -> Response:
    """Show the results of the partner's client for each rule, and the next step."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found, collection = runs.find(tx, partner.name), runs.collection_of(tx, partner.name)
        certificate = certificates.find(tx, partner.name)
        at = now() if found is None or found.ended is None else found.ended
        results = [] if found is None else judge.results(tx, found, at)
    met = sum(result.state == "passed" for result in results)
    return visit.page(
        "partner/sandbox.html",
        partner=partner,
        run=found,
        path="" if collection is None else f"/feed/collections/{collection.id}/",
        collection=collection,
        certificate=certificate,
        results=results,
        met=met,
        minute=None if found is None else play.minutes(found, at),
        last_minute=script.LAST_MINUTE,
        rules=RULES,
        states=STATES,
    )


def start(visit: Visit) -> Response:
    """Begin the partner's rehearsal again."""
    operation = StartSandbox(partner=visit.known_user.partner or "")
    run(visit.site.hub, operation, visit.actor, check=partial(_charge, visit))
    return visit.go(_PATH)


def _charge(visit: Visit, tx: Tx) -> None:
    """Charge the partner for a rehearsal. Raises ``PageRefused``."""
    partner = own_partner(visit, tx)
    before = runs.find(tx, partner.name)
    if before is not None and now() - before.started < _AGAIN_AFTER:
        raise PageRefused(429, _TOO_SOON)
    if quotas.charge(tx, partner.counts_as, "rehearsals", 1, limit=_MOST_A_DAY, seconds=_DAY_SECONDS):
        raise PageRefused(429, _TOO_OFTEN)


def show_certificate(visit: Visit) -> Response:
    """Show the certificate of the partner's client, to print."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        certificate = certificates.find(tx, partner.name)
    if certificate is None:
        raise PageRefused(404, _NO_CERTIFICATE)
    return visit.page("partner/certificate.html", partner=partner, certificate=certificate, rules=RULES)


class RuleWords(NamedTuple):
    """A rule as a person reads it."""

    text: Translatable
    way_out: Translatable


RULES: Mapping[str, RuleWords] = MappingProxyType(
    {
        "pages": RuleWords(
            mark("It read every page in order, without gaps."),
            mark(
                "Follow “next” while a page says “more”, and continue from the date that the server sends, never "
                "from your own clock."
            ),
        ),
        "acts": RuleWords(
            mark("It acted on each listing of the grade “block” within fifteen minutes, and reported it."),
            mark("Send an outcome for each of these: blocked, declined, taken down or number disconnected."),
        ),
        "holds": RuleWords(
            mark("It held the money if the grade was “hold”."),
            mark("Send the outcome “held” within fifteen minutes."),
        ),
        "spares": RuleWords(
            mark("It did not block values of a weaker grade."),
            mark("Read the grade in the extension. A listing of a weaker grade may warn, and must not block."),
        ),
        "disputes": RuleWords(
            mark("It took no action on disputed listings, and reversed its action when a listing became disputed."),
            mark("Read the property “disputed”, and send the outcome “restored” if you had acted."),
        ),
        "revocations": RuleWords(
            mark("It read each revocation within ten minutes, and reversed its action within fifteen."),
            mark("Poll every five minutes, and send the outcome “restored” for revoked listings."),
        ),
        "ends": RuleWords(
            mark("It ended its action on expired listings by itself."),
            mark("End the block with the listing, or send the outcome “restored” after it."),
        ),
        "relistings": RuleWords(
            mark("It acted again on values that were listed again under a new id."),
            mark("Match by value, and treat a new id as a new listing."),
        ),
        "knows": RuleWords(
            mark("It reported outcomes only on listings that it had read here."),
            mark("Refer to ids that this collection served, after you have read them."),
        ),
    }
)
STATES: Mapping[str, Translatable] = MappingProxyType(
    {"passed": mark("Met"), "open": mark("Not yet"), "failed": mark("Not met")}
)


ROUTES = (
    Route("/partner/sandbox", PARTNERS, show, tab=Tab(CONNECTION, 11, mark("Sandbox"), also=("/partner/certificate",))),
    Route("/partner/sandbox/start", may_run(StartSandbox), start, methods=FORM),
    Route("/partner/certificate", PARTNERS, show_certificate),
)
