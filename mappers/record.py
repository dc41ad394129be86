"""The STIX properties that all records share, and the id of the object that a record is about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from mappers import extension, ids, kinds, marking, pattern
from mappers.indicator import Profile, terms_for
from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.kind import Normal
from schemas.record import Record
from schemas.subject import Subject
from schemas.vocabulary import Tlp

R = TypeVar("R", bound=Record)


def head(record: Record) -> dict[str, Any]:
    """Give the properties that say whose the record is, and of when."""
    reported = timestamp.text(record.reported_at)
    return {
        "created_by_ref": ids.identity(record.reporter),
        "created": reported,
        "modified": reported,
        "lang": record.lang,
    }


def moment(said: datetime | None) -> str | None:
    """Write a time that may be missing."""
    return None if said is None else timestamp.text(said)


def extensions(record: Record, **words: Any) -> dict[str, Any]:
    """Give the property ``extensions`` with our words and the record's limits, nothing where there are none."""
    properties = extension.build(**words, sharing=extension.write_sharing(record.sharing))
    return {"extensions": {extension.ID: properties}} if len(properties) > 1 else {}


def check(stix_object: Mapping[str, Any]) -> None:
    """Refuse an object whose own properties are not of the types that STIX gives them. Raises ``Rejected``."""
    for name in ("id", "created_by_ref", "modified", "lang", "context", "opinion"):
        if not isinstance(stix_object.get(name, ""), str):
            raise Rejected("record-form", f"{name}: has to be a text")
    for name in ("object_marking_refs", "object_refs", "where_sighted_refs"):
        refs(stix_object, name)


def read(model: type[R], stix_object: Mapping[str, Any], reporters: Mapping[str, str], **columns: Any) -> R:
    """Give the record that ``columns`` and the object's own properties make. Raises ``Rejected``."""
    creator = stix_object.get("created_by_ref") or "unknown"
    known = {
        "reporter": reporters.get(creator, creator),
        "reported_at": stix_object.get("modified"),
        "tlp": marking.tlp_of(stix_object) or Tlp.AMBER,
        "lang": stix_object.get("lang", "en"),
        "sharing": extension.read_sharing(extension.context_of(stix_object), reporters),
        **columns,
    }
    try:
        return model.model_validate({name: each for name, each in known.items() if each is not None})
    except ValidationError as error:
        raise rejection_of(error, "record-form") from None


def refs(stix_object: Mapping[str, Any], name: str) -> list[str]:
    """Give a list of ids that an object has, nothing where it lacks it. Raises ``Rejected`` for another shape."""
    found = stix_object.get(name, [])
    if not (isinstance(found, list) and all(isinstance(ref, str) for ref in found)):
        raise Rejected("record-form", f"{name}: has to be a list of ids")
    return found


def subject_ref(subject: Subject, profile: Profile = Profile.FULL) -> str:
    """Give the id of the object that is meant. Raises ``Rejected`` where that is a value, and nobody's."""
    if subject.ref is not None:
        return subject.ref
    if subject.reporter is None or subject.kind is None or subject.value is None:
        raise Rejected(
            "indicator-not-named",
            "whose indicator of this value is not said: give the indicator's id, or its reporter's name "
            "(of_reporter); scamfeed contribute finds those that the hub has",
        )
    mapper, normal = kinds.every()[subject.kind], Normal(subject.value, subject.details)
    spelled = pattern.write(terms_for(profile, mapper, normal))
    return ids.indicator(ids.identity(subject.reporter), spelled)
