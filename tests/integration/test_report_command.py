"""``scamfeed report`` writes a published month, and refuses any other with the way out."""

from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from server.cli.program import app
from server.features.trends.months import earlier
from server.store import Store
from tests.integration.command import answer
from tests.unit.server.web.shell.test_owner_mark import SVG
from tests.unit.server.web.shell.test_trend_pages import publish_months


class PublishedHub(NamedTuple):
    """A hub, and the published months: the newest, and the first."""

    runner: CliRunner
    newest: str
    first: str

    def refusal(self, *arguments: str) -> str:
        """Return why a report is refused."""
        result = self.runner.invoke(app, ["report", *arguments])
        assert result.exit_code == 2
        return result.stderr


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["init"]).exit_code == 0
    return runner


@pytest.fixture
def hub(runner: CliRunner, tmp_path: Path) -> PublishedHub:
    store = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    newest, _, first = publish_months(store)
    store.close()
    return PublishedHub(runner, newest, first)


@pytest.mark.parametrize(("name", "begin"), [("r.pdf", b"%PDF"), ("r.HTML", b"<!DOCTYPE html>")])
def test_file_is_written_in_thai(hub: PublishedHub, tmp_path: Path, name: str, begin: bytes) -> None:
    shown = hub.runner.invoke(app, ["report", "--month", hub.newest, "--language", "th", "--output", name])
    assert shown.exit_code == 0, shown.output
    assert "รายงานประจำเดือน" in shown.stdout
    assert (tmp_path / name).read_bytes().lstrip().startswith(begin)


def test_newest_month_is_printed(hub: PublishedHub) -> None:
    printed = hub.runner.invoke(app, ["report"]).stdout
    assert "Money held" in printed
    assert "There are no published figures of" in printed
    found = answer(hub.runner.invoke(app, ["report", "--json"]))
    assert found["month"] == hub.newest
    [reports] = [line for block in found["blocks"] for line in block["lines"] if line["label"] == "Reported values"]
    assert (reports["now"]["text"], reports["before"]["text"], reports["before"]["change"]) == ("120", "100", "+20%")


def test_month_that_is_not_over_is_refused(hub: PublishedHub) -> None:
    following = earlier(hub.newest, -1)
    why = f"{following}: not published: a month is published six hours after its end; the newest published month is"
    assert f"{why} {hub.newest}" in hub.refusal("--month", following)
    assert "before the first published month" in hub.refusal("--month", earlier(hub.first, 1))


def test_malformed_options_are_refused(hub: PublishedHub) -> None:
    assert "not a month, as 2026-10" in hub.refusal("--month", "2026-13")
    assert "a report is .pdf or .html" in hub.refusal("--output", "report.doc")
    assert "cannot be written: No such file" in hub.refusal("--output", "none/report.html")


def test_hub_without_a_published_month_says_so(runner: CliRunner) -> None:
    result = runner.invoke(app, ["report"])
    assert result.exit_code == 2
    assert "no month is published yet" in result.stderr


def test_bad_mark_is_refused_by_name(hub: PublishedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mark.svg").write_text(SVG.format("<script/>"))
    monkeypatch.setenv("SCAMFEED_MARK_FILE", "mark.svg")
    assert "mark_file mark.svg: the SVG element script is not accepted" in hub.refusal("--output", "r.html")
