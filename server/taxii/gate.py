"""The way in, for every path that answers TAXII: who asks, and whether it may ask again so soon."""

from schemas.partner import Partner
from server import observe
from server.store import Store, Tx, limits
from server.taxii import access

_MINUTE = 60
_DAY = 24 * 60 * 60


class _Rules:
    """What this process lets partners use; one process serves one hub."""

    requests = limits.Meter("requests", 0, _MINUTE)
    objects_per_day = 0


def limit(*, requests_per_minute: int, objects_per_day: int) -> None:
    """Let each partner ask and post so much, over all processes and nodes; 0 is no limit."""
    _Rules.requests = limits.Meter("requests", requests_per_minute, _MINUTE)
    _Rules.objects_per_day = objects_per_day


def admit(store: Store, authorization: str | None, certificate: bytes | None, remote: str) -> Partner:
    """Find the partner that an Authorization header or a client certificate (DER) proves, and count its request.

    ``remote`` is the address that the request comes from. Raises ``TaxiiError`` 401, 429.
    """
    observe.asked_from(remote)
    with store.read() as tx:
        partner = access.identify(tx, authorization, certificate, remote, at_a_glance=store.at_a_glance)
    return again(store, partner)


def again(store: Store, partner: Partner) -> Partner:
    """Count another request of a partner that is known. Raises ``TaxiiError`` 429."""
    wait = _Rules.requests.spend(store, partner.name)
    if wait:
        raise access.too_many("The partner asks more often than it may", wait)
    return partner


def charge(tx: Tx, partner: Partner, count: int) -> None:
    """Count objects that a partner posts against its day, in the transaction that keeps them.

    Raises ``TaxiiError`` 429.
    """
    if not _Rules.objects_per_day:
        return
    wait = limits.charge(tx, partner.name, "objects", count, limit=_Rules.objects_per_day, seconds=_DAY)
    if wait:
        raise access.too_many("The partner posts more objects a day than it may; nothing was taken", wait)
