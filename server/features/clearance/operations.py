"""Issue clearance statements."""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from schemas import timestamp
from schemas.api.lookup import ValueReading
from schemas.api.statements import ObjectionAnswer
from schemas.tlog.signatures import SigningKeys
from server.features.clearance.statement import NotCleared, clearance
from server.features.notices.statement import digest_of
from server.features.objections import receive, records as objections
from server.features.objections.records import UnknownObjection
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, ANYBODY
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.database.times import micros, now

# A decision takes effect in the public list within this time, in microseconds.
_SOON = 86_400_000_000


class IssueClearance(Operation[dict[str, Any]]):
    """Issue a signed statement that a delisted value is not listed, without the reason of its listing."""

    name: ClassVar[str] = "clearance make"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "MAKE"
    what: ClassVar[str] = "clearance"

    value: ValueReading = Field(repr=False)
    keys: SigningKeys = Field(repr=False, description="the keys that sign it")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> dict[str, Any]:
        """Return the signed statement. Raises ``NotCleared``."""
        return self.keys.sign(clearance(tx, self.value, public=False))

    def entries(self, result: dict[str, Any]) -> Iterable[TrailEntry]:
        """Return the entry with the digest of the statement."""
        return [TrailEntry(self.verb, self.what, reference=digest_of(result["statement"]))]


class IssueClearanceOfObjection(IssueClearance):
    """Issue the statement to the person who objected to a public listing, by the code of the objection."""

    name: ClassVar[str] = "clearance of objection"
    rights: ClassVar[frozenset[str]] = ANYBODY

    code: str = Field(repr=False, description="the code of the objection")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> dict[str, Any]:
        """Return the signed statement about the public list alone. Raises ``NotCleared``.

        It says no more than the answer to the objection and the public list do, so that nobody learns of another
        listing. A value that was never public has no statement here, whether it was listed elsewhere or not.
        """
        try:
            found = objections.by_token(tx, self.code)
        except UnknownObjection:
            raise NotCleared from None
        if receive.told(found, now()) is not ObjectionAnswer.CLEARED or found.kind != self.value.kind:
            raise NotCleared
        made = clearance(tx, self.value, public=True)
        # The objection no longer has its value. A listing that ended at another time belongs to another objection.
        ended = micros(timestamp.parse(made["not_listed_since"]))
        if found.routed is None or found.decided is None or not found.routed <= ended <= found.decided + _SOON:
            raise NotCleared
        return self.keys.sign(made)
