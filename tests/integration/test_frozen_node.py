"""A node frozen in the middle of a large POST delays no other node for more than five seconds."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from mappers import ids
from schemas.partner import Partner as PartnerRecord, PartnerKind
from server.setup import set_up
from server.store import Store, collections, partners
from tests.failover.hubs import TAXII, Hub, indicator
from tests.postgres import Postgres

pytestmark = pytest.mark.long

SIZE, ROUNDS = 1_500, 8
# Five seconds, plus the response time on a busy machine.
LONGEST_SECONDS = 7.0


class Contributor:
    """A partner that posts to one node."""

    def __init__(self, name: str, token: str, hub: Hub) -> None:
        self.identity = ids.identity(name)
        self.answers: list[int] = []
        self._token, self._hub = token, hub

    def post(self, values: list[str]) -> float:
        """Report values, and return the seconds until the response."""
        body = json.dumps({"objects": [indicator(value, self.identity) for value in values]})
        headers = {"Authorization": f"Bearer {self._token}", "Accept": TAXII, "Content-Type": TAXII}
        began = time.monotonic()
        url = f"{self._hub.url}/feed/collections/inbox/objects/"
        answer = requests.post(url, data=body, headers=headers, timeout=120)
        self.answers.append(answer.status_code)
        return time.monotonic() - began


@pytest.fixture
def nodes(postgres: Postgres, tmp_path: Path) -> Iterator[list[Contributor]]:
    """Serve one hub on two nodes, and yield a partner for each."""
    name = postgres.database()
    store = Store.open(postgres.url(name))
    set_up(store)
    tokens = {}
    with store.begin() as tx:
        for partner in ("Frozen", "Other"):
            record = PartnerRecord(name=partner, kind=PartnerKind.BANK, country="TH", identity=ids.identity(partner))
            tokens[partner] = partners.add(tx, record).token
            collections.grant(tx, partner, collections.get(tx, "inbox"), write=True)
    store.close()
    hubs = [Hub(postgres.url(name), tmp_path / f"hub-{number}.log") for number in (1, 2)]
    try:
        deadline = time.monotonic() + 60
        while not all(hub.is_ready() for hub in hubs):
            assert time.monotonic() < deadline, [path.read_text()[-2000:] for path in tmp_path.glob("hub-*.log")]
            time.sleep(0.2)
        yield [Contributor(partner, token, hub) for (partner, token), hub in zip(tokens.items(), hubs, strict=True)]
    finally:
        for hub in hubs:
            hub.stop()
        postgres.drop(name)


def test_node_frozen_in_a_post_delays_no_other_for_more_than_five_seconds_on_postgresql(
    nodes: list[Contributor],
) -> None:
    frozen, other = nodes
    whole = frozen.post([f"first{number}.example.com" for number in range(SIZE)])
    waits = []
    for turn in range(ROUNDS):
        values = [f"turn{turn}-{number}.example.com" for number in range(SIZE)]
        posting = threading.Thread(target=frozen.post, args=(values,))
        posting.start()
        time.sleep(whole * (turn + 0.5) / ROUNDS)
        frozen._hub.freeze()
        try:
            assert other._hub.is_ready()
            # Values of the frozen node's open request, and values that it does not use.
            waits.append((other.post([values[0], values[-1]]), other.post([f"free{turn}.example.com"])))
        finally:
            frozen._hub.thaw()
        posting.join(120)
    print(f"a POST takes {whole:.1f} s; others waited {[round(max(pair), 1) for pair in waits]}")  # noqa: T201
    assert set(other.answers) == {202}
    assert set(frozen.answers) <= {202, 503}
    assert max(held for held, _ in waits) < LONGEST_SECONDS
    # The same values are accepted again, regardless of the first response.
    assert frozen.post([f"turn{ROUNDS - 1}-{number}.example.com" for number in range(SIZE)]) < 120
    assert frozen.answers[-1] == 202
