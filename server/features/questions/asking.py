"""Ask the reporters of a value in the operator's name, also about a report that is held."""

from collections.abc import Iterable

from schemas.errors import Rejected
from schemas.records import MOST_CHARACTERS
from server.release.hub import Hub
from server.release.questions import Relay
from server.release.session import ReleaseSession
from server.store.database.engine import Tx


def ask(hub: Hub, tx: Tx, text: str, about: str, subjects: Iterable[str], held: Iterable[str] = ()) -> int:
    """Ask the reporters of the values and the contributors of the ``held`` objects; return how many were asked.

    ``about`` is the id or value that the question names. Raises ``Rejected`` for a text that is empty or too long.
    """
    text, names = " ".join(text.split()), set(subjects)
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise Rejected("long-question", f"a question has 1 to {MOST_CHARACTERS} characters")
    session, _ = ReleaseSession.open_locked(hub, tx, lambda _: (None, names))
    values = session.load(names)
    asked = Relay(session.context, session.feedback).ask(values, text, about, held)
    if asked:
        session.release(values, "no longer reported")
    return asked
