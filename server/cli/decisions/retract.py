"""``scamfeed retract``: retract the reports of values, and revoke their listings."""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

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
    result = _Retraction()
    prepare_process()
    with context.hub() as hub, counting("reports retracted") as count:
        reporter = _reporter(hub, partner)
        for batch in _retracted(hub, wanted, reporter, reason, result.refused):
            for revoked in batch:
                logger.info("retracted indicator=%s partner=%s reason=%s", revoked.indicator, revoked.partner, reason)
            result.retracted += batch
            count(len(result.retracted))
    if result.refused and len(wanted) == 1:
        fail(result.refused[0].message)
    if json:
        show_json({"reason": reason, **result.as_json()})
    else:
        result.show()
    if result.refused:
        raise typer.Exit(USAGE)


class _Refusal(NamedTuple):
    value: str
    message: str


@dataclass
class _Retraction:
    """The reports that were retracted, and the texts that name nothing to retract."""

    retracted: list[Retracted] = field(default_factory=list)
    refused: list[_Refusal] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return both lists as JSON values; no refusals, no list of them."""
        retracted = [{"indicator": revoked.indicator, "partner": revoked.partner} for revoked in self.retracted]
        refused = {"refused": [refusal._asdict() for refusal in self.refused]} if self.refused else {}
        return {"retracted": retracted, **refused}

    def show(self) -> None:
        """Print what was retracted, and on standard error what was refused."""
        if self.retracted:
            rows = [[revoked.indicator, revoked.partner] for revoked in self.retracted]
            show_table("Retracted", ["indicator", "partner"], rows)
        else:
            print("Nothing active is known of it, so there is nothing to retract.")  # noqa: T201 - the command's answer
        for value, message in self.refused:
            print(f"scamfeed: {value}: {message}", file=sys.stderr)  # noqa: T201 - where errors are shown


def _reporter(hub: Hub, name: str | None) -> Partner | None:
    """Return the partner of that name, whose reports alone are retracted; ends the program if there is none."""
    if not name:
        return None
    try:
        with hub.store.read() as tx:
            return partners.get(tx, name)
    except UnknownPartner as error:
        fail(str(error))


def _lines(file: Path) -> list[str]:
    """Return the lines of a file that are not empty, without the space around them."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read: {error}")
    return [line for line in map(str.strip, text.splitlines()) if line]


def _retracted(
    hub: Hub, wanted: Sequence[str], partner: Partner | None, reason: str, refused: list[_Refusal]
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
                refused.append(_Refusal(batch[0], refusal.message))
                continue
            # One of them is at fault: each on its own.
            for text in batch:
                yield from _retracted(hub, [text], partner, reason, refused)
        else:
            yield done
