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
    """Return the properties of a record's creator, times and language."""
    reported = timestamp.text(record.reported_at)
    return {
        "created_by_ref": ids.identity(record.reporter),
        "created": reported,
        "modified": reported,
        "lang": record.lang,
    }


def moment(time: datetime | None) -> str | None:
    """Return a time as text, None where it is missing."""
    return None if time is None else timestamp.text(time)


def extensions(record: Record, **words: Any) -> dict[str, Any]:
    """Return the property ``extensions`` with the given context and the record's sharing limits, if there are any."""
    properties = extension.build(**words, sharing=extension.write_sharing(record.sharing))
    return {"extensions": {extension.ID: properties}} if len(properties) > 1 else {}


def check(stix_object: Mapping[str, Any]) -> None:
    """Raise ``Rejected`` where a property of the object is not of the type that STIX gives it."""
    for name in ("id", "created_by_ref", "modified", "lang", "context", "opinion"):
        if not isinstance(stix_object.get(name, ""), str):
            raise Rejected("record-form", f"{name}: has to be text")
    for name in ("object_marking_refs", "object_refs", "where_sighted_refs"):
        refs(stix_object, name)


def read(model: type[R], stix_object: Mapping[str, Any], reporters: Mapping[str, str], **columns: Any) -> R:
    """Return the record of ``columns`` and the object's own properties. Raises ``Rejected``."""
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
        return model.model_validate({name: column for name, column in known.items() if column is not None})
    except ValidationError as error:
        raise rejection_of(error, "record-form") from None


def refs(stix_object: Mapping[str, Any], name: str) -> list[str]:
    """Return an object's list of ids, empty where it lacks it. Raises ``Rejected`` for another shape."""
    found = stix_object.get(name, [])
    if not (isinstance(found, list) and all(isinstance(ref, str) for ref in found)):
        raise Rejected("record-form", f"{name}: has to be a list of ids")
    return found


def subject_ref(subject: Subject, profile: Profile = Profile.FULL) -> str:
    """Return the id of a record's subject. Raises ``Rejected`` for a value without a reporter."""
    if subject.ref is not None:
        return subject.ref
    if subject.reporter is None or subject.kind is None or subject.value is None:
        raise Rejected(
            "indicator-not-named",
            "the indicator of this value is not named: give its id, or its reporter's name "
            "(of_reporter); scamfeed contribute finds those that the hub has",
        )
    mapper, normal = kinds.every()[subject.kind], Normal(subject.value, subject.details)
    spelled = pattern.write(terms_for(profile, mapper, normal))
    return ids.indicator(ids.identity(subject.reporter), spelled)
