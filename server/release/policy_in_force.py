"""The policy in force: the configured one if there is any, otherwise the one decided under dual control."""

from typing import NamedTuple

from server.release.facts import HubFacts
from server.release.publish.drafts import AlikeDrafts
from server.release.route.policy import DecidedTables, Policy
from server.store.policies.policies import PolicySource


class _InForce(NamedTuple):
    """A policy made from these stored tables, and the data derived from it."""

    tables: DecidedTables
    policy: Policy
    alike_drafts: AlikeDrafts


class PolicyInForce:
    """The policy that a hub releases by. A change takes effect with the next transaction, on all nodes."""

    def __init__(self, configured: Policy) -> None:
        """Use ``configured`` if it has rules, or if no other rules were decided."""
        self._configured = configured
        self._now = _InForce(DecidedTables(), configured, AlikeDrafts())

    @property
    def is_configured(self) -> bool:
        """Return whether the configuration has rules, which pages cannot change."""
        return not self._configured.is_default

    def at(self, facts: HubFacts) -> tuple[Policy, AlikeDrafts]:
        """Return the policy in force in a transaction, and the common parts of drafts derived from it."""
        tables = DecidedTables() if self.is_configured else facts.decided
        known = self._now
        if known.tables is not tables and known.tables != tables:
            newcomers = self._configured.newcomers
            policy = Policy(tables.rules, newcomers, tables.deadlines) if tables.rules else self._configured
            known = self._now = _InForce(tables, policy, AlikeDrafts())
        return known.policy, known.alike_drafts

    def policy(self, facts: HubFacts) -> Policy:
        """Return the policy in force in a transaction."""
        return self.at(facts)[0]

    def source(self, facts: HubFacts) -> PolicySource:
        """Return the source of the policy in force."""
        if self.is_configured:
            return "configuration"
        return "decided" if facts.decided.rules else "default"
