"""``scamfeed lists``: the allowlists of harmless values, and newer versions of them."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
import typer

from feeds.connector import Misconfigured, TryLater
from feeds.http import address_guard, client
from feeds.http.client import OutboundSettings
from schemas.errors import Rejected
from server.cli.context import Context, Json, fail, show_json, show_table
from server.release.guard.allowlists import folder, parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist
from server.store import reviews

app = typer.Typer(
    help="Allowlists: values known to be harmless, whose reports wait for a review.", no_args_is_help=True
)

As = Annotated[str | None, typer.Option("--as", help="name of the list, if the file has another name")]


@app.command()
def show(ctx: typer.Context, json: Json = False) -> None:
    """Show the lists: how many entries each has, of which day, and how many reports it has held."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        held: dict[str, int] = {}
        for review in reviews.all_reviews(tx, limit=None):
            held[review.rule] = held.get(review.rule, 0) + 1
    rows = [_row(listing, context.settings.lists_folder, held) for listing in ALLOWLISTS.values()]
    if json:
        show_json(rows)
        return
    columns = ["list", "entries", "loaded", "updated", "held", "content"]
    show_table("Allowlists", columns, [list(row.values()) for row in rows])


@app.command()
def update(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FILE|FOLDER|URL", help="a list, a folder of lists (misp-warninglists), https://…")
    ],
    name: As = None,
    may_shrink: Annotated[
        bool, typer.Option("--may-shrink", help="accept a list with less than half of its entries before")
    ] = False,
    json: Json = False,
) -> None:
    """Replace lists by newer versions; running servers use them within seconds."""
    context: Context = ctx.obj
    target, done = context.settings.lists_folder, []
    try:
        for listing, content in _given(source, name):
            done.append(folder.write(target, listing, content, may_shrink=may_shrink))
    except Rejected as refusal:
        fail(f"{source}: {refusal.message}")
    except OSError as error:
        fail(f"{source}: {error.strerror}")
    rows = [{"list": stored.allowlist.name, "entries": len(stored.entries), "loaded": stored.day} for stored in done]
    if json:
        show_json(rows)
    else:
        show_table("Updated", ["list", "entries", "loaded"], [list(row.values()) for row in rows])


def _row(listing: Allowlist, updated: Path, held: dict[str, int]) -> dict[str, Any]:
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
        address_guard.check_url(url)
        with client.open_session(OutboundSettings(max_bytes=folder.MAX_BYTES), url) as session:
            response = session.get(url, stream=True)
            response.raise_for_status()
            return client.open_body(response).read()
    except (ValueError, Misconfigured, TryLater, requests.RequestException) as error:
        raise Rejected(
            "list-place", f"cannot be loaded: {type(error).__name__}; download it yourself and name the file"
        ) from None
