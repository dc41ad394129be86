"""Set up a hub: its store, and the rules that it releases by."""

from urllib.parse import urlsplit

from server.release.fuse.newcomers import NewcomerRule
from server.release.guard.allowlists.lookup import Allowlists
from server.release.hub import Hub
from server.release.ledger.sealer import LedgerRules
from server.release.requests.limits import RequestLimits
from server.release.route.policy import Policy
from server.settings import Settings
from server.store import Store, collections, hub_identity, value_index

# Of a hub that does not say where partners reach it.
_NO_HOST = "localhost"


def set_up(store: Store, title: str | None = None) -> list[str]:
    """Create or migrate the store and its default collections; return the aliases it made. Safe to repeat.

    ``title`` is the hub's name from now on.
    """
    store.migrate()
    with store.begin() as tx:
        value_index.rename_all(tx)
        if title is not None:
            hub_identity.rename(tx, title)
        return [collection.alias for collection in collections.create_defaults(tx)]


def policy_of(settings: Settings) -> Policy:
    """Return the release policy of ``settings``."""
    return Policy(settings.rule, NewcomerRule(settings.newcomer_days, settings.newcomer_outcomes))


def allowlists_of(settings: Settings) -> Allowlists:
    """Return the allowlists of ``settings``."""
    return Allowlists(settings.lists_folder, documentation_values=settings.hold_examples)


def ledger_of(settings: Settings) -> LedgerRules | None:
    """Return where the ledger of ``settings`` has its keys, and in whose name they are made; None where it is off."""
    file = settings.ledger_keys
    return None if file is None else LedgerRules(file, urlsplit(settings.public_url).netloc or _NO_HOST)


def hub_of(settings: Settings, store: Store) -> Hub:
    """Return the hub on ``store`` with the release policy, the allowlists and the limits of ``settings``."""
    limits = RequestLimits(settings.requests_per_day, settings.requests_open, settings.request_unanswered_days)
    return Hub(
        store,
        policy_of(settings),
        allowlists_of(settings),
        limits,
        settings.answer_target,
        settings.two_persons_readers,
        settings.two_persons_days,
        settings.erasure_wait_days,
    )
