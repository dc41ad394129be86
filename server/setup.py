"""Setting up a hub: its store, and the release rules in force."""

from server.release.fuse.newcomers import NewcomerRule
from server.release.guard.allowlists import lookup
from server.release.route.policy import Policy, put_in_force
from server.settings import Settings
from server.store import Store, collections, hub_identity, value_index


def set_up(store: Store, title: str | None = None) -> list[str]:
    """Create or migrate the store and its default collections; returns the aliases it added. Safe to repeat.

    ``title`` is the name of the hub from now on.
    """
    store.migrate()
    with store.begin() as tx:
        value_index.rename_all(tx)
        if title is not None:
            hub_identity.rename(tx, title)
        return [collection.alias for collection in collections.create_defaults(tx)]


def policy_of(settings: Settings) -> Policy:
    """Return the release policy in ``settings``."""
    return Policy(settings.rule, NewcomerRule(settings.newcomer_days, settings.newcomer_outcomes))


def rule_by(settings: Settings) -> None:
    """Put the release rules and the lists of harmless values in force that ``settings`` name."""
    put_in_force(policy_of(settings))
    lookup.use(settings.lists_folder, examples=settings.hold_examples)
