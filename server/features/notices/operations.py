"""Issue a notice."""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from schemas.api.lookup import ValueReading
from schemas.partner import Partner
from schemas.tlog.signatures import SigningKeys
from server.features.notices.statement import digest_of, statement
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, PARTNERS, PROGRAMS
from server.release.hub import Hub
from server.store.database.engine import Tx


class IssueNotice(Operation[dict[str, Any]]):
    """Issue a signed statement of what a partner was told about a value, and when."""

    name: ClassVar[str] = "notice make"
    rights: ClassVar[frozenset[str]] = ANALYSTS | PARTNERS | PROGRAMS
    verb: ClassVar[str] = "MAKE"
    what: ClassVar[str] = "notice"

    value: ValueReading
    partner: Partner = Field(description="the partner that the statement is about")
    keys: SigningKeys = Field(repr=False, description="the keys that sign it")

    def acts_for(self) -> str | None:
        """Return the partner that the statement is about."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> dict[str, Any]:
        """Return the signed statement. Raises ``BadSigningKey``."""
        return self.keys.sign(statement(tx, self.value, self.partner))

    def entries(self, result: dict[str, Any]) -> Iterable[TrailEntry]:
        """Return the entry with the digest of the statement."""
        digest = digest_of(result["statement"])
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=digest)]
