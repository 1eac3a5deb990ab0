"""Where a URL of somebody else may lead: every form of a private address, redirects, and name servers that lie."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.site import certificate, site

from nightdrop import File
from nightdrop.errors import FileTooLarge, FileUnreadable, UrlRefused, UsageError
from nightdrop.intake.fetch import fetch_url
from nightdrop.intake.read import read_file
from nightdrop.outbound import AllowedHosts, check_url, request
from nightdrop.outbound.request import certificates

NOBODY = AllowedHosts()
ONE = AllowedHosts.parse("127.0.0.2")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[2001:db8::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "1.1",
        "16843009",
        "0x7f.1",
        "１２７.0.0.1",
        "localhost",
    ],
)
def test_no_form_of_an_address_that_is_not_public_is_reached(host: str) -> None:
    """The server is there and would answer; it is never asked."""
    with site() as inside:
        with pytest.raises(UrlRefused) as refused:
            fetch_url(f"http://{host}:{inside.port}/a.txt", 100, guarded=True)
        assert (refused.value.code, refused.value.http_status) == ("url_refused", 422)
        assert inside.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "gopher://example.com/",
        "ftp://example.com/a",
        "//example.com/a",
        "http://",
        "http:///a",
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://[half/a",
        "http://example.com:99999/",
        "http://exa\nmple.com/",
        "",
    ],
)
def test_only_plain_http_and_https_urls_are_followed(url: str) -> None:
    with pytest.raises(UrlRefused):
        check_url(url, NOBODY)
    with pytest.raises(UrlRefused):
        read_file(File(url=url, guarded=True), 100)


@pytest.mark.parametrize(
    "url",
    ["http://1.1.1.1/", "https://example.com/a?b=c", "http://[2606:4700::1111]:8080/", "https://b\u00fccher.example/"],
)
def test_public_addresses_and_names_pass(url: str) -> None:
    assert str(check_url(url, NOBODY)) == str(httpx2.URL(url))


def test_an_address_behind_nat64_is_as_public_as_the_one_in_it() -> None:
    check_url("http://[64:ff9b::101:101]/", NOBODY)
    check_url("http://[::ffff:1.1.1.1]/", NOBODY)


def test_a_message_has_no_secrets_of_the_url() -> None:
    for url in ("gopher://x/?token=secret", "http://me:secret@example.com/"):
        with pytest.raises(UrlRefused) as refused:
            check_url(url, NOBODY)
        assert "secret" not in str(refused.value)


def test_a_name_that_has_a_private_address_among_others_is_refused() -> None:
    with (
        pytest.raises(UrlRefused, match=r"mixed\.example \(10\.0\.0\.1\).*NIGHTDROP_ALLOW_HOSTS"),
        request(
            "GET", "http://mixed.example/", NOBODY, timeout=5, resolve=lambda _host, _port: ["1.1.1.1", "10.0.0.1"]
        ),
    ):
        pass


def test_a_name_server_that_changes_its_mind_changes_nothing() -> None:
    """The name is asked for once; the connection goes to the address that was checked, under the name."""
    answers = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]]
    with site("127.0.0.2") as checked, site("127.0.0.1", checked.port) as rebound:
        url = f"http://rebind.example:{checked.port}/a"
        with request("GET", url, ONE, timeout=5, resolve=lambda _host, _port: answers.pop(0)) as response:
            assert response.read() == b"here"
        assert len(answers) == 2
        assert [(path, headers["Host"]) for _, path, headers, _ in checked.asked] == [
            ("/a", f"rebind.example:{checked.port}")
        ]
        assert rebound.asked == []


def test_the_second_address_is_tried_when_the_first_does_not_listen() -> None:
    with site("127.0.0.2") as listening:
        allowed = AllowedHosts.parse("127.0.0.0/8")
        url = f"http://two.example:{listening.port}/"
        with request(
            "GET", url, allowed, timeout=5, resolve=lambda _host, _port: ["127.0.0.3", "127.0.0.2"]
        ) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_too(guarded: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a URL that the program itself names: who answers there did not write it."""
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.2" if guarded else "none")
    with site("127.0.0.2") as outside, site() as inside:
        outside.pages["/a"] = (code, {"Location": f"{inside.url}/secret"}, b"")
        with pytest.raises(UrlRefused, match=r"127\.0\.0\.1 is not a public address"):
            fetch_url(f"{outside.url}/a", 100, guarded=guarded)
        assert (len(outside.asked), inside.asked) == (1, [])


def test_redirects_are_followed_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.2")
    with site("127.0.0.2") as web:
        for number in range(9):
            web.pages[f"/{number}"] = (302, {"Location": f"/{number + 1}"}, b"")
        assert fetch_url(f"{web.url}/4", 100, guarded=True) == b"here"
        with pytest.raises(UrlRefused, match="more than 5 redirects"):
            fetch_url(f"{web.url}/3", 100, guarded=True)


@pytest.mark.parametrize("location", ["file:///etc/hostname", "http://[half", "http://me@1.1.1.1/", "http://0x7f.1/"])
def test_a_redirect_to_what_is_no_plain_url_ends_there(location: str) -> None:
    with site("127.0.0.2") as web:
        web.pages["/a"] = (302, {"Location": location}, b"")
        with pytest.raises(UrlRefused):
            fetch_url(f"{web.url}/a", 100, guarded=False)


def test_what_is_allowed_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with site() as inside:
        by_name = f"http://localhost:{inside.port}/a"
        for allowed in ("localhost", "LOCALHOST", "127.0.0.0/8,::1", " 127.0.0.1 ,::1"):
            monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", allowed)
            assert fetch_url(by_name, 100, guarded=True) == b"here"
        for allowed in ("127.0.0.2", "host", "*.localhost", "", "none"):
            monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", allowed)
            with pytest.raises(UrlRefused):
                fetch_url(by_name, 100, guarded=True)


def test_a_star_allows_what_is_below_a_domain() -> None:
    allowed = AllowedHosts.parse("*.corp.example,files.other")
    assert [allowed.has_name(h) for h in ("a.corp.example", "a.b.CORP.example.", "files.other")] == [True] * 3
    assert [allowed.has_name(h) for h in ("corp.example", "xcorp.example", "a.files.other", "example")] == [False] * 4


@pytest.mark.parametrize("entry", ["http://intranet", "intranet:80", "*", "*.", "10.0.0.1/99", "0x7f.1", "1.2", "a b"])
def test_an_entry_that_means_nothing_is_a_wrong_setting(entry: str) -> None:
    with pytest.raises(UsageError, match="NIGHTDROP_ALLOW_HOSTS"):
        AllowedHosts.parse(f"fine.example,{entry}")


def test_a_url_of_the_programs_own_reaches_its_host() -> None:
    with site() as inside:
        assert read_file(File(url=f"{inside.url}/a.txt"), 100) == b"here"


def test_a_guarded_file_has_a_url() -> None:
    for given in ({"filepath": "a"}, {"content": b"a"}):
        with pytest.raises(UsageError, match="guarded"):
            File(**given, guarded=True)  # type: ignore[arg-type]


def test_the_size_is_bounded_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.2")
    with site("127.0.0.2") as web:
        web.pages["/a"] = (200, {}, b"x" * 101)
        with pytest.raises(FileTooLarge):
            fetch_url(f"{web.url}/a", 100, guarded=True)


def test_who_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.2", 0)) as silent:
        url = f"http://127.0.0.2:{silent.getsockname()[1]}/"
        with pytest.raises(httpx2.TimeoutException), request("GET", url, ONE, timeout=0.2):
            pass


@pytest.fixture
def known_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The certificate and key of files.example, which this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    made = certificate(tmp_path, "files.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    certificates.cache_clear()
    yield made
    certificates.cache_clear()


def test_a_certificate_is_checked_against_the_name(known_certificate: Path) -> None:
    """The connection goes to the address that was checked; the name stays in the handshake and in the check."""
    with site("127.0.0.2", tls=known_certificate) as web:

        def get(name: str) -> bytes:
            url = f"https://{name}:{web.port}/a"
            with request("GET", url, ONE, timeout=5, resolve=lambda _host, _port: ["127.0.0.2"]) as response:
                return response.read()

        assert get("files.example") == b"here"
        with pytest.raises(httpx2.ConnectError, match="Hostname mismatch"):
            get("other.example")
        assert [headers["Host"] for _, _, headers, _ in web.asked] == [f"files.example:{web.port}"]


def test_a_name_that_nobody_knows_is_an_unreadable_file() -> None:
    with pytest.raises(FileUnreadable, match="cannot be resolved"):
        fetch_url("http://nobody.invalid/a", 100, guarded=True)
