"""Examples of the operations on reports by mail to addressees outside the hub."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from schemas import timestamp
from schemas.request import Request
from server.features.dispatch import outbox, records
from server.features.dispatch.operations import (
    AnswerReport,
    ApproveMails,
    AssignAddressee,
    CloseAnswer,
    DiscardMail,
    RecordMailedResponse,
    SetContact,
)
from server.features.dispatch.outbox import DispatchMail, MailedAnswer, MailState
from server.features.dispatch.records import Dispatch, State
from server.features.liveness.operations import EndReregistered, FollowListed, RecordBack, RecordGone
from server.features.requests import desk as requests_desk
from server.operations.operation import Act, Actor
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store, partners
from server.store.database.times import now
from tests import operators_desk as desk

ROW, MAIL, ANSWER = "ab" * 16, "cd" * 16, "ef" * 32
ADDRESS = "abuse@registrar.example"


def fill(store: Store, state: State, mail: MailState | None) -> None:
    """Store a report in a state, and the mail with it."""
    facts = {"kind": "domain", "type": "investment", "confidence": 90, "since": 1, "evidence": []}
    row = Dispatch(
        ROW,
        f"domain:{desk.OBJECTED}",
        f"indicator--{'0' * 8}-0000-5000-8000-{'0' * 12}",
        1,
        "registrar",
        json.dumps(facts),
        ADDRESS,
        "Registrar",
        None,
        None,
        state,
        1,
        1,
        0,
        MAIL if mail else None,
    )
    with store.begin() as tx:
        records.add(tx, row)
        if mail:
            outbox.put(tx, DispatchMail(MAIL, "report", ADDRESS, None, None, None, 1, mail, None, 0, 1))


def _with(state: State, mail: MailState | None, act: Callable[[], Act[Any]]) -> Callable[[Hub], Act[Any]]:
    def make(hub: Hub) -> Act[Any]:
        fill(hub.store, state, mail)
        return act()

    return make


def _answer(hub: Hub) -> Act[Any]:
    fill(hub.store, "mailed", "sent")
    with hub.store.begin() as tx:
        return AnswerReport(token=records.token(tx, ROW), response="removed")


def _close(hub: Hub) -> Act[Any]:
    fill(hub.store, "mailed", "sent")
    with hub.store.begin() as tx:
        outbox.add_answer(tx, MailedAnswer(ANSWER, MAIL, 1, "Which page?", "open"))
    return CloseAnswer(id=ANSWER)


def _end(hub: Hub) -> Act[Any]:
    return EndReregistered(subjects=(f"domain:{desk.OBJECTED}",), registered=now() + 1_000_000)


def _gone(hub: Hub) -> Act[Any]:
    at = timestamp.now()
    given: dict[str, Any] = {"reporter": desk.SENDER, "reported_at": at, "asks": "take-down", "basis": "notice"}
    given |= {
        "of": f"domain:{desk.OBJECTED}",
        "reference": "T-1",
        "location": desk.OBJECTED,
        "explanation": ["obtains-money"],
        "deadline": at + timedelta(hours=4),
    }
    with hub.store.begin() as tx:
        requests_desk.send(hub, tx, partners.get(tx, desk.SENDER), Request.model_validate(given))
    return RecordGone(subjects=(f"domain:{desk.OBJECTED}",))


def _back(hub: Hub) -> Act[Any]:
    run(hub, _gone(hub), Actor.system("liveness"))
    return RecordBack(subjects=(f"domain:{desk.OBJECTED}",))


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "dispatch answer": _answer,
    "dispatch approve": _with("mailed", "approval", lambda: ApproveMails(ids=(MAIL,))),
    "dispatch assign": _with("unknown", None, lambda: AssignAddressee(id=ROW, address="abuse@other.example")),
    "dispatch close": _close,
    "dispatch contact": lambda hub: SetContact(address=ADDRESS, state="form", form="https://registrar.example/abuse"),
    "dispatch discard": _with("mailed", "approval", lambda: DiscardMail(id=MAIL)),
    "liveness back": _back,
    "liveness end": _end,
    "liveness follow": lambda hub: FollowListed(subjects=(f"domain:{desk.OBJECTED}",)),
    "liveness gone": _gone,
    "dispatch respond": _with("mailed", "sent", lambda: RecordMailedResponse(id=ROW, response="suspended")),
}
