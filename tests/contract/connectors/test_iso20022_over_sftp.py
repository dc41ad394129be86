"""Messages of ISO 20022 over SFTP, in and out."""

from pathlib import Path
from typing import Any

import pytest

from feeds.connectors import build
from server.store import Store, collections
from tests.contract.connectors.contract import PARTNER, READER
from tests.contract.connectors.machines import SftpMachine
from tests.contract.connectors.test_iso20022_pull import register
from tests.iso20022_messages import UETR, cancellation
from tests.running import run


def test_message_goes_in_and_out_over_sftp(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(store)
    monkeypatch.setenv("SFTP_PASSWORD", "s3cret")
    for name in ("in", "out"):
        (tmp_path / "root" / name).mkdir(parents=True)
    (tmp_path / "root" / "in" / "a.xml").write_text(cancellation())
    machine = SftpMachine(tmp_path / "root", tmp_path)
    machine.start()
    login = {"user": "hub", "password": {"env": "SFTP_PASSWORD"}, "known_hosts": str(machine.known_hosts)}

    def table(name: str, folder: str, **more: Any) -> dict[str, Any]:
        path = f"sftp://127.0.0.1:{machine.port}/{folder}"
        return {"name": name, "connector": name, "path": path, "allow_private": True, **login, **more}

    try:
        taken = run(store, build(table("iso20022-pull", "in", contribute_as=PARTNER)))
        assert (taken.ending, taken.accepted, taken.error) == ("done", 1, None)
        with store.read() as tx:
            own = collections.find_private(tx, READER, "requests")
        assert own is not None
        given = run(store, build(table("iso20022-push", "out", partner=READER, collection=own.alias)))
        assert (given.ending, given.error) == ("done", None)
    finally:
        machine.close()
    (written,) = (tmp_path / "root" / "out").iterdir()
    assert UETR in written.read_text()
