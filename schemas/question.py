"""Questions of the provider of an account to those that report it: what is asked, in words of a closed list."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

# The longest text that a provider adds to the question, and the longest time for the answer.
LONGEST_TEXT, LONGEST_DAYS = 300, 14


class QuestionKind(StrEnum):
    """A provider's question to the reporters of its account."""

    NUMBER = "number"
    PAYMENT = "payment"
    CONTACT = "contact"
    EVIDENCE = "evidence"
    POLICE = "police"
    STANDS = "stands"


# In the words in which the reporters read it, also in their collections.
ASKED: Mapping[QuestionKind, str] = MappingProxyType(
    {
        QuestionKind.NUMBER: "Is the number of the account correct, with its bank?",
        QuestionKind.PAYMENT: "Which payment to the account do you mean: what day, and about what amount?",
        QuestionKind.CONTACT: "How did the victim come to pay into the account?",
        QuestionKind.EVIDENCE: "What evidence of the scam do you have?",
        QuestionKind.POLICE: "Was it reported to the police, and under what case number?",
        QuestionKind.STANDS: "Does your report still stand?",
    }
)


def written(kind: QuestionKind, text: str) -> str:
    """Return the question as the reporters read it."""
    line = " ".join(text.split())
    return f"{ASKED[kind]} {line}" if line else ASKED[kind]


def own_words(kind: QuestionKind, question: str) -> str:
    """Return what the provider added to the question."""
    return question.removeprefix(ASKED[kind]).strip()
