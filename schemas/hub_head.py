"""Heads: the signed summary of one stream of hub reports, which shows whether a copy of the stream is complete."""

from collections.abc import Iterable
from typing import Annotated, Any, NamedTuple

import msgspec
import orjson
from msgspec import Meta, Struct

from schemas.errors import Rejected
from schemas.hub_report import (
    LARGEST_NUMBER,
    KeyRef,
    Moment,
    Signature,
    StreamName,
    check_signature,
    key_ref,
    signature_text,
)
from schemas.tlog import BadFormat, BadProof
from schemas.tlog.entries import DIGEST_MODULUS, canonical, canonical_of, digest_part, digest_text
from schemas.tlog.notes import NoteSigner, VerifierKey

LONGEST_HEAD = 8 * 1024
_LINE = "scamfeed hub head v1"
_NEXT_LINE = "scamfeed hub next key v1"

_PublicKey = Annotated[str, Meta(pattern=r"^[^+\s]{1,300}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$")]


class HubHead(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A head. ``origin`` is the hub's identity, ``reports`` the count and ``digest`` the digest of its set.

    ``every`` is the promised interval of heads in seconds. ``ends`` is when the hub closes. ``next_key`` replaces the
    key ``next_by``; ``next_signature`` is by that key, and ``next_proof`` by the recovery key of earlier heads.
    """

    origin: Annotated[str, Meta(pattern="^identity--[0-9a-f-]{36}$")]
    stream: StreamName
    number: Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)]
    reports: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    at: Moment
    every: Annotated[int, Meta(ge=1, le=31_536_000)]
    ends: Moment | None = None
    recovery_key: _PublicKey | None = None
    next_key: _PublicKey | None = None
    next_by: _PublicKey | None = None
    next_signature: Signature | None = None
    next_proof: Signature | None = None
    key: KeyRef = ""
    signature: Signature = ""

    def sign(self, key: NoteSigner) -> bytes:
        """Return the head with the key's signature, in canonical form. Raises ``BadSigningKey``."""
        head = msgspec.structs.replace(self, key=key_ref(key.verifier), signature="")
        signature = signature_text(key, signed_text(msgspec.to_builtins(head)))
        return canonical_of(msgspec.to_builtins(msgspec.structs.replace(head, signature=signature)))

    def confirms_next(self, known: VerifierKey, recovery: VerifierKey | None) -> VerifierKey | None:
        """Return the key that follows the ``known`` one, if that key and the ``recovery`` key signed it; else None."""
        if self.next_key is None or self.next_by != str(known) or not self.next_signature or not self.next_proof:
            return None
        try:
            following = VerifierKey.parse(self.next_key)
            text = next_text(known, following)
            check_signature(known, known.name, known.id.hex(), text, self.next_signature)
            if recovery is None or following.name != known.name:
                return None
            check_signature(recovery, recovery.name, recovery.id.hex(), text, self.next_proof)
        except (BadFormat, BadProof):
            return None
        return following


class SignedHubHead(NamedTuple):
    """A head as read: well formed, with a signature that is still to be verified. ``body`` is the canonical form."""

    head: HubHead
    origin: str
    key_id: str
    body: bytes

    def verify(self, key: VerifierKey) -> None:
        """Check that this key signed it. Raises ``BadProof``."""
        check_signature(key, self.origin, self.key_id, signed_text(orjson.loads(self.body)), self.head.signature)


_head = msgspec.json.Decoder(HubHead)


def read_head(body: bytes) -> SignedHubHead:
    """Read a head of any hub; unknown properties are ignored, but signed. Raises ``Rejected``."""
    try:
        if len(body) > LONGEST_HEAD:
            raise BadFormat("too long")
        body = canonical(body)
        head = _head.decode(body)
    except (BadFormat, msgspec.MsgspecError, ValueError) as error:
        raise Rejected("hub-head-form", "not a head: a property is missing or of another form") from error
    if not head.key or not head.signature:
        raise Rejected("hub-head-form", "not a head: it is not signed")
    origin, _, key_id = head.key.rpartition("+")
    return SignedHubHead(head, origin, key_id, body)


def signed_text(head: dict[str, Any]) -> str:
    """Return the text that the origin signs: a line that names the format, and the head without its signature."""
    unsigned = {name: value for name, value in head.items() if name != "signature"}
    return f"{_LINE}\n{canonical_of(unsigned).decode()}"


def next_text(known: VerifierKey, following: VerifierKey) -> str:
    """Return the text that the known key, and the recovery key, sign to announce the next key."""
    return f"{_NEXT_LINE}\n{known}\n{following}\n"


def set_digest(reports: Iterable[tuple[str, int]]) -> str:
    """Return the digest of a set of hub reports, by id and number, in any order."""
    return digest_text(sum(digest_part(id_, str(number)) for id_, number in reports) % DIGEST_MODULUS)
