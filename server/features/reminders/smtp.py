"""Send mails by SMTP, by STARTTLS only, each within a bounded time."""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from types import TracebackType
from typing import Self, TypeVar

from server.settings import Settings

Mail = TypeVar("Mail")

# Of one wait for the server, and of one mail as a whole: a server that answers byte by byte holds nothing up.
_WAIT_SECONDS = 10.0
_MOST_SECONDS = 30.0
_REFUSED_FOR_GOOD = 500
# RFC 5321: there is no such mailbox. With the status 5.7 (RFC 3463) it is the sender that is refused.
_NO_MAILBOX = frozenset((550, 551, 553))


class NotSent(Exception):
    """A mail was not sent.

    ``why`` is a word. ``for_good``: a later attempt cannot succeed. ``of_address``: the address is at fault, and other
    mails may be sent.
    """

    def __init__(self, why: str, *, for_good: bool = False, of_address: bool = False) -> None:
        """Say why."""
        super().__init__(why)
        self.why = why
        self.for_good = for_good
        self.of_address = of_address


class SmtpRelay:
    """A connection to the mail server of the settings, opened at the first mail."""

    def __init__(self, settings: Settings) -> None:
        """Send by the server of ``settings``."""
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the connection."""
        if self._smtp is not None:
            with suppress(OSError, ValueError, smtplib.SMTPException, NotSent), _bounded(self._smtp):
                self._smtp.quit()
            self._smtp.close()

    def send(self, message: EmailMessage) -> None:
        """Send a mail. Raises ``NotSent``."""
        try:
            if self._smtp is None:
                self._smtp = smtplib.SMTP(
                    local_hostname=self._settings.mail_from.rpartition("@")[2], timeout=_WAIT_SECONDS
                )
                with _bounded(self._smtp):
                    self._open(self._smtp)
            with _bounded(self._smtp):
                self._smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, said)] = error.recipients.values()
            if code in _NO_MAILBOX and not said.startswith(b"5.7."):
                raise NotSent("address-refused", for_good=True, of_address=True) from None
            raise NotSent("address-put-off", of_address=True) from None
        except smtplib.SMTPSenderRefused:
            raise NotSent("sender-refused") from None
        except smtplib.SMTPAuthenticationError:
            raise NotSent("login-refused") from None
        except smtplib.SMTPNotSupportedError:
            raise NotSent("no-starttls") from None
        except smtplib.SMTPResponseException as error:
            raise NotSent("mail-refused", for_good=error.smtp_code >= _REFUSED_FOR_GOOD) from None
        except ssl.SSLError:
            raise NotSent("certificate-refused") from None
        except (OSError, ValueError, AttributeError, smtplib.SMTPException) as error:
            # smtplib says of a timeout that the connection was closed.
            is_slow = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
            raise NotSent("too-slow" if is_slow else "no-connection") from None

    def _open(self, smtp: smtplib.SMTP) -> None:
        settings = self._settings
        smtp.connect(settings.mail_host, settings.mail_port)
        # The name that the certificate is verified against; only the constructor of smtplib sets it.
        smtp._host = settings.mail_host  # type: ignore[attr-defined]
        smtp.starttls(context=ssl.create_default_context(cafile=settings.mail_ca_file))
        if settings.mail_user:
            smtp.login(settings.mail_user, settings.mail_password.get_secret_value())


def send_waiting(
    settings: Settings,
    mails: Iterable[Mail],
    at: int,
    send: Callable[[SmtpRelay, Mail, int], bool],
    is_over: Callable[[], bool],
) -> None:
    """Send mails over one connection with ``send``, until it returns False or ``is_over`` returns True.

    ``at`` is the moment now (microseconds); ``send`` gets the moment at which its mail is sent.
    """
    begun = time.monotonic()
    with SmtpRelay(settings) as server:
        for mail in mails:
            moment = at + int((time.monotonic() - begun) * 1_000_000)
            if is_over() or not send(server, mail, moment):
                return


@contextmanager
def _bounded(smtp: smtplib.SMTP) -> Iterator[None]:
    """Break the connection if the body takes too long: the wait in it then ends. Raises ``NotSent``."""
    is_cut = threading.Event()

    def cut() -> None:
        is_cut.set()
        if smtp.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    timer = threading.Timer(_MOST_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, AttributeError, smtplib.SMTPException):
        if is_cut.is_set():
            raise NotSent("too-slow") from None
        raise
    finally:
        timer.cancel()
