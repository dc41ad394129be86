"""``scamfeed evidence object``: a bag that proves one published object to a court, and can be verified with openssl."""

import io
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.connector import Misconfigured, TryLater
from feeds.transport import timestamps
from feeds.transport.timestamps import TimestampAuthority
from schemas.tlog import BadFormat, BadProof, bag
from schemas.tlog.bag import ProvenObject
from schemas.tlog.notes import SignedNote
from server.cli.client.hub_login import AllowPrivate, CaFile, TokenFile, read_token
from server.cli.context import By, Context, Json, actor, fail, operator_name, show_properties, write_privately
from server.features.evidence import timestamping
from server.features.ledger.operations import ExportProof
from server.operations.run import run
from server.store import collections, log
from server.store.database.times import parse
from server.store.ledger import growth, reading
from server.store.objects.query import EVERY, Query

_SPECS = ("2.0", "2.1")
_TimestampUrl = Annotated[
    str | None, typer.Option(help="time-stamp authority (RFC 3161) [default at the hub: that of its settings]")
]
_TimestampCaFile = Annotated[Path | None, typer.Option(help="root certificates of that authority, in PEM")]
_HubServer = Annotated[str | None, typer.Option(help="address of the hub, on a partner's machine")]


def object_(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the id of a published object")],
    collection: Annotated[str, typer.Option(help="alias or id of its collection")],
    output: Annotated[Path, typer.Option(help="write the bag into this ZIP file")],
    version: Annotated[
        str | None, typer.Option(help="the version by its property modified [default: the last]")
    ] = None,
    server: _HubServer = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    timestamp_url: _TimestampUrl = None,
    timestamp_ca_file: _TimestampCaFile = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Write a bag that proves one published object, with a program that verifies it with openssl.

    At the hub the object is read from the store; with --server a partner asks the hub, with its token.
    """
    context: Context = ctx.obj
    if server is None:
        proven = _stored(context, id_, collection, version)
    else:
        from server.features.ledger import object_at_hub  # loads the HTTP client, which other commands do not need

        asked = object_at_hub.open_hub(server, allow_private=allow_private, ca_file=ca_file)
        proven = object_at_hub.ask(asked, read_token(token_file), collection, id_, version)
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    custody = [{"at": moment, "what": "made", "by": operator_name(by), "from": server or "the hub's store"}]
    authority = _authority(timestamp_url, timestamp_ca_file)
    if authority is None and server is None:
        authority = timestamping.authority_of(context.settings)
    stamped = _stamp(authority, proven)
    out = io.BytesIO()
    try:
        name = f"proof-{id_.rpartition('--')[2]}"
        bag.write_object_bag(out, proven, name=name, custody=custody, timestamp=stamped)
    except (BadFormat, BadProof, ValueError) as error:
        fail(f"{id_}: {error}")
    write_privately(output, out.getvalue())
    if server is None:
        with context.hub() as hub:
            run(hub, ExportProof(id=id_), actor(by))
    opening, note = proven.opening, SignedNote.parse(proven.proof.checkpoint)
    row: dict[str, Any] = {"id": id_, "index": opening.index, "date_added": opening.date_added}
    row |= {"time_stamped": stamped is not None}
    row |= {"signed_by": [str(signature.name) for signature in note.signatures], "file": str(output)}
    show_properties("Proven", row, json=json)


def _stored(context: Context, id_: str, collection: str, version: str | None) -> ProvenObject:
    """Return an object of this hub's store with its proof, or end the command."""
    with context.store() as store, store.read() as tx:
        try:
            found = collections.get(tx, collection)
            moment = parse(version) if version else None
        except (LookupError, ValueError) as error:
            fail(str(error))
        tree = growth.tree_of(tx, found.number)
        if tree is None or tree.noted < 0:
            fail(f"{collection}: it has no signed log yet: scamfeed log seal")
        try:
            proof = reading.proof(tx, found, tree, id_, moment, 0)
        except reading.NotSealed:
            fail(f"{id_}: no signed checkpoint has it yet: scamfeed log seal")
        if proof is None:
            fail(f"{id_}: the collection has no such object, or not in this version")
        added = parse(ProvenObject(b"", proof).opening.date_added)
        page = log.page(tx, found, Query(added - 1, 1, (id_,), spec_versions=_SPECS, versions=EVERY))
        return ProvenObject(bytes(page.bodies[0]), proof)


def _authority(url: str | None, ca_file: Path | None) -> TimestampAuthority | None:
    """Return the authority of the options, or end the command if one of them is missing."""
    if (url is None) != (ca_file is None):
        fail("give both --timestamp-url and --timestamp-ca-file")
    if url is None or ca_file is None:
        return None
    return TimestampAuthority(url=url, root_file=ca_file, allow_private=True)


def _stamp(authority: TimestampAuthority | None, proven: ProvenObject) -> bytes | None:
    """Return a time-stamp of the checkpoint; None without an authority, or if it does not respond."""
    if authority is None:
        return None
    try:
        return timestamps.fetch(authority, sha256(proven.proof.checkpoint).digest()).response
    except (Misconfigured, TryLater) as error:
        typer.echo(f"scamfeed: not time-stamped: {error}", err=True)
        return None
