"""``scamfeed peer``: the hubs with which this hub exchanges reports."""

from typing import Annotated, Any, get_args

import typer

from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, counting, fail, show_json, show_properties, show_rows, show_table
from server.cli.large_work import prepare_process
from server.features.federation import leftovers
from server.features.federation.closing.end_command import ends
from server.features.federation.counting_trial import MOST_REPORTS, try_count
from server.features.federation.desk import quality, queries
from server.features.federation.desk.queries import PeerView
from server.features.federation.members.overlap_commands import described as overlap_of, overlap
from server.features.federation.operations import (
    AcceptPeerKey,
    AnnounceRestore,
    CountPeerAgain,
    LiftPeerThrottle,
    RetractLeftovers,
)
from server.features.federation.peer_names import PeerName, UnknownPeer, find_peer
from server.release.hub import Hub
from server.release.peers import CountWord, PeerHub
from server.release.publish.listings import PlannedListings
from server.release.trial import TrialExample, TrialResult

app = typer.Typer(help="Peers: other hubs with which this hub exchanges reports.", no_args_is_help=True)

_ATTENTION = 1
# Leftovers that one run lists; it counts all.
_MOST_LISTED, _AT_ONCE = 1_000, 100
_LISTED = ("peer", "state", "number", "number_age_seconds", "reports", "count", "lag_seconds", "number_of_this_hub")


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the peers with their states, numbers, reports, refused objects and lags; exit 1 if any needs attention."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        views, own = queries.peer_views(hub, tx), queries.own_reports(tx)
    rows = [queries.row(view) for view in views]
    if json:
        show_json(rows)
    else:
        _show_peers(views, rows, own)
    if queries.needs_attention(views, own):
        raise typer.Exit(_ATTENTION)


def _show_peers(views: list[PeerView], rows: list[dict[str, Any]], own: queries.OwnReportTotals | None) -> None:
    if own is not None:
        print(f"This hub is {own.origin}; its newest number is {own.number}.")  # noqa: T201 - the command's answer
        if own.is_restored:
            print(  # noqa: T201 - the command's answer
                "warning: a peer has reports of this hub that it no longer has: it was restored from a backup. It "
                "signs new heads by itself; scamfeed peer restored does it at once."
            )
    columns = {**dict.fromkeys(_LISTED), "delivered": "delivered by"}
    shown = [{**row, "delivered": list(row["delivered_by"])} for row in rows]
    headings = {name: name.replace("_", " ") if text is None else text for name, text in columns.items()}
    show_rows("Peers", shown, headings, json=False)
    refused = [queries.refusal(one) for one in dict.fromkeys(one for view in views for one in view.refused)]
    if refused:
        show_rows("Refused objects, by the peer that sent them", refused, list(refused[0]), json=False)
    for row in rows:
        if row["attention"]:
            print(f"{row['peer']} needs attention: {', '.join(row['attention'])}")  # noqa: T201 - the command's answer


@app.command()
def show(ctx: typer.Context, name: PeerName, json: Json = False) -> None:
    """Show a peer: its settings, states, reports, common members, and the share of its reports found wrong."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        peer = _found(hub, name)
        view = _view(hub, queries.peer_views(hub, tx), peer)
        found = {
            **queries.row(view),
            "overlap": overlap_of(hub, tx, peer),
            "quality": quality.of_origin(tx, peer.origin),
        }
    if json:
        show_json(found)
        return
    plain = {name: value for name, value in found.items() if not isinstance(value, dict | list) or name == "states"}
    show_properties(peer.name, plain, json=False)
    for title, rows in (
        ("Refused objects, by the peer that sent them", found["refused"]),
        ("Open contradictions", found["contradictions"]),
        ("Common members", found["overlap"]["common"]),
        ("Judged reports by kind", found["quality"]["kinds"]),
    ):
        if rows:
            show_rows(title, rows, list(rows[0]), json=False)


@app.command()
def trial(
    ctx: typer.Context,
    name: PeerName,
    count: Annotated[str, typer.Option(help="how to count the peer: as-own, as-one or not")],
    reports: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="the number of its hub reports to try, the latest first")
    ] = MOST_REPORTS,
    seconds: Annotated[
        int, typer.Option(min=1, max=3_600, help="the time after which to end with a part of them")
    ] = 60,
    json: Json = False,
) -> None:
    """Try another way to count a peer, and show the listings that would change. Nothing is changed."""
    context: Context = ctx.obj
    word = _count_word(count)
    with context.hub() as hub, hub.store.read() as tx:
        peer = _found(hub, name)
        found = try_count(hub, tx, peer, word, most=reports, seconds=seconds)
    if json:
        show_json(_trial_row(peer, word, found))
        return
    whole = "" if found.is_whole else "; the time was not enough for more"
    show_table(
        f"{found.values} values of {peer.name}, {found.changed} of them would change with count = {word}{whole}",
        ["collection", "listings now", "listings then"],
        [
            [alias, found.before.get(alias, 0), found.after.get(alias, 0)]
            for alias in sorted({*found.before, *found.after})
        ],
    )
    show_table(
        "Some of those that would change",
        ["kind", "value", "now", "then"],
        [[example.kind, example.value, _words(example.before), _words(example.after)] for example in found.examples],
    )


def _count_word(text: str) -> CountWord:
    words: tuple[CountWord, ...] = get_args(CountWord)
    if text not in words:
        fail(f"--count: one of {', '.join(words)}")
    return words[words.index(text)]


def _trial_row(peer: PeerHub, count: CountWord, found: TrialResult) -> dict[str, Any]:
    shown = {"peer": peer.name, "now": peer.count, "then": count, **found._asdict()}
    return {**shown, "examples": [_example(example) for example in found.examples]}


def _example(example: TrialExample) -> dict[str, Any]:
    return {**example._asdict(), "before": example.before._asdict(), "after": example.after._asdict()}


def _words(planned: PlannedListings) -> str:
    words = [f"{alias} {grade}" for alias, grade in planned.shared.items()]
    return ", ".join([*words, *([f"private {len(planned.private)}"] if planned.private else [])]) or "-"


@app.command()
def restored(ctx: typer.Context, by: By = None, dry_run: WouldDo = False) -> None:
    """After a restore from a backup: sign new heads of the remaining reports, so that peers replace their copies."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(AnnounceRestore())


@app.command(name="leftovers")
def leftovers_(
    ctx: typer.Context,
    retract: Annotated[
        bool, typer.Option("--retract", help="retract their reports, without counting them as wrong")
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """List the values that only second-hand reports list, such as old copies of other hubs' listings."""
    prepare_process()
    with acting(ctx, by, json=json) as act, counting("values looked at") as count:
        found, total, done = list[leftovers.Leftover](), 0, 0
        for batch in leftovers.find(act.hub):
            count(batch.looked_at)
            total += len(batch.found)
            found += batch.found[: _MOST_LISTED - len(found)]
            for start in range(0, len(batch.found) if retract else 0, _AT_ONCE):
                part = batch.found[start : start + _AT_ONCE]
                done += len(act.run(RetractLeftovers(subjects=tuple(each.subject for each in part))))
    rows = [
        {"kind": kind, "value": value, "reports": sum(map(len, each.reports.values())), "partners": list(each.reports)}
        for each in found
        for kind, _, value in (each.subject.partition(":"),)
    ]
    if json:
        show_json({"leftovers": total, "values": rows, **({"retracted": done} if retract else {})})
        return
    title = f"{total:,} values that only second-hand reports list"
    show_rows(title, rows, ["kind", "value", "reports", "partners"], json=False)
    if retract:
        print(f"{done:,} reports retracted.")  # noqa: T201 - the command's answer


@app.command()
def decide(ctx: typer.Context, name: PeerName, by: By = None, dry_run: WouldDo = False, json: Json = False) -> None:
    """Count a peer again that signed two contradictory reports, after its operators explained them."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(CountPeerAgain(peer=find_peer(act.hub, name)))


@app.command("confirm-key")
def confirm_key(
    ctx: typer.Context, name: PeerName, by: By = None, dry_run: WouldDo = False, json: Json = False
) -> None:
    """Accept the new key that a peer announces; compare it with its operators through another channel first."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        act.run(AcceptPeerKey(peer=find_peer(act.hub, name)))


@app.command("lift-throttle")
def lift_throttle(ctx: typer.Context, name: PeerName, by: By = None, dry_run: WouldDo = False) -> None:
    """Lift the throttle of a peer; what it sent beyond its limits stays in the reviews."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(LiftPeerThrottle(peer=find_peer(act.hub, name)))


def _found(hub: Hub, name: str) -> PeerHub:
    try:
        return find_peer(hub, name)
    except UnknownPeer as error:
        fail(str(error))


def _view(hub: Hub, views: list[PeerView], peer: PeerHub) -> PeerView:
    return next(view for view in views if view.peer == peer)


app.command("overlap")(overlap)
app.command("ends")(ends)

COMMANDS = {"peer": app}
