"""Private keys in a hardware security module (HSM), by PKCS#11: they sign there, and cannot be read.

A key is named by a URI (RFC 7512) with the path of the module's library and of the file with the PIN:
``pkcs11:token=hub;object=signing?module-path=/usr/lib/libsofthsm2.so&pin-source=/etc/scamfeed/pin``.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.tlog.signatures import BadSigningKey
from server.release.key_files import BadKeyFile, read_secret

if TYPE_CHECKING:
    from pkcs11 import Session, Token

PREFIX = "pkcs11:"
_LONGEST_URI = 2_000
_TOKEN = {"token": "label", "serial": "serial", "manufacturer": "manufacturer_id", "model": "model"}
_OBJECT = {"object", "id", "type"}
_QUERY = {"module-path", "pin-source"}
_WRITTEN = re.compile(r"pkcs11:[!-~]+")
# The length of an Ed25519 point, and the header that a DER octet string puts before it.
_POINT, _DER = 32, b"\x04\x20"


class _Process:
    """The logins of this process: PKCS#11 has one for all its threads, and a token locks after some wrong PINs."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.refused: set[bytes] = set()


_PROCESS = _Process()


class HsmKey:
    """A key of Ed25519 in an HSM."""

    def __init__(self, uri: str, public: Ed25519PublicKey | None = None) -> None:
        """Use the key that a URI names; without ``public``, ask the HSM for its public key.

        Raises ``BadSigningKey``.
        """
        self.uri = uri
        self._path, self._query = _parsed(uri)
        self._public = public or self._read_public_key()

    def __repr__(self) -> str:
        """Return the name of the key."""
        return f"HsmKey({self._named()})"

    def public_key(self) -> Ed25519PublicKey:
        """Return the public key."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """Return the HSM's signature. Raises ``BadSigningKey`` if it does not respond, or has another key now."""
        with self._session() as session:
            from pkcs11 import Mechanism, ObjectClass

            key = self._key(session, ObjectClass.PRIVATE_KEY)
            signature = bytes(key.sign(data, mechanism=Mechanism.EDDSA))
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            raise BadSigningKey(f"{self._named()}: the HSM has another key of this name now") from None
        return signature

    def _read_public_key(self) -> Ed25519PublicKey:
        with self._session() as session:
            from pkcs11 import Attribute, KeyType, ObjectClass

            key = self._key(session, ObjectClass.PUBLIC_KEY)
            if key.key_type != KeyType.EC_EDWARDS:
                raise BadSigningKey(f"{self._named()}: a key of another kind; it must be one of Ed25519")
            point = bytes(key[Attribute.EC_POINT])
        if len(point) == _POINT + len(_DER) and point.startswith(_DER):
            point = point[len(_DER) :]
        if len(point) != _POINT:
            raise BadSigningKey(f"{self._named()}: a key of another kind; it must be one of Ed25519")
        return Ed25519PublicKey.from_public_bytes(point)

    def _key(self, session: "Session", kind: Any) -> Any:
        from pkcs11 import Attribute

        named = {Attribute.CLASS: kind}
        if "object" in self._path:
            named[Attribute.LABEL] = unquote(self._path["object"])
        if "id" in self._path:
            named[Attribute.ID] = unquote_to_bytes(self._path["id"])
        # The search has to end before the session does.
        found = list(session.get_objects(named))
        if not found:
            raise BadSigningKey(f"{self._named()}: the HSM has no such key")
        if len(found) > 1:
            raise BadSigningKey(f"{self._named()}: the HSM has several such keys; add the id of one: ;id=%01")
        return found[0]

    @contextmanager
    def _session(self) -> Iterator["Session"]:
        """Log in to the token for a moment. Raises ``BadSigningKey``."""
        try:
            # From an optional extra: only hubs with an HSM need it.
            from pkcs11 import PinIncorrect, PKCS11Error
        except ImportError:
            raise BadSigningKey("a key is in an HSM: pip install 'scamfeed[pkcs11]'") from None
        pin = self._pin()
        # Store only a digest of the PIN.
        tried = hashlib.sha256(f"{self.uri}\0{pin}".encode()).digest()
        with _PROCESS.lock:
            if tried in _PROCESS.refused:
                raise BadSigningKey(f"{self._named()}: the PIN was wrong; correct it, before the token is locked")
            try:
                with self._token().open(user_pin=pin) as session:
                    yield session
            except PinIncorrect:
                _PROCESS.refused.add(tried)
                raise BadSigningKey(f"{self._named()}: the PIN is wrong") from None
            except PKCS11Error as error:
                reason = str(error) or type(error).__name__
                raise BadSigningKey(f"{self._named()}: the HSM refuses: {reason}") from None

    def _token(self) -> "Token":
        from pkcs11 import lib

        wanted = {_TOKEN[name]: unquote(value) for name, value in self._path.items() if name in _TOKEN}
        found = [
            token
            for slot in lib(unquote(self._query["module-path"])).get_slots(token_present=True)
            for token in (slot.get_token(),)
            if all(_text(getattr(token, name)) == value for name, value in wanted.items())
        ]
        if len(found) != 1:
            raise BadSigningKey(f"{self._named()}: {len(found)} tokens of the HSM are as the URI says; name one")
        return found[0]

    def _pin(self) -> str:
        file = Path(unquote(self._query["pin-source"]).removeprefix("file:"))
        try:
            return read_secret(file, "; it has the PIN of the HSM", "utf-8").strip()
        except BadKeyFile as error:
            raise BadSigningKey(str(error)) from None

    def _named(self) -> str:
        return PREFIX + ";".join(f"{name}={value}" for name, value in self._path.items())


def _parsed(uri: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the attributes of the path and of the query of a URI. Raises ``BadSigningKey`` without its values."""
    if len(uri) > _LONGEST_URI or not _WRITTEN.fullmatch(uri):
        raise BadSigningKey("not a URI of PKCS#11: pkcs11:token=…;object=…?module-path=…&pin-source=…")
    written, _, asked = uri.removeprefix(PREFIX).partition("?")
    path, query = _attributes(written, ";", _TOKEN.keys() | _OBJECT), _attributes(asked, "&", _QUERY)
    if path.get("type", "private") != "private":
        raise BadSigningKey("a URI of PKCS#11: type: it must be private")
    if not path.keys() & {"object", "id"}:
        raise BadSigningKey("a URI of PKCS#11: it names no object or id")
    if missing := sorted(_QUERY - query.keys()):
        raise BadSigningKey(f"a URI of PKCS#11: it has no {missing[0]}")
    return path, query


def _attributes(text: str, separator: str, known: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, _, value = part.partition("=")
        if name == "pin-value":
            raise BadSigningKey("a URI of PKCS#11: no PIN may be in it; name the file that has it by pin-source")
        if name not in known or name in found or not value:
            allowed = ", ".join(sorted(known))
            raise BadSigningKey(f"a URI of PKCS#11: each of these may be in it once: {allowed}")
        found[name] = value
    return found


def _text(value: object) -> str:
    """Return an attribute of a token without its padding."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.rstrip("\0 ")
