"""The words of the findings on the pages: their titles, meanings and effects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from schemas.vocabulary import FINDINGS, QualificationCode
from server.web.shell.words import Translatable, mark


class AnswerWords(NamedTuple):
    """The words of an answer: its title, its meaning, and its effect, each an English text of the catalogues."""

    title: Translatable
    meaning: Translatable
    effect: Translatable


_CLEARS = mark(
    "The account leaves “Block” and “Hold the payment” at once, in every collection, and is marked as disputed. If an "
    "authority reports it again, two persons of the hub decide; until then your answer holds. A hold by police stays "
    "until its own end."
)
_ENDS = mark("The listing ends everywhere, and its readers are told. A new report lists it again.")

# In the order in which they are offered.
ANSWERS: Mapping[QualificationCode, AnswerWords] = MappingProxyType(
    {
        QualificationCode.FRAUD: AnswerWords(
            mark("Used for fraud"),
            mark("We have looked: the account serves fraud, and we act on it."),
            mark("Counts as a report with authority: it can raise the grade to “Block” in every collection."),
        ),
        QualificationCode.IDENTITY_STOLEN: AnswerWords(
            mark("Identity stolen"),
            mark("Somebody else uses our customer’s identity or account."),
            mark("The grade is “Hold the payment” at most, and the holder is marked as deceived."),
        ),
        QualificationCode.GENUINE: AnswerWords(
            mark("Genuine"), mark("We know the holder, and find no fraud."), _CLEARS
        ),
        QualificationCode.MERCHANT: AnswerWords(
            mark("A merchant"),
            mark("Many pay into it for goods; a dispute about goods is no scam."),
            mark("The grade is “Warn” at most, in every collection."),
        ),
        QualificationCode.CLOSED: AnswerWords(
            mark("Account closed"), mark("The account is closed: nothing can be paid into it."), _ENDS
        ),
        QualificationCode.NOT_FOUND: AnswerWords(
            mark("No such account"), mark("We keep no account of this number."), _ENDS
        ),
        QualificationCode.MISATTRIBUTED: AnswerWords(
            mark("Wrong account number reported"),
            mark("The report names this account in place of another one."),
            _CLEARS,
        ),
        QualificationCode.REGULARISED: AnswerWords(
            mark("Returned to its owner"),
            mark("It was used for fraud, and is in its holder’s hands again."),
            _CLEARS,
        ),
        QualificationCode.UNKNOWN: AnswerWords(
            mark("Undetermined"),
            mark("We have looked, and cannot tell."),
            mark("No listing changes. The clock stops, since you have looked."),
        ),
    }
)


def eases(code: QualificationCode) -> bool:
    """Return whether others may pay into the account more easily after the answer."""
    effect = FINDINGS[code]
    return effect.clears or effect.ends or (effect.most is not None and not effect.confirms)
