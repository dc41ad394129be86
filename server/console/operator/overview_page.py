"""The first page of the console: what needs a person, and how the hub is."""

from datetime import timedelta
from typing import Any

from flask import Response

from server.console.operator.review_pages import DISPUTES
from server.console.visit import Visit
from server.console.words import mark
from server.release.query import receipts
from server.store import collections, feed_state, hub_identity, quotas, read_progress, reviews
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.keepers import kept_accounts
from server.store.liveness import heartbeats, silences
from server.store.objections import objections
from server.store.operators import users
from server.store.proposals import proposals
from server.store.questions import questions
from server.store.referrals import referrals
from server.store.requests import requests

_MONTH = 30 * 86_400 * 1_000_000
_MOST_ROWS = 100
_TO_DO = {
    hub_identity.NO_FOCAL_POINT: mark(
        "Accounts of people who act under coercion are listed, and there is nobody to turn to for their protection. "
        "Set a focal point: scamfeed partner focal-point"
    ),
    hub_identity.UNKNOWN_RECIPIENT: mark(
        "Reports or requests of this partner name others that do not take part here, as readers or as those who must "
        "not read. Ask for the names as they are registered, or add the partner."
    ),
}


def show(visit: Visit) -> Response:
    """Show the overview; each of its questions is answered from an index, whatever the hub has."""
    with visit.site.hub.store.read() as tx:
        values = {**_to_decide(visit, tx), **_health(tx)}
    return visit.page("operator/overview.html", **values)


def show_people(visit: Visit) -> Response:
    """Show who may log in."""
    with visit.site.hub.store.read() as tx:
        found = users.all_users(tx)
    return visit.page("operator/people.html", people=found)


def _to_decide(visit: Visit, tx: Tx) -> dict[str, Any]:
    totals = receipts.totals_since(tx, now() - _MONTH, visit.site.settings.retraction_target)
    moment, target = now(), visit.site.settings.answer_target // timedelta(microseconds=1)
    by_rule = reviews.count_by_rule(tx)
    return {
        "reviews_open": sum(by_rule.values()),
        "disputes": sum(by_rule.get(rule, 0) for rule in DISPUTES),
        "objections": objections.totals(tx),
        "requests": requests.current(tx, moment),
        "questions": questions.unanswered(tx, moment - _MONTH),
        "referrals": referrals.open_referrals(tx),
        "answers": [counted for counted in kept_accounts.counts(tx, target, moment, moment - _MONTH) if counted.open][
            :_MOST_ROWS
        ],
        "reviews_oldest": reviews.oldest(tx),
        "proposals": proposals.all_proposals(tx, limit=_MOST_ROWS),
        "receipts": totals,
        "slowed": quotas.current_throttles(tx)[:_MOST_ROWS],
        "warnings": [(_TO_DO.get(warning.name, warning.name), warning) for warning in hub_identity.all_warnings(tx)],
        "quiet": silences.current(tx)[:_MOST_ROWS],
    }


def _health(tx: Tx) -> dict[str, Any]:
    return {
        "feeds": [(run, micros(run.ended)) for run in feed_state.last_runs(tx).values()][:_MOST_ROWS],
        "lags": sorted(read_progress.lags(tx), key=lambda lag: -lag.seconds)[:_MOST_ROWS],
        "beats": heartbeats.last_beats(tx),
        "collections": [found for found in collections.all_collections(tx) if found.kind != "private"],
    }
