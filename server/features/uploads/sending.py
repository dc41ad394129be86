"""Contributes the rows of an upload, as ``scamfeed contribute`` does, some blocks in each transaction.

The transaction that stores the objects also stores the results of the rows, so that nothing is sent twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from feeds.mapping.contribute import items_of, judged
from feeds.mapping.options import Options
from feeds.mapping.preview import DUPLICATE, READY, rows_of
from feeds.mapping.rows import Duplicate, Mapped, Reject, grouped, new_values
from feeds.mapping.seen import SeenValues
from schemas import kinds
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import State, UnknownUpload, Upload
from server.features.uploads.operations import SendRows
from server.features.uploads.options import options_of
from server.features.uploads.rows import DraftRow, RowBlock
from server.operations.run import run
from server.release import batches
from server.release.contribute import prepare_all
from server.release.hub import Hub
from server.settings import Settings
from server.store import partners
from server.store.database.times import now
from server.store.partners import UnknownPartner
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas

# Blocks contributed in one transaction while nobody else waits to write.
_BLOCKS = 10
_AGAIN = 60 * 1_000_000
_SECOND = 1_000_000
_DONE = (READY, DUPLICATE)
_TOO_MANY = 429
NOT_ALLOWED = "your partner may not contribute to this hub at present; ask the operator"


class _Position(NamedTuple):
    """A row of the blocks of a batch."""

    block: int
    position: int


class UploadSender:
    """Contributes one leased upload batch by batch."""

    def __init__(self, hub: Hub, upload: Upload, settings: Settings) -> None:
        """Continue after the last batch that was stored."""
        self._hub = hub
        self._upload = upload
        self._quotas = PartnerQuotas(objects_per_day=settings.quota_objects_per_day)
        self._timezone = settings.timezone
        self._seen: SeenValues | None = None
        self._done = upload.done
        self._most = _BLOCKS

    def send_some(self) -> bool:
        """Contribute the next rows; return whether some are left for this worker."""
        store, upload = self._hub.store, self._upload
        with store.read() as tx:
            try:
                partner = partners.get(tx, upload.partner)
            except UnknownPartner:
                partner = None
            most = max(1, batches.at_once(store, _BLOCKS * rows.BLOCK) // rows.BLOCK)
            found = rows.blocks(tx, upload, self._done, min(most, self._most))
        if partner is None:
            return self._stop(NOT_ALLOWED)
        if self._seen is None:
            self._seen = self._sent_before()
        options = options_of(upload, partner, self._timezone)
        outcomes = list(_outcomes(found, options, self._seen))
        mapped = [outcome for _, outcome in outcomes if isinstance(outcome, Mapped)]
        items = items_of(options, mapped) if mapped else []
        operation = SendRows(
            partner=partner,
            upload=upload,
            start=self._done,
            blocks=tuple(found),
            parts=list(prepare_all(self._hub, items)),
            judge=lambda unpublished: [
                (tuple(place), judged(outcome, upload.name, unpublished)) for place, outcome in outcomes
            ],
        )
        try:
            sent = run(
                self._hub,
                operation,
                upload.actor,
                check=inbox_check(self._quotas, partner, len(items)) if items else None,
            )
        except TaxiiError as error:
            if error.status == _TOO_MANY and len(found) > 1:
                # The rest of the quota may have room for a single block; its values are new once more.
                self._most, self._seen = 1, None
                return True
            return self._refused(error)
        except (UnknownUpload, drafts.UploadChanged):
            return False
        self._done = sent.done
        return not sent.is_over

    def _refused(self, error: TaxiiError) -> bool:
        """Wait where a quota is used up; end where the partner may not contribute."""
        if error.status not in (_TOO_MANY, 503):
            return self._stop(NOT_ALLOWED)
        wait = next((int(text) * _SECOND for name, text in error.headers if name == "Retry-After"), _AGAIN)
        # Looks again soon, because the quota may be raised.
        return self._leave({"waits": now() + wait}, lease=now() + min(wait, _AGAIN))

    def _stop(self, error: str) -> bool:
        return self._leave({"error": error}, state=State.READY, lease=0)

    def _leave(self, changes: Mapping[str, Any], **values: Any) -> bool:
        """End the lease and change parts of the report, unless it was discarded or has another worker by now."""
        with self._hub.store.begin(in_passing=True) as tx, suppress(UnknownUpload):
            report = msgspec.structs.replace(drafts.find(tx, self._upload.id).report, **changes)
            drafts.renew(tx, self._upload, report=report, holder="", **values)
        return False

    def _sent_before(self) -> SeenValues:
        """Return the values of the batches that an earlier worker contributed."""
        seen, start = SeenValues(), 0
        while start < self._done:
            with self._hub.store.read() as tx:
                found = rows.blocks(tx, self._upload, start, _BLOCKS)
            for block in found:
                for row in block.rows if block.number < self._done else ():
                    if row.value and row.kind in kinds.every():
                        seen.add(row.kind, kinds.get(row.kind).key(row.value))
            start = found[-1].number + 1 if found else self._done
        return seen


def _outcomes(
    blocks: Sequence[RowBlock], options: Options, seen: SeenValues
) -> Iterator[tuple[_Position, Mapped | Duplicate | Reject]]:
    """Yield the outcome of each row that is to be contributed, with its place in the blocks."""
    places: list[_Position] = []
    chosen: list[DraftRow] = []
    for number, block in enumerate(blocks):
        for position, row in enumerate(block.rows):
            if row.state in _DONE:
                places.append(_Position(number, position))
                chosen.append(row)
    outcomes = new_values(grouped(rows_of(chosen), "", options), seen, options.profile)
    yield from zip(places, outcomes, strict=True)
