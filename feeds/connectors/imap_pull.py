"""Reports that arrive by mail, as attachments: the mails of a folder, by IMAP."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Pull, PullSettings, Secret, duration
from feeds.errors import UnreadableFile
from feeds.http.address_guard import is_here
from feeds.http.proxy import ProxySettings
from feeds.mapping.batches import batch_of_outcomes
from feeds.mapping.options import ReportSettings
from feeds.mapping.records import Find, map_records
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_stream
from feeds.readers.columns.notes import Tally
from feeds.readers.record_rows import detect_records
from feeds.runs.file_reading import FormatName
from feeds.runs.parts import parts
from feeds.storage.mail import Mail, MailFile
from feeds.storage.mailbox import MailLogin, MailServer, Tls, open_folder

_Outcomes = Iterator[Mapped | Duplicate | Reject]


class ImapPullSettings(ProxySettings, ReportSettings, PullSettings):
    """The mailbox, the login, and whose mails are read."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$", description="the mail server")]
    port: Annotated[int | None, Field(ge=1, le=65_535, description="its port; where not given, 993, or 143")] = None
    tls: Annotated[Tls, Field(description="implicit, starttls or none")] = "implicit"
    user: Annotated[str, Field(pattern=r'^[^\s"\\]+$', description="our user name there")]
    password: Annotated[Secret | None, Field(description="our password there")] = None
    token: Annotated[Secret | None, Field(description="a token of OAuth 2 instead of a password (XOAUTH2)")] = None
    folder: Annotated[str, Field(pattern=r"^[\x20-\x7e]+$", description="the folder that is read")] = "INBOX"
    senders: Annotated[
        tuple[Annotated[str, Field(pattern=r"^\S*@\S+$")], ...],
        Field(description="only mails from these: addresses, or domains as @example.com"),
    ] = ()
    checked_by: Annotated[
        str | None,
        Field(description="only mails whose sender this name vouches for (Authentication-Results, dmarc=pass)"),
    ] = None
    format: Annotated[
        FormatName | None, Field(description="format of the files; recognised by content where not named")
    ] = None
    bodies: Annotated[bool, Field(description="also read what the mails themselves say")] = False
    max_bytes: Annotated[int, Field(ge=1024, description="the largest mail to take")] = 25 << 20
    timeout: Annotated[Duration, Field(description="how long an answer may take to begin or go on")] = "30s"
    answer_within: Annotated[Duration, Field(description="how long one whole mail may take")] = "10m"
    allow_private: Annotated[
        bool, Field(description="connect to this machine and to private networks all the same")
    ] = False
    allow_plain: Annotated[bool, Field(description="show the password on the way, with tls = none")] = False
    ca_file: Annotated[Path | None, Field(description="certificates of the authority that the server's is from")] = None

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.password is None) == (self.token is None):
            raise ValueError("give password or token")
        if self.tls == "none" and not is_here(self.host) and not self.allow_plain:
            raise ValueError("tls: none shows the password to all on the way; use implicit, or set allow_plain")
        self.check_tunnel()
        return self


class ImapPull(Pull[ImapPullSettings]):
    """Reads each mail once, in the order of arrival; marks, moves and deletes none.

    Only attached files are read, unless ``bodies`` is set: what people write names people. Anybody who can write to the
    mailbox speaks in the partner's name: set ``senders``, and ``checked_by`` for the mail server that checks them.
    """

    name: ClassVar[str] = "imap-pull"
    settings_model = ImapPullSettings
    _find: Find | None = None

    def begin(self, find: Find) -> None:
        """Keep the function that finds indicators, for files of records."""
        self._find = find

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows of files in mails that are not done."""
        settings = self.settings
        begun = checkpoint or {}
        with open_folder(self._server(), self._login(), settings.folder) as folder:
            # With another validity the numbers mean other mails: all are looked at, and known ones passed over.
            last = int(begun.get("uid", 0)) if begun.get("validity") == folder.validity else 0
            at: dict[str, Any] = {"validity": folder.validity, "uid": last}
            kept: dict[str, Any] = begun
            for uid, size in folder.sizes(last + 1):
                data = folder.message(uid) if size <= settings.max_bytes else b""
                digest = sha256(data or f"{folder.validity}:{uid}".encode()).hexdigest()
                after = {**at, "uid": uid}
                if data is not None and not seen(digest):
                    start = int(begun.get("row", 0)) if begun.get("digest") == digest else 0
                    for batch in self._batches(data, digest, at, after, start):
                        yield batch
                        kept = batch.checkpoint
                at = after
            if at != kept:
                yield Batch([], at, 0)

    def _batches(
        self, data: bytes, digest: str, at: dict[str, Any], after: dict[str, Any], start: int
    ) -> Iterator[Batch]:
        row = start
        tally = Tally()
        for part in parts(self._outcomes(data, tally), self.settings.batch, start, tally):
            row += len(part.outcomes)
            if len(part.outcomes) < self.settings.batch:
                yield batch_of_outcomes(
                    part.outcomes, after, tally=tally.taken(), done=[(digest, f"mail {after['uid']}")]
                )
            else:
                yield batch_of_outcomes(part.outcomes, {**at, "digest": digest, "row": row}, tally=tally.taken())

    def _outcomes(self, data: bytes, tally: Tally) -> _Outcomes:
        settings = self.settings
        if not data:
            yield _refused("too-large", "the mail is larger than max_bytes")
            return
        try:
            mail = Mail(data)
            if settings.senders and not mail.is_from(settings.senders):
                yield _refused("unknown-sender", "the mail is from nobody whose mails are read here")
            elif settings.checked_by and not mail.is_authenticated(settings.checked_by):
                yield _refused("unproven-sender", "nobody vouches for the sender of the mail")
            else:
                for file in mail.files(bodies=settings.bodies):
                    yield from self._of_file(file, mail, tally)
        except RecursionError:
            yield _refused("nested-too-deeply", "mails within mails within mails: send the file itself")

    def _of_file(self, file: MailFile, mail: Mail, tally: Tally) -> _Outcomes:
        settings = self.settings
        defaults = settings.options(settings.contribute_as, mail.sent_at)
        options = replace(defaults, format="prose" if file.body else settings.format)
        are_records, stream = detect_records(BytesIO(file.data), options.format)
        try:
            if are_records:
                yield from map_records(stream, file.name, options, find=self._find, tally=tally)
            else:
                yield from map_stream(stream, file.name, options, tally=tally)
        except UnreadableFile as error:
            yield Reject(file.name, 0, "", None, "unreadable-file", str(error))

    def _server(self) -> MailServer:
        settings = self.settings
        port = settings.port or (993 if settings.tls == "implicit" else 143)
        return MailServer(
            settings.host,
            port,
            settings.tls,
            duration(settings.timeout).total_seconds(),
            duration(settings.answer_within).total_seconds(),
            settings.ca_file,
            settings.allow_private,
            settings.max_bytes,
            settings,
        )

    def _login(self) -> MailLogin:
        settings = self.settings
        return MailLogin(
            settings.user,
            settings.password.reveal() if settings.password else None,
            settings.token.reveal() if settings.token else None,
        )


def _refused(reason: str, message: str) -> Reject:
    return Reject("", 0, "", None, reason, message)
