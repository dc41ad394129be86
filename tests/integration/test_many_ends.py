"""Above a daily limit, an organisation needs a second person to end listings, over every interface."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mappers import extension, ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.setup import set_up
from server.store import Store, audit, collections, partners
from tests.initial_stores import make_signing_key
from tests.integration import peers
from tests.integration.command import Run, answer
from tests.integration.peers import TAXII
from tests.ports import free_port
from tests.processes import Forked, serve_hub

LIMIT, MANY = 10, 40
REPORTER, PROVIDER, OTHER_PROVIDER, TRUSTED = "Reporter", "Keeping Bank", "Other Keeper", "Trusted Police"
BANKS = {PROVIDER: "KASITHBK", OTHER_PROVIDER: "BKKBTHBK"}

Obj = dict[str, Any]


@dataclass
class Served:
    """A hub over sockets, its command line, and the tokens of its partners."""

    address: str
    store: Store
    tokens: dict[str, str]
    scamfeed: Run

    def post(self, by: str, *objects: Obj) -> Obj:
        headers = {"Accept": TAXII, "Content-Type": TAXII, "Authorization": f"Bearer {self.tokens[by]}"}
        url = f"{self.address}feed/collections/inbox/objects/"
        given = requests.post(url, json={"objects": list(objects)}, headers=headers, timeout=60)
        assert given.status_code == 202, given.text
        status: Obj = given.json()
        return status

    def report(self, by: str, *numbers: str, bank: str = "KBANK", **more: str) -> list[Obj]:
        objects = reported(by, *numbers, bank=bank, **more)
        assert self.post(by, *objects)["failure_count"] == 0
        return [obj for obj in objects if obj["type"] == "indicator"]

    def find(self, by: str, *numbers: str, code: str = "genuine", bank: str = "KBANK") -> list[Obj]:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        body = {
            "answers": [
                {"value": n, "kind": "bank-account", "details": {"bank": bank, "country": "TH"}, "code": code}
                for n in numbers
            ]
        }
        given = requests.post(f"{self.address}api/answers", json=body, headers=headers, timeout=60)
        assert given.status_code == 200, given.text
        found: list[Obj] = given.json()["answers"]
        assert not [one for one in found if "error" in one], found
        return found

    def listed(self) -> list[Obj]:
        headers = {"Accept": TAXII, "Authorization": f"Bearer {self.tokens[REPORTER]}"}
        url = f"{self.address}feed/collections/mule-accounts/objects/"
        objects = requests.get(url, headers=headers, timeout=60).json().get("objects", [])
        now = timestamp.text(timestamp.now())
        active = [obj for obj in objects if obj["type"] == "indicator" and not obj.get("revoked")]
        return [obj for obj in active if obj.get("valid_until", now) >= now]

    def blocked(self) -> int:
        """Return the number of listings that are not cleared."""
        return sum(not extension.context_of(obj).get("disputed") for obj in self.listed())

    def waiting(self) -> int:
        found: int = answer(self.scamfeed("status", "--json"))["reviews"]["ends_waiting"]
        return found


def accounts(count: int, first: int = 4567000000) -> list[str]:
    return [str(first + number) for number in range(count)]


def reported(by: str, *numbers: str, bank: str = "KBANK", **more: str) -> list[Obj]:
    given = {"reporter": by, "kind": "bank-account", "bank": bank, "country": "TH", "tlp": "amber", "confidence": "90"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now()), **more})
    return [obj for number in numbers for obj in to_stix(reader.report({"value": number}))]


def revoked(obj: Obj) -> Obj:
    return {**obj, "modified": timestamp.text(timestamp.now()), "revoked": True}


def disputing(by: str, obj: Obj) -> Obj:
    given = {"reporter": by, "reported_at": timestamp.text(timestamp.now()), "tlp": "amber"}
    row = {"of": obj["id"], "outcome": "false-positive"}
    return records.to_stix(tabular.read_record("outcome", row, given))[-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.database(request.getfixturevalue("postgres_template")))
        monkeypatch.setenv("SCAMFEED_SIGNING_KEY_FILE", str(make_signing_key(tmp_path)))
    monkeypatch.setenv("SCAMFEED_DATABASE_URL", url)
    monkeypatch.setenv("SCAMFEED_ENDS_PER_DAY", str(LIMIT))
    store = Store.open(url)
    set_up(store)
    tokens = {}
    with store.begin() as tx:
        for name, kind in (
            (REPORTER, PartnerKind.BANK),
            (PROVIDER, PartnerKind.BANK),
            (OTHER_PROVIDER, PartnerKind.BANK),
            (TRUSTED, PartnerKind.GOVERNMENT),
        ):
            institutions = (BANKS[name],) if name in BANKS else ()
            made = Partner(
                name=name,
                kind=kind,
                country="TH",
                identity=ids.identity(name),
                institutions=institutions,
                vouched=True,
                trusted=name == TRUSTED,
                authority=("bank-account",) if name == TRUSTED else (),
            )
            tokens[name] = partners.add(tx, made).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, name, collections.get(tx, "mule-accounts"), read=True)
    port, log = free_port(), tmp_path / "hub.log"
    forked = Forked(serve_hub, {"database_url": url, "ends_per_day": LIMIT}, port, 1, 4, log=log)
    with peers.answering(forked, port, log) as address:
        yield Served(address, store, tokens, run)
    store.close()


def test_findings_above_the_limit_wait_for_one_confirmation(served: Served) -> None:
    served.report(REPORTER, *accounts(MANY))
    done = served.find(PROVIDER, *accounts(MANY))
    assert [bool(one.get("held")) for one in done] == [False] * LIMIT + [True] * (MANY - LIMIT)
    assert "second person of your organisation to confirm it" in done[-1]["held"]
    assert served.blocked() == served.waiting() == MANY - LIMIT
    metrics = requests.get(f"{served.address}metrics", timeout=60)
    assert f"scamfeed_ends_waiting {MANY - LIMIT}.0" in metrics.text, metrics.text[:300]

    again = served.find(PROVIDER, *accounts(MANY)[LIMIT:])
    assert all(one.get("held") for one in again)
    assert served.waiting() == MANY - LIMIT
    rows = answer(served.scamfeed("review", "list", "--rule", "many-ends", "--json"))
    assert {row["partner"] for row in rows} == {PROVIDER}
    assert {row["value"] for row in rows} == {f"TH:KASITHBK:{number}" for number in accounts(MANY)[LIMIT:]}

    served.report(REPORTER, *accounts(3, 8888000000), bank="BBL")
    assert not any(one.get("held") for one in served.find(OTHER_PROVIDER, *accounts(3, 8888000000), bank="BBL"))

    approved = served.scamfeed("review", "approve", "--rule", "many-ends", "--partner", PROVIDER, "--by", "Somsri")
    assert approved.exit_code == 0, approved.output
    assert served.blocked() == served.waiting() == 0
    with served.store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 500) if entry.event.method == "APPROVE"]
        assert [event.remote for event in events] == ["Somsri"] * (MANY - LIMIT)


def test_a_rejection_leaves_all_listed_until_a_later_finding(served: Served) -> None:
    served.report(REPORTER, *accounts(LIMIT + 5))
    served.find(PROVIDER, *accounts(LIMIT + 5))
    rejected = served.scamfeed("review", "reject", "--rule", "many-ends", "--partner", PROVIDER, "--by", "Somsri")
    assert rejected.exit_code == 0, rejected.output
    assert (served.blocked(), served.waiting()) == (5, 0)
    served.find(PROVIDER, *accounts(LIMIT + 5)[-1:])
    assert (served.blocked(), served.waiting()) == (5, 1)


def test_retractions_wait_and_a_retry_of_rejected_ones_ends_nothing(served: Served) -> None:
    reports = served.report(REPORTER, *accounts(MANY))
    revocations = [revoked(obj) for obj in reports]
    status = served.post(REPORTER, *revocations)
    assert (status["success_count"], status["pending_count"]) == (LIMIT, MANY - LIMIT)
    assert "second person of your organisation to confirm it" in status["pendings"][0]["message"]
    assert served.post(REPORTER, *revocations)["pending_count"] == MANY - LIMIT
    assert len(served.listed()) == served.waiting() == MANY - LIMIT
    served.scamfeed("review", "reject", "--rule", "many-ends", "--by", "Somsri")
    status = served.post(REPORTER, *revocations)
    assert status["pending_count"] == MANY - LIMIT
    assert "rejected" in status["pendings"][0]["message"]
    assert (len(served.listed()), served.waiting()) == (MANY - LIMIT, 0)


def over(obj: Obj) -> Obj:
    return {**obj, "modified": timestamp.text(timestamp.now()), "valid_until": timestamp.text(timestamp.now())}


def red(obj: Obj) -> Obj:
    marked = ["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]
    return {**obj, "modified": timestamp.text(timestamp.now()), "object_marking_refs": marked}


def another(obj: Obj) -> Obj:
    pattern = obj["pattern"].replace("4567", "9567")
    return {**obj, "modified": timestamp.text(timestamp.now()), "pattern": pattern}


def almost_over(obj: Obj) -> Obj:
    soon = timestamp.text(timestamp.now() + timedelta(hours=1))
    return {**obj, "modified": timestamp.text(timestamp.now()), "valid_until": soon}


@pytest.mark.parametrize("change", [over, red, another])
def test_version_that_ends_a_report_counts_as_an_end(served: Served, change: Callable[[Obj], Obj]) -> None:
    reports = served.report(REPORTER, *accounts(LIMIT + 5))
    values = {obj["pattern"] for obj in served.listed()}
    served.post(REPORTER, *map(change, reports))
    left = {obj["pattern"] for obj in served.listed()} & values
    assert len(left) == served.waiting() == 5
    served.scamfeed("review", "approve", "--rule", "many-ends", "--by", "Somsri")
    assert served.waiting() == 0
    assert not {obj["pattern"] for obj in served.listed()} & values


def test_version_that_is_over_within_a_day_counts_as_an_end(served: Served) -> None:
    reports = served.report(REPORTER, *accounts(LIMIT + 5))
    assert served.post(REPORTER, *map(almost_over, reports))["pending_count"] == served.waiting() == 5
    tomorrow = timestamp.text(timestamp.now() + timedelta(days=1))
    assert sum(obj["valid_until"] > tomorrow for obj in served.listed()) == 5


@pytest.mark.parametrize("by", [REPORTER, PROVIDER])
def test_reports_of_coercion_that_take_accounts_out_of_shared_collections_wait(served: Served, by: str) -> None:
    served.report(REPORTER, *accounts(LIMIT + 5))
    status = served.post(by, *reported(by, *accounts(LIMIT + 5), holder_status="coerced"))
    assert status["pending_count"] == served.waiting() == len(served.listed()) == 5
    assert "second person of your organisation to confirm it" in status["pendings"][0]["message"]
    served.scamfeed("review", "approve", "--rule", "many-ends", "--by", "Somsri")
    assert (served.listed(), served.waiting()) == ([], 0)


def test_reports_of_coercion_that_end_no_listing_are_not_counted(served: Served) -> None:
    status = served.post(PROVIDER, *reported(PROVIDER, *accounts(LIMIT + 5), holder_status="coerced"))
    assert (status["pending_count"], status["failure_count"], served.waiting()) == (0, 0, 0)


@pytest.mark.parametrize("until", [None, timedelta(hours=1)], ids=["lifted", "shortened"])
def test_lifted_and_shortened_holds_wait(served: Served, until: timedelta | None) -> None:
    def ahead(by: timedelta) -> dict[str, str]:
        return {"hold_until": timestamp.text(timestamp.now() + by)}

    def held() -> int:
        tomorrow = timestamp.text(timestamp.now() + timedelta(days=1))
        holds = (extension.context_of(obj).get("hold") for obj in served.listed())
        return sum(hold is not None and hold["until"] > tomorrow for hold in holds)

    served.report(TRUSTED, *accounts(LIMIT + 3), **ahead(timedelta(days=30)))
    assert held() == LIMIT + 3
    longer = served.post(TRUSTED, *reported(TRUSTED, *accounts(LIMIT + 3), **ahead(timedelta(days=60))))
    assert longer["pending_count"] == 0
    status = served.post(TRUSTED, *reported(TRUSTED, *accounts(LIMIT + 3), **(ahead(until) if until else {})))
    assert status["pending_count"] == served.waiting() == held() == 3
    for row in answer(served.scamfeed("review", "list", "--rule", "many-ends", "--json")):
        # Values that police hold are decided one at a time.
        approved = served.scamfeed("review", "approve", row["id"], "--by", "Somsri")
        assert approved.exit_code == 0, approved.output
    assert held() == served.waiting() == 0


def test_outcomes_that_delist_wait(served: Served) -> None:
    served.report(REPORTER, *accounts(LIMIT + 5))
    listed = served.listed()
    status = served.post(TRUSTED, *(disputing(TRUSTED, obj) for obj in listed))
    assert status["pending_count"] == 5
    assert len(served.listed()) == served.waiting() == 5
    assert served.post(TRUSTED, *(disputing(TRUSTED, obj) for obj in served.listed()))["pending_count"] == 5
    assert served.waiting() == 5
    served.scamfeed("review", "approve", "--rule", "many-ends", "--by", "Somsri")
    assert (len(served.listed()), served.waiting()) == (0, 0)


def test_a_retraction_at_the_command_line_waits(served: Served) -> None:
    reports = served.report(REPORTER, *accounts(LIMIT + 3))
    ids_ = [obj["id"] for obj in reports]
    done = served.scamfeed("retract", *ids_, "--partner", REPORTER, "--reason", "wrong", "--json", "--by", "Somchai")
    assert done.exit_code == 2, done.output
    assert len(served.listed()) == served.waiting() == 3
    assert "waiting" in done.output
    served.scamfeed("review", "approve", "--rule", "many-ends", "--by", "Somsri")
    assert (served.listed(), served.waiting()) == ([], 0)


def test_value_reported_by_others_stays_listed_after_the_confirmation(served: Served) -> None:
    reports = served.report(REPORTER, *accounts(LIMIT + 2))
    served.report(TRUSTED, *accounts(LIMIT + 2))
    served.post(REPORTER, *map(revoked, reports))
    served.scamfeed("review", "approve", "--rule", "many-ends", "--by", "Somsri")
    assert len(served.listed()) == LIMIT + 2
