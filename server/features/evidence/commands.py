"""``scamfeed evidence``: files of evidence, and the bag that proves one published object.

``scamfeed evidence ID …`` without the name of a command is the command ``object``.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from feeds.client import lookups
from feeds.client.lookups import HubSettings
from feeds.connector import Misconfigured, TryLater
from feeds.transport.client import RequestRefused
from feeds.transport.timestamps import TimestampAuthority
from server.cli.acting import WouldDo, acting
from server.cli.client.hub_login import AllowPrivate, CaFile, TokenFile, read_token
from server.cli.context import (
    By,
    Context,
    DefaultCommandGroup,
    Json,
    actor,
    fail,
    find_partner,
    keys_of,
    opened_privately,
    registered,
    show_json,
    show_properties,
    show_table,
)
from server.features.evidence import desk, files, timestamping
from server.features.evidence.desk import EvidenceRefused, StoredEvidence, UnknownEvidence
from server.features.evidence.files import EvidenceFile
from server.features.evidence.operations import (
    AddEvidence,
    ExportEvidence,
    GiveEvidence,
    HandOverEvidence,
    TakeBackEvidence,
    TidyEvidence,
    add_file,
)
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import StoreOfFilesUnavailable
from server.features.ledger.object_commands import object_
from server.operations.run import run
from server.release.key_files import BadKeyFile
from server.store import Store

_REFUSED, _LATER = 1, 75


class _ObjectByDefault(DefaultCommandGroup):
    default = "object"


app = typer.Typer(
    name="evidence",
    help="Keep evidence of reports and cases, and prove what was published; evidence ID means evidence object ID.",
    no_args_is_help=True,
    cls=_ObjectByDefault,
)


Report = Annotated[str | None, typer.Option(help="the report of the files: its id, as contributed")]
Case = Annotated[str | None, typer.Option(help="the case of the files: its id, as contributed")]
Partner = Annotated[str | None, typer.Option(help="the contributor, if several have one with that id")]
For = Annotated[str, typer.Option("--for", help="the partner that gets it")]
Output = Annotated[Path, typer.Option(help="the file to write")]


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[list[Path], typer.Argument(help="files of evidence")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    stays: Annotated[
        bool, typer.Option("--stays/--store", help="store only the hash; the file stays with its holder")
    ] = False,
    server: Annotated[str | None, typer.Option(help="address of the hub, on a partner's machine")] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Add files as evidence: hash, size, media type by content, a time-stamp if configured, an entry of custody.

    If evidence_store is set, the files are stored encrypted. Their names are not stored. With --server a partner sends
    files about its own report or case, with its token.
    """
    context: Context = ctx.obj
    if server is not None:
        if stays or partner is not None:
            fail("with --server the files are stored for our own report or case: leave out --stays and --partner")
        sent = _send(
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
    stored_limit = None if place is None else context.settings.evidence_partner_bytes
    rows, person = [], actor(by)
    with context.hub() as hub:
        object_id, owner = _one_of(report, case), _name(hub.store, partner)
        try:
            for path in file:
                with path.open("rb") as content:
                    found = desk.measured(content, context.settings.evidence_file_bytes)
                    content.seek(0)
                    operation = AddEvidence(object_id=object_id, partner=owner, file=found, stored_limit=stored_limit)
                    added = add_file(hub, operation, content, place, person)
                _stamp(hub.store, added.file, authority, person.name)
                with hub.store.read() as tx:
                    named = desk.names_hash(tx, added.key, found.sha256)
                    kept = files.of_partner(tx, added.file.partner, found.sha256) or added.file
                    rows.append(_row(tx, kept, named=named))
        except (UnknownEvidence, EvidenceRefused, StoreOfFilesUnavailable) as error:
            fail(str(error), _REFUSED)
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}")
    _show(rows, "Evidence", json)


@app.command("list")
def list_(
    ctx: typer.Context,
    report: Report = None,
    case: Case = None,
    partner: Annotated[str | None, typer.Option(help="only files from this partner")] = None,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the newest first")] = 1_000,
    json: Json = False,
) -> None:
    """List evidence with its custody: all, or that of one report or case."""
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


@app.command()
def get(
    ctx: typer.Context,
    sha256: Annotated[str, typer.Argument(help="the SHA-256 of the file")],
    for_: For,
    output: Output,
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Write a stored file for a partner that may have it: its holder, or a partner with access to its case."""
    context: Context = ctx.obj
    place = _place(context)
    if place is None:
        fail("this hub stores no files: evidence_store is not set")
    with acting(ctx, by, dry_run=dry_run, status=_REFUSED) as act:
        given = act.run(GiveEvidence(sha256=sha256.lower(), to=registered(act.hub, for_).name))
        try:
            with opened_privately(output) as out:
                for part in desk.content_of(given.file, place):
                    out.write(part)
        except StoreOfFilesUnavailable as error:
            fail(str(error), _REFUSED)


@app.command()
def hand_over(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="the partner that gets access")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Give a partner access to the files of a report or a case, including later ones."""
    _change_access(HandOverEvidence, ctx, to, _one_of(report, case), partner, by, dry_run=dry_run, json=json)


@app.command()
def take_back(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="the partner whose access ends")],
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """End a partner's access to the files of a report or a case; it keeps its copies."""
    _change_access(TakeBackEvidence, ctx, to, _one_of(report, case), partner, by, dry_run=dry_run, json=json)


@app.command()
def export(
    ctx: typer.Context,
    for_: For,
    output: Output,
    report: Report = None,
    case: Case = None,
    partner: Partner = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Write the files of a report or a case as a BagIt bag, with hashes, time-stamps and the signed custody."""
    context: Context = ctx.obj
    place = _place(context)
    keys = keys_of(context, dry_run=dry_run)
    with acting(ctx, by, dry_run=dry_run, json=json, status=_REFUSED) as act:
        owner, to = _name(act.hub.store, partner), registered(act.hub, for_).name
        begun = act.run(ExportEvidence(object_id=_one_of(report, case), partner=owner, to=to, keys=keys))
        try:
            with opened_privately(output) as out:
                desk.write_bag(begun, out, place)
        except StoreOfFilesUnavailable as error:
            fail(str(error), _REFUSED)
    stored = sum(file.place is not None for file in begun.files)
    result = {"file": str(output), "files": stored, "with_their_holders": len(begun.files) - stored}
    show_properties("Exported", result, json=json)


@app.command()
def tidy(
    ctx: typer.Context,
    by: By = None,
    json: Json = False,
) -> None:
    """Remove stored files of erased reports, and those older than evidence_days."""
    context: Context = ctx.obj
    place = _place(context)
    with context.hub() as hub:
        run(hub, TidyEvidence(), actor(by))
        try:
            removed = desk.tidy(hub.store, None if place is None else place.store)
        except StoreOfFilesUnavailable as error:
            fail(str(error), _REFUSED)
    if json:
        show_json({"removed": removed})
    else:
        show_table("Removed from the store", ["files"], [[removed]])


def _change_access(
    change: type[HandOverEvidence | TakeBackEvidence],
    ctx: typer.Context,
    to: str,
    object_id: str,
    partner: str | None,
    by: str | None,
    *,
    dry_run: bool,
    json: bool,
) -> None:
    gives = change is HandOverEvidence
    with acting(ctx, by, dry_run=dry_run, json=json, status=_REFUSED) as act:
        member = registered(act.hub, to, gone=not gives).name
        done = act.run(change(object_id=object_id, partner=_name(act.hub.store, partner), to=member))
    result: dict[str, Any] = {"object": object_id, "files": len(done.files), "members": done.members}
    show_properties("Handed over" if gives else "Access ended", result, json=json)


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
    """Return the store of files, None if they stay with their holders."""
    try:
        return evidence_place(context.settings)
    except (StoreOfFilesUnavailable, BadKeyFile) as error:
        fail(str(error))


def _stamp(store: Store, file: EvidenceFile, authority: TimestampAuthority | None, by: str) -> None:
    """Have a file time-stamped. If that fails, it is evidence without a time-stamp."""
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


def _send(
    url: str, token: str, object_id: str, paths: list[Path], *, allow_private: bool, ca_file: Path | None
) -> list[dict[str, Any]]:
    """Send files to a hub, and return what it has of each; end the command where it refuses one."""
    try:
        hub = HubSettings(url=url, allow_private=allow_private, ca_file=ca_file)
    except ValidationError as error:
        fail(f"--server: {error.errors()[0]['msg']}")
    try:
        with ExitStack() as opened:
            return lookups.send(hub, token, object_id, [opened.enter_context(path.open("rb")) for path in paths])
    except (Misconfigured, RequestRefused) as error:
        fail(str(error), _REFUSED)
    except TryLater as error:
        fail(str(error), _LATER)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


app.command("object")(object_)

COMMANDS = {"evidence": app}
