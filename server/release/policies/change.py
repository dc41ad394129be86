"""The change of the policy as an action that takes two persons: the proposal has the exact new text."""

from collections.abc import Sequence
from typing import Any

from server.release import two_persons
from server.release.hub import Hub
from server.release.policies.history import diff
from server.release.policies.trial import PRIVATE, PolicyTrial, try_policy
from server.release.republish import begin_after_change
from server.release.route.policy import BadPolicy, parse_policy, policy_to_toml
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.policies import policies
from server.store.proposals.proposals import Effect, Proposal

NAME = "change-policy"
# The code of the effects that are lines of the rules, as a diff has them.
RULE_LINE = "policy-line"
MOST_CHARACTERS = 65_536
_LONGEST_NOTE = 500
# Who proposes waits for it.
_TRIAL_REPORTS, _TRIAL_SECONDS = 500, 3.0


def arguments(text: str, note: str = "") -> dict[str, Any]:
    """Return the arguments of a change to the rules of a text, as TOML. Raises ``BadPolicy``."""
    if len(text) > MOST_CHARACTERS:
        raise BadPolicy(f"a policy has {MOST_CHARACTERS} characters at most")
    return {"rules": policy_to_toml(parse_policy(text)), "note": " ".join(note.split())[:_LONGEST_NOTE]}


def refuse_where_configured(hub: Hub) -> None:
    """Refuse a change where the configuration has the rules. Raises ``BadPolicy``."""
    if hub.rules.is_configured:
        raise BadPolicy(
            "the configuration of this hub has [[rule]] tables: change them there, and start the hub again; "
            "without them two persons change the rules here"
        )


def summary(trial: PolicyTrial) -> list[Effect]:
    """Return in lines what a policy would change of what was reported last."""
    counts = [
        Effect(
            "policy-private" if alias == PRIVATE else "policy-listings",
            {
                **({} if alias == PRIVATE else {"collection": alias}),
                "before": trial.before.get(alias, 0),
                "after": trial.after.get(alias, 0),
            },
        )
        for alias in sorted({*trial.before, *trial.after})
    ]
    looked = {"reports": trial.reports, "values": trial.values, "changed": trial.changed}
    unseen = [Effect("policy-unseen", {"unseen": ", ".join(trial.unseen)})] if trial.unseen else []
    return [Effect("policy-trial", looked), *unseen, *counts]


def propose(hub: Hub, given: Arguments, by: str, note: str | None = None) -> Proposal:
    """Propose other rules, with a trial of them for the second person to read.

    The trial only reads, in a transaction of its own, so that nobody who writes waits for it. Raises ``BadPolicy`` and
    ``NotAllowed``.
    """
    with hub.store.read() as tx:
        _effects(hub, tx, given)
        trial = try_policy(hub, tx, parse_policy(given["rules"]), most=_TRIAL_REPORTS, seconds=_TRIAL_SECONDS)
    with hub.store.begin() as tx:
        return two_persons.propose(hub, tx, ACTION, given, by, note, shown=summary(trial))


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the lines that change. Raises ``BadPolicy`` where the rules cannot be put in force."""
    refuse_where_configured(hub)
    new = parse_policy(arguments["rules"])
    before = policy_to_toml(hub.rules.policy(hub.facts.at(tx)))
    lines = diff(before, arguments["rules"])
    if not lines:
        raise BadPolicy("these are the rules in force")
    new.refuse_unknown(hub.facts.at(tx).shared)
    return Effects([Effect(RULE_LINE, {"line": line}) for line in lines], [before, arguments["rules"]])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    rules, note = arguments["rules"], arguments.get("note") or None
    signed = {"proposed_by": signatures.proposed_by, "confirmed_by": signatures.confirmed_by}
    new = policies.add(tx, rules, "decided", note=note, **signed)
    if new is None:
        raise BadPolicy("another policy came into force in this moment; propose it anew")
    begin_after_change(hub, tx)
    moment = now()
    event = AuditEvent(
        moment, moment, 1, None, signatures.confirmed_by, "CHANGE", "policy", None, 200, 1, f"policy {new.number}"
    )
    audit.record_unsealed(tx, [event])
    return [Effect("policy-in-force", {"number": new.number})]


ACTION = TwoPersonAction(NAME, _effects, _carry_out)
