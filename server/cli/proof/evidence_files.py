"""The commands of ``scamfeed evidence`` about files: added to a report or a case, handed over, given out, exported."""

from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.connector import Misconfigured, TryLater
from feeds.http.timestamps import TimestampAuthority
from server import timestamping
from server.cli.client.hub_login import AllowPrivate, CaFile, TokenFile, read_token
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import find_partner
from server.cli.private_file import opened_privately
from server.cli.proof import evidence_at_hub
from server.cli.signing import keys_of
from server.evidence_place import evidence_place
from server.release.evidence import desk
from server.release.evidence.desk import EvidenceLimits, EvidenceRefused, StoredEvidence, UnknownEvidence
from server.release.evidence.encryption import UnreadableEvidence
from server.release.evidence.stored import StoreOfFilesUnavailable
from server.release.key_files import BadKeyFile
from server.store import Store
from server.store.evidence import files
from server.store.evidence.files import EvidenceFile

_REFUSED = 1

Report = Annotated[str | None, typer.Option(help="the report that it belongs to: its id, as it was contributed")]
Case = Annotated[str | None, typer.Option(help="the case that it belongs to: its id, as it was contributed")]
Partner = Annotated[str | None, typer.Option(help="whose report or case it is, where several have one of that id")]
For = Annotated[str, typer.Option("--for", help="the partner to whom it is given")]
Output = Annotated[Path, typer.Option(help="the file to write")]


def add(
    ctx: typer.Context,
    file: Annotated[list[Path], typer.Argument(help="files of evidence")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    stays: Annotated[
        bool, typer.Option("--stays/--store", help="keep the hash alone; the file stays with its holder")
    ] = False,
    server: Annotated[str | None, typer.Option(help="address of the hub, where this is a partner's machine")] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Add files as evidence: hash, size, media type by content, a time-stamp where configured, an entry of custody.

    A file is stored, encrypted, where evidence_store is set. Its name is kept nowhere. With --server a partner sends
    files about a report or a case of its own, by its token.
    """
    context: Context = ctx.obj
    if server is not None:
        if stays or partner is not None:
            fail(
                "with --server the files are stored, about a report or a case of ours: leave --stays and --partner out"
            )
        sent = evidence_at_hub.send(
            server,
            read_token(token_file),
            _one_of(report, case),
            file,
            allow_private=allow_private,
            ca_file=ca_file,
        )
        _show(sent, "Evidence", json)
        return
    place = None if stays else _place(context)
    authority = timestamping.authority_of(context.settings)
    limits = EvidenceLimits(context.settings.evidence_file_bytes, context.settings.evidence_partner_bytes)
    rows, name = [], operator_name(by)
    with context.store() as store:
        try:
            with store.read() as tx:
                key, holder = desk.object_key(tx, _one_of(report, case), _name(store, partner))
            for path in file:
                with path.open("rb") as content:
                    found = desk.measured(content, limits.file)
                    content.seek(0)
                    added = desk.add(store, key, holder, found, content, place, limits, name)
                _stamp(store, added, authority, name)
                with store.read() as tx:
                    named = desk.names_hash(tx, key, found.sha256)
                    rows.append(_row(tx, files.of_partner(tx, holder.name, found.sha256) or added, named=named))
        except (UnknownEvidence, EvidenceRefused, StoreOfFilesUnavailable) as error:
            fail(str(error), _REFUSED)
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}")
    _show(rows, "Evidence", json)


def list_(
    ctx: typer.Context,
    report: Report = None,
    case: Case = None,
    partner: Annotated[str | None, typer.Option(help="only what this partner brought")] = None,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, the newest")] = 1_000,
    json: Json = False,
) -> None:
    """List evidence, of all or of one report or case, with its custody."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        owner = None if partner is None else find_partner(tx, partner, gone=True).name
        if report is None and case is None:
            found = files.all_files(tx, owner, limit)
        else:
            try:
                key, _ = desk.object_key(tx, _one_of(report, case), owner)
            except UnknownEvidence as error:
                fail(str(error), _REFUSED)
            found = files.of_objects(tx, [key])
        rows = [_row(tx, file) for file in found]
    _show(rows, "Evidence", json)


def get(
    ctx: typer.Context,
    sha256: Annotated[str, typer.Argument(help="the SHA-256 of the file")],
    for_: For,
    output: Output,
    by: By = None,
) -> None:
    """Send a stored file to a partner that may have it: its holder, or one to whom its case was handed over."""
    context: Context = ctx.obj
    place = _place(context)
    if place is None:
        fail("no files are stored here; evidence_store is not set")
    with context.store() as store:
        try:
            with store.begin() as tx:
                given = desk.give(tx, sha256.lower(), find_partner(tx, for_).name, operator_name(by))
            with opened_privately(output) as out:
                for part in desk.content_of(given, place):
                    out.write(part)
        except (UnknownEvidence, UnreadableEvidence, StoreOfFilesUnavailable) as error:
            fail(str(error), _REFUSED)


def hand_over(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="the partner that may have the files from now on")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Let a partner have the files of a report or a case, later ones too; each file's custody has it."""
    _change_members(ctx.obj, to, _one_of(report, case), partner, operator_name(by), json, gives=True)


def take_back(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="the partner that may have the files no more")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Let a partner have the files of a report or a case no more; what it fetched before stays with it."""
    _change_members(ctx.obj, to, _one_of(report, case), partner, operator_name(by), json, gives=False)


def export(
    ctx: typer.Context,
    for_: For,
    output: Output,
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Write the files of a report or a case as one BagIt bag: with hashes, time-stamps and the signed custody."""
    context: Context = ctx.obj
    place = _place(context)
    keys = keys_of(context)
    with context.store() as store:
        try:
            with store.begin() as tx:
                key, _ = desk.object_key(tx, _one_of(report, case), _name(store, partner))
                begun = desk.begin_export(tx, key, keys, find_partner(tx, for_).name, operator_name(by))
            with opened_privately(output) as out:
                desk.write_bag(begun, out, place)
        except (UnknownEvidence, UnreadableEvidence, StoreOfFilesUnavailable) as error:
            fail(str(error), _REFUSED)
    stored = sum(file.place is not None for file in begun.files)
    result = {"file": str(output), "files": stored, "with_their_holders": len(begun.files) - stored}
    if json:
        show_json(result)
    else:
        show_table("Exported", ["property", "value"], [list(row) for row in result.items()])


def tidy(ctx: typer.Context, json: Json = False) -> None:
    """Remove stored files that nobody may have any more: of erased reports, and older than evidence_days."""
    context: Context = ctx.obj
    place = _place(context)
    with context.store() as store:
        try:
            removed = desk.tidy(store, None if place is None else place.store)
        except StoreOfFilesUnavailable as error:
            fail(str(error), _REFUSED)
    if json:
        show_json({"removed": removed})
    else:
        show_table("Removed from the store", ["files"], [[removed]])


def _change_members(
    context: Context, to: str, object_id: str, partner: str | None, by: str, json: bool, *, gives: bool
) -> None:
    with context.store() as store:
        owner = _name(store, partner)
        with store.begin() as tx:
            member = find_partner(tx, to, gone=not gives)
            try:
                key, _ = desk.object_key(tx, object_id, owner)
            except UnknownEvidence as error:
                fail(str(error), _REFUSED)
            if gives:
                desk.hand_over(tx, key, member, by)
            else:
                desk.take_back(tx, key, member.name, by)
            result: dict[str, Any] = {
                "object": object_id,
                "files": len(files.of_objects(tx, [key])),
                "members": files.members(tx, key),
            }
    if json:
        show_json(result)
    else:
        rows = [[name, ", ".join(cell) if isinstance(cell, list) else cell] for name, cell in result.items()]
        show_table("Handed over" if gives else "Taken back", ["property", "value"], rows)


def _one_of(report: str | None, case: str | None) -> str:
    """Return the id of the report or of the case, or end the program."""
    if (report is None) == (case is None):
        fail("name a --report or a --case")
    return report or case or ""


def _name(store: Store, partner: str | None) -> str | None:
    """Return the registered name of a partner."""
    with store.read() as tx:
        return None if partner is None else find_partner(tx, partner, gone=True).name


def _place(context: Context) -> StoredEvidence | None:
    """Return where files are stored, None where they stay with their holders."""
    try:
        return evidence_place(context.settings)
    except (StoreOfFilesUnavailable, BadKeyFile) as error:
        fail(str(error))


def _stamp(store: Store, file: EvidenceFile, authority: TimestampAuthority | None, by: str) -> None:
    """Have a file time-stamped; without a time-stamp it is evidence too."""
    try:
        timestamping.stamp(store, file, authority, by)
    except (Misconfigured, TryLater) as error:
        typer.echo(f"scamfeed: not time-stamped; add the file again later: {error}", err=True)


def _row(tx: Any, file: EvidenceFile, *, named: bool | None = None) -> dict[str, Any]:
    row = desk.described(tx, file)
    return row if named is None else {**row, "named_in_object": named}


def _show(rows: list[dict[str, Any]], title: str, json: bool) -> None:
    if json:
        show_json(rows)
        return
    columns = ["sha256", "size", "media_type", "holder", "added", "stored", "time_stamped"]
    show_table(title, columns, [[row.get(column) for column in columns] for row in rows])
    for row in rows:
        if row.get("named_in_object") is False:
            message = "the report or case does not name this hash; its contributor may add it"
            typer.echo(f"{row['sha256']}: {message}", err=True)
