"""Authentication of partners, and their rights to collections."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from schemas.partner import LONGEST_NAME, Partner
from server.store import Store, Tx, collections, partners
from server.store.collections import Collection
from server.store.credentials import PasswordVerifier, UsedLogin, hash_token
from server.store.objects.fast_reads import NotFast, remembered
from server.store.partners import VerifiedLogin
from server.taxii.errors import TaxiiError, retry_later, unauthorized
from server.taxii.limits import PartnerQuotas
from server.taxii.login_throttle import LoginThrottle
from server.taxii.negotiation import accepts_taxii
from server.taxii.proxies import TrustedProxies

# taxii2-client's TokenAuth says Token where RFC 6750 says Bearer.
_TOKEN_SCHEMES = frozenset(("bearer", "token"))


class ProvenLogin(NamedTuple):
    """The partner that a request proves, and by which of its credentials."""

    partner: Partner
    login: UsedLogin


class Authenticator:
    """Finds the partner that a request comes from, and counts its requests."""

    def __init__(
        self,
        proxies: TrustedProxies,
        quotas: PartnerQuotas,
        throttle: LoginThrottle | None = None,
        passwords: PasswordVerifier | None = None,
        note_login: Callable[[VerifiedLogin], None] = lambda login: None,
    ) -> None:
        """Believe ``proxies``, count against ``quotas``, and slow down who guesses passwords.

        ``note_login`` is told of each password that was verified slowly and was right.
        """
        self.proxies = proxies
        self.quotas = quotas
        self.throttle = throttle or LoginThrottle()
        self._passwords = passwords or PasswordVerifier()
        self._note_login = note_login

    def authenticate(
        self, store: Store, environ: dict[str, Any], accepts: Callable[[str | None], bool] = accepts_taxii
    ) -> ProvenLogin:
        """Return the partner that a request proves, and count the request.

        Raises ``TaxiiError`` 401, 429, or 406 for who does not take what is sent here, by ``accepts``.
        """
        proven = self._proven(store, environ)
        self.quotas.count_request(store, proven.partner.name)
        _check_accept(environ, accepts)
        return proven

    def recognise(self, store: Store, environ: dict[str, Any]) -> ProvenLogin:
        """Return the partner that a request proves, as ``authenticate``, and count nothing. Raises ``TaxiiError``."""
        proven = self._proven(store, environ)
        _check_accept(environ)
        return proven

    def _proven(self, store: Store, environ: dict[str, Any]) -> ProvenLogin:
        certificate, remote = self.proxies.certificate(environ), self.proxies.remote(environ)
        with store.read() as tx:
            return self.identify(tx, environ.get("HTTP_AUTHORIZATION"), certificate, remote, is_fast=store.is_fast)

    def identify(
        self,
        tx: Tx,
        authorization: str | None,
        certificate: bytes | None = None,
        remote: str = "",
        *,
        is_fast: bool = False,
    ) -> ProvenLogin:
        """Return the partner that an Authorization header, a verified client certificate (DER) or both prove.

        A certificate that is registered for nobody proves nothing. Raises ``TaxiiError`` 401, also where the two prove
        different partners, 429 for too many wrong passwords from ``remote``, and ``NotFast`` where a password is
        new and there is no time to verify it.
        """
        certified = partners.by_certificate(tx, certificate) if certificate else None
        if authorization is None and certified is not None:
            return ProvenLogin(certified, UsedLogin("certificate", hashlib.sha256(certificate or b"").digest()))
        scheme, _, given = (authorization or "").strip().partition(" ")
        proven = None
        if scheme.lower() == "basic":
            proven = self._by_password(tx, given.strip(), remote, is_fast)
        elif scheme.lower() in _TOKEN_SCHEMES and given.strip():
            proven = _by_token(tx, given.strip())
        if proven is None or (certified is not None and certified.name != proven.partner.name):
            raise unauthorized()
        return proven

    def _by_password(self, tx: Tx, given: str, remote: str, is_fast: bool) -> ProvenLogin | None:
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        if not colon or not user or "\x00" in user:
            return None
        if len(user) > LONGEST_NAME:
            # Nobody has such a name; what is remembered of those who guess has to have an end.
            self.throttle.failed(remote, "")
            return None
        with ExitStack() as turn:

            def before_hashing(known: bool) -> None:
                if is_fast:
                    raise NotFast
                wait = 0.0 if known else self.throttle.wait(remote, user)
                if wait:
                    raise retry_later("too-many-passwords", wait)
                if not turn.enter_context(self.throttle.turn()):
                    raise retry_later("busy", 1)

            found: list[bytes] = []
            partner = partners.by_password(
                tx, user, password, self._passwords, before_hashing, self._note_login, found.append
            )
        if partner is None:
            self.throttle.failed(remote, user)
            return None
        return ProvenLogin(partner, UsedLogin("password", found[0]))


def _by_token(tx: Tx, token: str) -> ProvenLogin | None:
    # By its hash, as no token is kept in memory.
    hashed = hash_token(token)
    partner = remembered(tx, ("token", hashed), lambda: partners.by_token(tx, token))
    return None if partner is None else ProvenLogin(partner, UsedLogin("token", hashed))


def _check_accept(environ: dict[str, Any], accepts: Callable[[str | None], bool] = accepts_taxii) -> None:
    """Refuse a client that does not take what is sent here. Raises ``TaxiiError`` 406."""
    if not accepts(environ.get("HTTP_ACCEPT")):
        raise TaxiiError("not-acceptable")


class Rights(NamedTuple):
    """A collection that a partner may know of, and whether it may read and write it."""

    collection: Collection
    can_read: bool
    can_write: bool


def visible(tx: Tx, partner: Partner) -> list[Rights]:
    """List the collections that the partner may know of."""
    rights = collections.rights(tx, partner.name)
    return [_effective(found, *rights[found.id]) for found in collections.all_collections(tx) if found.id in rights]


def find(tx: Tx, partner: Partner, id_or_alias: str) -> Rights:
    """Return a collection with the partner's rights to it.

    Raises ``TaxiiError`` 404, for one that the partner may not know of exactly as for one that is not there.
    """
    if id_or_alias == "outcomes":
        own = collections.find_private(tx, partner.name, "outcomes")
        id_or_alias = own.id if own else ""
    found = remembered(
        tx, ("right", partner.name, id_or_alias), lambda: collections.right(tx, partner.name, id_or_alias)
    )
    if found is None:
        raise TaxiiError("not-found")
    return _effective(*found)


def readable(tx: Tx, partner: Partner, id_or_alias: str) -> Collection:
    """Return a collection that the partner may read. Raises ``TaxiiError`` 404 or 403."""
    rights = find(tx, partner, id_or_alias)
    if not rights.can_read:
        raise TaxiiError("may-not-read")
    return rights.collection


def writable(tx: Tx, partner: Partner, id_or_alias: str) -> Collection:
    """Return a collection that the partner may write to. Raises ``TaxiiError`` 404 or 403."""
    rights = find(tx, partner, id_or_alias)
    if not rights.can_write:
        raise TaxiiError("may-not-write")
    return rights.collection


def _effective(collection: Collection, can_read: bool, can_write: bool) -> Rights:
    """Return the rights that hold: a released collection is filled by the release rules, whoever was granted what."""
    return Rights(collection, can_read, can_write and not collection.filled_by_release)
