"""``scamfeed review``: contributions and listings that wait for a decision."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, show_json, show_rows, show_table
from server.features.reviews.bursts import of_same_burst
from server.features.reviews.cautions import backgrounds
from server.features.reviews.decisions import DecidedReviews, ReviewDecision
from server.features.reviews.operations import ApproveReviews, RejectReviews
from server.release import review as reviewing
from server.release.hub import Hub
from server.release.review import ReviewSummary
from server.store import reviews
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.inbox import object_id
from server.store.proposals.proposals import Proposal
from server.store.reviews import Review, ReviewState, UnknownReview

app = typer.Typer(help="Reviews: contributions that wait for a person's decision.", no_args_is_help=True)

Rule = Annotated[str | None, typer.Option(help="only contributions that this rule held")]
Partner = Annotated[str | None, typer.Option(help="only contributions of this partner")]
Ids = Annotated[list[str] | None, typer.Argument(help="ids of objects; or none, with --rule or --partner")]
Note = Annotated[str | None, typer.Option(help="the reason, for the audit trail")]
Propose = Annotated[
    bool,
    typer.Option(
        "--propose",
        help="propose to a second person the decisions under dual control, also while no two operators may confirm",
    ),
]
Values = Annotated[bool, typer.Option("--show-values/--hide-values", help="show the values, or leave them out")]

_SECOND = 1_000_000


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also decided reviews")] = False,
    rule: Rule = None,
    partner: Partner = None,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the oldest first")] = 1_000,
    show_values: Values = True,
    json: Json = False,
) -> None:
    """List the reviews: value, kind, rule, partner, and age."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        found = reviews.all_reviews(tx, None if every else "open", partner, rule, limit)
        rows = [_row(summary, values=show_values) for summary in reviewing.summaries(hub, tx, found)]
    columns = ["rule", "kind", *(["value"] if show_values else []), "partner", "hours", "state", "id"]
    show_rows("Held for review", rows, columns, json=json)


@app.command()
def show(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the object's id")],
    show_values: Values = True,
    json: Json = False,
) -> None:
    """Show one review, and its decision."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            found = reviewing.find(tx, id_)
        except UnknownReview as error:
            fail(str(error))
        summary = reviewing.summaries(hub, tx, [found])[0]
        cautions = backgrounds(hub, tx, [summary])[found.object_id].cautions
        row = {
            **_row(summary, values=show_values),
            "also_decides": len(of_same_burst(tx, [found])),
            "cautions": [{"code": caution.code, **caution.values} for caution in cautions],
        }
    if json:
        show_json(row)
    else:
        show_table("Held for review", ["property", "value"], _lines(row))


@app.command()
def approve(
    ctx: typer.Context,
    ids: Ids = None,
    rule: Rule = None,
    partner: Partner = None,
    note: Note = None,
    propose: Propose = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Release objects: named ones, or all open ones of a rule or a partner."""
    operation = _operation(ApproveReviews, ids, rule, partner, note, proposes=propose)
    _decide(ctx, operation, by, dry_run=dry_run, json=json)


@app.command()
def reject(
    ctx: typer.Context,
    ids: Ids = None,
    rule: Rule = None,
    partner: Partner = None,
    note: Note = None,
    propose: Propose = False,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Reject objects, with their later versions: named ones, or all open ones of a rule or a partner."""
    operation = _operation(RejectReviews, ids, rule, partner, note, proposes=propose)
    _decide(ctx, operation, by, dry_run=dry_run, json=json)


def _operation(
    decision: type[ReviewDecision],
    ids: list[str] | None,
    rule: str | None,
    partner: str | None,
    note: str | None,
    *,
    proposes: bool,
) -> ReviewDecision:
    """Return the decision; ends the program where it names no reviews, or names them twice."""
    if bool(ids) == bool(rule or partner):
        fail("name the objects by their ids, or give --rule or --partner to decide all their open reviews")
    return decision(ids=tuple(ids or ()), rule=rule, partner=partner, note=note, proposes=proposes)


def _decide(ctx: typer.Context, operation: ReviewDecision, by: str | None, *, dry_run: bool, json: bool) -> None:
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        done = act.run(operation)
        with act.hub.store.read() as tx:
            rows = _decided_or_proposed(act.hub, tx, done)
    if json:
        show_json(rows)
    else:
        _show_decided(rows, operation.state)


def _show_decided(rows: list[dict[str, Any]], state: ReviewState) -> None:
    """Print the decided and the proposed reviews."""
    decided = [list(row.values())[:4] for row in rows if not {"proposal", "set_aside"} & row.keys()]
    proposed = [[row["id"], row["proposal"]] for row in rows if "proposal" in row]
    if decided or not proposed:
        show_table(state.capitalize(), ["rule", "kind", "partner", "id"], decided)
    if proposed:
        title = "Proposed: another person confirms it by scamfeed proposal confirm"
        show_table(title, ["id", "proposal"], proposed)

    for row in rows:
        if "set_aside" in row:
            typer.echo(f"{row['id']}: set aside, because police hold the money: decide it alone", err=True)


def _decided_or_proposed(hub: Hub, tx: Tx, result: DecidedReviews) -> list[dict[str, Any]]:
    """Return a row for each review: decided, proposed, or set aside."""
    proposed = {object_id(id_): proposal.id for proposal in result.proposed for id_ in _ids_of(proposal)}
    rows = _kept(hub, tx, [*result.done, *result.left])
    rows = [{**row, **({"proposal": proposed[row["id"]]} if row["id"] in proposed else {})} for row in rows]
    return [*rows, *({**row, "set_aside": "police-hold"} for row in _kept(hub, tx, result.set_aside))]


def _ids_of(proposal: Proposal) -> list[str]:
    """Return the ids of the reviews in a proposal."""
    arguments = proposal.arguments
    return [str(id_) for id_ in arguments.get("ids", [arguments.get("id")])]


def _kept(hub: Hub, tx: Tx, done: list[Review]) -> list[dict[str, Any]]:
    return [
        {
            "rule": summary.review.rule,
            "kind": summary.kind,
            "partner": summary.review.partner,
            "id": object_id(summary.review.object_id),
            "state": summary.review.state,
        }
        for summary in reviewing.summaries(hub, tx, done)
    ]


def _lines(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return one review as lines; each doubt with its outcome and the words of the doubter."""
    for name, value in row.items():
        if name == "doubts":
            for doubt in value:
                words = (doubt["reason"], doubt["words"])
                who = f"{doubt['partner']} ({doubt['kind']}; standing: {doubt['standing']})"
                yield "doubt", ": ".join([f"{who} says {doubt['says']}", *filter(None, words)])
        elif name == "cautions":
            for caution in value:
                yield "caution", ": ".join(map(str, caution.values()))
        else:
            yield name.replace("_", " "), ", ".join(value) if isinstance(value, list) else value


def _disputed(shown: ReviewSummary) -> dict[str, Any]:
    """Return the facts of a dispute, in one row."""
    if shown.case is None:
        return {}
    return {
        "reporter_kinds": [str(kind) for kind in shown.case.reporter_kinds],
        "doubts": [doubt._asdict() for doubt in shown.case.doubts],
        "collections": shown.case.collections,
    }


def _row(shown: ReviewSummary, *, values: bool) -> dict[str, Any]:
    review = shown.review
    return {
        "id": object_id(review.object_id),
        "rule": review.rule,
        "message": review.message,
        "kind": shown.kind,
        **({"value": shown.value} if values else {}),
        "partner": review.partner,
        **_disputed(shown),
        "opened": stamp(review.opened),
        "hours": round(((review.decided or now()) - review.opened) / _SECOND / 3600, 1),
        "state": review.state,
        "decided": None if review.decided is None else stamp(review.decided),
        "decided_by": review.decided_by,
        "note": review.note,
    }


COMMANDS = {"review": app}
