"""The files of docs/deploy are what they say."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from server.settings import Settings

DEPLOY = Path(__file__).parents[3] / "docs" / "deploy"


def nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def prepared(text: str, folder: Path) -> str:
    """Put the example's files into ``folder``, and leave out the certificates that only an operator has."""
    text = re.sub(r"^ *ssl_(certificate|certificate_key|client_certificate|verify_client) .*\n", "", text, flags=re.M)
    text = text.replace("listen 443 ssl;", "listen 127.0.0.1:1;")
    return text.replace("/run/", f"{folder}/").replace("/var/log/nginx/", f"{folder}/")


def test_the_example_for_nginx_is_balanced_and_cuts_slow_bodies(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert text.count("{") == text.count("}")
    for needed in ("client_body_timeout", "proxy_request_buffering on", "gzip off", "ssl_verify_client optional"):
        assert needed in text
    assert "$request " not in text
    # Where nginx is at hand, it judges itself.
    program = nginx()
    if program is not None:
        config = tmp_path / "nginx.conf"
        config.write_text(prepared(text, tmp_path))
        options = ["-t", "-q", "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c", str(config)]
        done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["scamfeed.service", "scamfeed-scheduler.service"])
def test_the_units_start_commands_that_there_are(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys are CapWords
    unit.read(DEPLOY / name)
    command = shlex.split(unit["Service"]["ExecStart"])
    assert command[0] == "/opt/scamfeed/bin/scamfeed"
    assert command[1] in ("serve", "feed")


def test_the_settings_of_the_example_are_settings() -> None:
    for line in (DEPLOY / "scamfeed.env").read_text().splitlines():
        name, _, value = line.partition("=")
        field = name.removeprefix("SCAMFEED_").lower()
        assert field in Settings.model_fields
        assert str(getattr(Settings.model_validate({field: value}), field)) == value
