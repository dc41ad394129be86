"""Add evidence, hand it over, and send it out: to those of a report or a case alone, and on the record."""

import hashlib
import mimetypes
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import msgspec

from mappers import extension
from schemas.partner import Partner
from schemas.proof.bag import BagWriter
from schemas.proof.signatures import SigningKeys
from server.release.evidence.encryption import EvidenceKey, UnreadableEvidence, decrypted, encrypted
from server.release.evidence.media_type import HEAD_BYTES, media_type_of
from server.release.evidence.stored import FileStore
from server.store import Store, Tx, audit, hub_identity, inbox, partners
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
from server.store.evidence import files
from server.store.evidence.files import EvidenceFile

CUSTODY = "scamfeed-custody/1"
_CHUNK = 1 << 20
# Who asks for a file again within an hour is in its custody once; the audit trail counts each request.
_ONCE = 3_600 * 1_000_000


class UnknownEvidence(LookupError):
    """There is no such evidence, report or case, or none for who asks: both get the same answer."""


class EvidenceRefused(ValueError):
    """A limit or a rule refuses a file; the message says which."""


class StoredEvidence(NamedTuple):
    """The store of files, and the key that encrypts their keys."""

    store: FileStore
    key: EvidenceKey


class Measured(NamedTuple):
    """A file's SHA-256, its size in bytes and its media type by content."""

    sha256: str
    size: int
    media_type: str


class EvidenceLimits(NamedTuple):
    """The largest file, and how much of one partner's is stored, in bytes."""

    file: int
    partner: int


def measured(file: IO[bytes], most: int) -> Measured:
    """Read a file and return its measures. Raises ``EvidenceRefused`` where it is empty or too large."""
    digest, size, head = hashlib.sha256(), 0, b""
    while chunk := file.read(_CHUNK):
        head = head or chunk[:HEAD_BYTES]
        digest.update(chunk)
        size += len(chunk)
        if size > most:
            raise EvidenceRefused(f"more than {most} bytes, which evidence_file_bytes allows")
    if not size:
        raise EvidenceRefused("an empty file")
    return Measured(digest.hexdigest(), size, media_type_of(head))


def object_key(tx: Tx, id_: str, partner: str | None) -> tuple[str, Partner]:
    """Return the key of a contributed report or case, and who contributed it. Raises ``UnknownEvidence``.

    Where several partners have one of that id, ``partner`` says whose is meant.
    """
    registry = partners.load_registry(tx)
    names = registry.spaces if partner is None else {partner: registry.spaces[partner]}
    keys = {inbox.key(space, id_): name for name, space in names.items()}
    found = sorted(inbox.latest(tx, keys))
    if len(found) > 1:
        raise UnknownEvidence(f"{id_}: several partners have one of this id; say whose with --partner")
    if not found:
        raise UnknownEvidence(f"{id_}: no report or case of this id was contributed")
    return found[0], partners.get(tx, keys[found[0]], gone=True)


def names_hash(tx: Tx, key: str, sha256: str) -> bool:
    """Return whether a report or a case names a hash as its evidence."""
    item = inbox.latest(tx, [key])[key]
    proofs = extension.context_of(msgspec.json.decode(item.body)).get("evidence", ())
    return any(proof.get("sha256") == sha256 for proof in proofs)


def add(
    store: Store,
    key: str,
    holder: Partner,
    found: Measured,
    content: IO[bytes] | None,
    place: StoredEvidence | None,
    limits: EvidenceLimits,
    by: str,
) -> EvidenceFile:
    """Add a file as evidence of a report or a case; ``content`` is stored, where there is a ``place`` for it.

    The same file again is one file. Raises ``EvidenceRefused``.
    """
    with store.begin() as tx:
        # Those that add for one partner wait for each other: its limit holds for all of them.
        partners.lock(tx, holder.name)
        file = files.add(tx, holder.name, found.sha256, found.size, found.media_type)
        stores = content is not None and place is not None and file.place is None
        if stores and files.stored_bytes(tx, holder.name) + found.size > limits.partner:
            raise EvidenceRefused(f"{holder.name} would have more than {limits.partner} bytes stored")
        if files.link(tx, file.id, key):
            _note(tx, file, by, "added")
    if stores and content is not None and place is not None:
        _store(store, file, content, place, by)
    with store.read() as tx:
        return files.of_partner(tx, holder.name, found.sha256) or file


def _store(store: Store, file: EvidenceFile, content: IO[bytes], place: StoredEvidence, by: str) -> None:
    """Encrypt a file into the store, unless somebody else did meanwhile; one that changed meanwhile is refused."""
    key, sealed = place.key.new_file_key(file.id)
    digest, name = hashlib.sha256(), place.key.place(sealed)

    def chunks() -> Iterator[bytes]:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            yield chunk

    place.store.write(name, encrypted(chunks(), key))
    is_same = digest.hexdigest() == file.sha256
    with store.begin() as tx:
        stored = is_same and files.store(tx, file.id, name, sealed)
        if stored:
            _note(tx, file, by, "stored")
    if not stored:
        place.store.remove(name)
    if not is_same:
        raise EvidenceRefused("the file changed while it was read")


def keep_stamp(tx: Tx, file: EvidenceFile, token: bytes, by: str) -> None:
    """Keep the time-stamp of an authority about a file."""
    files.stamp(tx, file.id, token)
    _note(tx, file, by, "time-stamped")


def hand_over(tx: Tx, key: str, partner: Partner, by: str) -> int:
    """Let a partner have the files of a report or a case, later ones too; return how many there are now."""
    found = files.of_objects(tx, [key])
    if files.open_to(tx, key, partner.name, by):
        for file in found:
            _note(tx, file, by, "handed-over", partner.name)
    return len(found)


def take_back(tx: Tx, key: str, partner: str, by: str) -> bool:
    """Let a partner have the files of a report or a case no more; return whether it might. What it has, it has."""
    ended = files.close_to(tx, key, partner)
    for file in files.of_objects(tx, [key]) if ended else ():
        _note(tx, file, by, "taken-back", partner)
    return ended


def give(tx: Tx, sha256: str, partner: str, by: str) -> EvidenceFile:
    """Return a stored file that a partner may have, and note once an hour that it was given.

    Raises ``UnknownEvidence``.
    """
    for file in files.readable(tx, partner, sha256):
        if file.place is not None:
            if not files.was_given(tx, file.id, partner, by, since=now() - _ONCE):
                _note(tx, file, by, "given", partner)
            return file
    raise UnknownEvidence(f"{sha256}: there is no such evidence for {partner}")


def content_of(file: EvidenceFile, place: StoredEvidence) -> Iterator[bytes]:
    """Yield the content of a stored file; at its end its hash is checked. Raises ``UnreadableEvidence``."""
    if file.place is None or file.key is None:
        raise UnreadableEvidence("the file stays with its holder")
    digest = hashlib.sha256()
    with place.store.opened(file.place) as stored:
        for part in decrypted(stored, place.key.open_file_key(file.key, file.id)):
            digest.update(part)
            yield part
    if digest.hexdigest() != file.sha256:
        raise UnreadableEvidence("the stored file is another one")


class Export(NamedTuple):
    """The files of a report or a case that are given out, with the object itself and the signed custody."""

    hub: str
    object_id: str
    object: bytes
    files: list[EvidenceFile]
    custody: dict[str, Any]


def begin_export(tx: Tx, key: str, keys: SigningKeys, partner: str, by: str) -> Export:
    """Note that the files of a report or a case are given to a partner that may have them, and return them.

    Raises ``UnknownEvidence``.
    """
    object_id = inbox.object_id(key)
    found = [file for file in files.of_objects(tx, [key]) if _may_have(tx, file, key, partner)]
    if not found:
        raise UnknownEvidence(f"{object_id}: there is no evidence of it for {partner}")
    for file in found:
        _note(tx, file, by, "exported", partner)
    item = inbox.latest(tx, [key])[key]
    document = keys.sign(custody_of(tx, key, found))
    return Export(hub_identity.name(tx), object_id, item.body, found, document)


def write_bag(export: Export, out: IO[bytes], place: StoredEvidence | None) -> None:
    """Write an export as one bag; files that stay with their holder are in the custody alone.

    Raises ``UnreadableEvidence``.
    """
    bag = BagWriter(out, export.object_id)
    for file in export.files:
        if file.place is not None and place is not None:
            bag.add(file.sha256 + (mimetypes.guess_extension(file.media_type) or ""), content_of(file, place))
        if file.token is not None:
            bag.add_tag(f"timestamps/{file.sha256}.tsr", file.token)
    bag.add_tag("object.json", export.object)
    bag.add_tag("custody.json", msgspec.json.format(msgspec.json.encode(export.custody), indent=2))
    bag.finish({"Source-Organization": export.hub, "External-Identifier": export.object_id})


def _may_have(tx: Tx, file: EvidenceFile, key: str, partner: str) -> bool:
    return file.partner == partner or partner in files.members(tx, key)


def custody_of(tx: Tx, key: str, found: Iterable[EvidenceFile]) -> dict[str, Any]:
    """Return the statement of all that was done with files of a report or a case."""
    hub = hub_identity.load(tx)
    return {
        "type": CUSTODY,
        "hub": {"id": hub.identity, "name": hub.name},
        "made": stamp(now()),
        "object": inbox.object_id(key),
        "members": files.members(tx, key),
        "files": [described(tx, file) for file in found],
    }


def described(tx: Tx, file: EvidenceFile) -> dict[str, Any]:
    """Return the facts of a file, and its custody."""
    return {
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "holder": file.partner,
        "added": stamp(file.added),
        "stored": file.place is not None,
        "time_stamped": file.token is not None,
        "custody": [{**entry._asdict(), "at": stamp(entry.at)} for entry in files.custody(tx, file.id)],
    }


def tidy(store: Store, place: FileStore | None) -> int:
    """Remove from the store what nobody may have any more; return how many files."""
    with store.begin() as tx:
        files.forget_unlinked(tx)
        names = files.leftovers(tx)
    if place is None or not names:
        return 0
    for name in names:
        place.remove(name)
    with store.begin() as tx:
        files.end_leftovers(tx, names)
    return len(names)


def _note(tx: Tx, file: EvidenceFile, by: str, action: str, partner: str | None = None) -> None:
    """Note an action in the custody of a file, and in the audit trail."""
    files.note(tx, file, by, action, partner)
    moment = now()
    verb = action.upper()
    event = AuditEvent(moment, moment, 1, partner or file.partner, by, verb, "evidence", None, 200, 1, file.sha256)
    audit.record_unsealed(tx, [event])
