"""Settings come from the environment, then the file, then the defaults, and a wrong one is named."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from server.settings import BadConfiguration, Settings, load


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "scamfeed.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_configuration_there_are_defaults() -> None:
    assert load() == Settings()
    assert load().database_url == "sqlite:///scamfeed.db"


def test_environment_overrides_the_file(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(alone, 'title = "From the file"\ncontact = "desk@hub.example"\n')
    monkeypatch.setenv("SCAMFEED_TITLE", "From the environment")
    settings = load()
    assert (settings.title, settings.contact) == ("From the environment", "desk@hub.example")


@pytest.mark.parametrize(("text", "hours"), [("30m", 0.5), ("4h", 4), ("2d", 48)])
def test_a_target_is_a_time_with_its_unit(alone: Path, text: str, hours: float) -> None:
    path = write(alone, f'retraction_target = "{text}"\n')
    assert load(path).retraction_target == timedelta(hours=hours)


def test_connectors_are_tables_of_the_file(alone: Path) -> None:
    path = write(alone, '[[feed]]\nname = "a"\nconnector = "file-pull"\npassword = { env = "X" }\n', "other.toml")
    assert load(path).feed == [{"name": "a", "connector": "file-pull", "password": {"env": "X"}}]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('retraction_target = "4 hours"\n', "retraction_target"),
        ('retraction_target = "0h"\n', "retraction_target"),
        ("tilte = 'x'", "tilte"),
        ("rate_limit = -1", "rate_limit"),
        ("database_url = 'mysql://x'", "database_url"),
        ("log_level = 'LOUD'", "log_level"),
        ("public_url = 'http://hub.example'", "public_url"),
        ("public_url = 'hub.example'", "public_url"),
        ("public_url = 'https://hub.example/?x'", "public_url"),
        ("public_url = 'https://user@hub.example'", "public_url"),
        ("title = ", "not TOML"),
    ],
)
def test_a_wrong_setting_is_named(alone: Path, text: str, named: str) -> None:
    write(alone, text)
    with pytest.raises(BadConfiguration, match=named):
        load()


@pytest.mark.parametrize("url", ["https://hub.example", "https://hub.example:8443/cti/", "https://[2001:db8::1]:8443"])
def test_a_public_address_may_have_a_port_and_a_path(alone: Path, url: str) -> None:
    write(alone, f"public_url = '{url}'")
    assert load().public_url == url


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMFEED_DATABASE", "sqlite:///x.db")
    with pytest.raises(BadConfiguration, match="SCAMFEED_DATABASE: no such setting; did you mean SCAMFEED_DATABASE_"):
        load()


def test_variable_named_for_a_secret_is_known(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMFEED_TOKEN", "t")
    monkeypatch.setenv("SCAMFEED_BANK_PASSWORD", "x")
    with pytest.raises(BadConfiguration, match="SCAMFEED_BANK_PASSWORD: no such setting"):
        load()
    write(alone, "[[feed]]\nname = 'bank'\npassword = { env = 'SCAMFEED_BANK_PASSWORD' }")
    assert load().feed[0]["name"] == "bank"


@pytest.mark.long_but("command0")
@pytest.mark.parametrize("command", [["demo", "--once"], ["map", "-"], ["check", "example.com"], ["status"], ["serve"]])
def test_each_command_names_a_misspelt_variable_in_one_line(alone: Path, command: list[str]) -> None:
    environment = {**os.environ, "SCAMFEED_RATE_LIMITS": "5"}
    program = [sys.executable, "-m", "server.cli", *command]
    ended = subprocess.run(program, cwd=alone, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ("scamfeed: SCAMFEED_RATE_LIMITS: no such setting; did you mean SCAMFEED_RATE_LIMIT?\n")


def test_named_file_must_exist(alone: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"missing\.toml: cannot be read"):
        load(alone / "missing.toml")


def test_a_wrong_value_is_not_repeated(alone: Path) -> None:
    write(alone, "database_url = 'mysql://feed:hunter2@db'")
    with pytest.raises(BadConfiguration) as error:
        load()
    assert "hunter2" not in str(error.value)


def test_a_list_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMFEED_FEED", "x")
    with pytest.raises(BadConfiguration, match="feed"):
        load()


def test_a_short_key_of_logins_is_refused(alone: Path) -> None:
    with pytest.raises(BadConfiguration, match="login_key: a secret has at least 32 characters"):
        load(write(alone, 'login_key = "short"\n'))
    assert load(write(alone, f'login_key = "{"k" * 32}"\n')).login_key.get_secret_value() == "k" * 32
