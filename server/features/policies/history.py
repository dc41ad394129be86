"""The history of a hub's policy: each policy that was in force, and its changes from the one before."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from server.release.hub import Hub
from server.release.route.policy import policy_to_toml
from server.store.database.engine import Tx
from server.store.policies import policies
from server.store.policies.policies import StoredPolicy


class PolicyChange(NamedTuple):
    """A policy that came into force, its differences from the one before as a diff, and the rules before, if any."""

    policy: StoredPolicy
    diff: Sequence[str]
    before: str = ""


def note_now(hub: Hub) -> bool:
    """Add the policy in force to the history if it is new; return whether it was added."""
    with hub.store.read() as tx:
        if not _is_new(hub, tx):
            return False
    with hub.store.begin(in_passing=True) as tx:
        if not _is_new(hub, tx):
            return False
        rules, source = _now(hub, tx)
        return policies.add(tx, rules, source) is not None


def history(tx: Tx, *, before: int | None = None, limit: int = 20) -> list[PolicyChange]:
    """Return the policies that were in force, the latest first, from those before that number on."""
    found = policies.history(tx, before=before, limit=limit + 1)
    earlier: list[StoredPolicy | None] = [*found[1:], None]
    changes = zip(found, earlier, strict=False)
    pairs = ((new, old.rules if old else "") for new, old in changes)
    return [PolicyChange(new, diff(before, new.rules), before) for new, before in pairs][:limit]


def diff(before: str, after: str) -> list[str]:
    """Return the changed lines of a policy, each after ``+`` or ``-``, with the surrounding lines."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _now(hub: Hub, tx: Tx) -> tuple[str, policies.PolicySource]:
    facts = hub.facts.at(tx)
    return policy_to_toml(hub.rules.policy(facts)), hub.rules.source(facts)


def _is_new(hub: Hub, tx: Tx) -> bool:
    last = policies.last(tx)
    return last is None or (last.rules, last.source) != _now(hub, tx)
