"""``scamfeed backup`` and ``scamfeed restore``: a hub with its keys and files, saved while it runs, and restored."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.context import By, Context, Json, actor, fail, show_json, show_table
from server.features.hub.operations import BackUpHub, RestoreHub
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


def _show(title: str, result: dict[str, Any], json: bool) -> None:
    if json:
        show_json(result)
    else:
        shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in result.items()}
        show_table(
            title, ["property", "value"], [(name.replace("_", " "), str(value)) for name, value in shown.items()]
        )


COMMANDS = {"backup": backup, "restore": restore}
