"""The JSON of questions about an account: asked by its provider, and answered by those that report it."""

from typing import Annotated

import msgspec

from schemas.question import LONGEST_DAYS, LONGEST_TEXT, QuestionKind
from schemas.records import MOST_CHARACTERS


class AccountQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question to the reporters of an account of the partner; ``text`` has no personal data, no link and no name."""

    listing: Annotated[str, msgspec.Meta(max_length=100, description="The id of the listing in your collection.")]
    kind: QuestionKind
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""
    deadline: (
        Annotated[
            str, msgspec.Meta(max_length=40, description=f"A time or a duration: 3d; {LONGEST_DAYS} days at most.")
        ]
        | None
    ) = None


class AccountQuestions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The questions of one request; a single one may also be the whole body."""

    questions: Annotated[list[AccountQuestion], msgspec.Meta(min_length=1, max_length=20)]


class QuestionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of a reporter."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS)]


class RelayedAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer as the asker reads it: in the words of the reporter, of which only the kind is shown."""

    text: str
    at: str
    by: str | None = None


class AskedQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question of the partner with the answers so far; it does not show how many were asked."""

    id: str
    listing: str
    question: str
    kind: str | None = None
    asked: str
    due: str | None = None
    answers: tuple[RelayedAnswer, ...] = ()


class QuestionToPartner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question to the partner about its own ``report``, and its answer; ``asker`` is the kind of the asker."""

    id: str
    report: str | None = None
    question: str
    kind: str | None = None
    asker: str | None = None
    asked: str
    due: str | None = None
    late: bool
    answer: str | None = None
    answered: str | None = None


class QuestionsToPartner(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of questions to the partner; ``next`` leads to the next page, and is missing on the last."""

    questions: list[QuestionToPartner]
    next: str | None = None


class AskedQuestions(msgspec.Struct, frozen=True):
    """The partner's questions about one account, the latest first."""

    questions: list[AskedQuestion]


class QuestionError(msgspec.Struct, frozen=True):
    """Why a question is not passed on."""

    reason: str
    message: str


class QuestionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one question: the question as stored, or the ``error``."""

    question: AskedQuestion | None = None
    error: QuestionError | None = None


class QuestionResults(msgspec.Struct, frozen=True):
    """The results in the order in which the questions were given."""

    questions: list[QuestionResult]
