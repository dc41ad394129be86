"""Build the files of a release from a commit: ``make package``. Two builds of one commit give the same bytes.

Needs the packages of requirements-package.lock, and nothing of the project's own environment.
"""

import argparse
import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORMATS = ("wheel", "sdist", "sbom", "deb", "rpm")
# What the system's packages need of the machine that builds them.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OLDEST = (3, 11)
# What an installer writes of its own run beside a package: paths and times of this machine.
_INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
_MAINTAINER = "The maintainers of Scamfeed <maintainers@localhost.localdomain>"
_LAUNCHER = """\
#!/usr/lib/scamfeed/bin/python -I
import sys

from scamfeed.server.cli import main

sys.exit(main())
"""


class CannotBuild(Exception):
    """The build failed; the message says why."""


class NotHere(CannotBuild):
    """This machine lacks what a format needs; the message says what that is."""


class Stage:
    """The files of one commit in a folder of their own, and what is built from them."""

    def __init__(self, folder: Path, commit: str, python: Path) -> None:
        """Export the commit into the folder. ``python`` is the interpreter of the system's packages."""
        self.folder = folder
        self.python = python
        self.made = folder / "made"
        archive = folder / "commit.tar"
        _run(["git", "archive", f"--output={archive}", commit], cwd=ROOT)
        with tarfile.open(archive) as files:
            files.extractall(folder / "source", filter="data")
        self.source = folder / "source"
        self.made.mkdir()
        self.epoch = _run(["git", "log", "-1", "--format=%ct", commit], cwd=ROOT).strip()
        self.version: str = tomllib.loads((self.source / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        self._environment = {**os.environ, "SOURCE_DATE_EPOCH": self.epoch, "PYTHONHASHSEED": "0", "TZ": "UTC"}
        self._installed: Path | None = None

    def run(self, *words: str | Path, **more: str) -> str:
        """Run a program in the exported files; return its output. Raises ``CannotBuild`` if it fails."""
        return _run(words, cwd=self.source, env={**self._environment, **more})

    def installed(self) -> Path:
        """Return the folder of the program with its dependencies, as the system's packages have it."""
        if self._installed is None:
            self._installed = _install(self)
        return self._installed


def build_wheel(stage: Stage) -> None:
    """Build the wheel."""
    stage.run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", stage.made)


def build_sdist(stage: Stage) -> None:
    """Build the source archive, from which the same wheel can be built."""
    stage.run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", stage.made)


def build_sbom(stage: Stage) -> None:
    """List what the system's packages contain, in the form of CycloneDX."""
    target = stage.made / f"scamfeed-{stage.version}.cdx.json"
    words = ("environment", "--output-reproducible", "--of", "JSON", "-o", target, "--pyproject", "pyproject.toml")
    stage.run(_tool("cyclonedx-py"), *words, stage.installed() / "bin" / "python")


def build_deb(stage: Stage) -> None:
    """Build the package for Debian."""
    _pack(stage, "deb")


def build_rpm(stage: Stage) -> None:
    """Build the package for distributions with RPM."""
    _pack(stage, "rpm")


BUILDERS = {"wheel": build_wheel, "sdist": build_sdist, "sbom": build_sbom, "deb": build_deb, "rpm": build_rpm}


def _install(stage: Stage) -> Path:
    """Make the virtual environment of the system's packages, which needs no network where it is unpacked."""
    [wheel] = stage.made.glob("*.whl")
    folder = stage.source / "build" / "usr" / "lib" / "scamfeed"
    name = f"python{_version_of(stage.python)}"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / name / "site-packages").mkdir(parents=True)
    (folder / "bin" / name).symlink_to(stage.python)
    for other in ("python", "python3"):
        (folder / "bin" / other).symlink_to(name)
    (folder / "pyvenv.cfg").write_text(
        f"home = {stage.python.parent}\ninclude-system-site-packages = false\nversion = {name.removeprefix('python')}\n"
    )
    install = (_tool("uv"), "pip", "install", "-q", "--python", folder / "bin" / "python", "--link-mode", "copy")
    stage.run(*install, "--require-hashes", "-r", "requirements-runtime.lock", PYTHONDONTWRITEBYTECODE="1")
    stage.run(*install, "--no-deps", wheel, PYTHONDONTWRITEBYTECODE="1")
    _without_traces(folder)
    launcher = folder / "bin" / "scamfeed"
    launcher.write_text(_LAUNCHER)
    launcher.chmod(0o755)
    return folder


def _without_traces(folder: Path) -> None:
    """Remove what differs between two installations, and the programs of dependencies, which name this folder."""
    for file in (folder / "bin").iterdir():
        if not file.name.startswith("python"):
            file.unlink()
    (folder / ".lock").unlink(missing_ok=True)
    for compiled in folder.rglob("__pycache__"):
        shutil.rmtree(compiled)
    for record in folder.rglob("*.dist-info/RECORD"):
        for name in _INSTALLERS_OWN:
            record.with_name(name).unlink(missing_ok=True)
        kept = [line for line in record.read_text("utf-8").splitlines() if _is_kept(line)]
        record.write_text("".join(f"{line}\n" for line in sorted(kept)), "utf-8")
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            is_program = path.read_bytes()[:2] == b"#!" and path.parent.name == "bin"
            path.chmod(0o755 if is_program else 0o644)


def _is_kept(line: str) -> bool:
    path = line.partition(",")[0]
    return not (path.startswith("../") or path.endswith(".pyc") or path.rpartition("/")[2] in _INSTALLERS_OWN)


def _pack(stage: Stage, packager: str) -> None:
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise NotHere(f"no package is made for {platform.machine()}")
    if stage.python.parent != Path("/usr/bin"):
        raise NotHere(f"it needs the system's own Python in /usr/bin, not {stage.python}")
    nfpm = _tool("nfpm")
    stage.installed()
    build = stage.source / "build"
    _write_gzip(build / "changelog.gz", (stage.source / "CHANGELOG.md").read_text("utf-8"))
    maintainer = os.environ.get("PACKAGE_MAINTAINER", _MAINTAINER)
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(int(stage.epoch)))
    change = (
        f"scamfeed ({stage.version}-1) unstable; urgency=medium\n\n  * Release {stage.version}: see changelog.gz.\n"
    )
    _write_gzip(build / "changelog.Debian.gz", f"{change}\n -- {maintainer}  {date}\n")
    # nfpm writes the times of the files, in spite of SOURCE_DATE_EPOCH.
    for path in build.rglob("*"):
        os.utime(path, (int(stage.epoch), int(stage.epoch)), follow_symlinks=False)
    stage.run(
        nfpm, "package", "--config", "packaging/nfpm.yaml", "--packager", packager, "--target", stage.made,
        ARCH=architecture,
        VERSION=stage.version,
        MAINTAINER=maintainer,
        PYTHON=f"python{_version_of(stage.python)}",
    )  # fmt: skip


def _write_gzip(file: Path, text: str) -> None:
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def system_python() -> Path:
    """Return the Python that the system's packages use, by its full name; else the one that runs this."""
    system = Path("/usr/bin/python3")
    if system.exists() and _version_of(system) in {f"3.{minor}" for minor in range(_OLDEST[1], 100)}:
        return Path(f"/usr/bin/python{_version_of(system)}")
    return Path(sys.executable)


def _version_of(python: Path) -> str:
    return _run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], cwd=ROOT).strip()


def _tool(name: str) -> Path:
    """Return a program of this environment, else of the machine. Raises ``NotHere``."""
    beside = Path(sys.executable).with_name(name)
    found = beside if beside.exists() else shutil.which(name)
    if found is None:
        raise NotHere(f"there is no program {name} here")
    return Path(found)


def _run(words: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(list(words), cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise CannotBuild(f"{Path(words[0]).name} failed: {(done.stderr or done.stdout).strip()[-4000:]}")
    return done.stdout


def build(output: Path, commit: str, asked: Sequence[str], python: Path) -> list[str]:
    """Write the files into the folder ``output``, in place of earlier ones; return why others were left out.

    Without ``asked``, each format is built for which this machine has the tools. Raises ``CannotBuild`` if one that was
    asked for cannot be built.
    """
    left_out = []
    with _emptied(Path(tempfile.mkdtemp(prefix="scamfeed-package-"))) as folder:
        stage = Stage(folder, commit, python)
        build_wheel(stage)
        for name in asked or FORMATS:
            try:
                if name != "wheel":
                    BUILDERS[name](stage)
            except NotHere as error:
                if asked:
                    raise
                left_out.append(f"{name} is left out: {error}")
        _replace(stage, output, asked)
    return left_out


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _replace(stage: Stage, output: Path, asked: Sequence[str]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for old in [*output.glob("scamfeed[-_]*"), *output.glob("SHA256SUMS*")]:
        old.unlink()
    made = sorted(file for file in stage.made.iterdir() if not asked or "wheel" in asked or file.suffix != ".whl")
    for file in made:
        shutil.copyfile(file, output / file.name)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made)
    (output / "SHA256SUMS").write_text(sums)
    key = os.environ.get("MINISIGN_KEY")
    if key:
        comment = f"scamfeed {stage.version}"
        _run([_tool("minisign"), "-S", "-s", key, "-t", comment, "-m", "SHA256SUMS"], cwd=output)


def main() -> int:
    """Build what the command line asks for; return the status of the program."""
    arguments = argparse.ArgumentParser(prog="make package", description=__doc__)
    arguments.add_argument("formats", nargs="*", choices=[*FORMATS, []], help="what to build; default: all that can be")
    arguments.add_argument("--output", type=Path, default=ROOT / "dist")
    arguments.add_argument("--commit", default="HEAD", help="uncommitted changes are not built")
    arguments.add_argument("--python", type=Path, help="the Python that the packages of the system need")
    asked = arguments.parse_args()
    try:
        left_out = build(asked.output, asked.commit, asked.formats, asked.python or system_python())
    except CannotBuild as error:
        print(f"make package: {error}", file=sys.stderr)  # noqa: T201 - where errors are shown
        return 1
    signed = (
        "signed with minisign" if os.environ.get("MINISIGN_KEY") else "not signed: set MINISIGN_KEY to a key's file"
    )
    for line in [*left_out, *sorted(file.name for file in asked.output.iterdir()), f"SHA256SUMS is {signed}"]:
        print(line)  # noqa: T201 - the result
    return 0


if __name__ == "__main__":
    sys.exit(main())
