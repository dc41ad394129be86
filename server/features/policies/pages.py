"""The pages of the policy: the rules in force, a trial of others, the proposal of a change, and the history."""

from typing import Any

from flask import Response

from schemas import kinds
from schemas.partner import PartnerKind
from schemas.request import TAKEDOWNS
from schemas.takedown import TIME_ALLOWED, TakedownBasis
from schemas.vocabulary import Action
from server.features.policies import change as changes, history as histories, rule_words
from server.features.policies.history import PolicyChange
from server.features.policies.operations import ProposePolicy
from server.features.policies.rule_form import (
    PolicyTables,
    fault_of,
    is_form,
    shown_tables,
    tables_of_form,
    tables_of_text,
)
from server.features.policies.rule_words import RuleChange
from server.features.policies.trial import try_policy
from server.operations.dual_control import NotAllowed
from server.operations.rights import ANALYSTS, VIEWERS
from server.operations.run import run
from server.release.route.policy import FULL, SHARED, BadPolicy, parse_policy, policy_to_toml, tables_to_toml
from server.store.policies import policies
from server.store.policies.policies import UnknownPolicy
from server.web.shell.hub_texts import word_text
from server.web.shell.routes import FORM, RULES, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_HISTORY = 10
_TRIAL_REPORTS, _TRIAL_SECONDS = 1_000, 5.0
_CODES = (("from_kinds", tuple(PartnerKind)), ("grades", tuple(Action)), ("asks", tuple(sorted(TAKEDOWNS))))
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
    return visit.page(
        "operator/policy_history.html",
        found=[(change, _in_words(visit, change)) for change in found[:_HISTORY]],
        following=following,
    )


def _in_words(visit: Visit, change: PolicyChange) -> list[RuleChange] | None:
    """Return what changed in words, None where another version of the program wrote the rules."""
    try:
        before = parse_policy(change.before) if change.before else None
        return rule_words.changes(visit.language, before, parse_policy(change.policy.rules))
    except BadPolicy:
        return None


def show_past(visit: Visit, number: str) -> Response:
    """Show the form with the rules of an earlier policy, to try them again."""
    with visit.site.hub.store.read() as tx:
        try:
            past = policies.get(tx, int(number) if number.isdecimal() and len(number) < 10 else 0)
        except UnknownPolicy:
            raise PageRefused(404, _NO_POLICY) from None
    return _page(visit, text=past.rules, past=past.number)


def try_rules(visit: Visit) -> Response:
    """Show the effects of other rules on the latest reports, or only change the draft; nothing is in force."""
    hub = visit.site.hub
    tables = tables_of_form(visit) if is_form(visit) else None
    text = _given(visit) if tables is None else tables_to_toml(*tables)
    if visit.field("do") not in ("", "try"):
        return _page(visit, text=text, tables=tables)
    try:
        policy = parse_policy(text)
        with hub.store.read() as tx:
            trial = try_policy(hub, tx, policy, most=_TRIAL_REPORTS, seconds=_TRIAL_SECONDS)
            now = hub.rules.policy(hub.facts.at(tx))
    except BadPolicy as error:
        return _page(visit, text=text, tables=tables, fault=error, status=422)
    changed = rule_words.changes(visit.language, now, policy)
    lines = histories.diff(policy_to_toml(now), policy_to_toml(policy))
    return _page(visit, text=text, trial=trial, lines=lines, changes=changed)


def propose(visit: Visit) -> Response:
    """Propose rules in place of those in force: a second person confirms them."""
    text, hub, note = _given(visit), visit.site.hub, visit.field("note", 500)
    try:
        found = run(hub, ProposePolicy.tried(hub, text, note), visit.actor)
    except (BadPolicy, NotAllowed):
        raise PageRefused(409, _NO_CHANGE) from None
    return visit.go(f"/console/proposals/{found.id}")


def _given(visit: Visit) -> str:
    return visit.field("rules", changes.MOST_CHARACTERS).replace("\r\n", "\n")


def _page(
    visit: Visit,
    *,
    text: str = "",
    tables: PolicyTables | None = None,
    fault: BadPolicy | None = None,
    status: int = 200,
    **more: Any,
) -> Response:
    """Return the page with a draft: its text, and the form with the same rules, as far as the form can show them."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        facts = hub.facts.at(tx)
        policy, source = hub.rules.policy(facts), hub.rules.source(facts)
        shared = sorted(alias for alias in facts.shared if not alias.endswith(FULL))
    rules = policy_to_toml(policy)
    values = {"trial": None, "lines": [], "changes": [], "past": None, **more}
    return visit.page(
        "operator/policy.html",
        status,
        rules=rules,
        in_force=[(rule.collection, rule_words.conditions(visit.language, rule)) for rule in policy.rules],
        source=source,
        unheard=policy.kinds_without_rule(),
        text=text or rules,
        deadlines=[rule_words.conditions_of_deadline(visit.language, one) for one in policy.deadlines],
        usual=[(str(basis), time.total_seconds()) for basis, time in TIME_ALLOWED.items()],
        drafted=shown_tables(tables_of_text(text or rules) if tables is None else tables),
        is_draft=bool(text) and text != rules,
        fault=fault,
        fault_at=fault_of(fault),
        collections=shared,
        choices={
            "kinds": [(name, kind.title[visit.language.code]) for name, kind in kinds.every().items()],
            "basis": [(str(one), word_text(visit.language, f"basis-{one}")) for one in TakedownBasis],
            **{name: [(str(code), word_text(visit.language, str(code))) for code in codes] for name, codes in _CODES},
        },
        levels=[str(level) for level in SHARED],
        titles=rule_words.TITLES,
        deadline_titles=rule_words.TITLES_OF_DEADLINES,
        meanings=rule_words.MEANINGS,
        most=changes.MOST_CHARACTERS,
        **values,
    )


ROUTES = (
    Route("/console/policy", VIEWERS, show, tab=Tab(RULES, 2, mark("Policy"))),
    Route("/console/policy/trial", ANALYSTS, try_rules, methods=FORM),
    Route("/console/policy/propose", may_run(ProposePolicy), propose, methods=FORM, is_fresh=True),
    Route("/console/policy/history", VIEWERS, show_history),
    Route("/console/policy/history/<number>", VIEWERS, show_past),
)
