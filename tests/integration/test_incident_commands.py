"""Many wrong reports are selected, held, released and retracted with ``scamfeed incident``."""

from pathlib import Path
from typing import Any

import pytest

from server.settings import load
from server.store import Store, collections, jobs, log
from server.store.objects.query import EVERY, Query
from tests.integration.command import Run, answer
from tests.processes import Forked, scamfeed

BOTH = pytest.mark.parametrize("run_with_store", ["sqlite", "postgresql"], indirect=True)
WRONG, RIGHT = [f"{name}.example.com" for name in "abcdef"], "right.example.com"


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    run = run_with_store
    for name in ("First", "Second"):
        assert run("partner", "add", name, "--kind", "platform", "--vouched", "--read", "takedown").exit_code == 0
    contribute(run, "First", *WRONG)
    contribute(run, "Second", WRONG[0], RIGHT)
    return run


def contribute(run: Run, partner: str, *values: str) -> None:
    rows = "".join(f"{value}\n" for value in values)
    assert run("contribute", "-", "--partner", partner, "--kind", "domain", stdin=rows).exit_code == 0


def listed(run: Run) -> str:
    return "".join(
        sorted(line[0] for line in run("export", "--collection", "takedown", "--format", "list").stdout.split())
    )


def select(run: Run, *conditions: str, stdin: str | None = None) -> dict[str, Any]:
    return answer(run("incident", "select", *conditions, "--reason", "wrong column", "--json", stdin=stdin))


def decide(run: Run, id_: str, decision: str) -> dict[str, Any]:
    return answer(run("incident", "decide", id_, "--decision", decision, "--json"))["decisions"][-1]


@BOTH
def test_reports_of_one_partner_are_held_released_and_retracted(hub: Run) -> None:
    found = select(hub, "--partner", "First")
    assert (found["reports"], found["values"], found["listed"], found["supported"]) == (6, 6, 6, 1)
    assert (found["kinds"], found["states"], found["partners"]) == ({"domain": 6}, {"active": 6}, {"First": 6})
    held = decide(hub, found["id"], "hold")
    assert (held["state"], held["done"], held["left_out"]) == ("done", 6, {})
    # The other partner's report of the first value lists it.
    assert listed(hub) == "ar"
    assert decide(hub, found["id"], "release")["done"] == 6
    assert listed(hub) == "abcdefr"
    assert decide(hub, found["id"], "retract")["done"] == 6
    assert listed(hub) == "ar"
    shown = answer(hub("incident", "show", found["id"], "--reports", "10", "--json"))
    assert [row["value"] for row in shown["selected"]] == WRONG
    assert "retract" in hub("incident", "decide", found["id"], "--decision", "hold").stderr


def test_later_reports_are_not_part_of_a_selection(hub: Run) -> None:
    found = select(hub, "--partner", "First")
    contribute(hub, "First", "later.example.com")
    assert decide(hub, found["id"], "retract")["done"] == 6
    assert listed(hub) == "alr"


def test_a_new_report_of_another_partner_lists_a_value_that_was_withdrawn(hub: Run) -> None:
    found = select(hub, "--partner", "First")
    decide(hub, found["id"], "hold")
    contribute(hub, "Second", "b.example.com")
    assert listed(hub) == "abr"
    decide(hub, found["id"], "retract")
    assert listed(hub) == "abr"


def test_each_condition_narrows_a_selection(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "values.txt").write_text("a.example.com\nhxxp://b[.]example[.]com\nunreported.example.com\n")
    assert select(hub, "--file", str(tmp_path / "values.txt"), "--partner", "First")["without_report"] == 1
    assert select(hub, "--file", "-", stdin="a.example.com\n")["partners"] == {"First": 1, "Second": 1}
    assert select(hub, "--search", "RIGHT")["reports"] == 1
    assert select(hub, "--since", "2020-01-01T00:00:00Z", "--kind", "domain")["reports"] == 8
    for wrong, why in (
        (("--partner", "Third"), "there is no partner"),
        (("--kind", "house"), "is none of"),
        (("--search", "ri"), "at least 3 characters"),
        (("--reference", "unknown"), "no active report"),
        (("--until", "2020-01-01T00:00:00Z"), "no active report"),
        ((), "at least one condition"),
    ):
        refused = hub("incident", "select", *wrong, "--reason", "x")
        assert (refused.exit_code, why in refused.stderr) == (2, True), refused.stderr
    bad = hub("incident", "select", "--file", "-", "--reason", "x", stdin="a.example.com\nno such value\n")
    assert "number 2 of the list" in bad.stderr


def test_a_held_report_stays_held_in_a_new_version_and_under_another_id(hub: Run) -> None:
    found = select(hub, "--partner", "First", "--search", "b.example")
    decide(hub, found["id"], "hold")
    contribute(hub, "First", "b.example.com")
    rows = "value,first_seen\nb.example.com,2026-01-02T03:04:05Z\n"
    hub("contribute", "-", "--partner", "First", "--kind", "domain", stdin=rows)
    assert listed(hub) == "acdefr"
    assert {row["rule"] for row in answer(hub("review", "list", "--json"))} == {"held-by-hub"}


def test_reports_held_by_the_brake_on_newcomers_are_one_group(run_with_store: Run) -> None:
    run = run_with_store
    Path("scamfeed.toml").write_text("newcomer_values = 2\n")
    assert run("partner", "add", "New", "--kind", "platform").exit_code == 0
    contribute(run, "New", *WRONG)
    assert listed(run) == "ab"
    found = select(run, "--partner", "New", "--held", "new-partner")
    assert (found["reports"], found["states"]) == (4, {"new-partner": 4})
    assert decide(run, found["id"], "release")["done"] == 4
    assert listed(run) == "abcdef"
    assert answer(run("review", "list", "--json")) == []


def test_a_retracted_group_leaves_no_open_review(run_with_store: Run) -> None:
    run = run_with_store
    Path("scamfeed.toml").write_text("newcomer_values = 2\n")
    assert run("partner", "add", "New", "--kind", "platform").exit_code == 0
    contribute(run, "New", *WRONG)
    found = select(run, "--partner", "New", "--held", "new-partner")
    assert decide(run, found["id"], "retract")["done"] == 4
    assert (listed(run), answer(run("review", "list", "--json"))) == ("ab", [])


def test_reports_that_changed_since_are_left_out_with_the_reason(hub: Run) -> None:
    found = select(hub, "--partner", "First")
    assert hub("retract", "c.example.com", "--partner", "First", "--reason", "own").exit_code == 0
    done = decide(hub, found["id"], "hold")
    assert (done["done"], done["left_out"]) == (5, {"retracted-before": 1})
    shown = answer(hub("incident", "show", found["id"], "--reports", "9", "--left-out", "--json"))
    assert [(row["value"], row["left_out"]) for row in shown["selected"]] == [("c.example.com", "retracted-before")]


@pytest.mark.long
@BOTH
def test_kill_in_the_middle_changes_nothing_twice_and_loses_nothing(run_with_store: Run, tmp_path: Path) -> None:
    run = run_with_store
    assert run("partner", "add", "First", "--kind", "platform", "--vouched").exit_code == 0
    contribute(run, "First", *(f"shop{number}.example.com" for number in range(400)))
    found = select(run, "--partner", "First")
    with_store = Store.open(load(None).database_url)
    handled, kills = 0, 0
    command = ("decide", found["id"], "--decision", "retract")
    while kills < 2:
        process = Forked(scamfeed, "incident", *command, log=tmp_path / "run.log")
        command = ("run", found["id"])
        before = handled
        while handled <= before:
            assert process.poll() is None, (tmp_path / "run.log").read_text()
            handled = _handled(with_store)
        process.kill()
        process.wait(60)
        kills += 1
    assert handled < 400
    done = answer(run("incident", "run", found["id"], "--json"))["decisions"]
    assert [(one["state"], one["done"], one["left_out"]) for one in done] == [("done", 400, {})]
    with with_store.read() as tx:
        box, takedown = collections.get(tx, "inbox"), collections.get(tx, "takedown")
        for collection in (box, takedown):
            rows = log.manifest(tx, collection, Query(types=("indicator",), versions=EVERY)).records
            assert (len(rows), len({row.id for row in rows})) == (800, 400)
            assert not log.manifest(tx, collection, Query(types=("indicator",), revoked=False)).records
    with_store.close()


def _handled(store: Store) -> int:
    """Return how many reports are decided in the stored progress of the job."""
    with store.read() as tx:
        return sum(int(job.state["done"]) for job in jobs.unfinished(tx))
