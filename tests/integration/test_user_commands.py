"""Operators and users of partners at the command line."""

from tests.integration.command import Run, answer


def test_an_operator_gets_a_link_a_role_and_an_end(run_with_store: Run) -> None:
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


def test_a_partners_user_is_no_operator_and_of_no_other_partner(run_with_store: Run) -> None:
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
    assert run_with_store("partner", "user", "remove", "First Bank", "Malee").exit_code == 0
