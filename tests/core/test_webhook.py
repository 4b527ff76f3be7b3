"""Webhooks against a real server: signed, pinned, bounded, and never to where they may not go."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.webhook import WebhookError, WebhookRefused, check_address, check_target, post_webhook, read_target, sign_body
from tests.validation.receiver import receive

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
BODY = b'{"a":1}'


def post(url: str, **options: Any) -> int:
    return post_webhook(url, BODY, {"NFCS-Event": "test"}, **{"allowed": LOOPBACK, "timeout_s": 5.0, **options})


def test_the_signature_is_hmac_sha256_over_timestamp_and_body() -> None:
    expected = hmac.new(b"key", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    assert sign_body(b"key", 1700000000, BODY) == f"sha256={expected}"
    assert sign_body(b"key", 1700000001, BODY) != f"sha256={expected}"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_an_arrival(status: int) -> None:
    with receive(status) as receiver:
        assert post(receiver.url) == status
    ((headers, body),) = receiver.requests
    assert (body, headers["NFCS-Event"], headers["Host"]) == (BODY, "test", f"127.0.0.1:{receiver.port}")


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_any_other_answer_is_told_with_its_beginning(status: int) -> None:
    with receive(status) as receiver, pytest.raises(WebhookError, match=rf"{status}: no thing <b>here</b>\.") as error:
        post(receiver.url)
    assert error.value.http_status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with (
        receive() as elsewhere,
        receive(status, location=elsewhere.url) as receiver,
        pytest.raises(WebhookError, match="redirect") as error,
    ):
        post(receiver.url)
    assert error.value.http_status == status
    assert (len(receiver.requests), elsewhere.requests) == (1, [])


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0",  # noqa: S104 - refused
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fe80::1%eth0",
            "fec0::1",
            "ff02::1",
        ],
    )
    def test_private_and_special_ones_are_refused(self, address: str) -> None:
        with pytest.raises(WebhookRefused, match="is not public"):
            check_address(address, is_encrypted=True)

    @pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
    def test_public_ones_are_reached_by_https_alone(self, address: str) -> None:
        check_address(address, is_encrypted=True)
        with pytest.raises(WebhookRefused, match="https"):
            check_address(address, is_encrypted=False)

    def test_a_network_that_is_allowed_is_reached_without(self) -> None:
        check_address("10.1.2.3", is_encrypted=False, allowed=[ipaddress.ip_network("10.1.0.0/16")])
        with pytest.raises(WebhookRefused):
            check_address("10.2.2.3", is_encrypted=False, allowed=[ipaddress.ip_network("10.1.0.0/16")])
        check_address("::ffff:10.1.2.3", is_encrypted=False, allowed=[ipaddress.ip_network("10.1.0.0/16")])

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"]
    )
    def test_spelling_the_loopback_address_otherwise_does_not_help(self, host: str) -> None:
        with receive() as receiver, pytest.raises(WebhookRefused):
            post(f"http://{host}:{receiver.port}/", allowed=[])
        assert receiver.requests == []

    def test_one_refused_address_among_several_refuses_the_host(self) -> None:
        with receive() as receiver, pytest.raises(WebhookRefused):
            post(receiver.url, resolve=lambda host, port: ["127.0.0.1", "10.0.0.1"])
        assert receiver.requests == []

    def test_the_connection_goes_to_the_address_that_was_checked(self) -> None:
        """The name resolves to another server the second time it is asked for: it is asked for once."""
        answers = [["127.0.0.2"], ["127.0.0.1"]]
        asked = []

        def rebind(host: str, port: int) -> list[str]:
            asked.append(host)
            return answers[len(asked) - 1]

        with receive(host="127.0.0.2") as checked, receive() as rebound:
            url = f"http://hooks.invalid:{checked.port}/"
            assert post(url, resolve=rebind, allowed=[ipaddress.ip_network("127.0.0.2/32")]) == 200
        assert asked == ["hooks.invalid"]
        assert (len(checked.requests), rebound.requests) == (1, [])
        assert checked.requests[0][0]["Host"] == f"hooks.invalid:{checked.port}"

    def test_the_next_address_is_tried_where_one_does_not_answer(self) -> None:
        with receive(host="127.0.0.2") as receiver:
            url = f"http://hooks.invalid:{receiver.port}/"
            assert post(url, resolve=lambda host, port: ["127.0.0.3", "127.0.0.2"]) == 200

    def test_a_host_without_address_is_told(self) -> None:
        def resolve(host: str, port: int) -> list[str]:
            raise OSError(-2, "Name or service not known")

        with pytest.raises(WebhookError, match=r"hooks.invalid has no address: Name or service not known\."):
            post("https://hooks.invalid/", resolve=resolve)
        with pytest.raises(WebhookError, match="no address"):
            post("https://hooks.invalid/", resolve=lambda host, port: [])

    def test_a_port_where_nobody_listens_is_told(self) -> None:
        with receive() as receiver:
            url = receiver.url
        with pytest.raises(WebhookError, match="No connection: Connection refused"):
            post(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org@127.0.0.1/",
        "https://hooks.example.org/#here",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:x/",
        "https://[::1/",
        "https://hooks example.org/",
        "https://hooks.example.org/\r\nX: y",
        "https://hooks.example.org\\@127.0.0.1/",
        "https://hooks.example.org/\x00",
        "https://..example.org/",
        "https://höoks.example.org/",
        "https://" + "a" * 64 + ".example.org/",
        "https://hooks.example.org/" + "a" * 500,
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        read_target(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.0.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://localhost/",
        "https://a.LocalHost./",
        "http://203.0.114.1/",
        "https://user:word@example.org/",
        "ftp://example.org/",
    ],
)
def test_an_address_to_be_kept_is_screened_without_a_look_up(url: str) -> None:
    with pytest.raises(WebhookRefused):
        check_target(url)


def test_names_public_addresses_and_allowed_networks_pass() -> None:
    check_target("https://partner.example.org/in")
    check_target("https://8.8.8.8/in")
    check_target("http://10.0.0.1/in", allowed=[ipaddress.ip_network("10.0.0.0/8")])
    check_target("https://localhost/in", allowed=[ipaddress.ip_network("127.0.0.0/8")])


class TestBounds:
    @pytest.mark.parametrize(
        ("how", "words"),
        [("silent", "no answer within"), ("slow head", "no answer within"), ("slow body", "answer was 500: x")],
    )
    def test_a_slow_server_is_cut_off(self, how: str, words: str) -> None:
        with receive(how) as receiver, pytest.raises(WebhookError, match=words):
            post(receiver.url, timeout_s=0.3)
        assert len(receiver.requests) == 1

    def test_so_is_one_that_does_not_shake_hands(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(WebhookError, match="no answer within"):
            post(f"https://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.3)

    def test_of_an_endless_answer_little_is_read(self) -> None:
        with receive("endless") as receiver, pytest.raises(WebhookError) as error:
            post(receiver.url)
        assert len(str(error.value)) < 300


class TestEncryption:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """A certificate of hooks.invalid, signed by itself, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.invalid")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.invalid")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / "server.pem"
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(text + certificate.public_bytes(serialization.Encoding.PEM))
        return path

    @pytest.fixture
    def server_context(self, certificate: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def test_the_certificate_is_that_of_the_name_not_of_the_address(
        self, certificate: Path, server_context: ssl.SSLContext
    ) -> None:
        trusting = ssl.create_default_context(cafile=str(certificate))
        to_here = {"resolve": lambda host, port: ["127.0.0.1"], "context": trusting}
        with receive(context=server_context) as receiver:
            assert post(f"https://hooks.invalid:{receiver.port}/", **to_here) == 200
            for host in ("other.invalid", "127.0.0.1"):
                with pytest.raises(WebhookError, match="certificate"):
                    post(f"https://{host}:{receiver.port}/", **to_here)
        assert len(receiver.requests) == 1

    def test_a_certificate_that_nobody_signed_is_refused(self, server_context: ssl.SSLContext) -> None:
        with receive(context=server_context) as receiver, pytest.raises(WebhookError, match="certificate"):
            post(f"https://hooks.invalid:{receiver.port}/", resolve=lambda host, port: ["127.0.0.1"])
        assert receiver.requests == []
