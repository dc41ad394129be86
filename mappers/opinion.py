"""Outcomes and opinions as STIX opinions, so that readers of plain STIX see agreement or dissent.

An outcome is an opinion whose extension states what was done; ``schemas.outcomes`` has the degree of agreement of each
word. One with totals may be about several indicators, so that these are stated once.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from mappers import extension, ids, labels, marking, record, wording
from mappers.indicator import Profile
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.outcomes import MEANINGS
from schemas.record import Opinion, Outcome
from schemas.vocabulary import FUNDS_HELD, OutcomeWord as OutcomeWord

# The properties of an outcome's totals, under the names of its fields.
TOTALS = ("count", "victims", "amount", "currency", "period_from", "period_to")
_NOBODY: Mapping[str, str] = MappingProxyType({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000


def to_stix(statement: Outcome | Opinion, profile: Profile = Profile.FULL) -> dict[str, Any]:
    """Return the opinion. Raises ``Rejected`` where its subject is a value without a reporter."""
    by, of = ids.identity(statement.reporter), record.subject_ref(statement.of, profile)
    refs = [of]
    words: dict[str, Any] = {}
    explanation = statement.description
    if isinstance(statement, Outcome):
        word = MEANINGS[statement.outcome].opinion
        refs = list(dict.fromkeys([of, *(record.subject_ref(other, profile) for other in statement.others)]))
        id_ = _outcome_id(by, refs, statement)
        words = {
            "outcome": statement.outcome,
            "outcome_reason": statement.reason,
            "effective_from": statement.effective_from,
            "effective_until": statement.effective_until,
            **_totals(statement),
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
        "object_refs": refs,
        "labels": shown,
        "object_marking_refs": [marking.ref(statement.tlp)],
        **record.extensions(statement, **words, reference=statement.reference),
    }


def from_stix(stix_object: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> list[Outcome | Opinion]:
    """Return the outcomes or opinions in a STIX opinion of any maker, one for each of its indicators.

    An outcome with totals is one, however many indicators it is about. ``reporters`` names the identities by id. Raises
    ``Rejected`` where it is about no indicator.
    """
    record.check(stix_object)
    about = [ref for ref in record.refs(stix_object, "object_refs") if ref.startswith("indicator--")]
    if not about:
        raise Rejected("not-about-an-indicator", "the opinion is about other objects than indicators")
    first = _read(stix_object, about[0], reporters, about[1:])
    if isinstance(first, Outcome) and first.has_totals:
        return [first]
    return [_read(stix_object, ref, reporters) for ref in about]


def _read(
    stix_object: Mapping[str, Any], of: str, reporters: Mapping[str, str], others: Sequence[str] = ()
) -> Outcome | Opinion:
    context = extension.context_of(stix_object)
    explanation = stix_object.get("explanation")
    columns = {"of": {"ref": of}, "reference": context.get("reference"), "description": explanation}
    if "outcome" not in context:
        return record.read(Opinion, stix_object, reporters, **columns, opinion=stix_object.get("opinion"))
    word = context["outcome"]
    known = isinstance(word, str) and (word in set(OutcomeWord) or word == FUNDS_HELD)
    if known and explanation == wording.outcome(OutcomeWord(word)):
        columns["description"] = None
    has_totals = any(name in context for name in ("count", "victims", "amount"))
    return record.read(
        Outcome,
        stix_object,
        reporters,
        **columns,
        outcome=context["outcome"],
        reason=context.get("outcome_reason"),
        effective_from=context.get("effective_from"),
        effective_until=context.get("effective_until"),
        others=[{"ref": ref} for ref in others] if has_totals and others else None,
        **{name: context.get(name) for name in TOTALS},
    )


def _outcome_id(by: str, refs: list[str], outcome: Outcome) -> str:
    """Return the id of an outcome: what is stated again about the same is a new version of the same object.

    Totals with a reference are named by it; without one by their period. An outcome without totals has the id that it
    always had.
    """
    # The id of a hold stays as it was when its word was another.
    word = FUNDS_HELD if outcome.outcome is OutcomeWord.HELD else outcome.outcome.value
    since = record.moment(outcome.effective_from)
    named: list[str | None] = [outcome.reference]
    if outcome.reference is None:
        named = [day.isoformat() if day else None for day in (outcome.period_from, outcome.period_to)]
    if not outcome.has_totals or (len(refs) == 1 and not any(named)):
        return ids.opinion(by, refs[0], word, since)
    return ids.totals(by, refs, word, since, named)


def _totals(outcome: Outcome) -> dict[str, Any]:
    """Return the properties of an outcome's totals."""
    return {
        "count": outcome.count,
        "victims": outcome.victims,
        "amount": None if outcome.amount is None else plain_amount(outcome.amount),
        "currency": outcome.currency,
        "period_from": None if outcome.period_from is None else outcome.period_from.isoformat(),
        "period_to": None if outcome.period_to is None else outcome.period_to.isoformat(),
    }


def _created(id_: str, reported_at: datetime) -> datetime:
    """Return a time of creation in the day before the report that hardly another opinion has.

    OpenCTI merges opinions with the same word and the same ``created``, whoever gives them about whatever; and all rows
    of a file may be of one time.
    """
    return max(reported_at - timedelta(milliseconds=int(id_[-12:], 16) % _DAY), _EPOCH)
