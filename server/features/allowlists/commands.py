"""``scamfeed allowlist`` and ``scamfeed lists``: values that operators add as harmless, and lists of them."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
import typer

from feeds.connector import Misconfigured, TryLater
from feeds.transport import client, connections
from feeds.transport.client import OutboundSettings
from schemas.errors import Rejected
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, show_properties, show_rows
from server.features.allowlists.operations import AddAllowlistEntry, RemoveAllowlistEntry, UpdateList
from server.release.guard.allowlists import entered, folder, parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist
from server.release.guard.try_value import try_value
from server.store import reviews
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry
from server.store.database.times import stamp

app = typer.Typer(help="Values that you know as harmless: reports of them wait for a review.", no_args_is_help=True)

Value = Annotated[str, typer.Argument(help="a domain, an account and so on, alone or after its kind: phone:+66…")]


@app.command()
def add(
    ctx: typer.Context,
    value: Value,
    reason: Annotated[str, typer.Option(help="why it is harmless; never a person's name or number")],
    days: Annotated[int | None, typer.Option(help="the number of days [default: until it is removed]")] = None,
    below: Annotated[
        bool, typer.Option("--below", help="of a domain: every host below it and their pages too")
    ] = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Enter a value as harmless, in place of an earlier entry: it is delisted, and its reports wait for a review."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        entry = act.run(AddAllowlistEntry(value=value, reason=reason, days=days, below=below))
    show_properties("Entered", _row(entry), json=json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the values that operators entered, also expired ones."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(entry) for entry in entries.page(tx, limit=entries.MOST)]
    columns = ["kind", "value", "below", "reason", "by", "added", "until"]
    show_rows("Entered values", rows, columns, json=json)


@app.command()
def remove(
    ctx: typer.Context,
    value: Value,
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Remove a value: later reports of it pass."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(RemoveAllowlistEntry(subject=entered.read_subject(value)[1]))


@app.command(name="test")
def try_(ctx: typer.Context, value: Value, json: Json = False) -> None:
    """Test a value: which list would hold a report of it, and what the sender would read."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            rows = [found._asdict() for found in try_value(hub, tx, value)]
        except Rejected as refusal:
            fail(refusal.message)
    show_rows("Would be held by", rows, ["kind", "value", "rule", "message"], json=json)


def _row(entry: AllowlistEntry) -> dict[str, object]:
    kind, _, value = entry.subject.partition(":")
    until = None if entry.until is None else stamp(entry.until)
    return {
        "kind": kind,
        "value": value,
        "below": entry.below,
        "reason": entry.reason,
        "by": entry.added_by,
        "added": stamp(entry.added),
        "until": until,
    }


lists = typer.Typer(
    help="Allowlists: values known to be harmless, whose reports wait for a review.", no_args_is_help=True
)
As = Annotated[str | None, typer.Option("--as", help="name of the list, if the file has another name")]


@lists.command()
def show(ctx: typer.Context, json: Json = False) -> None:
    """Show the lists: the number and the day of their entries, and the number of reports that each has held."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        held: dict[str, int] = {}
        for review in reviews.all_reviews(tx, limit=None):
            held[review.rule] = held.get(review.rule, 0) + 1
    rows = [_list_row(listing, context.settings.lists_folder, held) for listing in ALLOWLISTS.values()]
    columns = ["list", "entries", "loaded", "updated", "held"]
    show_rows("Allowlists", rows, {**{name: name for name in columns}, "what": "content"}, json=json)


@lists.command()
def update(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FILE|FOLDER|URL", help="a list, a folder of lists (misp-warninglists), https://…")
    ],
    name: As = None,
    may_shrink: Annotated[
        bool, typer.Option("--may-shrink", help="accept a list that lost more than half of its entries")
    ] = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Replace lists by newer versions; running servers use them within seconds."""
    context: Context = ctx.obj
    target, done = context.settings.lists_folder, []
    with acting(ctx, by, dry_run=dry_run, json=json, refused=f"{source}: ") as act:
        try:
            for listing, content in _given(source, name):
                stored = folder.read_update(target, listing, content, may_shrink=may_shrink)
                if not dry_run:
                    act.run(UpdateList(folder=target, content=stored))
                done.append(stored)
        except OSError as error:
            fail(f"{source}: {error.strerror}")
        if dry_run:
            act.show_dry_run(UpdateList(folder=target, content=stored) for stored in done)
    rows = [{"list": stored.allowlist.name, "entries": len(stored.entries), "loaded": stored.day} for stored in done]
    show_rows("Updated", rows, ["list", "entries", "loaded"], json=json)


def _list_row(listing: Allowlist, updated: Path, held: dict[str, int]) -> dict[str, Any]:
    kept = folder.read(listing, updated)
    return {
        "list": listing.name,
        "entries": len(kept.entries),
        "loaded": kept.day,
        "updated": (updated / f"{listing.name}.txt.gz").exists(),
        "held": held.get(listing.name, 0),
        "what": listing.what,
    }


def _given(source: str, name: str | None) -> list[tuple[Allowlist, bytes]]:
    """Return the lists that a source holds. Raises ``Rejected``."""
    wanted = None if name is None else ALLOWLISTS.get(name)
    if name is not None and wanted is None:
        raise Rejected("list-unknown", f"there is no list {name}; the lists are: {', '.join(ALLOWLISTS)}")
    if "://" in source:
        listing = wanted or parse.allowlist_of_file(urlsplit(source).path)
        if listing is None:
            raise Rejected(
                "list-unknown", f"no list has this file name; name the list with --as: {', '.join(ALLOWLISTS)}"
            )
        return [(listing, _downloaded(source))]
    if wanted is not None:
        return [(wanted, Path(source).read_bytes())]
    return [(ALLOWLISTS[found], file.read_bytes()) for found, file in folder.find_lists(Path(source)).items()]


def _downloaded(url: str) -> bytes:
    if not url.startswith("https://"):
        raise Rejected("list-place", "lists are loaded from https:// addresses or from files only")
    try:
        connections.check_url(url)
        with client.open_session(OutboundSettings(max_bytes=folder.MAX_BYTES), url) as session:
            response = session.get(url, stream=True)
            response.raise_for_status()
            return client.open_body(response).read()
    except (ValueError, Misconfigured, TryLater, requests.RequestException) as error:
        raise Rejected(
            "list-place", f"cannot be loaded: {type(error).__name__}; download it yourself and name the file"
        ) from None


COMMANDS = {"allowlist": app, "lists": lists}
