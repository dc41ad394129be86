"""Who asks, and what of the collections it may see."""

import base64
import math
from contextlib import ExitStack

from schemas.partner import LONGEST_NAME, Partner
from server.store import Tx, collections, partners, personal
from server.store.collections import Collection
from server.store.hot import NotAtAGlance
from server.taxii.brake import Brake
from server.taxii.errors import TaxiiError, unauthorized

# taxii2-client's TokenAuth says Token where RFC 6750 says Bearer.
_TOKEN_SCHEMES = frozenset(("bearer", "token"))
_brake = Brake()


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
    rights = partners.rights(tx, partner.name)
    return [_effective(one, *rights[one.id]) for one in collections.every(tx) if one.id in rights]


def find(tx: Tx, partner: Partner, id_or_alias: str) -> tuple[Collection, bool, bool]:
    """Find a collection with the partner's rights to it.

    Raises ``TaxiiError`` 404, for one that the partner may not know of exactly as for one that is not there.
    """
    if id_or_alias == "outcomes":
        own = personal.find(tx, partner.name, "outcomes")
        id_or_alias = own.id if own else ""
    found = partners.right(tx, partner.name, id_or_alias)
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
                raise NotAtAGlance
            wait = 0.0 if known else _brake.wait(remote, user)
            if wait:
                raise too_many("Too many wrong passwords came from this address", wait)
            if not turn.enter_context(_brake.turn()):
                raise TaxiiError(503, headers=(("Retry-After", "1"),))

        partner = partners.by_password(tx, user, password, slowly)
    if partner is None:
        _brake.failed(remote, user)
    return partner
