"""Forms that were sent: each takes effect once, and its answer has an address, which a reload requests instead.

A form is identified by its key, which each page renders anew, and by its content. Sent again, by a reload, a second
click or a return to its page, it gets the first answer. A corrected form is a new one.
"""

import hashlib
import hmac
import zlib
from collections.abc import Callable
from secrets import token_bytes
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Response

from server.store.operators import sent_forms
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_PATH = "/me/sent"
_NONCE = 12
# A longer page is sent as the answer itself.
_LONGEST = 2 * 1024 * 1024
_CHUNK = 1024 * 1024
_UNKNOWN = mark(
    "The answer to this form is no longer stored, or the form was not accepted. Open the page with the form again."
)
_RUNNING = mark("Your form is being processed. This page reloads by itself. Do not send the form again.")
_SHOWN = mark(
    "This was shown once, and is not shown again. If you did not write it down, have new credentials or a new link "
    "issued."
)


class _KeptAnswer(NamedTuple):
    """The answer to a form: where it leads, or its page; ``is_secret`` for a page that is shown once, then empty."""

    location: str = ""
    page: bytes = b""
    is_secret: bool = False


class _SentForm:
    """The form of a request, in the session of the person."""

    def __init__(self, visit: Visit, id_: str) -> None:
        secret = visit.session_secret
        self._store = visit.site.hub.store
        self.name = hmac.digest(secret.encode(), f"sent {id_}".encode(), "sha256")
        self._cipher = AESGCM(hmac.digest(secret.encode(), f"answer {id_}".encode(), "sha256"))

    def claim(self, user: str) -> bool:
        with self._store.begin() as tx:
            return sent_forms.claim(tx, self.name, user)

    def release(self) -> None:
        with self._store.begin() as tx:
            sent_forms.release(tx, self.name)

    def keep(self, answer: _KeptAnswer) -> None:
        with self._store.begin() as tx:
            sent_forms.keep(tx, self.name, self._sealed(answer))

    def find(self) -> _KeptAnswer | None:
        """Return the answer, empty while there is none. An answer that is shown once is then deleted."""
        with self._store.begin() as tx:
            sealed = sent_forms.find(tx, self.name)
            if not sealed:
                return None if sealed is None else _KeptAnswer()
            try:
                plain = zlib.decompress(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None))
            except InvalidTag:
                return None
            answer = msgspec.msgpack.decode(plain, type=_KeptAnswer)
            if answer.is_secret and answer.page:
                sent_forms.keep(tx, self.name, self._sealed(_KeptAnswer(is_secret=True)))
            return answer

    def _sealed(self, answer: _KeptAnswer) -> bytes:
        nonce = token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(msgspec.msgpack.encode(answer)), None)


def answer_once(visit: Visit, view: Callable[[], Response]) -> Response:
    """Answer a form by ``view``, or by the answer that it got before."""
    login = visit.login
    if login is None or visit.user is None or visit.is_partial or not visit.form_key:
        return view()
    id_ = _id_of(visit)
    form = _SentForm(visit, id_)
    if not form.claim(login.user.id):
        return visit.go(f"{_PATH}/{id_}")
    try:
        answer = view()
        kept = None if visit.has_new_session else _kept(visit, answer)
    except BaseException:
        form.release()
        raise
    if kept is None:
        form.release()
        return answer
    form.keep(kept)
    return answer if kept.location else visit.go(f"{_PATH}/{id_}")


def show_sent(visit: Visit, id: str) -> Response:
    """Show the answer to a form of this session. Raises ``PageRefused``."""
    answer = _SentForm(visit, id).find()
    if answer is None:
        raise PageRefused(404, _UNKNOWN)
    if answer.location:
        return visit.go_elsewhere(answer.location)
    if answer.page:
        return visit.rendered(answer.page.decode())
    if answer.is_secret:
        raise PageRefused(410, _SHOWN)
    raise PageRefused(503, _RUNNING, (("Refresh", "2"), ("Retry-After", "2")))


def _kept(visit: Visit, answer: Response) -> _KeptAnswer | None:
    """Return what is kept of an answer; None for a refusal, which had no effect, and for a file."""
    if answer.status_code == 303:
        return _KeptAnswer(location=answer.headers["Location"])
    if answer.status_code != 200 or "Content-Disposition" in answer.headers or answer.is_streamed:
        return None
    page = answer.get_data()
    return _KeptAnswer(page=page, is_secret=visit.is_shown_once) if len(page) <= _LONGEST else None


def _id_of(visit: Visit) -> str:
    """Return the id of a sent form, by its address, its key and its content."""
    asked = visit.request
    digest = hashlib.sha256(asked.full_path.encode("utf-8", "surrogatepass"))
    parts: list[Any] = [list(asked.form.items(multi=True))]
    for name, file in asked.files.items(multi=True):
        content = hashlib.sha256()
        while chunk := file.stream.read(_CHUNK):
            content.update(chunk)
        file.stream.seek(0)
        parts.append((name, file.filename or "", content.hexdigest()))
    digest.update(repr(parts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
