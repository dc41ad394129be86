"""``scamfeed collection``: what can be read and written."""

from typing import Annotated

import typer

from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import collections, log
from server.store.collections import Collection, CollectionExists

app = typer.Typer(help="Collections: what can be read and written.", no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="a short name for URLs: small letters, digits and hyphens")],
    title: Annotated[str, typer.Option(help="what its readers see; unique in this hub")],
    exchange: Annotated[
        bool, typer.Option("--exchange", help="its members read and write it directly; nothing is fused or routed")
    ] = False,
    json: Json = False,
) -> None:
    """Make a collection of your own: a room that its members share."""
    context: Context = ctx.obj
    if not exchange:
        fail("only rooms that members share can be added: say --exchange; `scamfeed init` makes the released ones")
    with context.store() as store, store.begin() as tx:
        try:
            collection = collections.add(tx, alias, title, kind="exchange")
        except (CollectionExists, ValueError) as error:
            fail(str(error))
    result = {"id": collection.id, "alias": collection.alias, "url": path(collection)}
    if json:
        show_json(result)
    else:
        show_table("Collection", ["what", "value"], result.items())


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the collections and how many objects each holds."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {
                "alias": each.alias,
                "id": each.id,
                "title": each.title,
                "kind": each.kind,
                "objects": log.count(tx, each),
                "url": path(each),
            }
            for each in collections.every(tx)
        ]
    if json:
        show_json(rows)
    else:
        show_table(
            "Collections", ["alias", "id", "title", "kind", "objects", "url"], [list(row.values()) for row in rows]
        )


def path(collection: Collection) -> str:
    """Give the path of a collection below the server's address."""
    return f"/feed/collections/{collection.id}/"
