"""This hub as a witness for the logs of other hubs: C2SP tlog-witness, ``POST /witness/add-checkpoint``."""

import time
from collections.abc import Callable
from typing import Any

from schemas.ledger.checkpoints import Checkpoint, open_checkpoint
from schemas.ledger.errors import BadFormat, BadProof
from schemas.ledger.notes import SignedNote
from schemas.ledger.proofs import CheckpointAddition
from schemas.partner import Partner
from server.api.ledger.openapi import witness_description
from server.api.limits import AddressQuota
from server.release.ledger.keys import BadLedgerKey, LedgerKeys
from server.store import Store
from server.store.ledger import witnesses
from server.store.ledger.witnesses import OtherHub, OutOfDate
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.other_endpoints import Description, OtherRequest
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PATH = "/witness/add-checkpoint"

_ROUTE = "witness"
_MOST_BYTES = 64 * 1024
_TEXT, _SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_ALLOW = ("Allow", "OPTIONS, POST")
_UNKEPT = ("Cache-Control", "no-store")
_BUSY_SECONDS = 5
# Of one address: two hubs with some hundred logs each need no more.
_A_MINUTE = 600


class WitnessEndpoint:
    """The endpoint of one application."""

    def __init__(self, store: Store, keys: Callable[[], LedgerKeys]) -> None:
        """Record in ``store`` what is cosigned by the witness's key of ``keys``."""
        self._store = store
        self._keys = keys
        self._addresses = AddressQuota(_A_MINUTE)

    def describe(self) -> Description:
        """Describe this endpoint for clients."""
        return witness_description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is this one."""
        return OtherRequest(_ROUTE, "", environ) if environ["PATH_INFO"].rstrip("/") == PATH else None

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request: the signature says from whom it is."""
        return True

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body may have."""
        return _MOST_BYTES if request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have. Raises ``TaxiiError``."""
        if request.method not in ("POST", "OPTIONS"):
            raise TaxiiError("method-not-allowed", (_ALLOW,))

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Cosign a checkpoint that follows from the last one of its log. Raises ``TaxiiError`` and ``NotFast``."""
        if request.method == "OPTIONS":
            return TaxiiResponse(200, headers=(_ALLOW,), content_type=JSON)
        if store.is_fast:
            raise NotFast
        self._addresses.spend(remote)
        with received(request.environ, _MOST_BYTES) as (body, _):
            data = body.read()
        try:
            addition = CheckpointAddition.parse(data)
            checkpoint = Checkpoint.parse(SignedNote.parse(addition.checkpoint).text)
        except BadFormat as error:
            raise TaxiiError("not-a-checkpoint", problem=error) from None
        hub = self._hub_of(checkpoint)
        try:
            open_checkpoint(addition.checkpoint, [hub.key])
        except BadProof:
            raise TaxiiError("not-signed") from None
        if addition.old > checkpoint.size:
            raise TaxiiError("not-a-checkpoint", problem="the old size is larger than the new one")
        return self._cosign(hub, checkpoint, addition)

    def _hub_of(self, checkpoint: Checkpoint) -> OtherHub:
        with self._store.read() as tx:
            hub = witnesses.hub_of(tx, checkpoint.origin)
        if hub is None:
            raise TaxiiError("not-found")
        return hub

    def _cosign(self, hub: OtherHub, checkpoint: Checkpoint, addition: CheckpointAddition) -> TaxiiResponse:
        try:
            witness = self._keys().witness
        except BadLedgerKey:
            raise retry_later("busy", _BUSY_SECONDS) from None
        try:
            # It is stored before it is signed.
            with self._store.begin() as tx:
                witnesses.follow(tx, hub.name, checkpoint, addition.old, addition.hashes)
        except OutOfDate as error:
            return TaxiiResponse(409, f"{error.size}\n".encode(), (_UNKEPT,), _SIZE)
        except BadProof as error:
            raise TaxiiError("does-not-follow", problem=error) from None
        line = witness.sign(checkpoint.text, int(time.time()))
        return TaxiiResponse(200, str(line).encode(), (_UNKEPT,), _TEXT)
