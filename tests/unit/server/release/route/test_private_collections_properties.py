"""After any reports, limits and revocations, each collection has exactly the consensus of its own reports."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mappers import extension, ids, marking
from mappers.indicator import to_stix
from mappers.report_reader import from_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import HolderStatus, Tlp
from server.release import review
from server.release.contribute import contribute
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import Statement
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item
from tests.searches import examples
from tests.times import ago
from tests.unit.server.release.hubs import hub_on

START = ago(days=31)
SHARED = ("public", "mule-accounts")
READS = {"Bank": SHARED, "Exchange": ("mule-accounts",), "Platform": ("public",), "Police": ()}
KINDS = {"Bank": "bank", "Exchange": "exchange", "Platform": "platform", "Police": "government"}
COUNTRIES = {"Bank": "TH", "Exchange": "KH", "Platform": "TH", "Police": "MM"}
PARTNERS = {
    name: Partner(
        name=name,
        kind=PartnerKind(kind),
        country=COUNTRIES[name],
        identity=ids.identity(name),
        authority=("bank-account",) if name == "Police" else (),
    )
    for name, kind in KINDS.items()
}
NAMES = st.lists(st.sampled_from(sorted(PARTNERS)), max_size=2, unique=True).map(";".join)
WORDS = st.fixed_dictionaries(
    {
        "tlp": st.sampled_from(Tlp),
        "confidence": st.sampled_from(["20", "50", "90"]),
        "scam_type": st.sampled_from(["investment", "romance"]),
        "countries": st.sampled_from(["", "TH", "KH"]),
        "holder_status": st.sampled_from(["", "", "", "coerced"]),
        "only_partners": st.just("") | NAMES,
        "not_to_countries": st.sampled_from(["", "", "KH", "MM"]),
    }
)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Make a store with the partners once. Each example starts with a copy."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hub.db"
        store = Store.open(f"sqlite:///{path}")
        set_up(store)
        with store.begin() as tx:
            for name, partner in PARTNERS.items():
                partners.add(tx, partner)
                for alias in READS[name]:
                    collections.grant(tx, name, collections.get(tx, alias), read=True)
        store.close()
        yield path


def has_standing(name: str, obj: dict[str, Any]) -> bool:
    """Return whether a sign of coercion affects reports of others: from an authority, or a confident reader."""
    return bool(PARTNERS[name].authority) or ("mule-accounts" in READS[name] and obj["confidence"] >= 30)


def acted_on(obj: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that readers act on. The hub always publishes their latest state."""
    ours = extension.context_of(obj)
    words = ("grade", "scam_type", "holder_status", "countries")
    said = {name: str(ours[name]) for name in words if name in ours}
    return {
        **said,
        "confidence": obj["confidence"],
        "level": obj["object_marking_refs"],
        "several": ours["reporters"] > 1,
    }


class HubMachine(RuleBasedStateMachine):
    """Four partners that report one account, and the expected content of each collection."""

    template: Path

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "hub.db"
        for each in self.template.parent.glob("hub.db*"):
            shutil.copy(each, path.with_name(each.name))
        self.store = Store.open(f"sqlite:///{path}")
        self.said: dict[str, dict[str, Any]] = {}
        self.waiting: set[str] = set()
        self.entered: set[str] = set()
        self.moment = START

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(name=st.sampled_from(sorted(PARTNERS)), words=WORDS)
    def say(self, name: str, words: dict[str, str]) -> None:
        self.moment += timedelta(minutes=1)
        columns = {column: word for column, word in words.items() if word}
        columns |= {"kind": "bank-account", "reporter": name, "reported_at": timestamp.text(self.moment)}
        indicator = to_stix(ReportReader(columns).report({"value": "DE89370400440532013000"}))[1]
        self._post(name, indicator)
        if self.said.get(name, {}).get("revoked"):
            self.waiting.add(name)
        self.said[name] = indicator

    @rule(name=st.sampled_from(sorted(PARTNERS)))
    def take_back(self, name: str) -> None:
        assume(name in self.said and not self.said[name].get("revoked"))
        self.moment += timedelta(minutes=1)
        last = {**self.said[name], "revoked": True, "modified": timestamp.text(self.moment)}
        self._post(name, last)
        self.said[name] = last
        self.waiting.discard(name)

    @rule(name=st.sampled_from(sorted(PARTNERS)))
    def approve(self, name: str) -> None:
        assume(name in self.waiting)
        with self.store.begin() as tx:
            review.decide(hub_on(self.store), tx, [self.said[name]["id"]], "approved", "operator")
        self.waiting.discard(name)

    def _post(self, name: str, obj: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            assert not contribute(hub_on(self.store), tx, PARTNERS[name], [Item.of(obj)]).failed

    @invariant()
    def each_collection_has_the_consensus_of_its_reports(self) -> None:
        if not hasattr(self, "store") or not self.said:
            return
        with self.store.read() as tx:
            here = partners.load_registry(tx)
        live = {name: obj for name, obj in self.said.items() if name not in self.waiting and not obj.get("revoked")}
        signs = {name for name, obj in live.items() if from_stix(obj).holder_status is HolderStatus.COERCED}
        coerced = any(has_standing(name, live[name]) for name in signs)
        heard = {name: self._rooms(name, obj, here, coerced=coerced or name in signs) for name, obj in live.items()}
        wanted: dict[str, list[str]] = {}
        for room in SHARED:
            wanted[room] = [name for name, reach in heard.items() if room in reach.shared]
        for reader in PARTNERS:
            mine = [name for name, reach in heard.items() if reader in reach.private]
            alias = f"for-{reader}"
            there = bool(mine) or alias in self.entered
            wanted[alias] = [name for name, reach in heard.items() if reach.includes(reader, here)] if there else []
        pattern = next(iter(self.said.values()))["pattern"]
        versions = {room: self._versions(room, pattern) for room in wanted}
        live_in = {room: [each for each in there if not each.get("revoked")] for room, there in versions.items()}
        assert {room: len(there) for room, there in live_in.items()} == {r: bool(names) for r, names in wanted.items()}
        self.entered = {room for room, there in live_in.items() if there}
        for room in self.entered:
            expected = self._expected([live[name] for name in wanted[room]], coerced=coerced, sign=bool(signs))
            assert acted_on(live_in[room][0]) == expected, room
            assert not (signs and extension.context_of(live_in[room][0])["grade"] == "block")
        self._assert_no_reader_keeps_a_wider_version(versions)

    def _assert_no_reader_keeps_a_wider_version(self, versions: dict[str, list[dict[str, Any]]]) -> None:
        """Of two versions of one id, readers keep the later one: it must be the narrowest published version."""
        for reads in READS.values():
            by_id: dict[str, list[dict[str, Any]]] = {}
            for room in (room for room in SHARED if room in reads):
                for version in versions[room]:
                    by_id.setdefault(version["id"], []).append(version)
            for there in by_id.values():
                live = [each for each in there if not each.get("revoked")]
                assert not live or max(there, key=lambda each: str(each["modified"])) == live[-1]

    def _rooms(self, name: str, obj: dict[str, Any], here: partners.Registry, *, coerced: bool) -> Audience:
        report = from_stix(obj)
        return audience.audience_of(
            report.kind, report.tlp, report.sharing, PARTNERS[name], here, Policy(), coerced=coerced
        )

    def _expected(self, live: list[dict[str, Any]], *, coerced: bool, sign: bool) -> dict[str, Any]:
        by = {partner.identity: partner for partner in PARTNERS.values()}
        said = [Statement(by[obj["created_by_ref"]], from_stix(obj), obj["id"]) for obj in live]
        found = fuse(said, coerced=coerced, sign=sign, at=timestamp.now())
        spared = [Tlp.AMBER_STRICT] if found.holder_status is HolderStatus.COERCED else []
        levels = [each.report.tlp for each in said] + spared
        words = {"grade": found.grade, "scam_type": found.scam_type, "holder_status": found.holder_status}
        return {
            **{name: str(word) for name, word in words.items() if word},
            **({"countries": str(list(found.countries))} if found.countries else {}),
            "confidence": found.confidence,
            "level": [marking.ref(max(levels, key=list(Tlp).index))],
            "several": found.reporters > 1,
        }

    def _versions(self, room: str, pattern: str) -> list[dict[str, Any]]:
        """Return the latest version of each listing of the pattern that a collection ever had."""
        with self.store.read() as tx:
            own = room.startswith("for-")
            found = collections.find_private(tx, room.removeprefix("for-"), "for") if own else collections.get(tx, room)
            if found is None:
                return []
            page = log.page(tx, found, log.Query(types=("indicator",)))
        return [obj for obj in map(msgspec.json.decode, page.bodies) if obj["pattern"] == pattern]


def test_each_collection_has_exactly_the_consensus_of_its_reports(template: Path) -> None:
    machine = type("HubMachine", (HubMachine,), {"template": template})
    few = settings(
        max_examples=examples(12),
        stateful_step_count=10,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=few)
