"""Set up a hub: its store, and its release rules."""

from urllib.parse import urlsplit

from server.features.ledger.sealer import LedgerRules
from server.features.trends import notes
from server.release.fuse.newcomers import NewcomerRule
from server.release.guard.allowlists.lookup import Allowlists
from server.release.hub import Hub, RequestLimits
from server.release.peer_feeds import copying_partners
from server.release.route.policy import Policy
from server.settings import Settings
from server.store import Store, collections, hub_identity, value_index
from server.store.liveness import heartbeats


def set_up(store: Store, title: str | None = None) -> list[str]:
    """Create or migrate the store and its default collections; return the aliases it made. Safe to repeat.

    ``title`` becomes the hub's name.
    """
    store.migrate()
    with store.begin() as tx:
        value_index.rename_all(tx)
        if title is not None:
            hub_identity.rename(tx, title)
        made = collections.create_defaults(tx)
        before = {collection.number for collection in collections.all_collections(tx)}
        trends = notes.make_collection(tx)
        made += [trends] if trends is not None and trends.number not in before else []
        return [collection.alias for collection in made]


def prepare_to_serve(store: Store, settings: Settings, *, with_scheduler: bool) -> None:
    """Set the hub's name, and forget the schedule of a hub that no longer has feeds, so that no process expects it."""
    with store.begin() as tx:
        hub_identity.rename(tx, settings.title)
        if with_scheduler and not settings.feeds:
            heartbeats.forget(tx, "schedule")


def policy_of(settings: Settings) -> Policy:
    """Return the release policy of ``settings``."""
    newcomers = NewcomerRule(
        settings.newcomer_days,
        settings.newcomer_outcomes,
        settings.newcomer_values,
        settings.newcomer_public_values,
    )
    return Policy(settings.rule, newcomers, settings.deadline)


def allowlists_of(settings: Settings) -> Allowlists:
    """Return the allowlists of ``settings``."""
    return Allowlists(settings.lists_folder, documentation_values=settings.hold_examples)


def ledger_of(settings: Settings) -> LedgerRules | None:
    """Return the ledger's key file and host name from ``settings``; None if the ledger is off."""
    file = settings.ledger_keys
    return None if file is None else LedgerRules(file, urlsplit(settings.public_url).netloc)


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
        settings.country,
        settings.ends_per_day,
        tuple(table.hub for table in settings.peer),
        settings.weight_step,
        copying_partners((table.hub for table in settings.peer), settings.feed),
        _followers(settings),
        burst=settings.burst,
    )


def _followers(settings: Settings) -> frozenset[str]:
    """Return the features that look at changed listings."""
    used = {"dispatch": settings.dispatch, "liveness": bool(settings.dns_servers)}
    return frozenset(name for name, is_used in used.items() if is_used)
