"""Answers of keepers as STIX opinions, whose extension has the code: readers of plain STIX see agreement or dissent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, labels, marking, record
from mappers.indicator import Profile
from schemas.errors import Rejected
from schemas.qualification import EFFECTS, Qualification, QualificationCode

PROPERTY = "qualification"
_NOBODY: Mapping[str, str] = MappingProxyType({})
_TYPE = "opinion"


def is_answer(stix_object: Mapping[str, Any]) -> bool:
    """Return whether an object gives the answer of a keeper, in whatever form."""
    return stix_object["type"] == _TYPE and PROPERTY in extension.context_of(stix_object)


def to_stix(statement: Qualification, profile: Profile = Profile.FULL) -> dict[str, Any]:
    """Return the opinion; a later answer about the same object is a later version of it.

    Raises ``Rejected`` where its subject is a value without a reporter.
    """
    by, of = ids.identity(statement.reporter), record.subject_ref(statement.of, profile)
    effect = EFFECTS[statement.code]
    return {
        "type": _TYPE,
        "spec_version": "2.1",
        "id": ids.opinion(by, of, PROPERTY),
        **record.head(statement),
        "explanation": statement.description or effect.meaning,
        "opinion": effect.opinion.value,
        "object_refs": [of],
        "labels": labels.of({PROPERTY: statement.code}),
        "object_marking_refs": [marking.ref(statement.tlp)],
        **record.extensions(statement, qualification=statement.code, reference=statement.reference),
    }


def from_stix(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> list[Qualification]:
    """Return the answers in a STIX opinion, one for each of its indicators. Raises ``Rejected``."""
    record.check(stix_object)
    about = [ref for ref in record.refs(stix_object, "object_refs") if ref.startswith("indicator--")]
    if not about:
        raise Rejected("not-about-an-indicator", "the answer is about other objects than indicators")
    context, explanation = extension.context_of(stix_object), stix_object.get("explanation")
    code = context.get(PROPERTY)
    generated = (
        isinstance(code, str) and code in set(EFFECTS) and explanation == EFFECTS[QualificationCode(code)].meaning
    )
    columns = {"reference": context.get("reference"), "description": None if generated else explanation, "code": code}
    return [record.read(Qualification, stix_object, reporters, of={"ref": of}, **columns) for of in about]
