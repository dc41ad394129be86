"""``scamfeed mirror`` and ``scamfeed check`` as an operator uses them."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import Run, answer
from tests.integration.mirror.fake_hub import FakeHub, serving
from tests.unit.feeds.client.mirror.objects import indicator


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with serving() as hub:
        hub.add(*map(indicator, range(3)))
        yield hub


@pytest.fixture
def config(fake: FakeHub, tmp_path: Path) -> str:
    lines = [
        "[mirror]",
        'file = "copy.db"',
        "[actions]",
        'block = "decline"',
        'none = "pay"',
        "[[hub]]",
        'name = "hub"',
    ]
    lines += [f'url = "{fake.url}"', 'collections = ["room"]', "allow_private = true", "retries = 0"]
    path = tmp_path / "mirror.toml"
    path.write_text("\n".join(lines))
    return str(path)


def test_sync_status_and_check(run: Run, config: str, tmp_path: Path) -> None:
    synced = answer(run("mirror", "sync", "--config", config, "--json"))
    assert synced["hubs"][0]["collections"][0] | {"read": 0} == {
        "collection": "91a7b528-80eb-42ed-a74d-c6fbd5a26116",
        "alias": "room",
        "read": 0,
        "listings": 3,
        "active": 3,
        "digest": "equal",
        "repaired": False,
        "error": None,
    }
    status = answer(run("mirror", "status", "--config", config, "--json"))
    assert (status["status"], status["copies"][0]["active"]) == ("ok", 3)
    assert status["file"] == str(tmp_path / "copy.db")
    for mirror in (config, str(tmp_path / "copy.db")):
        checked = answer(run("check", "H0.example[.]com", "h9.example.com", "--mirror", mirror, "--json"))
        assert [(result["action"], result["stale"]) for result in checked["results"]] == [
            ("decline", False),
            ("pay", False),
        ]
    shown = run("check", "h0.example.com", "--kind", "domain", "--mirror", config)
    assert "decline" in shown.stdout
    assert "room" in run("mirror", "status", "--config", config).stdout


def test_problems_are_printed_and_set_the_exit_status(run: Run, config: str, fake: FakeHub) -> None:
    text = Path(config).read_text()
    Path(config).write_text(text.replace('["room"]', '["room", "attic"]'))
    result = run("mirror", "sync", "--config", config)
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert "attic" in result.stdout
    Path(config).write_text(text.replace(fake.url, "http://127.0.0.1:9/feed/"))
    assert run("mirror", "sync", "--config", config).exit_code == 1


def test_configuration_in_the_working_folder_is_used(run: Run, config: str) -> None:
    assert run("mirror", "sync").exit_code == 0
    assert answer(run("check", "h0.example.com", "--json"))["results"][0]["found"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (('name = "hub"', 'name = "hub"\nnmae = "x"'), "nmae"),
        (('name = "hub"', 'name = "hub"\npassword = "s3cret"'), "itself is not allowed here"),
        (('file = "copy.db"', 'file = "copy.db"\nmax_age = "soon"'), "not a duration"),
        (('none = "pay"', 'nothing = "pay"'), "actions"),
        (("[[hub]]", "[[hub"), "no TOML"),
    ],
)
def test_settings_error_is_named_without_a_secret(run: Run, config: str, changed: tuple[str, str], said: str) -> None:
    Path(config).write_text(Path(config).read_text().replace(*changed))
    for command in (("mirror", "sync"), ("mirror", "status"), ("mirror", "serve")):
        result = run(*command, "--config", config)
        assert result.exit_code == 2
        assert said in result.stderr
        assert "s3cret" not in result.stderr


def test_missing_copy_or_settings_is_explained(run: Run, config: str, tmp_path: Path) -> None:
    assert "scamfeed mirror sync" in run("check", "h0.example.com", "--mirror", config).stderr
    assert run("mirror", "status", "--config", config).exit_code == 2
    assert "cannot be read" in run("check", "x", "--mirror", str(tmp_path / "nowhere.toml")).stderr


def test_two_syncs_at_once_are_refused(run: Run, config: str, tmp_path: Path) -> None:
    with (tmp_path / "copy.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run("mirror", "sync", "--config", config)
    assert result.exit_code == 2
    assert "another process" in result.stderr
