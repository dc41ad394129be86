"""Reports as MISP events, in attributes, or in objects where one attribute cannot identify the thing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mappers import ids, kinds
from mappers.indicator import Profile, to_stix
from mappers.kind import MispAttribute
from schemas import timestamp
from schemas.kind import Normal
from schemas.report import Report
from schemas.vocabulary import Tlp


class MispReport(NamedTuple):
    """A report in MISP: the ``section`` of the event (``Attribute``, ``Object``), its content there, and its values."""

    section: str
    body: dict[str, Any]
    values: list[str]


def has_type(report: Report) -> bool:
    """Return whether MISP has a type for the report's value."""
    return kinds.every()[report.kind].misp(Normal(report.value, report.details)) is not None


def to_misp(report: Report, *, revoked: bool = False, uuid: str | None = None) -> MispReport | None:
    """Return a report as a part of a MISP event, None where MISP has no type for its value.

    Its UUID is that of the report's indicator, unless another is given; its tags are the indicator's labels. The TLP
    level is the event's. A ``revoked`` report is deleted, which MISP passes on.
    """
    terms = kinds.every()[report.kind].misp(Normal(report.value, report.details))
    if terms is None:
        return None
    indicator = to_stix(report, Profile.CORE)[0]
    common: dict[str, Any] = {
        "uuid": uuid or indicator["id"].partition("--")[2],
        "timestamp": str(int(report.reported_at.timestamp())),
        **({"deleted": True} if revoked else {}),
    }
    seen = {
        name: timestamp.text(moment).replace("Z", "+00:00")
        for name in ("first_seen", "last_seen")
        if (moment := getattr(report, name)) is not None
    }
    tags = {"Tag": [{"name": label} for label in indicator["labels"]]}
    values = [attribute.value for attribute in terms.attributes if attribute.to_ids]
    if terms.template is None:
        (attribute,) = terms.attributes
        return MispReport("Attribute", _attribute(common, attribute) | seen | tags, values)
    attributes = []
    for attribute in terms.attributes:
        named = {"object": common["uuid"], "relation": attribute.relation, "type": "misp-attribute"}
        attribute_ = _attribute({**common, "uuid": ids.in_scamfeed(named)}, attribute)
        attribute_ |= {"object_relation": attribute.relation}
        attributes.append(attribute_ | tags if attribute.to_ids else attribute_)
    body = {
        "name": terms.template.name,
        "meta-category": terms.template.category,
        "template_uuid": terms.template.uuid,
        "template_version": terms.template.version,
        **common,
        **seen,
        "Attribute": attributes,
    }
    return MispReport("Object", body, values)


def event(reports: Sequence[Report], info: str, *, revoked: Iterable[Report] = ()) -> dict[str, Any]:
    """Return the event with ``reports`` of one reporter at one TLP level, and with others that were ``revoked``.

    Its UUID follows from the first report, its date from the last. Values without a MISP type are left out.
    """
    first = reports[0]
    last = max(report.reported_at for report in reports)
    spelled = [to_misp(report) for report in reports] + [to_misp(report, revoked=True) for report in revoked]
    named = {"created_by_ref": ids.identity(first.reporter), "kind": first.kind, "tlp": first.tlp, "type": "misp-event"}
    uuid = ids.in_scamfeed({**named, "value": first.value})
    return {
        "Event": {
            **head(uuid, info, first.reporter, first.tlp, last.date().isoformat(), int(last.timestamp())),
            "Attribute": [part.body for part in spelled if part and part.section == "Attribute"],
            "Object": [part.body for part in spelled if part and part.section == "Object"],
        }
    }


def head(uuid: str, info: str, reporter: str, tlp: Tlp, day: str, last: int) -> dict[str, Any]:
    """Return an event's own properties: owner, TLP level, day, and last change in Unix seconds."""
    stamp = str(last)
    return {
        "uuid": uuid,
        "info": info,
        "date": day,
        "timestamp": stamp,
        "publish_timestamp": stamp,
        "published": True,
        "analysis": "2",
        "threat_level_id": "4",
        "Orgc": {"name": reporter, "uuid": ids.identity(reporter).partition("--")[2]},
        "Tag": [{"name": f"tlp:{tlp}"}],
    }


def _attribute(common: Mapping[str, Any], attribute: MispAttribute) -> dict[str, Any]:
    return {
        **common,
        "type": attribute.type,
        "category": attribute.category,
        "to_ids": attribute.to_ids,
        "value": attribute.value,
    }
