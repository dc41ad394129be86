"""``make package``: the same bytes twice, a wheel beside modules of the same names, and the package on Debian."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.integration.access.conftest import eventually
from tests.orphans import dying
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-package" / "bin"
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


def run(*words: str | Path, cwd: Path, **more: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("SCAMFEED_")}
    done = subprocess.run(words, cwd=cwd, env={**own, **more}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build everything that this machine can build, from the last commit."""
    folder = tmp_path_factory.mktemp("dist")
    run("make", ".venv-package/.ok", cwd=ROOT)
    run(TOOLS / "python", "-m", "tools.package", "--output", folder, cwd=ROOT)
    return folder


@contextmanager
def healthy(words: list[str | Path], url: str, folder: Path) -> Iterator[None]:
    """Run a server until it has answered."""
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(dying(*map(str, words), by=signal.SIGTERM), cwd=folder, stdout=out, stderr=out)

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            return requests.get(f"{url}/health", timeout=60).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    try:
        eventually(answers, 120)
        yield
    finally:
        server.terminate()
        server.wait(120)


def test_two_builds_have_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    clone = tmp_path / "another folder"
    run("git", "clone", "-q", "--no-hardlinks", ROOT, clone, cwd=tmp_path)
    commit = run("git", "rev-parse", "HEAD", cwd=ROOT).strip()
    run("git", "checkout", "-q", commit, cwd=clone)
    run(TOOLS / "python", "-m", "tools.package", "--output", tmp_path / "dist", cwd=clone)
    assert (tmp_path / "dist" / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist)


def test_wheel_works_beside_modules_of_the_same_names(dist: Path, tmp_path: Path) -> None:
    [wheel] = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    install = (TOOLS / "uv", "pip", "install", "-q", "--python", python)
    run(*install, "--require-hashes", "-r", ROOT / "requirements-runtime.lock", cwd=tmp_path)
    run(*install, "--no-deps", wheel, cwd=tmp_path)
    folder = tmp_path / "project"
    (folder / "server").mkdir(parents=True)
    for name in ("server/__init__.py", "feeds.py", "mappers.py", "schemas.py"):
        (folder / name).write_text("raise ImportError('the module of the other project')\n")
    scamfeed, port = python.with_name("scamfeed"), str(free_port())
    run(scamfeed, "init", cwd=folder, PYTHONPATH=str(folder))
    with healthy([scamfeed, "serve", "--port", port], f"http://127.0.0.1:{port}", folder):
        pass
    assert "yes" in run(scamfeed, "demo", "--once", cwd=folder, PYTHONPATH=str(folder))


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error(dist: Path, tmp_path: Path) -> None:
    [package] = dist.glob("*.deb")
    assert "E: " not in run("lintian", "--fail-on", "error", package, cwd=tmp_path)


@pytest.mark.skipif(
    shutil.which("mmdebstrap") is None or os.geteuid() != 0 or not SOURCES.exists(),
    reason="needs root, mmdebstrap and Debian's sources",
)
def test_deb_installs_serves_and_purges_in_a_bare_debian(dist: Path, tmp_path: Path) -> None:
    [package] = dist.glob("*.deb")
    root = tmp_path / "root"
    run("mmdebstrap", "--variant=apt", "--include=ca-certificates", "trixie", root, SOURCES, cwd=tmp_path)
    shutil.copy(package, root / "tmp")
    inside = ("chroot", root, "sh", "-ec")
    run(*inside, f"apt-get update -qq; apt-get install -y -qq /tmp/{package.name}", cwd=tmp_path)
    as_user = "cd /etc/scamfeed; exec runuser -u scamfeed -- scamfeed"
    run(*inside, f"{as_user} init", cwd=tmp_path)
    port = str(free_port())
    words = [*inside, f"{as_user} serve --host 127.0.0.1 --port {port} --workers 2 --no-scheduler"]
    with healthy(words, f"http://127.0.0.1:{port}", tmp_path):
        run(*inside, f'{as_user} partner add "First Bank" --kind bank --country TH', cwd=tmp_path)
    run(*inside, "apt-get remove -y -qq scamfeed", cwd=tmp_path)
    assert not (root / "usr/lib/scamfeed").exists()
    assert (root / "var/lib/scamfeed/scamfeed.db").exists()
    assert (root / "etc/scamfeed/scamfeed.toml").exists()
    run(*inside, "apt-get purge -y -qq scamfeed", cwd=tmp_path)
    assert not (root / "var/lib/scamfeed").exists()
    assert not (root / "etc/scamfeed").exists()
