"""The command that runs the benchmarks."""

import sys
from collections.abc import Iterator

import pytest

from benchmarks import __main__ as command


def test_failing_part_is_reported_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[list[object]]:
        yield ["measured before", 1, "", "", ""]
        raise AssertionError("not what was expected")

    def well() -> Iterator[list[object]]:
        yield ["measured after", 1_234, "", "", ""]

    monkeypatch.setattr(command.mapping, "rows", broken)
    monkeypatch.setattr(command.fusing, "rows", well)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "mapping", "fusing"])
    with pytest.raises(SystemExit, match="failed: mapping"):
        command.main()
    shown = capsys.readouterr()
    lines = [line.split("  ")[0] for line in shown.out.splitlines()]
    assert lines == ["what", "measured before", "mapping: FAILED, see above", "measured after"]
    assert "1,234" in shown.out
    assert "not what was expected" in shown.err
