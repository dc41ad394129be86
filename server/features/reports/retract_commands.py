"""``scamfeed retract`` and ``scamfeed explain``: end reports, and explain why a contribution is published."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.timestamp import text
from server.cli.acting import WouldDo, acting, show_dry_runs
from server.cli.context import USAGE, By, Context, Json, counting, fail, registered, show_json, show_table
from server.cli.large_work import prepare_process
from server.features.federation.fusion.explain import OriginExplanation, explain_origins
from server.features.reports.operations import RetractionResult, RetractReports
from server.operations.run import dry_run as run_dry, run
from server.release.batches import BatchSize
from server.release.explain import ContributionExplanation, explain as explain_contributions
from server.release.hub import Hub
from server.release.retract import Retracted
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import moment
from server.store.partners import UnknownPartner
from server.store.proposals.proposals import Proposal

logger = logging.getLogger(__name__)
_Done = TypeVar("_Done")
_WAITS = (
    "waits, and stays listed: the organisation ended as many listings today as it may; confirm it with "
    "scamfeed review approve --rule many-ends --partner"
)
_HELD = "set aside: police hold it; retract it alone if that is meant"


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
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Retract the reports of values, and revoke their listings in all collections.

    Many values are retracted in batches, between which others read and contribute. If the command is stopped, run it
    again: it skips the retracted values. A text that is no value is named at the end, and does not stop the others.
    Of several values, those that police hold are left out and named: retract each alone. Of a --partner's reports,
    those beyond the setting ends_per_day stay listed until a second person has confirmed their retraction.
    """
    wanted = list(dict.fromkeys([*(id_or_value or ()), *(_lines(file) if file else ())]))
    if not wanted:
        fail("give an indicator's id, a value, or a --file of them")
    result = _Retraction()
    prepare_process()
    with acting(ctx, by, dry_run=dry_run, json=json) as act, counting("reports retracted") as count:
        reporter = registered(act.hub, partner) if partner else None
        sets_aside = len(wanted) > 1 and reporter is None
        operation = RetractReports(values=tuple(wanted), partner=reporter, reason=reason, sets_aside=sets_aside)
        if dry_run and reporter:
            # In one transaction: the limit of a partner's ends counts over all batches.
            act.show_dry_run([operation])
        if dry_run:
            planned = list(_in_batches(partial(run_dry, actor=act.actor), act.hub, operation, wanted, result.refused))
        else:
            for done in _in_batches(partial(run, actor=act.actor), act.hub, operation, wanted, result.refused):
                result.add(done)
                count(len(result.retracted))
    if result.refused and len(wanted) == 1:
        fail(result.refused[0].message)
    if dry_run:
        show_dry_runs(planned, json=json)
        result.show_refused()
    else:
        result.show(reason, json=json)
    if not result.is_complete:
        raise typer.Exit(USAGE)


class _Refusal(NamedTuple):
    value: str
    message: str


@dataclass
class _Retraction:
    """All results: retracted and waiting reports, refused texts, values that police hold, and proposals."""

    retracted: list[Retracted] = field(default_factory=list)
    waiting: list[Retracted] = field(default_factory=list)
    refused: list[_Refusal] = field(default_factory=list)
    set_aside: set[str] = field(default_factory=set)
    proposals: list[Proposal] = field(default_factory=list)

    def add(self, done: RetractionResult | Proposal) -> None:
        """Add the result of a batch."""
        if isinstance(done, Proposal):
            self.proposals.append(done)
            return
        for revoked in done.retracted:
            logger.info("retracted indicator=%s partner=%s", revoked.indicator, revoked.partner)
        self.retracted += done.retracted
        self.waiting += done.waiting
        self.set_aside |= set(done.set_aside)

    def as_json(self) -> dict[str, Any]:
        """Return both lists as JSON values; no refusals, no list of them."""
        retracted = [{"indicator": revoked.indicator, "partner": revoked.partner} for revoked in self.retracted]
        refused = {"refused": [refusal._asdict() for refusal in self.refused]} if self.refused else {}
        aside = {"set_aside": sorted(self.set_aside)} if self.set_aside else {}
        proposed = {"proposals": [made.id for made in self.proposals]} if self.proposals else {}
        held = [{"indicator": held.indicator, "partner": held.partner} for held in self.waiting]
        return {"retracted": retracted, **({"waiting": held} if held else {}), **refused, **aside, **proposed}

    @property
    def is_complete(self) -> bool:
        """Return whether every value was retracted or proposed."""
        return not (self.refused or self.set_aside or self.waiting)

    def show(self, reason: str, *, json: bool) -> None:
        """Print what was retracted, and on standard error what was refused."""
        if json:
            show_json({"reason": reason, **self.as_json()})
            return
        if self.retracted:
            rows = [[revoked.indicator, revoked.partner] for revoked in self.retracted]
            show_table("Retracted", ["indicator", "partner"], rows)
        elif not self.waiting and not self.proposals:
            print("Nothing active is known of it, so there is nothing to retract.")  # noqa: T201 - the command's answer
        for made in self.proposals:
            print(f"A second person has to confirm it: scamfeed proposal confirm {made.id} --by NAME")  # noqa: T201 - the command's answer
        for held in self.waiting:
            print(f'scamfeed: {held.indicator}: {_WAITS} "{held.partner}"', file=sys.stderr)  # noqa: T201 - as errors
        for subject in sorted(self.set_aside):
            print(f"scamfeed: {subject}: {_HELD}", file=sys.stderr)  # noqa: T201 - where errors are shown
        self.show_refused()

    def show_refused(self) -> None:
        """Print on standard error what was refused."""
        for value, message in self.refused:
            print(f"scamfeed: {value}: {message}", file=sys.stderr)  # noqa: T201 - where errors are shown


def _lines(file: Path) -> list[str]:
    """Return the lines of a file that are not empty, without the space around them."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read: {error}")
    return [line for line in map(str.strip, text.splitlines()) if line]


def _in_batches(
    do: Callable[[Hub, RetractReports], _Done],
    hub: Hub,
    operation: RetractReports,
    wanted: Sequence[str],
    refused: list[_Refusal],
) -> Iterator[_Done]:
    """Run the operation a batch at a time; add to ``refused`` the texts that name nothing to retract."""
    start, size = 0, BatchSize()
    while start < len(wanted):
        batch = tuple(wanted[start : start + size.most])
        start += len(batch)
        begun = time.perf_counter()
        try:
            done = do(hub, operation.model_copy(update={"values": batch}))
        except Rejected as refusal:
            if len(batch) == 1:
                refused.append(_Refusal(batch[0], refusal.message))
                continue
            # One of them is at fault: each on its own.
            for text in batch:
                yield from _in_batches(do, hub, operation, [text], refused)
        else:
            size.note(len(batch), time.perf_counter() - begun)
            yield done


def explain(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="an object's id, or a value")],
    partner: Annotated[
        str | None, typer.Option(help="only this partner's contributions, with the facts that it may know")
    ] = None,
    json: Json = False,
) -> None:
    """Explain why contributions are published or not: the verdict of each rule, and the way to change it.

    For a URL, a domain or an e-mail address, the contributions about the domains above it are explained too.
    """
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            asking = partners.get(tx, partner) if partner else None
            # Partners do not see which hubs report a value.
            origins = explain_origins(hub, tx, id_or_value) if asking is None else []
            found = _explained(hub, tx, id_or_value, asking, beside=bool(origins))
        except UnknownPartner as error:
            fail(str(error))
        except Rejected as refusal:
            fail(f"{id_or_value}: {refusal.message}")
    if json:
        show_json([*map(_as_json, found), *map(_origin_as_json, origins)])
        return
    for contribution in found:
        what = contribution.value or contribution.type
        if contribution.is_of_site:
            what = f"{what} (the site of {id_or_value})"
        show_table(
            f"{what}, contributed by {contribution.partner} as {contribution.id}: {contribution.result}",
            ["rule", "verdict", "facts", "way to change it"],
            [[check.rule, check.verdict, check.message, check.action] for check in contribution.checks],
        )
        if contribution.published:
            show_table(
                "Published",
                ["collection", "grade", "confidence", "partners that may read it", "id"],
                [
                    [place.collection, place.grade, place.confidence, place.readers, place.id]
                    for place in contribution.published
                ],
            )

    if origins:
        show_table(
            "Reported by other hubs",
            ["origin", "number", "entries", "counted", "not counted", "arrived", "delivered by"],
            list(map(_row_of_origin, origins)),
        )


def _row_of_origin(origin: OriginExplanation) -> list[Any]:
    entries = (f"{entry.weight}% {entry.kind} until {text(moment(entry.until))}" for entry in origin.entries)
    counted, not_counted = ", ".join(origin.counted), ", ".join(origin.not_counted)
    received = text(moment(origin.received))
    return [origin.origin, origin.number, "; ".join(entries), counted, not_counted, received, origin.peer]


def _explained(
    hub: Hub, tx: Tx, id_or_value: str, partner: Partner | None, *, beside: bool
) -> list[ContributionExplanation]:
    """Explain the contributions of a value; ``beside``: there may be none, because other hubs report it."""
    try:
        return explain_contributions(hub, tx, id_or_value, partner)
    except Rejected:
        if beside:
            return []
        raise


def _origin_as_json(origin: OriginExplanation) -> dict[str, Any]:
    entries = [entry._asdict() | {"until": text(moment(entry.until))} for entry in origin.entries]
    return origin._asdict() | {"entries": entries, "received": text(moment(origin.received))}


def _as_json(contribution: ContributionExplanation) -> dict[str, Any]:
    return {
        "id": contribution.id,
        "partner": contribution.partner,
        "type": contribution.type,
        "value": contribution.value,
        "is_of_site": contribution.is_of_site,
        "result": contribution.result,
        "checks": [check._asdict() | {"fields": dict(check.fields)} for check in contribution.checks],
        "published": [place._asdict() for place in contribution.published],
    }


COMMANDS = {"retract": retract, "explain": explain}
