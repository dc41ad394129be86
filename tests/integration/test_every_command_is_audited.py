"""Every command that changes data leaves an audit entry with the person's name, and none without an actor."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from click import Command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import insert, text

from schemas import timestamp
from schemas.api.statements import Ground, ObjectionRequest
from schemas.tlog.notes import COSIGNATURE, SignerKey
from server.cli.program import app
from server.features.dispatch import outbox, records
from server.features.federation import origins
from server.features.federation.tables import hub_publishing
from server.features.incidents import carrying_out
from server.features.objections.receive import receive
from server.features.objections.working_days import WorkingDays
from server.release.hub import Hub
from server.store import Store, partners, quotas
from server.store.database.times import now
from tests.certificates import certified, curve_key
from tests.contract.operations import examples_of_dispatch as dispatched
from tests.integration.command import Run, answer
from tests.iso20022_messages import cancellation, transaction
from tests.times import text_ahead

Act = Callable[..., Any]

PERSON, OTHER = "Somsri P.", "Malee K."
PEER = SignerKey.make("hub.example.kh/log").verifier
# Commands that change no data in the store: they read it, or run for a partner.
READING = frozenset(
    (
        *(
            "account list",
            "account show",
            "allowlist list",
            "allowlist test",
            "audit verify",
            "collection list",
            "dispatch list",
            "doctor",
        ),
        *(
            "erasure list",
            "evidence list",
            "explain",
            "feed deliveries",
            "feed list",
            "incident list",
            "key show",
            "lists show",
            "liveness list",
            "mail list",
        ),
        *(
            "log status",
            "log check",
            "lookup",
            "map",
            "match",
            "mirror serve",
            "mirror status",
            "mirror sync",
            "check",
            "verify",
        ),
        "clearance check",
        *("notice check", "operations", "notice page", "objection list", "objection show", "operator list", "outcomes"),
        *(
            "partner list",
            "partner show",
            "partner credential list",
            "partner user list",
            "peer list",
            "peer show",
            "peer trial",
        ),
        *("policy history", "policy show", "policy test"),
        *("policy trial", "proposal list", "proposal show", "quality", "question list", "questions"),
        *("receipts", "referral list"),
        *(
            "incident show",
            "iso20022 write",
            "request list",
            "request show",
            "request statistics",
            "review list",
            "review show",
            "sandbox list",
            "sandbox status",
            "status",
        ),
        *("report", "trends", "witness list", "witness key", "witness run"),
    )
)
# Programs that run until stopped, or on a separate store. Their changes are recorded act by act.
RUNNING = frozenset(("demo", "serve", "feed schedule", "incident run"))
# Need a Dask cluster, another hub, its listings, and PostgreSQL: tests/integration/parallel, test_peer_….py and
# test_move.py have them.
ELSEWHERE = frozenset(("map-cluster", "move", "peer overlap", "peer leftovers"))

# The entries of a program that a command runs, beside that of the person.
PROGRAMS = {"feed run": ("feed drop",)}

COERCED, REPORTED, KEPT = "TH:KASITHBK:1234567890", "TH:KASITHBK:4567890123", "TH:SICOTHBK:1112223334"
SLIP = b"%PDF-1.7\na slip of a transfer"
EXPORTED = ("--collection", "takedown", "--format", "csv", "--output", "takedown.csv")
SETTINGS = """
evidence_store = "files"
evidence_key_file = "key"
dns_servers = ["127.0.0.1"]

[[feed]]
name = "drop"
connector = "file-pull"
every = "5m"
path = "drop"
contribute_as = "First Bank"

[[feed]]
name = "files"
connector = "file-push"
every = "5m"
path = "out"
format = "csv"
partner = "First Bank"
collection = "takedown"
signing_key = { file = "files.pem" }
"""


class Desk:
    """Runs commands in a person's name, first as a dry run, and checks that each leaves an entry of that person."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.done: set[str] = set()
        self._with_dry_run = {name for name, command in commands() if _has_dry_run(command)}

    def act(self, command: str, *arguments: str, by: str = PERSON) -> Any:
        if command in self._with_dry_run:
            self._try(command, *arguments, "--by", by)
        before = _entries()
        result = self._run(*command.split(), *arguments, "--by", by)
        assert result.exit_code == 0, (command, result.output)
        # A restored trail begins with the entries of the hub that was saved.
        named = _entries()[len(before) :] if command != "restore" else _entries()[-1:]
        assert by in named, f"{command} left no entry of {by}"
        assert set(named) <= {by, *PROGRAMS.get(command, ())}, f"{command} left entries of {named}"
        self.done.add(command)
        return orjson.loads(result.stdout) if "--json" in arguments else None

    def _try(self, command: str, *arguments: str) -> None:
        before = _content()
        tried = self._run(*command.split(), *arguments, "--dry-run", *({"--json"} - set(arguments)))
        if "No such option: --json" in tried.output:
            tried = self._run(*command.split(), *arguments, "--dry-run")
        assert tried.exit_code == 0, (command, tried.output)
        assert "dry run: nothing was changed" in tried.output.lower() or orjson.loads(tried.stdout)["dry_run"]
        assert _content() == before, f"a dry run of {command} changed something"


def _has_dry_run(command: Command) -> bool:
    options = {name: option for option in command.params for name in option.opts}
    return "--dry-run" in options and "change nothing" in options["--dry-run"].help


def _content() -> dict[str, str]:
    """Return the rows of the store, and the hash of each other file in the folder; keys are made when first used."""
    files = [file for file in Path().rglob("*") if file.is_file() and not file.name.startswith("scamfeed")]
    hashes = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    with closing(sqlite3.connect("scamfeed.db")) as database:
        return hashes | {"scamfeed.db": hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()}


def _entries() -> list[str]:
    """Return the actor of each audit entry in order of arrival."""
    if not Path("scamfeed.db").exists():
        return []
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        return list(tx.execute(text("SELECT remote FROM audit ORDER BY rowid")).scalars())


def test_every_changing_command_is_audited(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "scamfeed.toml").write_text(f'{SETTINGS}[[peer]]\nname = "Hub"\nkey = "{PEER}"\n')
    (tmp_path / "out").mkdir()
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "files.pem").write_bytes(pem)
    (tmp_path / "files.pem").chmod(0o600)
    desk = Desk(run)
    act = desk.act
    act("init")
    act("partner add", "First Bank", "--kind", "bank", "--country", "TH", "--read", "takedown")
    act("partner add", "Police", "--kind", "government", "--country", "TH", "--authority", "bank-account")
    act(
        "partner add",
        "Second Bank",
        "--kind",
        "bank",
        "--country",
        "TH",
        "--institution",
        "TH:014",
        "--read",
        "mule-accounts",
    )
    _hub_in_general(act, tmp_path)
    _partners(act, tmp_path)
    _dispatch(act)
    _people(act)
    _peers(act)
    _reports(act, run, tmp_path)
    _decisions(act, run, tmp_path)
    _proofs(act, run, tmp_path)
    act("evidence tidy")
    act("backup", "saved")
    # On another machine. The restored audit trail already has the first two persons.
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    act("restore", "../saved", by="Kanya R.")
    expected = {name for name, _ in commands()} - READING - RUNNING - ELSEWHERE
    assert desk.done == expected


def _hub_in_general(act: Act, folder: Path) -> None:
    act("collection add", "task-force", "--title", "Task force", "--exchange")
    act("collection set", "takedown", "--no-certificate")
    act("allowlist add", "domain:harmless.example.net", "--reason", "known")
    act("allowlist remove", "domain:harmless.example.net")
    (folder / "more.txt").write_text("number-one.example\n")
    act("lists update", "more.txt", "--as", "local-owned", "--may-shrink")
    act("policy apply")
    act("key renew")
    (folder / "rules.toml").write_text('[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\n')
    proposed = act("policy propose", "rules.toml", "--json")
    act("proposal withdraw", proposed["id"])
    act("proposal reject", act("policy propose", "rules.toml", "--json")["id"], by=OTHER)


def _partners(act: Act, folder: Path) -> None:
    act("partner set", "First Bank", "--named")
    act("partner grant", "First Bank", "--read", "mule-accounts")
    act("partner revoke", "First Bank", "mule-accounts")
    act("partner rotate", "First Bank")
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        credential = partners.credentials_of(tx, "First Bank")[0].name
    act("partner credential name", "First Bank", credential, "SIEM")
    (folder / "client.pem").write_text(certified(curve_key()))
    act("partner certificate", "First Bank", "client.pem")
    act("partner own", "First Bank", "domain:first-bank.example.org")
    act("partner own", "First Bank", "domain:first-bank.example.org", "--remove")
    for whose in ((), ("Police",)):
        act("partner focal-point", *whose, "--function", "protection", "--contact", "https://help.example.org/")
    act("partner register", "First Bank", "GB:00000006")
    act("partner link", "First Bank", "--secret-file", "key")
    act("partner unlink", "First Bank")
    act("sandbox start", "First Bank")
    act("sandbox stop", "First Bank")
    act("partner remove", "First Bank")
    act("partner restore", "First Bank", "--read", "takedown")
    act("partner user add", "First Bank", "Nok", "--role", "reader")
    act("partner user role", "First Bank", "Nok", "admin")
    act("partner user link", "First Bank", "Nok")
    act("partner user remove", "First Bank", "Nok")


def _dispatch(act: Act) -> None:
    with closing(Store.open("sqlite:///scamfeed.db")) as store:
        dispatched.fill(store, "unknown", "approval")
        with store.begin() as tx:
            outbox.put(
                tx, outbox.DispatchMail("01" * 16, "report", "a@b.example", None, None, None, 1, "approval", None, 0, 1)
            )
            outbox.add_answer(tx, outbox.MailedAnswer(dispatched.ANSWER, dispatched.MAIL, 1, "Which page?", "open"))
    act("dispatch approve", dispatched.MAIL)
    act("dispatch discard", "01" * 16)
    act("dispatch contact", dispatched.ADDRESS, "bad")
    act("dispatch respond", dispatched.ROW, "sent-by-form")
    act("dispatch close", dispatched.ANSWER)
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        row = records.find(tx, dispatched.ROW)
        assert row is not None
        records.change(tx, row, state="unknown")
    act("dispatch assign", dispatched.ROW, "abuse@other.example")


def _peers(act: Act) -> None:
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        known = origins.lock(tx, [PEER.name])[PEER.name]
        origins.note_contradiction(tx, PEER.name, 1, (b"{}", b"[]"), "Hub")
        origins.set_word(tx, PEER.name, origins.THROTTLED)
        origins.set_word(tx, PEER.name, origins.NEW_KEY)
        origins.learn(tx, known, next_key=str(PEER))
        values = {"id": 1, "number": 1, "signed": 1, "key": str(PEER), "handover": ""}
        tx.execute(insert(hub_publishing), [values])
    act("peer decide", "Hub")
    act("peer confirm-key", "Hub")
    act("peer lift-throttle", "Hub")
    act("peer restored")


def _people(act: Act) -> None:
    act("operator add", "Dara", "--role", "analyst")
    act("operator email", "Dara", "dara@hub.example")
    act("operator role", "Dara", "viewer")
    act("operator link", "Dara")
    act("operator remove", "Dara")


def _reports(act: Act, run: Run, folder: Path) -> None:
    digest = hashlib.sha256(SLIP).hexdigest()
    (folder / "accounts.csv").write_text(
        "account_number,bank,country,holder_status,sha256\n"
        f"1234567890,KBANK,TH,coerced,\n4567890123,KBANK,TH,,{digest}\n1112223334,SCB,TH,,\n"
    )
    act("contribute", "accounts.csv", "--partner", "Police", "--kind", "bank-account", "--tlp", "amber")
    (folder / "domains.csv").write_text("value\nshop.example.com\npay.example.com\nold.example.com\nsold.example.com\n")
    act("contribute", "domains.csv", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    act("retract", "pay.example.com", "--reason", "mistaken")
    act("ask", "shop.example.com", "--question", "Is it still up?")
    asked = act("account ask", KEPT, "--kind", "number", "--partner", "Second Bank", "--json")
    act("question answer", asked["id"], "--partner", "Police", "--text", "Yes")
    act("account answer", KEPT, "--code", "fraud", "--partner", "Second Bank")
    [made] = act("referral add", COERCED, "--to", "hub", "--json")
    act("referral answer", made["id"], "--answer", "accepted")
    (folder / "drop").mkdir()
    (folder / "drop" / "more.txt").write_text("more.example.com\n")
    act("feed run", "drop")
    act("feed retry", "drop")
    act("feed verify", "files")
    act("feed replay", "files", "--since", "2026-01-01T00:00:00Z")
    act("export", *EXPORTED, "--sign")


def _decisions(act: Act, run: Run, folder: Path) -> None:
    message = cancellation("A-1", transaction(debtor_agent="SICOTHBK"), sender="SICOTHBK")
    (folder / "camt056.xml").write_text(message)
    act("iso20022 read", "camt056.xml", "--partner", "Second Bank")
    asked = ("--partner", "Police", "--asks", "information", "--legal-basis", "statute", "--deadline", "4h")
    sent = act("request open", REPORTED, *asked, "--reference", "CASE-1", "--json")
    act("request assign", sent["id"], "--to", "Second Bank")
    act("request answer", sent["id"], "--partner", "Second Bank", "--state", "acknowledged")
    ordered = ("--partner", "Police", "--asks", "freeze", "--legal-basis", "police-order", "--legal-reference", "77")
    amount = ("--deadline", "4h", "--until", "2d", "--amount", "100", "--currency", "THB", "--reference", "CASE-2")
    sent = act("request open", KEPT, *ordered, *amount, "--json")
    reply = ("--partner", "Second Bank", "--state")
    gone = [f"bank-account:TH:SICOTHBK:999888777{number}=40" for number in (1, 2)]
    act(
        "request answer",
        sent["id"],
        *reply,
        "agreed",
        "--amount",
        "20",
        "--currency",
        "THB",
        "--went-to",
        gone[0],
        "--went-to",
        gone[1],
    )
    hops = [row["id"] for row in answer(run("request", "list", "--json")) if row.get("state") == "unconfirmed"]
    taken = ("--partner", "Police", "--asks", "take-down", "--reference", "CASE-3", "--basis", "notice")
    (folder / "order.csv").write_text("https://shop.example.net/pay\n")
    [row] = act("request bulk", "order.csv", *taken, "--explanation", "obtains-money", "--json")
    act("request record", row["request"], "--response", "more-needed")
    act("request assign", row["request"], "--to", "Second Bank")
    (folder / "gone.csv").write_text("https://gone.example.net/pay\n")
    taken = (*taken[:5], "CASE-4", *taken[6:])
    act("request bulk", "gone.csv", *taken, "--explanation", "obtains-money", "--json")
    act("liveness gone", "https://gone.example.net/pay")
    act("liveness back", "https://gone.example.net/pay")
    grounds = ("--explanation", "obtains-money", "--json")
    for command in ("request release", "request refuse"):
        held = act("request open", "https://www.wikipedia.org/", *taken[:5], command[8:], *taken[6:], *grounds)
        act(command, held["id"])
    (folder / "responses.csv").write_text(f"request,response\n{row['request']},removed\n")
    act("request respond", "responses.csv", "--partner", "Second Bank")
    for command, hop in zip(("request confirm", "request decline"), hops, strict=True):
        act(command, hop, "--partner", "Police")
    (folder / "held.csv").write_text("value\nbit.ly\ntinyurl.com\n")
    act("contribute", "held.csv", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    [first, second] = [row["id"] for row in answer(run("review", "list", "--json"))]
    act("review approve", first)
    act("review reject", second)
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        receive(tx, ObjectionRequest("shop.example.com", Ground.NOT_INVOLVED, "domain"), WorkingDays(5), None)
        quotas.throttle(tx, "First Bank", "unusual-volume", now())
    [objection] = answer(run("objection", "list", "--json"))
    act("objection decide", objection["id"], "--uphold", "--reason", "several-reports")
    act("partner lift-throttle", "First Bank")
    erased = act("erase", "old.example.com", "--reason", "erased by order", "--json")
    act("proposal confirm", erased["id"], by=OTHER)
    act("erasure finish")
    act("liveness end", "sold.example.com", "--registered", "2199-01-01T00:00:00Z")
    act("liveness follow")
    (folder / "old.csv").write_text("value\n+66812345678\n")
    act("contribute", "old.csv", "--partner", "First Bank", "--kind", "phone", "--tlp", "green")
    (folder / "register.csv").write_text(f"range,assigned\n+66812,{timestamp.text(timestamp.now())}\n")
    act("liveness numbers", "register.csv")
    _incidents(act)


def _incidents(act: Act) -> None:
    ids = [act("incident select", "--kind", "domain", "--reason", "mistaken", "--json")["id"] for _ in range(3)]
    act("incident discard", ids[0])
    act("incident decide", ids[1], "--decision", "hold")
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        carrying_out.begin(Hub(store), tx, ids[2], "release", None, PERSON)
    act("incident pause", ids[2])
    act("incident resume", ids[2])


def _proofs(act: Act, run: Run, folder: Path) -> None:
    act("log seal")
    act("log recovery-key", "recovery.key")
    act("log rotate", "--recovery-key", "recovery.key")
    act("peer ends", text_ahead(days=60))
    act("witness add", "Bank", "--key", str(SignerKey.make("bank.example/w", COSIGNATURE).verifier))
    act("witness remove", "Bank")
    act("witness trust", "Other", "--key", str(SignerKey.make("other.example/log").verifier))
    act("witness distrust", "Other")
    act("key drop", str(answer(run("key", "show", "--json"))[0]["key"]))
    act("clearance make", "pay.example.com")
    act("notice make", "shop.example.com", "--partner", "First Bank", "--output", "notice.json")
    [found] = answer(run("lookup", REPORTED, "--json"))
    report = ("--report", found["indicators"][0]["id"])
    (folder / "slip.pdf").write_bytes(SLIP)
    act("evidence add", "slip.pdf", *report)
    act("evidence hand-over", *report, "--to", "Second Bank")
    act("evidence get", hashlib.sha256(SLIP).hexdigest(), "--for", "Second Bank", "--output", "got.pdf")
    act("evidence export", *report, "--for", "Second Bank", "--output", "bag.zip")
    act("evidence take-back", *report, "--to", "Second Bank")
    [listed] = answer(run("lookup", "shop.example.com", "--json"))
    act("evidence object", listed["listings"][0]["id"], "--collection", "takedown", "--output", "object.zip")
    act("audit export", "--output", "trail.jsonl")


def commands() -> Iterator[tuple[str, Command]]:
    """Yield every command of the program with its name."""

    def walk(command: Command, names: list[str]) -> Iterator[tuple[str, Command]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(names), command
        for name, each in (inner or {}).items():
            yield from walk(each, [*names, name])

    return walk(typer.main.get_command(app), [])
