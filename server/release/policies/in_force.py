"""The policy in force: that of the configuration where it has rules, else the one that two persons decided on."""

from typing import NamedTuple

from server.release.facts import HubFacts
from server.release.publish.drafts import AlikeDrafts
from server.release.route.policy import Policy, PolicyRule
from server.store.policies.policies import PolicySource


class _InForce(NamedTuple):
    """A policy made of these rules of the store, and what follows from it."""

    rules: tuple[PolicyRule, ...]
    policy: Policy
    alike_drafts: AlikeDrafts


class PolicyInForce:
    """The policy that a hub releases by. A change counts from the next transaction on, on all nodes."""

    def __init__(self, configured: Policy) -> None:
        """Use ``configured`` where it has rules, or where nobody decided on others."""
        self._configured = configured
        self._now = _InForce((), configured, AlikeDrafts())

    @property
    def is_configured(self) -> bool:
        """Return whether the configuration has rules, which no page changes."""
        return not self._configured.is_default

    def at(self, facts: HubFacts) -> tuple[Policy, AlikeDrafts]:
        """Return the policy as a transaction finds it, and the common parts of drafts that follow from it."""
        rules = () if self.is_configured else facts.decided_rules
        known = self._now
        if known.rules is not rules and known.rules != rules:
            newcomers = self._configured.newcomers
            policy = Policy(rules, newcomers) if rules else self._configured
            known = self._now = _InForce(rules, policy, AlikeDrafts())
        return known.policy, known.alike_drafts

    def policy(self, facts: HubFacts) -> Policy:
        """Return the policy as a transaction finds it."""
        return self.at(facts)[0]

    def source(self, facts: HubFacts) -> PolicySource:
        """Return where the policy in force comes from."""
        if self.is_configured:
            return "configuration"
        return "decided" if facts.decided_rules else "default"
