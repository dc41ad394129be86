"""``scamfeed quality``: how good each source is."""

from typing import Annotated

import typer

from server.cli.context import Context, Json, show_json, show_table
from server.cli.partners.access import find_partner
from server.release.trends import quality as sources
from server.release.trends.fold import fold_all
from server.release.trends.quality import SourceQuality
from server.setup import hub_of


def quality(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="only of this partner's organisation, as it sees itself")] = None,
    json: Json = False,
) -> None:
    """Show how good each source is, by kind: volume, what only it has, how soon, precision, coverage."""
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
    show_table(
        "Quality by source and kind; delay in seconds", columns, [[row[name] for name in columns] for row in rows]
    )
