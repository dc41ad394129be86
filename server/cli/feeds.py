"""``scamfeed feed``: the connectors of the configuration, once or on their schedules."""

from typing import Annotated, Any

import typer

from feeds.connector import Connector, FeedSettings, Misconfigured, build
from feeds.runner import Run, run as run_once
from schemas import timestamp
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import checkpoints

app = typer.Typer(help="Feeds: the connectors of the configuration.", no_args_is_help=True)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the configured feeds and how the last run of each went."""
    context: Context = ctx.obj
    feeds = _feeds(context)
    with context.store() as store, store.read() as tx:
        last = checkpoints.last_runs(tx)
    rows: list[dict[str, Any]] = []
    for feed in feeds:
        settings, run = feed.settings, last.get(feed.settings.name)
        rows.append(
            {
                "feed": settings.name,
                "connector": settings.connector,
                "when": settings.every or settings.cron,
                "last_run": timestamp.text(run.ended) if run else None,
                "read": run.read if run else None,
                "accepted": run.accepted if run else None,
                "rejected": run.rejected if run else None,
                "error": run.error if run else None,
            }
        )
    if json:
        show_json(rows)
    else:
        columns = ["feed", "connector", "when", "last run", "read", "accepted", "rejected", "error"]
        show_table("Feeds", columns, [list(row.values()) for row in rows])


@app.command()
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="the feed's name in the configuration")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="do all but keep or send anything")] = False,
    json: Json = False,
) -> None:
    """Run one feed now, once. Exit 1 where the run did not end well."""
    context: Context = ctx.obj
    feeds = {feed.settings.name: feed for feed in _feeds(context)}
    if name not in feeds:
        fail(f"there is no feed {name!r} in the configuration; there are: {', '.join(feeds) or 'none'}")
    with context.store() as store:
        result: Run = run_once(store, feeds[name], dry_run=dry_run)
    summary = {
        "feed": name,
        "read": result.read,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "error": result.error,
    }
    if json:
        show_json(summary)
    else:
        show_table("Run", ["what", "value"], summary.items())
    if result.error is not None:
        raise typer.Exit(1)


@app.command()
def schedule(ctx: typer.Context) -> None:
    """Run the feeds on their schedules until stopped; a run that is under way ends its batch first."""
    from feeds.schedule import run_until_stopped

    context: Context = ctx.obj
    feeds = _feeds(context)
    if not feeds:
        fail("the configuration has no [[feed]] table, so there is nothing to run")
    with context.store() as store:
        run_until_stopped(store, feeds)


def _feeds(context: Context) -> list[Connector[FeedSettings]]:
    try:
        return [build(table) for table in context.settings.feed]
    except Misconfigured as error:
        fail(str(error))
