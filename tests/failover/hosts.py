"""Three database hosts with PostgreSQL, Patroni and etcd each, behind HAProxy, all on this machine.

They run the files of docs/deploy/failover with loopback addresses instead of those of hosts.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.failover.lines import Lines
from tests.postgres import installed_by_debian

SAMPLES = Path(__file__).parents[2] / "docs" / "deploy" / "failover"
NAMES = ("db1", "db2", "db3")
PATIENCE = 300.0
# Unique among the runs on this machine.
_NETWORK = f"127.{10 + os.getpid() // 240 % 200}.{os.getpid() % 240}"
PROXY = f"{_NETWORK}.10"
SUPERUSER = f"host={PROXY} port=5000 user=postgres password=change-me-1 connect_timeout=3"
PACKAGES = "apt-get install etcd-server haproxy patroni postgresql python3-etcd"


class ProgramMissing(Exception):
    """A program is not installed; the message names it."""


def find_program(name: str) -> str:
    """Return the path of a program, or raise ``ProgramMissing``."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise ProgramMissing(f"{name} is not installed: {PACKAGES}")
    return found


def find_postgresql() -> Path:
    """Return the folder of PostgreSQL's programs, or raise ``ProgramMissing``."""
    found = installed_by_debian()
    if found is None:
        raise ProgramMissing(f"PostgreSQL is not installed: {PACKAGES}")
    return found


class Host:
    """One database host."""

    def __init__(self, number: int, folder: Path, user: dict[str, Any], lines: Lines) -> None:
        """Write the files of host ``number`` (from 1) into ``folder``. ``user`` runs its programs."""
        self.name = NAMES[number - 1]
        self.address = f"{_NETWORK}.{10 + number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        self._user = user
        self._lines = lines
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._frozen: list[int] = []
        inside = f"{_NETWORK}.{100 + number}"
        for port in (5432, 8008):
            lines.add(self.name, (self.address, port), (inside, port))
        for other in range(1, 4):
            lines.add(self.name, (f"{_NETWORK}.{100 + 10 * number + other}", 2379), (f"{_NETWORK}.{10 + other}", 2379))
        own_etcd = ", ".join(f"{_NETWORK}.{100 + 10 * number + other}:2379" for other in range(1, 4))
        patroni = (SAMPLES / "patroni.yml").read_text()
        # Otherwise Patroni would get addresses from etcd, and bypass the lines that can be cut.
        hosts = "[10.0.0.11:2379, 10.0.0.12:2379, 10.0.0.13:2379]"
        patroni = patroni.replace(hosts, f"[{own_etcd}]\n  use_proxies: true")
        patroni = patroni.replace("listen: 10.0.0.11", f"listen: {inside}").replace("10.0.0.11", self.address)
        patroni = patroni.replace("/usr/lib/postgresql/17/bin", str(find_postgresql()))
        patroni = patroni.replace("10.0.0.0/24", "127.0.0.0/8").replace("local all all peer", "local all all trust")
        self._write("patroni.yml", patroni)
        etcd = (SAMPLES / "etcd.yml").read_text()
        etcd = "\n".join(
            line if line.startswith("initial-cluster:") else line.replace("10.0.0.11", self.address)
            for line in etcd.splitlines()
        )
        self._write("etcd.yml", etcd.replace("10.0.0.", f"{_NETWORK}."))
        own(self.folder, user)

    def _write(self, name: str, text: str) -> None:
        for path in ("/var/lib/postgresql", "/var/run/postgresql"):
            text = text.replace(path, str(self.folder))
        text = text.replace("/var/lib/etcd/scamfeed", str(self.folder / "etcd"))
        (self.folder / name).write_text(text.replace("name: db1", f"name: {self.name}"))

    def start_etcd(self) -> None:
        """Start or restart etcd."""
        self._start("etcd", find_program("etcd"), "--config-file", "etcd.yml")

    def start_patroni(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        self._start("patroni", find_program("patroni"), "patroni.yml")

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as out:
            self._running[name] = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.folder, **self._user)

    def kill_etcd(self) -> None:
        """Kill etcd."""
        self._kill("etcd")

    def kill_postgresql(self) -> None:
        """Kill PostgreSQL's first process. Patroni keeps running."""
        for pid in self._postgresql()[:1]:
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill Patroni and PostgreSQL together, like a power failure."""
        gone = self._postgresql()
        self._kill("patroni")
        _signal(gone, signal.SIGKILL)

    def freeze(self) -> None:
        """Freeze Patroni and PostgreSQL."""
        self._frozen = [self._running["patroni"].pid, *self._postgresql()]
        _signal(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them continue."""
        _signal(self._frozen, signal.SIGCONT)
        self._frozen = []

    def cut(self) -> None:
        """Block all traffic between this host's Patroni and PostgreSQL and the others."""
        self._lines.cut(self.name)

    def mend(self) -> None:
        """Allow all traffic again."""
        self._lines.mend(self.name)

    def leads_etcd(self) -> bool:
        """Return whether this etcd is the leader."""
        with suppress(requests.RequestException, KeyError):
            url = f"http://{self.address}:2379/v3/maintenance/status"
            status = requests.post(url, json={}, timeout=2).json()
            return bool(status["leader"] == status["header"]["member_id"])
        return False

    def has_etcd_version(self) -> bool:
        """Return whether etcd's members agreed on a version. Otherwise Patroni exits."""
        with suppress(requests.RequestException, KeyError):
            version = requests.get(f"http://{self.address}:2379/version", timeout=2).json()["etcdcluster"]
            return bool(version != "not_decided")
        return False

    def members(self) -> list[dict[str, Any]]:
        """Return this Patroni's view of all hosts, or nothing if it does not respond."""
        with suppress(requests.RequestException, KeyError):
            found: list[dict[str, Any]] = requests.get(f"http://{self.address}:8008/cluster", timeout=2).json()[
                "members"
            ]
            return found
        return []

    def stop(self) -> None:
        """Stop everything on this host."""
        self.thaw()
        self.kill()
        self._kill("etcd")

    def _kill(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait(30)

    def _postgresql(self) -> list[int]:
        """Return the processes of PostgreSQL, the first one first."""
        try:
            first = int((self.folder / "scamfeed" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        found = [first]
        for pid in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                if int((pid / "stat").read_text().rpartition(")")[2].split()[1]) == first:
                    found.append(int(pid.name))
        return found


class Hosts:
    """The three hosts, and HAProxy."""

    def __init__(self, folder: Path) -> None:
        """Start everything, and wait until the database accepts writes. Raises ``ProgramMissing``."""
        user = _database_user()
        find_program("patroni")
        folder.chmod(0o755)
        self._lines = Lines()
        self._all = [Host(number, folder, user, self._lines) for number in range(1, 4)]
        for host in self._all:
            host.start_etcd()
        deadline = time.monotonic() + PATIENCE
        while not all(host.has_etcd_version() for host in self._all) and time.monotonic() < deadline:
            time.sleep(0.2)
        for host in self._all:
            host.start_patroni()
        proxy = (SAMPLES / "haproxy.cfg").read_text().replace("10.0.0.", f"{_NETWORK}.")
        (folder / "haproxy.cfg").write_text(proxy)
        with (folder / "haproxy.log").open("ab") as out:
            command = [find_program("haproxy"), "-f", str(folder / "haproxy.cfg")]
            self._proxy = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            self.await_health()
        except BaseException:
            # On a second try, every port is free.
            self.close()
            raise

    def __iter__(self) -> Any:
        """Iterate over the hosts."""
        return iter(self._all)

    def primary(self) -> Host:
        """Return the host of the primary."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for host in self._all:
                for member in host.members():
                    if member["role"] == "leader" and member["state"] == "running":
                        return next(other for other in self._all if other.name == member["name"])
            time.sleep(0.2)
        raise TimeoutError("there is no primary")

    def etcd_leader(self) -> Host:
        """Return the host of etcd's leader."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for host in self._all:
                if host.leads_etcd():
                    return host
            time.sleep(0.2)
        raise TimeoutError("etcd has no leader")

    def await_health(self) -> None:
        """Wait for a primary, a synchronous standby and a third host on one timeline, and for successful writes."""
        deadline = time.monotonic() + PATIENCE
        seen: Any = None
        while time.monotonic() < deadline:
            views = [host.members() for host in self._all]
            if all(_is_healthy(view) for view in views) and self._can_write():
                return
            seen = views
            time.sleep(0.5)
        raise TimeoutError(f"the hosts are not well: {seen}")

    def _can_write(self) -> bool:
        with suppress(psycopg.Error), psycopg.connect(SUPERUSER, autocommit=True) as admin:
            return admin.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)
        return False

    def close(self) -> None:
        """Stop everything."""
        self._proxy.kill()
        self._proxy.wait(30)
        for host in self._all:
            host.stop()
        self._lines.close()


def own(folder: Path, user: dict[str, Any]) -> None:
    """Make ``user`` the owner of a folder and its content."""
    if user:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user["user"], user["group"])


def _database_user() -> dict[str, Any]:
    """Return the user for ``Popen`` that runs the databases, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise ProgramMissing("there is no user to run PostgreSQL as")


def _is_healthy(members: list[dict[str, Any]]) -> bool:
    roles = sorted(member["role"] for member in members)
    working = all(member["state"] in ("running", "streaming") for member in members)
    timelines = {member.get("timeline") for member in members}
    return working and len(timelines) == 1 and roles == ["leader", "replica", "sync_standby"]


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
