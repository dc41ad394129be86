"""The figures of a month, published as STIX notes in the collection ``trends``, one for each figure in English and
Thai.
"""

import csv
import io
import logging
from collections.abc import Mapping

from mappers import common_objects, extension, ids, marking
from schemas.vocabulary import Tlp
from server.features.trends import figures, query
from server.features.trends.query import COLUMNS, FigureRow, Range
from server.release.publish import identities
from server.store import collections, log
from server.store.collections import Collection, CollectionExists, UnknownCollection
from server.store.database.engine import Tx
from server.store.database.times import now, stix_stamp
from server.store.item import Item

logger = logging.getLogger(__name__)

ALIAS, TITLE, DESCRIPTION = collections.TRENDS
# For people, in English and Thai.
_TITLES: Mapping[str, tuple[str, str]] = {
    figures.REPORTS.name: ("Reports", "การรายงาน"),
    figures.LISTED.name: ("New listings", "รายการใหม่"),
    figures.DELISTED.name: ("Delistings", "รายการที่ถอนออก"),
    figures.SIGHTINGS.name: ("Sightings", "การพบเห็น"),
    figures.ACTIONS.name: ("Outcomes", "ผลการดำเนินการ"),
    figures.OUTCOMES.name: ("Money and people", "จำนวนเงินและจำนวนคน"),
    figures.TO_LISTING.name: ("Time from report to listing", "เวลาจากการรายงานถึงการขึ้นรายการ"),
    figures.TO_READ.name: ("Time from listing to first reading", "เวลาจากการขึ้นรายการถึงการอ่านครั้งแรก"),
    figures.TO_ACTION.name: ("Time from listing to first action", "เวลาจากการขึ้นรายการถึงการดำเนินการครั้งแรก"),
    figures.TO_ALL.name: ("Time until all readers knew of a delisting", "เวลาจนทุกฝ่ายทราบการถอนรายการ"),
    figures.WRONG.name: ("Listings that were wrong", "รายการที่ผิดพลาด"),
    figures.WRONG_LISTED.name: ("How long wrong listings were active", "ระยะเวลาที่รายการผิดพลาดคงอยู่"),
    figures.PROVIDER_ANSWERS.name: ("Findings of providers", "คำตอบของสถาบันที่ดูแลบัญชี"),
    figures.OBJECTIONS.name: ("Objections", "คำคัดค้าน"),
}


def publish(tx: Tx, month: int) -> int:
    """Add the notes of a published month (its first day) to the collection, and return their number."""
    by_figure: dict[str, list[FigureRow]] = {}
    for row in query.published(tx, Range(month, month, "month")):
        by_figure.setdefault(row.figure, []).append(row)
    collection = make_collection(tx) if by_figure else None
    if collection is None:
        if by_figure:
            logger.warning("trends notes=0 reason=another collection has the alias or the title of %s", ALIAS)
        return 0
    hub = identities.of_hub(tx)
    at = stix_stamp(now() // 1000 * 1000)
    notes = [_note(hub["id"], query.text_of(month, "month"), name, rows, at) for name, rows in by_figure.items()]
    items = [*map(Item.of, common_objects.for_levels([Tlp.CLEAR])), Item.of(hub), *map(Item.of, notes)]
    log.append(tx, collection, items)
    return len(notes)


def _note(hub: str, month: str, figure: str, rows: list[FigureRow], at: str) -> dict[str, object]:
    english, thai = _TITLES[figure]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed({"type": "note", "hub": hub, "trends": month, "figure": figure}),
        "created_by_ref": hub,
        "created": at,
        "modified": at,
        "abstract": f"{english}, {month} / {thai} {month}",
        "content": f"{english}, {month} / {thai} {month}\n\n{table.getvalue()}",
        "object_refs": [hub],
        "labels": extension.labels_of({"trends": figure}),
        "object_marking_refs": [marking.ref(Tlp.CLEAR)],
    }


def make_collection(tx: Tx) -> Collection | None:
    """Return the collection of the notes; create it if it is missing.

    None if an operator has given its alias or its title to another collection.
    """
    try:
        found = collections.get(tx, ALIAS)
    except UnknownCollection:
        try:
            return collections.add(tx, ALIAS, TITLE, kind="exchange", description=DESCRIPTION)
        except CollectionExists:
            return None
    return found if found.kind == "exchange" else None
