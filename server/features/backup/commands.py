"""``scamfeed backup``, ``restore`` and ``move``: a hub saved while it runs, restored, or moved to PostgreSQL."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.acting import WouldDo
from server.cli.context import By, Context, Json, actor, counting, fail, show_json, show_table
from server.features.hub.operations import BackUpHub, MoveHub, RestoreHub
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store


def backup(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new or empty folder for the backup")],
    by: By = None,
    json: Json = False,
) -> None:
    """Save the database, every key file, the configuration and stored evidence into DIR while the hub runs.

    DIR has secrets: only its owner can read it. Each file is read again before the command ends. If anything cannot be
    saved, DIR stays empty, and the exit code is 2.
    """
    from server.features.backup import saving  # brings the store of evidence, which other commands do without
    from server.features.backup.manifest import BadBackup

    context: Context = ctx.obj
    with context.store(of_any_rules=True) as store:
        try:
            made = saving.make(store, context.settings, context.config, folder)
        except BadBackup as error:
            fail(str(error))
        run(Hub(store), BackUpHub(), actor(by))
    manifest = made.manifest
    result: dict[str, Any] = {
        "folder": str(folder),
        "made": manifest.made,
        "database": manifest.database.kind,
        "revision": manifest.database.revision,
        "rows": sum(manifest.database.rows.values()),
        "files": len(manifest.files),
        "bytes": sum(file.size for file in manifest.files),
        "saved_files": [file.setting for file in manifest.files if file.setting],
        "evidence": len(manifest.under("evidence")),
        "evidence_missing": made.evidence_missing,
        "in_hsm": manifest.in_hsm,
    }
    _show("Saved", result, json)


def restore(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder that scamfeed backup made")],
    by: By = None,
    json: Json = False,
) -> None:
    """Restore a backup where there is no store yet; then start the hub by scamfeed serve.

    Checksums and versions are checked first. The database and the files get the places that the settings of this
    machine name, else those of the backup. Nothing is overwritten. On a failure the command removes the files that it
    wrote: exit 2.
    """
    from server.features.backup import restoring  # as above
    from server.features.backup.manifest import BadBackup

    context: Context = ctx.obj
    try:
        restored = restoring.restore(folder, context.config)
    except BadBackup as error:
        fail(str(error))
    store = Store.open(restored.settings.database_url)
    try:
        run(Hub(store), RestoreHub(), actor(by))
    finally:
        store.close()
    manifest = restored.manifest
    result = {
        "store": store.url,
        "made": manifest.made,
        "program": manifest.program,
        "revision": manifest.database.revision,
        "rows": sum(manifest.database.rows.values()),
        "files": [str(file) for file in restored.written],
        "evidence": len(manifest.under("evidence")),
        "variables_to_set": restored.unset,
        "in_hsm": manifest.in_hsm,
    }
    _show("Restored", result, json)


def move(
    ctx: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            metavar="URL", help="an empty database, without its password: postgresql+psycopg://USER@HOST/DATABASE"
        ),
    ],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Move everything from the SQLite store into an empty PostgreSQL database, while the hub is stopped.

    The password comes from PGPASSWORD or ~/.pgpass. All rows are copied and compared in one transaction: the new
    database has all of them, or none after a failure (exit 2). The SQLite store is only read, and key files stay in
    their places. With --dry-run the hub may run: all rows are checked, and none is copied.
    """
    from server.features.backup import moving, named_files  # bring the driver of PostgreSQL

    context: Context = ctx.obj
    file = context.settings.database_file
    if file is None:
        fail("database_url: the store is on PostgreSQL already; move it to another server by scamfeed backup, restore")
    began = time.monotonic()
    try:
        moving.refuse_url(to)
        if file.exists() and not dry_run:
            moving.refuse_running(file)
        with context.store(of_any_rules=True) as store, counting("rows") as count:
            if dry_run:
                done = moving.check(store, file, to, count)
            else:
                done = moving.move(store, file, to, MoveHub(), actor(by), count)
    except moving.CannotMove as error:
        fail(str(error))
    settings = {"database_url": to} | named_files.files_beside_store(context.settings)
    result: dict[str, Any] = {
        "dry_run": dry_run,
        "source": store.url,
        "target": to,
        "revision": done.revision,
        "rows": sum(table.rows for table in done.tables),
        "seconds": round(time.monotonic() - began, 1),
        "settings_to_change": {f"{named_files.VARIABLES}{name.upper()}": value for name, value in settings.items()},
        "tables": [{"table": table.table, "rows": table.rows, "digest": table.digest} for table in done.tables],
    }
    if json:
        show_json(result)
        return
    filled = [table for table in result["tables"] if table["rows"]]
    title = "Dry run: nothing was changed. It would move" if dry_run else "Moved, and compared with what is stored"
    show_table(title, ["table", "rows", "digest"], [list(table.values()) for table in filled])
    lines = [[name, result[name]] for name in ("source", "target", "revision", "rows", "seconds")]
    lines.append(["tables without rows", len(result["tables"]) - len(filled)])
    show_table("", ["property", "value"], lines)
    show_table("Change these settings, then start the hub", ["setting", "value"], result["settings_to_change"].items())


def _show(title: str, result: dict[str, Any], json: bool) -> None:
    if json:
        show_json(result)
    else:
        shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in result.items()}
        show_table(
            title, ["property", "value"], [(name.replace("_", " "), str(value)) for name, value in shown.items()]
        )


COMMANDS = {"backup": backup, "restore": restore, "move": move}
