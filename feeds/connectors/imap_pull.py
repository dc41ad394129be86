"""Reports that arrive by mail as attachments: the mails in a folder, by IMAP."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from feeds.connector import Batch, Duration, Pull, PullSettings, Secret, duration
from feeds.errors import UnreadableFile
from feeds.mapping.batches import batch_of_outcomes, parts
from feeds.mapping.options import FormatName, ReportSettings
from feeds.mapping.records import Find, map_reports_or_records
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.mime import MailRefused
from feeds.readers.rows import Tally
from feeds.transport.connections import ProxySettings, is_here
from feeds.transport.mailbox import Mail, MailFile, MailLogin, MailServer, Tls, open_folder

_Outcomes = Iterator[Mapped | Duplicate | Reject]


class ImapPullSettings(ProxySettings, ReportSettings, PullSettings):
    """The mailbox, the login, and the accepted senders."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$", description="the mail server")]
    port: Annotated[
        int | None, Field(ge=1, le=65_535, description="its port; default 993, or 143 unless tls is implicit")
    ] = None
    tls: Annotated[Tls, Field(description="implicit, starttls or none")] = "implicit"
    user: Annotated[str, Field(pattern=r'^[^\s"\\]+$', description="user name of the mailbox")]
    password: Annotated[Secret | None, Field(description="our password there")] = None
    token: Annotated[Secret | None, Field(description="a token of OAuth 2 instead of a password (XOAUTH2)")] = None
    folder: Annotated[str, Field(pattern=r"^[\x20-\x7e]+$", description="the folder to read")] = "INBOX"
    senders: Annotated[
        tuple[Annotated[str, Field(pattern=r"^\S*@\S+$")], ...],
        Field(description="accepted senders: addresses, or domains such as @example.com"),
    ] = ()
    checked_by: Annotated[
        str | None,
        Field(description="accept only mails that this server authenticated (Authentication-Results, dmarc=pass)"),
    ] = None
    format: Annotated[
        FormatName | None, Field(description="format of the files; by default recognised from their content")
    ] = None
    bodies: Annotated[bool, Field(description="also read the text of the mails")] = False
    max_bytes: Annotated[int, Field(ge=1024, description="the largest mail to accept")] = 25 << 20
    timeout: Annotated[Duration, Field(description="longest pause of the server in a response")] = "30s"
    answer_within: Annotated[Duration, Field(description="longest time to read one mail")] = "10m"
    allow_private: Annotated[bool, Field(description="allow connections to this machine and to private networks")] = (
        False
    )
    allow_plain: Annotated[bool, Field(description="allow tls = none, which sends the password unencrypted")] = False
    ca_file: Annotated[
        Path | None,
        Field(description="file with the certificates of the authority that issued the server's certificate"),
    ] = None

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.password is None) == (self.token is None):
            raise ValueError("give password or token")
        if self.tls == "none" and not is_here(self.host) and not self.allow_plain:
            raise ValueError("tls: none sends the password unencrypted; use implicit, or set allow_plain")
        self.check_tunnel()
        return self


class ImapPull(Pull[ImapPullSettings]):
    """Reads each mail once, in the order of arrival; it marks, moves and deletes none.

    Only attached files are read, unless ``bodies`` is set, because the text of a mail contains personal data. Any
    sender of mail to this mailbox reports in the partner's name. Therefore set ``senders``, and ``checked_by`` for the
    mail server that authenticates them.
    """

    name: ClassVar[str] = "imap-pull"
    settings_model = ImapPullSettings
    _find: Find | None = None

    def begin(self, find: Find) -> None:
        """Store the function that finds indicators, for files of records."""
        self._find = find

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows of files in mails that are not finished."""
        settings = self.settings
        begun = checkpoint or {}
        with open_folder(self._server(), self._login(), settings.folder) as folder:
            # After a change of UIDVALIDITY the numbers mean other mails: all are checked, and known ones skipped.
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
                yield _refused("unknown-sender", "the sender of the mail is not in senders")
            elif settings.checked_by and not mail.is_authenticated(settings.checked_by):
                yield _refused("unproven-sender", "the mail server in checked_by did not authenticate the sender")
            else:
                for file in mail.files(bodies=settings.bodies):
                    yield from self._of_file(file, mail, tally)
        except MailRefused as error:
            yield _refused("nested-too-deeply", str(error))

    def _of_file(self, file: MailFile, mail: Mail, tally: Tally) -> _Outcomes:
        settings = self.settings
        defaults = settings.options(settings.contribute_as, mail.sent_at)
        options = replace(defaults, format="prose" if file.body else settings.format)
        try:
            yield from map_reports_or_records(BytesIO(file.data), file.name, options, find=self._find, tally=tally)
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
