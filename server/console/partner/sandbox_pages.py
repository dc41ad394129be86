"""The pages of a partner's sandbox: how its client stands with each rule, and the certificate to print."""

from flask import Response

from server.console.operator.trail import note
from server.console.partner.own import own_partner
from server.console.partner.sandbox_words import RULES, STATES
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.sandbox import judge, play, script
from server.store import quotas
from server.store.database.times import now
from server.store.sandbox import certificates, runs

_PATH = "/partner/sandbox"
# Who begins anew at once would only empty what the client reads.
_AGAIN_AFTER = 60 * 1_000_000
# What a rehearsal publishes stays in the log's tree for ever.
_MOST_A_DAY, _DAY_SECONDS = 12, 86_400
_TOO_OFTEN = mark("Twelve rehearsals were begun today. Begin the next one tomorrow.")
_TOO_SOON = mark("The rehearsal began a moment ago. Begin it anew in a minute.")
_NO_CERTIFICATE = mark("There is no certificate yet. Your client gets it when it meets every rule of the sandbox.")


def show(visit: Visit) -> Response:
    """Show how the partner's client stands with each rule, and what to do next."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        run, collection = runs.find(tx, partner.name), runs.collection_of(tx, partner.name)
        certificate = certificates.find(tx, partner.name)
        at = now() if run is None or run.ended is None else run.ended
        results = [] if run is None else judge.results(tx, run, at)
    met = sum(result.state == "passed" for result in results)
    return visit.page(
        "partner/sandbox.html",
        partner=partner,
        run=run,
        path="" if collection is None else f"/feed/collections/{collection.id}/",
        collection=collection,
        certificate=certificate,
        results=results,
        met=met,
        minute=None if run is None else play.minutes(run, at),
        last_minute=script.LAST_MINUTE,
        rules=RULES,
        states=STATES,
    )


def start(visit: Visit) -> Response:
    """Begin the partner's rehearsal, anew where there was one."""
    with visit.site.hub.store.begin() as tx:
        partner = own_partner(visit, tx)
        before = runs.find(tx, partner.name)
        if before is not None and now() - before.started < _AGAIN_AFTER:
            raise PageRefused(429, _TOO_SOON)
        if quotas.charge(tx, partner.name, "rehearsals", 1, limit=_MOST_A_DAY, seconds=_DAY_SECONDS):
            raise PageRefused(429, _TOO_OFTEN)
        play.start(tx, partner.name)
        note(tx, "START", "sandbox", visit.known_user, None)
    return visit.go(_PATH)


def show_certificate(visit: Visit) -> Response:
    """Show the certificate of the partner's client, to print."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        certificate = certificates.find(tx, partner.name)
    if certificate is None:
        raise PageRefused(404, _NO_CERTIFICATE)
    return visit.page("partner/certificate.html", partner=partner, certificate=certificate, rules=RULES)
