"""``--timezone`` and ``--date-order``: what dates and times mean that do not say it themselves."""

from typing import Annotated

import typer

from feeds.mapping.options import Options
from feeds.readers.columns.dates import DayMonthOrder
from schemas.reference.time_zones import UnknownZone, find_zone
from server.cli.context import Context, fail

Timezone = Annotated[
    str | None,
    typer.Option(
        help="time zone of dates and times without one, as Asia/Bangkok or +07:00 [default: the setting, UTC]"
    ),
]
DateOrder = Annotated[
    DayMonthOrder | None,
    typer.Option(help="order of day and month in dates such as 05/11/2026, where no date tells it"),
]


def dated(
    ctx: typer.Context, options: Options, timezone: str | None, date_order: DayMonthOrder | None
) -> tuple[Options, str]:
    """Give the options with their time zone and order, and the zone's name; ends the program where there is none."""
    context: Context = ctx.obj
    name = timezone or context.settings.timezone
    try:
        zone = find_zone(name) if name else None
    except UnknownZone as error:
        fail(f"--timezone: {error}")
    return options.with_times(zone, date_order), name or "UTC"
