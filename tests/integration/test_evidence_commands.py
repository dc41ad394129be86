"""``scamfeed evidence``: store files, hand them over to the partners of a case only, and write a bag."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import bagit
import pytest
import requests
from s3fs import S3FileSystem

from schemas import timestamp
from schemas.request import Request
from schemas.tlog.signatures import public_keys_of, verified
from server.app import close, create_app
from server.features.requests import desk
from server.settings import load
from server.setup import hub_of
from server.store import Store, partners
from server.web.taxii.application import call_wsgi
from tests.contract.connectors.machines import s3
from tests.integration.command import Run, answer
from tests.integration.peers import answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub
from tests.timestamp_authority import make_authority, stamped

SLIP = b"%PDF-1.7\na slip of a transfer"
HASH = hashlib.sha256(SLIP).hexdigest()
VALUE = "TH:KASITHBK:4567890123"


Asked = tuple[int, bytes]


@contextmanager
def _served() -> Iterator[Callable[..., Asked]]:
    """Send a request about evidence as a partner, and return errors without their id."""
    app = create_app(load(Path("scamfeed.toml")))

    def ask(partner: str, path: str, body: bytes | None = None, query: str = "") -> Asked:
        environ = {
            "REQUEST_METHOD": "GET" if body is None else "POST",
            "PATH_INFO": path if path.startswith("/api/") else f"/api/evidence{path}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/octet-stream",
            "CONTENT_LENGTH": str(len(body or b"")),
            "HTTP_AUTHORIZATION": f"Bearer {_token(partner)}",
            "HTTP_ACCEPT": "*/*",
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.17",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body or b""),
        }
        status, _, answered = call_wsgi(app.wsgi_app, environ)
        known = answered if status.startswith("200") else re.sub(rb'"error_id": ?"[^"]*"', b"", answered)
        return int(status[:3]), known

    yield ask
    close(app)


def _token(partner: str) -> str:
    with closing(Store.open(load(Path("scamfeed.toml")).database_url)) as store, store.begin() as tx:
        token = partners.rotate(tx, partner).token
    assert token is not None
    return token


@pytest.mark.parametrize("words", [("evidence", "indicator--1"), ("evidence", "object", "indicator--1")])
def test_id_without_a_command_names_an_object(run_with_store: Run, words: tuple[str, ...]) -> None:
    asked = run_with_store(*words, "--collection", "public", "--output", "proof.zip")
    assert asked.exit_code == 2
    assert "no signed log yet" in asked.stderr
    assert "ID" in run_with_store("evidence", "object", "--help").stdout
    assert "object" in run_with_store("evidence", "--help").stdout


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "authority"
    folder.mkdir()
    make_authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = stamped(folder, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path, authority: str) -> Run:
    """Make a hub that stores evidence, with a report that names its evidence by hash."""
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "scamfeed.toml").write_text(
        'evidence_store = "files"\nevidence_key_file = "key"\nevidence_file_bytes = 1000\n'
        f'timestamp_url = "{authority}"\ntimestamp_ca_file = "authority/ca.pem"\n'
    )
    for name in ("Bank A", "Bank B", "Police"):
        assert run_with_store("partner", "add", name, "--kind", "bank").exit_code == 0
    (tmp_path / "slip.pdf").write_bytes(SLIP)
    (tmp_path / "reports.csv").write_text(f"account_number,bank,country,sha256\n4567890123,KBANK,TH,{HASH}\n")
    answer(run_with_store("contribute", "reports.csv", "--partner", "Bank A", "--kind", "bank-account", "--json"))
    return run_with_store


def _report(hub: Run) -> str:
    [found] = answer(hub("lookup", VALUE, "--json"))
    id_: str = found["indicators"][0]["id"]
    return id_


@pytest.mark.parametrize("run_with_store", ["sqlite", "postgresql"], indirect=True)
def test_evidence_is_stored_handed_over_and_written_as_a_bag(hub: Run, tmp_path: Path) -> None:
    report = _report(hub)
    [added] = answer(hub("evidence", "add", "slip.pdf", "--report", report, "--by", "Anna", "--json"))
    assert (added["sha256"], added["media_type"], added["holder"]) == (HASH, "application/pdf", "Bank A")
    assert added["stored"]
    assert added["time_stamped"]
    assert added["named_in_object"]
    [stored] = (tmp_path / "files").iterdir()
    assert b"slip" not in stored.read_bytes()
    # Before the hand-over, another partner gets the same response as for absent evidence.
    for sha256, partner in ((HASH, "Police"), ("cd" * 32, "Bank A")):
        refused = hub("evidence", "get", sha256, "--for", partner, "--output", "out")
        assert refused.exit_code == 1
        assert refused.stderr == f"scamfeed: {sha256}: there is no such evidence for {partner}\n"
    assert hub("evidence", "export", "--report", report, "--for", "Police", "--output", "no.zip").exit_code == 1
    done = answer(hub("evidence", "hand-over", "--report", report, "--to", "Police", "--by", "Anna", "--json"))
    assert (done["members"], done["files"]) == (["Police"], 1)
    assert hub("evidence", "get", HASH, "--for", "Police", "--output", "out", "--by", "Anna").exit_code == 0
    assert (tmp_path / "out").read_bytes() == SLIP
    with _served() as ask:
        assert ask("Police", f"/{HASH}") == (200, SLIP)
        assert ask("Bank B", f"/{HASH}") == ask("Police", f"/{'cd' * 32}")
    answer(hub("evidence", "export", "--report", report, "--for", "Police", "--output", "bag.zip", "--json"))
    zipfile.ZipFile("bag.zip").extractall("bag")
    bagit.Bag(f"bag/{report}").validate()
    assert (Path("bag") / report / "data" / f"{HASH}.pdf").read_bytes() == SLIP
    custody = json.loads((Path("bag") / report / "custody.json").read_text())
    stated, _ = verified(custody, public_keys_of(hub("key", "show").stdout))
    actions = [entry["action"] for entry in stated["files"][0]["custody"]]
    assert actions == ["added", "stored", "time-stamped", "handed-over", "given", "given", "exported"]
    if shutil.which("openssl"):
        command = f"openssl ts -verify -data bag/{report}/data/{HASH}.pdf -in bag/{report}/timestamps/{HASH}.tsr"
        subprocess.run([*command.split(), "-CAfile", "authority/ca.pem"], check=True, capture_output=True)
    assert answer(hub("evidence", "take-back", "--report", report, "--to", "Police", "--json"))["members"] == []
    assert hub("evidence", "get", HASH, "--for", "Police", "--output", "out").exit_code == 1
    answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    assert (tmp_path / "trail.jsonl").read_text().count(HASH) == 8


@pytest.mark.parametrize("run_with_store", ["postgresql"], indirect=True)
def test_the_bag_of_an_object_is_made_on_postgresql_too(run_with_store: Run, tmp_path: Path) -> None:
    (tmp_path / "scamfeed.toml").write_text('ledger_key_file = "ledger.key"\nnewcomer_days = 0\n')
    (tmp_path / "reports.csv").write_text("value,scam_type,tlp\nshop.example.com,merchandise,green\n")
    for name in ("Bank A", "Bank B"):
        assert run_with_store("partner", "add", name, "--kind", "bank").exit_code == 0
        answer(run_with_store("contribute", "reports.csv", "--partner", name, "--kind", "domain", "--json"))
    assert answer(run_with_store("log", "seal", "--json"))["entries"] > 0
    [found] = answer(run_with_store("lookup", "shop.example.com", "--json"))
    id_ = found["listings"][0]["id"]
    made = run_with_store("evidence", id_, "--collection", "takedown", "--output", "proof.zip")
    assert made.exit_code == 0, made.output
    zipfile.ZipFile("proof.zip").extractall("bag")
    [bag] = (tmp_path / "bag").iterdir()
    [key] = [key["key"] for key in answer(run_with_store("log", "status", "--json"))["keys"] if "/log+" in key["key"]]
    done = subprocess.run(
        [sys.executable, "-I", bag / "verify.py", bag, "--key", key], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"PROVEN: {id_}" in done.stdout


@pytest.mark.parametrize("run_with_store", ["postgresql"], indirect=True)
def test_partner_sends_evidence_for_its_own_reports_only(hub: Run, tmp_path: Path) -> None:
    with (tmp_path / "scamfeed.toml").open("a") as out:
        out.write("evidence_per_day = 5\n")
    report = _report(hub)
    absent = f"object={report[:-8]}00000000"
    with _served() as ask:
        status, body = ask("Bank A", "", SLIP, f"object={report}")
        sent = json.loads(body)
        assert (status, sent["sha256"], sent["size"]) == (200, HASH, len(SLIP))
        assert (sent["media_type"], sent["stored"], sent["time_stamped"]) == ("application/pdf", True, True)
        assert sent["named_in_object"]
        # Another partner's report looks absent, and so does its file.
        hidden = ask("Police", "", SLIP, f"object={report}")
        assert hidden[0] == 404
        assert hidden == ask("Police", "", SLIP, absent) == ask("Bank A", "", SLIP) == ask("Bank A", "", SLIP, absent)
        assert ask("Police", f"/{HASH}") == ask("Police", f"/{'cd' * 32}")
        assert ask("Bank A", f"/{HASH}") == (200, SLIP)
        for body, status in ((b"MZ\x90\x00" + bytes(90), 422), (b"", 422), (bytes(1001), 413)):
            assert ask("Bank A", "", body, f"object={report}")[0] == status
        # A repeated file is stored once. Then the daily quota is used up.
        assert json.loads(ask("Bank A", "", SLIP, f"object={report}")[1]) == sent
        assert ask("Bank A", "", SLIP, f"object={report}")[0] == 429
    [stored] = (tmp_path / "files").iterdir()
    assert b"slip" not in stored.read_bytes()
    [kept] = answer(hub("evidence", "list", "--report", report, "--json"))
    entries = [(entry["by"], entry["action"]) for entry in kept["custody"]]
    assert entries == [("192.0.2.17", action) for action in ("added", "stored", "time-stamped", "given")]


def test_a_partner_sends_files_by_the_command_line(hub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, port, log = _report(hub), free_port(), tmp_path / "hub.log"
    settings = load(tmp_path / "scamfeed.toml").model_dump(exclude_unset=True)
    settings["database_url"] = f"sqlite:///{tmp_path / 'scamfeed.db'}"
    monkeypatch.setenv("SCAMFEED_TOKEN", _token("Bank A"))
    (tmp_path / "chat.txt").write_text("a chat")
    with answering(Forked(serve_hub, settings, port, 1, 4, log=log), port, log) as url:
        add = ("evidence", "add", "slip.pdf", "chat.txt", "--server", url, "--allow-private")
        sent = answer(hub(*add, "--report", report, "--json"))
        assert [row["media_type"] for row in sent] == ["application/pdf", "text/plain"]
        assert [row["named_in_object"] for row in sent] == [True, False]
        unknown = hub(*add, "--case", f"grouping{report[9:]}")
        assert (unknown.exit_code, "no such report or case" in unknown.stderr) == (1, True)
        (tmp_path / "slip.pdf").write_bytes(b"MZ\x90\x00" + bytes(90))
        refused = hub(*add, "--report", report)
        assert (refused.exit_code, "are not taken here" in refused.stderr) == (1, True)
        assert hub(*add, "--report", report, "--stays").exit_code == 2


def test_bucket_has_encrypted_bytes_only_and_its_errors_show_no_secret(
    hub: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _report(hub)
    monkeypatch.setenv("SCAMFEED_EVIDENCE_STORE", "s3://evidence/files")
    for name, value in (("ACCESS_KEY_ID", "AKIAHUB"), ("SECRET_ACCESS_KEY", "a-secret"), ("MAX_ATTEMPTS", "1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    add = ("evidence", "add", "slip.pdf", "--report", report)
    get = ("evidence", "get", HASH, "--for", "Bank A", "--output", "out")
    faults = []
    with s3() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        S3FileSystem.clear_instance_cache()
        faults.append(hub(*add))
        files = S3FileSystem()
        files.mkdir("evidence")
        assert answer(hub(*add, "--json"))[0]["stored"]
        [name] = files.find("evidence")
        kept = files.cat(name)
        assert (len(kept), b"slip" in kept) == (7 + len(SLIP) + 16, False)
        assert hub(*get).exit_code == 0
        assert Path("out").read_bytes() == SLIP
        files.rm(name)
        faults.append(hub(*get))
        # From now on, the storage service accepts no credentials.
        requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=60).raise_for_status()
        faults.append(hub(*get))
    # The service does not respond.
    faults.append(hub(*get))
    for fault, message in zip(faults, ("bucket does not exist", "files/", "Forbidden", "connect"), strict=True):
        assert fault.exit_code == 1
        assert fault.stderr.startswith("scamfeed: evidence_store: cannot be ")
        assert message in fault.stderr
        assert "secret" not in fault.stderr


def test_erasure_removes_evidence_key_and_file(hub: Run, tmp_path: Path) -> None:
    answer(hub("evidence", "add", "slip.pdf", "--report", _report(hub), "--json"))
    proposed = answer(hub("erase", VALUE, "--reason", "order 17/2026", "--by", "Anna", "--json"))
    assert hub("proposal", "confirm", proposed["id"], "--by", "Berta").exit_code == 0
    assert answer(hub("evidence", "list", "--json")) == []
    assert answer(hub("evidence", "tidy", "--json"))["removed"] == 1
    assert list((tmp_path / "files").iterdir()) == []


def test_evidence_kept_by_its_holder_is_stored_by_hash_within_limits(hub: Run, tmp_path: Path) -> None:
    report = _report(hub)
    [added] = answer(hub("evidence", "add", "slip.pdf", "--report", report, "--stays", "--json"))
    assert not added["stored"]
    assert hub("evidence", "get", HASH, "--for", "Bank A", "--output", "out").exit_code == 1
    result = answer(hub("evidence", "export", "--report", report, "--for", "Bank A", "--output", "bag.zip", "--json"))
    assert (result["files"], result["with_their_holders"]) == (0, 1)
    (tmp_path / "large").write_bytes(bytes(1001))
    (tmp_path / "empty").write_bytes(b"")
    for name, message in (("large", "1000 bytes"), ("empty", "an empty file"), ("none", "No such file")):
        assert message in hub("evidence", "add", name, "--report", report).stderr
    assert "no report or case" in hub("evidence", "add", "slip.pdf", "--case", "grouping--1").stderr
    os.environ["SCAMFEED_EVIDENCE_PARTNER_BYTES"] = "5"
    try:
        assert "5 bytes" in hub("evidence", "add", "slip.pdf", "--report", report).stderr
    finally:
        del os.environ["SCAMFEED_EVIDENCE_PARTNER_BYTES"]


def test_addressee_reads_the_evidence_of_a_takedown_request(hub: Run) -> None:
    answer(hub("evidence", "add", "slip.pdf", "--report", _report(hub), "--by", "Anna", "--json"))
    given = {
        "reporter": "Bank A",
        "reported_at": timestamp.now(),
        "asks": "take-down",
        "of": "https://shop.example.com/pay",
        "location": "https://shop.example.com/pay",
        "basis": "notice",
        "reference": "T-1",
        "explanation": ["obtains-money"],
        "addressee": "Bank B",
        "evidence": [{"sha256": HASH}],
    }
    settings = load(Path("scamfeed.toml"))
    with closing(Store.open(settings.database_url)) as store, store.begin() as tx:
        made = hub_of(settings, store)
        id_ = desk.send(made, tx, partners.get(tx, "Bank A"), Request.model_validate(given)).view.id
    path = f"/api/requests/{id_}/evidence"
    with _served() as ask:
        assert ask("Bank B", f"{path}/{HASH}") == (200, SLIP)
        absent = ask("Bank B", f"{path}/{'cd' * 32}")
        assert absent[0] == 404
        assert ask("Police", f"{path}/{HASH}") == absent
        assert ask("Bank A", f"{path}/{HASH}") == absent
        assert ask("Bank B", f"/{HASH}") == absent
    answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    lines = [line for line in Path("trail.jsonl").read_text().splitlines() if HASH in line and "GIVEN" in line]
    assert ["Bank B" in line for line in lines] == [True]
