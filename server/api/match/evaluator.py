"""The process that has the keys of private matching: it evaluates what it is asked on its standard input.

It knows no database and no partner. It ends when its input does: with the process that began it.
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
# A request: what to do, the length of the key's name, and of the rest. An answer: whether it was done, and a length.
REQUEST, ANSWER = struct.Struct("<cHI"), struct.Struct("<cI")
PUBLIC_KEY, EVALUATE, OUTPUTS = b"p", b"e", b"o"
DONE, BAD_ELEMENT, FAILED = b"d", b"b", b"f"
# Before each input of ``OUTPUTS``.
LENGTH = struct.Struct("<H")
_NICENESS = 10
_MOST_KEYS = 64


class Keys:
    """The keys that follow from one seed, each made when it is first needed."""

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
    """Return the proof of a batch and its evaluated elements. Raises ``ValueError`` for what is no element."""
    blinded = [ristretto.BlindedInput.deserialize(body[at : at + ELEMENT]) for at in range(0, len(body), ELEMENT)]
    # The library takes none for a batch, too.
    if not blinded:
        raise ValueError("no elements")
    return key.evaluate_batch(blinded).serialize()


def outputs(key: ristretto.Evaluator, body: bytes) -> bytes:
    """Return the outputs for inputs that are known here, one after the other."""
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
    """Answer one request after the other until there are no more."""
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
        # What the library panics with is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return FAILED, b""


def main(arguments: Sequence[str]) -> None:
    """Read the seed from the file that is named, and serve."""
    os.nice(_NICENESS)
    seed = bytes.fromhex(Path(arguments[1]).read_text(encoding="ascii").strip())
    if len(seed) != SEED:
        raise SystemExit("the seed has another length than 32 bytes")
    serve(Keys(seed), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main(sys.argv)
