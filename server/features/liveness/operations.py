"""What an observation changes: a listing ends because its domain has a new owner, or a request is answered."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from pydantic import Field

from server.features.dispatch import repeats
from server.features.liveness import records
from server.features.registries import changes
from server.features.requests.gone import record_back, record_gone, refute_gone
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import COMMANDS
from server.release.hold import hold_all
from server.release.hub import Hub
from server.release.query.lookup import active_reports
from server.release.reasons import Reason
from server.store import inbox, value_index
from server.store.database.engine import Tx
from server.store.database.times import now

REASON = "the domain was registered again, or the number assigned again"
# Values of one operation.
MOST_VALUES = 1_000
MOST_FOLLOWED = 20_000


class Observed(NamedTuple):
    """The ids of the reports or requests that an observation changed, and those of reports by mail."""

    ids: list[str]
    mailed: Sequence[str] = ()


class _Observation(Operation[Observed]):
    rights: ClassVar[frozenset[str]] = COMMANDS

    subjects: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_VALUES, description="the values, each with its kind"
    )

    def entries(self, result: Observed) -> Iterable[TrailEntry]:
        """Return an entry for each of them."""
        changed = [TrailEntry(self.verb, self.what, reference=id_) for id_ in result.ids]
        return [*changed, *(TrailEntry(self.verb, "dispatch", reference=id_) for id_ in result.mailed)]


class EndReregistered(_Observation):
    """End the listings of values whose domain or number has a new owner, and hold their reports for review."""

    name: ClassVar[str] = "liveness end"
    verb: ClassVar[str] = "HOLD"
    what: ClassVar[str] = "report"

    registered: int = Field(description="when the new owner got it, in microseconds since the epoch")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Observed:
        """Hold the reports, unless one of a value is newer than the registration."""
        value_index.lock(tx, set(self.subjects))
        keys: set[str] = set()
        ended = []
        for subject in self.subjects:
            found = active_reports(tx, subject)
            if found and max(found.values()) < self.registered:
                keys |= found.keys()
                ended.append(subject)
        held = hold_all(hub, tx, keys, Reason.NEW_OWNER, REASON) if keys else set()
        records.end(tx, ended, now())
        return Observed(sorted(inbox.object_id(key) for key in held))


class RecordGone(_Observation):
    """Record that the values of takedown requests and reports by mail are gone, where no addressee has responded."""

    name: ClassVar[str] = "liveness gone"
    verb: ClassVar[str] = "RESPOND"
    what: ClassVar[str] = "request"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Observed:
        """Record it in each open takedown request and mailed report about the values."""
        changed = [id_ for subject in self.subjects for id_ in record_gone(hub, tx, subject)]
        return Observed(changed, repeats.record_gone(tx, self.subjects, now()))


class RecordBack(_Observation):
    """Ask again about values that exist again, in takedown requests and reports by mail that ended because of that."""

    name: ClassVar[str] = "liveness back"
    verb: ClassVar[str] = "REOPEN"
    what: ClassVar[str] = "request"

    refuted: int | None = Field(
        None,
        ge=0,
        description="only requests to suspend domains whose addressee said until that moment (microseconds since the"
        " epoch) that they are gone",
    )

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Observed:
        """Open the requests again, and repeat the reports."""
        if self.refuted is not None:
            return Observed(refute_gone(hub, tx, self.subjects, self.refuted))
        changed = [id_ for subject in self.subjects for id_ in record_back(hub, tx, subject)]
        return Observed(changed, repeats.record_back(tx, self.subjects, now()))


class FollowListed(Operation[int]):
    """Look whether values are listed, and follow those that are: they were listed before liveness was turned on."""

    name: ClassVar[str] = "liveness follow"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "FOLLOW"
    what: ClassVar[str] = "values"

    subjects: tuple[str, ...] = Field(max_length=MOST_FOLLOWED, description="the values, each with its kind")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> int:
        """Note the values for the thread of liveness, and return their number."""
        changes.note(tx, (records.READER,), self.subjects, now())
        return len(self.subjects)

    def entries(self, result: int) -> Iterable[TrailEntry]:
        """Return one entry."""
        return [TrailEntry(self.verb, self.what)]
