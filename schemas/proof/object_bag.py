"""The bag that proves one published object: the object, its proof, the signed checkpoint, custody, and a verifier."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import IO, Any, NamedTuple

import msgspec
import orjson

from schemas.ledger.canonical import canonical_or_raw
from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.entries import EntryKind, Opening, read_moment
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import SignedNote
from schemas.ledger.proofs import LogProof
from schemas.proof.bag import BagWriter

_README = """This bag proves that a hub published one object, when, and that it was not changed since.

data/object.json        the object, as the hub serves it
data/object.jcs         the same in its canonical form (RFC 8785), of which the log has a salted digest
data/opening.json       its place in the log, when it was added, and the salt
data/proof.tlog-proof   the path from the object to the root of the log (C2SP tlog-proof)
data/checkpoint         the root, signed by the hub, and by witnesses where there are some (C2SP tlog-checkpoint)
data/timestamp.tsr      a time-stamp of the checkpoint by an authority (RFC 3161), where there is one
data/custody.json       who made this bag, when, and from where

Verify it with Python 3 and openssl, by keys that you have from the hub and not from this bag:

    python3 -I verify.py THIS-FOLDER-OR-ZIP --key KEY [--witness KEY] [--authority ROOT.pem]
"""


class ProvenObject(NamedTuple):
    """An object by its bytes as they are served, and its proof."""

    body: bytes
    proof: LogProof

    @property
    def opening(self) -> Opening:
        """Return what opens its entry. Raises ``BadFormat``."""
        try:
            extra: dict[str, Any] = msgspec.json.decode(self.proof.extra)
            return msgspec.convert({**extra, "index": self.proof.index}, Opening)
        except (msgspec.MsgspecError, TypeError, UnicodeDecodeError) as error:
            raise BadFormat("the proof does not say what opens its entry") from error


def write(
    out: IO[bytes],
    proven: ProvenObject,
    *,
    name: str,
    custody: Sequence[Mapping[str, Any]],
    timestamp: bytes | None = None,
) -> None:
    """Write the bag of an object as a ZIP file; ``name`` is its folder. Raises ``BadFormat``."""
    opening = proven.opening
    content, _ = canonical_or_raw(proven.body)
    bag = BagWriter(out, name)
    bag.add("object.json", [proven.body])
    if opening.kind == EntryKind.PUBLISHED:
        bag.add("object.jcs", [content])
    opened = {**msgspec.to_builtins(opening), "micros": read_moment(opening.date_added)}
    bag.add("opening.json", [orjson.dumps(opened, option=orjson.OPT_INDENT_2)])
    bag.add("proof.tlog-proof", [bytes(proven.proof)])
    bag.add("checkpoint", [proven.proof.checkpoint])
    if timestamp is not None:
        bag.add("timestamp.tsr", [timestamp])
    bag.add("custody.json", [orjson.dumps(list(custody), option=orjson.OPT_INDENT_2)])
    bag.add_tag("README.txt", _README.encode())
    bag.add_tag("verify.py", (files("schemas.proof") / "verify.py").read_bytes())
    origin = Checkpoint.parse(SignedNote.parse(proven.proof.checkpoint).text).origin
    bag.finish({"External-Description": "Proof of one published object", "Source-Organization": origin.split("/")[0]})
