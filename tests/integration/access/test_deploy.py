"""Run the files of docs/deploy and packaging unchanged except for ports and folders."""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from server.settings import Settings
from server.store import Store, audit
from tests.integration.access.conftest import eventually
from tests.orphans import dying
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "docs" / "deploy"
PACKAGING = ROOT / "packaging"
UNITS = ("scamfeed.service", "scamfeed-scheduler.service")
INSTALLED = "/usr/bin/scamfeed"
JUDGE = shutil.which("systemd-analyze")


def unit(name: str) -> configparser.SectionProxy:
    """Read the service section of a unit."""
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys are CapWords
    read.read(PACKAGING / "systemd" / name)
    return read["Service"]


def command(line: str, **replaced: str) -> list[str]:
    """Split a command line as systemd does, replacing the installation that it names by this one."""
    words = [replaced.get(word, word) for word in shlex.split(line)]
    return [sys.executable, "-m", "server.cli", *words[1:]] if words[0] == INSTALLED else words


def environment(folder: Path) -> dict[str, str]:
    """Return the packaged settings as variables, with the store in ``folder``."""
    packaged = tomllib.loads((PACKAGING / "scamfeed.toml").read_text())
    variables = {
        f"SCAMFEED_{name.upper()}": str(value).replace("/var/lib/scamfeed", str(folder))
        for name, value in packaged.items()
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith("SCAMFEED_")}
    return {**own, **variables, "PYTHONPATH": str(ROOT)}


@contextmanager
def running(words: Sequence[str], folder: Path, given: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until it is stopped, and check that it exits with success, since systemd restarts a failed one."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(dying(*words, by=signal.SIGTERM), cwd=folder, env=given, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        ended = process.wait(60)
    assert ended == 0, log.read_text()


def answers(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None
    try:
        return requests.get(f"{url}/health", timeout=60).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


def children(process: subprocess.Popen[bytes]) -> set[str]:
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())


@pytest.mark.long
def test_server_starts_reloads_and_stops_with_its_unit(tmp_path: Path) -> None:
    service, port, given = unit("scamfeed.service"), str(free_port()), environment(tmp_path)
    subprocess.run(command(service["ExecStartPre"]), cwd=tmp_path, env=given, check=True, capture_output=True)
    with running(command(service["ExecStart"], **{"8000": port}), tmp_path, given) as server:
        eventually(lambda: answers(server, f"http://127.0.0.1:{port}") and len(children(server)) == 2)
        before = children(server)
        subprocess.run(command(service["ExecReload"], **{"$MAINPID": str(server.pid)}), check=True)
        eventually(lambda: len(children(server)) == 2 and not before & children(server))
        assert answers(server, f"http://127.0.0.1:{port}")
        assert requests.get(f"http://127.0.0.1:{port}/taxii2/", timeout=60).status_code == 401
    store = Store.open(given["SCAMFEED_DATABASE_URL"])
    with store.read() as tx:
        seen = [entry.event for entry in audit.tail(tx, 10) if entry.event.method == "GET"]
        assert [event.status for event in seen] == [401]
    store.close()
    # Longer than the server takes to finish its open requests.
    assert int(service["TimeoutStopSec"]) > 30


@pytest.mark.long
def test_connectors_run_and_stop_with_their_unit(tmp_path: Path) -> None:
    given = environment(tmp_path)
    subprocess.run(
        command(unit("scamfeed.service")["ExecStartPre"]), cwd=tmp_path, env=given, check=True, capture_output=True
    )
    add = [INSTALLED, "partner", "add", "bank", "--kind", "bank"]
    subprocess.run(command(shlex.join(add)), cwd=tmp_path, env=given, check=True, capture_output=True)
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.txt").write_text("bad.example.com\n", encoding="utf-8")
    feed = 'name = "drop"\nconnector = "file-pull"\nevery = "1s"\npath = "drop"\ncontribute_as = "bank"\n'
    (tmp_path / "scamfeed.toml").write_text(f"[[feed]]\n{feed}", encoding="utf-8")

    def last_run() -> str | None:
        done = subprocess.run(
            command(f"{INSTALLED} feed list --json"), cwd=tmp_path, env=given, check=True, capture_output=True
        )
        [told] = json.loads(done.stdout)
        run: str | None = told["last_run"]
        return run

    with running(command(unit("scamfeed-scheduler.service")["ExecStart"]), tmp_path, given) as scheduler:
        eventually(lambda: scheduler.poll() is None and last_run() is not None, 60)


@pytest.mark.skipif(JUDGE is None, reason="systemd-analyze is not installed: apt-get install systemd")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_units(name: str, tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit).write_text((PACKAGING / "systemd" / unit).read_text().replace(INSTALLED, "/bin/true"))
    words = [str(JUDGE), "verify", str(tmp_path / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, re.findall(rf".*{re.escape(name)}.*", done.stderr)) == (0, [])
    rated = subprocess.run(
        [str(JUDGE), "security", "--offline=yes", "--threshold=20", str(tmp_path / name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout + rated.stderr


@pytest.mark.parametrize("name", UNITS)
def test_unit_limits_the_resources_of_the_program(name: str) -> None:
    limits = unit(name)
    assert {"MemoryMax", "LimitNOFILE", "TasksMax", "SystemCallFilter", "ProtectKernelModules"} <= limits.keys()


def test_packaged_settings_are_known_settings() -> None:
    for field, value in tomllib.loads((PACKAGING / "scamfeed.toml").read_text()).items():
        assert field in Settings.model_fields
        assert getattr(Settings.model_validate({field: value}), field) == value


def test_nginx_example_passes_the_headers_that_the_settings_expect() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    header = environment(Path("/nowhere"))["SCAMFEED_CLIENT_CERTIFICATE_HEADER"]
    assert f"proxy_set_header {header} $verified_certificate;" in text
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    # No log contains a URL.
    assert re.findall(r"\$(?:request|request_uri|args|uri)\b", text) == []
    assert text.count("{") == text.count("}")


def instructions() -> list[tuple[str, str]]:
    """Read the Containerfile as pairs of instruction and value."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(line[0], line[1]) for line in lines]


def values_of(name: str) -> list[str]:
    """Return the values of all instructions of one name."""
    return [rest for each, rest in instructions() if each == name]


def test_image_is_built_from_this_tree_and_locked_packages() -> None:
    copied = [rest.split()[:-1] for rest in values_of("COPY") if not rest.startswith("--from")]
    sources = [source for files in copied for source in files]
    assert all((ROOT / source).exists() for source in sources), sources
    packages = re.search(r"^packages = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages is not None
    assert {*re.findall(r'"(.*?)"', packages[1])} <= {*sources}
    for run in values_of("RUN"):
        for install in re.findall(r"pip install ([^&]*)", run):
            assert "--require-hashes" in install or "--no-deps" in install
    assert {rest.split()[0].rpartition("-")[0] for rest in values_of("FROM")} == {"python:3.11"}
    lock = (ROOT / "requirements-runtime.lock").read_text()
    installed = {*re.findall(r"^([a-z0-9.-]+)==", lock, re.M)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = {
        name: {re.split(r"[\[<>=]", line)[0] for line in lines}
        # The image also renders the page of a notice, and reads messages of ISO 20022.
        for name, lines in [
            ("runtime", project["dependencies"] + extras["pdf"] + extras["iso20022"]),
            ("dev", extras["dev"]),
        ]
    }
    assert named["runtime"] <= installed
    # The reports by mail need jsonschema too.
    assert not installed & (named["dev"] - named["runtime"] - {"hatchling", "jsonschema"})
    # The last USER instruction names another user than root.
    assert values_of("USER") == ["scamfeed"]


@pytest.mark.long
def test_container_starts_reports_healthy_and_stops(tmp_path: Path) -> None:
    port = str(free_port())
    start, health = (json.loads(rest.removeprefix("CMD ")) for rest in (*values_of("CMD"), *values_of("HEALTHCHECK")))
    assert values_of("STOPSIGNAL") == ["SIGTERM"]
    assert start[:2] == ["sh", "-c"]
    (tmp_path / "scamfeed").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m server.cli "$@"\n')
    (tmp_path / "scamfeed").chmod(0o755)
    [variables] = [dict(word.split("=", 1) for word in rest.split()) for rest in values_of("ENV")]
    database = variables["SCAMFEED_DATABASE_URL"].replace("/var/lib/scamfeed", str(tmp_path))
    given = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SCAMFEED_DATABASE_URL": database}
    given["PYTHONPATH"] = str(ROOT)
    assert "--host 0.0.0.0" in start[2]
    start[2] = start[2].replace("--host 0.0.0.0", f"--host 127.0.0.1 --port {port}")
    assert "127.0.0.1:8000" in health[2]
    probe = [sys.executable, *health[1:2], health[2].replace(":8000", f":{port}")]

    def well() -> bool:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    assert not well()
    with running(start, tmp_path, given) as container:
        eventually(lambda: container.poll() is None and well(), 60)


COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_services_use_known_commands_and_settings() -> None:
    hub, scheduler = COMPOSE["services"]["hub"], COMPOSE["services"]["scheduler"]
    values = {"POSTGRES_PASSWORD": "x", "HUB_NAME": "feed.example.org"}
    for service in (hub, scheduler):
        for name, value in service["environment"].items():
            field = name.removeprefix("SCAMFEED_").lower()
            text = re.sub(r"\$\{(\w+)[^}]*\}", lambda found: values[found[1]], value)
            assert str(getattr(Settings.model_validate({field: text}), field)) == text
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    header = hub["environment"]["SCAMFEED_CLIENT_CERTIFICATE_HEADER"]
    assert f"proxy_set_header {header} $verified_certificate;" in (DEPLOY / "nginx.conf").read_text()


def test_compose_services_reach_each_other_and_their_files() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert {*service.get("depends_on", {})} <= {*services}
        for volume in service.get("volumes", []):
            source = volume.rpartition(":/")[0]
            assert source in COMPOSE["volumes"] or "$" in source or (DEPLOY / source).exists(), source
    url = services["hub"]["environment"]["SCAMFEED_DATABASE_URL"]
    account = services["postgres"]["environment"]
    assert url.endswith("@postgres/" + account["POSTGRES_DB"])
    assert f"//{account['POSTGRES_USER']}:" in url
    # nginx connects to the hub at the address of its example, in the network of both.
    assert services["nginx"]["network_mode"] == "service:hub"
    assert "server 127.0.0.1:8000;" in (DEPLOY / "nginx.conf").read_text()
    # Only nginx publishes a port on the machine.
    assert services["hub"]["ports"] == ["443:443"]


@pytest.mark.long
def test_compose_scheduler_is_a_command(tmp_path: Path) -> None:
    words = COMPOSE["services"]["scheduler"]["command"]
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *words[1:], "--help"], capture_output=True, check=False, cwd=ROOT
    )
    assert (words[0], done.returncode) == ("scamfeed", 0)
