"""The change of the policy as an action under dual control: the proposal has the exact new text."""

from collections.abc import Sequence
from typing import Any

from server.features.policies.history import diff
from server.features.policies.trial import try_policy
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.hub import Hub
from server.release.republish import begin_after_change
from server.release.route.policy import BadPolicy, parse_policy, policy_to_toml
from server.release.trial import TrialResult
from server.store import audit
from server.store.database.engine import Tx
from server.store.policies import policies
from server.store.proposals.proposals import Effect

NAME = "change-policy"
# The code of effects that are lines of the rules, as in a diff.
RULE_LINE = "policy-line"
MOST_CHARACTERS = 65_536
_LONGEST_NOTE = 500
# The person who proposes waits for it.
_TRIAL_REPORTS, _TRIAL_SECONDS = 500, 3.0


def arguments(text: str, note: str = "") -> dict[str, Any]:
    """Return the arguments of a change to the rules in a TOML text. Raises ``BadPolicy``."""
    if len(text) > MOST_CHARACTERS:
        raise BadPolicy("policy-too-long", f"a policy has {MOST_CHARACTERS} characters at most")
    return {"rules": policy_to_toml(parse_policy(text)), "note": " ".join(note.split())[:_LONGEST_NOTE]}


def refuse_where_configured(hub: Hub) -> None:
    """Refuse a change if the rules are in the configuration. Raises ``BadPolicy``."""
    if hub.rules.is_configured:
        raise BadPolicy(
            "policy-configured",
            "the configuration of this hub has [[rule]] tables: change them there, and restart the hub; "
            "without them the rules are changed here under dual control",
        )


def summary(trial: TrialResult) -> list[Effect]:
    """Return, in lines, the effect of a policy on the latest reports."""
    counts = [
        Effect(
            "policy-listings" if alias else "policy-private",
            {**({"collection": alias} if alias else {}), "before": before, "after": after},
        )
        for alias, before, after in trial.counts
    ]
    looked = {"reports": trial.reports, "values": trial.values, "changed": trial.changed}
    unseen = [Effect("policy-unseen", {"unseen": ", ".join(trial.unseen)})] if trial.unseen else []
    return [Effect("policy-trial", looked), *unseen, *counts]


def trial(hub: Hub, given: Arguments) -> list[Effect]:
    """Return the effects of other rules on the latest reports, for the second person to read.

    It only reads, in its own transaction, so that it does not block writers. Raises ``BadPolicy``.
    """
    with hub.store.read() as tx:
        _effects(hub, tx, given)
        rules = parse_policy(given["rules"])
        return summary(try_policy(hub, tx, rules, most=_TRIAL_REPORTS, seconds=_TRIAL_SECONDS))


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the changed lines. Raises ``BadPolicy`` if the rules cannot be put in force."""
    refuse_where_configured(hub)
    new = parse_policy(arguments["rules"])
    before = policy_to_toml(hub.rules.policy(hub.facts.at(tx)))
    lines = diff(before, arguments["rules"])
    if not lines:
        raise BadPolicy("policy-unchanged", "these are the rules in force")
    new.refuse_unknown(hub.facts.at(tx).shared)
    return Effects([Effect(RULE_LINE, {"line": line}) for line in lines], [before, arguments["rules"]])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    rules, note = arguments["rules"], arguments.get("note") or None
    signed = {"proposed_by": signatures.proposed_by, "confirmed_by": signatures.confirmed_by}
    new = policies.add(tx, rules, "decided", note=note, **signed)
    if new is None:
        raise BadPolicy("policy-overtaken", "another policy has just come into force; propose the change again")
    begin_after_change(hub, tx)
    audit.record_act(tx, signatures.confirmed_by, "CHANGE", "policy", reference=f"policy {new.number}")
    return [Effect("policy-in-force", {"number": new.number})]


ACTION = DualControlAction(NAME, _effects, _carry_out)
