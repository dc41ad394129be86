"""The words of questions about accounts on the pages, by subject."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.question import QuestionKind, own_words
from server.web.shell.words import Translatable, mark

# The texts of schemas.question, which are English in the collections.
QUESTIONS: Mapping[str, Translatable] = MappingProxyType(
    {
        QuestionKind.NUMBER: mark("Is the number of the account correct, with its bank?"),
        QuestionKind.PAYMENT: mark("Which payment to the account do you mean: what day, and about what amount?"),
        QuestionKind.CONTACT: mark("How did the victim come to pay into the account?"),
        QuestionKind.EVIDENCE: mark("What evidence of the scam do you have?"),
        QuestionKind.POLICE: mark("Was it reported to the police, and under what case number?"),
        QuestionKind.STANDS: mark("Does your report still stand?"),
    }
)


def shown(kind: str | None, question: str) -> tuple[Translatable | None, str]:
    """Return the question of the closed list, None for a free one, and the words of the asker."""
    return (None, question) if kind is None else (QUESTIONS[kind], own_words(QuestionKind(kind), question))
