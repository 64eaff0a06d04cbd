"""The admin address: the status page, its data, health with what is degraded. What it shows, and
what it must never show."""

import base64
import gzip
import hashlib
import html.parser
import http.client
import json
import re
import shutil
import signal
import zlib

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.browser import Browser
from support.hooks import Hooks
from support.listener import Client, get, parse_address, serve, serve_once, way_back  # noqa: F401
from support.process import FORBIDDEN, ROOT
from support.wire import eventually

PEOPLE = [
    "roadrunner", "U2CERLKJA", "G8PSS9T3V", "foobar", "T1DC2JH3J", "testteamnow", "hooks.slack.com",
    "A123",
]
FACTS = [
    "health", "version", "started", "uptime_s", "signing_secrets", "aws_credentials", "aws_lambda",
    "local_functions",
]
COLUMNS = ["time", "kind", "target", "outcome", "ms", "why"]


def address_for(listener, use):
    return parse_address(listener.process.wait_for_log(f'"for": "{use}"')["address"])


class Admin:
    def __init__(self, listener):
        self.listener = listener
        self.address = address_for(listener, "admin")

    def ask(self, path="/", host=None, method="GET", **fields):
        """(status, fields, body) as they are on the wire."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
        if host:
            connection.putheader("Host", host)
        for name, value in fields.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def data(self):
        status, fields, body = self.ask("/status.json")
        assert status == 200 and fields["content-type"] == "application/json"
        return json.loads(body)

    def page(self):
        status, fields, body = self.ask(Accept_Encoding="gzip, deflate, br")
        assert status == 200 and fields["content-encoding"] == "gzip"
        return gzip.decompress(body).decode("ascii")

    def health(self):
        status, _, body = self.ask("/healthz")
        return status, body.decode().splitlines()


@pytest.fixture
def start(serve):  # noqa: F811
    def start(*args, **options):
        listener = serve(*args, "--admin-listen", "127.0.0.1:0", **options)
        listener.admin = Admin(listener)
        return listener

    return start


class Tables(html.parser.HTMLParser):
    """{id: [[text of each cell], ...]} of a page whose end tags of rows and cells are left out."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.rows, self.open = {}, [], False
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "table":
            self.rows = self.tables[dict(attributes)["id"]] = []
        elif tag == "tr":
            self.rows.append([])
        self.open = tag in ("td", "th")
        if self.open:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, text):
        if self.open:
            self.rows[-1][-1] += text


def same(page, data):
    """The tables of the page say what the data says."""
    tables = Tables(page).tables
    facts = {
        name: str(value) for name, value in data.items() if not isinstance(value, (dict, list))
    }
    assert list(facts) == FACTS
    shown = dict(tables["facts"])
    assert {**shown, "uptime_s": ""} == {**facts, "uptime_s": ""}
    assert [row[0] for row in tables["counters"]] == list(data["counters"])
    heads, *rows = tables["requests"]
    assert heads == COLUMNS and rows == [
        [str(value) for value in request.values()] for request in data["requests"]
    ]
    assert all(list(request) == COLUMNS for request in data["requests"])


# ---- what it shows -------------------------------------------------------------------------------


def busy(make, start, **options):
    """A listener that has had one of everything."""
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(
        script=[
            peer.accepted(),
            peer.failed(403, "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/wile.e.coyote is not authorized"),
            peer.closing(peer.accepted()),
            peer.close,
        ]
    )
    listener = start(
        functions=True, endpoint=endpoint, hooks=hooks, GATEWAY_ALLOW="*/my-fn,local/*", **options
    )
    listener.functions.add("hello", "cat >/dev/null; echo " + slack.TEXT)
    url = {"response_url": way_back(hooks)}

    def listed(count):
        """What is listed is done, which it may not be when it is answered."""
        requests = lambda: listener.admin.data()["requests"]
        assert eventually(lambda: len(requests()) == count), requests()

    assert "has been started" in listener.text(slack.command(fields=url))
    listed(1)
    assert "AccessDenied" in listener.text(slack.command(fields=url))
    listed(2)
    for count in 3, 4:
        assert listener.ask(slack.event()).status == 200
        listed(count)
    assert "may or may not" in listener.text(slack.command(fields=url))
    listed(5)
    assert "has been started" in listener.text(slack.command("/local/hello", fields=url))
    listed(6)
    assert "could not be started" in listener.text(slack.command("/local/none", fields=url))
    assert "could not be started" in listener.text(slack.command("/eu-west-1/other", fields=url))
    assert "Invalid resource" in listener.text(slack.command("/%3Cb%3Epath", fields=url))
    assert listener.ask(slack.interaction("block_suggestion")).status == 200
    # None of these verified.
    assert listener.ask(slack.command(secret=slack.OTHER_SECRET)).status == 401
    assert listener.ask(slack.command(signature="")).status == 401
    assert listener.ask(get("/x")).status == 405
    listed(10)
    hooks.wait()
    posted = 'gateway_relays_total{outcome="posted"}'
    assert eventually(lambda: posted in listener.admin.data()["counters"])
    return listener


BUSY = [
    ("block_suggestion", "eu-west-1/my-fn", "answered",
        "block_suggestion answered without options"),
    ("slash_command", "", "not started", "no route matches, and the path names no function"),
    ("slash_command", "eu-west-1/other", "not started", "GATEWAY_ALLOW does not list the target"),
    ("slash_command", "local/none", "not started", "there is no function none here"),
    ("slash_command", "local/hello", "started", ""),
    ("slash_command", "eu-west-1/my-fn", "unknown", None),
    ("event_callback", "eu-west-1/my-fn", "duplicate", ""),
    ("event_callback", "eu-west-1/my-fn", "started", ""),
    ("slash_command", "eu-west-1/my-fn", "not started", "AccessDeniedException"),
    ("slash_command", "eu-west-1/my-fn", "started", ""),
]


def test_what_it_shows(make, start):
    listener = busy(make, start)
    data = listener.admin.data()
    assert [(r["kind"], r["target"], r["outcome"]) for r in data["requests"]] == [
        row[:3] for row in BUSY
    ]
    for request, (_, _, _, why) in zip(data["requests"], BUSY):
        assert request["why"] == why or (why is None and request["why"])
        assert (
            re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", request["time"])
            and 0 <= request["ms"] < 10000
        )
    assert (
        data["health"] == "ok\n"
        and data["signing_secrets"] == "literal\n"
        and data["aws_credentials"] == "environment"
    )
    assert (
        data["local_functions"] == str(listener.functions.folder)
        and data["aws_lambda"] in listener.endpoint.url
    )
    assert data["counters"]['gateway_requests_total{kind="other",status="401"}'] == 2
    assert data["counters"]["gateway_events_ignored_total"] == 0
    assert not [name for name in data["counters"] if "_bucket" in name]
    same(listener.admin.page(), data)
    assert listener.admin.data()["uptime_s"] < 60


def test_what_it_must_never_show(make, start):
    listener = busy(make, start)
    key = listener.process.env["AWS_SECRET_ACCESS_KEY"]
    for text in (
        listener.admin.page(), json.dumps(listener.admin.data()),
        listener.admin.ask("/metrics")[2].decode(),
    ):
        for hidden in [
            *FORBIDDEN, *PEOPLE, "b>path", "b>path".replace(">", "&gt;"), "coyote", "123456789012",
            key, listener.process.env["AWS_ACCESS_KEY_ID"],
        ]:
            assert hidden not in text, hidden


def test_the_last_hundred(make, start):
    listener = start(endpoint=make.endpoint())
    with listener.connect() as client:
        for i in range(103):
            assert (
                client.ask(slack.command(f"/eu-west-1/{'n' * 56}-{i:03}:{'q' * 128}")).status == 200
            )
    assert eventually(
        lambda: listener.admin.data()["requests"][0]["target"].startswith(
            f"eu-west-1/{'n' * 56}-102"
        )
    )
    data = listener.admin.data()
    names = [re.search(r"-(\d{3}):", request["target"])[1] for request in data["requests"]]
    assert names == [f"{i:03}" for i in range(102, 2, -1)]
    assert {len(request["target"]) for request in data["requests"]} == {128}
    same(listener.admin.page(), data)


def test_everything_is_escaped(make, start):
    folder = make.folder / "<img src=x onerror=alert(1)>&amp;\"'"
    folder.mkdir()
    secret = folder / "<b>secret"
    secret.write_text(slack.SECRET)
    listener = start("--functions", str(folder), SLACK_SIGNING_SECRET=f"file:{secret}")
    data = listener.admin.data()
    assert data["local_functions"] == str(folder) and data["signing_secrets"] == f"file:{secret}\n"
    page = listener.admin.page()
    same(page, data)
    assert {tag for tag, _ in Tables(page).tags} <= {
        "html", "head", "meta", "title", "style", "script", "body", "h1", "p", "svg", "path",
        "text", "g", "table", "tbody", "tr", "th",
        "td", "details", "summary", "caption", "thead",
    }  # fmt: skip


def test_secrets_that_are_not_checked(make, start):
    listener = start(
        endpoint=make.endpoint(), SLACK_SIGNING_SECRET=None, GATEWAY_INSECURE_SKIP_VERIFY="1"
    )
    assert listener.ask(slack.command(secret="x")).status == 200
    assert eventually(lambda: len(listener.admin.data()["requests"]) == 1)
    assert listener.admin.data()["signing_secrets"] == "GATEWAY_INSECURE_SKIP_VERIFY=1"


# ---- how it is served ----------------------------------------------------------------------------


def digest(page, tag):
    (text,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", page, re.S)
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@pytest.mark.parametrize("path", ["/", "/status.json"])
def test_fields(start, path):
    listener = start()
    status, fields, body = listener.admin.ask(path)
    page = listener.admin.page()
    policy = dict(item.split(" ", 1) for item in fields["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'", "connect-src": "'self'", "style-src": digest(page, "style"),
        "script-src": digest(page, "script"),
        "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert fields["x-frame-options"] == "DENY" and fields["cache-control"] == "no-store"
    assert fields["x-content-type-options"] == "nosniff" and "content-encoding" not in fields
    assert "access-control-allow-origin" not in fields
    head = listener.admin.ask(path, method="HEAD")
    assert (
        head[0] == status == 200
        and head[2] == b""
        and set(head[1]) == set(fields)
        and len(body) == int(fields["content-length"])
    )


def test_nothing_comes_from_elsewhere(start):
    page = start().admin.page()
    assert not re.search(r"https?:|//\w|\bsrc\b|\bhref\b|@import|url\(|\bimport\b", page)
    assert not [
        attributes
        for _, attributes in Tables(page).tags
        if any(name.startswith("on") or name == "style" for name in attributes)
    ]


def test_one_member_of_gzip(start):
    """Of which nothing is left over, for readers that stop at the first one."""
    listener = start()
    reader = zlib.decompressobj(31)
    page = reader.decompress(listener.admin.ask(Accept_Encoding="br;q=0.5, GZIP")[2])
    assert reader.eof and not reader.unused_data and page.endswith(b"</table>\n")


@pytest.mark.parametrize("accepted", [None, "br", "identity", "gzip;q=0", "xgzip"])
def test_without_gzip(make, start, accepted):
    """The tables alone, and the same ones."""
    listener = busy(make, start)
    status, fields, body = listener.admin.ask(**({"Accept_Encoding": accepted} if accepted else {}))
    assert (
        status == 200
        and "content-encoding" not in fields
        and fields["content-type"] == "text/html; charset=utf-8"
    )
    text = body.decode("ascii")
    assert text.startswith("<!doctype html>") and "<script" not in text and "<style" not in text
    same(text, listener.admin.data())


@pytest.mark.parametrize(
    "host, status",
    [
        ("127.0.0.1", 200), ("127.0.0.1:80", 200), ("127.9.9.9:9", 200), ("localhost", 200),
        ("LocalHost:8080", 200), ("[::1]:1", 200),
        ("example.test", 421), ("localhost.example.test", 421), ("127.0.0.1.example.test", 421),
        ("example.test:80", 421),
        ("10.0.0.1", 421), ("[::2]", 421), ("0.0.0.0", 421), ("2130706433", 421),
        ("localhost:0x50", 400), ("user@localhost", 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/status.json"])
def test_host(serve_once, request, host, status, path):  # noqa: F811
    if not hasattr(request.module, "shared"):
        request.module.shared = Admin(serve_once("--admin-listen", "127.0.0.1:0"))
    admin = request.module.shared
    assert admin.ask(path, host=host)[0] == status
    # Health and metrics are for whoever scrapes, under any name.
    assert {admin.ask(other, host=host)[0] for other in ("/healthz", "/metrics")} == {
        400 if status == 400 else 200
    }


def test_without_host(start):
    with Client(start().admin.address) as client:
        assert client.ask(b"GET / HTTP/1.0\r\n\r\n").status == 421


def test_any_host_where_no_browser_comes(make, serve):  # noqa: F811
    path = make.folder / "admin.sock"
    serve("--admin-listen", f"unix:{path}")
    with Client(str(path)) as client:
        client.send(get("/"))
        assert client.read_head().startswith(b"HTTP/1.1 200 ")


def test_only_on_the_admin_address(start):
    listener = start("--metrics-listen", "127.0.0.1:0")
    assert listener.ask(get("/")).body.startswith(b"slack-lambda-gateway: Slack posts")
    assert listener.ask(get("/status.json")).status == 405
    metrics = Admin.__new__(Admin)
    metrics.address = address_for(listener, "metrics")
    assert [metrics.ask(path)[0] for path in ("/", "/status.json", "/healthz", "/metrics")] == [
        404, 404, 404, 200,
    ]
    assert listener.admin.ask("/", method="POST")[0] == listener.admin.ask("/index.html")[0] == 404


# ---- what is degraded ----------------------------------------------------------------------------


def test_a_journal_that_fails(make, start):
    """Once a minute in the log, in health, in the status, in a metric."""
    folder = make.folder / "journal"
    folder.mkdir(mode=0o700)
    listener = start(
        endpoint=make.endpoint(default=peer.hang), GATEWAY_JOURNAL=str(folder),
        GATEWAY_TIMEOUT_MS="150",
    )
    counters = listener.admin.data()["counters"]
    assert counters["gateway_journal_failing"] == 0 and listener.admin.health() == (200, ["ok"])
    shutil.rmtree(folder)
    for _ in range(3):
        assert "still being started" in listener.text(slack.command())
    line = "the journal cannot be written: No such file or directory"
    assert listener.admin.health() == (200, ["ok", line])
    assert listener.ask(get()).body.decode().splitlines() == ["ok", line]
    data = listener.admin.data()
    assert data["counters"]["gateway_journal_failing"] == 1 and data["health"] == f"ok\n{line}\n"
    same(listener.admin.page(), data)
    assert (
        len(
            [
                line
                for line in listener.process.lines
                if line["message"].startswith("the journal cannot be written")
            ]
        )
        == 1
    )


def test_no_journal(start):
    assert "gateway_journal_failing" not in start().admin.data()["counters"]


def test_a_secret_that_cannot_be_read(make, start):
    secret = make.folder / "secret"
    secret.write_text(slack.SECRET)
    listener = start(endpoint=make.endpoint(), SLACK_SIGNING_SECRET=f"file:{secret}")
    assert listener.admin.health() == (200, ["ok"])
    secret.rename(make.folder / "away")
    listener.process.terminate(signal.SIGHUP)
    line = "not all signing secrets could be read again"
    assert eventually(lambda: listener.admin.health() == (200, ["ok", line]))
    (make.folder / "away").rename(secret)
    listener.process.terminate(signal.SIGHUP)
    assert eventually(lambda: listener.admin.health() == (200, ["ok"]))
    assert listener.ask(slack.command()).status == 200


def test_a_certificate_that_cannot_be_used(make, start):
    leaf = make.pki.leaf()
    chain, key = make.folder / "chain.pem", make.folder / "key.pem"
    chain.write_bytes(leaf.chain_pem())
    key.write_bytes(leaf.key_pem())
    listener = start("--tls-cert", str(chain), "--tls-key", str(key))
    assert listener.admin.health() == (200, ["ok"])
    chain.write_text("no certificate\n")
    listener.process.terminate(signal.SIGHUP)
    assert eventually(
        lambda: listener.admin.health() == (200, ["ok", "the new TLS certificate cannot be used"])
    )
    chain.write_bytes(leaf.chain_pem())
    listener.process.terminate(signal.SIGHUP)
    assert eventually(lambda: listener.admin.health() == (200, ["ok"]))


def test_no_credentials(make, start):
    nothing = {
        name: None for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    }
    listener = start(endpoint=make.endpoint(), **nothing)
    line = "there are no valid AWS credentials"
    assert eventually(lambda: listener.admin.health() == (200, ["ok", line]))
    assert listener.admin.data()["aws_credentials"] == ""
    # One that only runs functions of its own needs none.
    alone = start(functions=True, **nothing)
    alone.process.wait_for_log("AWS credentials could not be fetched")
    assert alone.admin.health() == (200, ["ok"])


# ---- in a browser --------------------------------------------------------------------------------

SHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.stop()


def luminance(page, expression):
    red, green, blue = map(int, re.findall(r"\d+", page.evaluate(expression))[:3])
    return (299 * red + 587 * green + 114 * blue) / 1000


@pytest.mark.parametrize(
    "name, options",
    [("light", {}), ("dark", {"dark": True}), ("phone", {"width": 390, "height": 844})],
)
def test_in_a_browser(make, start, browser, name, options):
    listener = busy(make, start)
    origin = "http://localhost:%d" % listener.admin.address[1]
    page = browser.open(origin + "/", **options)
    page.until("document.getElementById('live').textContent", "live")
    page.until("document.querySelectorAll('#marks circle').length", len(BUSY))
    rows = page.evaluate(
        "[...document.querySelectorAll('#requests tbody tr')].map(r => [...r.cells].map(c => "
        "c.textContent))"
    )
    assert rows == [
        [str(value) for value in request.values()] for request in listener.admin.data()["requests"]
    ]
    assert page.evaluate("document.querySelectorAll('#marks circle[class=started]').length") == 3
    # Each mark is where its row says, within the plot, and names it to who points at it.
    marks = page.evaluate(
        "[...document.querySelectorAll('#marks circle')].map(c => [c.getAttribute('class'), "
        "c.textContent, +c.getAttribute('cy')])"
    )
    assert [(mark[0], mark[1]) for mark in marks] == [
        (row[3], f"{row[3]}, {row[4]} ms, {row[2]}") for row in rows
    ]
    assert all(11 < mark[2] < 181 for mark in marks)
    ink, paper = (
        "getComputedStyle(document.body).color",
        "getComputedStyle(document.body).backgroundColor",
    )
    assert (luminance(page, paper) < 60) == (name == "dark") and abs(
        luminance(page, ink) - luminance(page, paper)
    ) > 150
    assert page.evaluate("document.documentElement.scrollWidth") <= options.get(
        "width", 1100
    ), "nothing sticks out at the side"
    page.screenshot(SHOTS / f"status-{name}.png")
    # It is alive: what comes later shows by itself.
    assert "could not be started" in listener.text(slack.command("/local/later"))
    page.until(
        "document.querySelector('#requests tbody').rows[0].cells[2].textContent", "local/later"
    )
    page.until("document.querySelectorAll('#marks circle').length", len(BUSY) + 1)
    assert page.problems() == [] and page.requested() <= {
        origin + "/", origin + "/status.json", origin + "/favicon.ico",
    }


def test_in_a_browser_without_script(make, start, browser):
    listener = busy(make, start)
    page = browser.open("http://127.0.0.1:%d/" % listener.admin.address[1], script=False)
    # The protocol's own look at the document needs no script of the page.
    text = page.call("Runtime.evaluate", expression="document.body.innerText", returnByValue=True)[
        "result"
    ]["value"]
    for wanted in (
        "AccessDeniedException", "local/hello", "duplicate", "as of now", "aws_credentials",
    ):
        assert wanted in text
    page.screenshot(SHOTS / "status-without-script.png")


def test_in_a_browser_nothing_is_run(make, start, browser):
    folder = make.folder / "<img src=x onerror=document.title='owned'>"
    folder.mkdir()
    listener = start("--functions", str(folder))
    page = browser.open("http://127.0.0.1:%d/" % listener.admin.address[1])
    page.until("document.getElementById('live').textContent", "live")
    assert (
        page.evaluate("document.querySelector('img')") is None
        and page.evaluate("document.title") == "slack-lambda-gateway"
    )
    assert str(folder) in page.evaluate("document.getElementById('facts').textContent")
    # Not even if somebody got a script in.
    page.evaluate(
        "void (document.body.append(Object.assign(document.createElement('script'), {textContent: "
        "'document.title = 1'})))"
    )
    assert page.evaluate("document.title") == "slack-lambda-gateway"
    assert any("Content Security Policy" in problem for problem in page.problems())


def test_in_a_browser_it_says_that_nobody_answers(start, browser):
    listener = start()
    page = browser.open("http://127.0.0.1:%d/" % listener.admin.address[1])
    page.until("document.getElementById('live').textContent", "live")
    assert listener.stop() == 0
    page.until("document.getElementById('live').textContent.slice(0, 15)", "no answer since")
