"""The way in, for every path that answers TAXII: who asks, and whether it may ask again so soon."""

from schemas.partner import Partner
from server import observe
from server.store import Store, Tx, limits
from server.taxii import access
from server.taxii.limits import MOST_OBJECTS

_MINUTE = 60
_DAY = 24 * 60 * 60


class _Rules:
    """What this process lets partners use; one process serves one hub."""

    requests = limits.Meter("requests", 0, _MINUTE)
    objects_per_day = 0
    objects_per_envelope = MOST_OBJECTS


def limit(*, requests_per_minute: int, objects_per_day: int, objects_per_envelope: int = MOST_OBJECTS) -> None:
    """Let each partner ask and post so much, over all processes and nodes; 0 is no limit.

    ``objects_per_envelope`` is what one request may bring at most.
    """
    _Rules.requests = limits.Meter("requests", requests_per_minute, _MINUTE)
    _Rules.objects_per_day = objects_per_day
    _Rules.objects_per_envelope = objects_per_envelope


def most_objects() -> int:
    """Say how many objects an envelope may have."""
    return _Rules.objects_per_envelope


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


def may_post(tx: Tx, partner: Partner) -> None:
    """Refuse a body of a partner that has nothing left of its day, before it is read. Raises ``TaxiiError`` 429."""
    if not _Rules.objects_per_day:
        return
    wait = limits.wait(tx, partner.name, "objects", limit=_Rules.objects_per_day, seconds=_DAY)
    if wait:
        raise access.too_many("The partner posts more objects a day than it may; nothing was taken", wait)


def charge(tx: Tx, partner: Partner, count: int) -> None:
    """Count objects that a partner posts against its day, in the transaction that keeps them.

    Raises ``TaxiiError`` 429.
    """
    if not _Rules.objects_per_day:
        return
    wait = limits.charge(tx, partner.name, "objects", count, limit=_Rules.objects_per_day, seconds=_DAY)
    if wait:
        raise access.too_many("The partner posts more objects a day than it may; nothing was taken", wait)
