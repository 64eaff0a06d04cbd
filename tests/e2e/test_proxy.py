"""The way out through a proxy: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. Both hosts.

Nothing goes through a proxy to this machine itself, so what is on the other side of one has a name
that only the proxy knows, or the address 0.0.0.0."""

import base64
import json
import subprocess
import time

import pytest

from support import hosts, slack
from support import invoke_endpoint as peer
from support import proxy as way
from support.hooks import Hooks
from support.invoke_endpoint import failed
from support.proxy import FakeProxy, Tinyproxy
from support.wire import Server, eventually, in_some_try
from test_send import Gateway, send

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NOT = "Lambda function my-fn@eu-west-1 could not be started: "
PENDING = "Lambda function my-fn@eu-west-1 is still being started..."
RETURNED = failed(404, "ResourceNotFoundException", "Function not found: <arn>")


@pytest.fixture(params=hosts.HOSTS)
def kind(request):
    return request.param


@pytest.fixture
def world(make, kind):
    return World(make, kind)


class World:
    """AWS and Slack behind a proxy, and a host before it."""

    def __init__(self, make, kind):
        self.make, self.kind, self.pki = make, kind, make.pki

    def aws(self, name="lambda.test", names=None, addresses=(), tls=True, **options):
        certificate = self.pki.leaf(names=(name,) if names is None else names, addresses=addresses)
        return self.make.endpoint(
            tls=self.pki.server(certificate) if tls else None, name=name, **options
        )

    def slack(self, name="hooks.test", **options):
        return self.make.keep(
            Hooks(
                tls=self.pki.server(self.pki.leaf(names=(name,), addresses=())), name=name,
                **options,
            )
        )

    def proxy(self, act=None, **options):
        return self.make.keep(FakeProxy(act, **options))

    def start(self, proxy, endpoint=None, hooks=None, **env):
        if proxy:
            env.setdefault("HTTPS_PROXY", proxy.url)
        if getattr(proxy, "tls", None):
            env.setdefault("SSL_CERT_FILE", self.pki.bundle())
        env.setdefault("GATEWAY_LOG_LEVEL", "debug")
        self.endpoint = endpoint or self.aws()
        host = hosts.start(self.make, self.kind, self.endpoint, hooks, **env)
        host.process.forbidden += way.SECRETS
        return host

    def refused(self, host, **options):
        """Why the function was not started."""
        text = host.text(slack.command(), **options)
        assert text.startswith(NOT) and not self.endpoint.requests, text
        return text.removeprefix(NOT)


# ---- a packaged proxy ----------------------------------------------------------------------------


def test_packaged_proxy(world, tmp_path):
    proxy = world.make.keep(Tinyproxy(tmp_path))
    endpoint = world.aws("0.0.0.0", names=(), addresses=("0.0.0.0",))
    host = world.start(proxy, endpoint)
    for _ in range(3):
        assert host.text(slack.command()) == STARTED
    # A connection through it is kept like any other.
    assert (
        len(endpoint.requests) == 3 and len([link for link in endpoint.links if link.requests]) == 1
    )
    assert eventually(
        lambda: proxy.count(f"CONNECT 0.0.0.0:{endpoint.port}") == len(endpoint.links)
    ), proxy.said()


def test_packaged_proxy_in_plain(world, tmp_path):
    proxy = world.make.keep(Tinyproxy(tmp_path))
    endpoint = world.aws("0.0.0.0", tls=False)
    host = world.start(proxy, endpoint, HTTPS_PROXY=None, HTTP_PROXY=proxy.url)
    assert host.text(slack.command()) == STARTED
    assert endpoint.only.header("proxy-authorization") is None
    assert (
        proxy.count(f"POST http://{endpoint.authority}/2015-03-31/functions/my-fn/invocations") == 1
    ), proxy.said()


def test_packaged_proxy_with_a_wrong_password(world, tmp_path):
    proxy = world.make.keep(Tinyproxy(tmp_path))
    host = world.start(
        proxy, world.aws("0.0.0.0"), HTTPS_PROXY=f"http://corp:wrong7391@{proxy.authority}"
    )
    host.process.forbidden.append("wrong7391")
    why = world.refused(host)
    assert why.startswith(f"through the proxy {proxy.authority}: it answered 40")


def test_packaged_proxy_that_cannot_connect(world, tmp_path):
    proxy = world.make.keep(Tinyproxy(tmp_path))
    endpoint = world.aws("0.0.0.0", open_now=False)
    host = world.start(proxy, endpoint)
    assert f"through the proxy {proxy.authority}: it answered 50" in world.refused(host)


# ---- what goes through it ------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_invocations(world, variable):
    proxy = world.proxy(user=True)
    endpoint, names = world.aws(), []
    endpoint.tls.sni_callback = lambda sock, name, context: names.append(name)
    host = world.start(proxy, endpoint, **{"HTTPS_PROXY": None, variable: proxy.url})
    for _ in range(2):
        assert host.text(slack.command()) == STARTED
    assert set(proxy.asked) == {f"CONNECT lambda.test:{world.endpoint.port}"}
    assert eventually(lambda: len(proxy.asked) == len(world.endpoint.links))
    assert {request.header("host") for request in world.endpoint.requests} == {
        world.endpoint.authority
    }
    assert all(request.header("proxy-authorization") is None for request in world.endpoint.requests)
    assert set(names) == {"lambda.test"}


def test_plain_requests(world):
    proxy = world.proxy(user=True)
    host = world.start(proxy, world.aws(tls=False), HTTPS_PROXY=None, HTTP_PROXY=proxy.url)
    assert host.text(slack.command()) == STARTED
    post = next(request for request in proxy.requests if request.method == "POST")
    assert (
        post.target
        == f"http://lambda.test:{world.endpoint.port}/2015-03-31/functions/my-fn/invocations"
    )
    assert post.header("proxy-authorization") == way.basic()


def test_upper_case_is_not_for_cgi(world):
    proxy = world.proxy()
    host = world.start(
        proxy, world.aws(tls=False), HTTPS_PROXY=None, HTTP_PROXY=proxy.url, REQUEST_METHOD="GET"
    )
    assert "lambda.test" in world.refused(host) and not proxy.requests


def test_messages_to_slack(world):
    proxy, hooks = world.proxy(user=True), world.slack()
    endpoint = world.aws(default=peer.after(2, RETURNED))
    host = world.start(proxy, endpoint, hooks, GATEWAY_TIMEOUT_MS="200")
    assert host.text(slack.command(fields=hosts.to(hooks))) == PENDING
    assert "ResourceNotFoundException" in hooks.wait()[0]["text"]
    assert proxy.asked.count(f"CONNECT hooks.test:{hooks.port}") == 1
    assert hooks.requests[0].header("proxy-authorization") is None


def test_addresses(world):
    proxy = world.proxy()
    endpoint = world.aws("[fd00::1]", names=(), addresses=("fd00::1",))
    host = world.start(proxy, endpoint)
    assert host.text(slack.command()) == STARTED
    assert set(proxy.asked) == {f"CONNECT [fd00::1]:{endpoint.port}"}


# ---- what does not -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("tls", [True, False])
def test_loopback_goes_straight(world, name, tls):
    proxy = world.proxy()
    endpoint = world.aws(
        name, names=("localhost",), addresses=("127.0.0.1",), tls=tls, host="127.0.0.1"
    )
    host = world.start(proxy, endpoint, HTTP_PROXY=proxy.url)
    assert host.text(slack.command()) == STARTED
    assert len(endpoint.requests) == 1 and not proxy.requests


def test_metadata_is_asked_straight(world):
    """Where nothing answers at its address, the function is not started; the proxy is left alone
    all the same."""
    proxy = world.proxy()
    nothing = {
        name: None for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    }
    host = world.start(proxy, HTTP_PROXY=proxy.url, **nothing, GATEWAY_TIMEOUT_MS="300")
    host.ask(slack.command())
    time.sleep(0.5)
    assert all(
        line.startswith(f"CONNECT lambda.test:{world.endpoint.port}") for line in proxy.asked
    )


@pytest.mark.parametrize(
    "entries, straight",
    [
        ("0.0.0.0", True),
        ("lambda.test 0.0.0.0/8", True),
        ("*", True),
        ("0.0.0.0:{port}", True),
        ("0.0.0.0:1", False),
        ("0.0.0.1", False),
        ("10.0.0.0/8,test", False),
        ('"0.0.0.0/8:{port}"', True),
        ("0.0.0.0/8:1", False),
        ("x\n0.0.0.0\n", True),
    ],
)
def test_exceptions(world, entries, straight):
    proxy = world.proxy()
    endpoint = world.aws("0.0.0.0", names=(), addresses=("0.0.0.0",))
    host = world.start(
        proxy, endpoint, NO_PROXY="unused", no_proxy=entries.format(port=endpoint.port)
    )
    assert host.text(slack.command()) == STARTED
    assert (not proxy.requests) == straight


def test_exception_by_name(world):
    """The name is looked for here then, where nobody knows it."""
    proxy = world.proxy()
    host = world.start(proxy, NO_PROXY=".test")
    why = world.refused(host)
    assert "lambda.test" in why and "proxy" not in why and not proxy.requests


# ---- whom to believe -----------------------------------------------------------------------------


def test_certificate_is_for_the_target(world):
    proxy = world.proxy()
    host = world.start(
        proxy, world.aws(names=("proxy.test", "localhost"), addresses=("127.0.0.1",))
    )
    why = world.refused(host)
    assert why == (
        f"through the proxy {proxy.authority}: the certificate `localhost` of lambda.test is not "
        "for this name but for "
        "proxy.test, localhost, 127.0.0.1"
    )


def test_proxy_that_reads_along(world):
    """It shows a certificate of its own, as those of companies do."""
    stranger = world.pki.leaf(names=("lambda.test",), addresses=(), self_signed=True)
    endpoint = world.make.endpoint(tls=world.pki.server(stranger), name="lambda.test")
    proxy = world.proxy()
    why = world.refused(world.start(proxy, endpoint))
    assert why.startswith(
        f"through the proxy {proxy.authority}: the certificate `localhost` of lambda.test comes "
        "from an unknown authority, `localhost`: "
    )


# ---- proxies that misbehave ----------------------------------------------------------------------

GOOD = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\nContent-Length: 0\r\n\r\n"
WARNING = b"\x15\x03\x03\x00\x02\x01\x70"  # unrecognized_name, which a server may say and go on


@pytest.mark.parametrize(
    "act",
    [
        way.tunnel(GOOD, at_once=1),
        way.tunnel(GOOD, at_once=1, pause=0.002),
        way.tunnel(GOOD, at_once=7),
        way.tunnel(b"HTTP/1.0 200\r\n\r\n"),
        way.tunnel(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + GOOD
        ),
        way.tunnel(GOOD.replace(b"\r\n", b"\n")),
        way.tunnel(GOOD, behind=WARNING),
        way.tunnel(GOOD, at_once=len(GOOD) - 1, behind=WARNING),
        way.tunnel(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 8000 + b"\r\n\r\n"),
    ],
    ids=[
        "byte-by-byte", "slowly", "in-pieces", "short", "1xx-first", "bare-lf", "tls-at-once",
        "split-before-tls", "large-head",
    ],
)
def test_answers_that_will_do(world, act):
    host = world.start(world.proxy(act))
    assert host.text(slack.command()) == STARTED
    assert len(world.endpoint.requests) == 1


NTLM = (
    b"HTTP/1.1 407 Nobody\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate:"
    b" NTLM\r\nContent-Length: 0\r\n\r\n"
)
WRONG = "what answers there is not an HTTP proxy"


@pytest.mark.parametrize(
    "act, why, retried",
    [
        (way.refuses(403), "it answered 403 to CONNECT", False),
        (
            way.refuses(407),
            "it answered 407 to CONNECT: HTTPS_PROXY needs the right user:password@ before the "
            "host",
            False,
        ),
        (
            way.says(NTLM),
            "it answered 407 to CONNECT: it wants Negotiate, NTLM, and only Basic is supported",
            False,
        ),
        (way.refuses(302), "it answered 302 to CONNECT", False),
        (way.refuses(404), "it answered 404 to CONNECT", False),
        (way.refuses(502), "it answered 502 to CONNECT", True),
        (way.refuses(503), "it answered 503 to CONNECT", True),
        (way.refuses(504), "it answered 504 to CONNECT", True),
        (way.says(b""), "the peer closed the connection", True),
        (way.says(b"HTTP/1.1 200 Connection esta"), "the peer closed the connection", True),
        (
            way.says(b"HTTP/1.1 200 OK\r\n", "reset"),
            "the connection broke while receiving: Connection reset by peer", True,
        ),
        (way.says(b"<!DOCTYPE html><html><body>Sign in</body></html>", "hang"), WRONG, False),
        (way.says(b"SSH-2.0-OpenSSH_9.2\r\n", "hang"), WRONG, False),
        (way.says(b"\x15\x03\x03\x00\x02\x02\x28", "hang"), WRONG, False),
        (way.without_end, WRONG, False),
    ],
    ids=[
        "403", "407", "407-ntlm", "302", "404", "502", "503", "504", "closes", "closes-in-the-head",
        "resets", "page", "ssh", "tls-alert", "no-end",
    ],
)
def test_answers_that_will_not(world, act, why, retried):
    proxy = world.proxy(act)
    host = world.start(proxy)
    # What is made in advance, if anything, has gone wrong by now.
    host.process.wait_for_log("listening") if world.kind == "serve" else host.settled()
    time.sleep(0.1)
    before = len(proxy.requests)
    assert world.refused(host) == f"through the proxy {proxy.authority}: {why}"
    assert len(proxy.requests) - before == (4 if retried else 1)


@pytest.mark.parametrize("length", [b"Content-Length: 42", b"Transfer-Encoding: chunked"])
def test_page_instead_of_a_tunnel(world, length):
    """The length means nothing, the page behind it is no TLS."""
    proxy = world.proxy(
        way.says(
            b"HTTP/1.1 200 OK\r\n%s\r\n\r\n<html><body>Please sign in</body></html>\n\n" % length,
            "hang",
        )
    )
    why = world.refused(world.start(proxy))
    assert why.startswith(
        f"through the proxy {proxy.authority}: TLS with lambda.test failed: "
        "the server does not speak TLS 1.2, or speaks no TLS on this port"
    )


def test_proxy_that_recovers(world):
    proxy = world.proxy(way.refuses(503))
    host = world.start(proxy)
    calls = []

    def act(visit):
        calls.append(visit)
        (way.refuses(503) if len(calls) < 3 else way.tunnel())(visit)

    proxy.act = act
    assert host.text(slack.command()) == STARTED
    assert len(calls) == 3 and len(world.endpoint.requests) == 1


def test_no_proxy_there(world):
    proxy = world.proxy(open_now=False)
    why = world.refused(world.start(proxy))
    assert (
        why
        == f"through the proxy {proxy.authority}: cannot connect to {proxy.authority}: Connection"
        " refused"
    )


def test_proxy_without_an_address(world):
    proxy = world.proxy(open_now=False)
    why = world.refused(
        world.start(
            proxy, HTTPS_PROXY="http://corp:p7391p7391@no-such-proxy.invalid:3128",
            GATEWAY_TIMEOUT_MS="2500",
        )
    )
    assert why.startswith("through the proxy no-such-proxy.invalid:3128: ") and "region" not in why


@pytest.mark.parametrize(
    "act",
    [way.hang, way.says(b"HTTP/1.1 200 OK\r\n", "hang"),
        way.slowly(b"HTTP/1.1 200 " + b"x" * 200, 0.1), way.tunnel(GOOD, at_once=1, pause=0.02)],
    ids=["silent", "stops", "endless", "slow"],
)
def test_slack_is_answered_in_time(world, act):
    proxy = world.proxy(act, user=True)
    host = world.start(proxy, GATEWAY_TIMEOUT_MS="250")

    def is_in_time():
        before = time.monotonic()
        assert host.text(slack.command()) == PENDING
        return time.monotonic() - before < 0.6

    # In Lambda what was begun goes on until the end of the event.
    assert in_some_try(is_in_time, 5)


def test_slow_proxy_gets_there(world):
    """Slack has its answer, the work goes on."""
    hooks = world.slack()
    proxy = world.proxy(way.tunnel(GOOD, at_once=1, pause=0.01))
    host = world.start(proxy, hooks=hooks, GATEWAY_TIMEOUT_MS="250")
    assert host.text(slack.command(fields=hosts.to(hooks))) == PENDING
    world.endpoint.wait_for_requests(1)


def test_messages_are_not_tried_again_when_refused(world):
    """The refusal of a proxy is final for a message to Slack, too."""
    proxy, hooks = world.proxy(), world.slack()
    endpoint = world.aws(default=peer.after(2, RETURNED))
    host = world.start(proxy, endpoint, hooks, GATEWAY_TIMEOUT_MS="200")
    assert host.text(slack.command(fields=hosts.to(hooks))) == PENDING
    proxy.act = way.refuses(403)
    line = host.process.wait_for_log("it answered 403 to CONNECT")
    time.sleep(0.6)
    assert proxy.asked.count(f"CONNECT hooks.test:{hooks.port}") == 1 and not hooks.requests, line


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "value", ["socks5://corp:p7391p7391@proxy:1080", "corp:p7391p7391@proxy:0"]
)
def test_settings_that_cannot_be_used(make, variable, value):
    api = make.api()
    process = make.process(
        make.environment(api, make.endpoint(), **{variable: value}), name="bootstrap"
    )
    process.forbidden.append("p7391p7391")
    assert process.wait_exit() != 0
    text = json.loads(api.init_errors[0].body)["errorMessage"]
    assert text == (
        f"{variable} must be [http://|https://][user:password@]host[:port], with user and "
        "password percent-encoded; "
        "SOCKS proxies are not supported"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"HTTP_PROXY": "socks5://proxy:1080"},
        {"ALL_PROXY": "socks5h://proxy:1080"},
        {"HTTPS_PROXY": "socks5://proxy:1080", "NO_PROXY": "*"},
        {"HTTPS_PROXY": "nonsense://", "NO_PROXY": "0.0.0.0,.test"},
    ],
    ids=[
        "for plain targets", "another one is preferred", "nothing goes through it",
        "neither Lambda nor Slack",
    ],
)
def test_unusable_settings_that_nothing_uses(world, settings):
    """Lambda is at an address that is no loopback one, so that a proxy would be asked."""
    proxy, hooks = world.proxy(), world.slack()
    endpoint = world.aws("0.0.0.0", names=(), addresses=("0.0.0.0",))
    settings = {"HTTPS_PROXY": proxy.url, "NO_PROXY": None, **settings}
    host = world.start(proxy, endpoint, hooks, **settings)
    assert host.text(slack.command(fields=hosts.to(hooks))) == STARTED
    assert bool(proxy.requests) == (settings["HTTPS_PROXY"] == proxy.url)


@pytest.mark.parametrize(
    "scheme, user, tail, sent",
    [
        ("HTTP://", "", "", None),
        ("http://", "corp@", "", way.basic("corp", "")),
        ("", "corp:@", "/", way.basic("corp", "")),
        ("\n http://", "", "\r\n\n", None),
    ],
    ids=["capitals", "user alone", "no password", "newlines"],
)
def test_settings_as_they_are_met(world, scheme, user, tail, sent):
    proxy = world.proxy()
    proxy.examine = lambda request: None
    host = world.start(proxy, HTTPS_PROXY=f"{scheme}{user}{proxy.authority}{tail}")
    assert host.text(slack.command()) == STARTED
    assert {request.header("proxy-authorization") for request in proxy.requests} == {sent}


def test_all_proxy(world):
    proxy, other = world.proxy(), world.proxy()
    host = world.start(proxy, HTTPS_PROXY=None, ALL_PROXY=proxy.url, HTTP_PROXY=other.url)
    assert host.text(slack.command()) == STARTED
    assert proxy.requests and not other.requests


# ---- proxies that are spoken to in TLS -----------------------------------------------------------


@pytest.fixture
def inner_and_outer(world):
    return world.proxy(tls=world.pki.server(), user=True)


def test_tls_proxy(world, inner_and_outer):
    host = world.start(inner_and_outer)
    for _ in range(3):
        assert host.text(slack.command()) == STARTED
    assert set(inner_and_outer.asked) == {f"CONNECT lambda.test:{world.endpoint.port}"}
    # Kept like any other, each in its own handshake.
    assert len([link for link in world.endpoint.links if link.requests]) == 1
    assert all(request.header("proxy-authorization") is None for request in world.endpoint.requests)


def test_tls_proxy_for_plain_targets(world, inner_and_outer):
    host = world.start(
        inner_and_outer, world.aws(tls=False), HTTPS_PROXY=None, HTTP_PROXY=inner_and_outer.url
    )
    assert host.text(slack.command()) == STARTED
    posts = [request for request in inner_and_outer.requests if request.method == "POST"]
    assert {request.target for request in posts} == {
        f"http://lambda.test:{world.endpoint.port}/2015-03-31/functions/my-fn/invocations"
    }
    assert {request.header("proxy-authorization") for request in posts} == {way.basic()}


@pytest.mark.parametrize("size", [1, 16384, 200000])
def test_tls_proxy_carries_much(world, inner_and_outer, size):
    """More than one record of the inner connection has room for in one of the outer."""
    host = world.start(inner_and_outer)
    assert host.text(slack.command(fields={"text": "x" * size})) == STARTED
    event = json.loads(world.endpoint.only.body)
    form = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
    assert form.count(b"x" * size)


@pytest.mark.parametrize(
    "act",
    [way.tunnel(GOOD, at_once=1), way.tunnel(GOOD, at_once=7),
        way.tunnel(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD)],
    ids=["byte-by-byte", "in-pieces", "1xx first"],
)
def test_tls_proxy_answers(world, act):
    proxy = world.proxy(act, tls=world.pki.server())
    assert world.start(proxy).text(slack.command()) == STARTED


@pytest.mark.parametrize(
    "act, why",
    [
        (way.refuses(403), "it answered 403 to CONNECT"),
        (
            way.refuses(407),
            "it answered 407 to CONNECT: HTTPS_PROXY needs the right user:password@ before the "
            "host",
        ),
        (way.says(b"SSH-2.0-OpenSSH_9.2\r\n", "hang"), WRONG),
    ],
    ids=["403", "407", "ssh"],
)
def test_tls_proxy_that_will_not(world, act, why):
    proxy = world.proxy(act, tls=world.pki.server())
    assert world.refused(world.start(proxy)) == f"through the proxy {proxy.authority}: {why}"


def test_tls_proxy_ends_in_the_middle(world):
    """The connection breaks while the target answers: nothing is taken for an answer."""
    proxy = world.proxy(tls=world.pki.server())
    endpoint = world.aws(default=lambda visit: (proxy.stop(), visit.wire.close()))
    why = world.start(proxy, endpoint).text(slack.command())
    assert why.startswith("Lambda function my-fn@eu-west-1 may or may not have been started: "), why


def test_tls_proxy_must_be_known(world):
    """By SSL_CERT_FILE; AWS_CA_BUNDLE is for AWS alone. The message names the proxy, which is who
    failed."""
    stranger = world.pki.leaf(names=("proxy.test",), addresses=("127.0.0.1",), self_signed=True)
    proxy = world.proxy(tls=world.pki.server(stranger))
    why = world.refused(world.start(proxy))
    assert (
        why.startswith(f"through the proxy {proxy.authority}: the certificate ")
        and "of 127.0.0.1 comes from an unknown authority" in why
    )
    assert not proxy.requests


def test_tls_proxy_is_not_known_by_the_bundle_for_aws(world):
    proxy = world.proxy(tls=world.pki.server())
    why = world.refused(world.start(proxy, SSL_CERT_FILE=None))
    assert (
        why.startswith(f"through the proxy {proxy.authority}: the certificate ")
        and "unknown authority" in why
    )


def test_tls_proxy_must_have_its_name(world):
    proxy = world.proxy(tls=world.pki.server(world.pki.leaf(names=("proxy.test",), addresses=())))
    why = world.refused(world.start(proxy))
    assert (
        why.startswith(f"through the proxy {proxy.authority}: the certificate ")
        and "is not for this name but for proxy.test" in why
    )


class PlainProxy(Server):
    """To it a hello of TLS is a bad request."""

    def serve(self, sock):
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        self.stopping.wait()


def test_plain_proxy_taken_for_a_tls_one(world):
    proxy = world.make.keep(PlainProxy())
    why = world.refused(world.start(None, HTTPS_PROXY=f"https://127.0.0.1:{proxy.port}"))
    assert why.startswith(
        f"through the proxy 127.0.0.1:{proxy.port}: TLS with 127.0.0.1 failed: the server does "
        "not speak TLS 1.2, or speaks no TLS"
    )


def test_target_behind_a_tls_proxy_is_verified(world, inner_and_outer):
    why = world.refused(
        world.start(
            inner_and_outer, world.aws(names=("proxy.test", "localhost"), addresses=("127.0.0.1",))
        )
    )
    assert why.startswith(
        f"through the proxy {inner_and_outer.authority}: the certificate `localhost` of "
        "lambda.test is not for this name"
    )


# ---- as curl does --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "no_proxy",
    [
        "test",
        ".test",
        "lambda.test",
        "lambda.test.",
        "Lambda.TEST",
        "bda.test",
        "x.lambda.test",
        "*",
        "a,lambda.test,b",
        "a lambda.test b",
        "a, lambda.test",
        "10.0.0.0/8",
        "",
    ],
)
def test_exceptions_as_curl_has_them(make, no_proxy):
    """The same URL, the same settings: through the proxy or straight, where nobody knows the name.
    """
    ways = []
    for ask in ("curl", "send"):
        proxy = make.keep(FakeProxy(way.refuses(403)))
        url = "http://lambda.test:8080/eu-west-1/my-fn"
        env = {"http_proxy": proxy.url, "no_proxy": no_proxy}
        if ask == "curl":
            subprocess.run(
                ["curl", "-sq", "-m", "5", url], env={"PATH": "/usr/bin:/bin", **env},
                stdout=subprocess.DEVNULL,
            )
        else:
            send(url, **env)
        ways.append(bool(proxy.requests))
    assert ways[0] == ways[1]


# ---- send ----------------------------------------------------------------------------------------


def test_send_through_a_proxy(make):
    gateway = make.keep(Gateway())
    proxy = make.keep(FakeProxy(user=True))
    address = f"http://gateway.test:{gateway.port}"
    code, out, err = send(f"{address}/eu-west-1/my-fn", http_proxy=proxy.url)
    assert (code, out) == (0, "200\nfine\n") and "proxy" not in err
    assert proxy.asked == [f"POST {address}/eu-west-1/my-fn"]
    assert gateway.only.header("host") == f"gateway.test:{gateway.port}"
    assert proxy.requests[0].header("proxy-authorization") == way.basic()


def test_send_through_a_tunnel(make):
    gateway = make.keep(Gateway(tls=make.pki.server(make.pki.leaf(names=("gateway.test",)))))
    proxy = make.keep(FakeProxy(user=True))
    code, out, _ = send(
        f"https://gateway.test:{gateway.port}/", https_proxy=proxy.url,
        SSL_CERT_FILE=make.pki.bundle(),
    )
    assert (code, out) == (0, "200\nfine\n")
    assert gateway.only.header("proxy-authorization") is None
