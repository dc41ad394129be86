"""The comparison of members between two hubs: each learns only the members that both have."""

from collections.abc import Iterable

import msgspec

# Members, and proofs of links, that a hub compares at once.
MOST_INPUTS = 1_000
# Inputs that a peer may send a day: somebody who tries all numbers of banks needs days, and is seen.
PER_DAY = 2_000

_DOMAIN = "scamfeed/overlap/1"


class OverlapRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blinded inputs of the asking hub, one after the other in Base64."""

    blinded: str


class OverlapAnswer(msgspec.Struct, frozen=True):
    """The evaluated inputs with their proof, and the tags of the answering hub's members, all in Base64.

    ``public`` is the public key of this answer alone, in hexadecimal.
    """

    public: str
    evaluated: str
    proof: str
    tags: str


class CommonMembers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The members that the asking hub found in common: their numbers, and the proofs of their links."""

    numbers: list[str]
    links: list[str]


def number_input(number: str) -> bytes:
    """Return the input of a member's number."""
    return _input("number", number)


def link_input(proof: str) -> bytes:
    """Return the input of the proof of a link."""
    return _input("link", proof)


def unique_tags(tags: Iterable[bytes]) -> bytes:
    """Return tags in an order that reveals nothing about their members."""
    return b"".join(sorted(set(tags)))


def _input(*parts: str) -> bytes:
    return "\\0".join((_DOMAIN, *parts)).encode()
