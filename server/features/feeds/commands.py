"""``scamfeed feed``: the connectors of the configuration, once or on their schedules."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from feeds.connector import Connector, FeedSettings, Pull, Push, PushSettings
from feeds.mapping.not_read import RefusedRows, unread
from feeds.mapping.options import ReportSettings
from feeds.mapping.output import RejectsWriter
from feeds.mapping.rows import Reject
from feeds.runs.due import due_at
from feeds.runs.retry import replay_feed, retry_feed as retry_letters
from feeds.runs.run import Run
from feeds.runs.runner import run as run_once, verify_feed
from schemas import timestamp
from schemas.errors import Rejected
from server.cli.context import By, Context, Json, actor, fail, show_json, show_properties, show_rows, show_table
from server.cli.large_work import prepare_process
from server.features.feeds.configured import ConfiguredFeeds, configured_feeds, feed_named
from server.features.feeds.operations import ReplayFeed, RetryFeed, RunFeed, VerifyFeed
from server.features.reports.counts import show_conventions, show_unread
from server.observe.log_lines import write_json
from server.operations.run import run as run_operation
from server.release.query.lookup import lookup
from server.store import Tx, deliveries as ledger, feed_state
from server.store.database import sql
from server.store.database.times import moment, stamp
from server.store.feed_state import FeedHealth, FeedRun, FeedState
from server.store.liveness import verifications
from server.store.liveness.verifications import Verification

app = typer.Typer(help="Feeds: the connectors of the configuration.", no_args_is_help=True)

# The columns that fit a terminal; --json has all of them.
_COLUMNS = ("feed", "connector", "last", "next", "lag", "accepted", "rejected", "breaker", "letters", "error")


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the configured feeds: their state, the last run, and the next one."""
    context: Context = ctx.obj
    feeds = configured_feeds(context)
    with context.store() as store, store.read() as tx:
        stands, last, now = feed_state.health_of_feeds(tx), feed_state.last_runs(tx), sql.database_time(tx)
        verified = verifications.last_verifications(tx)
    rows = []
    for feed in feeds:
        name = feed.settings.name
        health = stands.get(name) or FeedHealth(FeedState(name))
        checked = shown_verification(verified[name]) if name in verified else None
        rows.append(_row(feed.settings, health, now) | _last_run(last.get(name)) | {"verified": checked})
    if json:
        show_json(rows)
    else:
        show_table("Feeds", _COLUMNS, [_line(row) for row in rows])


def _row(settings: FeedSettings, health: FeedHealth, now: int) -> dict[str, Any]:
    return {
        "feed": settings.name,
        "connector": settings.connector,
        "when": settings.every or settings.cron,
        "next_run": _next(settings, health.state, now),
        "lag_seconds": None if health.lag is None else round(health.lag, 1),
        "runs": health.state.runs,
        "breaker": health.breaker,
        "dead_letters": health.letters,
        "runs_on": health.held.holder if health.held else None,
    }


def _last_run(run: FeedRun | None) -> dict[str, Any]:
    return {
        "last_run": timestamp.text(run.ended) if run else None,
        "read": run.read if run else None,
        "accepted": run.accepted if run else None,
        "rejected": run.rejected if run else None,
        "unread": run.unread if run else None,
        "error": run.error if run else None,
    }


@app.command()
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="the feed's name in the configuration")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="connect, log in and read, but store and send nothing")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="where to write the rejected rows of a pull, as JSON lines (of STIX: none)")
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Run one feed once, now. Exit 1 if the run failed."""
    context: Context = ctx.obj
    feed = feed_named(context, name)
    prepare_process()
    if rejects is not None and not isinstance(feed, Pull):
        fail("--rejects: a push has none; scamfeed feed deliveries --refused tells what its peer refused")
    refused = RefusedRows(of_many=True)
    with context.hub() as hub, _rejects(rejects) as log, _progress(name) as progress:
        if not dry_run:
            run_operation(hub, RunFeed(feed=name), actor(by))

        def reject(one: Reject) -> None:
            log.write(one)
            refused.add(one)

        result: Run = run_once(hub, feed, dry_run=dry_run, progress=progress, reject=reject)
    not_read = unread(result.tally, refused)
    summary = {
        "feed": name,
        "read": result.read,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "reasons": dict(result.reasons.most_common()),
        **({"dated_ahead": result.dated_ahead} if result.dated_ahead else {}),
        **result.tally.as_dict(),
        "not_read": [each.as_dict() for each in not_read],
        **({"timezone": zone} if (zone := _timezone(feed)) else {}),
        "error": result.error,
    }
    if json:
        show_json(summary)
    else:
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in result.reasons.most_common())
        shown = {name: summary[name] for name in ("feed", "read", "accepted", "rejected", "error")}
        show_table("Run", ["property", "value"], (shown | {"reasons": reasons}).items())
        show_unread((("", each) for each in not_read), Console(), lambda proposal: proposal.as_setting)
        show_conventions(result.tally, Console(), _timezone(feed))
    if result.error is not None:
        raise typer.Exit(1)


@app.command()
def retry(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="the feed's name in the configuration")],
    everything: Annotated[bool, typer.Option("--all", help="also dead letters that have failed three times")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Try the dead letters of a feed again, and let a waiting or stopped feed run again.

    Exit 1 if an item failed again.
    """
    context: Context = ctx.obj
    feed = feed_named(context, name)
    with context.hub() as hub:
        run_operation(hub, RetryFeed(feed=name), actor(by))
        done = retry_letters(hub, feed, everything=everything)
    summary = {"feed": name, "tried": done.tried, "settled": done.settled, "failed": done.failed, "error": done.error}
    show_properties("Tried again", summary, json=json)
    if done.error is not None or done.failed:
        raise typer.Exit(1)


@app.command()
def schedule(
    ctx: typer.Context,
    eager: Annotated[bool, typer.Option("--eager", help="look for news to push five times a second")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run the feeds on their schedules until stopped; a running feed ends its batch first.

    It follows changes of the configuration file. Any number of schedules may run on one database.
    """
    from feeds.runs.schedule import run_until_stopped

    context: Context = ctx.obj
    feeds = configured_feeds(context)
    if not feeds and not with_parent:
        fail("the configuration has no [[feed]] table and no [[peer]] table with a url, so there is nothing to run")
    prepare_process()
    if context.settings.access_log == "json":
        write_json()
    with context.hub() as hub:
        run_until_stopped(
            hub, feeds, reread=ConfiguredFeeds(context), eager=eager, orphaned=_orphaned() if with_parent else None
        )


def _timezone(feed: Connector[FeedSettings]) -> str | None:
    """Return the time zone of a pull's dates; None if it reads none."""
    settings = feed.settings
    return (settings.timezone or "UTC") if isinstance(settings, ReportSettings) else None


def _next(settings: FeedSettings, state: FeedState, now: int) -> str | None:
    # A stopped feed stays stopped for every schedule.
    at = due_at(settings, state, since=now if state.stopped is None else state.stopped)
    return None if at is None else timestamp.text(max(moment(at), moment(now)))


def _line(row: dict[str, Any]) -> list[object]:
    now = timestamp.now()
    last, next_ = (row[name] and timestamp.parse(row[name]) for name in ("last_run", "next_run"))
    return [
        row["feed"],
        row["connector"],
        last and f"{_span(now - last)} ago",
        next_ and f"in {_span(next_ - now)}",
        _span(timedelta(seconds=row["lag_seconds"])) if row["lag_seconds"] is not None else None,
        row["accepted"],
        row["rejected"],
        "runs now" if row["runs_on"] else row["breaker"],
        row["dead_letters"] or None,
        row["error"],
    ]


def _span(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@contextmanager
def _rejects(path: Path | None) -> Iterator[RejectsWriter]:
    """Open the file for rejected rows, or end the program if it cannot be written."""
    try:
        with RejectsWriter.to(path, contributed=True) as log:
            yield log
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


@contextmanager
def _progress(name: str) -> Iterator[Callable[[Run], None]]:
    """Show the progress of a run if standard error is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{name}: begins")

        def show(run: Run) -> None:
            text = f"{name}: read {run.read:,}, accepted {run.accepted:,}, rejected {run.rejected:,}"
            bar.update(task, description=text)

        yield show


def _orphaned() -> threading.Event:
    """Return an event that is set when the process at the other end of standard input ends."""
    gone = threading.Event()

    def wait() -> None:
        # Not through sys.stdin: the program would wait for its lock at the end.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        gone.set()

    threading.Thread(target=wait, daemon=True).start()
    return gone


_NAME = typer.Argument(help="the feed's name in the configuration")
_SHOWN = ("at", "well", "answer", "state")


@app.command()
def verify(
    ctx: typer.Context,
    name: Annotated[str, _NAME],
    state: Annotated[
        str | None, typer.Option(help="the text that the peer may send back [default: a random one]")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="only show the earlier verifications")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Ask the peer of a push to show that deliveries reach it; a webhook gets a signed event. Delivers nothing.

    Exit 1 if it did not answer well.
    """
    context: Context = ctx.obj
    feed = _push(feed_named(context, name))
    with context.hub() as hub:
        if history:
            with hub.store.read() as tx:
                done = verifications.history(tx, name)
        else:
            run_operation(hub, VerifyFeed(feed=name), actor(by))
            done = [verify_feed(hub, feed, state)]
    rows = [shown_verification(verification) for verification in done]
    if json:
        show_json(rows if history else rows[0])
    else:
        show_table(f"Verified: {name}", _SHOWN, [[row[column] for column in _SHOWN] for row in rows])
    if not history and not done[0].well:
        raise typer.Exit(1)


@app.command()
def replay(
    ctx: typer.Context,
    name: Annotated[str, _NAME],
    since: Annotated[str, typer.Option(help="deliver again the objects added since then, as 2026-11-24T09:00:00Z")],
    most: Annotated[
        int, typer.Option(min=1, help="the maximum number of objects; the answer names the rest")
    ] = 1_000_000,
    by: By = None,
    json: Json = False,
) -> None:
    """Deliver again the objects that a collection added since a date, for a partner that lost them.

    The checkpoint stays. A second run does no harm. Exit 1 if objects are left; the answer names the date to
    continue from.
    """
    context: Context = ctx.obj
    feed = _push(feed_named(context, name))
    try:
        begin = timestamp.parse(since)
    except Rejected as refusal:
        fail(f"--since {since}: {refusal.message}")
    with context.hub() as hub:
        run_operation(hub, ReplayFeed(feed=name), actor(by))
        done = replay_feed(hub, feed, begin, most=most)
    summary = {
        "feed": name,
        "since": timestamp.text(begin),
        "read": done.read,
        "accepted": done.accepted,
        "refused": done.refused,
        "more": done.more,
        "go_on_from": stamp(done.up_to) if done.more else None,
        "error": done.error,
    }
    show_properties("Delivered again", summary, json=json)
    if done.more:
        raise typer.Exit(1)


def shown_verification(verification: Verification) -> dict[str, Any]:
    """Return a verification as the command shows it."""
    return {
        "at": stamp(verification.at),
        "well": verification.well,
        "answer": verification.answer,
        "state": verification.state,
    }


def _push(feed: Connector[FeedSettings]) -> Push[PushSettings]:
    """Return ``feed`` as a push, or end the program."""
    if not isinstance(feed, Push):
        fail(f"{feed.settings.name} is a pull: it delivers nothing")
    return feed


_DELIVERED = ("feed", "partner", "object", "version", "delivered", "answer", "attempts")


@app.command()
def deliveries(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="the feed's name [default: all]")] = None,
    about: Annotated[
        str | None, typer.Option("--object", help="only of this object id, or of the indicators of this value")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="only deliveries that the partner refused")] = False,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number of rows, the latest first")] = 100,
    json: Json = False,
) -> None:
    """Show the pushed versions of objects, each with the partner, the time and the answer."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        ids = None if about is None else _ids(tx, about)
        found = ledger.history(tx, feed=name, ids=ids, answer="failed" if refused else "", limit=limit)
    rows = [
        {
            "feed": delivery.feed,
            "partner": delivery.partner,
            "object": delivery.object_id,
            "version": None if delivery.version is None else timestamp.text(moment(delivery.version)),
            "delivered": timestamp.text(delivery.delivered),
            "answer": delivery.answer,
            "attempts": delivery.attempts,
            "remote": delivery.remote,
        }
        for delivery in found
    ]
    show_rows("Deliveries", rows, _DELIVERED, json=json)


def _ids(tx: Tx, about: str) -> list[str]:
    """Return the given id, or the ids of the value's indicators."""
    if "--" in about:
        return [about]
    try:
        known = lookup(tx, about)
    except Rejected as refusal:
        fail(f"--object: {refusal.message}")
    return [indicator["id"] for value in known for indicator in (*value.indicators, *value.listings)]


COMMANDS = {"feed": app}
