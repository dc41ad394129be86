"""``scamfeed lookup`` and ``retract``: show the reports and listings of a value, and retract it."""

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.runs.runner import prepare_process
from mappers import extension
from mappers.indicator import from_stix
from mappers.opinion import from_stix as opinion_from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.record import Outcome
from schemas.vocabulary import ScamType
from server.cli.context import USAGE, Context, Json, counting, fail, show_json, show_table
from server.cli.values.lookup_at_hub import TOKEN_VARIABLE, look_up_at
from server.release.batches import at_once
from server.release.hub import Hub
from server.release.query.lookup import KnownValue, is_active, lookup as look_up
from server.release.retract import Retracted, retract_all
from server.store import partners
from server.store.partners import UnknownPartner

logger = logging.getLogger(__name__)


def lookup(
    ctx: typer.Context,
    value: Annotated[list[str], typer.Argument(help="values, in any spelling; with --server, CSV files too, or -")],
    server: Annotated[
        str | None, typer.Option(help="ask this hub as a partner, instead of the store; its URL", metavar="URL")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help=f"a file with the token for --server [default: {TOKEN_VARIABLE} has it]")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="with --server, the CSV file to write")] = None,
    json: Json = False,
) -> None:
    """Show what is known about values: normal form, kind, listings, reporters, sightings, outcomes.

    With --server, ask a hub over the network what you may read of them. A CSV file has a column value, perhaps kind,
    and the columns of kinds (bank, country, …); its rows come back with found, grade, hold and the rest behind them.
    """
    if server is not None:
        look_up_at(server, value, token_file, output, json=json)
        return
    context: Context = ctx.obj
    rows: list[dict[str, Any]] = []
    with context.store() as store, store.read() as tx:
        names = {partner.identity: partner.name for partner in partners.all_partners(tx)}
        for raw in value:
            try:
                rows += [{"asked": raw, **_described(known, names)} for known in look_up(tx, raw)]
            except Rejected as refusal:
                rows.append({"asked": raw, "error": refusal.message})
    if json:
        show_json(rows)
        return
    for row in rows:
        if "error" in row:
            show_table(row["asked"], ["error"], [[row["error"]]])
            continue
        show_table(
            f"{row['value']} ({row['kind']}): sighted {row['sightings']} times",
            ["reporter", "scam type", "confidence", "valid until", "active", "indicator"],
            [
                [i["reporter"], i["scam_type"], i["confidence"], i["valid_until"], i["active"], i["id"]]
                for i in row["indicators"]
            ],
        )
        if row["listings"]:
            show_table(
                f"Listings of {row['value']}",
                ["grade", "confidence", "reporters", "disputed", "valid until", "active", "indicator"],
                [
                    [i["grade"], i["confidence"], i["reporters"], i["disputed"], i["valid_until"], i["active"], i["id"]]
                    for i in row["listings"]
                ],
            )
        if row["outcomes"]:
            show_table(
                f"Outcomes of {row['value']}",
                ["partner", "outcome", "reason", "since", "indicator"],
                [[o["partner"], o["outcome"], o["reason"], o["since"], o["indicator"]] for o in row["outcomes"]],
            )


def retract(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="the reason, for the log and the receipts")],
    id_or_value: Annotated[
        list[str] | None, typer.Argument(help="indicators' ids, or values in any spelling", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option(allow_dash=True, help="a file with one of these a line; - is standard input")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="retract this partner's reports only; without it, all reports count as wrong")
    ] = None,
    json: Json = False,
) -> None:
    """Retract the reports of values, and revoke their listings in all collections.

    Many are retracted in batches, between which others read and contribute. If it is stopped, begin again: what is
    retracted stays so. A text that is no value is named at the end, and stops none of the others.
    """
    context: Context = ctx.obj
    wanted = list(dict.fromkeys([*(id_or_value or ()), *(_lines(file) if file else ())]))
    if not wanted:
        fail("give an indicator's id, a value, or a --file of them")
    done, refused = [], list[tuple[str, str]]()
    prepare_process()
    with context.hub() as hub, counting("reports retracted") as count:
        with hub.store.read() as tx:
            try:
                who = partners.get(tx, partner) if partner else None
            except UnknownPartner as error:
                fail(str(error))
        for batch in _retracted(hub, wanted, who, reason, refused):
            for revoked in batch:
                logger.info("retracted indicator=%s partner=%s reason=%s", revoked.indicator, revoked.partner, reason)
            done += batch
            count(len(done))
    if refused and len(wanted) == 1:
        fail(refused[0][1])
    if json:
        shown = [{"indicator": revoked.indicator, "partner": revoked.partner} for revoked in done]
        faults = {"refused": [{"value": text, "message": why} for text, why in refused]} if refused else {}
        show_json({"reason": reason, "retracted": shown, **faults})
    elif not done:
        print("Nothing active is known of it, so there is nothing to retract.")  # noqa: T201 - the command's answer
    else:
        show_table("Retracted", ["indicator", "partner"], [[revoked.indicator, revoked.partner] for revoked in done])
    if refused:
        for text, why in refused if not json else ():
            print(f"scamfeed: {text}: {why}", file=sys.stderr)  # noqa: T201 - where errors are shown
        raise typer.Exit(USAGE)


def _lines(file: Path) -> list[str]:
    """Return the lines of a file that are not empty, without the space around them."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read: {error}")
    return [line for line in map(str.strip, text.splitlines()) if line]


def _retracted(
    hub: Hub, wanted: Sequence[str], partner: Partner | None, reason: str, refused: list[tuple[str, str]]
) -> Iterator[list[Retracted]]:
    """Retract a batch at a time; add to ``refused`` what names nothing to retract, with the reason."""
    start = 0
    while start < len(wanted):
        batch = wanted[start : start + at_once(hub.store)]
        start += len(batch)
        try:
            with hub.store.begin() as tx:
                done = retract_all(hub, tx, batch, partner, reason)
        except Rejected as refusal:
            if len(batch) == 1:
                refused.append((batch[0], refusal.message))
                continue
            # One of them is at fault: each on its own.
            for text in batch:
                yield from _retracted(hub, [text], partner, reason, refused)
        else:
            yield done


def _described(known: KnownValue, names: dict[str, str]) -> dict[str, Any]:
    now = timestamp.now()
    return {
        "kind": known.kind,
        "value": known.value,
        "sightings": sum(sighting.get("count", 1) for sighting in known.sightings),
        "outcomes": [outcome for opinion in known.opinions for outcome in _outcomes(opinion, names)],
        "indicators": [
            {
                "id": indicator["id"],
                "reporter": names.get(indicator.get("created_by_ref", ""), indicator.get("created_by_ref")),
                "scam_type": _scam_type(indicator),
                "confidence": indicator.get("confidence"),
                "valid_until": indicator.get("valid_until"),
                "active": is_active(indicator, now),
                "revoked": indicator.get("revoked", False),
            }
            for indicator in sorted(known.indicators, key=lambda indicator: indicator["id"])
        ],
        "listings": [_listing(listing, now) for listing in known.listings],
    }


def _listing(listing: dict[str, Any], now: datetime) -> dict[str, Any]:
    ours = extension.context_of(listing)
    return {
        "id": listing["id"],
        "grade": ours.get("grade"),
        "confidence": listing.get("confidence"),
        "reporters": ours.get("reporters"),
        "disputed": ours.get("disputed", False),
        "valid_until": listing.get("valid_until"),
        "active": is_active(listing, now),
        "revoked": listing.get("revoked", False),
    }


def _outcomes(opinion: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the outcome that an opinion states of each of its indicators, else how far it agrees."""
    try:
        records = opinion_from_stix(opinion, names)
    except Rejected:
        return []
    return [
        {
            "indicator": record.of.ref,
            "partner": record.reporter,
            "outcome": record.outcome if isinstance(record, Outcome) else record.opinion,
            "reason": record.reason if isinstance(record, Outcome) else None,
            "since": timestamp.text(
                (record.effective_from if isinstance(record, Outcome) else None) or record.reported_at
            ),
        }
        for record in records
    ]


def _scam_type(indicator: dict[str, Any]) -> str:
    try:
        return from_stix(indicator).scam_type
    except Rejected:
        return ScamType.UNKNOWN.value
