"""``--dry-run`` of commands: what a person reads, with and without a second person."""

from pathlib import Path

from tests.integration.command import Run, answer


def test_a_dry_run_prints_the_entries_of_the_audit_trail(run_with_store: Run) -> None:
    shown = run_with_store("allowlist", "add", "domain:shop.example.net", "--reason", "known", "--dry-run")
    assert shown.exit_code == 0
    assert "Dry run: nothing was changed" in shown.output
    assert "ADD allowlist" in shown.output
    assert answer(run_with_store("allowlist", "list", "--json")) == []


def test_a_dry_run_prints_the_effects_that_a_second_person_would_confirm(run_with_store: Run) -> None:
    for name in ("Anong", "Boon"):
        run_with_store("operator", "add", name, "--role", "approver")
    add = ("partner", "add", "Police", "--kind", "government", "--authority", "domain", "--dry-run")
    shown = run_with_store(*add)
    assert "A second person would have to confirm" in shown.output
    assert "Police has authority" in shown.output
    told = answer(run_with_store(*add, "--json"))
    assert (told["dry_run"], told["proposals"]) == (True, 1)
    assert answer(run_with_store("proposal", "list", "--json")) == []
    assert answer(run_with_store("partner", "list", "--json")) == []


def test_a_refused_dry_run_ends_as_the_run_would(run_with_store: Run) -> None:
    assert run_with_store("allowlist", "remove", "domain:shop.example.net", "--dry-run").exit_code == 2


def test_a_dry_run_makes_no_signing_key(run_with_store: Run, tmp_path: Path) -> None:
    run_with_store("init")
    run_with_store("partner", "add", "Bank", "--kind", "bank")
    before = set(tmp_path.iterdir())
    for command in (("key", "renew"), ("notice", "make", "shop.example.com", "--partner", "Bank")):
        assert "Dry run: nothing was changed" in run_with_store(*command, "--dry-run").output
    assert set(tmp_path.iterdir()) == before


def test_a_dry_run_of_retractions_names_texts_that_are_no_values(run_with_store: Run) -> None:
    run_with_store("init")
    wanted = ("retract", "--reason", "wrong", "shop.example.com", "not a value")
    done, told = run_with_store(*wanted), run_with_store(*wanted, "--dry-run")
    assert "Dry run: nothing was changed" in told.stdout
    assert (told.exit_code, told.stderr) == (done.exit_code, done.stderr)
