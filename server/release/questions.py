"""Questions about a listing: passed on to its reporters, and the replies passed back, without names on either side.

A partner asks by a note whose extension says ``question``, and replies by one with the question's id in ``answer_to``.
Only the hub reads such notes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import extension
from schemas.partner import Partner, PartnerKind
from schemas.readings import normalised
from schemas.records import MOST_CHARACTERS, Feedback, FeedbackEvent
from schemas.refang import refang_text
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue, Statement
from server.release.peers import is_remote, party_at
from server.release.publish.feedback import FeedbackNotes
from server.release.reasons import Reason
from server.release.route.providers import excludes
from server.store import inbox
from server.store.peer_messages import messages
from server.store.questions import questions
from server.store.questions.questions import Question, Recipient

MOST_A_DAY, MOST_OF_VALUE = 20, 3
# A reporter may correct its reply this often.
_MOST_ANSWERS = 5
_DAY = 86_400 * 1_000_000
# The kinds of messages between hubs about a question. One is about some values, and has some answers.
QUESTION, ANSWER = "question", "answer"
# A link, the name of a host, a mailbox, or the name of a user.
_CONTACT = re.compile(r"\w+://\S+|\S*@\S*|(?<![\w.])(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w.])")
MOST_VALUES, MOST_ANSWERED = 20, 10
PASSED_ON = "it is passed on to the reporters that you may know of; neither side learns the other's name"
ANSWERED = "it is passed back to the partner that asked; neither side learns the other's name"


def refuse_many(context: ReleaseContext, asker: Partner, listings: Set[str]) -> None:
    """Refuse a question beyond the day's limits: of the partner, and of its organisation about one value.

    ``listings`` are the ids of the value's listings. Raises ``Rejected``.
    """
    since, partners = context.micros - _DAY, context.registry.partners.values()
    if questions.asked_since(context.tx, asker.name, since) >= MOST_A_DAY:
        raise Reason.MANY_QUESTIONS.rejected(most=MOST_A_DAY)
    organisation = {partner.name for partner in partners if partner.counts_as == asker.counts_as}
    if len(questions.asked_about(context.tx, organisation, listings, since)) >= MOST_OF_VALUE:
        raise Reason.MANY_QUESTIONS_ABOUT_VALUE.rejected(most=MOST_OF_VALUE)


def refuse_contact(text: str) -> None:
    """Refuse a text with an address or a user's name: following it reveals who asks. Raises ``Rejected``."""
    if _CONTACT.search(refang_text(normalised(text))):
        raise Reason.CONTACT_IN_QUESTION.rejected()


class RemoteAnswer(NamedTuple):
    """An answer from another hub: the stored name of the recipient, its kind, and the text."""

    name: str
    by: PartnerKind
    text: str


class Asked(StrEnum):
    """A question to the partner that reads the feedback."""

    QUESTION = "question"


class Relay:
    """Passes questions and replies on, as feedback of one transaction."""

    def __init__(self, context: ReleaseContext, feedback: FeedbackNotes) -> None:
        """Pass on by ``feedback``."""
        self._context = context
        self._feedback = feedback

    def take(self, key: str, obj: Mapping[str, Any], partner: Partner, values: Iterable[ReportedValue]) -> str:
        """Pass on a partner's note, and return the message to it. Raises ``Rejected`` if it is not passed on.

        ``values`` are those that the note refers to and that the partner may know of. A hidden value, an absent one and
        another partner's question get the same refusal.
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
        refuse_many(self._context, partner, {id_ for value in asked for id_ in value.listings})
        reports = [report for value in asked for report in value.own if self._may_ask(partner, report, value)]
        elsewhere = [
            (report.hub, value.subject)
            for value in asked
            for report in value.statements
            if report.hub and report.audience.includes(partner.name, self._context.registry)
        ]
        self._ask(reports, text, str(obj["object_refs"][0]), partner, key, elsewhere=elsewhere)
        return PASSED_ON

    def ask(self, values: Iterable[ReportedValue], text: str, about: str, held: Iterable[str] = ()) -> int:
        """Ask the reporters of values, and the contributors of the objects with these keys, in the operator's name.

        Return the number of partners and other hubs asked.
        """
        asked = list(values)
        reports = [report for value in asked for report in value.own]
        elsewhere = [(report.hub, value.subject) for value in asked for report in value.statements if report.hub]
        contributors = {key: self._context.contributor(key).name for key in held}
        names = {report.partner.name for report in reports} | set(contributors.values())
        if names or elsewhere:
            self._ask(reports, text, about, None, None, contributors, elsewhere)
        return len(names) + len({hub for hub, _ in elsewhere})

    def ask_for(self, asker: str, thread: str, by: PartnerKind | None, reports: list[Statement], text: str) -> None:
        """Ask the reporters for a party at another hub, which is told the answers under its id for the question."""
        about = min(report.object_id for report in reports)
        question = questions.add(self._context.tx, asker, thread, about, text, self._reporters(reports))
        feedback = Feedback(FeedbackEvent.REQUESTED, by, code=Asked.QUESTION, message=text, question=question.id)
        for report in reports:
            self._feedback.add_report(report, feedback)

    def _ask(
        self,
        reports: list[Statement],
        text: str,
        about: str,
        asker: Partner | None,
        key: str | None,
        contributors: Mapping[str, str] = MappingProxyType({}),
        elsewhere: Sequence[tuple[str, str]] = (),
    ) -> None:
        recipients = self._reporters(reports, contributors)
        hubs: dict[str, list[str]] = {}
        for origin, subject in sorted(set(elsewhere)):
            hubs.setdefault(origin, []).append(subject)
        recipients |= dict.fromkeys(map(party_at, hubs))
        question = questions.add(self._context.tx, asker.name if asker else None, key, about, text, recipients)
        by = {"by": str(asker.kind)} if asker else {}
        for origin, subjects in hubs.items():
            content = {"about": subjects[:MOST_VALUES], "text": text, **by}
            messages.put(self._context.tx, origin, question.id, QUESTION, content)
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

    def _reporters(
        self, reports: Iterable[Statement], contributors: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, str | None]:
        """Return the partners that are asked, each with one of its own objects that the question is about."""
        objects = [*((report.partner.name, report.object_id) for report in reports)]
        objects += [(name, inbox.object_id(key)) for key, name in contributors.items()]
        present = self._context.registry.partners
        return {name: object_id for name, object_id in sorted(objects, reverse=True) if name in present}

    def _answer(self, id_: str, text: str, partner: Partner) -> None:
        found = questions.find(self._context.tx, id_, partner.name)
        if found is None or found[1].answers >= _MOST_ANSWERS:
            raise Reason.TARGET_NOT_VISIBLE.rejected()
        question = found[0]
        if question.kind is not None:
            refuse_contact(text)
        questions.answer(self._context.tx, id_, partner.name, text)
        if question.asker is not None and is_remote(question.asker):
            self._tell_hub(question)
        elif question.asker is not None and question.note is not None:
            answer = Feedback(FeedbackEvent.ANSWERED, partner.kind, message=text, question=id_)
            self._feedback.add(question.asker, answer, question.note)

    def _tell_hub(self, question: Question) -> None:
        """Tell the hub of the asker all answers; the places of recipients say which of them are of one partner."""
        found = questions.of(self._context.tx, question.id)
        kinds = {partner.name: partner.kind for partner in self._context.registry.partners.values()}
        answers = [
            {"place": place, "text": recipient.answer, "by": str(kinds[recipient.partner])}
            for place, recipient in enumerate(found[1] if found else ())
            if recipient.answer is not None and recipient.partner in kinds and place < MOST_ANSWERED
        ]
        origin = (question.asker or "").partition(":")[2]
        messages.put(self._context.tx, origin, question.note or "", ANSWER, {"answers": answers})

    def take_answers(self, question: Question, known: Sequence[Recipient], told: Iterable[RemoteAnswer]) -> None:
        """Pass answers from another hub back to the asker; answers told before, or too often, change nothing."""
        by_name = {recipient.partner: recipient for recipient in known}
        for name, by, text in told:
            before = by_name.get(name)
            if before is None:
                questions.add_recipient(self._context.tx, question.id, name)
            elif before.answer == text or before.answers >= _MOST_ANSWERS:
                continue
            questions.answer(self._context.tx, question.id, name, text)
            if question.asker is not None and question.note is not None:
                answer = Feedback(FeedbackEvent.ANSWERED, by, message=text, question=question.id)
                self._feedback.add(question.asker, answer, question.note)

    def _may_ask(self, asker: Partner, report: Statement, value: ReportedValue) -> bool:
        """Return whether a partner may know of a report: it reads it, or is the account's provider."""
        if report.partner.counts_as == asker.counts_as:
            return False
        registry = self._context.registry
        if report.audience.includes(asker.name, registry):
            return True
        keeps = asker.name in self._context.facts.providers.of(value.subject)
        return keeps and not excludes(report.report.sharing, asker.name, registry)
