"""Two hubs compare their members over HTTP: both operators see the common ones, and nobody else can ask."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.tlog.notes import ED25519, VerifierKey
from server.features.federation.members import overlaps
from server.store import Store
from tests.integration.command import Run, answer
from tests.integration.peers import answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub

COMMON, LEI, ONLY_HERE, ONLY_THERE = "First Bank", "LEI:5493001KJTIIGC8Y1R12", "GB:00000006", "GB:00000007"


def vkey(host: str) -> str:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return str(VerifierKey(f"{host}/log", ED25519, public))


@dataclass
class Pair:
    """This hub, with a configuration in the folder of the commands, and the served peer."""

    run: Run
    folder: Path
    address: str
    tokens: dict[str, str]

    def here(self, *arguments: str) -> Any:
        return answer(self.run(*arguments, "--json"))

    def there(self, *arguments: str) -> Any:
        return answer(self.run("--config", str(self.folder / "there.toml"), *arguments, "--json"))


@pytest.fixture
def pair(run: Run, initial_store: Path, tmp_path: Path) -> Iterator[Pair]:
    for name in ("here", "there"):
        shutil.copy(initial_store, tmp_path / f"{name}.db")
    port = free_port()
    token = tmp_path / "token"
    here = {"name": "Hub There", "key": vkey("there.example"), "url": f"http://127.0.0.1:{port}/feed/"}
    there = {"name": "Hub Here", "key": vkey("here.example")}
    settings = {"allow_private": "true", "token": f'{{ file = "{token}" }}'}
    table = "".join(f"{name} = {value}\n" for name, value in settings.items())
    for name, peer, more in (("scamfeed", here, table), ("there", there, "")):
        store = f"sqlite:///{tmp_path / ('here' if name == 'scamfeed' else name)}.db"
        tables = "".join(f"{key} = {json.dumps(value)}\n" for key, value in peer.items())
        (tmp_path / f"{name}.toml").write_text(f'database_url = "{store}"\n[[peer]]\n{tables}{more}')
    found = Pair(run, tmp_path, f"http://127.0.0.1:{port}", {})
    for name in ("Hub Here", "A Bank"):
        found.tokens[name] = found.there("partner", "add", name, "--kind", "research")["token"]
    token.write_text(found.tokens["Hub Here"])
    token.chmod(0o600)
    log = tmp_path / "log"
    served = {"database_url": f"sqlite:///{tmp_path}/there.db", "peer": [there]}
    with answering(Forked(serve_hub, served, port, 1, 4, log=log), port, log):
        yield found


def test_both_operators_see_the_common_members(pair: Pair) -> None:
    for hub, number in ((pair.here, ONLY_HERE), (pair.there, ONLY_THERE)):
        for name in (COMMON, "Other Bank", "Nameless"):
            hub("partner", "add", name, "--kind", "bank")
        hub("partner", "register", COMMON, LEI)
        hub("partner", "register", "Other Bank", number)
    found = pair.here("peer", "overlap", "Hub There")
    assert [(each["partners"], each["numbers"], each["linked"]) for each in found["common"]] == [
        ([COMMON], [LEI], False)
    ]
    assert (found["unlinked"], found["not_compared"]) == (1, ["nameless"])
    # The bank links at both hubs; the comparison proves it, and shows it there too.
    secret = pair.folder / "secret"
    secret.write_text("5c" * 32 + "\n")
    secret.chmod(0o600)
    for hub in (pair.here, pair.there):
        done = hub("partner", "link", COMMON, "--secret-file", str(secret))
        assert "reported at several" in done["reveals"]
    found = pair.here("peer", "overlap", "there.example/log")
    assert (found["unlinked"], found["common"][0]["linked"]) == (0, True)
    with closing(Store.open(f"sqlite:///{pair.folder}/there.db")) as store, store.read() as tx:
        assert overlaps.find(tx, "here.example/log").members == {COMMON.casefold(): True}


def test_only_peers_may_compare_and_only_a_few_times_a_day(pair: Pair) -> None:
    url = f"{pair.address}/api/hub-reports/overlap"
    bank, peer = ({"Authorization": f"Bearer {pair.tokens[name]}"} for name in ("A Bank", "Hub Here"))
    assert requests.post(url, json={"blinded": ""}, timeout=60).status_code == 401
    hidden = requests.post(url, json={"blinded": ""}, headers=bank, timeout=60)
    absent = requests.post(f"{pair.address}/api/hub-reports/nowhere", json={}, headers=bank, timeout=60)
    assert hidden.status_code == absent.status_code == 404
    assert requests.post(url, json={"blinded": "AAAA"}, headers=peer, timeout=60).status_code == 422
    full = {"blinded": "A" * (32 * 1_000 * 4 // 3)}
    statuses = [requests.post(url, json=full, headers=peer, timeout=60).status_code for _ in range(4)]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    many = {"numbers": ["x"] * 1_001, "links": []}
    assert requests.post(f"{url}/common", json=many, headers=peer, timeout=60).status_code == 422
    failed = pair.run("peer", "overlap", "Hub Nowhere")
    assert (failed.exit_code, "Hub There" in failed.output) == (2, True)
