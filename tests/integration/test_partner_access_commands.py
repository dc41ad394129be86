"""Partner access and powers on the command line, with and without operators who can confirm proposals."""

from pathlib import Path

import pytest

from server.features.partners import notices
from server.store import Store, partners
from server.store.operators import users
from server.store.operators.users import OperatorRole
from tests.integration.command import Run, answer

ISSUES = (
    ("partner", "rotate", "Guarded Bank"),
    ("partner", "certificate", "Guarded Bank", "cd" * 32),
    ("partner", "user", "add", "Guarded Bank", "Malee", "--role", "writer"),
    ("partner", "user", "link", "Guarded Bank", "Nok"),
)
SECRETS = {"password", "token", "link", "fingerprint"}


@pytest.fixture
def alone(run_with_store: Run) -> Run:
    """Make a hub with a trusted bank and another one, without operators' accounts."""
    assert run_with_store("partner", "add", "Guarded Bank", "--kind", "bank", "--trusted").exit_code == 0
    assert run_with_store("partner", "user", "add", "Guarded Bank", "Nok", "--role", "reader").exit_code == 0
    assert run_with_store("partner", "add", "Plain Bank", "--kind", "bank").exit_code == 0
    return run_with_store


@pytest.fixture
def hub(alone: Run, tmp_path: Path) -> Run:
    """Add two operators who can confirm proposals to the hub."""
    store = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    with store.begin() as tx:
        for name in ("First Approver", "Second Approver"):
            users.add(tx, name, OperatorRole.APPROVER, "Somebody")
    store.close()
    return alone


@pytest.mark.parametrize("command", ISSUES, ids=lambda command: "-".join(command[1:3]))
def test_access_of_a_partner_with_powers_waits_for_a_second_person(hub: Run, command: tuple[str, ...]) -> None:
    proposed = answer(hub(*command, "--by", "Anong", "--json"))
    assert (proposed["action"], proposed["state"], proposed["proposed_by"]) == ("issue-access", "open", "Anong")
    assert not SECRETS & proposed.keys()
    assert hub("proposal", "confirm", proposed["id"], "--by", "ANONG").exit_code == 2
    done = answer(hub("proposal", "confirm", proposed["id"], "--by", "Boon", "--json"))
    assert done["state"] == "confirmed"
    if "certificate" not in command:
        [shown] = done["shown_once"]
        assert {"password", "token"} <= shown.keys() or shown["path"].startswith("/welcome/")


def test_access_of_other_partners_is_printed_at_once(hub: Run) -> None:
    assert answer(hub("partner", "rotate", "Plain Bank", "--json"))["password"]
    assert "welcome" in hub("partner", "user", "add", "Plain Bank", "Som", "--role", "admin").output
    assert answer(hub("partner", "add", "New Bank", "--kind", "bank", "--json"))["token"]


def test_powers_are_granted_under_dual_control_and_revoked_at_once(hub: Run) -> None:
    given = answer(hub("partner", "set", "Plain Bank", "--country", "th", "--institution", "KASITHBK", "--json"))
    assert (given["country"], given["institutions"]) == ("TH", [])
    assert hub("proposal", "confirm", given["proposal"], "--by", "Boon").exit_code == 0
    assert answer(hub("partner", "show", "Plain Bank", "--json"))["institutions"] == ["KASITHBK"]
    taken = answer(hub("partner", "set", "Guarded Bank", "--not-trusted", "--json"))
    assert (taken["trusted"], "proposal" in taken) == (False, False)
    assert answer(hub("partner", "rotate", "Guarded Bank", "--json"))["action"] == "issue-access"
    new = answer(hub("partner", "add", "Police", "--kind", "government", "--authority", "domain", "--json"))
    assert new["action"] == "add-partner"
    assert "no partner" in hub("partner", "show", "Police").stderr
    assert answer(hub("proposal", "confirm", new["id"], "--by", "Boon", "--json"))["shown_once"][0]["password"]


def test_vouching_for_a_partner_needs_a_second_person_and_ending_it_none(hub: Run) -> None:
    given = answer(hub("partner", "set", "Plain Bank", "--vouched", "--country", "th", "--by", "Anong", "--json"))
    assert (given["country"], given["vouched"]) == ("TH", False)
    assert hub("proposal", "confirm", given["proposal"], "--by", "Anong").exit_code == 2
    told = answer(hub("proposal", "show", given["proposal"], "--json"))
    assert "vouches for Plain Bank" in str(told)
    assert hub("proposal", "confirm", given["proposal"], "--by", "Boon").exit_code == 0
    assert answer(hub("partner", "show", "Plain Bank", "--json"))["vouched"] is True
    assert answer(hub("partner", "rotate", "Plain Bank", "--json"))["password"]
    ended = answer(hub("partner", "set", "Plain Bank", "--not-vouched", "--json"))
    assert (ended["vouched"], "proposal" in ended) == (False, False)
    new = answer(hub("partner", "add", "New Bank", "--kind", "bank", "--vouched", "--json"))
    assert new["action"] == "add-partner"
    assert "no partner" in hub("partner", "show", "New Bank").stderr


def test_joining_the_organisation_of_others_needs_a_second_person_and_leaving_it_none(hub: Run) -> None:
    own = answer(hub("partner", "set", "Plain Bank", "--organisation", "Plain Group", "--json"))
    assert (own["organisation"], "proposal" in own) == ("Plain Group", False)
    # By its name, in any case, or by the name of a partner that has no other.
    for joined in ("guarded bank", "Guarded Bank"):
        given = answer(hub("partner", "set", "Plain Bank", "--organisation", joined, "--country", "TH", "--json"))
        assert (given["country"], given["organisation"]) == ("TH", "Plain Group")
        assert f"Plain Bank belongs to {joined} from now on" in str(
            answer(hub("proposal", "show", given["proposal"], "--json"))
        )
    new = answer(hub("partner", "add", "New Bank", "--kind", "bank", "--organisation", "Plain Group", "--json"))
    assert new["action"] == "add-partner"
    assert "belongs to Plain Group" in str(answer(hub("proposal", "show", new["id"], "--json")))
    assert hub("proposal", "confirm", given["proposal"], "--by", "Boon").exit_code == 0
    assert answer(hub("partner", "show", "Plain Bank", "--json"))["organisation"] == "Guarded Bank"
    left = answer(hub("partner", "set", "Plain Bank", "--organisation", "", "--json"))
    assert (left["organisation"], "proposal" in left) == (None, False)


@pytest.mark.parametrize(
    "command",
    [
        ("partner", "rotate", "Plain Bank"),
        ("partner", "certificate", "Plain Bank", "cd" * 32),
        ("partner", "user", "add", "Plain Bank", "Som", "--role", "writer"),
    ],
    ids=lambda command: "-".join(command[1:3]),
)
def test_access_issued_before_the_confirmation_gets_no_powers(hub: Run, command: tuple[str, ...]) -> None:
    """The second person saw the existing access, and confirms powers for that access only."""
    given = answer(hub("partner", "set", "Plain Bank", "--trusted", "--by", "Anong", "--json"))
    assert hub(*command, "--by", "Anong").exit_code == 0
    assert "void" in hub("proposal", "confirm", given["proposal"], "--by", "Boon", "--json").output
    assert answer(hub("partner", "show", "Plain Bank", "--json"))["trusted"] is False
    again = answer(hub("partner", "set", "Plain Bank", "--trusted", "--by", "Anong", "--json"))
    assert hub("proposal", "confirm", again["proposal"], "--by", "Boon").exit_code == 0
    assert answer(hub("partner", "show", "Plain Bank", "--json"))["trusted"] is True


def test_former_partner_with_powers_returns_under_dual_control(hub: Run) -> None:
    assert hub("partner", "remove", "Guarded Bank").exit_code == 0
    back = answer(hub("partner", "restore", "Guarded Bank", "--read", "takedown", "--json"))
    assert back["action"] == "issue-access"
    assert answer(hub("proposal", "confirm", back["id"], "--by", "Boon", "--json"))["shown_once"]
    assert answer(hub("partner", "show", "Guarded Bank", "--json"))["reads"] == ["takedown"]


def test_one_person_issues_access_where_nobody_could_confirm(alone: Run, tmp_path: Path) -> None:
    assert answer(alone("partner", "rotate", "Guarded Bank", "--json"))["password"]
    assert alone("partner", "set", "Guarded Bank", "--authority", "domain").exit_code == 0
    store = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    with store.read() as tx:
        told = [notice.code for notice in notices.latest(tx, "Guarded Bank", 10)]
        assert partners.get(tx, "Guarded Bank").authority == ("domain",)
    store.close()
    assert told == ["authority-changed", "credentials-issued", "user-added", "trusted-given"]


def test_peer_reads_hub_reports_and_no_other_collection(hub: Run) -> None:
    assert hub("partner", "grant", "Plain Bank", "--read", "takedown", "--match", "takedown").exit_code == 0
    given = answer(hub("partner", "set", "Plain Bank", "--peer", "--json"))
    assert (given["peer"], given["reads"]) == (False, ["takedown"])
    assert hub("proposal", "confirm", given["proposal"], "--by", "Boon").exit_code == 0
    peer = answer(hub("partner", "show", "Plain Bank", "--json"))
    own = next(alias for alias in peer["reads"] if alias != "hub-reports")
    assert own.startswith("hub-reports-plain-bank")
    assert (peer["peer"], peer["reads"], peer["writes"], peer["matches"]) == (
        True,
        sorted(["hub-reports", own]),
        ["inbox"],
        [],
    )
    assert answer(hub("partner", "rotate", "Plain Bank", "--json"))["action"] == "issue-access"
    former = answer(hub("partner", "set", "Plain Bank", "--no-peer", "--json"))
    assert (former["peer"], former["reads"], former["writes"]) == (False, [], ["inbox"])


def test_new_peer_reads_hub_reports_at_once(alone: Run) -> None:
    assert answer(alone("partner", "add", "Hub B", "--kind", "government", "--peer", "--json"))["token"]
    peer = answer(alone("partner", "show", "Hub B", "--json"))
    assert (len(peer["reads"]), peer["reads"][0]) == (2, "hub-reports")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("add", "Hub C", "--kind", "ngo", "--peer", "--read", "public"), "public: Hub C is a peer"),
        (("add", "Hub C", "--kind", "bank", "--peer", "--institution", "KASITHBK"), "a peer is not trusted"),
        (("set", "Guarded Bank", "--peer"), "a peer is not trusted"),
        (("grant", "Hub B", "--read", "takedown"), "takedown: Hub B is a peer"),
        (("grant", "Hub B", "--match", "takedown"), "takedown: Hub B is a peer"),
        (("grant", "Plain Bank", "--write", "hub-reports"), "only the hub writes hub reports"),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else "",
)
def test_other_rights_of_a_peer_are_refused(alone: Run, command: tuple[str, ...], message: str) -> None:
    assert alone("partner", "add", "Hub B", "--kind", "government", "--peer").exit_code == 0
    refused = alone("partner", *command)
    assert refused.exit_code == 2
    assert message in refused.stderr
