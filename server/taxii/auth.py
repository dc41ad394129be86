"""Who asks, and what of the collections it may see."""

import base64
import math
from contextlib import ExitStack

from schemas.partner import LONGEST_NAME, Partner
from server import observe
from server.store import Store, Tx, collections, partners, private_collections, quotas
from server.store.collections import Collection
from server.store.fast_reads import NotFast
from server.taxii.errors import TaxiiError, unauthorized
from server.taxii.limits import MOST_OBJECTS
from server.taxii.login_throttle import LoginThrottle

# taxii2-client's TokenAuth says Token where RFC 6750 says Bearer.
_TOKEN_SCHEMES = frozenset(("bearer", "token"))
_brake = LoginThrottle()


def identify(
    tx: Tx, authorization: str | None, certificate: bytes | None = None, remote: str = "", *, at_a_glance: bool = False
) -> Partner:
    """Find the partner that an Authorization header, a verified client certificate (DER) or both prove.

    A certificate that is registered for nobody proves nothing. Raises ``TaxiiError`` 401, also where the two prove
    different partners, 429 for too many wrong passwords from ``remote``, and ``NotAtAGlance`` where a password is
    new and there is no time to verify it.
    """
    certified = partners.by_certificate(tx, certificate) if certificate else None
    if authorization is None and certified is not None:
        return certified
    scheme, _, given = (authorization or "").strip().partition(" ")
    partner = None
    if scheme.lower() == "basic":
        partner = _by_basic(tx, given.strip(), remote, at_a_glance)
    elif scheme.lower() in _TOKEN_SCHEMES and given.strip():
        partner = partners.by_token(tx, given.strip())
    if partner is None or (certified is not None and certified.name != partner.name):
        raise unauthorized()
    return partner


def too_many(description: str, seconds: float) -> TaxiiError:
    """Ask a partner to come again after some seconds."""
    return TaxiiError(429, f"{description}.", (("Retry-After", str(max(1, math.ceil(seconds)))),))


def visible(tx: Tx, partner: Partner) -> list[tuple[Collection, bool, bool]]:
    """List the collections that the partner may know of, each with whether it may read and may write it."""
    rights = collections.rights(tx, partner.name)
    return [_effective(one, *rights[one.id]) for one in collections.all_collections(tx) if one.id in rights]


def find(tx: Tx, partner: Partner, id_or_alias: str) -> tuple[Collection, bool, bool]:
    """Find a collection with the partner's rights to it.

    Raises ``TaxiiError`` 404, for one that the partner may not know of exactly as for one that is not there.
    """
    if id_or_alias == "outcomes":
        own = private_collections.find(tx, partner.name, "outcomes")
        id_or_alias = own.id if own else ""
    found = collections.right(tx, partner.name, id_or_alias)
    if found is None:
        raise TaxiiError(404)
    return _effective(*found)


def readable(tx: Tx, partner: Partner, id_or_alias: str) -> Collection:
    """Find a collection that the partner may read. Raises ``TaxiiError`` 404 or 403."""
    collection, can_read, _ = find(tx, partner, id_or_alias)
    if not can_read:
        raise TaxiiError(403, "The partner may write to this collection, but not read it.")
    return collection


def writable(tx: Tx, partner: Partner, id_or_alias: str) -> Collection:
    """Find a collection that the partner may write to. Raises ``TaxiiError`` 404 or 403."""
    collection, _, can_write = find(tx, partner, id_or_alias)
    if not can_write:
        raise TaxiiError(403, "The partner may read this collection, but not write to it.")
    return collection


def _effective(collection: Collection, can_read: bool, can_write: bool) -> tuple[Collection, bool, bool]:
    """Say what rights come to: a released collection is filled by the release rules, whoever was granted what."""
    return collection, can_read, can_write and not collection.by_the_rules


def _by_basic(tx: Tx, given: str, remote: str, at_a_glance: bool) -> Partner | None:
    try:
        user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return None
    if not colon or not user or "\x00" in user:
        return None
    if len(user) > LONGEST_NAME:
        # Nobody is called so; what is remembered of those who guess has to have an end.
        _brake.failed(remote, "")
        return None
    with ExitStack() as turn:

        def slowly(known: bool) -> None:
            if at_a_glance:
                raise NotFast
            wait = 0.0 if known else _brake.wait(remote, user)
            if wait:
                raise too_many("Too many wrong passwords came from this address", wait)
            if not turn.enter_context(_brake.turn()):
                raise TaxiiError(503, headers=(("Retry-After", "1"),))

        partner = partners.by_password(tx, user, password, slowly)
    if partner is None:
        _brake.failed(remote, user)
    return partner


_MINUTE = 60
_DAY = 24 * 60 * 60


class _Rules:
    """What this process lets partners use; one process serves one hub."""

    requests = quotas.RequestMeter("requests", 0, _MINUTE)
    objects_per_day = 0
    objects_per_envelope = MOST_OBJECTS


def limit(*, requests_per_minute: int, objects_per_day: int, objects_per_envelope: int = MOST_OBJECTS) -> None:
    """Let each partner ask and post so much, over all processes and nodes; 0 is no limit.

    ``objects_per_envelope`` is what one request may bring at most.
    """
    _Rules.requests = quotas.RequestMeter("requests", requests_per_minute, _MINUTE)
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
        partner = identify(tx, authorization, certificate, remote, at_a_glance=store.at_a_glance)
    return again(store, partner)


def again(store: Store, partner: Partner) -> Partner:
    """Count another request of a partner that is known. Raises ``TaxiiError`` 429."""
    wait = _Rules.requests.spend(store, partner.name)
    if wait:
        raise too_many("The partner asks more often than it may", wait)
    return partner


def may_post(tx: Tx, partner: Partner) -> None:
    """Refuse a body of a partner that has nothing left of its day, before it is read. Raises ``TaxiiError`` 429."""
    if not _Rules.objects_per_day:
        return
    wait = quotas.wait(tx, partner.name, "objects", limit=_Rules.objects_per_day, seconds=_DAY)
    if wait:
        raise too_many("The partner posts more objects a day than it may; nothing was taken", wait)


def charge(tx: Tx, partner: Partner, count: int) -> None:
    """Count objects that a partner posts against its day, in the transaction that keeps them.

    Raises ``TaxiiError`` 429.
    """
    if not _Rules.objects_per_day:
        return
    wait = quotas.charge(tx, partner.name, "objects", count, limit=_Rules.objects_per_day, seconds=_DAY)
    if wait:
        raise too_many("The partner posts more objects a day than it may; nothing was taken", wait)
