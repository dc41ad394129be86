"""A thread of each worker carries out the decisions on incidents."""

from collections.abc import Sequence

from server.features.incidents import carrying_out
from server.jobs.repeated import RepeatedStep
from server.release.hub import Hub
from server.store import jobs
from server.store.database.looks import Finding
from server.store.database.times import now

# The look for work, every two seconds, begins the next step.
_SECONDS = 1.0
# A decision without progress for this long has no worker.
_IDLE = 3_000_000


class IncidentDesk(RepeatedStep):
    """Carries out what nobody works on: just decided, or interrupted."""

    def __init__(self, hub: Hub) -> None:
        """Work on the decisions in the store of ``hub``."""
        super().__init__("incident-desk", _SECONDS, "incident desk waits", "incident desk failure")
        self._hub = hub

    def work(self, at: int) -> Sequence[Finding]:
        """Return the statement that finds a decision that is not yet carried out."""
        return (jobs.begun(carrying_out.JOBS),)

    def step(self) -> None:
        """Carry out the decisions; other workers and nodes leave them to this one."""
        carrying_out.resume(self._hub, idle_since=now() - _IDLE, stopped=self._stopping.is_set)
