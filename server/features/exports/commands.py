"""``scamfeed export``: the active set of a collection in another format, or its history as Parquet."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from feeds import formats
from feeds.mapping.export import HistoryUnavailable, WrittenDay, export as write_active, export_history
from schemas import timestamp
from schemas.errors import Rejected
from schemas.tlog.signatures import SigningKeys
from schemas.vocabulary import Action
from server.cli.context import By, Context, Json, actor, fail, keys_of, show_json, show_table
from server.features.exports.operations import SignExport
from server.operations.run import run
from server.store import Tx, collections
from server.store.collections import Collection, UnknownCollection
from server.store.database.times import micros


def export(
    ctx: typer.Context,
    collection: Annotated[str, typer.Option(help="the collection's alias or id")],
    format: Annotated[
        str | None, typer.Option(help="the format to write; misp-feed is a folder, and needs --output")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="write every version ever added, as Parquet files by day into --output")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            help="only indicators added after this time, as 2026-01-31T08:00:00Z; of the history, write the days from "
            "then on again"
        ),
    ] = None,
    least_grade: Annotated[
        Action | None,
        typer.Option(help="the weakest grade written [default: block in formats that block, else any]"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="where to write [default: standard output]; the history into a folder, or a URL as s3://bucket/folder"
        ),
    ] = None,
    sign: Annotated[
        bool, typer.Option("--sign", help="write the hub's signature of the file next to it, as OUTPUT.sig")
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Write the active indicators of a collection: the latest versions, neither revoked nor expired.

    Formats whose readers block every entry (hosts, rpz, dnsmasq, adblock, ublacklist) get grade block only, unless
    --least-grade says otherwise. A reader of the output finds the old file or the new one, never a part. With --json
    and no --output only the counts are shown.

    With --history every version of every object is written, revoked ones included, and days that the folder has already
    are left out (docs/history.md).
    """
    context: Context = ctx.obj
    if history and sign:
        fail("--sign: files are signed, and the history is a folder")
    if history:
        _export_history(context, collection, format, since, output, json=json)
        return
    if format is None:
        fail("say which --format, or --history for every version as Parquet")
    target = Path(output) if output else None
    if sign and (target is None or formats.get(format).folder):
        fail("--sign: a file is signed: name it, with --output")
    keys = keys_of(context) if sign else None
    _export_active(context, collection, format, least_grade, since, target, json=json)
    if keys is not None and target is not None:
        _sign(context, collection, target, keys, by)


def _sign(context: Context, collection: str, file: Path, keys: SigningKeys, by: str | None) -> None:
    """Write the signatures of a file next to it, one for each key; during a rotation the later ones are .sig.2, ....

    The audit trail has the digest of the file.
    """
    content = file.read_bytes()
    with context.hub() as hub:
        with hub.store.read() as tx:
            of = _collection(tx, collection).id
        run(hub, SignExport(collection=of, digest=hashlib.sha256(content).hexdigest()), actor(by))
    for number, signature in enumerate(keys.sign_file(content), 1):
        beside = file.with_name(f"{file.name}.sig" if number == 1 else f"{file.name}.sig.{number}")
        with _opened(beside, nowhere=False) as out:
            out.write(signature)


def _export_active(
    context: Context,
    collection: str,
    format: str,
    least_grade: Action | None,
    since: str | None,
    output: Path | None,
    *,
    json: bool,
) -> None:
    _check_format(format, output)
    after = -1 if since is None else micros(_moment(since))
    with context.store() as store, store.read() as tx:
        wanted = _collection(tx, collection)
        try:
            if formats.get(format).folder and output is not None:
                done = write_active(tx, wanted, format, output, timestamp.now(), after, least=least_grade)
            else:
                with _opened(output, nowhere=json) as out:
                    done = write_active(tx, wanted, format, out, timestamp.now(), after, least=least_grade)
        except BrokenPipeError:  # who reads our output has read enough, which is no error
            raise
        except OSError as error:
            fail(f"{output or 'the output'}: cannot be written: {error.strerror}")
    result = {"collection": wanted.alias, "format": format, **done.as_dict()}
    if json:
        show_json(result)
        return
    rows: list[tuple[str, int]] = [("active", done.active), ("written", done.written), ("duplicates", done.duplicates)]
    rows += [(f"left out: {reason}", number) for reason, number in done.left_out.most_common()]
    show_table("Indicators", ["result", "indicators"], rows, Console(stderr=output is None))


def _export_history(
    context: Context, collection: str, format: str | None, since: str | None, output: str | None, *, json: bool
) -> None:
    if format is not None:
        fail(f"--format {format}: the history is written as Parquet; leave it out")
    if output is None:
        fail("--history: this is a folder: say where, with --output")
    begin = None if since is None else _moment(since)
    with context.store() as store:
        with store.read() as tx:
            wanted = _collection(tx, collection)
        try:
            days = list(export_history(store, wanted, output, begin))
        except HistoryUnavailable as error:
            fail(str(error))
    if json:
        show_json({"collection": wanted.alias, "days": [day._asdict() for day in days]})
    else:
        show_table("Written", WrittenDay._fields, days)


def _collection(tx: Tx, name: str) -> Collection:
    """Return a collection that partners read, or end the program."""
    try:
        wanted = collections.get(tx, name)
    except UnknownCollection as error:
        fail(f"{error}; there are: {', '.join(other.alias for other in collections.all_collections(tx))}")
    if wanted.kind == "inbox":
        fail("an inbox is written, never read: name a collection that is released from it")
    return wanted


def _check_format(name: str, output: Path | None) -> None:
    able = [candidate.name for candidate in formats.every().values() if candidate.writes]
    if name not in able:
        fail(f"--format {name}: nothing is written in such a format; there are: {', '.join(able)}")
    folder = formats.get(name).folder
    if folder and output is None:
        fail(f"--format {name}: this is a folder: say where, with --output")
    if output is not None and folder and output.exists() and not output.is_dir():
        fail(f"--output {output}: this is a file, and the format is a folder")
    if output is not None and not folder and output.is_dir():
        fail(f"--output {output}: this is a folder: name a file")


def _moment(since: str) -> datetime:
    """Read ``--since``, to the milliseconds that readers store."""
    try:
        return timestamp.parse(since)
    except Rejected as refusal:
        fail(f"--since {since}: {refusal.message}")


@contextmanager
def _opened(path: Path | None, *, nowhere: bool) -> Iterator[BinaryIO]:
    """Open the output; a file gets its name only when it is complete and on disk."""
    if path is None and not nowhere:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(os.devnull) if path is None else path.resolve()
    if target.exists() and not target.is_file():  # a pipe, a terminal
        with target.open("wb") as out:
            yield out
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


COMMANDS = {"export": export}
