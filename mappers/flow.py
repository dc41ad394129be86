"""Flows as STIX: the relationship between two observables between which money went."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, kinds, labels, marking, record, wording
from mappers.indicator import Profile, terms_for
from mappers.observable import kind_and_value, observable_object
from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.record import Flow
from schemas.subject import Subject

# The one relationship type that STIX defines between any two objects, and that OpenCTI stores between observables.
_TYPE = "related-to"
_NOBODY: Mapping[str, str] = MappingProxyType({})


def to_stix(flow: Flow, profile: Profile = Profile.FULL) -> list[dict[str, Any]]:
    """Return both observables and the relationship. Raises ``Rejected`` in the profile core, which has no
    observables.
    """
    if profile is Profile.CORE:
        raise Rejected(
            "not-in-profile", "a flow joins observables, which the profile core leaves out: use the profile full"
        )
    source, target = _observable(flow.source, profile), _observable(flow.target, profile)
    by = ids.identity(flow.reporter)
    first, last = record.moment(flow.first_seen), record.moment(flow.last_seen)
    ends = {"source": _end(flow.source), "target": _end(flow.target)}
    relationship = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": ids.flow(by, source["id"], target["id"], first, flow.reference),
        **record.head(flow),
        "relationship_type": _TYPE,
        "description": flow.description or wording.flow(ends["source"]["kind"], ends["target"]["kind"]),
        "source_ref": source["id"],
        "target_ref": target["id"],
        **({"start_time": first} if first else {}),
        # STIX 2.1 §5.1 wants it later than the start.
        **({"stop_time": last} if last and last != first else {}),
        "labels": labels.of({"flow": "transfer"}),
        "object_marking_refs": [marking.ref(flow.tlp)],
        **record.extensions(
            flow,
            **ends,
            amount=None if flow.amount is None else flow.model_dump(mode="json")["amount"],
            currency=flow.currency,
            transfers=flow.count,
            first_seen=flow.first_seen,
            last_seen=flow.last_seen,
            reference=flow.reference,
        ),
    }
    return [source, target, relationship]


def from_stix(
    relationship: Mapping[str, Any],
    objects: Mapping[str, Mapping[str, Any]],
    reporters: Mapping[str, str] = _NOBODY,
) -> Flow:
    """Return the flow of a relationship; ``objects`` are those beside it by id, the observables among them.

    Raises ``Rejected`` for other relationships, and where an observable is missing.
    """
    record.check(relationship)
    context = extension.context_of(relationship)
    if not {"source", "target"} <= context.keys():
        raise Rejected("not-a-flow", "the relationship has no source and target of money in the extension")
    description = relationship.get("description")
    kinds_named = [
        end.get("kind") if isinstance(end, Mapping) else None for end in (context["source"], context["target"])
    ]
    if all(kind in kinds.every() for kind in kinds_named) and description == wording.flow(*map(str, kinds_named)):
        description = None
    return record.read(
        Flow,
        relationship,
        reporters,
        source=_value(relationship.get("source_ref"), context["source"], objects),
        target=_value(relationship.get("target_ref"), context["target"], objects),
        amount=context.get("amount"),
        currency=context.get("currency"),
        count=context.get("transfers", 1),
        first_seen=context.get("first_seen", relationship.get("start_time")),
        last_seen=context.get("last_seen", relationship.get("stop_time")),
        reference=context.get("reference"),
        description=description,
    )


def _observable(end: Subject, profile: Profile) -> dict[str, Any]:
    mapper = kinds.every()[str(end.kind)]
    normal = Normal(str(end.value), end.details)
    return observable_object(mapper, terms_for(profile, mapper, normal))


def _end(end: Subject) -> dict[str, Any]:
    return {"kind": str(end.kind), **({"details": dict(end.details)} if end.details else {})}


def _value(ref: Any, end: Any, objects: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if not isinstance(ref, str) or ref not in objects:
        raise Rejected("observable-missing", "the observable is not among the objects: give it with the relationship")
    kind, text = kind_and_value(objects[ref])
    details = end.get("details") if isinstance(end, Mapping) else None
    return {"kind": kind, "value": text, **({"details": details} if details else {})}
