"""``scamfeed feed verify`` and ``scamfeed feed replay``: whether a push arrives, and what to do if it did not."""

from typing import Annotated, Any

import typer

from feeds.connector import Connector, FeedSettings, Push, PushSettings
from feeds.runs.replay import replay_feed
from feeds.runs.verify import verify_feed
from schemas import timestamp
from schemas.errors import Rejected
from server.cli.context import Context, Json, fail, show_json, show_table
from server.cli.feeds.configured import feed_named
from server.store.database.times import stamp
from server.store.liveness import verifications
from server.store.liveness.verifications import Verification

_NAME = typer.Argument(help="the feed's name in the configuration")
_SHOWN = ("at", "well", "answer", "state")


def verify(
    ctx: typer.Context,
    name: Annotated[str, _NAME],
    state: Annotated[str | None, typer.Option(help="what the peer may send back [default: made up]")] = None,
    history: Annotated[bool, typer.Option("--history", help="ask nobody; show the verifications of before")] = False,
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
            done = [verify_feed(hub, feed, state)]
    rows = [shown_verification(verification) for verification in done]
    if json:
        show_json(rows if history else rows[0])
    else:
        show_table(f"Verified: {name}", _SHOWN, [[row[column] for column in _SHOWN] for row in rows])
    if not history and not done[0].well:
        raise typer.Exit(1)


def replay(
    ctx: typer.Context,
    name: Annotated[str, _NAME],
    since: Annotated[str, typer.Option(help="deliver again what was added from then on, as 2026-11-24T09:00:00Z")],
    most: Annotated[int, typer.Option(min=1, help="objects at most; what is left is named")] = 1_000_000,
    json: Json = False,
) -> None:
    """Deliver again what a collection added since a date, for a partner that lost it. The checkpoint stays.

    Doing it twice does no harm. Exit 1 if something is left; the answer has the date to go on from.
    """
    context: Context = ctx.obj
    feed = _push(feed_named(context, name))
    try:
        begin = timestamp.parse(since)
    except Rejected as refusal:
        fail(f"--since {since}: {refusal.message}")
    with context.hub() as hub:
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
    if json:
        show_json(summary)
    else:
        show_table("Delivered again", ["property", "value"], summary.items())
    if done.more:
        raise typer.Exit(1)


def shown_verification(verification: Verification) -> dict[str, Any]:
    """Return a verification as people and programs read it."""
    return {
        "at": stamp(verification.at),
        "well": verification.well,
        "answer": verification.answer,
        "state": verification.state,
    }


def _push(feed: Connector[FeedSettings]) -> Push[PushSettings]:
    """Return ``feed`` as a push, or end the program."""
    if not isinstance(feed, Push):
        fail(f"{feed.settings.name} is a pull: nothing is delivered by it")
    return feed
