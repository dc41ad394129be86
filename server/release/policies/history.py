"""The history of a hub's policy: each that came into force, and what it changed of the one before."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from server.release.hub import Hub
from server.release.route.policy import policy_to_toml
from server.store.database.engine import Tx
from server.store.policies import policies
from server.store.policies.policies import StoredPolicy


class PolicyChange(NamedTuple):
    """A policy that came into force, and the lines that it has otherwise than the one before, as a diff."""

    policy: StoredPolicy
    diff: Sequence[str]


def note_now(hub: Hub) -> bool:
    """Note the policy in force in the history, where another one was before; return whether it was noted."""
    with hub.store.read() as tx:
        if not _is_new(hub, tx):
            return False
    with hub.store.begin(in_passing=True) as tx:
        if not _is_new(hub, tx):
            return False
        rules, source = _now(hub, tx)
        return policies.add(tx, rules, source) is not None


def history(tx: Tx, *, before: int | None = None, limit: int = 20) -> list[PolicyChange]:
    """Return the policies that came into force, the latest first, from those before that number on."""
    found = policies.history(tx, before=before, limit=limit + 1)
    earlier: list[StoredPolicy | None] = [*found[1:], None]
    changes = zip(found, earlier, strict=False)
    return [PolicyChange(new, diff(old.rules if old else "", new.rules)) for new, old in changes][:limit]


def diff(before: str, after: str) -> list[str]:
    """Return the lines of a policy that change, each behind ``+`` or ``-``, with those around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _now(hub: Hub, tx: Tx) -> tuple[str, policies.PolicySource]:
    facts = hub.facts.at(tx)
    return policy_to_toml(hub.rules.policy(facts)), hub.rules.source(facts)


def _is_new(hub: Hub, tx: Tx) -> bool:
    last = policies.last(tx)
    return last is None or (last.rules, last.source) != _now(hub, tx)
