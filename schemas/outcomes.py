"""The meaning of each outcome word: one row a word; the rules, the mappers and the tables in docs read it here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from schemas.vocabulary import OpinionWord, OutcomeWord


class OutcomeMeaning(NamedTuple):
    """The meaning of an outcome word, and what follows from it.

    ``opinion`` is the degree of agreement that readers of plain STIX see. ``acts``: it counts as the first action in
    the times of a listing. ``confirms``: it proves the reports of others right. ``judges``: somebody judged the value,
    so that it replaces the partner's earlier judgement; other words count payments and leave a judgement in force.
    ``doubt`` is the strength of the doubt that it expresses. ``ends``: it may have an end.
    """

    text: str
    opinion: OpinionWord
    acts: bool = False
    confirms: bool = False
    judges: bool = False
    doubt: Literal["doubted", "disputed"] | None = None
    ends: bool = False


_AGREE, _STRONGLY_AGREE = OpinionWord.AGREE, OpinionWord.STRONGLY_AGREE
MEANINGS: Mapping[OutcomeWord, OutcomeMeaning] = MappingProxyType(
    {
        OutcomeWord.BLOCKED: OutcomeMeaning(
            "the value was blocked", _AGREE, acts=True, confirms=True, judges=True, ends=True
        ),
        OutcomeWord.DECLINED: OutcomeMeaning("payments to it were declined", _AGREE, acts=True, confirms=True),
        OutcomeWord.HELD: OutcomeMeaning(
            "money was held at the account or wallet", _STRONGLY_AGREE, acts=True, confirms=True, judges=True, ends=True
        ),
        OutcomeWord.RETURNED: OutcomeMeaning(
            "money was returned to those who paid", _STRONGLY_AGREE, acts=True, confirms=True
        ),
        OutcomeWord.WARNED: OutcomeMeaning("people who were about to pay or answer were warned", _AGREE, acts=True),
        OutcomeWord.CUSTOMER_STOPPED: OutcomeMeaning("people who were warned stopped by themselves", _AGREE, acts=True),
        OutcomeWord.TAKEN_DOWN: OutcomeMeaning(
            "a page, an account or a message was taken down", _STRONGLY_AGREE, acts=True, confirms=True, judges=True
        ),
        OutcomeWord.RESTORED: OutcomeMeaning(
            "what was blocked, held or taken down was given back", OpinionWord.DISAGREE, judges=True, doubt="doubted"
        ),
        OutcomeWord.NUMBER_DISCONNECTED: OutcomeMeaning(
            "a telephone number was disconnected", _STRONGLY_AGREE, acts=True, confirms=True, judges=True
        ),
        OutcomeWord.NO_ACTION: OutcomeMeaning(
            "it was looked at, and nothing was done", OpinionWord.NEUTRAL, judges=True, doubt="doubted"
        ),
        OutcomeWord.FALSE_POSITIVE: OutcomeMeaning(
            "it is not part of a scam", OpinionWord.STRONGLY_DISAGREE, judges=True, doubt="disputed"
        ),
        OutcomeWord.ALREADY_KNOWN: OutcomeMeaning("it was known there before", _AGREE, judges=True),
    }
)


def words_that(property_: Literal["acts", "confirms", "judges", "ends"]) -> frozenset[OutcomeWord]:
    """Return the words with one of these properties."""
    return frozenset(word for word, meaning in MEANINGS.items() if getattr(meaning, property_))
