"""Client certificates over real TLS, with the test's own authority and four kinds of client."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from schemas.partner import Partner, PartnerKind
from server.store import partners
from tests.integration.access.conftest import Hub, Serve

NOW = datetime.now(UTC)


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, self.key.public_key(), NOW + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = {
            name: name == "key_cert_sign"
            for name in (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            )
        }
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, ends: datetime = NOW + timedelta(days=1), server: bool = False) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, key.public_key(), ends)
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if server:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        pem, secret = self.folder / f"{self.name}-{name}.crt", self.folder / f"{self.name}-{name}.key"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pem, secret

    def _builder(self, name: str, key: ec.EllipticCurvePublicKey, ends: datetime) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=2))
            .not_valid_after(ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(identifier, critical=False)
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def hub(authority: Authority, serve: Serve) -> Hub:
    certificate, key = authority.issue("server", server=True)
    return serve(tls={"tls_cert": certificate, "tls_key": key, "client_ca": authority.file})


def ask(hub: Hub, authority: Authority, certificate: tuple[Path, Path] | None, **more: object) -> requests.Response:
    pair = (str(certificate[0]), str(certificate[1])) if certificate else None
    more.setdefault("auth", None)
    return hub.get(cert=pair, verify=str(authority.file), **more)


def test_certificate_identifies_the_same_partner_as_token_and_password(hub: Hub, authority: Authority) -> None:
    certificate = authority.issue("bank")
    assert ask(hub, authority, certificate).status_code == 401
    with hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", certificate[0].read_text())
    assert ask(hub, authority, certificate).status_code == 200
    assert ask(hub, authority, None).status_code == 401
    assert ask(hub, authority, None, auth=(hub.bank.user, hub.bank.password)).status_code == 200
    for scheme in ("Bearer", "Token"):
        assert ask(hub, authority, None, headers={"Authorization": f"{scheme} {hub.bank.token}"}).status_code == 200
    both = {"Authorization": f"Bearer {hub.bank.token}"}
    assert ask(hub, authority, certificate, headers=both).status_code == 200
    assert ask(hub, authority, certificate, auth=(hub.bank.user, "wrong")).status_code == 401


def test_credentials_of_two_partners_in_one_request_are_rejected(hub: Hub, authority: Authority) -> None:
    certificate = authority.issue("ngo")
    with hub.store.begin() as tx:
        identity = "identity--22222222-2222-4222-8222-222222222222"
        partners.add(tx, Partner(name="ngo", kind=PartnerKind.NGO, identity=identity, vouched=True))
        partners.set_certificate(tx, "ngo", certificate[0].read_text())
    assert ask(hub, authority, certificate).status_code == 404
    assert ask(hub, authority, certificate, auth=(hub.bank.user, hub.bank.password)).status_code == 401


def test_foreign_or_expired_certificate_gets_no_response(hub: Hub, authority: Authority, tmp_path: Path) -> None:
    rogue = Authority(tmp_path, "rogue").issue("bank")
    expired = authority.issue("old", ends=NOW - timedelta(days=1))
    for certificate in (rogue, expired):
        with hub.store.begin() as tx:
            partners.set_certificate(tx, "bank", certificate[0].read_text())
        with pytest.raises(requests.ConnectionError):
            ask(hub, authority, certificate)
    assert ask(hub, authority, None, auth=(hub.bank.user, hub.bank.password)).status_code == 200


def test_certificates_are_renewed_without_an_outage(hub: Hub, authority: Authority) -> None:
    old, new = authority.issue("bank"), authority.issue("bank-again")
    with hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", old[0].read_text())
        partners.set_certificate(tx, "bank", new[0].read_text())
    assert ask(hub, authority, old).status_code == ask(hub, authority, new).status_code == 200
    with hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", new[0].read_text(), overlap=timedelta(0))
    assert ask(hub, authority, old).status_code == 401
    assert ask(hub, authority, new).status_code == 200


@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.0/8", 200), ("", 401), ("192.0.2.1", 401)])
def test_certificate_header_is_accepted_from_a_trusted_proxy_only(
    serve: Serve, authority: Authority, proxies: str, status: int
) -> None:
    hub = serve(trusted_proxies=proxies, client_certificate_header="X-Client-Certificate")
    pem = authority.issue("bank")[0].read_text()
    with hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", pem)
    sent = {"X-Client-Certificate": quote(pem), "X-Forwarded-For": "203.0.113.7"}
    assert hub.get(auth=None, headers=sent).status_code == status
    assert hub.get(auth=None, headers={"X-Client-Certificate": "nothing"}).status_code == 401


def test_no_certificate_is_requested_without_an_authority(serve: Serve, authority: Authority) -> None:
    certificate, key = authority.issue("server", server=True)
    hub = serve(tls={"tls_cert": certificate, "tls_key": key})
    with hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", authority.issue("bank")[0].read_text())
    assert ask(hub, authority, authority.issue("bank")).status_code == 401
    assert ask(hub, authority, None, auth=(hub.bank.user, hub.bank.password)).status_code == 200
