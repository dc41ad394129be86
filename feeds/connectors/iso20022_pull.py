"""Messages of ISO 20022 in a folder, as requests between institutions and responses to them."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, BinaryIO, ClassVar

from pydantic import Field

from feeds.connector import Duration, Incoming, Misconfigured, duration
from feeds.mapping.rows import Reject
from feeds.readers.rows import NO_NOTES, Note, Notes, Tally
from feeds.runs.file_reading import Piece
from feeds.runs.folder_reading import FolderPull, FolderSettings
from schemas import timestamp
from schemas.errors import Rejected
from schemas.request import LegalBasis
from server.features.iso20022 import exchange, messages
from server.features.iso20022.grammar import MISSING, is_installed
from server.features.iso20022.reading import Defaults
from server.features.iso20022.xml import MOST_BYTES, MessageRefused

_NUMBER = re.compile(r"\[\d+\]")


class Iso20022PullSettings(FolderSettings):
    """A folder of messages, and the settings for facts missing in a camt.056."""

    within: Annotated[
        Duration, Field(description="of camt.056: the time to respond, from the creation of the message on")
    ] = "10d"
    legal_basis: Annotated[LegalBasis, Field(description="of camt.056: the basis in law")] = LegalBasis.SCHEME_RULES


class Iso20022Pull(FolderPull[Iso20022PullSettings]):
    """Sends the requests and responses of camt.056, camt.029 and pacs.004 in the name of `contribute_as`.

    Each file is one message, and is read once. The partner's institutions have to be the message's own. A refused
    message or transaction stops no other.
    """

    name: ClassVar[str] = "iso20022-pull"
    settings_model = Iso20022PullSettings

    def __init__(self, settings: Iso20022PullSettings) -> None:
        super().__init__(settings)
        self._incoming: Incoming | None = None

    def prepare(self, incoming: Incoming) -> None:
        if not is_installed():
            raise Misconfigured(MISSING)
        self._incoming = incoming

    def as_read(self, digest: str) -> str:
        """Return the digest of a file, which is read again with other settings."""
        manner = f"{self.settings.within} {self.settings.legal_basis}"
        return hashlib.sha256(f"{digest} {manner}".encode()).hexdigest()

    def pieces(self, stream: BinaryIO, name: str, reported_at: datetime, start: int = 0) -> Iterator[Piece]:
        """Yield the notes of the message in one piece."""
        items: list[list[dict[str, Any]]] = []
        origins: list[tuple[str, int]] = []
        rejects: list[Reject] = []
        tally = Tally()
        try:
            plans = self._plans(stream.read(MOST_BYTES + 1), tally)
        except MessageRefused as refusal:
            plans = [exchange.TransactionPlan(refusal.path, refusal=refusal)]
        for place, plan in enumerate(plans, start=1):
            if plan.refusal is None:
                items.append([exchange.note(self._opened.partner, sent) for sent in plan.sends])
                origins.append((name, place))
            else:
                rejects.append(_reject(name, place, plan.path, plan.refusal))
        rejected = Counter(reject.reason for reject in rejects)
        yield Piece(
            items=items,
            read=len(plans),
            rejected=rejected,
            row=len(plans),
            is_list=True,
            ends=True,
            failure=None,
            rejects=rejects,
            origins=origins,
            tally=tally,
        )

    @property
    def _opened(self) -> Incoming:
        if self._incoming is None:
            raise Misconfigured("iso20022-pull: prepare() comes before pull()")
        return self._incoming

    def _plans(self, data: bytes, tally: Tally) -> list[exchange.TransactionPlan]:
        """Return the transactions of a message. Raises ``MessageRefused``."""
        partner, store = self._opened.partner, self._opened.store
        given = Defaults(duration(self.settings.within), self.settings.legal_basis)
        # The time of a file may be wrong; a message has its own.
        message = messages.read(data, partner.name, timestamp.now(), given)
        with store.read() as tx:
            plans = list(exchange.plans(tx, partner, message))
        ignored = chain(message.not_carried, chain.from_iterable(plan.ignored for plan in plans))
        paths = sorted({_NUMBER.sub("", path) for path in ignored})
        tally.add(Notes([Note("column", path) for path in paths]) if paths else NO_NOTES)
        return plans


def _reject(file: str, place: int, path: str, refusal: Rejected) -> Reject:
    """Return the refusal of a transaction, without its content, which may name people."""
    rule = f"{refusal.path} ({refusal.rule})" if isinstance(refusal, MessageRefused) else path
    return Reject(file, place, rule, None, refusal.reason, f"{rule}: {refusal.message}")
