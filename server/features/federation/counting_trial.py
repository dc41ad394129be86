"""Trial of another way to count a peer: the listings that would change, found without writing."""

import time
from dataclasses import replace

from sqlalchemy import select

from server.features.federation.tables import hub_reports
from server.release.context import ReleaseContext, open_context
from server.release.hub import Hub
from server.release.peers import CountWord, PeerHub
from server.release.publish.drafts import AlikeDrafts
from server.release.trial import ListingsTrial, TrialResult
from server.store.database.engine import Tx

MOST_REPORTS = 2_000
_AT_ONCE = 100
_report = hub_reports.c


def try_count(
    hub: Hub, tx: Tx, peer: PeerHub, count: CountWord, *, most: int = MOST_REPORTS, seconds: float = 60.0
) -> TrialResult:
    """Try to count a peer in another way, on the values of its latest hub reports; nothing is changed."""
    ends = time.monotonic() + seconds
    now = open_context(hub, tx)
    peers = tuple(replace(other, count=count) if other == peer else other for other in now.peers)
    then = ReleaseContext(tx, now.at, now.facts, now.policy, AlikeDrafts(), peers, now.copies)
    subjects, trial, done = _latest(tx, peer.origin, most), ListingsTrial(now, then), 0
    for start in range(0, len(subjects), _AT_ONCE):
        if time.monotonic() > ends:
            break
        part = subjects[start : start + _AT_ONCE]
        trial.look_at(set(part))
        done += len(part)
    return TrialResult(
        len(subjects),
        done,
        trial.changed,
        dict(trial.before),
        dict(trial.after),
        trial.examples,
        is_whole=done == len(subjects),
    )


def _latest(tx: Tx, origin: str, most: int) -> list[str]:
    """Return the values of the latest reports of an origin, each once."""
    asked = select(_report.subject).where(_report.origin == origin, _report.subject != "")
    return list(dict.fromkeys(tx.execute(asked.order_by(_report.number.desc()).limit(most)).scalars()))
