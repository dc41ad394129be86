"""The process with the keys of private matching: it answers the requests on its standard input.

It has no access to the database, and does not know the partners. It ends with its input, when its parent ends.
"""

import io
import os
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from voprf import ristretto

SEED = 32
ELEMENT = 32
# A request: the command, the length of the key's name, and the length of the rest. An answer: a status and a length.
REQUEST, ANSWER = struct.Struct("<cHI"), struct.Struct("<cI")
PUBLIC_KEY, EVALUATE, OUTPUTS = b"p", b"e", b"o"
DONE, BAD_ELEMENT, FAILED = b"d", b"b", b"f"
# The length before each input of ``OUTPUTS``.
LENGTH = struct.Struct("<H")
_NICENESS = 10
_MOST_KEYS = 64


class Keys:
    """The keys derived from one seed, each when it is first needed."""

    def __init__(self, seed: bytes) -> None:
        """Derive keys from ``seed``."""
        self._seed = seed
        self._known: dict[bytes, ristretto.Evaluator] = {}

    def get(self, info: bytes) -> ristretto.Evaluator:
        """Return the key that is derived with ``info``."""
        if info not in self._known:
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            self._known[info] = ristretto.Evaluator.from_seed(self._seed, info)
        return self._known[info]


def evaluate(key: ristretto.Evaluator, body: bytes) -> bytes:
    """Return the proof of a batch and its evaluated elements. Raises ``ValueError`` for bytes that are no element."""
    blinded = [ristretto.BlindedInput.deserialize(body[at : at + ELEMENT]) for at in range(0, len(body), ELEMENT)]
    # The library accepts an empty batch.
    if not blinded:
        raise ValueError("no elements")
    return key.evaluate_batch(blinded).serialize()


def outputs(key: ristretto.Evaluator, body: bytes) -> bytes:
    """Return the outputs for the hub's own inputs, in their order."""
    found, at = io.BytesIO(), 0
    while at < len(body):
        (length,) = LENGTH.unpack_from(body, at)
        at += LENGTH.size
        if not length:
            raise ValueError("an input is empty")
        found.write(key.evaluate_known_input(body[at : at + length]))
        at += length
    return found.getvalue()


def _public_key(key: ristretto.Evaluator, _: bytes) -> bytes:
    return key.public_key.serialize()


_WORK: dict[bytes, Callable[[ristretto.Evaluator, bytes], bytes]] = {
    PUBLIC_KEY: _public_key,
    EVALUATE: evaluate,
    OUTPUTS: outputs,
}


def serve(keys: Keys, asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer the requests one after another until the input ends."""
    while len(head := asked.read(REQUEST.size)) == REQUEST.size:
        what, name_length, length = REQUEST.unpack(head)
        name, body = asked.read(name_length), asked.read(length)
        if len(body) < length:
            return
        status, answer = _answer(keys, what, name, body)
        answers.write(ANSWER.pack(status, len(answer)) + answer)
        answers.flush()


def _answer(keys: Keys, what: bytes, name: bytes, body: bytes) -> tuple[bytes, bytes]:
    try:
        return DONE, _WORK[what](keys.get(name), body)
    except ValueError:
        return BAD_ELEMENT, b""
    except BaseException as error:
        # A panic of the library is no ``Exception``.
        if type(error).__name__ != "PanicException":
            raise
        return FAILED, b""


def main(arguments: Sequence[str]) -> None:
    """Read the seed from the given file, and serve."""
    os.nice(_NICENESS)
    seed = bytes.fromhex(Path(arguments[1]).read_text(encoding="ascii").strip())
    if len(seed) != SEED:
        raise SystemExit("the seed has another length than 32 bytes")
    serve(Keys(seed), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main(sys.argv)
