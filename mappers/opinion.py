"""Outcomes and opinions as STIX opinions, so that readers of plain STIX see agreement or dissent.

An outcome is an opinion whose extension states what was done. Blocking agrees with the indicator; taking down and
holding funds, which somebody looked into, agree strongly; a false positive dissents strongly.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, labels, marking, record, wording
from mappers.indicator import Profile
from schemas import timestamp
from schemas.errors import Rejected
from schemas.record import Opinion, Outcome
from schemas.vocabulary import OpinionWord, OutcomeWord as OutcomeWord

_OPINIONS = {
    OutcomeWord.BLOCKED: OpinionWord.AGREE,
    OutcomeWord.TAKEN_DOWN: OpinionWord.STRONGLY_AGREE,
    OutcomeWord.FUNDS_HELD: OpinionWord.STRONGLY_AGREE,
    OutcomeWord.NO_ACTION: OpinionWord.NEUTRAL,
    OutcomeWord.FALSE_POSITIVE: OpinionWord.STRONGLY_DISAGREE,
    OutcomeWord.ALREADY_KNOWN: OpinionWord.AGREE,
}
_NOBODY: Mapping[str, str] = MappingProxyType({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000


def to_stix(statement: Outcome | Opinion, profile: Profile = Profile.FULL) -> dict[str, Any]:
    """Return the opinion. Raises ``Rejected`` where its subject is a value without a reporter."""
    by, of = ids.identity(statement.reporter), record.subject_ref(statement.of, profile)
    words: dict[str, Any] = {}
    explanation = statement.description
    if isinstance(statement, Outcome):
        word = _OPINIONS[statement.outcome]
        id_ = ids.opinion(by, of, statement.outcome.value, record.moment(statement.effective_from))
        words = {
            "outcome": statement.outcome,
            "outcome_reason": statement.reason,
            "effective_from": statement.effective_from,
            "effective_until": statement.effective_until,
        }
        explanation = explanation or wording.outcome(statement.outcome)
        shown = labels.of({"outcome": statement.outcome, "reason": statement.reason})
    else:
        word, shown = statement.opinion, labels.of({})
        id_ = ids.opinion(by, of, word.value)
    return {
        "type": "opinion",
        "spec_version": "2.1",
        "id": id_,
        **record.head(statement),
        "created": timestamp.text(_created(id_, statement.reported_at)),
        **({"explanation": explanation} if explanation else {}),
        "opinion": word.value,
        "object_refs": [of],
        "labels": shown,
        "object_marking_refs": [marking.ref(statement.tlp)],
        **record.extensions(statement, **words, reference=statement.reference),
    }


def from_stix(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> list[Outcome | Opinion]:
    """Return the outcomes or opinions in a STIX opinion of any maker, one for each of its indicators.

    Raises ``Rejected`` where it is about none. ``reporters`` names the identities by id.
    """
    record.check(stix_object)
    about = [ref for ref in record.refs(stix_object, "object_refs") if ref.startswith("indicator--")]
    if not about:
        raise Rejected("not-about-an-indicator", "the opinion is about other objects than indicators")
    return [_read(stix_object, ref, reporters) for ref in about]


def _read(stix_object: Mapping[str, Any], of: str, reporters: Mapping[str, str]) -> Outcome | Opinion:
    context = extension.context_of(stix_object)
    explanation = stix_object.get("explanation")
    columns = {"of": {"ref": of}, "reference": context.get("reference"), "description": explanation}
    if "outcome" not in context:
        return record.read(Opinion, stix_object, reporters, **columns, opinion=stix_object.get("opinion"))
    known = isinstance(context["outcome"], str) and context["outcome"] in set(OutcomeWord)
    if known and explanation == wording.outcome(OutcomeWord(context["outcome"])):
        columns["description"] = None
    return record.read(
        Outcome,
        stix_object,
        reporters,
        **columns,
        outcome=context["outcome"],
        reason=context.get("outcome_reason"),
        effective_from=context.get("effective_from"),
        effective_until=context.get("effective_until"),
    )


def _created(id_: str, reported_at: datetime) -> datetime:
    """Return a time of creation in the day before the report that hardly another opinion has.

    OpenCTI merges opinions with the same word and the same ``created``, whoever gives them about whatever; and all rows
    of a file may be of one time.
    """
    return max(reported_at - timedelta(milliseconds=int(id_[-12:], 16) % _DAY), _EPOCH)
