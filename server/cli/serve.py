"""``scamfeed init`` and ``scamfeed serve``: create the store, and serve it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from server.cli.context import By, Context, Json, actor, fail, show_json, show_table
from server.cli.status import unprotected_warning
from server.features.feeds.configured import configured_feeds
from server.features.hub.operations import InitialiseHub
from server.features.ledger.keys import BadLedgerKey
from server.operations.run import run as run_operation
from server.own_command import own_command
from server.release.hub import Hub
from server.release.key_files import BadKeyFile, read_key
from server.settings import DEFAULT_FILE
from server.setup import ledger_of, prepare_to_serve, set_up
from server.store import Store
from server.store.database.engine import StoreUnavailable
from server.store.database.partitions import Partitioned, partition_all


def init(
    ctx: typer.Context,
    partitions: Annotated[
        bool,
        typer.Option(
            "--partitions",
            help="PostgreSQL, with no server running: cut the tables that grow into partitions (docs/deploy/scale.md)",
        ),
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Create or migrate the store, the hub's identity and the default collections. Safe to repeat."""
    context: Context = ctx.obj
    with closing(Store.open(context.settings.database_url)) as store:
        made, cut = _made(context, store, partitions=partitions)
        if made or cut:
            run_operation(Hub(store), InitialiseHub(), actor(by))
        result = {"store": store.url, "collections_made": made}
        with store.read() as tx:
            to_do = unprotected_warning(tx)
    if json:
        partitions_made = {"partitions": {table.table: table.partitions for table in cut}} if cut else {}
        show_json(result | partitions_made | ({"to_do": [to_do]} if to_do else {}))
        return
    rows = [["store", store.url], ["collections made", ", ".join(made) or "none"]]
    rows += [[f"partitions of {table.table}", f"{table.partitions}, of them new: {table.new}"] for table in cut]
    show_table("Ready", ["property", "value"], rows)
    if to_do:
        show_table("To do", ["task"], [[to_do]])


def _made(context: Context, store: Store, *, partitions: bool) -> tuple[list[str], list[Partitioned]]:
    """Create or migrate the store; return the collections and the partitions that are new, or end the program."""
    cut: list[Partitioned] = []
    try:
        made = set_up(store, context.settings.title)
        cut = partition_all(store) if partitions else []
        if (ledger := ledger_of(context.settings)) is not None:
            ledger.keys(store)
    except (StoreUnavailable, ValueError) as error:
        fail(f"{store.url}: {error}")
    except BadLedgerKey as error:
        fail(str(error))
    return made, cut


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="processes that answer requests")] = 2,
    tls_cert: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="certificate chain, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="its private key, PEM")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CA of partners' client certificates, PEM")
    ] = None,
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler/--no-scheduler", help="also run the connectors of the configuration")
    ] = True,
    eager: Annotated[
        bool, typer.Option("--eager", help="let the connectors look for news five times a second")
    ] = False,
) -> None:
    """Serve TAXII 2.1 and run the connectors until stopped."""
    from server.app import serve as run

    context: Context = ctx.obj
    if (tls_cert is None) != (tls_key is None):
        fail("--tls-cert and --tls-key go together")
    if client_ca is not None and tls_cert is None:
        fail("--client-ca needs --tls-cert and --tls-key")
    if context.settings.match_seed_file is not None:
        try:
            read_key(context.settings.match_seed_file)
        except BadKeyFile as error:
            fail(f"match_seed_file: {error}")
    with context.store() as store:
        prepare_to_serve(store, context.settings, with_scheduler=with_scheduler)
        with store.read() as tx:
            to_do = unprotected_warning(tx)
        if to_do:
            print(f"scamfeed: warning: {to_do}", file=sys.stderr)  # noqa: T201 - where warnings are shown
    _free(host, port)
    configured = bool(context.settings.feeds) or (context.config or DEFAULT_FILE).exists()
    with _scheduler(context, wanted=with_scheduler and configured, eager=eager):
        run(
            context.settings,
            host=host,
            port=port,
            workers=workers,
            tls_cert=tls_cert,
            tls_key=tls_key,
            client_ca=client_ca,
        )


def _free(host: str, port: int) -> None:
    """End the program early if the address is taken."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        fail(f"cannot listen on {host} port {port}: {error.strerror}; choose another with --host and --port")


@contextmanager
def _scheduler(context: Context, *, wanted: bool, eager: bool) -> Iterator[None]:
    """Run the connectors in a separate process, which ends with this one; its runs end between two batches."""
    if not wanted:
        yield
        return
    if context.settings.feeds:
        # Show a fault in them now, and not in the log of a process that has ended.
        configured_feeds(context)
    config = ["--config", str(context.config)] if context.config else []
    command = own_command(*config, "feed", "schedule", "--with-parent", *(["--eager"] if eager else []))
    # The pipe closes when this process ends, for any reason.
    scheduler = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - ourselves
    try:
        yield
    finally:
        scheduler.terminate()
        scheduler.wait()


COMMANDS = {"init": init, "serve": serve}
