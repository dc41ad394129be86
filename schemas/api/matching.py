"""Private matching: what a hub and a partner agree on, from the input of the function to the octets of a row.

The function is the verifiable one of RFC 9497. The hub never learns a value, and the partner learns nothing of the
values that it did not ask about.
"""

import hashlib
import re
import secrets
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas import timestamp
from schemas.api.lookup import Listing
from schemas.vocabulary import Action

SUITE = "ristretto255-SHA512"
MODE = "VOPRF"
# A proof is over so many elements at most.
CHUNK = 1_000
ELEMENT, PROOF = 32, 64
TAG, ROW_NAME, NONCE, PAYLOAD, SEAL = 8, 16, 12, 160, 16
ROW = ROW_NAME + NONCE + PAYLOAD + SEAL
EPOCH_SECONDS = 90 * 86_400
# The longest time for which a partner may act on a set.
FRESH_SECONDS = 86_400
# A bucket has so many rows at least, where the set has them.
LEAST_IN_BUCKET = 128

_DOMAIN = "scamfeed/match/1"
_KEY_ID = re.compile(r"[0-9]{1,9}(?:-(?P<generation>[0-9]{1,9}))?")


class MatchedHold(msgspec.Struct, frozen=True, array_like=True):
    """The amount of money to hold until a moment (seconds since the epoch); all of it where there is no amount."""

    amount: str | None
    currency: str | None
    until: int


class MatchedListing(msgspec.Struct, frozen=True, array_like=True):
    """The listing that a row tells of, as a JSON list in this order.

    ``id`` is the UUID of the indicator, empty where that could be computed from the value. ``valid_until`` is in
    seconds since the epoch, None without an end.
    """

    id: str
    grade: Action
    confidence: int | None
    valid_until: int | None
    tlp: str
    disputed: bool
    hold: MatchedHold | None = None


class MatchKey(msgspec.Struct, frozen=True, rename={"valid_from": "from"}):
    """A key of a collection: its name in URLs, its public key (hexadecimal), and from when until when it holds."""

    id: str
    public: str
    valid_from: str
    until: str


class MatchLimits(msgspec.Struct, frozen=True):
    """The number of evaluations that a partner may request: per request, per day, and those left today."""

    per_request: int
    per_day: int | None
    left: int | None


class MatchCollection(msgspec.Struct, frozen=True):
    """The set of a collection under its first key: how it is read, and until when it may be acted on."""

    suite: str
    mode: str
    keys: tuple[MatchKey, ...]
    version: int
    size: int
    bits: int
    row: int
    sha256: str
    issued: str
    expires: str
    limits: MatchLimits


class EvaluationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blinded elements, one after the other in Base64, to be evaluated with a key."""

    key: str
    blinded: str


class EvaluationAnswer(msgspec.Struct, frozen=True):
    """The evaluated elements in the same order, and a proof for each ``chunk`` of them, in Base64."""

    key: str
    chunk: int
    evaluated: str
    proofs: str
    left: int | None


class MatchOutput(NamedTuple):
    """The 64 octets that the function returns for a value."""

    octets: bytes

    @property
    def tag(self) -> bytes:
        """Return what the set has of the value."""
        return self.octets[:TAG]

    @property
    def row_name(self) -> bytes:
        """Return the name of the value's row."""
        return self.octets[:ROW_NAME]

    @property
    def row_key(self) -> bytes:
        """Return the key that the value's row is encrypted with."""
        return self.octets[32:]


class UnreadableRow(ValueError):
    """A row cannot be decrypted, or is none."""


def input_of(name: str) -> bytes:
    """Return the input of the function for a value, by the one name of all its forms (``kinds.name_of``)."""
    kind, _, normal = name.partition(":")
    return "\0".join((_DOMAIN, kind, normal)).encode()


# Input for deriving a public key that identifies a seed. No collection has such an id.
SEED_INFO = f"{_DOMAIN}|seed".encode()


def key_id(epoch: int, generation: int) -> str:
    """Return the name of a key: its epoch, and from the second seed of a hub on the generation of the seed."""
    return str(epoch) if generation == 1 else f"{epoch}-{generation}"


def generation_of(key: str) -> int | None:
    """Return the generation of the seed in the name of a key; None for a name in another form."""
    named = _KEY_ID.fullmatch(key)
    return None if named is None else int(named["generation"] or 1)


def key_info(collection: str, epoch: int) -> bytes:
    """Return what the key of a collection (by its id) is derived with, beside the seed."""
    return f"{_DOMAIN}|{collection}|{epoch}".encode()


def matched(listing: Listing) -> MatchedListing:
    """Return what a row tells of a listing."""
    uuid = listing.id.partition("--")[2]
    hold = listing.hold
    return MatchedListing(
        # An id derived from the value would reveal the value to a reader that tries all of them.
        uuid if uuid[14:15] == "4" else "",
        listing.grade,
        listing.confidence,
        None if listing.valid_until is None else _seconds(listing.valid_until),
        listing.tlp,
        listing.disputed,
        None if hold is None else MatchedHold(hold.amount, hold.currency, _seconds(hold.until)),
    )


def seal(output: MatchOutput, listing: MatchedListing) -> bytes:
    """Return the row of a value without its name, encrypted so that only readers that know the value can open it."""
    text = msgspec.json.encode(listing)
    if len(text) > PAYLOAD and listing.hold is not None:
        # Only an amount can be this long; without it the reader holds the same amount anyway.
        hold = MatchedHold(None, None, listing.hold.until)
        text = msgspec.json.encode(msgspec.structs.replace(listing, hold=hold))
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(output.row_key).encrypt(nonce, text.ljust(PAYLOAD), output.row_name)


def unseal(output: MatchOutput, sealed: bytes) -> MatchedListing:
    """Return what a row without its name tells. Raises ``UnreadableRow``."""
    try:
        text = AESGCM(output.row_key).decrypt(sealed[:NONCE], sealed[NONCE:], output.row_name)
        return msgspec.json.decode(text, type=MatchedListing)
    except (InvalidTag, ValueError) as error:
        raise UnreadableRow("a row of the set cannot be read") from error


def prefix_of(name: bytes, bits: int) -> str:
    """Return the bucket that a row is in: the first ``bits`` of its name as a number, in hexadecimal."""
    number = int.from_bytes(name[:4]) >> (32 - bits)
    return f"{number:0{digits_of(bits)}x}"


def digits_of(bits: int) -> int:
    """Return how many hexadecimal digits name a bucket."""
    return max(1, -(-bits // 4))


def is_current(listing: MatchedListing, at: datetime) -> bool:
    """Return whether a listing has not ended at that time."""
    return listing.valid_until is None or listing.valid_until > at.timestamp()


def _seconds(time: str) -> int:
    return int(timestamp.parse(time).timestamp())


_MOST_BITS = 24


class SortedTags:
    """Tags without repetition, as one octet string, by digest, and counted by bucket."""

    def __init__(self, tags: Iterable[bytes] = ()) -> None:
        """Hold ``tags``, which are in their order; of longer names the first octets."""
        self._tags = array("Q", (int.from_bytes(tag[:TAG]) for tag in tags))

    @classmethod
    def of_octets(cls, octets: bytes) -> Self:
        """Return the tags in an octet string. Raises ``ValueError`` where they are not in their order."""
        made = cls()
        made._tags.frombytes(octets)
        if sys.byteorder == "little":
            made._tags.byteswap()
        before = -1
        for tag in made._tags:
            if tag <= before:
                raise ValueError("the tags are not in their order")
            before = tag
        return made

    def __len__(self) -> int:
        """Return the number of tags."""
        return len(self._tags)

    def __contains__(self, tag: bytes) -> bool:
        """Return whether the tag is among them."""
        number = int.from_bytes(tag[:TAG])
        place = bisect_left(self._tags, number)
        return place < len(self._tags) and self._tags[place] == number

    def add(self, tag: bytes) -> None:
        """Add a tag; one that is there stays."""
        number = int.from_bytes(tag[:TAG])
        place = bisect_left(self._tags, number)
        if place == len(self._tags) or self._tags[place] != number:
            self._tags.insert(place, number)

    def discard(self, tag: bytes) -> None:
        """Remove a tag, where it is there."""
        number = int.from_bytes(tag[:TAG])
        place = bisect_left(self._tags, number)
        if place < len(self._tags) and self._tags[place] == number:
            del self._tags[place]

    def octets(self) -> bytes:
        """Return the tags one after the other."""
        tags = self._tags[:]
        if sys.byteorder == "little":
            tags.byteswap()
        return tags.tobytes()

    def digest(self) -> bytes:
        """Return the SHA-256 of ``octets``."""
        return hashlib.sha256(self.octets()).digest()

    def bits(self) -> int:
        """Return how many bits may name a bucket, so that each has rows enough."""
        bits = min(_MOST_BITS, max(0, (len(self._tags) // LEAST_IN_BUCKET).bit_length() - 1))
        while bits and self._smallest(bits) < LEAST_IN_BUCKET:
            bits -= 1
        return bits

    def _smallest(self, bits: int) -> int:
        """Return the number of tags in the smallest bucket."""
        shift = 8 * TAG - bits
        places = [bisect_left(self._tags, bucket << shift) for bucket in range(1 << bits)]
        return min(last - first for first, last in zip(places, [*places[1:], len(self._tags)], strict=True))
