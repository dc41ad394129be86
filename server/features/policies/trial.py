"""Trial of a policy: what other rules would change for the latest reports, found without writing."""

import time
from collections.abc import Sequence

from server.release.context import ReleaseContext, open_context
from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.release.publish.drafts import AlikeDrafts
from server.release.route.policy import Policy
from server.release.session import ReleaseSession
from server.release.trial import ListingsTrial, TrialResult
from server.store import log
from server.store.database.engine import Tx

MOST_REPORTS = 2_000
_AT_ONCE = 100


def try_policy(hub: Hub, tx: Tx, policy: Policy, *, most: int = MOST_REPORTS, seconds: float = 10.0) -> TrialResult:
    """Try a policy on the latest reported values, with the release engine; nothing is changed.

    Raises ``BadPolicy`` if it names an unknown collection.
    """
    policy.refuse_unknown(hub.facts.at(tx).shared)
    ends = time.monotonic() + seconds
    now = open_context(hub, tx)
    then = ReleaseContext(tx, now.at, now.facts, policy, AlikeDrafts(), now.peers, now.copies)
    keys = log.latest_of_type(tx, now.inbox, "indicator", most)
    trial, seen, done = ListingsTrial(now, then), set[str](), 0
    for start in range(0, len(keys), _AT_ONCE):
        if time.monotonic() > ends:
            break
        part = keys[start : start + _AT_ONCE]
        new = _subjects(now, part) - seen
        trial.look_at(new)
        seen |= new
        done += len(part)
    before, after = trial.before, trial.after
    return TrialResult(
        done,
        len(seen),
        trial.changed,
        dict(before),
        dict(after),
        trial.examples,
        is_whole=done == len(keys),
        unseen=sorted(_kinds_of_changes(now.policy, policy) - {subject.partition(":")[0] for subject in seen}),
    )


def _kinds_of_changes(now: Policy, then: Policy) -> set[str]:
    """Return the kinds in rules that only one of two policies has; a rule without kinds is for all."""
    changed = set(now.rules) ^ set(then.rules)
    return {kind for rule in changed for kind in rule.kinds}


def _subjects(context: ReleaseContext, keys: Sequence[str]) -> set[str]:
    session = ReleaseSession(context)
    session.loader.read(keys)
    known = (session.loader.known[key] for key in keys if key in session.loader.known)
    return set(filter(None, map(indicator_subject, known)))
