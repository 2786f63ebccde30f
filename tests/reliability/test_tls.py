"""Certificates: whoever is not who they say they are gets no request."""

from __future__ import annotations

import datetime
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

import payt
from faults.server import FaultServer, paging
from payt.cli.app import app
from payt.testing import contacts
from support.flavours import Flavour

Serve = Callable[[trustme.LeafCert], AbstractContextManager[FaultServer]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What `verify=` is given: trust in this authority alone."""
    context = ssl.create_default_context(cafile=None)
    authority.configure_trust(context)
    return context


@contextmanager
def serving(certificate: trustme.LeafCert, clients_of: trustme.CA | None = None) -> Iterator[FaultServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients_of is not None:
        clients_of.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    with FaultServer(paging(list(contacts(5)), per_page=2), tls=context) as server:
        yield server


def test_a_right_certificate_of_an_own_authority_is_accepted(
    authority: trustme.CA, trusting: ssl.SSLContext, flavour: Flavour
) -> None:
    with serving(authority.issue_cert("127.0.0.1")) as server:
        assert len(flavour.contacts(server.url, client={"verify": trusting})) == 5


def refused(server: FaultServer, flavour: Flavour, trusting: ssl.SSLContext | bool, reason: str) -> None:
    with pytest.raises(payt.TransportError, match=reason) as caught:
        flavour.contacts(server.url, client={"verify": trusting})
    assert caught.value.attempts == 1
    assert server.connections == 1
    assert server.requests == []


def test_an_unknown_authority(authority: trustme.CA, flavour: Flavour) -> None:
    with serving(authority.issue_cert("127.0.0.1")) as server:
        refused(
            server, flavour, trusting=True, reason="CERTIFICATE_VERIFY_FAILED.* — If you trust who signed it, name "
        )


def test_the_way_out_of_an_unknown_authority_leads_out(
    authority: trustme.CA, flavour: Flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(file)
    way_out = re.escape(
        " — If you trust who signed it, name a file with their certificate in SSL_CERT_FILE (in Python: or pass "
        "verify=ssl.create_default_context(cafile=...))"
    )
    with serving(authority.issue_cert("127.0.0.1")) as server:
        application = payt.ClientCredentials("id", "secret", payt.MemoryTokenStore())
        for credentials, error in (("token", payt.TransportError), (application, payt.TokenError)):
            with pytest.raises(error, match=f"{way_out}$"):
                flavour.contacts(server.url, credentials)
        told = CliRunner(env={"PAYT_BASE_URL": server.url, "PAYT_TOKEN": "t"}).invoke(
            app, ["contacts", "list", "-a", "1"]
        )
        assert told.stderr.endswith(
            " — If you trust who signed it, name a file with their certificate in SSL_CERT_FILE\n"
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert len(flavour.contacts(server.url)) == 5
        monkeypatch.delenv("SSL_CERT_FILE")
        assert len(flavour.contacts(server.url, client={"verify": ssl.create_default_context(cafile=str(file))})) == 5


def test_an_expired_certificate(authority: trustme.CA, trusting: ssl.SSLContext, flavour: Flavour) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    with serving(authority.issue_cert("127.0.0.1", not_after=yesterday)) as server:
        refused(server, flavour, trusting, r"certificate has expired \(_ssl[^)]*\)$")  # trusting them does not help


def test_a_certificate_for_another_host(authority: trustme.CA, trusting: ssl.SSLContext, flavour: Flavour) -> None:
    with serving(authority.issue_cert("payt.example")) as server:
        refused(server, flavour, trusting, "certificate is not valid for '127.0.0.1'")


def test_a_client_certificate(authority: trustme.CA, trusting: ssl.SSLContext, flavour: Flavour) -> None:
    with serving(authority.issue_cert("127.0.0.1"), clients_of=authority) as server:
        with pytest.raises(payt.TransportError):
            flavour.contacts(server.url, client={"verify": trusting})
        authority.issue_cert("us@payt.example").configure_cert(trusting)
        assert len(flavour.contacts(server.url, client={"verify": trusting})) == 5


def test_a_server_that_speaks_no_tls(server: FaultServer, flavour: Flavour) -> None:
    with pytest.raises(payt.TransportError, match="ConnectTimeout"):
        flavour.contacts(server.url.replace("http:", "https:"), client={"retries": 0, "timeout": 0.3})
