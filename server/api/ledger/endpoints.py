"""The endpoints of the ledger of a collection, under ``/feed/collections/<id>/log/``: for those who read it alone."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.errors import BadFormat, BadProof
from schemas.ledger.notes import LONGEST_NOTE, NoteSignature, SignedNote, latest, read_lines
from schemas.ledger.tiles import TilePath
from schemas.partner import Partner
from server.api.ledger.openapi import description
from server.release.ledger.keys import BadLedgerKey, LedgerKeys
from server.store import Store, Tx, log
from server.store.collections import Collection
from server.store.database import times
from server.store.ledger import growth, heads, reading, witnesses
from server.store.ledger.growth import Tree
from server.store.objects.fast_reads import NotFast
from server.taxii import auth
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.limits import API_ROOT
from server.taxii.other_endpoints import Description, OtherRequest
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PREFIX = f"/{API_ROOT}/collections/"

TEXT, OCTETS = "text/plain; charset=utf-8", "application/octet-stream"
_PATH = re.compile(rf"{PREFIX}(?P<id>[^/]+)/log/(?P<what>checkpoint|checkpoint/cosigned|openings|proof|cosignatures)/?")
_TILE_PATH = re.compile(rf"{PREFIX}(?P<id>[^/]+)/log/tile/(?P<tile>[0-9a-z/.]{{1,80}})")
_INSIDE = "/log/"
_TILE = "tile"
_COSIGNATURES = "cosignatures"
_MOST_FIELDS = 8
_USUAL, _MOST = 1_000, 10_000
_LONGEST_ID = 300
_SEALED_SECONDS = 2
_UNKEPT = ("Cache-Control", "no-store")
# The same for ever, but not for everybody.
_IMMUTABLE = ("Cache-Control", "private, max-age=31536000, immutable")


class _Asked(NamedTuple):
    """The collection and the tree that a reader asks about."""

    collection: Collection
    tree: Tree
    # Up to where what was withdrawn is hidden from the reader.
    granted: int


class LedgerEndpoints:
    """The endpoints of one application."""

    def __init__(self, store: Store, keys: Callable[[], LedgerKeys]) -> None:
        """Keep cosignatures in ``store``; ``keys`` sign the checkpoints that they are of."""
        self._store = store
        self._keys = keys

    def describe(self) -> Description:
        """Describe these endpoints for clients."""
        return description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        path: str = environ["PATH_INFO"]
        if _INSIDE not in path:
            return None
        found = _PATH.fullmatch(path)
        if found is not None:
            return OtherRequest(f"log-{found['what'].replace('/', '-')}", found["id"], environ)
        found = _TILE_PATH.fullmatch(path)
        return None if found is None else OtherRequest(f"log-{_TILE}", found["id"], environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request: nobody but who reads the collection."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have."""
        return LONGEST_NOTE if _is_cosigning(request) and request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have. Raises ``TaxiiError``."""
        if request.method not in (_method(request), "OPTIONS"):
            raise TaxiiError("method-not-allowed", (_allow(request),))

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request. Raises ``TaxiiError`` and ``NotFast``."""
        if request.method == "OPTIONS":
            return TaxiiResponse(200, headers=(_allow(request),), content_type=JSON)
        if store.is_fast:
            raise NotFast
        if partner is None or "\x00" in request.collection:
            raise TaxiiError("not-found")
        if _is_cosigning(request):
            return self._cosign(partner, request)
        with store.read() as tx:
            asked = _asked(tx, partner, request.collection)
            return _READING[request.route](tx, asked, request)

    def _cosign(self, partner: Partner, request: OtherRequest) -> TaxiiResponse:
        """Keep the cosignatures of a registered witness: the cosigned note, or its lines alone for a recent one."""
        with received(request.environ, LONGEST_NOTE) as (body, _):
            data = body.read()
        with self._store.read() as tx:
            asked = _asked(tx, partner, request.collection)
            known = witnesses.all_witnesses(tx)
            names = {(witness.key.name, witness.key.id): witness for witness in known}
            mine = latest(line for line in _lines(data) if (line.name, line.id) in names)
            if not mine:
                raise TaxiiError("unknown-witness")
            candidates = [self._own_note(tx, asked.tree, data)] if b"\n\n" in data else []
            candidates = candidates or [SignedNote.parse(note) for note in heads.recent(tx, asked.tree.collection)]
        for note in candidates:
            try:
                signed = SignedNote(note.text, mine).check([witness.key for witness in known])
            except BadProof:
                continue
            size = Checkpoint.parse(note.text).size
            with self._store.begin() as tx:
                heads.cosign(tx, asked.tree.collection, size, note, mine)
                for key, at in signed:
                    name = names[key.name, key.id].name
                    witnesses.note_cosigned(tx, name, asked.tree.collection, size, at)
            return TaxiiResponse(204, collection=asked.collection.id)
        raise TaxiiError("not-a-cosignature", problem="the signature is of none of the latest checkpoints of this log")

    def _own_note(self, tx: Tx, tree: Tree, data: bytes) -> SignedNote:
        """Return the checkpoint of a cosigned note as this hub signs it, where it is one of this hub's."""
        try:
            checkpoint = Checkpoint.parse(SignedNote.parse(data).text)
        except BadFormat as error:
            raise TaxiiError("not-a-cosignature", problem=error) from None
        is_own = checkpoint.origin == tree.origin and 0 < checkpoint.size <= tree.noted
        if not is_own or reading.root_at(tx, tree, checkpoint.size) != checkpoint.root:
            raise TaxiiError("not-a-cosignature", problem="this log has no such checkpoint")
        try:
            return self._keys().note(checkpoint)
        except BadLedgerKey:
            raise retry_later("busy", _SEALED_SECONDS) from None


def _lines(data: bytes) -> tuple[NoteSignature, ...]:
    try:
        return read_lines(data.rpartition(b"\n\n")[2])
    except BadFormat as error:
        raise TaxiiError("not-a-cosignature", problem=error) from None


def _asked(tx: Tx, partner: Partner, id_or_alias: str) -> _Asked:
    """Return the tree of a collection that the partner may read. Raises ``TaxiiError`` 404 or 403."""
    collection = auth.readable(tx, partner, id_or_alias)
    tree = growth.tree_of(tx, collection.number)
    if tree is None or tree.noted < 0:
        raise TaxiiError("not-found")
    return _Asked(collection, tree, log.last_withdrawn(tx, collection, collection.granted))


def _checkpoint(tx: Tx, asked: _Asked, request: OtherRequest) -> TaxiiResponse:
    return TaxiiResponse(200, bytes(asked.tree.note), (_UNKEPT,), TEXT, collection=asked.collection.id)


def _cosigned(tx: Tx, asked: _Asked, request: OtherRequest) -> TaxiiResponse:
    note = heads.cosigned(tx, asked.tree.collection)
    if note is None:
        raise TaxiiError("not-found")
    return TaxiiResponse(200, bytes(note), (_UNKEPT,), TEXT, collection=asked.collection.id)


def _tile(tx: Tx, asked: _Asked, request: OtherRequest) -> TaxiiResponse:
    found = _TILE_PATH.fullmatch(request.environ["PATH_INFO"])
    try:
        path = TilePath.parse(found["tile"] if found else "")
    except BadFormat:
        raise TaxiiError("not-found") from None
    data = reading.tile(tx, asked.tree, path)
    if data is None:
        raise TaxiiError("not-found")
    return TaxiiResponse(200, data, (_IMMUTABLE,), OCTETS, collection=asked.collection.id)


def _openings(tx: Tx, asked: _Asked, request: OtherRequest) -> TaxiiResponse:
    given = _parameters(request, "added_after", "limit", "next")
    after = _moment("added_after", given["added_after"]) if "added_after" in given else -1
    if "next" in given:
        if not re.fullmatch(r"[0-9]{1,18}", given["next"]):
            raise TaxiiError("foreign-next")
        after = max(after, int(given["next"]))
    limit = given.get("limit", str(_USUAL)).lstrip("0")
    if not re.fullmatch("[0-9]+", limit):
        raise TaxiiError("bad-limit")
    granted = 0 if after >= asked.granted else asked.granted
    page = reading.openings(tx, asked.collection, asked.tree, max(after, -1), min(int(limit[:9]), _MOST), granted)
    return TaxiiResponse(
        200,
        msgspec.json.encode(page),
        (_UNKEPT,),
        JSON,
        collection=asked.collection.id,
        objects_out=len(page.openings),
    )


def _proof(tx: Tx, asked: _Asked, request: OtherRequest) -> TaxiiResponse:
    given = _parameters(request, "id", "version")
    id_ = given.get("id", "")
    if not id_ or len(id_) > _LONGEST_ID or "\x00" in id_:
        raise TaxiiError("not-found")
    version = _moment("version", given["version"]) if "version" in given else None
    try:
        found = reading.proof(tx, asked.collection, asked.tree, id_, version, asked.granted)
    except reading.NotSealed:
        raise retry_later("not-sealed", _SEALED_SECONDS) from None
    if found is None:
        raise TaxiiError("not-found")
    return TaxiiResponse(200, bytes(found), (_UNKEPT,), TEXT, collection=asked.collection.id, objects_out=1)


def _parameters(request: OtherRequest, *known: str) -> dict[str, str]:
    """Return the parameters of the URL that are known here. Raises ``TaxiiError`` 400."""
    query = request.environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise TaxiiError("too-many-parameters", most=_MOST_FIELDS) from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in known and name in given:
            raise TaxiiError("repeated-parameter", name=name)
        given[name] = value
    return {name: value for name, value in given.items() if name in known}


def _moment(name: str, text: str) -> int:
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        return times.parse(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise TaxiiError("bad-timestamp", name=name) from error


def _is_cosigning(request: OtherRequest) -> bool:
    return request.route == f"log-{_COSIGNATURES}"


def _method(request: OtherRequest) -> str:
    return "POST" if _is_cosigning(request) else "GET"


def _allow(request: OtherRequest) -> tuple[str, str]:
    return "Allow", "OPTIONS, POST" if _is_cosigning(request) else "HEAD, OPTIONS, GET"


_READING: dict[str, Callable[[Tx, _Asked, OtherRequest], TaxiiResponse]] = {
    "log-checkpoint": _checkpoint,
    "log-checkpoint-cosigned": _cosigned,
    "log-tile": _tile,
    "log-openings": _openings,
    "log-proof": _proof,
}
