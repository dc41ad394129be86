"""The response time does not reveal whether other partners have a value listed."""

import json
import time
from statistics import median

import pytest

from tests.integration.api.conftest import ApiHub

_VALUES, _TURNS = 60, 20


@pytest.mark.long
def test_hidden_value_takes_as_long_as_an_unknown_one(hub: ApiHub) -> None:
    for number in range(_VALUES):
        hub.report("bank", f"hidden{number}.example.com", "domain")
    times: dict[str, list[float]] = {"hidden": [], "nobody": []}
    for turn in range(_TURNS):
        for number in range(_VALUES):
            # Alternate the order, so that each comes first equally often.
            for name in ("hidden", "nobody") if (turn + number) % 2 else ("nobody", "hidden"):
                body = json.dumps({"values": [{"value": f"{name}{number}.example.com", "kind": "domain"}]}).encode()
                start = time.process_time()
                status, _, answer = hub.ask("POST", "/api/lookup", "stranger", body)
                times[name].append(time.process_time() - start)
                assert status == 200
                assert b'"found":false' in answer
    assert median(times["hidden"]) == pytest.approx(median(times["nobody"]), rel=0.05)
