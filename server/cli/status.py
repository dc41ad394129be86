"""``scamfeed status``: store, collections, feeds, reviews, receipts and warnings of the hub."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import typer

from schemas import timestamp
from schemas.partner import FocalFunction
from server.cli.context import Context, Json, fail, show_json, show_table
from server.features.federation.desk import queries
from server.features.objections import records as objections
from server.features.receipts import timeline
from server.features.receipts.commands import answers_of, receipt_counts, spread_of
from server.features.requests import records as requests
from server.features.trends import lag as fold_lag
from server.release.query import receipts as settling
from server.store import (
    Store,
    Tx,
    audit,
    collections,
    erased,
    feed_state,
    focal_points,
    held_ends,
    hub_identity,
    jobs,
    log,
    partners,
    quotas,
    read_progress,
    reviews,
)
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
from server.store.hub_identity import OperatorWarning
from server.store.ledger import findings, sealing
from server.store.liveness import heartbeats, silences
from server.store.objects import digests
from server.store.proposals import proposals
from server.store.referrals import referrals

# The fields of a job's state that show its progress.
_COUNTS = ("values", "changed", "receipts", "reports")
_PLAIN = ("alias", "kind", "objects", "listings", "last_added")


def status(ctx: typer.Context, json: Json = False) -> None:
    """Show the state of the hub: its store, collections, last writes, lags of partners, and last runs of feeds."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        store = hub.store
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
                for lag in read_progress.lags(tx)
            ],
            "heartbeats": {part: stamp(at) for part, at in heartbeats.last_beats(tx).items()},
            "feeds": _feeds(tx),
            "jobs": _jobs(tx),
            "reviews": reviews_of(tx),
            "answers": answers_of(tx, context.settings.answer_target, context.settings.withheld_target, now() - _MONTH),
            "objections": _objections(tx),
            "proposals": {"open": proposals.count_open(tx)},
            "receipts": receipts_of(tx, context.settings.retraction_target),
            "requests": requests_of(tx),
            "trends": _trends(tx),
            "ledger": _ledger(tx),
            "quiet": _quiet(tx),
            "slowed": throttled_partners(tx),
            "warnings": warnings_of(tx),
            "protection": protection_of(tx),
            "times": times_of(tx),
            "peers": queries.summaries(hub, tx),
        }
    if json:
        show_json(result)
    else:
        _show(result)


def _schema(store: Store, tx: Tx) -> str | None:
    """Return the revision of the tables, or end the program if this version needs another."""
    from server.store.migrate import revisions  # Alembic takes a third of a second to load

    there, needed = revisions(tx)
    if there != needed:
        fail(f"the store {store.url} has revision {there}, this version needs {needed}; run: scamfeed init")
    return there


def _collections(tx: Tx) -> list[dict[str, Any]]:
    written, current = audit.last_writes(tx), heartbeats.current(tx)
    return [
        {
            "alias": collection.alias,
            "kind": collection.kind,
            "objects": log.count(tx, collection),
            "listings": None if (counted := digests.of(tx, collection)) is None else counted.listings,
            "last_added": _moment(collection.last_added or None),
            "last_write": _write(written.get(collection.id)),
            "heartbeat": _moment(current.of(collection)),
        }
        for collection in collections.all_collections(tx)
    ]


def _write(event: AuditEvent | None) -> dict[str, Any] | None:
    """Return a partner's last POST or DELETE; objects that the hub itself adds do not count."""
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


def _jobs(tx: Tx) -> list[dict[str, Any]]:
    """Return the unfinished batch jobs and their progress."""
    return [
        {
            "job": job.name,
            "begun": stamp(job.begun),
            "saved": stamp(job.saved),
            "done": {name: count for name, count in job.state.items() if name in _COUNTS},
        }
        for job in jobs.unfinished(tx)
    ]


def _objections(tx: Tx) -> dict[str, Any]:
    """Return the numbers of open and late objections to listings, and the erasures in progress."""
    found = objections.totals(tx)
    return {
        "open": found.open,
        "late": found.late,
        "oldest": _moment(found.oldest),
        "erasures_open": len(erased.all_erasures(tx, only_open=True)),
    }


def _trends(tx: Tx) -> dict[str, Any]:
    """Return the age of the oldest log row that is not aggregated yet: some seconds at most while a server runs."""
    oldest = fold_lag.oldest_unfolded(tx)
    return {"lag_seconds": 0 if oldest is None else max(0, now() - oldest) // 1_000_000}


def _ledger(tx: Tx) -> dict[str, Any]:
    """Return the age of the oldest unsealed object, some seconds while a server runs, and the last check."""
    oldest, found = sealing.oldest_waiting(tx), findings.last(tx)
    lag = 0 if oldest is None else max(0, now() - oldest) // 1_000_000
    return {"lag_seconds": lag, "checked": _moment(found.checked or None), "faults": found.faults}


def _quiet(tx: Tx) -> list[dict[str, Any]]:
    """Return the partners and feeds that have been quiet for longer than usual."""
    return [
        {
            "what": silence.what,
            "name": silence.name,
            "since": stamp(silence.since),
            "usual_hours": silence.usual // _HOUR,
        }
        for silence in silences.current(tx)
    ]


class _Table(NamedTuple):
    title: str
    columns: list[str]
    rows: list[list[Any]]


def _show(result: dict[str, Any]) -> None:
    """Print the table of the store, and each other table that has rows."""
    for table in (_store_table(result), *_hub_tables(result), *_attention_tables(result), *_work_tables(result)):
        if table.rows:
            show_table(*table)


def _store_table(result: dict[str, Any]) -> _Table:
    return _Table("Store", ["property", "value"], [[name, result[name]] for name in ("store", "schema", "partners")])


def _hub_tables(result: dict[str, Any]) -> Iterator[_Table]:
    yield _Table(
        "Collections",
        ["alias", "kind", "objects", "active listings", "last added", "last write", "current at"],
        [
            [*(row[name] for name in _PLAIN), _shown_write(row["last_write"]), row["heartbeat"]]
            for row in result["collections"]
        ],
    )
    yield _Table("Lags", ["partner", "collection", "seconds behind", "last asked"], _values(result["lags"]))
    yield _Table(
        "Reviews and retraction receipts",
        ["property", "value"],
        [
            ["reviews open", result["reviews"]["open"]],
            ["the oldest, hours", result["reviews"]["oldest_hours"]],
            ["ends of listings that wait for a second person", result["reviews"]["ends_waiting"]],
            ["findings of providers open", result["answers"]["open"]],
            ["answers later than the target", result["answers"]["late"]],
            ["reports withheld from their provider, open", result["answers"]["withheld"]["open"]],
            ["of these later than the target", result["answers"]["withheld"]["late"]],
            ["proposals that wait for a second person", result["proposals"]["open"]],
            ["objections open", result["objections"]["open"]],
            ["objections later than promised", result["objections"]["late"]],
            ["erasures that have not ended", result["objections"]["erasures_open"]],
            ["receipts open", result["receipts"]["open"]],
            ["the oldest, seconds", result["receipts"]["oldest_seconds"]],
            ["later than the target", result["receipts"]["late"]],
            ["figures behind, seconds", result["trends"]["lag_seconds"]],
            ["ledger behind, seconds", result["ledger"]["lag_seconds"]],
            ["ledger checked", result["ledger"]["checked"]],
            ["entries of the ledger that are wrong", result["ledger"]["faults"]],
        ],
    )
    asked = result["requests"]
    rows = [[name.replace("_", " "), count] for name, count in asked.items()] if any(asked.values()) else []
    yield _Table("Requests between institutions", ["property", "value"], rows)


def _attention_tables(result: dict[str, Any]) -> Iterator[_Table]:
    yield _Table(
        "Quiet for longer than usual", ["what", "name", "since", "usual pause, hours"], _values(result["quiet"])
    )
    yield _Table(
        "Other hubs (scamfeed peer list)",
        ["peer", "state", "reports", "last head, seconds ago", "last read, seconds ago", "needs attention"],
        _values(result["peers"]),
    )
    yield _Table("Slowed until somebody lifts it", ["partner", "rule", "since"], _values(result["slowed"]))
    to_do = [[row["message"], row["times"], row["last"]] for row in result["warnings"]]
    if result["requests"]["unaddressed"]:
        to_do.append([_NOBODY_ASKED, result["requests"]["unaddressed"], None])
    if result["ledger"]["faults"]:
        to_do.append([_LEDGER_FAULTS, result["ledger"]["faults"], result["ledger"]["checked"]])
    protection = result["protection"]
    warned = any(row["warning"] == hub_identity.NO_FOCAL_POINT for row in result["warnings"])
    if not protection["focal_point"] and not warned:
        to_do.append([NOBODY_TO_TURN_TO, 0, None])
    if protection["referrals_open"]:
        to_do.append([_REFERRALS_WAIT, protection["referrals_open"], None])
    yield _Table("To do", ["task", "times", "last"], to_do)


def _work_tables(result: dict[str, Any]) -> Iterator[_Table]:
    begun = [[job["job"], job["begun"], job["saved"], _counted(job["done"])] for job in result["jobs"]]
    yield _Table("Begun, and not yet done", ["job", "begun", "last batch", "done so far"], begun)
    yield _Table("Feeds", ["feed", "ended", "read", "accepted", "rejected", "error"], _values(result["feeds"]))


def _values(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [list(row.values()) for row in rows]


def _counted(done: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in done.items())


def _shown_write(write: dict[str, Any] | None) -> str | None:
    return f"{write['partner']} {write['method']} {write['objects']}, {write['at']}" if write else None


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else stamp(microseconds)


_MONTH = 30 * 86_400 * 1_000_000
_HOUR = 3_600 * 1_000_000
NOBODY_TO_TURN_TO = (
    "no focal point for protection is set: a listing of an account whose holder acts under coercion would name no "
    "contact for protection; set one with scamfeed partner focal-point --function protection --contact ADDRESS"
)
_LEDGER_FAULTS = (
    "the database was changed by other means than this program: published objects are missing, altered or inserted; "
    "scamfeed log check shows the collections"
)
_REFERRALS_WAIT = "referrals of coerced holders wait for an answer: scamfeed referral list"
_TO_DO = {
    hub_identity.NO_FOCAL_POINT: "accounts of people who act under coercion are listed without a contact for their "
    "protection: set one with scamfeed partner focal-point --function protection --contact ADDRESS, then run "
    "scamfeed policy apply",
    hub_identity.UNKNOWN_RECIPIENT: "{partner} names partners in sharing limits or requests that are not registered "
    "here: ask for the names as in scamfeed partner list, or add the partner; scamfeed explain VALUE shows a report, "
    "scamfeed request list --unaddressed a request without an addressee",
    hub_identity.MANY_ENDS: "{partner} ended more listings within 24 hours than ends_per_day allows; the rest stay "
    "listed: look at them with scamfeed review list --rule many-ends, then approve or reject them",
    hub_identity.MANY_BLOCKS: "{partner} alone reported more values to block in one hour than burst allows; the rest "
    "are listed as warn: look at them with scamfeed review list --rule many-blocks, then approve or reject one, which "
    "decides all of them",
}
_NOBODY_ASKED = (
    "requests have no addressee: scamfeed request list --unaddressed shows them, scamfeed request assign sets one"
)


def _task(warning: OperatorWarning) -> str:
    return _TO_DO[warning.name].format(partner=warning.partner)


def reviews_of(tx: Tx) -> dict[str, Any]:
    """Return the number of open reviews, and the age of the oldest."""
    oldest = reviews.oldest(tx)
    return {
        "open": reviews.count(tx),
        "ends_waiting": held_ends.count(tx),
        "oldest_hours": None if oldest is None else round((now() - oldest) / _HOUR, 1),
    }


def receipts_of(tx: Tx, target: timedelta) -> dict[str, Any]:
    """Return the state of a month's receipts, and of all open ones."""
    return receipt_counts(settling.totals_since(tx, now() - _MONTH, target), target.total_seconds())


def requests_of(tx: Tx) -> dict[str, Any]:
    """Return the number of open requests between institutions, and the holds that police ordered."""
    found = requests.current(tx, now())
    return {
        "open": found.open,
        "overdue": found.overdue,
        "oldest_hours": None if found.oldest is None else round((now() - found.oldest) / _HOUR, 1),
        "unaddressed": found.unaddressed,
        "unconfirmed": found.unconfirmed,
        "police_holds": found.holding,
    }


def throttled_partners(tx: Tx) -> list[dict[str, Any]]:
    """Return the throttled partners, each with the rule and the time."""
    return [
        {"partner": throttle.partner, "rule": throttle.rule, "since": stamp(throttle.since)}
        for throttle in quotas.current_throttles(tx)
    ]


def protection_of(tx: Tx) -> dict[str, Any]:
    """Return whether there is a contact for coerced holders, and the number of open referrals."""
    waiting = referrals.open_referrals(tx)
    return {
        "focal_point": focal_points.serves(tx, FocalFunction.PROTECTION),
        "referrals_open": waiting.number,
        "oldest_hours": None if waiting.oldest is None else round((now() - waiting.oldest) / _HOUR, 1),
    }


def unprotected_warning(tx: Tx) -> str | None:
    """Return the task of the operator before the first coerced holder is listed, None once it is done."""
    return None if focal_points.serves(tx, FocalFunction.PROTECTION) else NOBODY_TO_TURN_TO


def warnings_of(tx: Tx) -> list[dict[str, Any]]:
    """Return the tasks of the operator, each with its first time and its count."""
    return [
        {
            "warning": warning.name,
            "message": _task(warning),
            "partner": warning.partner or None,
            "times": warning.times,
            "first": stamp(warning.first),
            "last": stamp(warning.last),
        }
        for warning in hub_identity.all_warnings(tx)
    ]


@contextmanager
def new_warnings_shown(store: Store) -> Iterator[None]:
    """Print new warnings for the operator on standard error."""
    with store.read() as tx:
        before = {_task(warning): warning.times for warning in hub_identity.all_warnings(tx)}
    yield
    with store.read() as tx:
        for warning in hub_identity.all_warnings(tx):
            if warning.times > before.get(_task(warning), 0):
                print(f"scamfeed: warning: {_task(warning)}", file=sys.stderr)  # noqa: T201 - where warnings are shown


def times_of(tx: Tx) -> dict[str, Any]:
    """Return the times from report to release, first reader and first action, of the latest changes."""
    return {stage: spread_of(spread) for stage, spread in timeline.times(timeline.recent(tx)).items()}


COMMANDS = {"status": status}
