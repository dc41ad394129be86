"""Private matching: 10,000 values against a set of 200,000, over loopback, from the first sync to a retraction.

The set is written with the product's code, and has account numbers that do not exist. Hub and client are the real ones.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.running import cpu, memory, serving
from feeds.client.match.matcher import Matcher
from mappers import ids
from schemas.api.matching import MatchedListing, input_of, key_info, seal
from schemas.kinds import name_of
from schemas.partner import Partner, PartnerKind
from schemas.vocabulary import Action
from server.features.matching.evaluation import Evaluation
from server.features.matching.sets import epoch_of
from server.features.matching.tag_list import TagList
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from server.store.matching.match_sets import MatchRow

_ASKED, _HITS, _AT_ONCE = 10_000, 100, 5_000
_LISTING = MatchedListing("5b1f6f0e-0a1c-4f5e-9d6c-3a2b1c0d9e8f", Action.BLOCK, 90, None, "green", False)

Row = list[object]


def rows(sizes: tuple[int, ...] = (200_000,)) -> Iterator[Row]:
    """Measure sets of these sizes."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            yield from _measured(Path(name), size)


def _account(number: int) -> str:
    rest = f"37040044{number:010}"
    return f"DE{98 - int(rest + '131400') % 97:02}{rest}"


def _measured(folder: Path, size: int) -> Iterator[Row]:
    seed = folder / "seed"
    seed.write_text("5c" * 32)
    seed.chmod(0o600)
    url = f"sqlite:///{folder / 'hub.db'}"
    began = time.perf_counter()
    token = _fill(url, seed, size)
    yield [f"match: set of {size:,} made, µs each", f"{(time.perf_counter() - began) / size * 1e6:.0f}", "", "", ""]
    settings = {"SCAMFEED_MATCH_SEED_FILE": str(seed)}
    asked = [_account(number) for number in (*range(_HITS), *range(size, size + _ASKED - _HITS))]
    yield [f"match: file of the hub with {size:,}, MB", f"{_size(folder / 'hub.db'):.0f}", "", "", ""]
    with serving(url, "--workers", "1", settings=settings) as (port, pid):
        before = memory(pid)
        hub = f"http://127.0.0.1:{port}/"
        with Matcher(hub, token, "mule-accounts", folder / "state.db", allow_private=True) as matcher:
            began = time.perf_counter()
            synced = matcher.sync()
            yield [f"match: first sync of {size:,}, ms", f"{(time.perf_counter() - began) * 1e3:.0f}", "", "", ""]
            yield [
                "match: its octets",
                synced.octets,
                "file of the client, MB",
                f"{_size(folder / 'state.db'):.1f}",
                "",
            ]
            held = f"{memory(pid):.0f}"
            yield ["match: memory of the hub's processes before the sync, MB", f"{before:.0f}", "after it", held, ""]
            began, spent, own = time.perf_counter(), cpu(pid), time.process_time()
            results = matcher.match(asked)
            seconds = time.perf_counter() - began
            hits = [result.found for result in results]
            assert hits == [True] * _HITS + [False] * (_ASKED - _HITS)
            yield [f"match: {_ASKED:,} against {size:,}, s ({_HITS} of {_HITS} hits)", f"{seconds:.1f}", "", "", ""]
            client, hubs = (time.process_time() - own) / _ASKED * 1e6, (cpu(pid) - spent) / _ASKED * 1e6
            yield ["match: µs of CPU a new value, client and hub", f"{client:.0f}", "hub", f"{hubs:.0f}", ""]
            began = time.perf_counter()
            matcher.match(asked)
            yield ["match: the same again, ms", f"{(time.perf_counter() - began) * 1e3:.0f}", "", "", ""]
            times = []
            for number in range(size + _ASKED, size + _ASKED + 200):
                began = time.perf_counter()
                matcher.match([_account(number)])
                times.append(time.perf_counter() - began)
            yield ["match: one new value, p50 in ms", f"{sorted(times)[100] * 1e3:.1f}", "", "", ""]


def _size(file: Path) -> float:
    return sum(part.stat().st_size for part in file.parent.glob(file.name + "*")) / 1e6


def _fill(url: str, seed: Path, size: int) -> str:
    """Write a set of ``size`` accounts, and return the token of a partner that may match against it."""
    store, evaluation, moment = Store.open(url), Evaluation(seed), now()
    set_up(store)
    with store.begin() as tx:
        bank = Partner(name="Bank", kind=PartnerKind.BANK, identity=ids.identity("Bank"), vouched=True)
        token = partners.add(tx, bank).token
        collection = collections.get(tx, "mule-accounts")
        match_grants.grant(tx, "Bank", collection)
        info = key_info(collection.id, epoch_of(moment))
        match_sets.begin(tx, collection.number, epoch_of(moment), evaluation.public_key(info))
        found = match_sets.find(tx, collection.number, epoch_of(moment))
    assert found is not None
    for start in range(0, size, _AT_ONCE):
        names = [name_of("bank-account", _account(number)) for number in range(start, min(size, start + _AT_ONCE))]
        outputs = evaluation.outputs(info, [input_of(name) for name in names])
        sealed = [MatchRow(output.row_name, seal(output, _LISTING), None, moment, None) for output in outputs]
        with store.begin() as tx:
            match_sets.write(tx, found, sealed)
    found = found._replace(version=moment, kept_from=moment, changed=False)
    with store.begin() as tx:
        tags = TagList().read(tx, found)
        whole = {"size": len(tags), "bits": tags.bits(), "sha256": tags.digest(), "issued": moment}
        match_sets.save(tx, found._replace(**whole))
    evaluation.stop()
    store.close()
    return token
