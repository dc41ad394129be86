"""``scamfeed peer ends``: announce to peers that this hub closes."""

from typing import Annotated

import typer

from schemas import timestamp
from schemas.errors import Rejected
from server.cli.acting import WouldDo, acting
from server.cli.context import By, fail
from server.features.federation.closing.operations import AnnounceClosing
from server.features.federation.own_state import NotPublished


def ends(
    ctx: typer.Context,
    at: Annotated[
        str | None, typer.Argument(help="the time, as 2027-01-31T08:00:00Z or a date; none: the hub goes on")
    ] = None,
    by: By = None,
    dry_run: WouldDo = False,
) -> None:
    """Announce when this hub closes. Peers delete its reports at that moment."""
    try:
        closing = None if at is None else timestamp.parse(at)
        with acting(ctx, by, dry_run=dry_run) as act:
            act.run(AnnounceClosing(at=closing))
    except (Rejected, NotPublished) as error:
        fail(getattr(error, "message", str(error)))
