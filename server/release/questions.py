"""Questions about a listing: passed on to its reporters, and their answers passed back; neither side learns who.

A partner asks by a note whose extension says ``question``, and answers by one that names the question's id in
``answer_to``. Such notes are read by the hub alone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from mappers import extension
from schemas.feedback import MOST_CHARACTERS, Feedback, FeedbackEvent
from schemas.partner import Partner
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue, Statement
from server.release.publish.feedback import FeedbackNotes
from server.release.reasons import Reason
from server.release.route.keepers import excludes
from server.store.questions import questions

MOST_A_DAY = 20
# A reporter may correct its answer so often.
_MOST_ANSWERS = 5
_DAY = 86_400 * 1_000_000
PASSED_ON = "it is passed on to the reporters that you may know of; they do not learn who asks, nor you who answers"
ANSWERED = "it is passed back to who asked; neither learns who the other is"


class Asked(StrEnum):
    """A question to the reader of feedback."""

    QUESTION = "question"


class Relay:
    """Passes questions and answers on, as feedback of one transaction."""

    def __init__(self, context: ReleaseContext, feedback: FeedbackNotes) -> None:
        """Pass on by ``feedback``."""
        self._context = context
        self._feedback = feedback

    def take(self, key: str, obj: Mapping[str, Any], partner: Partner, values: Iterable[ReportedValue]) -> str:
        """Pass on a partner's note, and return the message to it. Raises ``Rejected`` where it is not passed on.

        ``values`` are those that the note refers to and that the partner may know of. A hidden value, an absent one and
        the question of others are refused alike.
        """
        context = extension.context_of(obj)
        text = " ".join(str(obj["content"]).split())
        if not 0 < len(text) <= MOST_CHARACTERS:
            raise Reason.LONG_QUESTION.rejected(most=MOST_CHARACTERS)
        if "answer_to" in context:
            self._answer(str(context["answer_to"]), text, partner)
            return ANSWERED
        asked = list(values)
        if not asked:
            raise Reason.TARGET_NOT_VISIBLE.rejected()
        if questions.asked_since(self._context.tx, partner.name, self._context.micros - _DAY) >= MOST_A_DAY:
            raise Reason.MANY_QUESTIONS.rejected(most=MOST_A_DAY)
        reports = [report for value in asked for report in value.statements if self._may_ask(partner, report, value)]
        self._ask(reports, text, str(obj["object_refs"][0]), partner, key)
        return PASSED_ON

    def ask(self, values: Iterable[ReportedValue], text: str, about: str, held: Iterable[str] = ()) -> int:
        """Ask the reporters of values, and the contributors of the objects of these keys, in the operator's name.

        Returns how many partners are asked.
        """
        reports = [report for value in values for report in value.statements]
        contributors = {key: self._context.contributor(key).name for key in held}
        names = {report.partner.name for report in reports} | set(contributors.values())
        if names:
            self._ask(reports, text, about, None, None, contributors)
        return len(names)

    def _ask(
        self,
        reports: list[Statement],
        text: str,
        about: str,
        asker: Partner | None,
        key: str | None,
        contributors: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        names = {report.partner.name for report in reports} | set(contributors.values())
        names &= self._context.registry.partners.keys()
        question = questions.add(self._context.tx, asker.name if asker else None, key, about, text, names)
        feedback = Feedback(
            FeedbackEvent.REQUESTED,
            asker.kind if asker else None,
            code=Asked.QUESTION,
            message=text,
            question=question.id,
        )
        for report in reports:
            self._feedback.add_report(report, feedback)
        for held_key, name in contributors.items():
            self._feedback.add(name, feedback, held_key)

    def _answer(self, id_: str, text: str, partner: Partner) -> None:
        found = questions.find(self._context.tx, id_, partner.name)
        if found is None or found[1].answers >= _MOST_ANSWERS:
            raise Reason.TARGET_NOT_VISIBLE.rejected()
        question = found[0]
        questions.answer(self._context.tx, id_, partner.name, text)
        if question.asker is not None and question.note is not None:
            answer = Feedback(FeedbackEvent.ANSWERED, partner.kind, message=text, question=id_)
            self._feedback.add(question.asker, answer, question.note)

    def _may_ask(self, asker: Partner, report: Statement, value: ReportedValue) -> bool:
        """Return whether a partner may know of a report: it reads it, or keeps the account that it is about."""
        if report.partner.counts_as == asker.counts_as:
            return False
        registry = self._context.registry
        if report.audience.includes(asker.name, registry):
            return True
        keeps = asker.name in self._context.facts.keepers.of(value.subject)
        return keeps and not excludes(report.report.sharing, asker.name, registry)
