"""``scamfeed retract``: retract the reports of values, and revoke their listings."""

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from feeds.runs.runner import prepare_process
from schemas.errors import Rejected
from schemas.partner import Partner
from server.cli.context import USAGE, Context, Json, counting, fail, show_json, show_table
from server.release.batches import at_once
from server.release.hub import Hub
from server.release.retract import Retracted, retract_all
from server.store import partners
from server.store.partners import UnknownPartner

logger = logging.getLogger(__name__)


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
