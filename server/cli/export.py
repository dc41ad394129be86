"""``scamfeed export``: the active set of a collection, in a format that others load."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from feeds import formats
from feeds.mapping.export import export as write_active
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Action
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import collections
from server.store.collections import UnknownCollection
from server.store.times import micros


def export(
    ctx: typer.Context,
    collection: Annotated[str, typer.Option(help="the collection's alias or id")],
    format: Annotated[str, typer.Option(help="the format to write; misp-feed is a folder, and needs --output")],
    since: Annotated[
        str | None, typer.Option(help="only indicators added after this time, as 2026-01-31T08:00:00Z")
    ] = None,
    least_grade: Annotated[
        Action | None,
        typer.Option(help="the weakest grade written [default: block in formats that block, else any]"),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="where to write [default: standard output]")] = None,
    json: Json = False,
) -> None:
    """Write the active indicators of a collection: the latest versions, neither revoked nor expired.

    Formats that block everything in them (hosts, rpz, dnsmasq, adblock, ublacklist) get grade block only, unless
    --least-grade says otherwise. A reader of the output finds the old file or the new one, never a part. With --json
    and no --output only the counts are shown.
    """
    context: Context = ctx.obj
    _check_format(format, output)
    after = _moment(since)
    with context.store() as store, store.read() as tx:
        try:
            wanted = collections.get(tx, collection)
        except UnknownCollection as error:
            fail(f"{error}; there are: {', '.join(other.alias for other in collections.all_collections(tx))}")
        if wanted.kind == "inbox":
            fail("an inbox is written, never read: name a collection that is released from it")
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


def _moment(since: str | None) -> int:
    """Read ``--since`` as microseconds since the epoch; the milliseconds that readers keep are enough."""
    if since is None:
        return -1
    try:
        return micros(timestamp.parse(since))
    except Rejected as refusal:
        fail(f"--since {since}: {refusal.message}")


@contextmanager
def _opened(path: Path | None, *, nowhere: bool) -> Iterator[BinaryIO]:
    """Open the output; a file gets its name only when it is whole and on disk."""
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
