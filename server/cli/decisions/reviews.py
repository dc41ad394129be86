"""``scamfeed review``: contributions that the guard holds for a person."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release import review as reviewing
from server.release.by_two_persons.contradictions import DECIDE
from server.release.by_two_persons.delistings import beside_contradictions
from server.release.by_two_persons.of_reviews import actions_of, propose_all
from server.release.hub import Hub
from server.release.query.cautions import backgrounds
from server.release.review import ReviewSummary, TwoPersonsDecide
from server.release.two_persons import NotAllowed, TooManyOpen
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
        help="leave to a second person what two persons decide on the pages, as the setting two_persons_commands does",
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
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the oldest first")] = 1_000,
    show_values: Values = True,
    json: Json = False,
) -> None:
    """List what is held: value, kind, rule, partner, and since when."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        found = reviews.all_reviews(tx, None if every else "open", partner, rule, limit)
        rows = [_row(summary, values=show_values) for summary in reviewing.summaries(hub, tx, found)]
    if json:
        show_json(rows)
        return
    columns = ["rule", "kind", *(["value"] if show_values else []), "partner", "hours", "state", "id"]
    show_table("Held for review", columns, [[row[column] for column in columns] for row in rows])


@app.command()
def show(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the object's id")],
    show_values: Values = True,
    json: Json = False,
) -> None:
    """Show one object that was held, and the decision."""
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
    json: Json = False,
) -> None:
    """Release objects: named ones, or all open ones of a rule or a partner."""
    _decide(ctx.obj, ids or [], rule, partner, "approved", operator_name(by), note, by_two=propose, json=json)


@app.command()
def reject(
    ctx: typer.Context,
    ids: Ids = None,
    rule: Rule = None,
    partner: Partner = None,
    note: Note = None,
    propose: Propose = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Keep objects, and their later versions, from everybody: named ones, or all open ones of a rule or a partner."""
    _decide(ctx.obj, ids or [], rule, partner, "rejected", operator_name(by), note, by_two=propose, json=json)


def _decide(
    context: Context,
    ids: list[str],
    rule: str | None,
    partner: str | None,
    state: ReviewState,
    by: str,
    note: str | None,
    *,
    by_two: bool,
    json: bool,
) -> None:
    if bool(ids) == bool(rule or partner):
        fail("name the objects by their ids, or say --rule or --partner for all that these hold open")
    by_two = by_two or context.settings.two_persons_commands
    with context.hub() as hub, hub.store.begin() as tx:
        wanted = ids or [review.object_id for review in reviews.all_reviews(tx, "open", partner, rule, limit=None)]
        try:
            rows = _decided_or_proposed(hub, tx, wanted, state, by, note, by_two=by_two)
        except (UnknownReview, NotAllowed, TooManyOpen, TwoPersonsDecide) as error:
            fail(str(error))
        except Rejected as refusal:
            fail(refusal.message)
    if json:
        show_json(rows)
    else:
        _show_decided(rows, state)


def _show_decided(rows: list[dict[str, Any]], state: ReviewState) -> None:
    """Print what was decided, and what was proposed to somebody else."""
    decided = [list(row.values())[:4] for row in rows if "proposal" not in row]
    proposed = [[row["id"], row["proposal"]] for row in rows if "proposal" in row]
    if decided or not proposed:
        show_table(state.capitalize(), ["rule", "kind", "partner", "id"], decided)
    if proposed:
        title = "Proposed: somebody else confirms it by scamfeed proposal confirm"
        show_table(title, ["id", "proposal"], proposed)


def _decided_or_proposed(
    hub: Hub, tx: Tx, wanted: list[str], state: ReviewState, by: str, note: str | None, *, by_two: bool
) -> list[dict[str, Any]]:
    """Decide reviews, and propose the decision of those that take two persons; return a row for each.

    At the command line these are those between a keeper and an authority, and what would end one of these;
    ``by_two``: all that take two on the pages.
    """
    found = {review.object_id: review for id_ in wanted for review in [reviewing.find(tx, id_)]}
    actions = actions_of(hub, tx, list(found.values()), state)
    if not by_two:
        ending = beside_contradictions(tx, found.values())
        actions = {id_: action for id_, action in actions.items() if action is DECIDE or id_ in ending}
    done = reviewing.decide(hub, tx, found.keys() - actions.keys(), state, by, note)
    made = propose_all(hub, tx, actions, state, by, note, {})
    proposed = {id_: proposal.id for proposal in made for id_ in _ids_of(proposal)}
    rows = _kept(hub, tx, [*done, *(found[id_] for id_ in actions)])
    by_id = {object_id(id_): proposal for id_, proposal in proposed.items()}
    return [{**row, **({"proposal": by_id[row["id"]]} if row["id"] in by_id else {})} for row in rows]


def _ids_of(proposal: Proposal) -> list[str]:
    """Return the ids of the reviews that a proposal is about."""
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
    """Return one review as lines; each doubt with its outcome and the doubter's words."""
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
