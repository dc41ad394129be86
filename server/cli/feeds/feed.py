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

from feeds.connector import Connector, FeedSettings, Pull
from feeds.mapping.options import ReportSettings
from feeds.mapping.output import RejectsWriter
from feeds.runs.due import due_at
from feeds.runs.retry import retry_feed as retry_letters
from feeds.runs.run import Run
from feeds.runs.runner import prepare_process, run as run_once
from schemas import timestamp
from server.cli.context import Context, Json, fail, show_json, show_table
from server.cli.feeds.checks import replay, shown_verification, verify
from server.cli.feeds.configured import ConfiguredFeeds, configured_feeds, feed_named
from server.cli.feeds.deliveries import deliveries
from server.cli.reports.counts import show_unread
from server.store import feed_state
from server.store.database import sql
from server.store.database.times import moment
from server.store.feed_state import FeedHealth, FeedRun, FeedState
from server.store.liveness import verifications

app = typer.Typer(help="Feeds: the connectors of the configuration.", no_args_is_help=True)
app.command()(deliveries)
app.command()(verify)
app.command()(replay)

# What fits a terminal; --json has it all.
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
        bool, typer.Option("--dry-run", help="connect and log in, and do all but keep or send anything")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="where to write the rejected rows of a pull, as JSON lines (of STIX: none)")
    ] = None,
    json: Json = False,
) -> None:
    """Run one feed once, now. Exit 1 if the run did not end well."""
    context: Context = ctx.obj
    feed = feed_named(context, name)
    prepare_process()
    if rejects is not None and not isinstance(feed, Pull):
        fail("--rejects: a push has none; scamfeed feed deliveries --refused tells what its peer refused")
    with context.hub() as hub, _rejects(rejects) as log, _progress(name) as progress:
        result: Run = run_once(hub, feed, dry_run=dry_run, progress=progress, reject=log.write)
    summary = {
        "feed": name,
        "read": result.read,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "reasons": dict(result.reasons.most_common()),
        **({"dated_ahead": result.dated_ahead} if result.dated_ahead else {}),
        **result.tally.as_dict(),
        **({"timezone": zone} if (zone := _timezone(feed)) else {}),
        "error": result.error,
    }
    if json:
        show_json(summary)
    else:
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in result.reasons.most_common())
        shown = {name: summary[name] for name in ("feed", "read", "accepted", "rejected", "error")}
        show_table("Run", ["property", "value"], (shown | {"reasons": reasons}).items())
        show_unread(result.tally, Console(), _timezone(feed))
    if result.error is not None:
        raise typer.Exit(1)


@app.command()
def retry(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="the feed's name in the configuration")],
    everything: Annotated[bool, typer.Option("--all", help="also dead letters that have failed three times")] = False,
    json: Json = False,
) -> None:
    """Try the dead letters of a feed again, and let a feed that waits or has stopped run again.

    Exit 1 if something failed again.
    """
    context: Context = ctx.obj
    feed = feed_named(context, name)
    with context.hub() as hub:
        done = retry_letters(hub, feed, everything=everything)
    summary = {"feed": name, "tried": done.tried, "settled": done.settled, "failed": done.failed, "error": done.error}
    if json:
        show_json(summary)
    else:
        show_table("Tried again", ["property", "value"], summary.items())
    if done.error is not None or done.failed:
        raise typer.Exit(1)


@app.command()
def schedule(
    ctx: typer.Context,
    eager: Annotated[bool, typer.Option("--eager", help="look for news to push five times a second")] = False,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run the feeds on their schedules until stopped; a run under way ends its batch first.

    Changes of the configuration file are taken while it runs. Any number of these may run on one database.
    """
    from feeds.runs.schedule import run_until_stopped

    context: Context = ctx.obj
    feeds = configured_feeds(context)
    if not feeds and not with_parent:
        fail("the configuration has no [[feed]] table, so there is nothing to run")
    prepare_process()
    with context.hub() as hub:
        run_until_stopped(
            hub, feeds, reread=ConfiguredFeeds(context), eager=eager, orphaned=_orphaned() if with_parent else None
        )


def _timezone(feed: Connector[FeedSettings]) -> str | None:
    """Return the time zone of a pull's dates; None if it reads none."""
    settings = feed.settings
    return (settings.timezone or "UTC") if isinstance(settings, ReportSettings) else None


def _next(settings: FeedSettings, state: FeedState, now: int) -> str | None:
    # A feed that stopped stays so for whoever runs the schedule.
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
    """Return an event that is set when the process at the other end of standard input is gone."""
    gone = threading.Event()

    def wait() -> None:
        # Not through sys.stdin, whose lock the end of the program would wait for.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        gone.set()

    threading.Thread(target=wait, daemon=True).start()
    return gone
