"""The work of a hub in the background: threads that seal, publish, age and delete, one set a process."""

import logging
from typing import Protocol

from server.features.dispatch.job import DispatchThread
from server.features.evidence.place import evidence_place
from server.features.federation.publishing_job import PublishingThread
from server.features.federation.sweep import PeerSweep
from server.features.incidents.job import IncidentDesk
from server.features.ledger.check_job import LedgerCheckThread
from server.features.ledger.checkpoint_notes import CheckpointNotes
from server.features.ledger.process import SealingProcess
from server.features.ledger.sealer import LedgerRules, Sealer
from server.features.ledger.sealing_job import LedgerThread
from server.features.ledger.witness_push import WitnessPush, WitnessThread
from server.features.liveness.job import LivenessThread
from server.features.reminders.job import HookThread, ReminderThread
from server.features.requests.clock import RequestClock
from server.features.trends.job import TrendThread
from server.features.uploads.job import SMALL, UploadReadingThread, UploadSendingThread
from server.jobs.quiet import QuietWatch
from server.jobs.resumption import Resumption
from server.jobs.retention import Days, Retention
from server.release.hub import Hub
from server.settings import Settings
from server.setup import ledger_of
from server.store import Store

log = logging.getLogger(__name__)


class BackgroundThread(Protocol):
    """A thread of background work."""

    def start(self) -> None:
        """Start the thread."""

    def stop(self) -> None:
        """Stop the thread after the current step."""


def background_threads(settings: Settings, hub: Hub) -> tuple[BackgroundThread, ...]:
    """Return the threads of ``hub``, which the caller starts, and stops in reverse order."""
    store, ledger = hub.store, ledger_of(settings)
    if hub.peers and ledger is None:
        log.warning("hub-reports-unsigned reason=ledger is off; peers receive nothing from this hub")
    return (
        *((*_ledger_threads(store, ledger, settings), PublishingThread(hub, ledger)) if ledger else ()),
        _retention(store, settings),
        QuietWatch(store, settings.quiet_hours),
        Resumption(hub),
        IncidentDesk(hub),
        TrendThread(hub),
        RequestClock(hub),
        PeerSweep(hub),
        *((ReminderThread(store, settings),) if settings.mail_host else ()),
        *((HookThread(store, settings),) if settings.reminder_hook else ()),
        *((DispatchThread(hub, settings),) if settings.dispatch else ()),
        *((LivenessThread(hub, settings),) if settings.dns_servers else ()),
        UploadReadingThread(store, settings),
        UploadReadingThread(store, settings, SMALL),
        UploadSendingThread(hub, settings),
    )


def _ledger_threads(
    store: Store, ledger: LedgerRules, settings: Settings
) -> tuple[LedgerThread, WitnessThread, LedgerCheckThread]:
    """Return the threads that seal the ledger, ask witnesses to cosign it, and check it."""
    push = WitnessPush(store, allow_private=settings.witness_allow_private)
    process = SealingProcess(settings.database_url, ledger.key_file, ledger.host)
    notes = CheckpointNotes(store, settings.checkpoint_notes)
    check = LedgerCheckThread(store, settings.database_url)
    return LedgerThread(Sealer(store, ledger, process), notes), WitnessThread(push), check


def _retention(store: Store, settings: Settings) -> Retention:
    days = Days(
        settings.audit_days,
        settings.status_days,
        settings.receipt_days,
        settings.delivery_days,
        settings.request_days,
        settings.evidence_days,
    )
    place = evidence_place(settings)
    return Retention(store, days, None if place is None else place.store)
