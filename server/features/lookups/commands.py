"""``scamfeed lookup``: show the reports and listings of a value."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mappers import extension
from mappers.record_reader import read_opinions
from mappers.report_reader import from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.records import Outcome
from schemas.vocabulary import ScamType
from server.cli.context import Context, Json, show_json, show_table
from server.features.lookups.at_hub import TOKEN_VARIABLE, look_up_at
from server.release.query.lookup import KnownValue, is_active, lookup as look_up
from server.store import partners


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

    The listings of the domains above a URL, a domain or an e-mail address are shown too, and listed pages of a host.

    With --server, ask a hub over the network for the listings that you may read. A CSV file has a column value,
    optionally kind, and the columns of kinds (bank, country, …); the output adds found, grade, hold, … to its rows.
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
                rows += [
                    {"asked": raw, **_described(known, names)} for known in look_up(tx, raw, context.settings.country)
                ]
            except Rejected as refusal:
                rows.append({"asked": raw, "error": refusal.message})
    if json:
        show_json(rows)
        return
    for row in rows:
        if "error" in row:
            show_table(row["asked"], ["error"], [[row["error"]]])
        else:
            _show(row)


def _show(row: dict[str, Any]) -> None:
    """Print what is known about a value, in tables."""
    show_table(
        f"{row['value']} ({row['kind']}): sighted {row['sightings']} times",
        ["reporter", "scam type", "confidence", "valid until", "active", "indicator"],
        [
            [i["reporter"], i["scam_type"], i["confidence"], i["valid_until"], i["active"], i["id"]]
            for i in row["indicators"]
        ],
    )
    if row["listings"]:
        _show_listings(f"Listings of {row['value']}", row["listings"])
    for site in row["sites"]:
        _show_listings(f"Listings of its site {site['value']}", site["listings"])
    if row["pages"]["listings"]:
        more = ", and others" if row["pages"]["more"] else ""
        _show_listings(f"Listed pages of {row['value']}{more}", row["pages"]["listings"])
    if row["outcomes"]:
        show_table(
            f"Outcomes of {row['value']}",
            ["partner", "outcome", "reason", "since", "indicator"],
            [[o["partner"], o["outcome"], o["reason"], o["since"], o["indicator"]] for o in row["outcomes"]],
        )


def _show_listings(title: str, listings: list[dict[str, Any]]) -> None:
    columns = ["grade", "confidence", "reporters", "disputed", "valid_until", "active", "id"]
    heads = ["indicator" if column == "id" else column.replace("_", " ") for column in columns]
    if any("value" in listing for listing in listings):
        columns, heads = ["value", *columns], ["page", *heads]
    show_table(title, heads, [[listing[column] for column in columns] for listing in listings])


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
        "sites": [
            {"kind": site.kind, "value": site.value, "listings": [_listing(listing, now) for listing in site.listings]}
            for site in known.sites
        ],
        "pages": {
            "more": known.more_pages,
            "listings": [{"value": page.url, **_listing(page.listing, now)} for page in known.pages],
        },
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
        records = read_opinions(opinion, names)
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


COMMANDS = {"lookup": lookup}
