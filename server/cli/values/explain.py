"""``scamfeed explain``: why a contribution is published, or is not."""

from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from server.cli.context import Context, Json, fail, show_json, show_table
from server.release.explain import ContributionExplanation, explain as explain_contributions
from server.store import partners
from server.store.partners import UnknownPartner


def explain(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="an object's id, or a value")],
    partner: Annotated[
        str | None, typer.Option(help="only this partner's contributions, with the facts that it may know")
    ] = None,
    json: Json = False,
) -> None:
    """Explain why contributions are published or not: the verdict of each rule, and the way to change it."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            asking = partners.get(tx, partner) if partner else None
            found = explain_contributions(hub, tx, id_or_value, asking)
        except UnknownPartner as error:
            fail(str(error))
        except Rejected as refusal:
            fail(f"{id_or_value}: {refusal.message}")
    if json:
        show_json([_as_json(contribution) for contribution in found])
        return
    for contribution in found:
        what = contribution.value or contribution.type
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


def _as_json(contribution: ContributionExplanation) -> dict[str, Any]:
    return {
        "id": contribution.id,
        "partner": contribution.partner,
        "type": contribution.type,
        "value": contribution.value,
        "result": contribution.result,
        "checks": [check._asdict() | {"fields": dict(check.fields)} for check in contribution.checks],
        "published": [place._asdict() for place in contribution.published],
    }
