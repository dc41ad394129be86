"""Which object a record's subject is."""

from mappers import ids, kinds, pattern
from mappers.indicator import Profile, spelled_for
from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.subject import Subject


def ref(subject: Subject, profile: Profile = Profile.FULL) -> str:
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
    spelled = pattern.write(spelled_for(profile, mapper, normal))
    return ids.indicator(ids.identity(subject.reporter), spelled)
