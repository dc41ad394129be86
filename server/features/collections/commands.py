"""``scamfeed collection``: the collections of the hub."""

from typing import Annotated

import typer

from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, show_json, show_properties, show_rows
from server.features.collections.operations import AddCollection, SetCollection
from server.features.partners.connection import path
from server.store import collections, log

NeedsCertificate = Annotated[
    bool, typer.Option("--needs-certificate", help="grant it only to partners whose client passed its sandbox")
]

app = typer.Typer(help="Collections: list them, and make new ones.", no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="a short name for URLs: lower-case letters, digits and hyphens")],
    title: Annotated[str, typer.Option(help="the title that readers see; unique in this hub")],
    exchange: Annotated[
        bool,
        typer.Option("--exchange", help="its members read and write it directly, without fusion and routing"),
    ] = False,
    needs_certificate: NeedsCertificate = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Make a collection that [[rule]] tables of the configuration fill, with its full variant; or an exchange."""
    context: Context = ctx.obj
    operation = AddCollection(alias=alias, title=title, is_exchange=exchange, needs_certificate=needs_certificate)
    with acting(ctx, by, dry_run=dry_run, json=json, of_any_rules=True) as act:
        made = act.run(operation)
    results = [{"id": collection.id, "alias": collection.alias, "url": path(collection)} for collection in made]
    if json:
        show_json(results[0] | ({} if exchange else {"full": results[1]}))
        return
    for result in results:
        show_properties("Collection", result, json=False)
    if not exchange and alias not in {rule.collection for rule in context.policy.rules}:
        print(f'No rule fills it yet: add a [[rule]] with collection = "{alias}".')  # noqa: T201 - the next step


@app.command(name="set")
def set_(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="the collection's alias or id; set its full variant separately")],
    needs_certificate: Annotated[
        bool,
        typer.Option(
            "--needs-certificate/--no-certificate",
            help="grant it only to partners whose client passed its sandbox; existing readers keep their access",
        ),
    ],
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Change what a collection requires of new readers."""
    with acting(ctx, by, dry_run=dry_run) as act:
        act.run(SetCollection(collection=alias, needs_certificate=needs_certificate))


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
    show_rows("Collections", rows, ["alias", "id", "title", "kind", "objects", "url"], json=json)


COMMANDS = {"collection": app}
