"""The second factor: codes by time (TOTP, RFC 6238), their secrets encrypted, each code good once."""

import hmac
import secrets
import time

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from markupsafe import Markup

from server.settings import Settings
from server.store.database.engine import Tx
from server.store.hub_identity import secret
from server.store.operators.users import User
from server.web.shell import qr_codes

_STEP_SECONDS = 30
_NONCE_BYTES = 12
# Wrong codes at once; the next waits half a minute, and each after that twice as long, an hour at most.
_FREE_CODES = 5
_FIRST_WAIT, _LONGEST_WAIT = 30, 3_600
_MICROSECONDS = 1_000_000


def new_secret() -> str:
    """Make the secret of a second factor."""
    return pyotp.random_base32()


def encrypt(tx: Tx, settings: Settings, plain: str) -> bytes:
    """Encrypt a secret with the hub's own secret, and with the setting ``console_key`` if it is set."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(tx, settings)).encrypt(nonce, plain.encode(), None)


def decrypt(tx: Tx, settings: Settings, encrypted: bytes) -> str | None:
    """Return a secret, or None if it was encrypted with another key."""
    nonce, sealed = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
    try:
        return AESGCM(_key(tx, settings)).decrypt(nonce, sealed, None).decode()
    except InvalidTag:
        return None


def step_of(plain: str, code: str) -> int | None:
    """Return the time step of a code: the present one, the one before or after; None for a wrong code."""
    digits = "".join(code.split())
    now = int(time.time()) // _STEP_SECONDS
    codes = pyotp.TOTP(plain)
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(codes.at(step * _STEP_SECONDS).encode(), digits.encode()):
            return step
    return None


def wait_of(user: User, moment: int) -> int:
    """Return the seconds until another code of this user is checked, after the right password."""
    beyond = user.wrong_codes - _FREE_CODES
    if beyond < 0:
        return 0
    wait = min(_FIRST_WAIT << min(beyond, 10), _LONGEST_WAIT)
    return max(0, wait - (moment - user.wrong_code_at) // _MICROSECONDS)


def picture(plain: str, name: str, issuer: str) -> Markup:
    """Return the QR code that apps read, as SVG."""
    address = pyotp.TOTP(plain).provisioning_uri(name=name, issuer_name=issuer.replace(":", " "))
    return qr_codes.svg(address)


def _key(tx: Tx, settings: Settings) -> bytes:
    return hmac.digest(secret(tx, "second-factors"), settings.console_key.get_secret_value().encode(), "sha256")
