"""The pages of the policy: the rules in force, a trial of others, the proposal of a change, and the history."""

from typing import Any

from flask import Response

from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.policies import change as changes, history as histories
from server.release.policies.trial import PRIVATE, PolicyTrial, try_policy
from server.release.route.policy import BadPolicy, parse_policy, policy_to_toml
from server.release.two_persons import NotAllowed
from server.store.policies import policies
from server.store.policies.policies import UnknownPolicy

_HISTORY = 10
_TRIAL_REPORTS, _TRIAL_SECONDS = 1_000, 5.0
_NO_POLICY = mark("There is no such policy.")
_NO_CHANGE = mark("These rules cannot be proposed: they are in force already, or the configuration has the rules.")


def show(visit: Visit) -> Response:
    """Show the rules in force, and a form to try others."""
    return _page(visit)


def show_history(visit: Visit) -> Response:
    """Show the policies that were in force, the latest first."""
    before = visit.request.args.get("before", "")
    last = int(before) if before.isdecimal() and len(before) < 10 else None
    with visit.site.hub.store.read() as tx:
        found = histories.history(tx, before=last, limit=_HISTORY + 1)
    following = found[_HISTORY - 1].policy.number if len(found) > _HISTORY else 0
    return visit.page("operator/policy_history.html", found=found[:_HISTORY], following=following)


def show_past(visit: Visit, number: str) -> Response:
    """Show the form with the rules of an earlier policy, to try them again."""
    with visit.site.hub.store.read() as tx:
        try:
            past = policies.get(tx, int(number) if number.isdecimal() and len(number) < 10 else 0)
        except UnknownPolicy:
            raise PageRefused(404, _NO_POLICY) from None
    return _page(visit, text=past.rules, past=past.number)


def try_rules(visit: Visit) -> Response:
    """Show what other rules would change of what was reported last; nothing is changed."""
    text, hub = _given(visit), visit.site.hub
    try:
        policy = parse_policy(text)
        with hub.store.read() as tx:
            trial = try_policy(hub, tx, policy, most=_TRIAL_REPORTS, seconds=_TRIAL_SECONDS)
            lines = histories.diff(policy_to_toml(hub.rules.policy(hub.facts.at(tx))), policy_to_toml(policy))
    except BadPolicy as error:
        return _page(visit, text=text, fault=str(error), status=422)
    return _page(visit, text=text, trial=trial, counts=_counts(trial), lines=lines)


def propose(visit: Visit) -> Response:
    """Propose rules in place of those in force: somebody else confirms them."""
    text, hub, note = _given(visit), visit.site.hub, visit.field("note", 500)
    try:
        found = changes.propose(hub, changes.arguments(text, note), visit.known_user.name, note or None)
    except (BadPolicy, NotAllowed):
        raise PageRefused(409, _NO_CHANGE) from None
    return visit.go(f"/console/proposals/{found.id}")


def _given(visit: Visit) -> str:
    return visit.field("rules", changes.MOST_CHARACTERS).replace("\r\n", "\n")


def _counts(trial: PolicyTrial) -> list[tuple[str, int, int]]:
    """Return the listings before and after by collection; "" stands for all private ones."""
    aliases = sorted({*trial.before, *trial.after}, key=lambda alias: (alias == PRIVATE, alias))
    return [
        ("" if alias == PRIVATE else alias, trial.before.get(alias, 0), trial.after.get(alias, 0)) for alias in aliases
    ]


def _page(visit: Visit, *, text: str = "", fault: str = "", status: int = 200, **more: Any) -> Response:
    hub = visit.site.hub
    with hub.store.read() as tx:
        facts = hub.facts.at(tx)
        policy, source = hub.rules.policy(facts), hub.rules.source(facts)
    rules = policy_to_toml(policy)
    values = {"trial": None, "counts": [], "lines": [], "past": None, **more}
    return visit.page(
        "operator/policy.html",
        status,
        rules=rules,
        source=source,
        unheard=policy.kinds_without_rule(),
        text=text or rules,
        fault=fault,
        most=changes.MOST_CHARACTERS,
        **values,
    )
