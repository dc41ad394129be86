"""``scamfeed trends`` and ``scamfeed quality``: what happened, by day and month, and how good each source is."""

import csv
import io
import sys
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from server.cli.context import Context, Json, fail, find_partner, show_json, show_rows, show_table
from server.features.trends import quality as sources, query
from server.features.trends.figures import BY_NAME, Dimension
from server.features.trends.fold import fold_all
from server.features.trends.quality import SourceQuality
from server.features.trends.query import COLUMNS, By, FigureRow
from server.setup import hub_of


def trends(
    ctx: typer.Context,
    from_: Annotated[str | None, typer.Option("--from", help="first day, as 2026-11-01")] = None,
    to: Annotated[str | None, typer.Option(help="last day [default: today]")] = None,
    by: Annotated[str, typer.Option(help="day or month")] = "month",
    figure: Annotated[str | None, typer.Option(help="only this figure; docs/trends.md names them")] = None,
    dimension: Annotated[str | None, typer.Option(help="only by this dimension; else the totals")] = None,
    public: Annotated[bool, typer.Option("--public/--exact", help="only the published figures")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="print all dimensions as CSV")] = False,
    json: Json = False,
) -> None:
    """Show figures by day or month: reports, listings, outcomes, times, and wrong listings."""
    context: Context = ctx.obj
    _refuse_unknown(by, figure, dimension)
    wanted: By = "day" if by == "day" else "month"
    asked = query.range_of(_day("--from", from_), _day("--to", to), wanted, datetime.now(UTC).date())
    shown = dimension if json or csv_ or dimension else ""
    with context.store() as store:
        if not public:
            fold_all(hub_of(context.settings, store))
        with store.read() as tx:
            rows = (query.published if public else query.exact)(tx, asked, figure, shown)
            closed = query.closed_up_to(tx, wanted)
    if json:
        show_json({"by": by, "published_up_to": closed, "figures": [row.shown() for row in rows]})
    elif csv_:
        sys.stdout.write(csv_of(rows))
    else:
        show_table(f"Trends; published up to {closed or '-'}", list(COLUMNS), [list(row) for row in rows])


def _refuse_unknown(by: str, figure: str | None, dimension: str | None) -> None:
    """End the program where there is no such period, figure or dimension."""
    if by not in ("day", "month"):
        fail("--by: day or month")
    if figure is not None and figure not in BY_NAME:
        fail(f"--figure: there is no such figure; there are: {', '.join(BY_NAME)}")
    if dimension is not None and dimension not in list(Dimension):
        fail(f"--dimension: there is no such dimension; there are: {', '.join(Dimension)}")


def csv_of(rows: list[FigureRow]) -> str:
    """Return figures as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: not a day, as 2026-11-01")


def quality(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="only of this partner's organisation, as it sees itself")] = None,
    json: Json = False,
) -> None:
    """Show the quality of each source, by kind: volume, exclusive values, delay, precision, coverage."""
    context: Context = ctx.obj
    with context.store() as store:
        fold_all(hub_of(context.settings, store))
        with store.read() as tx:
            if partner is None:
                rows = [source._asdict() for source in sources.of_all(tx)]
            else:
                organisation = find_partner(tx, partner, gone=True).counts_as
                rows = [
                    {**found.own._asdict(), "median": found.median} for found in sources.beside_others(tx, organisation)
                ]
    if json:
        show_json({"sources": rows})
        return
    columns = [*SourceQuality._fields, *(["median"] if partner is not None else [])]
    show_rows("Quality by source and kind; delay in seconds", rows, columns, json=False)


COMMANDS = {"trends": trends, "quality": quality}
