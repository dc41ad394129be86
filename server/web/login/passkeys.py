"""Passkeys (WebAuthn) as a second factor: the challenge for a browser, and the check of its signature."""

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson
import webauthn
from flask import Request
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from server.store.operators.passkeys import Passkey
from server.store.operators.users import User

# A signature or a new passkey from a browser has some thousand characters.
LONGEST_ANSWER = 20_000
_LOCAL = "localhost"
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_REQUIRED = UserVerificationRequirement.REQUIRED
# The library raises these for malformed answers, besides its own errors.
_UNREADABLE = (WebAuthnException, ValueError, LookupError, TypeError, AttributeError, OverflowError)


class PasskeyFailed(ValueError):
    """An answer that does not prove a passkey: of another challenge, place or key, or without the person's consent."""


class RelyingParty(NamedTuple):
    """The name that passkeys of this hub are bound to, and the origin that its pages have."""

    id: str
    origin: str


class AskedSignature(NamedTuple):
    """The options for a browser as JSON, and the challenge in them that it has to sign."""

    options: str
    challenge: bytes


class NewPasskey(NamedTuple):
    """A passkey that was just made."""

    id: bytes
    public_key: bytes
    signatures: int


def relying_party(public_url: str, request: Request, *, is_local: bool) -> RelyingParty | None:
    """Return the name that passkeys are bound to: that of ``public_url``, or ``localhost`` on this machine.

    None where the hub has no name that a request could not choose.
    """
    if public_url:
        found = urlsplit(public_url)
        return None if _is_address(found.hostname or "") else RelyingParty(found.hostname or "", _origin(public_url))
    own = urlsplit(request.host_url)
    return RelyingParty(_LOCAL, _origin(request.host_url)) if is_local and own.hostname == _LOCAL else None


def ask_for_new(party: RelyingParty, title: str, user: User, known: Sequence[Passkey]) -> AskedSignature:
    """Return the options for a new passkey of a user, other than those that the user has."""
    chosen = AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_REQUIRED)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=title,
        user_name=user.name,
        user_id=user.id.encode(),
        authenticator_selection=chosen,
        exclude_credentials=_named(known),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return AskedSignature(webauthn.options_to_json(options), options.challenge)


def read_new(party: RelyingParty, challenge: bytes, answer: str) -> NewPasskey:
    """Return the passkey that a browser made. Raises ``PasskeyFailed``."""
    try:
        made = webauthn.verify_registration_response(
            credential=orjson.loads(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except _UNREADABLE as error:
        raise PasskeyFailed(type(error).__name__) from error
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)


def ask_for_signature(party: RelyingParty, known: Sequence[Passkey]) -> AskedSignature:
    """Return the options for a signature by one of the passkeys."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id, allow_credentials=_named(known), user_verification=_REQUIRED
    )
    return AskedSignature(webauthn.options_to_json(options), options.challenge)


def read_signature(party: RelyingParty, challenge: bytes, answer: str, known: Sequence[Passkey]) -> tuple[Passkey, int]:
    """Return the passkey that signed the challenge, and how often it has signed by now. Raises ``PasskeyFailed``."""
    try:
        given = parse_authentication_credential_json(orjson.loads(answer))
        key = next((key for key in known if key.id == given.raw_id), None)
        if key is None:
            raise PasskeyFailed("the passkey is not the user's")
        proven = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.signatures,
            require_user_verification=True,
        )
    except PasskeyFailed:
        raise
    except _UNREADABLE as error:
        raise PasskeyFailed(type(error).__name__) from error
    return key, proven.new_sign_count


def _named(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=key.id) for key in known]


def _origin(address: str) -> str:
    """Return the origin of an address as browsers write it: without the default port."""
    found = urlsplit(address)
    usual = {"https": 443, "http": 80}.get(found.scheme)
    host = (found.hostname or "").lower()
    return f"{found.scheme}://{host}" + ("" if found.port in (None, usual) else f":{found.port}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not host
    return True
