"""Add evidence, hand it over, and export it: only for one report or case, and on the record."""

import hashlib
import mimetypes
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import msgspec

from mappers import extension
from schemas.partner import Partner
from schemas.tlog.bag import BagWriter
from schemas.tlog.signatures import SigningKeys
from server.features.evidence import files
from server.features.evidence.encryption import EvidenceKey, UnreadableEvidence, decrypted, encrypted
from server.features.evidence.files import EvidenceFile
from server.features.evidence.media_type import HEAD_BYTES, media_type_of
from server.features.evidence.stored import FileStore
from server.features.requests import records as requests
from server.features.requests.views import request_of
from server.store import Store, Tx, audit, hub_identity, inbox, partners, quotas
from server.store.database.times import now, stamp

CUSTODY = "scamfeed-custody/1"
_CHUNK = 1 << 20
# Repeated downloads within an hour are one entry in a file's custody; the audit trail counts each request.
_ONCE = 3_600 * 1_000_000
_DAY = 86_400


class UnknownEvidence(LookupError):
    """There is no such evidence, report or case, or the partner may not have it: both give the same error."""


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


def measured(file: IO[bytes], most: int) -> Measured:
    """Read a file and return its measures. Raises ``EvidenceRefused`` if it is empty or too large."""
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
    """Return the key of a contributed report or case, and its contributor. Raises ``UnknownEvidence``.

    If several partners have one with that id, ``partner`` selects one.
    """
    registry = partners.load_registry(tx)
    names = {name: space for name, space in registry.spaces.items() if partner in (None, name)}
    keys = {inbox.key(space, id_): name for name, space in names.items()}
    found = sorted(inbox.latest(tx, keys))
    if len(found) > 1:
        raise UnknownEvidence(f"{id_}: several partners have one with this id; choose one with --partner")
    if not found:
        raise UnknownEvidence(f"{id_}: no report or case with this id was contributed")
    return found[0], partners.get(tx, keys[found[0]], gone=True)


def names_hash(tx: Tx, key: str, sha256: str) -> bool:
    """Return whether a report or a case names a hash as its evidence."""
    item = inbox.latest(tx, [key])[key]
    proofs = extension.context_of(msgspec.json.decode(item.body)).get("evidence", ())
    return any(proof.get("sha256") == sha256 for proof in proofs)


class Added(NamedTuple):
    """An added file, and the key of the report or case. ``is_new``: it was not linked to it before."""

    file: EvidenceFile
    key: str
    is_new: bool


def add(tx: Tx, key: str, holder: Partner, found: Measured, stored_limit: int | None, by: str) -> Added:
    """Add a file as evidence of a report or a case. Adding the same file again does not store it twice.

    ``stored_limit`` is the maximum of the holder's stored bytes, None if the content is not stored. Raises
    ``EvidenceRefused``.
    """
    # Additions for one partner run one after the other, because its limit applies to all of them.
    partners.lock(tx, [holder.name])
    file = files.add(tx, holder.name, found.sha256, found.size, found.media_type)
    stored = files.stored_bytes(tx, holder.name) + found.size
    if stored_limit is not None and file.place is None and stored > stored_limit:
        raise EvidenceRefused(f"{holder.name} would have more than {stored_limit} bytes stored")
    is_new = files.link(tx, file.id, key)
    if is_new:
        files.note(tx, file, by, "added")
    return Added(file, key, is_new)


def charge(store: Store, partner: Partner, object_id: str, per_day: int) -> int:
    """Count a file that a partner sends today, and return the seconds that it has to wait, 0 if it need not.

    Raises ``UnknownEvidence``.
    """
    with store.begin() as tx:
        object_key(tx, object_id, partner.name)
        return quotas.charge(tx, partner.counts_as, "evidence", 1, limit=per_day, seconds=_DAY)


def keep_content(store: Store, file: EvidenceFile, content: IO[bytes], place: StoredEvidence, by: str) -> None:
    """Encrypt a file into the store, unless another process did; refuse a file that changes while it is read."""
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
    """Store an authority's time-stamp for a file."""
    files.stamp(tx, file.id, token)
    _note(tx, file, by, "time-stamped")


class Access(NamedTuple):
    """The files of a report or a case, the partners with access, and whether this access is changed."""

    files: list[EvidenceFile]
    members: list[str]
    is_changed: bool


def hand_over(tx: Tx, key: str, partner: Partner, by: str) -> Access:
    """Give a partner access to the files of a report or a case, including later ones."""
    return _changed(tx, key, files.open_to(tx, key, partner.name, by), "handed-over", partner.name, by)


def take_back(tx: Tx, key: str, partner: str, by: str) -> Access:
    """End a partner's access to the files of a report or a case. It keeps its copies."""
    return _changed(tx, key, files.close_to(tx, key, partner), "taken-back", partner, by)


def _changed(tx: Tx, key: str, is_changed: bool, action: str, partner: str, by: str) -> Access:
    found = files.of_objects(tx, [key])
    for file in found if is_changed else ():
        files.note(tx, file, by, action, partner)
    return Access(found, files.members(tx, key), is_changed)


class Given(NamedTuple):
    """A file that a partner gets; ``is_noted``: its custody has a new entry."""

    file: EvidenceFile
    is_noted: bool


def give(tx: Tx, sha256: str, partner: str, by: str, request: str | None = None) -> Given:
    """Return a stored file that a partner may have, and record once an hour that it was given.

    With ``request`` it is a file that the sender of a takedown request to the partner attached to it. Raises
    ``UnknownEvidence``.
    """
    for file in files.readable(tx, partner, sha256) if request is None else _attached(tx, request, sha256, partner):
        if file.place is not None:
            is_noted = not files.was_given(tx, file.id, partner, by, since=now() - _ONCE)
            if is_noted:
                files.note(tx, file, by, "given", partner)
            return Given(file, is_noted)
    raise UnknownEvidence(f"{sha256}: there is no such evidence for {partner}")


def _attached(tx: Tx, request: str, sha256: str, addressee: str) -> list[EvidenceFile]:
    """Return the sender's own file that a request to this addressee names; a closed request gives none."""
    stored = requests.find(tx, [request]).get(request)
    if stored is None or stored.addressee != addressee or stored.withheld or stored.state == requests.ENDED:
        return []
    if all(proof.sha256 != sha256 for proof in request_of(stored).evidence):
        return []
    file = files.of_partner(tx, stored.sender, sha256)
    return [] if file is None else [file]


def content_of(file: EvidenceFile, place: StoredEvidence) -> Iterator[bytes]:
    """Yield the content of a stored file, then check its hash. Raises ``UnreadableEvidence``."""
    if file.place is None or file.key is None:
        raise UnreadableEvidence("the file stays with its holder")
    digest = hashlib.sha256()
    with place.store.opened(file.place) as stored:
        for part in decrypted(stored, place.key.open_file_key(file.key, file.id)):
            digest.update(part)
            yield part
    if digest.hexdigest() != file.sha256:
        raise UnreadableEvidence("the stored file is a different one")


class Export(NamedTuple):
    """The exported files of a report or a case, with the object itself and the signed custody."""

    hub: str
    object_id: str
    object: bytes
    files: list[EvidenceFile]
    custody: dict[str, Any]


def begin_export(tx: Tx, key: str, keys: SigningKeys, partner: str, by: str) -> Export:
    """Record that the files of a report or a case are given to a partner that may have them, and return them.

    Raises ``UnknownEvidence``.
    """
    object_id = inbox.object_id(key)
    found = [file for file in files.of_objects(tx, [key]) if _may_have(tx, file, key, partner)]
    if not found:
        raise UnknownEvidence(f"{object_id}: there is no evidence for it that {partner} may have")
    for file in found:
        files.note(tx, file, by, "exported", partner)
    item = inbox.latest(tx, [key])[key]
    document = keys.sign(custody_of(tx, key, found))
    return Export(hub_identity.name(tx), object_id, item.body, found, document)


def write_bag(export: Export, out: IO[bytes], place: StoredEvidence | None) -> None:
    """Write an export as one bag; files that stay with their holder are only in the custody.

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
    """Return the statement of all actions on files of a report or a case."""
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
    """Remove files from the store that no partner may have any more; return their number."""
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


def _note(tx: Tx, file: EvidenceFile, by: str, action: str) -> None:
    """Record a later step of an addition in the custody of the file, and in the audit trail."""
    files.note(tx, file, by, action)
    audit.record_act(tx, by, action.upper(), "evidence", partner=file.partner, reference=file.sha256)
