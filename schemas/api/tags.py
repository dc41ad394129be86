"""Tags of private matching in their order, eight octets each in memory."""

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Self

from schemas.api.matching import LEAST_IN_BUCKET, TAG

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
