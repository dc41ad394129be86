"""The audit trail as a file: JSON lines that anybody can check without the hub.

The first line names the format and the fields of an entry. Then each chain: where it begins, its entries in order, and
where it ends. The last line is signed: the ends of all chains. The hash of an entry is the SHA-256 of the hash before
it and of the JSON ``[chain,number,field,field,…]``, in UTF-8 without blanks.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.tlog.signatures import BadSignature, verified

FORMAT = "scamfeed-audit/1"
HEADS = "scamfeed-audit-heads/1"
# Of a line, in bytes; the signed one has the end of each chain.
LONGEST_LINE = 16 * 1024 * 1024
_MOST_CHAINS = 100_000


class BadTrail(ValueError):
    """A file is no exported audit trail."""


class ChainHead(NamedTuple):
    """The last entry of a chain: its number and its hash, in hexadecimal digits."""

    number: int
    hash: str


class CheckedTrail(NamedTuple):
    """The findings in a file: its entries, the ends of chains, faults, and the trusted keys that signed the ends."""

    entries: int
    heads: dict[str, ChainHead]
    broken: list[tuple[str, int]]
    signed_by: list[str]
    fault: str | None


def sealed(before: bytes, chain: str, number: int, values: Sequence[Any]) -> bytes:
    """Return the hash of an entry that comes after the one with the hash ``before``."""
    return hashlib.sha256(before + orjson.dumps([chain, number, *values])).digest()


def heads_statement(hub: str, made: str, heads: Mapping[str, ChainHead]) -> dict[str, Any]:
    """Return the statement of the ends of all chains, which the hub signs."""
    return {"type": HEADS, "hub": hub, "made": made, "heads": {name: list(head) for name, head in heads.items()}}


def check(
    lines: Iterable[bytes], trusted: Mapping[str, Ed25519PublicKey] | None, earlier: Mapping[str, ChainHead]
) -> CheckedTrail:
    """Check an exported trail line by line; ``trusted`` is None if no key is known.

    The result includes the first entry of each chain that was changed, moved or removed. It also includes the first
    entry of a chain that does not continue from its state at ``earlier``. Raises ``BadTrail`` if it is not an exported
    trail.
    """
    reader = _TrailReader(earlier)
    for line in lines:
        reader.read(_parsed(line))
    return reader.checked(trusted)


def signed_heads(
    document: Any, trusted: Mapping[str, Ed25519PublicKey] | None
) -> tuple[dict[str, ChainHead], list[str]]:
    """Return the ends of chains of a signed line, and the trusted keys that signed it. Raises ``BadSignature``."""
    statement, names = (document["statement"], []) if trusted is None else verified(document, trusted)
    try:
        if statement["type"] != HEADS:
            raise BadSignature("another kind of statement")
        return {
            str(name): ChainHead(int(number), str(hash_)) for name, (number, hash_) in statement["heads"].items()
        }, names
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadSignature("no ends of chains") from None


class _TrailReader:
    """Follows the chains of a file; only the current chain is in memory."""

    def __init__(self, earlier: Mapping[str, ChainHead]) -> None:
        self._earlier = earlier
        self._fields = 0
        self._entries = 0
        self._chain: str | None = None
        self._number, self._hash, self._whole = 0, b"", True
        self._heads: dict[str, ChainHead] = {}
        self._broken: list[tuple[str, int]] = []
        self._last: Any = None

    def read(self, line: dict[str, Any]) -> None:
        if not self._fields:
            self._begin_file(line)
        elif self._last is not None:
            raise BadTrail("a line after the signed one")
        elif "statement" in line:
            self._close()
            self._last = line
        elif "begins" in line:
            self._close()
            self._begin(line)
        else:
            self._follow(line)

    def checked(self, trusted: Mapping[str, Ed25519PublicKey] | None) -> CheckedTrail:
        self._close()
        if not self._fields:
            raise BadTrail("an empty file")
        names: list[str] = []
        fault = None
        try:
            if self._last is None:
                fault = "the last line is missing: the file was cut off"
            else:
                heads, names = signed_heads(self._last, trusted)
                if heads != self._heads:
                    fault = "the chains do not end as the signed line says"
        except (BadSignature, TypeError, KeyError) as error:
            fault = f"the signed line: {error}"
        shorter = [
            (chain, head.number)
            for chain, head in sorted(self._earlier.items())
            if chain not in self._heads or self._heads[chain].number < head.number
        ]
        return CheckedTrail(self._entries, self._heads, self._broken + shorter, names, fault)

    def _begin_file(self, line: dict[str, Any]) -> None:
        if line.get("format") != FORMAT or not isinstance(line.get("fields"), list) or not line["fields"]:
            raise BadTrail(f"no file of {FORMAT}")
        self._fields = len(line["fields"])

    def _begin(self, line: dict[str, Any]) -> None:
        chain, begins = line.get("chain"), line["begins"]
        if not isinstance(chain, str) or chain in self._heads or len(self._heads) >= _MOST_CHAINS:
            raise BadTrail("a chain without a name of its own")
        try:
            self._number, self._hash = int(begins[0]), bytes.fromhex(begins[1])
        except (TypeError, ValueError, IndexError, KeyError):
            raise BadTrail(f"chain {chain}: no beginning") from None
        self._chain, self._whole = chain, True
        self._compare(self._hash.hex())

    def _follow(self, line: dict[str, Any]) -> None:
        values, number, hash_ = line.get("entry"), line.get("number"), line.get("hash")
        if self._chain is None or not isinstance(values, list) or len(values) != self._fields:
            raise BadTrail("a line that is no entry of a chain")
        self._entries += 1
        self._number += 1
        self._hash = sealed(self._hash, self._chain, self._number, values)
        if number != self._number or hash_ != self._hash.hex():
            self._break()
        self._compare(hash_)

    def _compare(self, hash_: Any) -> None:
        """Compare the entry that the chain has come to with where it ended earlier."""
        before = self._earlier.get(self._chain or "")
        if before is not None and before.number == self._number and before.hash != hash_:
            self._break()

    def _break(self) -> None:
        if self._whole and self._chain is not None:
            self._whole = False
            self._broken.append((self._chain, self._number))

    def _close(self) -> None:
        if self._chain is not None:
            self._heads[self._chain] = ChainHead(self._number, self._hash.hex())
            self._chain = None


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadTrail("a line that is no JSON") from None
    if not isinstance(found, dict):
        raise BadTrail("a line that is no object")
    return found
