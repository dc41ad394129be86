"""Make the sets of private matching from the log, and keep them current in the background.

A set has the listed values of its collection: a value that is delisted, or expires, is removed in the next version.
Several processes may try; one process at a time continues a set.
"""

import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from mappers.listing import listing_of
from schemas import timestamp
from schemas.api.lookup import Listing, current
from schemas.api.matching import EPOCH_SECONDS, MatchedListing, MatchOutput, input_of, key_info, matched, seal, unseal
from schemas.errors import Rejected
from schemas.vocabulary import Action
from server.features.matching.evaluation import Evaluation, EvaluationBusy
from server.features.matching.keys import MatchKeys
from server.features.matching.tag_list import TagList
from server.store import Store, StoreUnavailable, Tx
from server.store.collections import Collection
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from server.store.matching.match_sets import MatchRow, MatchSet

log = logging.getLogger(__name__)

_SECOND = 1_000_000
_PAUSE_SECONDS = 5.0
_ROWS_AT_ONCE = 1_000
# The set of the next key is made this long before its epoch.
_AHEAD_SECONDS = 2 * 86_400
# Changes are kept for this long; a partner that was away for longer reads all tags.
_CHANGES_SECONDS = 2 * 86_400
# An unchanged set is confirmed as current at this interval.
_ISSUE_SECONDS = 60
_STRENGTH: Mapping[str, int] = {action: place for place, action in enumerate(Action)}


def epoch_of(moment: int) -> int:
    """Return the epoch of a moment (microseconds)."""
    return moment // (EPOCH_SECONDS * _SECOND)


class SetMaker:
    """Makes the sets of all collections that any partner may match against, and keeps them current."""

    def __init__(self, store: Store, evaluation: Evaluation) -> None:
        """Read the log of ``store``, and evaluate its values with ``evaluation``."""
        self._store = store
        self._evaluation = evaluation
        self._holder = secrets.token_hex(8)
        self._tags: dict[tuple[int, int], TagList] = {}
        self._keys = MatchKeys(evaluation)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="match-sets", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after its present batch."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def make(self) -> None:
        """Bring all sets up to the end of the log, and remove those that are no longer needed.

        Raises ``EvaluationBusy`` and ``StoreUnavailable``.
        """
        moment = now()
        present, next_ = epoch_of(moment), epoch_of(moment + _AHEAD_SECONDS * _SECOND)
        with self._store.read() as tx:
            wanted = match_grants.matched_collections(tx)
            gone = match_grants.abandoned(tx)
            gone += [
                (collection.number, epoch)
                for collection in wanted
                for epoch in match_sets.other_epochs(tx, collection.number, [present, next_])
            ]
        epochs = sorted({present, next_})
        if not self._keys.register(self._store, lambda: self._is_replaced(wanted, epochs)):
            log.error("match-seed is not the newest: another seed took its place, and this process makes no sets")
            return
        for collection in wanted:
            for epoch in epochs:
                if not self._stopping.is_set():
                    self._bring_up(collection, epoch)
        for number, epoch in gone:
            self._tags.pop((number, epoch), None)
            self._remove(number, epoch)

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                self.make()
            except (StoreUnavailable, EvaluationBusy) as error:
                log.warning("match-sets wait reason=%s", type(error).__name__)
            except Exception:  # logged; the next round may succeed
                log.exception("match-sets failure")

    def _bring_up(self, collection: Collection, epoch: int) -> None:
        info = key_info(collection.id, epoch)
        public = self._evaluation.public_key(info)
        with self._store.read() as tx:
            found = match_sets.find(tx, collection.number, epoch)
        if found is None or found.public != public:
            found = self._begin(collection, epoch, public)
        version = max(now(), found.version + 1)
        while not self._stopping.is_set():
            with self._store.read() as tx:
                changed = match_sets.changed_values(tx, collection.log, found.read_up_to, _ROWS_AT_ONCE)
            if changed.read_up_to == found.read_up_to:
                break
            read_on = self._read_on(found, info, changed.bodies, changed.read_up_to, version)
            if read_on is None:
                # Another process is working on it.
                return
            found = read_on
        else:
            return
        self._finish(found, version)

    def _is_replaced(self, wanted: Sequence[Collection], epochs: Sequence[int]) -> bool:
        """Return whether any of the sets was made with another seed."""
        with self._store.read() as tx:
            made = [
                (match_sets.find(tx, collection.number, epoch), collection) for collection in wanted for epoch in epochs
            ]
        return any(
            found is not None and found.public != self._evaluation.public_key(key_info(collection.id, found.epoch))
            for found, collection in made
        )

    def _begin(self, collection: Collection, epoch: int, public: bytes) -> MatchSet:
        with self._store.begin() as tx:
            found = match_sets.find(tx, collection.number, epoch)
            if found is None or found.public != public:
                match_sets.begin(tx, collection.number, epoch, public)
                found = match_sets.find(tx, collection.number, epoch)
        log.info("match-set begun collection=%s epoch=%s", collection.id, epoch)
        assert found is not None  # noqa: S101 - it was written a moment ago
        return found

    def _read_on(
        self, found: MatchSet, info: bytes, bodies: Mapping[str, Sequence[bytes]], read_up_to: int, version: int
    ) -> MatchSet | None:
        """Write the changes of a range of the log; return None if another process holds the set."""
        with self._store.begin() as tx:
            if not match_sets.hold(tx, found, self._holder):
                return None
        at = datetime.fromtimestamp(now() / _SECOND, UTC)
        listed = {name: _listing(listing, at) for name, listing in bodies.items()}
        outputs = self._evaluation.outputs(info, [input_of(name) for name in listed])
        wanted = dict(zip(outputs, listed.values(), strict=True))
        with self._store.begin() as tx:
            if not match_sets.hold(tx, found, self._holder):
                return None
            rows = _changed_rows(tx, found, wanted, version)
            match_sets.write(tx, found, rows)
            after = found._replace(read_up_to=read_up_to, changed=found.changed or bool(rows))
            match_sets.save(tx, after)
        return after

    def _finish(self, found: MatchSet, version: int) -> None:
        """Remove expired values, and serve the next version if the set has changed."""
        moment = now()
        with self._store.read() as tx:
            has_ended = bool(match_sets.ended(tx, found, moment, 1))
        if not has_ended and not found.changed and moment - found.issued < _ISSUE_SECONDS * _SECOND:
            return
        with self._store.begin() as tx:
            if not match_sets.hold(tx, found, self._holder):
                return
            while ended := match_sets.ended(tx, found, moment, _ROWS_AT_ONCE):
                match_sets.write(tx, found, [row._replace(removed=version) for row in ended])
                found = found._replace(changed=True)
            match_sets.save(tx, found)
        if found.changed:
            found = found._replace(version=version, kept_from=found.kept_from or version, changed=False)
            known = self._tags.setdefault((found.collection, found.epoch), TagList())
            with self._store.read() as tx:
                tags = known.read(tx, found)
            found = found._replace(size=len(tags), bits=tags.bits(), sha256=tags.digest())
            log.info("match-set made collection=%s epoch=%s size=%s", found.collection, found.epoch, found.size)
        oldest = moment - _CHANGES_SECONDS * _SECOND
        with self._store.begin() as tx:
            if not match_sets.hold(tx, found, self._holder):
                return
            if match_sets.forget(tx, found, oldest, _ROWS_AT_ONCE):
                found = found._replace(kept_from=max(found.kept_from, oldest))
            match_sets.save(tx, found._replace(issued=moment))
            match_sets.let_go(tx, found, self._holder)

    def _remove(self, number: int, epoch: int) -> None:
        gone = False
        while not gone and not self._stopping.is_set():
            with self._store.begin() as tx:
                gone = match_sets.remove(tx, number, epoch, most=_ROWS_AT_ONCE)


def _listing(bodies: Sequence[bytes], at: datetime) -> Listing | None:
    """Return the strongest listing of a value that has not expired."""
    found: list[Listing] = []
    for body in bodies:
        try:
            listing = listing_of(msgspec.json.decode(body), "")
        except Rejected:
            continue
        if listing is not None and (listing := current(listing, at)) is not None:
            found.append(listing)
    return min(found, key=lambda listing: _STRENGTH[listing.grade], default=None)


def _changed_rows(
    tx: Tx, found: MatchSet, wanted: Mapping[MatchOutput, Listing | None], version: int
) -> list[MatchRow]:
    """Return the rows that differ from the wanted listings of these values."""
    stored = match_sets.rows(tx, found, [output.row_name for output in wanted])
    changed = []
    for output, listing in wanted.items():
        row = stored.get(output.row_name)
        if listing is None:
            if row is not None and row.removed is None:
                changed.append(row._replace(removed=version))
            continue
        listed, ends = matched(listing), _ends(listing)
        if row is None or row.removed is not None:
            # A value removed after the served version was never missing for any reader.
            stays = row is not None and row.removed is not None and row.removed > found.version
            added = row.added if row is not None and stays else version
            changed.append(MatchRow(output.row_name, seal(output, listed), ends, added, None))
        elif _sealed_listing(output, row) != listed or row.ends != ends:
            changed.append(row._replace(sealed=seal(output, listed), ends=ends))
    return changed


def _sealed_listing(output: MatchOutput, row: MatchRow) -> MatchedListing:
    return unseal(output, bytes(row.sealed))


def _ends(listing: Listing) -> int | None:
    end = listing.valid_until
    return None if end is None else int(timestamp.parse(end).timestamp() * _SECOND)
