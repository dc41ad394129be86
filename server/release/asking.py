"""Ask the reporters of a value in the operator's name, also of a report that is held."""

from collections.abc import Iterable

from schemas.errors import Rejected
from schemas.feedback import MOST_CHARACTERS
from server.release.guard.personal_data.free_text import find_personal_data
from server.release.hub import Hub
from server.release.questions import Relay
from server.release.session import ReleaseSession
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now


def ask(hub: Hub, tx: Tx, text: str, about: str, by: str, subjects: Iterable[str], held: Iterable[str] = ()) -> int:
    """Ask all who report values, and who contributed the objects that are ``held``; return how many are asked.

    ``about`` is the id or value that the question names. Raises ``Rejected`` for a text that is too long, or that
    contains personal data.
    """
    text, names = " ".join(text.split()), set(subjects)
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise Rejected("long-question", f"a question has 1 to {MOST_CHARACTERS} characters")
    if (what := find_personal_data(text, ("TH",))) is not None:
        raise Rejected("personal-data", f"it contains {what}, which is passed on to nobody")
    session, _ = ReleaseSession.open_locked(hub, tx, lambda _: (None, names))
    values = session.load(names)
    asked = Relay(session.context, session.feedback).ask(values, text, about, held)
    if asked:
        session.release(values, "no longer reported")
        moment = now()
        event = AuditEvent(moment, moment, 1, None, by, "ASK", "reporters", None, 200, asked, None)
        audit.record_unsealed(tx, [event])
    return asked
