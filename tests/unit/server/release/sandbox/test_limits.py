"""What a partner sends to its sandbox counts as what it sends to the inbox."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release.sandbox import answers, play
from server.store import Store
from server.store.sandbox import runs
from server.taxii import add_objects
from server.taxii.envelope import Envelope
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from tests.unit.server.release.hubs import hub_on


def test_what_is_too_much_for_the_day_is_not_even_tried(
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
        add_objects.add(hub, bank, sandbox, Envelope(io.BytesIO(body), len(body), 10), PartnerQuotas(objects_per_day=1))
    assert refused.value.status == 429
    assert tried == []
