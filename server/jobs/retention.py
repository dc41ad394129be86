"""Retention: one thread per worker removes old rows, settles retraction receipts, and makes dictionaries."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from server.features.evidence import desk, files as evidence
from server.features.evidence.stored import FileStore, StoreOfFilesUnavailable
from server.features.incidents import records as incidents
from server.features.objections import records as objections
from server.features.partners import notices
from server.features.requests import records as requests
from server.features.trail.recorder import seal_all
from server.release.query import receipts
from server.store import Store, StoreUnavailable, audit, deliveries, inbox, quotas, read_progress, retractions
from server.store.allowlist import entries
from server.store.database.times import now
from server.store.objects.dictionary_training import DictionaryTrainer
from server.store.operators import attempts, former
from server.store.peer_messages import messages as peer_messages
from server.store.proposals import frozen, proposals
from server.store.providers import kept_accounts
from server.store.questions import questions
from server.store.reads import read_steps
from server.store.referrals import referrals
from server.store.sandbox import runs as sandbox_runs

log = logging.getLogger(__name__)

_SECONDS = 3_600.0
_MINUTE = 60.0
_DAY_SECONDS = 86_400.0
_DAY = 86_400 * 1_000_000
# Times to first read are reported for at most this long.
_FIRST_READ_DAYS = 400
# Longer than the period that the throttle considers.
_VOLUME_DAYS = 60
_PROPOSAL_DAYS = 400
_IDENTITY_DAYS = 365
_OBJECTION_DAYS = 90
_INCIDENT_DAYS = 400
_REFERRAL_DAYS = 400
_QUESTION_DAYS = 400
_ENTRY_DAYS = 400
_MESSAGE_DAYS = 400
_SANDBOX_DAYS = 30
# After an account is no longer listed for its provider.
_ANSWER_DAYS = 400


@dataclass(frozen=True)
class Days:
    """Days for which the audit trail, statuses, closed receipts, requests and others are kept; 0: forever."""

    audit: int = 0
    statuses: int = 30
    receipts: int = 400
    deliveries: int = 400
    requests: int = 400
    evidence: int = 1_825


class Retention:
    """Removes expired rows at the start and then every hour, and settles receipts every minute.

    Every minute it also makes a due compression dictionary for bodies, and removes password attempts. Deliveries are
    checked once a day.
    """

    def __init__(self, store: Store, days: Days, evidence_files: FileStore | None = None) -> None:
        """Keep the rows of ``store`` for these days, and remove expired evidence from ``evidence_files``."""
        self._store = store
        self._evidence_files = evidence_files
        self._days = days
        self._deliveries_cleaned = -_DAY_SECONDS
        self._dictionaries = DictionaryTrainer(store)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-retention", daemon=True)

    def start(self) -> None:
        """Start the thread. Workers and nodes that remove rows at the same time take turns."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the current transaction."""
        self._stopping.set()
        self._thread.join()

    def clean(self) -> int:
        """Remove expired rows in short transactions, and return how many rows of the audit trail."""
        kept = self._days
        self._forget(read_progress.forget_first_reads, _FIRST_READ_DAYS)
        self._forget(read_steps.forget, kept.receipts)
        self._forget(quotas.forget_volumes, _VOLUME_DAYS)
        self._forget(proposals.forget, _PROPOSAL_DAYS)
        self._forget(notices.forget, _PROPOSAL_DAYS)
        self._forget(frozen.forget, frozen.ANEW_DAYS)
        self._forget(former.forget, _IDENTITY_DAYS)
        self._forget(objections.forget, _OBJECTION_DAYS)
        self._forget(incidents.forget, _INCIDENT_DAYS)
        self._forget(kept_accounts.forget, _ANSWER_DAYS)
        self._forget(referrals.forget, _REFERRAL_DAYS)
        self._forget(questions.forget, _QUESTION_DAYS)
        self._forget(entries.forget, _ENTRY_DAYS)
        self._forget(sandbox_runs.forget, _SANDBOX_DAYS)
        self._forget(inbox.forget_statuses, kept.statuses)
        self._forget(retractions.forget, kept.receipts)
        self._forget(requests.forget, kept.requests)
        self._forget(peer_messages.forget, _MESSAGE_DAYS)
        self._forget(evidence.forget, kept.evidence)
        self._tidy_evidence()
        if time.monotonic() - self._deliveries_cleaned >= _DAY_SECONDS:
            self._deliveries_cleaned = time.monotonic()
            self._forget_deliveries(kept.deliveries)
        return self._forget_audit(kept.audit)

    def _forget(self, forget: Callable[..., int], days: int) -> None:
        """Remove rows older than this many days, in small steps."""
        before, gone = now() - days * _DAY, -1
        while days and gone and not self._stopping.is_set():
            with self._store.begin(in_passing=True) as tx:
                gone = forget(tx, before=before)

    def _tidy_evidence(self) -> None:
        """Remove expired evidence files. Their keys are already deleted."""
        try:
            while desk.tidy(self._store, self._evidence_files) and not self._stopping.is_set():
                pass
        except StoreOfFilesUnavailable as error:
            log.warning("evidence-files-wait reason=%s", error)

    def _forget_deliveries(self, days: int) -> None:
        """Go through the deliveries once and remove the old ones. Most stay, so the search takes no locks."""
        before, after = now() - days * _DAY, None
        while days and not self._stopping.is_set():
            with self._store.read() as tx:
                found = deliveries.superseded(tx, before=before, after=after)
            if found.keys:
                with self._store.begin(in_passing=True) as tx:
                    deliveries.remove(tx, found.keys)
            if found.next is None:
                return
            after = found.next

    def _forget_audit(self, days: int) -> int:
        if not days:
            return 0
        seal_all(self._store)
        before, removed = now() - days * _DAY, 0
        with self._store.read() as tx:
            chains = audit.chains(tx)
        for chain in chains:
            gone = -1
            while gone and not self._stopping.is_set():
                with self._store.begin(in_passing=True) as tx:
                    gone = audit.forget(tx, chain, before=before)
                removed += gone
        return removed

    def settle(self) -> int:
        """Settle the retraction receipts, and return how many were closed."""
        return settle(self._store)

    def forget_attempts(self) -> int:
        """Remove expired password attempts, and return how many rows."""
        with self._store.read() as tx:
            if not attempts.are_over(tx):
                return 0
        removed, gone = 0, -1
        while gone and not self._stopping.is_set():
            with self._store.begin(in_passing=True) as tx:
                gone = attempts.forget(tx)
            removed += gone
        return removed

    def _run(self) -> None:
        cleaned = -_SECONDS
        while True:
            if time.monotonic() - cleaned >= _SECONDS:
                cleaned = time.monotonic()
                self._try(self.clean, "audit-forgotten")
            self._try(self.settle, "receipts-settled")
            self._try(self.forget_attempts, "attempts-forgotten")
            self._try(self._dictionaries.train, "dictionaries-made")
            if self._stopping.wait(_MINUTE):
                return

    def _try(self, work: Callable[[], int], what: str) -> None:
        try:
            done = work()
            if done:
                log.info("%s rows=%s", what, done)
        except StoreUnavailable as error:
            log.warning("%s waits reason=%s", what, error)
        except Exception:  # retried the next time; the error is in the log
            log.exception("%s failure", what)


def settle(store: Store) -> int:
    """Settle the retraction receipts, and return how many were closed. With none to settle, nothing is written."""
    with store.read() as tx:
        if not receipts.to_settle(tx):
            return 0
    return receipts.settle_in_steps(store)
