"""``python -m benchmarks.storm``: partners contradict each other about the same values while nodes are killed.

Eight partners report, change, retract, sight and dispute a few thousand values, in batches in random order, through two
nodes on one database. Workers and nodes are killed with SIGKILL. Two readers page on from their last positions. At the
end every acknowledged object must be stored. No reader may have missed an object or read it twice. The audit trail must
be complete, the database must not have aborted a transaction for a deadlock, and every response must have been 202 or
503. Otherwise the exit status is 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import requests

from benchmarks.release.hub import INBOX, Contributor, furnish
from benchmarks.running import await_port, free_port
from mappers import ids
from server.store import Store, audit, collections, inbox, partners
from tests.postgres import Postgres

TAXII = "application/taxii+json;version=2.1"
READ = ("takedown-full", "public")
_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
# The statements of sessions that PostgreSQL aborted.
_GIVEN_UP = ("deadlock detected", "could not serialize", "duplicate key value")


class Node:
    """A server with two workers, which can be killed and restarted."""

    def __init__(self, url: str, log: Path) -> None:
        self.port, self._url, self._log = free_port(), url, log
        self.begin()

    def begin(self) -> None:
        """Start it, and wait until it responds."""
        env = {
            **os.environ,
            "SCAMFEED_DATABASE_URL": self._url,
            "SCAMFEED_ACCESS_LOG": "off",
            "SCAMFEED_ENDS_PER_DAY": "0",
            # Its partners block thousands of values in an hour.
            "SCAMFEED_BURST": "0",
        }
        command = [sys.executable, "-m", "server.cli", "serve", "--port", str(self.port)]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
        await_port(self.port)

    def kill(self, chance: random.Random) -> str:
        """Kill one worker, or the whole node, which is then restarted."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if children and chance.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(int(chance.choice(children)), signal.SIGKILL)
            return "worker"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)
        time.sleep(0.2)
        self.begin()
        return "node"

    def end(self) -> None:
        """Shut it down cleanly."""
        self._process.terminate()
        self._process.wait(60)


class Storm:
    """State shared by all threads."""

    def __init__(self, url: str, nodes: list[Node], values: int, largest: int) -> None:
        self.url, self.nodes, self.values, self.largest = url, nodes, values, largest
        self.stopping, self.ended = threading.Event(), threading.Event()
        self.contributed = 0
        self.answers: Counter[str] = Counter()
        self.times: list[float] = []
        self.acknowledged: dict[tuple[str, str], str] = {}

    def ask(self, session: requests.Session, method: str, path: str, **more: Any) -> requests.Response | None:
        """Send a request to any node; return None if the node died or has no database."""
        try:
            node = random.choice(self.nodes)  # noqa: S311 - spreads load, guards nothing
            answer = session.request(method, f"http://127.0.0.1:{node.port}{path}", timeout=60, **more)
            answer.content  # noqa: B018 - a truncated response counts as none
        except requests.RequestException:
            return None
        self.answers[f"{method} {answer.status_code}"] += 1
        return None if answer.status_code == 503 else answer


def write(storm: Storm, name: str, identity: str, login: str, seed: int) -> None:
    """Contribute until stopped; repeat every request without a response unchanged."""
    chance, session, said = random.Random(seed), _session(login), dict[str, dict[str, Any]]()  # noqa: S311
    while not storm.stopping.is_set():
        size = chance.choice((1, 1, 1, 5, 50, storm.largest))
        body = {obj["id"]: obj for obj in (_object(chance, identity, storm.values, said) for _ in range(size))}
        # In random order: partners do not sort their values.
        objects = sorted(body.values(), key=lambda obj: (obj["type"] != "indicator", chance.random()))
        sent = orjson.dumps({"objects": objects})
        begun = time.perf_counter()
        while (answer := storm.ask(session, "POST", INBOX, data=sent)) is None:
            time.sleep(0.05)
        storm.times.append(time.perf_counter() - begun)
        if answer.status_code != 202:
            storm.answers[f"{answer.status_code}: {answer.text[:200]}"] += 1
            continue
        told = answer.json()
        storm.contributed += len(objects)
        for failure in told.get("failures", ()):
            storm.answers[f"refused: {failure.get('message', '')[:60]}"] += 1
        for each in (*told.get("successes", ()), *told.get("pendings", ())):
            key = (name, each["id"])
            storm.acknowledged[key] = max(each["version"], storm.acknowledged.get(key, ""))


def _object(chance: random.Random, identity: str, values: int, said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    number, now = chance.randrange(values), _now()
    id_ = f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, f'{identity} {number}')}"
    common = {"spec_version": "2.1", "created_by_ref": identity, "created": now, "modified": now}
    if chance.random() < 0.1:
        type_ = chance.choice(("sighting", "opinion", "note"))
        about = {
            "sighting": {"sighting_of_ref": id_, "count": 1},
            "opinion": {"object_refs": [id_], "opinion": chance.choice(("agree", "disagree"))},
            "note": {"object_refs": [id_], "content": "Seen."},
        }[type_]
        return {"type": type_, "id": f"{type_}--{uuid.uuid4()}", **common, **about, "object_marking_refs": [_GREEN]}
    before = said.get(id_)
    if before is not None and before.get("revoked"):
        id_ = f"indicator--{uuid.uuid4()}"
        before = None
    said[id_] = {
        "type": "indicator",
        "id": id_,
        **common,
        "created": now if before is None else before["created"],
        "pattern": f"[domain-name:value = 'storm-{number}.shop']",
        "pattern_type": "stix",
        "valid_from": now if before is None else before["valid_from"],
        "confidence": chance.randrange(30, 100),
        # A version without changes would not be stored.
        "description": f"Seen for the {chance.getrandbits(40)}th time.",
        "object_marking_refs": [_CLEAR if number % 5 == 0 else _GREEN],
        **({"revoked": True} if before is not None and chance.random() < 0.2 else {}),
    }
    return said[id_]


class Reader:
    """A partner that pages on from its last position, and stores the objects it reads."""

    def __init__(self, storm: Storm, login: str) -> None:
        self._storm, self._session = storm, _session(login)
        self.given: dict[str, list[tuple[str, str]]] = {alias: [] for alias in READ}
        self._since: dict[str, str] = {}

    def run(self) -> None:
        """Read until all writers have ended, and then once more to the end."""
        while True:
            last = self._storm.ended.wait(0.1)
            for alias in READ:
                while self._page(alias):
                    pass
            if last:
                return

    def _page(self, alias: str) -> bool:
        """Read one page; return whether there may be more."""
        since = f"&added_after={self._since[alias]}" if alias in self._since else ""
        path = f"/feed/collections/{alias}/objects/?limit=500&match[version]=all{since}"
        answer = self._storm.ask(self._session, "GET", path)
        if answer is None or answer.status_code != 200:
            time.sleep(0.05)
            return True
        page = answer.json()
        self.given[alias] += [(obj["id"], obj.get("modified", "")) for obj in page.get("objects", [])]
        self._since[alias] = answer.headers.get("X-TAXII-Date-Added-Last", self._since.get(alias, ""))
        if not self._since[alias]:
            del self._since[alias]
        return bool(page.get("more"))


def _session(login: str) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Authorization": login, "Accept": TAXII, "Content-Type": TAXII})
    return session


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def missing(storm: Storm) -> list[str]:
    """Return the acknowledged objects whose version is not in the inbox."""
    store = Store.open(storm.url)
    lost = []
    with store.read() as tx:
        spaces = partners.load_registry(tx).spaces
        for name in {name for name, _ in storm.acknowledged}:
            mine = {id_: version for (owner, id_), version in storm.acknowledged.items() if owner == name}
            found = inbox.of_partner(tx, spaces[name], mine)
            lost += [
                f"{name} {id_} {version}, but {orjson.loads(found[id_].body) if id_ in found else None}"
                for id_, version in mine.items()
                if id_ not in found or orjson.loads(found[id_].body)["modified"] < version
            ]
        lost += [f"audit: {broken}" for broken in audit.verify(tx)]
    store.close()
    return lost


def faults(storm: Storm, readers: list[Reader]) -> list[str]:
    """Return the faults in the stored objects, and in the objects that readers got."""
    found = [f"not there: {each}" for each in missing(storm)]
    whole = Reader(storm, readers[0]._session.headers["Authorization"])
    whole.run()
    for number, reader in enumerate(readers):
        for alias in READ:
            given, there = Counter(reader.given[alias]), Counter(whole.given[alias])
            found += [f"reader {number} missed {each} of {alias}" for each in there - given]
            found += [f"reader {number} met {each} of {alias} twice" for each in given - there]
    usual = ("POST 202", "POST 503", "GET 200", "GET 503")
    found += [f"answered {answer}: {times} times" for answer, times in storm.answers.items() if answer not in usual]
    return found


def main() -> None:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--contributions", type=int, default=20_000, help="number of contributions")
    parser.add_argument("--values", type=int, default=3_000)
    parser.add_argument("--largest", type=int, default=200, help="objects of the largest POST")
    parser.add_argument("--kills", type=float, default=0, help="seconds between kills; 0 is none")
    parser.add_argument("--log", type=Path, help="file for the log of the database")
    parser.add_argument("--patience", type=float, default=3_600, help="seconds after which the run fails")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scamfeed-storm-") as folder:
        server = Postgres(durable=True) if options.database == "postgresql" else None
        try:
            if server is not None:
                server.start()
            url = server.url(server.database()) if server else f"sqlite:///{folder}/hub.db"
            found = run(url, Path(folder), options)
            if server is not None:
                log = (server.folder / "log").read_text(errors="replace")
                if options.log:
                    options.log.write_text(log)
                found += [f"the database: {log.count(words)} x {words}" for words in _GIVEN_UP if words in log]
        finally:
            if server is not None:
                server.remove()
    for each in found[:40]:
        print(each)
    if found:
        sys.exit(f"{len(found)} faults")


def run(url: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """Run the storm, and return the faults found afterwards."""
    made = furnish(url, [f"Bank {number}" for number in range(8)])
    store = Store.open(url)
    with store.begin() as tx:
        for name in (made[0].name, made[1].name):
            for alias in READ:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
    store.close()
    nodes = [Node(url, folder / f"node-{number}.log") for number in (1, 2)]
    try:
        return weather(url, nodes, made, options)
    finally:
        for node in nodes:
            node.end()


def weather(url: str, nodes: list[Node], made: list[Contributor], options: argparse.Namespace) -> list[str]:
    """Contribute, kill and read until the number of contributions is reached; return the faults."""
    storm = Storm(url, nodes, options.values, options.largest)
    readers = [Reader(storm, partner.bearer) for partner in made[:2]]
    threads = [
        threading.Thread(
            target=write, args=(storm, each.name, ids.identity(each.name), each.bearer, number), daemon=True
        )
        for number, each in enumerate(made)
    ]
    reading = [threading.Thread(target=reader.run, daemon=True) for reader in readers]
    for thread in (*threads, *reading):
        thread.start()
    chance, killed, begun = random.Random(1), Counter[str](), time.perf_counter()  # noqa: S311
    last = begun
    while storm.contributed < options.contributions:
        time.sleep(0.1)
        if time.perf_counter() - begun > options.patience:
            return [f"only {storm.contributed} contributions in {options.patience} s, answers {storm.answers}"]
        if options.kills and time.perf_counter() - last > options.kills:
            killed[chance.choice(nodes).kill(chance)] += 1
            last = time.perf_counter()
    took = time.perf_counter() - begun
    storm.stopping.set()
    for thread in threads:
        thread.join(120)
    # Also read the objects that were acknowledged last.
    storm.ended.set()
    for thread in reading:
        thread.join(120)
    times = sorted(storm.times)
    print(
        f"{storm.contributed:,} contributions in {took:.0f} s ({storm.contributed / took:.0f}/s), of them"
        f" {len(storm.acknowledged):,} objects acknowledged; {dict(killed) or 'nothing'} killed; a POST took"
        f" {times[len(times) // 2] * 1000:.0f} ms, in 99 of 100 cases {times[len(times) * 99 // 100] * 1000:.0f} ms, at"
        f" most {times[-1] * 1000:.0f} ms; answers {dict(storm.answers)}",
        flush=True,
    )
    return faults(storm, readers)


if __name__ == "__main__":
    main()
