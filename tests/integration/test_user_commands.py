"""Operators and users of partners on the command line."""

from pathlib import Path

import pytest

from tests.integration.command import Run, answer


def test_operator_is_added_by_a_link_changes_role_and_is_removed(run_with_store: Run) -> None:
    added = answer(run_with_store("operator", "add", "Somsri P.", "--role", "viewer", "--by", "anon", "--json"))
    assert added["link"].startswith("http://127.0.0.1:8000/welcome/")
    assert run_with_store("operator", "role", "somsri p.", "admin").exit_code == 0
    again = answer(run_with_store("operator", "link", "Somsri P.", "--json"))
    assert again["link"] != added["link"]
    [row] = answer(run_with_store("operator", "list", "--json"))
    assert (row["name"], row["role"], row["link_open"], row["created_by"]) == ("Somsri P.", "admin", True, "anon")
    assert run_with_store("operator", "add", "SOMSRI  P.", "--role", "viewer").exit_code == 2
    assert run_with_store("operator", "remove", "Somsri P.").exit_code == 0
    assert answer(run_with_store("operator", "list", "--json")) == []


def test_partner_user_is_no_operator_and_belongs_to_one_partner(run_with_store: Run) -> None:
    for name in ("First Bank", "Second Bank"):
        assert run_with_store("partner", "add", name, "--kind", "bank").exit_code == 0
    assert run_with_store("partner", "user", "add", "First Bank", "Malee", "--role", "writer").exit_code == 0
    for arguments in (
        ("operator", "remove", "Malee"),
        ("operator", "link", "Malee"),
        ("operator", "role", "Malee", "admin"),
        ("partner", "user", "link", "Second Bank", "Malee"),
        ("partner", "user", "remove", "Second Bank", "Malee"),
        ("partner", "user", "add", "Third Bank", "Nok", "--role", "reader"),
        ("operator", "add", "\u200b", "--role", "viewer"),
    ):
        assert run_with_store(*arguments).exit_code == 2, arguments
    assert answer(run_with_store("partner", "user", "list", "Second Bank", "--json")) == []
    [row] = answer(run_with_store("partner", "user", "list", "First Bank", "--json"))
    assert (row["name"], row["role"], row["second_factor"]) == ("Malee", "writer", False)
    assert "welcome/" in run_with_store("partner", "user", "link", "First Bank", "Malee").output
    assert run_with_store("partner", "user", "role", "First Bank", "Malee", "admin").exit_code == 0
    assert answer(run_with_store("partner", "user", "list", "First Bank", "--json"))[0]["role"] == "admin"
    assert run_with_store("partner", "user", "role", "First Bank", "Malee", "admin").exit_code == 2
    assert run_with_store("partner", "user", "remove", "First Bank", "Malee").exit_code == 0


@pytest.mark.parametrize("again", ["Anong", "Anong P."])
def test_proposals_of_a_removed_operator_are_void(run_with_store: Run, tmp_path: Path, again: str) -> None:
    run, add = run_with_store, ("operator", "add", "--role", "approver", "--email", "anong@hub.example")
    assert run(*add, "Anong").exit_code == 0
    assert run("operator", "add", "Boon", "--role", "admin", "--email", "boon@hub.example").exit_code == 0
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\nleast_reporters = 2\n')
    made = answer(run("policy", "propose", str(rules), "--by", "Anong", "--json"))
    assert run("operator", "remove", "Anong", "--by", "Root").exit_code == 0
    found = answer(run("proposal", "show", made["id"], "--json"))
    assert (found["state"], found["decided_by"]) == ("void", "Root")
    assert run(*add, again).exit_code == 0
    for name in ("Boon", again):
        assert run("proposal", "confirm", made["id"], "--by", name).exit_code == 2


def test_proposals_of_an_operator_made_a_viewer_are_void(run_with_store: Run, tmp_path: Path) -> None:
    run = run_with_store
    assert run("operator", "add", "Anong", "--role", "approver").exit_code == 0
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\nleast_reporters = 2\n')
    made = answer(run("policy", "propose", str(rules), "--by", "Anong", "--json"))
    assert run("operator", "role", "Anong", "viewer").exit_code == 0
    assert answer(run("proposal", "show", made["id"], "--json"))["state"] == "void"


def test_administrator_needs_a_second_person_once_two_operators_may_confirm(run_with_store: Run) -> None:
    run, address = run_with_store, "chai@hub.example"
    for name in ("Anong", "Boon"):
        assert run("operator", "add", name, "--role", "admin").exit_code == 0
    made = answer(run("operator", "add", "Chai", "--role", "admin", "--email", address, "--by", "Anong", "--json"))
    assert (made["action"], made["state"]) == ("make-admin", "open")
    assert any(address in line for line in made["effects"])
    assert {row["name"] for row in answer(run("operator", "list", "--json"))} == {"Anong", "Boon"}
    assert run("operator", "add", "Boon", "--role", "admin").exit_code == 2
    done = answer(run("proposal", "confirm", made["id"], "--by", "Somebody else", "--json"))
    assert done["shown_once"][0]["path"].startswith("/welcome/")
    [row] = [row for row in answer(run("operator", "list", "--json")) if row["name"] == "Chai"]
    assert (row["role"], row["email"], row["created_by"]) == ("admin", address, "Anong")


def test_promotion_to_administrator_needs_a_second_person(run_with_store: Run) -> None:
    for name, role in (("Anong", "admin"), ("Boon", "approver"), ("Chai", "viewer")):
        assert run_with_store("operator", "add", name, "--role", role).exit_code == 0
    assert answer(run_with_store("operator", "role", "Chai", "admin", "--json"))["state"] == "open"
    roles = {row["name"]: row["role"] for row in answer(run_with_store("operator", "list", "--json"))}
    assert roles["Chai"] == "viewer"
