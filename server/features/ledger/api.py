"""The ledger of a collection, for its readers, and this hub as a witness for other hubs (C2SP tlog-witness)."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from schemas.tlog import BadFormat, BadProof
from schemas.tlog.entries import Openings
from schemas.tlog.notes import LONGEST_NOTE, NoteSignature, SignedNote, latest, read_lines
from schemas.tlog.proofs import Checkpoint, CheckpointAddition, open_checkpoint
from schemas.tlog.trees import TilePath
from schemas.whole_numbers import whole_number
from server.features.ledger import cosigning
from server.features.ledger.keys import BadLedgerKey, LedgerKeys
from server.operations.rights import ANYBODY
from server.settings import Settings
from server.setup import ledger_of
from server.store import Tx, log
from server.store.collections import Collection
from server.store.database import times
from server.store.ledger import growth, heads, reading, witnesses
from server.store.ledger.growth import Tree
from server.store.ledger.witnesses import OtherHub, OutOfDate
from server.web.api.routes import (
    BINARY,
    NO_STORE,
    AddressLimit,
    ApiCall,
    ApiRoute,
    ApiService,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii import auth
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.limits import API_ROOT
from server.web.taxii.openapi_schemas import STAMP, STRING, USUAL_ERRORS, Schema
from server.web.taxii.response import TaxiiResponse

_LOG = f"/{API_ROOT}/collections/{{collection_id}}/log"
_TEXT, _SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_MOST_PARAMETERS = 8
_USUAL, _MOST = 1_000, 10_000
_LONGEST_ID = 300
_SEALED_SECONDS, _BUSY_SECONDS = 2, 5
# A tile never changes, but not every partner may read it.
_IMMUTABLE = ("Cache-Control", "private, max-age=31536000, immutable")
# Enough for two hubs with some hundred logs each.
_CHECKPOINTS = AddressLimit(lambda settings: 600)


class Ledger(ApiService):
    """The keys of one application's ledger."""

    @classmethod
    def is_offered(cls, settings: Settings) -> bool:
        """Return whether the hub keeps a ledger."""
        return ledger_of(settings) is not None

    def keys(self) -> LedgerKeys:
        """Return the keys of the ledger and of the witness. Raises ``BadLedgerKey``."""
        rules = ledger_of(self.site.settings)
        if rules is None:
            raise BadLedgerKey("this hub keeps no ledger")
        return rules.keys(self.site.hub.store)


class _Asked(NamedTuple):
    """The collection and the tree of a request."""

    collection: Collection
    tree: Tree
    # Entries withdrawn up to here are hidden from the reader.
    granted: int


def _asked(tx: Tx, call: ApiCall) -> _Asked:
    """Return the tree of a collection that the partner may read. Raises ``TaxiiError`` 404 or 403."""
    collection = auth.readable(tx, call.partner, call.arguments["collection_id"])
    tree = growth.tree_of(tx, collection.number)
    if tree is None or tree.noted < 0:
        raise TaxiiError("not-found")
    return _Asked(collection, tree, log.last_withdrawn(tx, collection, collection.granted))


def _reading(answer: Callable[[Tx, _Asked, ApiCall], TaxiiResponse]) -> Callable[[ApiCall], TaxiiResponse]:
    """Return the view that reads the ledger of a collection with ``answer``."""

    def view(call: ApiCall) -> TaxiiResponse:
        with call.store.read() as tx:
            asked = _asked(tx, call)
            try:
                return answer(tx, asked, call)
            except reading.NotSealed:
                pass
        try:
            call.of(Ledger).keys()
        except BadLedgerKey:
            raise TaxiiError("not-sealing") from None
        raise retry_later("not-sealed", _SEALED_SECONDS)

    return view


@_reading
def _checkpoint(tx: Tx, asked: _Asked, call: ApiCall) -> TaxiiResponse:
    return _text(bytes(asked.tree.note), asked.collection)


@_reading
def _cosigned(tx: Tx, asked: _Asked, call: ApiCall) -> TaxiiResponse:
    note = heads.cosigned(tx, asked.tree.collection)
    if note is None:
        raise TaxiiError("not-found")
    return _text(bytes(note), asked.collection)


@_reading
def _tile(tx: Tx, asked: _Asked, call: ApiCall) -> TaxiiResponse:
    try:
        path = TilePath.parse(f"{call.arguments.get('level', 'entries')}/{call.arguments['number']}")
    except BadFormat:
        raise TaxiiError("not-found") from None
    data = reading.tile(tx, asked.tree, path)
    if data is None:
        raise TaxiiError("not-found")
    return TaxiiResponse(200, data, (_IMMUTABLE,), BINARY, collection=asked.collection.id)


@_reading
def _openings(tx: Tx, asked: _Asked, call: ApiCall) -> TaxiiResponse:
    given = _parameters(call, "added_after", "limit", "next")
    after = _moment("added_after", given["added_after"]) if "added_after" in given else -1
    if "next" in given:
        if not re.fullmatch(r"[0-9]{1,18}", given["next"]):
            raise TaxiiError("foreign-next")
        after = max(after, int(given["next"]))
    limit = whole_number(given.get("limit", str(_USUAL)), _MOST)
    if not limit:
        raise TaxiiError("bad-limit")
    granted = 0 if after >= asked.granted else asked.granted
    page = reading.openings(tx, asked.collection, asked.tree, max(after, -1), limit, granted)
    return json_response(page, collection=asked.collection.id, objects_out=len(page.openings))


@_reading
def _proof(tx: Tx, asked: _Asked, call: ApiCall) -> TaxiiResponse:
    """Return a proof. Raises ``TaxiiError``, and ``NotSealed`` for an object that is not in a checkpoint yet."""
    given = _parameters(call, "id", "version")
    id_ = given.get("id", "")
    if not id_ or len(id_) > _LONGEST_ID or "\x00" in id_:
        raise TaxiiError("not-found")
    version = _moment("version", given["version"]) if "version" in given else None
    found = reading.proof(tx, asked.collection, asked.tree, id_, version, asked.granted)
    if found is None:
        raise TaxiiError("not-found")
    return _text(bytes(found), asked.collection, objects=1)


def _text(text: bytes, collection: Collection, objects: int = 0) -> TaxiiResponse:
    return TaxiiResponse(200, text, (NO_STORE,), _TEXT, collection=collection.id, objects_out=objects)


def _parameters(call: ApiCall, *known: str) -> dict[str, str]:
    """Return the known parameters of the URL. Raises ``TaxiiError`` 400."""
    given: dict[str, str] = {}
    for name, value in call.query(_MOST_PARAMETERS):
        if name not in known:
            continue
        if name in given:
            raise TaxiiError("repeated-parameter", name=name)
        given[name] = value
    return given


def _moment(name: str, text: str) -> int:
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        return times.parse(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise TaxiiError("bad-timestamp", name=name) from error


def _cosign(call: ApiCall) -> TaxiiResponse:
    """Store cosignatures of a registered witness: in a cosigned note, or as lines alone for a recent checkpoint."""
    data, ledger, store = call.body(), call.of(Ledger), call.site.hub.store
    with store.read() as tx:
        asked = _asked(tx, call)
        known = witnesses.all_witnesses(tx)
        names = {(witness.key.name, witness.key.id): witness for witness in known}
        mine = latest(line for line in _lines(data) if (line.name, line.id) in names)
        if not mine:
            raise TaxiiError("unknown-witness")
        candidates = [_own_note(ledger, tx, asked.tree, data)] if b"\n\n" in data else []
        candidates = candidates or [SignedNote.parse(note) for note in heads.recent(tx, asked.tree.collection)]
    for note in candidates:
        try:
            signed = SignedNote(note.text, mine).check([witness.key for witness in known])
        except BadProof:
            continue
        size = Checkpoint.parse(note.text).size
        signers = [(names[key.name, key.id].name, at) for key, at in signed]
        cosigning.keep(store, asked.tree.collection, size, note, mine, signers)
        return TaxiiResponse(204, collection=asked.collection.id)
    raise TaxiiError("not-a-cosignature", problem="the signature is of none of the latest checkpoints of this log")


def _own_note(ledger: Ledger, tx: Tx, tree: Tree, data: bytes) -> SignedNote:
    """Return the checkpoint of a cosigned note as this hub signs it, if it is one of this hub's."""
    try:
        checkpoint = Checkpoint.parse(SignedNote.parse(data).text)
    except BadFormat as error:
        raise TaxiiError("not-a-cosignature", problem=error) from None
    is_own = checkpoint.origin == tree.origin and 0 < checkpoint.size <= tree.noted
    if not is_own or reading.root_at(tx, tree, checkpoint.size) != checkpoint.root:
        raise TaxiiError("not-a-cosignature", problem="this log has no such checkpoint")
    try:
        return ledger.keys().note(checkpoint)
    except BadLedgerKey:
        raise retry_later("busy", _SEALED_SECONDS) from None


def _lines(data: bytes) -> tuple[NoteSignature, ...]:
    try:
        return read_lines(data.rpartition(b"\n\n")[2])
    except BadFormat as error:
        raise TaxiiError("not-a-cosignature", problem=error) from None


def _add_checkpoint(call: ApiCall) -> TaxiiResponse:
    """Cosign a checkpoint that follows from the last one of its log. Raises ``TaxiiError``."""
    try:
        addition = CheckpointAddition.parse(call.body())
        checkpoint = Checkpoint.parse(SignedNote.parse(addition.checkpoint).text)
    except BadFormat as error:
        raise TaxiiError("not-a-checkpoint", problem=error) from None
    with call.site.hub.store.read() as tx:
        hub = witnesses.hub_of(tx, checkpoint.origin)
    if hub is None:
        raise TaxiiError("not-found")
    try:
        open_checkpoint(addition.checkpoint, [hub.key])
    except BadProof:
        raise TaxiiError("not-signed") from None
    if addition.old > checkpoint.size:
        raise TaxiiError("not-a-checkpoint", problem="the old size is larger than the new one")
    return _follow(call, hub, checkpoint, addition)


def _follow(call: ApiCall, hub: OtherHub, checkpoint: Checkpoint, addition: CheckpointAddition) -> TaxiiResponse:
    try:
        witness = call.of(Ledger).keys().witness
    except BadLedgerKey:
        raise retry_later("busy", _BUSY_SECONDS) from None
    try:
        cosigning.follow(call.site.hub.store, hub.name, checkpoint, addition)
    except OutOfDate as error:
        return TaxiiResponse(409, f"{error.size}\n".encode(), (NO_STORE,), _SIZE)
    except BadProof as error:
        raise TaxiiError("does-not-follow", problem=error) from None
    line = witness.sign(checkpoint.text, int(time.time()))
    return TaxiiResponse(200, str(line).encode(), (NO_STORE,), _TEXT)


_BINARY: Schema = {"type": "string", "format": "binary"}
_NUMBER = Parameter("number", "the number, as x001/234.p/17 at most", pattern="[0-9a-z/.]{1,80}")
ROUTES = (
    ApiRoute(
        "log_checkpoint",
        "GET",
        f"{_LOG}/checkpoint",
        _checkpoint,
        "Get the newest signed checkpoint",
        ResponseBody(STRING, media_type=_TEXT),
        refuses=(403,),
        service=Ledger,
    ),
    ApiRoute(
        "log_cosigned",
        "GET",
        f"{_LOG}/checkpoint/cosigned",
        _cosigned,
        "Get the newest checkpoint that was cosigned",
        ResponseBody(STRING, media_type=_TEXT),
        refuses=(403,),
        service=Ledger,
        name="log-checkpoint-cosigned",
    ),
    ApiRoute(
        "log_entries",
        "GET",
        f"{_LOG}/tile/entries/{{number}}",
        _tile,
        "Get a bundle of entries",
        ResponseBody(_BINARY, media_type=BINARY),
        parameters=(_NUMBER,),
        refuses=(403,),
        service=Ledger,
        name="log-tile",
    ),
    ApiRoute(
        "log_tile",
        "GET",
        f"{_LOG}/tile/{{level}}/{{number}}",
        _tile,
        "Get a tile of hashes",
        ResponseBody(_BINARY, media_type=BINARY),
        parameters=(Parameter("level", "the level, from 0", pattern="[0-9a-z.]{1,80}"), _NUMBER),
        refuses=(403,),
        service=Ledger,
    ),
    ApiRoute(
        "log_openings",
        "GET",
        f"{_LOG}/openings",
        _openings,
        "Get the openings of the entries of objects",
        ResponseBody(Openings),
        parameters=(
            Parameter("added_after", "the date_added after which the objects were added", STAMP),
            Parameter("limit", "the most objects; 10,000 at most", {"type": "integer", "minimum": 1}),
            Parameter("next", "the place that the page before named"),
        ),
        refuses=(403,),
        service=Ledger,
    ),
    ApiRoute(
        "log_proof",
        "GET",
        f"{_LOG}/proof",
        _proof,
        "Get the proof that an object is in the ledger",
        ResponseBody(STRING, media_type=_TEXT),
        parameters=(
            Parameter("id", "the id of the object", is_required=True),
            Parameter("version", "its version; without it the last one", STAMP),
        ),
        refuses=(403,),
        service=Ledger,
    ),
    ApiRoute(
        "log_cosign",
        "POST",
        f"{_LOG}/cosignatures",
        _cosign,
        "Add the cosignature of a registered witness",
        ResponseBody(None, 204),
        request=RequestBody(
            STRING,
            LONGEST_NOTE,
            media_type="text/plain",
            description="a cosigned checkpoint, or the lines of signatures of one of the last minutes",
        ),
        refuses=(403,),
        service=Ledger,
        name="log-cosignatures",
    ),
    ApiRoute(
        "witness_add_checkpoint",
        "POST",
        "/witness/add-checkpoint",
        _add_checkpoint,
        "Ask this hub to cosign a checkpoint",
        ResponseBody(STRING, media_type=_TEXT),
        ANYBODY,
        request=RequestBody(
            STRING,
            64 * 1024,
            media_type="text/plain",
            description="the old size, the proof of consistency, an empty line, the checkpoint",
        ),
        refuses=(403, 404),
        also=(ResponseBody(STRING, 409, _SIZE, description="the size of the last checkpoint that was cosigned"),),
        usual=tuple(code for code in USUAL_ERRORS if code not in (401, 406)),
        limit=_CHECKPOINTS,
        service=Ledger,
        name="witness",
    ),
)
