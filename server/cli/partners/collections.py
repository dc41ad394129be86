"""``scamfeed collection``: the collections of the hub."""

from typing import Annotated

import typer

from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.partners import shared_collections
from server.release.partners.connection import path
from server.store import collections, log
from server.store.collections import UnknownCollection
from server.store.sandbox import certificates

NeedsCertificate = Annotated[
    bool, typer.Option("--needs-certificate", help="only a partner whose client passed its sandbox is let read it")
]

app = typer.Typer(help="Collections: list them, and make new ones.", no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="a short name for URLs: small letters, digits and hyphens")],
    title: Annotated[str, typer.Option(help="the title that readers see; unique in this hub")],
    exchange: Annotated[
        bool, typer.Option("--exchange", help="its members read and write it directly; nothing is fused or routed")
    ] = False,
    needs_certificate: NeedsCertificate = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Make a collection that [[rule]] tables of the configuration fill, with its full variant; or an exchange."""
    context: Context = ctx.obj
    with context.store(of_any_rules=True) as store, store.begin() as tx:
        try:
            made = shared_collections.make(
                tx, alias, title, operator_name(by), is_exchange=exchange, needs_certificate=needs_certificate
            )
        except ValueError as error:
            fail(str(error))
    results = [{"id": collection.id, "alias": collection.alias, "url": path(collection)} for collection in made]
    if json:
        show_json(results[0] | ({} if exchange else {"full": results[1]}))
        return
    for result in results:
        show_table("Collection", ["property", "value"], result.items())
    if not exchange and alias not in {rule.collection for rule in context.policy.rules}:
        print(f'Nothing enters it yet: say so in a [[rule]] with collection = "{alias}".')  # noqa: T201 - the way on


@app.command(name="set")
def set_(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="the collection's alias or id; its full variant is set on its own")],
    needs_certificate: Annotated[
        bool,
        typer.Option(
            "--needs-certificate/--no-certificate",
            help="only a partner whose client passed its sandbox is let read it; those that read it go on",
        ),
    ],
) -> None:
    """Change what a collection asks of the partners that are let read it from now on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            collection = collections.get(tx, alias)
        except UnknownCollection as error:
            fail(str(error))
        certificates.require(tx, collection.number, required=needs_certificate)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the collections and how many objects each holds."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {
                "alias": collection.alias,
                "id": collection.id,
                "title": collection.title,
                "kind": collection.kind,
                "objects": log.count(tx, collection),
                "url": path(collection),
            }
            for collection in collections.all_collections(tx)
        ]
    if json:
        show_json(rows)
    else:
        show_table(
            "Collections", ["alias", "id", "title", "kind", "objects", "url"], [list(row.values()) for row in rows]
        )
