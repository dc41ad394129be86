"""The page of how good a partner's reports are, by kind, beside the median of the other organisations."""

from typing import Any, NamedTuple

from flask import Response

from server.console.partner.own import own_partner
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.release.trends import quality
from server.release.trends.quality import LEAST_OTHERS, LEAST_VOLUME, QualityBesideOthers


class QualityMeasure(NamedTuple):
    """A measure by its name: its title, what it means, and whether it is a share, a number or a time in seconds."""

    name: str
    title: Translatable
    meaning: Translatable
    form: str


MEASURES: tuple[QualityMeasure, ...] = (
    QualityMeasure("volume", mark("Values reported"), mark("for the first time, and without limits"), "number"),
    QualityMeasure("exclusive", mark("Only by us"), mark("share that no other organisation has reported"), "share"),
    QualityMeasure("first", mark("First by us"), mark("share that we reported before all others"), "share"),
    QualityMeasure("delay", mark("Behind the first"), mark("of the rest, half of them within"), "time"),
    QualityMeasure("precision", mark("Right"), mark("share of our judged reports that proved right"), "share"),
    QualityMeasure("judged", mark("Judged"), mark("our reports that somebody judged"), "number"),
    QualityMeasure(
        "coverage", mark("Known before the loss"), mark("share of the known cases that we covered"), "share"
    ),
    QualityMeasure(
        "seen_after_end", mark("Seen after their end"), mark("sightings of our values after the end we gave"), "number"
    ),
)


def show(visit: Visit) -> Response:
    """Show each kind's measures beside the medians that enough other organisations stand behind."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = quality.beside_others(tx, partner.counts_as)
    kinds = [(beside.own.kind, _rows(beside)) for beside in found]
    return visit.page(
        "partner/quality.html", partner=partner, kinds=kinds, least_others=LEAST_OTHERS, least_volume=LEAST_VOLUME
    )


def _rows(beside: QualityBesideOthers) -> list[dict[str, Any]]:
    return [
        {"measure": measure, "own": getattr(beside.own, measure.name), "median": beside.median.get(measure.name)}
        for measure in MEASURES
    ]
