"""``scamfeed mirror``: a partner's own copy of its collections, synced with its hubs and served on loopback."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.clock import moment
from feeds.client.mirror.hub_client import HubRound
from feeds.client.mirror.schedule import sync_once, sync_until_stopped
from feeds.client.mirror.settings import MirrorSettings, load
from feeds.client.mirror.state import health_of
from feeds.connector import Misconfigured
from server.cli.context import MIRROR_FILE, Context, Json, fail, show_json, show_table
from server.cli.large_work import prepare_process
from server.own_command import own_command

app = typer.Typer(help="Your own copy of your collections: synced, served, checked.", no_args_is_help=True)

_SYNCED = ("hub", "collection", "read", "listings", "active", "digest", "repaired", "error")
_COPIES = ("hub", "collection", "listings", "active", "as_of", "age_seconds", "stale", "digest", "error")
_LOGS = ("hub", "collection", "verified up to", "size", "cosigned by", "cosigned up to", "unproven", "left out")
_LONGEST_PAUSE = 60.0


@app.command()
def sync(
    ctx: typer.Context,
    repeat: Annotated[bool, typer.Option("--repeat", help="repeat at the interval `every`, until stopped")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
    json: Json = False,
) -> None:
    """Read from every hub what is new, and compare each copy with its hub.

    Exit 1 if a hub could not be read, a collection is missing, or a copy differs from its hub.
    """
    settings = _settings(ctx.obj)
    prepare_process()
    try:
        if repeat:
            if with_parent:
                _follow_parent()
            sync_until_stopped(settings, threading.Event())
            return
        rounds = sync_once(settings)
    except Misconfigured as error:
        fail(str(error))
    if json:
        show_json({"hubs": [_shown(done) for done in rounds]})
    else:
        _show_rounds(rounds)
    if not all(done.is_well for done in rounds):
        raise typer.Exit(1)


def _show_rounds(rounds: Sequence[HubRound]) -> None:
    """Print what was synced from each hub, and what a person should look at."""
    rows = [[done.hub, *synced[1:]] for done in rounds for synced in done.collections]
    show_table("Synced", _SYNCED, rows)
    notes = [[done.hub, "missing", name] for done in rounds for name in done.missing]
    notes += [[done.hub, "dropped", name] for done in rounds for name in done.dropped]
    notes += [[done.hub, "error", done.error] for done in rounds if done.error]
    if notes:
        show_table("To look at", ["hub", "what", "which"], notes)


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="address to listen on [default: as configured]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port [default: as configured]")] = None,
    with_sync: Annotated[
        bool, typer.Option("--with-sync/--no-sync", help="also sync with the hubs, in a process of its own")
    ] = True,
) -> None:
    """Answer POST /check from the copy on loopback, and keep the copy current, until stopped."""
    from feeds.client.mirror.service import serve as run

    context: Context = ctx.obj
    settings = _settings(context)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        options = type(settings.mirror).model_validate({**settings.mirror.model_dump(), **given})
    except ValueError:
        fail(f"--host {host}: whoever reaches this address may ask; set token in the configuration")
    try:
        with _syncing(context, wanted=with_sync), _opened(settings, wait=with_sync) as mirror:
            run(mirror, options, lambda at: print(f"http://{at.host}:{at.port}/check", flush=True))  # noqa: T201
    except Misconfigured as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot listen on {options.host} port {options.port}: {error.strerror}; choose another with --port")


@app.command()
def status(ctx: typer.Context, json: Json = False) -> None:
    """Show each copy: how many listings and active objects, how current, and whether it equals its hub's."""
    settings = _settings(ctx.obj)
    try:
        with Mirror(settings) as mirror:
            if not mirror.is_there:
                fail(f"there is no copy {mirror.file}; run: scamfeed mirror sync")
            shown = health_of(mirror.state(), moment()).shown
            shown = {**shown, "file": str(mirror.file), "file_bytes": mirror.file.stat().st_size}
    except Misconfigured as error:
        fail(str(error))
    if json:
        show_json(shown)
        return
    show_table(f"Mirror: {shown['status']}", _COPIES, [[copy[name] for name in _COPIES] for copy in shown["copies"]])
    logs = [[copy["hub"], copy["collection"], *copy["log"].values()] for copy in shown["copies"] if "log" in copy]
    if logs:
        show_table("Checked against the log", _LOGS, [[_in_text(part) for part in row] for row in logs])
    if notes := notes_of(shown):
        show_table("To look at", ["what", "which"], notes)


def notes_of(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what somebody should look at in the health of a mirror, as ``health_of`` shows it."""
    notes = [("missing", name) for name in shown["missing"]] + [("filling", name) for name in shown["filling"]]
    notes += [(f"clock ahead of ours at {hub}", f"{seconds} s") for hub, seconds in shown["clocks"].items()]
    return notes + [(f"error of {hub}", error) for hub, error in shown["errors"].items()]


def _in_text(part: Any) -> Any:
    return ", ".join(part) if isinstance(part, list) else part


def configuration(context: Context) -> Path:
    """Return the mirror's file of settings: that of ``--config``, else ``mirror.toml`` in this folder."""
    return context.config or MIRROR_FILE


def _settings(context: Context) -> MirrorSettings:
    try:
        return load(configuration(context))
    except Misconfigured as error:
        fail(str(error))


def _shown(done: HubRound) -> dict[str, Any]:
    return {**done._asdict(), "collections": [synced._asdict() for synced in done.collections]}


@contextmanager
def _opened(settings: MirrorSettings, *, wait: bool) -> Iterator[Mirror]:
    """Open the copy; a file that cannot be read is one that the sync which has just begun may set aside."""
    until = time.monotonic() + (30.0 if wait else 0.0)
    while True:
        try:
            mirror = Mirror(settings)
            break
        except Misconfigured:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    with mirror:
        yield mirror


@contextmanager
def _syncing(context: Context, *, wanted: bool) -> Iterator[None]:
    """Sync in a process of its own, which ends with this one, and is begun again where it ends by itself."""
    if not wanted:
        yield
        return
    over = threading.Event()
    provider = threading.Thread(target=_keep_syncing, args=(configuration(context), over), daemon=True)
    provider.start()
    try:
        yield
    finally:
        over.set()
        provider.join()


def _keep_syncing(config: Path, over: threading.Event) -> None:
    command = own_command("--config", str(config), "mirror", "sync", "--repeat")
    pause = 1.0
    while not over.is_set():
        # The pipe tells it that this process is gone, however that came about.
        syncing = subprocess.Popen([*command, "--with-parent"], stdin=subprocess.PIPE)  # noqa: S603 - ourselves
        began = time.monotonic()
        while syncing.poll() is None and not over.wait(0.2):
            pass
        if over.is_set():
            syncing.terminate()
            syncing.wait()
            return
        pause = 1.0 if time.monotonic() - began > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
        over.wait(pause)


def _follow_parent() -> None:
    """Let the process that answers go first, and end at once when it is gone: a sync may end anywhere."""
    os.nice(10)

    def wait() -> None:
        # Not through sys.stdin, whose lock the end of the program would wait for.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


COMMANDS = {"mirror": app}
