"""``scamfeed status``: how the hub is."""

from typing import Any

import typer

from schemas import timestamp
from server.cli import rules
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import Store, Tx, audit, collections, feed_state, log, partners, reads
from server.store.audit import AuditEvent
from server.store.times import stamp


def status(ctx: typer.Context, json: Json = False) -> None:
    """Say how the hub is: its store, the collections and who wrote last, partners' lags, the feeds' last runs."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        result = {
            "store": store.url,
            "schema": _schema(store, tx),
            "partners": len(partners.all_partners(tx)),
            "collections": _collections(tx),
            "lags": [
                {
                    "partner": lag.partner,
                    "collection": lag.collection,
                    "seconds": lag.seconds,
                    "asked": stamp(lag.asked),
                }
                for lag in reads.lags(tx)
            ],
            "feeds": _feeds(tx),
            "reviews": rules.reviews_of(tx),
            "receipts": rules.receipts_of(tx, context.settings.retraction_target),
            "slowed": rules.slowed(tx),
            "warnings": rules.warnings_of(tx),
            "times": rules.times_of(tx),
        }
    if json:
        show_json(result)
    else:
        _show(result)


def _schema(store: Store, tx: Tx) -> str | None:
    """Give the revision of the tables, or end the program where it is another than this version needs."""
    from server.store.migrate import revisions  # Alembic takes a third of a second to load

    there, needed = revisions(tx)
    if there != needed:
        fail(f"the store {store.url} has revision {there}, this version needs {needed}; run: scamfeed init")
    return there


def _collections(tx: Tx) -> list[dict[str, Any]]:
    written = audit.last_writes(tx)
    return [
        {
            "alias": each.alias,
            "kind": each.kind,
            "objects": log.count(tx, each),
            "last_added": _moment(each.last_added or None),
            "last_write": _write(written.get(each.id)),
        }
        for each in collections.all_collections(tx)
    ]


def _write(event: AuditEvent | None) -> dict[str, Any] | None:
    """Tell of a partner's last POST or DELETE; what the hub adds by itself is none."""
    if event is None:
        return None
    return {"at": stamp(event.last), "partner": event.partner, "method": event.method, "objects": event.objects}


def _feeds(tx: Tx) -> list[dict[str, Any]]:
    return [
        {
            "feed": run.feed,
            "ended": timestamp.text(run.ended),
            "read": run.read,
            "accepted": run.accepted,
            "rejected": run.rejected,
            "error": run.error,
        }
        for run in feed_state.last_runs(tx).values()
    ]


def _show(result: dict[str, Any]) -> None:
    show_table("Store", ["what", "value"], [[name, result[name]] for name in ("store", "schema", "partners")])
    show_table(
        "Collections",
        ["alias", "kind", "objects", "last added", "last write"],
        [
            [row["alias"], row["kind"], row["objects"], row["last_added"], _told(row["last_write"])]
            for row in result["collections"]
        ],
    )
    if result["lags"]:
        show_table(
            "Lags",
            ["partner", "collection", "seconds behind", "last asked"],
            [list(row.values()) for row in result["lags"]],
        )
    show_table(
        "Reviews and retraction receipts",
        ["what", "value"],
        [
            ["reviews open", result["reviews"]["open"]],
            ["the oldest, hours", result["reviews"]["oldest_hours"]],
            ["receipts open", result["receipts"]["open"]],
            ["the oldest, seconds", result["receipts"]["oldest_seconds"]],
            ["later than the target", result["receipts"]["late"]],
        ],
    )
    if result["slowed"]:
        rows = [list(row.values()) for row in result["slowed"]]
        show_table("Slowed until somebody lifts it", ["partner", "rule", "since"], rows)
    if result["warnings"]:
        rows = [[row["message"], row["times"], row["last"]] for row in result["warnings"]]
        show_table("To do", ["what", "times", "last"], rows)
    if result["feeds"]:
        show_table(
            "Feeds",
            ["feed", "ended", "read", "accepted", "rejected", "error"],
            [list(row.values()) for row in result["feeds"]],
        )


def _told(write: dict[str, Any] | None) -> str | None:
    return f"{write['partner']} {write['method']} {write['objects']}, {write['at']}" if write else None


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else stamp(microseconds)
