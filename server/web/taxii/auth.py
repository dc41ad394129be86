"""Authentication of partners, and their rights to collections."""

import base64
import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from schemas.partner import LONGEST_NAME, Partner
from server.store import Store, StoreUnavailable, Tx, collections, partners
from server.store.collections import Collection
from server.store.credentials import PasswordVerifier, UsedLogin, hash_token
from server.store.objects.fast_reads import NotFast, remembered
from server.store.partners import VerifiedLogin
from server.web.taxii.errors import TaxiiError, retry_later, unauthorized
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.login_throttle import LoginThrottle
from server.web.taxii.negotiation import accepts_taxii
from server.web.taxii.proxies import TrustedProxies

log = logging.getLogger(__name__)

# A partner that logs in repeatedly has one entry. Beyond this limit, other processes verify for themselves.
_WAITING_AT_MOST = 1_000
# taxii2-client's TokenAuth sends Token, while RFC 6750 says Bearer.
_TOKEN_SCHEMES = frozenset(("bearer", "token"))


class ProvenLogin(NamedTuple):
    """The authenticated partner of a request, and the credential that it used."""

    partner: Partner
    login: UsedLogin


class UncountedPassword(Exception):
    """A password must be counted before it is verified, or ``was_wrong`` and must be counted now.

    Counting needs its own connection. Release the current one before waiting for it.
    """

    def __init__(self, user: str, *, was_wrong: bool = False) -> None:
        """Name the user that the password counts for."""
        super().__init__(user)
        self.user = user
        self.was_wrong = was_wrong


class Authenticator:
    """Authenticates the partner of a request, and counts its requests."""

    def __init__(
        self,
        proxies: TrustedProxies,
        quotas: PartnerQuotas,
        throttle: LoginThrottle | None = None,
        passwords: PasswordVerifier | None = None,
        note_login: Callable[[VerifiedLogin], None] = lambda login: None,
    ) -> None:
        """Trust ``proxies``, count against ``quotas``, and throttle password guessing.

        ``note_login`` receives each correct password after its slow verification.
        """
        self.proxies = proxies
        self.quotas = quotas
        self.throttle = throttle or LoginThrottle()
        self._passwords = passwords or PasswordVerifier()
        self._note_login = note_login

    def authenticate(
        self, store: Store, environ: dict[str, Any], accepts: Callable[[str | None], bool] = accepts_taxii
    ) -> ProvenLogin:
        """Return the authenticated partner, and count the request.

        Raises ``TaxiiError`` 401, 429, or, if ``accepts`` rejects the Accept header, 406.
        """
        proven = self._proven(store, environ)
        self.quotas.count_request(store, proven.partner.counts_as)
        _check_accept(environ, accepts)
        return proven

    def is_tried(self, store: Store, environ: dict[str, Any]) -> bool:
        """Return whether a request is to be proven: it has a password, a token, or a registered certificate."""
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if given.strip() and scheme.lower() in ("basic", *_TOKEN_SCHEMES):
            return True
        certificate = self.proxies.certificate(environ)
        if certificate is None:
            return False
        with store.glance() as tx:
            return partners.by_certificate(tx, certificate) is not None

    def recognise(self, store: Store, environ: dict[str, Any]) -> ProvenLogin:
        """Return the authenticated partner like ``authenticate``, without counting. Raises ``TaxiiError``."""
        proven = self._proven(store, environ)
        _check_accept(environ)
        return proven

    def _proven(self, store: Store, environ: dict[str, Any]) -> ProvenLogin:
        given = environ.get("HTTP_AUTHORIZATION"), self.proxies.certificate(environ)
        try:
            with store.glance() as tx:
                return self.identify(tx, *given, is_fast=store.is_fast)
        except UncountedPassword as uncounted:
            asked = uncounted
        remote = self.proxies.remote(environ)
        wait = self.throttle.take(remote, asked.user)
        if asked.was_wrong:
            raise unauthorized()
        if wait:
            raise retry_later("too-many-passwords", wait)
        try:
            with store.glance() as tx:
                proven = self.identify(tx, *given, is_counted=True)
        except TaxiiError as error:
            if error.code == "busy":
                self.throttle.give_back(remote, asked.user, was_right=False)
            raise
        self.throttle.give_back(remote, asked.user)
        return proven

    def identify(
        self,
        tx: Tx,
        authorization: str | None,
        certificate: bytes | None = None,
        *,
        is_fast: bool = False,
        is_counted: bool = False,
    ) -> ProvenLogin:
        """Return the partner proven by an Authorization header, a verified client certificate (DER) or both.

        A certificate that is not registered proves nothing. Raises ``TaxiiError`` 401, also if the two prove different
        partners. Raises ``UncountedPassword`` unless it ``is_counted``, and ``NotFast`` for a new password without time
        to verify it.
        """
        certified = partners.by_certificate(tx, certificate) if certificate else None
        if authorization is None and certified is not None:
            return ProvenLogin(certified, UsedLogin("certificate", hashlib.sha256(certificate or b"").digest()))
        scheme, _, given = (authorization or "").strip().partition(" ")
        proven = None
        if scheme.lower() == "basic":
            proven = self._by_password(tx, given.strip(), is_fast=is_fast, is_counted=is_counted)
        elif scheme.lower() in _TOKEN_SCHEMES and given.strip():
            proven = _by_token(tx, given.strip())
        if proven is None or (certified is not None and certified.name != proven.partner.name):
            raise unauthorized()
        return proven

    def _by_password(self, tx: Tx, given: str, *, is_fast: bool, is_counted: bool) -> ProvenLogin | None:
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        if not colon or not user or "\x00" in user:
            return None
        # No user has a longer name. The memory for guessed names must be limited.
        counted_for = user if len(user) <= LONGEST_NAME else ""
        with ExitStack() as turn:

            def before_hashing(is_likely: bool) -> None:
                if is_fast:
                    raise NotFast
                if not (is_likely or is_counted):
                    raise UncountedPassword(counted_for)
                if not turn.enter_context(self.throttle.turn()):
                    raise retry_later("busy", 1)

            found: list[bytes] = []
            partner = partners.by_password(
                tx, user, password, self._passwords, before_hashing, self._note_login, found.append
            )
        if partner is None:
            if not is_counted:
                raise UncountedPassword(counted_for, was_wrong=True)
            return None
        return ProvenLogin(partner, UsedLogin("password", found[0]))


def _by_token(tx: Tx, token: str) -> ProvenLogin | None:
    # By its hash, because no token is kept in memory.
    hashed = hash_token(token)
    partner = remembered(tx, ("token", hashed), lambda: partners.by_token(tx, token))
    return None if partner is None else ProvenLogin(partner, UsedLogin("token", hashed))


def _check_accept(environ: dict[str, Any], accepts: Callable[[str | None], bool] = accepts_taxii) -> None:
    """Reject a client that does not accept the response format. Raises ``TaxiiError`` 406."""
    if not accepts(environ.get("HTTP_ACCEPT")):
        raise TaxiiError("not-acceptable")


class Rights(NamedTuple):
    """A collection that a partner may see, and whether it may read and write it."""

    collection: Collection
    can_read: bool
    can_write: bool


def visible(tx: Tx, partner: Partner) -> list[Rights]:
    """Return the collections that the partner may see."""
    rights = collections.rights(tx, partner.name)
    return [_effective(found, *rights[found.id]) for found in collections.all_collections(tx) if found.id in rights]


def find(tx: Tx, partner: Partner, id_or_alias: str) -> Rights:
    """Return a collection with the partner's rights to it.

    Raises the same ``TaxiiError`` 404 for a hidden and for a missing collection.
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


def inbox_check(quotas: PartnerQuotas, partner: Partner, objects: int) -> Callable[[Tx], None]:
    """Return a check that ``partner`` may write to the inbox, and may send this many objects today.

    It runs in the transaction that stores the objects, and counts them there. It raises ``TaxiiError``.
    """

    def check(tx: Tx) -> None:
        writable(tx, partner, "inbox")
        quotas.charge_objects(tx, partner.counts_as, objects)

    return check


def _effective(collection: Collection, can_read: bool, can_write: bool) -> Rights:
    """Return the effective rights: only the release rules write to a released collection, regardless of grants."""
    return Rights(collection, can_read, can_write and not collection.filled_by_release)


class VerifiedLogins:
    """Stores verified passwords, as keyed digests, in a separate thread, so that no request waits."""

    def __init__(self, store: Store) -> None:
        """Write to ``store``."""
        self._store = store
        self._waiting: dict[bytes, VerifiedLogin] = {}
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, login: VerifiedLogin) -> None:
        """Store a verified password soon."""
        with self._changing:
            if len(self._waiting) >= _WAITING_AT_MOST:
                return
            self._waiting[login.digest] = login
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="verified-logins", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Wait until each noted password is stored or lost."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changing:
                logins, self._waiting = [*self._waiting.values()], {}
                if not logins:
                    self._thread = None
                    return
            try:
                partners.remember_logins_in_passing(self._store, logins)
            except StoreUnavailable as error:
                # The other processes verify the password for themselves.
                log.warning("verified-logins-lost logins=%s reason=%s", len(logins), error)
            except Exception:  # no request waits for it, and the next password starts a new thread
                log.exception("verified-logins-failure")
