"""``scamfeed backup`` of a running hub, and ``scamfeed restore`` into an empty folder, on either database."""

import json
import secrets
import shutil
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest
from s3fs import S3FileSystem

from schemas.tlog import verify
from schemas.tlog.signatures import new_key
from server.store import Store, collections, log
from server.store.item import Item
from tests.contract.connectors import machines
from tests.integration.machine import Machine, contribute, read
from tests.postgres import Postgres

SLIP = b"%PDF-1.7\na slip of a transfer"
VALUE = "4567890123"
CONFIGURATION = """\
title = "Our hub"
public_url = "https://feed.example.org/"
signing_key_file = "keys/signing.pem"
ledger_key_file = "keys/ledger.key"
match_seed_file = "keys/match-seed"
objection_key_file = "keys/objections"
evidence_store = "evidence"

[[feed]]
name = "a-bank"
connector = "taxii-pull"
every = "1h"
url = "https://bank.example/taxii2/"
user = "scamfeed"
password = { file = "keys/bank-password" }
contribute_as = "Bank A"

[[feed]]
name = "another-bank"
connector = "taxii-pull"
every = "1h"
url = "https://other.example/taxii2/"
user = "scamfeed"
password = { env = "OTHER_BANK_PASSWORD" }
contribute_as = "Bank A"
"""


@dataclass
class FilledHub:
    """A hub with objects, partners, keys, evidence and a proof, and the credentials of its partners."""

    machine: Machine
    empty_database: str
    tokens: dict[str, str]
    passwords: dict[str, tuple[str, str]]

    def new_machine(self, folder: Path) -> Machine:
        folder.mkdir()
        environment = {"SCAMFEED_DATABASE_URL": self.empty_database} if self.empty_database else {}
        return Machine(folder, environment)


class Template(NamedTuple):
    """A filled hub to copy: its folder, the name of its database on PostgreSQL, its environment, and its partners."""

    folder: Path
    database: str
    environment: dict[str, str]
    partners: dict[str, dict[str, str]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("filled")
    (folder / "keys").mkdir(parents=True)
    (folder / "scamfeed.toml").write_text(CONFIGURATION)
    secret = {"signing.pem": new_key(), "bank-password": "a secret of the bank"}
    secret |= {name: secrets.token_hex(32) for name in ("match-seed", "objections", "evidence")}
    for name, text in secret.items():
        (folder / "keys" / name).write_text(text)
        (folder / "keys" / name).chmod(0o600)
    # The backup also has to restore settings that come only from the environment.
    environment = {"OTHER_BANK_PASSWORD": "hidden", "SCAMFEED_LOGIN_KEY": secrets.token_hex(32)}
    environment["SCAMFEED_EVIDENCE_KEY_FILE"] = "keys/evidence"
    database, place = "", {}
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        database = server.database()
        place = {"SCAMFEED_DATABASE_URL": server.url(database)}
    machine = Machine(folder, environment | place)
    machine.ask("init")
    made = {
        "Bank A": machine.ask("partner", "add", "Bank A", "--kind", "bank"),
        "Reader": machine.ask("partner", "add", "Reader", "--kind", "bank", "--read", "mule-accounts"),
    }
    contribute(machine, VALUE)
    (folder / "slip.pdf").write_bytes(SLIP)
    assert machine.ask("log", "seal")["entries"] > 0
    [found] = machine.ask("lookup", f"TH:KASITHBK:{VALUE}")
    machine.ask("evidence", "add", "slip.pdf", "--report", found["indicators"][0]["id"], "--by", "Anna")
    return Template(folder, database, environment, made)


@pytest.fixture
def hub(template: Template, request: pytest.FixtureRequest, tmp_path: Path) -> FilledHub:
    folder = tmp_path / "hub"
    shutil.copytree(template.folder, folder)
    environment, empty = dict(template.environment), ""
    if template.database:
        server: Postgres = request.getfixturevalue("postgres")
        environment["SCAMFEED_DATABASE_URL"] = server.url(server.database(template.database))
        empty = server.url(server.database())
    return FilledHub(
        Machine(folder, environment),
        empty,
        {name: partner["token"] for name, partner in template.partners.items()},
        {name: (partner["user"], partner["password"]) for name, partner in template.partners.items()},
    )


@pytest.mark.long
def test_hub_is_restored_from_the_backup_alone(hub: FilledHub, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    old = hub.machine
    stopped = Event()
    with old.served() as url:
        objects, place = read(url, hub.tokens["Reader"])
        assert objects
        writing = Thread(target=_go_on_writing, args=(old.database, stopped))
        writing.start()
        try:
            made = old.ask("backup", str(backup), "--by", "Anna")
        finally:
            stopped.set()
            writing.join(60)
        key = old.ask("log", "status")["keys"][0]["key"]
        old.ask("evidence", objects[0]["id"], "--collection", "mule-accounts", "--output", "proof.zip")
    for file in [backup, *backup.rglob("*")]:
        assert file.stat().st_mode & 0o077 == 0, file
    assert set(made["saved_files"]) >= {
        "configuration",
        "signing_key_file",
        "ledger_key_file",
        "match_seed_file",
        "objection_key_file",
        "evidence_key_file",
        "feed.0.password.file",
    }
    assert (made["evidence"], made["evidence_missing"]) == (1, 0)

    new = hub.new_machine(tmp_path / "new")
    elsewhere = tmp_path / "carried"
    shutil.move(backup, elsewhere)
    shutil.move(old.folder, tmp_path / "lost")
    done = new.run_alone("restore", str(elsewhere), "--by", "Somsri P.", "--json")
    assert done.returncode == 0, done.stderr
    restored = json.loads(done.stdout)
    assert restored["variables_to_set"] == ["OTHER_BANK_PASSWORD"]
    for name in ("signing.pem", "ledger.key", "match-seed", "objections", "evidence", "bank-password"):
        file = new.folder / "keys" / name
        assert file.read_bytes() == (tmp_path / "lost/keys" / name).read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600
    assert 'title = "Our hub"' in (new.folder / "scamfeed.toml").read_text()
    status = new.ask("log", "status")
    assert (status["keys"][0]["key"], status["key_problem"]) == (key, None)
    assert new.run("log", "check").exit_code == 0
    assert new.run("audit", "verify").exit_code == 0
    with new.served() as url:
        for login in (hub.tokens["Reader"], hub.passwords["Reader"]):
            again, _ = read(url, login)
            assert [obj for obj in again if obj in objects] == objects
        # An earlier cursor continues: objects already read are not returned again.
        later, _ = read(url, hub.tokens["Reader"], f"?added_after={place}")
        assert not [obj for obj in later if obj in objects]
        (new.folder / "objects.json").write_text(json.dumps({"objects": objects}))
        new.environment["SCAMFEED_TOKEN"] = hub.tokens["Reader"]
        asked = ["--server", url, "--allow-private", "--collection", "mule-accounts", "--key", key]
        found = new.ask("verify", "objects.json", *asked)
        assert (found["proven"], found["complete"]) == (len(objects), True)
        del new.environment["SCAMFEED_TOKEN"]
        contribute(new, "5567890123")
        assert len(read(url, hub.tokens["Reader"], f"?added_after={place}")[0]) > len(later)
    assert verify.main([str(tmp_path / "lost/proof.zip"), "--key", key]) == 0
    [listed] = new.ask("evidence", "list")
    done = new.run("evidence", "get", listed["sha256"], "--for", "Bank A", "--output", "slip.pdf")
    assert done.exit_code == 0, done.stderr
    assert (new.folder / "slip.pdf").read_bytes() == SLIP


def _go_on_writing(url: str, stopped: Event) -> None:
    """Write objects into the inbox during the backup, as partners do."""
    with closing(Store.open(url)) as store:
        while not stopped.wait(0.05):
            with store.begin() as tx:
                item = Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"})
                log.append(tx, collections.get(tx, "inbox"), [item])


def test_incomplete_backup_is_refused_and_leaves_nothing(hub: FilledHub, tmp_path: Path) -> None:
    backup, old = tmp_path / "backup", hub.machine
    old.ask("backup", str(backup))
    assert "not empty" in old.run("backup", str(backup)).stderr
    new = hub.new_machine(tmp_path / "new")

    def refused(words: str) -> None:
        done = new.run("restore", str(backup))
        assert done.exit_code == 2, done.output
        assert words in done.stderr
        assert list(new.folder.iterdir()) == []

    for file in [file for file in sorted(backup.rglob("*")) if file.is_file()][:: 1 if not hub.empty_database else 20]:
        whole = file.read_bytes()
        if not whole:
            continue
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        refused("manifest")
        file.write_bytes(whole)
    manifest = backup / "manifest.json"
    whole = manifest.read_bytes()
    for old_text, text, words in (
        ("scamfeed-backup/1", "scamfeed-backup/9", "another format"),
        (f'"revision": "{json.loads(whole)["database"]["revision"]}"', '"revision": "9999"', "newer version"),
        ('"path": "environment.json"', '"path": "../environment.json"', "outside"),
    ):
        manifest.write_text(whole.decode().replace(old_text, text, 1))
        refused(words)
    manifest.write_bytes(whole)
    (backup / "files/more").write_text("x")
    refused("does not list it")
    (backup / "files/more").unlink()
    (backup / "files/link").symlink_to("/etc/passwd")
    refused("only files and folders")
    (backup / "files/link").unlink()
    # The database is written last. If that fails, the files are removed too.
    document = json.loads(whole)
    document["database"]["rows"]["partners"] += 1
    manifest.write_text(json.dumps(document))
    refused("the number of rows")
    manifest.write_bytes(whole)
    (new.folder / "keys").mkdir()
    (new.folder / "keys/ledger.key").write_text("another key")
    done = new.run("restore", str(backup))
    assert done.exit_code == 2
    assert "content differs" in done.stderr
    assert [file.name for file in new.folder.rglob("*")] == ["keys", "ledger.key"]
    shutil.rmtree(new.folder / "keys")
    new.ask("restore", str(backup))
    # An existing store is not overwritten.
    done = new.run("restore", str(backup))
    assert done.exit_code == 2
    assert "already" in done.stderr or "has tables" in done.stderr


@pytest.mark.parametrize("hub", ["sqlite"], indirect=True)
def test_missing_named_key_stops_the_backup(hub: FilledHub, tmp_path: Path) -> None:
    (hub.machine.folder / "keys/objections").unlink()
    done = hub.machine.run("backup", str(tmp_path / "backup"))
    assert done.exit_code == 2
    assert "objection_key_file" in done.stderr
    assert list((tmp_path / "backup").iterdir()) == []


def test_damaged_database_is_not_backed_up(hub: FilledHub, tmp_path: Path) -> None:
    if hub.empty_database:
        # PostgreSQL checks its pages itself, and an unreadable table ends the transaction.
        import psycopg

        url = hub.machine.environment["SCAMFEED_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("DROP TABLE alembic_version")
    else:
        file = hub.machine.folder / "scamfeed.db"
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = bytearray(file.read_bytes())
        data[40 * 4096 : 44 * 4096] = secrets.token_bytes(4 * 4096)
        file.write_bytes(data)
    done = hub.machine.run("backup", str(tmp_path / "backup"))
    assert done.exit_code != 0
    assert not (tmp_path / "backup").exists() or list((tmp_path / "backup").iterdir()) == []


# A feed from an SFTP server, one from a server with a private authority, and the files that settings name for them.
NAMED_FILES = {
    "mail_ca_file": "keys/mail-ca.pem",
    "feed.0.ca_file": "keys/peer-ca.pem",
    "feed.0.columns": "columns.toml",
    "feed.1.key_file": "keys/ssh",
    "feed.1.known_hosts": "keys/known_hosts",
}
FEEDS_WITH_FILES = """
[[feed]]
name = "a-server"
connector = "http-pull"
every = "1h"
url = "https://peer.example/list.csv"
ca_file = "keys/peer-ca.pem"
columns = "columns.toml"
contribute_as = "Bank A"

[[feed]]
name = "a-folder"
connector = "file-pull"
every = "1h"
path = "sftp://files.example/lists/*.csv"
user = "scamfeed"
key_file = "keys/ssh"
known_hosts = "keys/known_hosts"
contribute_as = "Bank A"
"""


def test_keys_and_certificates_named_by_settings_are_restored(hub: FilledHub, tmp_path: Path) -> None:
    old, config = hub.machine, hub.machine.folder / "scamfeed.toml"
    top = CONFIGURATION.partition("\n[[feed]]")[0]
    config.write_text(f'mail_ca_file = "keys/mail-ca.pem"\n{top}{FEEDS_WITH_FILES}')
    for name in NAMED_FILES.values():
        (old.folder / name).write_text(f"# {name}")
    made = old.ask("backup", str(tmp_path / "backup"))
    assert set(made["saved_files"]) >= NAMED_FILES.keys()
    new = hub.new_machine(tmp_path / "new")
    new.ask("restore", str(tmp_path / "backup"))
    for name in NAMED_FILES.values():
        assert (new.folder / name).read_text() == f"# {name}"
        assert (new.folder / name).stat().st_mode & 0o777 == 0o600
    (old.folder / "keys/known_hosts").unlink()
    done = old.run("backup", str(tmp_path / "another"))
    assert done.exit_code == 2
    assert "feed.1.known_hosts" in done.stderr


def test_evidence_in_a_bucket_is_restored_into_another_bucket(hub: FilledHub, tmp_path: Path) -> None:
    old = hub.machine
    # A program has one service; here each test has its own, at another address.
    S3FileSystem.clear_instance_cache()
    with machines.s3() as url:
        at_s3 = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "hub", "AWS_SECRET_ACCESS_KEY": "secret"}
        at_s3 |= {"AWS_DEFAULT_REGION": "us-east-1"}
        bucket, other = machines.S3Bucket("evidence-of-the-hub"), machines.S3Bucket("evidence-restored")
        try:
            [before] = old.ask("evidence", "list")
            [stored] = (old.folder / "evidence").iterdir()
            bucket.put(f"files/{stored.name}", stored.read_bytes())
            old.environment |= {**at_s3, "SCAMFEED_EVIDENCE_STORE": "s3://evidence-of-the-hub/files"}
            (old.folder / "second.pdf").write_bytes(SLIP + b" too")
            [found] = old.ask("lookup", f"TH:KASITHBK:{VALUE}")
            old.ask("evidence", "add", "second.pdf", "--report", found["indicators"][0]["id"], "--by", "Anna")
            made = old.ask("backup", str(tmp_path / "backup"))
            assert (made["evidence"], made["evidence_missing"]) == (2, 0)
            assert "AWS_SECRET_ACCESS_KEY" not in (tmp_path / "backup/environment.json").read_text()

            new = hub.new_machine(tmp_path / "new")
            new.environment |= {**at_s3, "SCAMFEED_EVIDENCE_STORE": "s3://evidence-restored/files"}
            new.ask("restore", str(tmp_path / "backup"))
            assert other.read(f"files/{stored.name}") == stored.read_bytes()
            for listed in new.ask("evidence", "list"):
                done = new.run("evidence", "get", listed["sha256"], "--for", "Bank A", "--output", "got.pdf")
                assert done.exit_code == 0, done.stderr
                expected = SLIP if listed["sha256"] == before["sha256"] else SLIP + b" too"
                assert (new.folder / "got.pdf").read_bytes() == expected
                (new.folder / "got.pdf").unlink()
        finally:
            bucket.remove()
            other.remove()
