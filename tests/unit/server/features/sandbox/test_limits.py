"""A partner's posts to its sandbox count like posts to the inbox."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.app import DIRECT_WRITES
from server.features.sandbox import answers, play
from server.operations.shared_writes import SharedWrites
from server.store import Store
from server.store.sandbox import runs
from server.web.taxii import add_objects
from server.web.taxii.envelope import Envelope
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas
from tests.unit.server.release.hubs import hub_on


def test_posts_above_the_daily_quota_are_not_processed(
    store: Store, bank: Partner, stix: Callable[..., list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, tried = hub_on(store), []
    monkeypatch.setattr(answers, "contribute", lambda *given: tried.append(given))
    with store.begin() as tx:
        play.start(tx, bank.name)
        sandbox = runs.collection_of(tx, bank.name)
    assert sandbox is not None
    body = json.dumps({"objects": [*stix("one.example.com"), *stix("two.example.com")]}).encode()
    with pytest.raises(TaxiiError) as refused:
        add_objects.add(
            SharedWrites(hub),
            bank,
            sandbox,
            Envelope(io.BytesIO(body), len(body), 10),
            DIRECT_WRITES,
            PartnerQuotas(objects_per_day=1),
        )
    assert refused.value.status == 429
    assert tried == []
