"""OpenID Connect: operators log in at their own organisation, which proves their identity and role."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from schemas.text import plain_address
from server.settings import Settings
from server.store.operators.users import OperatorRole

_SECONDS = 10
_KNOWN_SECONDS = 600
_LEEWAY = 60
# The maximum age in seconds of a login at the provider that counts as a fresh proof.
_AGAIN_SECONDS = 300
# Signatures by keys that the provider publishes; never by a shared secret, and never unsigned.
_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_NAMES = ("preferred_username", "email", "name", "sub")
_LONGEST_NAME = 60


class NotLoggedIn(Exception):
    """The provider refused the login, or its answer is not valid; the message gives the reason."""


class LoginFlow(NamedTuple):
    """The binding of one login to its browser, kept in a cookie until the person comes back."""

    state: str
    nonce: str
    verifier: str
    is_again: bool
    following: str

    def cookie(self) -> str:
        """Return this as the value of a cookie."""
        return ".".join(
            (self.state, self.nonce, self.verifier, str(int(self.is_again)), quote(self.following, safe=""))
        )

    @classmethod
    def read(cls, cookie: str) -> "LoginFlow | None":
        """Read the value of a cookie; None if it is malformed."""
        parts = cookie.split(".", 4)
        if len(parts) != len(cls._fields) or not all(parts[:3]):
            return None
        return cls(parts[0], parts[1], parts[2], parts[3] == "1", unquote(parts[4]))


class ProvenPerson(NamedTuple):
    """A person as the provider proves it: a subject that never changes, a name, and the role by the settings.

    ``email`` is the address that the provider has verified, or None.
    """

    subject: str
    name: str
    role: OperatorRole
    email: str | None


class OpenIdProvider:
    """The provider of the settings; its published metadata is read again every ten minutes."""

    def __init__(self, settings: Settings) -> None:
        """Use the provider that ``settings`` name."""
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._known: tuple[float, Mapping[str, Any], KeySet] | None = None
        self._reading = threading.Lock()

    @property
    def is_set(self) -> bool:
        """Return whether there is a provider."""
        return bool(self._issuer and self._settings.oidc_client_id)

    def start(self, back: str, following: str, *, is_again: bool) -> tuple[str, LoginFlow]:
        """Return the address of the login, and the binding of the login to this browser. Raises ``NotLoggedIn``."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = LoginFlow(state, nonce, verifier, is_again, following)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if is_again else {}),
        }
        endpoint = str(self._metadata()[0]["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", flow

    def finish(self, back: str, flow: LoginFlow | None, answer: Mapping[str, str]) -> ProvenPerson:
        """Return the person that the provider's answer proves. Raises ``NotLoggedIn``."""
        if flow is None or not hmac.compare_digest(flow.state.encode(), answer.get("state", "").encode()):
            raise NotLoggedIn("the answer belongs to no login of this browser")
        if "code" not in answer:
            raise NotLoggedIn("the provider refused")
        metadata, keys = self._metadata()
        claims = self._claims(self._id_token(str(metadata["token_endpoint"]), back, flow, answer["code"]), keys, flow)
        role = self._role(claims.get(self._settings.oidc_roles_claim))
        if role is None:
            raise NotLoggedIn("the provider names no role of this hub")
        name = next(str(claims[name]) for name in _NAMES if claims.get(name))
        shown = "".join(char for char in name if char.isprintable())[:_LONGEST_NAME].strip()
        return ProvenPerson(f"{self._issuer} {claims['sub']}", shown, role, _verified_address(claims))

    def _id_token(self, endpoint: str, back: str, flow: LoginFlow, code: str) -> str:
        secret = self._settings.oidc_client_secret.get_secret_value()
        with OAuth2Session(self._settings.oidc_client_id, secret, redirect_uri=back) as session:
            try:
                token = session.fetch_token(
                    endpoint, code=code, code_verifier=flow.verifier, timeout=_SECONDS, allow_redirects=False
                )
            except (requests.RequestException, AuthlibBaseError, ValueError) as error:
                raise NotLoggedIn(f"the provider gave no token: {type(error).__name__}") from error
        if not isinstance(token, Mapping) or not isinstance(token.get("id_token"), str):
            raise NotLoggedIn("the provider gave no ID token")
        return str(token["id_token"])

    def _claims(self, token: str, keys: KeySet, flow: LoginFlow) -> Mapping[str, Any]:
        client = self._settings.oidc_client_id
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": client},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": flow.nonce},
        )
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=list(_ALGORITHMS)).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            raise NotLoggedIn(f"the ID token does not hold: {type(error).__name__}") from error
        if not isinstance(claims["sub"], str) or claims.get("azp", client) != client:
            raise NotLoggedIn("the ID token is for somebody else")
        if flow.is_again and not self._is_recent(claims.get("auth_time")):
            raise NotLoggedIn("the provider did not ask the person again")
        return claims

    @staticmethod
    def _is_recent(moment: object) -> bool:
        return isinstance(moment, int) and moment > time.time() - _AGAIN_SECONDS

    def _role(self, given: object) -> OperatorRole | None:
        """Return the highest role that a word of the claim means."""
        words = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        found = {self._settings.oidc_roles[word] for word in words if word in self._settings.oidc_roles}
        return next((role for role in reversed(OperatorRole) if role in found), None)

    def _metadata(self) -> tuple[Mapping[str, Any], KeySet]:
        with self._reading:
            if self._known is None or self._known[0] < time.monotonic():
                document = self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                if document.get("issuer") != self._issuer:
                    raise NotLoggedIn("the provider calls itself otherwise than the settings")
                try:
                    keys = KeySet.import_key_set(self._read(str(document["jwks_uri"])))  # type: ignore[arg-type]
                    self._known = (time.monotonic() + _KNOWN_SECONDS, document, keys)
                except (JoseError, ValueError, KeyError) as error:
                    raise NotLoggedIn("the provider's keys cannot be read") from error
            return self._known[1:]

    @staticmethod
    def _read(address: str) -> Mapping[str, Any]:
        try:
            answer = requests.get(address, timeout=_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise NotLoggedIn(f"the provider cannot be reached: {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise NotLoggedIn("the provider's description is none")
        return found


def _verified_address(claims: Mapping[str, Any]) -> str | None:
    """Return the e-mail address that the provider has verified, or None."""
    given = claims.get("email")
    return plain_address(given) if claims.get("email_verified") is True and isinstance(given, str) else None
