"""Questions of other hubs to the reporters here, and the answers of theirs."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import kinds
from schemas.errors import Rejected, rejection_of
from schemas.hub_message import HubMessage
from schemas.partner import PartnerKind
from schemas.records import MOST_CHARACTERS
from schemas.text import visible
from server.features.federation.streams import streams_to
from server.release.guard.personal_data.free_text import find_personal_data
from server.release.hooks import PeerMessageHandler, PeerTaking
from server.release.peers import party_at
from server.release.questions import ANSWER, MOST_A_DAY, MOST_ANSWERED, MOST_VALUES, QUESTION, Relay, RemoteAnswer
from server.release.reasons import Reason
from server.release.session import ReleaseSession
from server.store import value_index
from server.store.peer_messages import messages
from server.store.questions import questions

_DAY = 86_400 * 1_000_000
# A peer may ask this many times the questions of one partner.
_PEER_TIMES = 10
_Model = TypeVar("_Model", bound=BaseModel)
_Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Question(_Known):
    about: Annotated[tuple[Annotated[str, Field(max_length=2_200)], ...], Field(min_length=1, max_length=MOST_VALUES)]
    text: _Text
    by: PartnerKind | None = None


class _Answer(_Known):
    place: Annotated[int, Field(ge=0, lt=MOST_ANSWERED)]
    text: _Text
    by: PartnerKind


class _Answers(_Known):
    answers: Annotated[tuple[_Answer, ...], Field(max_length=MOST_ANSWERED)]


class QuestionMessages(PeerMessageHandler):
    """Passes questions of other hubs on to the reporters of what this hub published to them, and answers back."""

    kinds = frozenset({QUESTION, ANSWER})

    def take(self, taking: PeerTaking, sent: Sequence[HubMessage]) -> Callable[[], None]:
        """Store them; those asked, and those that asked, are told at the end."""
        session = ReleaseSession.open(taking.hub, taking.tx)
        for message in sent:
            try:
                if message.kind == QUESTION:
                    _ask(taking, session, message)
                else:
                    _take_answers(taking, session, message)
            except Rejected as refusal:
                taking.refuse(message, refusal)

        def finish() -> None:
            session.feedback.publish(session.publication)
            session.publication.write("")

        return finish


def _ask(taking: PeerTaking, session: ReleaseSession, message: HubMessage) -> None:
    """Ask the reporters of the values in reports that the peer reads; if there are none, nobody learns of it."""
    tx, asker = taking.tx, party_at(message.origin)
    if questions.by_note(tx, asker, message.thread) is not None:
        return
    question = _read(_Question, message)
    text = _checked(question.text)
    if questions.asked_since(tx, asker, taking.context.micros - _DAY) >= MOST_A_DAY * _PEER_TIMES:
        raise Reason.MANY_QUESTIONS.rejected(most=MOST_A_DAY * _PEER_TIMES)
    streams = streams_to(taking.peer, message.identity, taking.context.registry)
    subjects = set(map(_subject, question.about))
    reports = [
        report
        for value in session.load(sorted(subjects))
        for report in value.own
        if any(stream.admits(report.tlp, report.report.sharing, coerced=value.coerced) for stream in streams)
    ]
    if reports:
        Relay(session.context, session.feedback).ask_for(asker, message.thread, question.by, reports, text)


def _take_answers(taking: PeerTaking, session: ReleaseSession, message: HubMessage) -> None:
    """Pass the answers to a question back, if this hub asked that peer."""
    was_asked = messages.lock(taking.tx, message.origin, message.thread, QUESTION)
    found = questions.of(taking.tx, message.thread) if was_asked else None
    if found is None:
        raise Reason.TARGET_NOT_VISIBLE.rejected()
    hub = party_at(message.origin)
    told = [
        RemoteAnswer(f"{hub}#{answer.place}", answer.by, _checked(answer.text))
        for answer in _read(_Answers, message).answers
    ]
    Relay(session.context, session.feedback).take_answers(*found, told)


def _subject(text: str) -> str:
    """Return a value by its name in the value index. Raises ``Rejected`` if it is none."""
    kind, _, value = text.partition(":")
    if kind not in kinds.every():
        raise Reason.TARGET_NOT_VISIBLE.rejected()
    return value_index.subject_of(kind, kinds.get(kind).normalise(value).value)


def _checked(text: str) -> str:
    """Return a text of another hub in one line. Raises ``Rejected`` if it may contain personal data."""
    line = " ".join(visible(text).split())
    if not line:
        raise Reason.LONG_QUESTION.rejected(most=MOST_CHARACTERS)
    if (what := find_personal_data(line, ("TH",))) is not None:
        raise Reason.PERSONAL_DATA.rejected(name="text", what=what)
    return line


def _read(model: type[_Model], message: HubMessage) -> _Model:
    try:
        return model.model_validate(dict(message.content))
    except ValidationError as error:
        raise rejection_of(error) from None
