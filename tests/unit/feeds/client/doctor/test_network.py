"""The checks below HTTP work like a client: is the certificate trusted, and until when."""

import ssl
from pathlib import Path

import pytest

from feeds.client.doctor import network
from feeds.client.doctor.network import Findings, Unwell, check_connection, check_tls
from tests.conformance.authority import Pem, issue
from tests.unit.feeds.scripted import OK, Peer, Serve, says


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return issue(tmp_path_factory.mktemp("pem"))


@pytest.fixture
def peer(serve: Serve, pem: Pem) -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    return serve(says(OK), context)


def test_certificate_of_the_given_authority_is_trusted(peer: Peer, pem: Pem) -> None:
    findings = Findings()
    check_tls(findings, "127.0.0.1", peer.port, pem.authority)
    assert findings.found[0].words.startswith("TLSv1.3, the certificate is valid until ")


def test_soon_expiring_certificate_is_noted(peer: Peer, pem: Pem, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = Findings()
    monkeypatch.setattr(network, "_SOON", 100_000)
    check_tls(findings, "127.0.0.1", peer.port, pem.authority)
    assert (findings.found[0].verdict, findings.is_well) == ("note", True)


def test_a_certificate_of_an_unknown_authority_is_named(peer: Peer) -> None:
    with pytest.raises(Unwell, match="not trusted") as refused:
        check_tls(Findings(), "127.0.0.1", peer.port, None)
    assert "--ca-file" in refused.value.way_out


def test_a_certificate_for_another_name_is_named(peer: Peer, pem: Pem, monkeypatch: pytest.MonkeyPatch) -> None:
    real = network.socket.create_connection
    monkeypatch.setattr(network.socket, "create_connection", lambda at, **more: real(("127.0.0.1", at[1]), **more))
    with pytest.raises(Unwell, match="not trusted") as refused:
        check_tls(Findings(), "hub.example", peer.port, pem.authority)
    assert "another name" in refused.value.way_out


def test_a_file_without_certificates_is_named(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("none")
    with pytest.raises(Unwell, match="no certificates"):
        check_tls(Findings(), "127.0.0.1", peer.port, tmp_path / "none.pem")


def test_a_server_without_tls_is_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both sides wait for the other's next bytes.
    monkeypatch.setattr(network, "_SECONDS", 0.5)
    with pytest.raises(Unwell, match="the TLS handshake fails"):
        check_tls(Findings(), "127.0.0.1", serve(says(OK)).port, None)


def test_unresponsive_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(network.socket, "create_connection", wait)
    with pytest.raises(Unwell, match=r"does not answer \(TimeoutError\)"):
        check_connection(Findings(), "hub.example", 443)
