"""Cases as STIX groupings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, labels, marking, record
from mappers.indicator import Profile
from mappers.observable import types_beyond_stix
from schemas.errors import Rejected
from schemas.record import Case
from schemas.vocabulary import CaseContext, ScamType, scam_category

_NOBODY: Mapping[str, str] = MappingProxyType({})
_WORDS = ("scam_type", "countries", "first_seen", "last_seen", "reference")


def to_stix(case: Case, profile: Profile = Profile.FULL) -> dict[str, Any]:
    """Return the grouping. Raises ``Rejected`` where a member is a value without a reporter.

    A case keeps its id by the reporter's own number, else by its name: members may come later. In the core profile it
    has no members of types that STIX itself lacks.
    """
    refs = list(dict.fromkeys(record.subject_ref(member, profile) for member in case.members))
    if profile is Profile.CORE:
        refs = [ref for ref in refs if ref.partition("--")[0] not in types_beyond_stix()]
        if not refs:
            raise Rejected(
                "not-in-profile", "no member is of a type that every STIX parser takes: use the profile full"
            )
    by = ids.identity(case.reporter)
    return {
        "type": "grouping",
        "spec_version": "2.1",
        "id": ids.grouping(by, case.reference or case.name),
        **record.head(case),
        "name": case.name,
        **({"description": case.description} if case.description else {}),
        "context": case.context.value,
        "object_refs": refs,
        "labels": labels.of({"type": case.scam_type}, case.countries),
        "object_marking_refs": [marking.ref(case.tlp)],
        **record.extensions(
            case,
            scam_category=scam_category(case.scam_type),
            evidence=[proof.model_dump(exclude_none=True) for proof in case.evidence],
            **{name: getattr(case, name) for name in _WORDS},
        ),
    }


def from_stix(grouping: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> Case:
    """Return the case of a grouping of any maker; ``reporters`` names the identities by id."""
    record.check(grouping)
    properties = extension.context_of(grouping)
    known = {name: properties[name] for name in (*_WORDS, "evidence") if name in properties}
    context = grouping.get("context")
    return record.read(
        Case,
        grouping,
        reporters,
        name=grouping.get("name") or grouping.get("id"),
        context=context if context in set(CaseContext) else CaseContext.UNSPECIFIED,
        members=[{"ref": ref} for ref in record.refs(grouping, "object_refs")],
        description=grouping.get("description"),
        **{"scam_type": ScamType.UNKNOWN.value, **known},
    )
