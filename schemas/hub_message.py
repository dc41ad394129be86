"""Messages between two hubs about one matter: a signed note for one hub, in its direct stream.

The signature covers a line that names the form, a line feed, and the RFC 8785 form of the object without the signature.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import timestamp
from schemas.errors import Rejected
from schemas.hub_report import EXTENSION, check_signature, key_ref, signature_text
from schemas.tlog import BadFormat, BadProof
from schemas.tlog.entries import canonical, canonical_of
from schemas.tlog.notes import NoteSigner, VerifierKey

CONTEXT = "scamfeed hub message v1"
PROPERTY = "hub_message"
VERSION = 1
_MARK = f'"{PROPERTY}"'.encode()
# In bytes.
LONGEST = 16 * 1024
_IDENTITY = r"^identity--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_LARGEST = (1 << 53) - 1
# The trusted keys of a hub, by name and id.
Keys = Mapping[tuple[str, bytes], VerifierKey]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HubMessage(NamedTuple):
    """A message: ``origin`` is the name of the key that signed it, ``identity`` the hub with that key.

    ``stream`` is the identity of the hub that it is for. ``number`` orders the origin's messages and hub reports.
    ``thread`` is the matter. The receiver of ``content`` reads only the properties that it knows.
    """

    origin: str
    identity: str
    stream: str
    number: int
    kind: str
    thread: str
    content: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the id of its note."""
        return message_id(self.origin, self.stream, self.thread, self.kind)


class _Wire(BaseModel):
    """The property of the extension, as sent."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    version: int
    stream: Annotated[str, Field(pattern=_IDENTITY)]
    number: Annotated[int, Field(gt=0, le=_LARGEST)]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,31}$")]
    thread: Annotated[str, Field(pattern=r"^[0-9a-z-]{8,64}$")]
    content: dict[str, Any]
    key: Annotated[str, Field(pattern=r"^[^+\s]{1,300}\+[0-9a-f]{8}$")]
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]


def message_id(origin: str, stream: str, thread: str, kind: str) -> str:
    """Return the id of the note: one for each matter, kind and pair of hubs, which no other origin can claim."""
    digest = sha256("\n".join((CONTEXT, origin, stream, thread, kind)).encode()).digest()
    return f"note--{uuid.UUID(bytes=digest[:16], version=5)}"


def signed(message: HubMessage, signer: NoteSigner, marking: str) -> dict[str, Any]:
    """Return the signed note of a message."""
    at = timestamp.text(_EPOCH + timedelta(microseconds=message.number))
    sent = {
        "version": VERSION,
        "stream": message.stream,
        "number": message.number,
        "kind": message.kind,
        "thread": message.thread,
        "content": dict(message.content),
        "key": key_ref(signer.verifier),
    }
    note: dict[str, Any] = {
        "type": "note",
        "spec_version": "2.1",
        "id": message_id(message.origin, message.stream, message.thread, message.kind),
        "created_by_ref": message.identity,
        "created": at,
        "modified": at,
        "abstract": "Message between hubs",
        "content": f"Message between hubs: {message.kind}",
        "object_refs": [message.identity],
        "object_marking_refs": [marking],
        "extensions": {EXTENSION: {"extension_type": "property-extension", PROPERTY: sent}},
    }
    sent["signature"] = signature_text(signer, _text(note))
    return note


def is_message(obj: Mapping[str, Any]) -> bool:
    """Return whether an object is a message between hubs, of any form."""
    extensions = obj.get("extensions")
    found = extensions.get(EXTENSION) if isinstance(extensions, Mapping) else None
    return isinstance(found, Mapping) and PROPERTY in found


def may_be_message(body: bytes) -> bool:
    """Return whether the JSON of an object may be that of a message; False is certain."""
    return _MARK in body


def read(body: bytes, keys: Keys) -> HubMessage:
    """Return the message of a note that one of ``keys`` signed. Raises ``Rejected``."""
    if len(body) > LONGEST:
        raise Rejected("message-form", f"a message between hubs has at most {LONGEST} bytes")
    try:
        note = orjson.loads(canonical(body))
        wire, identity = _Wire.model_validate(note["extensions"][EXTENSION][PROPERTY]), note["created_by_ref"]
        text = _text(note)
    except (ValidationError, KeyError, TypeError, AttributeError, BadFormat):
        raise Rejected("message-form", "not a message between hubs in a form that this hub knows") from None
    if wire.version != VERSION or not isinstance(identity, str):
        raise Rejected("message-form", "a message between hubs of another version")
    origin, _, key_id = wire.key.rpartition("+")
    key = keys.get((origin, bytes.fromhex(key_id)))
    if key is None:
        raise Rejected("unknown-key", "the message is signed by a key that is not the peer's")
    try:
        check_signature(key, origin, key_id, text, wire.signature)
    except BadProof:
        raise Rejected("bad-signature", "the signature of the message is wrong") from None
    if note.get("id") != message_id(origin, wire.stream, wire.thread, wire.kind):
        raise Rejected("anothers-id", "the id of the message is not that of its origin and its matter")
    return HubMessage(origin, identity, wire.stream, wire.number, wire.kind, wire.thread, wire.content)


def _text(note: Mapping[str, Any]) -> str:
    """Return the text that the origin signs. Raises ``BadFormat`` for an object that has no canonical form."""
    ours = note["extensions"][EXTENSION]
    sent = {name: value for name, value in ours[PROPERTY].items() if name != "signature"}
    unsigned = {**note, "extensions": {**note["extensions"], EXTENSION: {**ours, PROPERTY: sent}}}
    return f"{CONTEXT}\n{canonical_of(unsigned).decode()}"
