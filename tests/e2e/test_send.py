"""`send`: signs a request as Slack would, sends it, prints what came back."""

import json
import socket
import subprocess
import threading
from urllib.parse import parse_qsl

import pytest

from support import slack
from support.certificates import Pki  # noqa: F401
from support.listener import Listener, free_port, serve  # noqa: F401
from support.process import BINARY
from support.wire import Gone, Server, Wire, chunked, head_problems, response

USAGE_PARTS = ["--command", "--text", "--field", "--payload", "--event", "SLACK_SIGNING_SECRET"]
DEFAULTS = {
    "command": "/test", "text": "", "user_id": "U0000000000", "user_name": "tester", "team_id": "T0000000000",
    "channel_id": "C0000000000", "channel_name": "test",
}  # fmt: skip


class Gateway(Server):
    """What a request is sent to; checks that it is signed and answers as it is told."""

    def __init__(self, answer=response(200, b"fine\n"), tls=None, secret=slack.SECRET, **options):
        self.answer, self.tls, self.secret = answer, tls, secret
        self.requests = []
        super().__init__(**options)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError as fault:
                raise Gone from fault
        wire = Wire(sock)
        request = wire.read_request()
        self.problems += head_problems(request.head)
        stamp, signature = request.header("x-slack-request-timestamp"), request.header("x-slack-signature")
        if signature != slack.sign(request.body, stamp, self.secret):
            self.problems.append(f"the signature {signature} is not that of the body")
        if request.header("content-length") != str(len(request.body)):
            self.problems.append("no Content-Length")
        self.requests.append(request)
        if callable(self.answer):
            self.answer(wire)
        else:
            wire.send(self.answer)
        wire.close()

    @property
    def only(self):
        assert len(self.requests) == 1, self.requests
        return self.requests[0]

    @property
    def form(self):
        assert self.only.header("content-type") == slack.FORM
        return dict(parse_qsl(self.only.body.decode(), keep_blank_values=True))


def send(*arguments, secret=slack.SECRET, **env):
    """(exit code, standard output, standard error)"""
    env = {"PATH": "/usr/bin:/bin", **({"SLACK_SIGNING_SECRET": secret} if secret is not None else {}), **env}
    done = subprocess.run([BINARY, "send", *arguments], env=env, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    for text in (slack.SECRET, slack.OTHER_SECRET):
        assert text.encode() not in done.stdout + done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def gateway(make):
    return lambda *args, **options: make.keep(Gateway(*args, **options))


def test_to_a_listener_and_back(make, serve):  # noqa: F811
    """The way a person tries it."""
    endpoint = make.endpoint()
    listener = serve(endpoint=endpoint)
    code, out, err = send(f"http://127.0.0.1:{listener.address[1]}/eu-west-1/my-fn", "--command", "/deploy", "--text", "now & here")
    text = '{"response_type":"ephemeral","text":"Lambda function my-fn@eu-west-1 has been started..."}'
    assert (code, out, err) == (0, f"200\n{text}\n", "")
    assert len(endpoint.requests) == 1


def test_made_up_command(gateway):
    g = gateway()
    assert send(g.url + "/eu-west-1/my-fn") == (0, "200\nfine\n", "")
    assert (g.only.method, g.only.target) == ("POST", "/eu-west-1/my-fn")
    assert g.form == DEFAULTS
    assert g.only.header("host") == f"127.0.0.1:{g.port}"


def test_command_text_and_fields(gateway):
    g = gateway()
    code, _, _ = send(
        g.url + "/x/y", "--command", "/dep", "--text", "a=b & 50% grüße +", "--field", "user_id=U1", "--field", "extra=a=b", "--field", "empty=",
        "--field", "extra=last",
    )  # fmt: skip
    assert code == 0
    assert g.form == {**DEFAULTS, "command": "/dep", "text": "a=b & 50% grüße +", "user_id": "U1", "extra": "last", "empty": ""}


def test_options_before_the_address(gateway):
    g = gateway()
    assert send("--text", "--text", g.url)[0] == 0
    assert g.form["text"] == "--text"


def test_payload(gateway):
    g = gateway()
    payload = '{"type": "block_actions", "actions": [{"action_id": "a&b"}]}'
    assert send(g.url + "/x/y", "--payload", payload)[0] == 0
    assert g.form == {"payload": payload}


def test_event(gateway):
    g = gateway()
    event = ' {"type":"url_verification","challenge":"ü"} '
    assert send(g.url + "/x/y", "--event", event)[0] == 0
    assert g.only.header("content-type") == slack.JSON and g.only.body == event.encode()


@pytest.mark.parametrize("kind", ["--payload", "--event"])
@pytest.mark.parametrize("text", ["", "{", "{'a':1}", '{"a":1}}', "\n", '{"a":"\x01"}'])
def test_wrong_json_is_refused(gateway, kind, text):
    g = gateway()
    code, out, err = send(g.url, kind, text)
    assert code == 2 and not out and err.startswith("slack-lambda-gateway: " + kind) and "JSON" in err and not g.requests


@pytest.mark.parametrize("url", ["", "/", "/a/b/", "/a%2Fb/c%20d", "/a/b?x=y&z", "/?q", "?q"])
def test_targets(gateway, url):
    """The path goes out as it was written, and so does a query."""
    g = gateway()
    code, _, err = send(g.url + url)
    if code == 0:
        assert g.only.target == (url if url.startswith("/") else "/" + url)
    else:
        assert code == 2 and "?" in url, err


def test_https(gateway, pki):
    g = gateway(tls=pki.server())
    assert send(f"https://localhost:{g.port}/x/y", SSL_CERT_FILE=pki.bundle()) == (0, "200\nfine\n", "")
    assert g.only.header("host") == f"localhost:{g.port}"


def test_https_with_a_certificate_of_nobody(gateway, pki):
    g = gateway(tls=pki.server())
    code, out, err = send(f"https://localhost:{g.port}/x/y")
    assert code == 1 and not out and err.startswith("slack-lambda-gateway: ") and not g.requests


def test_https_for_another_name(gateway, pki):
    g = gateway(tls=pki.server(pki.leaf(names=["other.test"], addresses=[])))
    assert send(f"https://localhost:{g.port}/x/y", SSL_CERT_FILE=pki.bundle())[0] == 1
    assert not g.requests


ANSWERS = {
    200: 0, 201: 0, 204: 0, 299: 0, 302: 1, 400: 1, 401: 1, 403: 1, 404: 1, 500: 1, 503: 1,
}  # fmt: skip


@pytest.mark.parametrize("status", ANSWERS)
def test_exit_code_and_status(gateway, status):
    body = b"" if status == 204 else b"text"
    g = gateway(answer=response(status, body, fields=[("Location", "http://127.0.0.1:1/")], length=status != 204))
    code, out, err = send(g.url)
    assert (code, out, err) == (ANSWERS[status], f"{status}\n" + ("text\n" if body else ""), "")
    assert len(g.requests) == 1


BODIES = {
    "line feed at the end": (response(200, b"a\n"), "200\na\n"),
    "none at the end": (response(200, b"a"), "200\na\n"),
    "empty": (response(200, b""), "200\n"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello world", 3), "200\nhello world\n"),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200\nuntil the end\n"),
    "large": (response(200, b"x" * 3_000_000), "200\n" + "x" * 3_000_000 + "\n"),
    "interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"a"), "200\na\n"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(gateway, name):
    answer, out = BODIES[name]
    assert send(gateway(answer=answer).url) == (0, out, "")


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers(gateway, name):
    code, out, err = send(gateway(answer=BROKEN[name]).url)
    assert code == 1 and not out and err.startswith("slack-lambda-gateway: ") and err.count("\n") == 1, err


def test_nobody_there():
    code, out, err = send(f"http://127.0.0.1:{free_port()}/x/y")
    assert code == 1 and not out and err.startswith("slack-lambda-gateway: ") and err.count("\n") == 1


def test_answer_that_never_comes(gateway):
    """It gives up after ten seconds; run beside nothing else, because it waits."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        code, out, err = send(f"http://127.0.0.1:{sock.getsockname()[1]}")
    assert code == 1 and not out and err.count("\n") == 1


@pytest.mark.parametrize(
    ("secret", "used"),
    [
        (f"{slack.SECRET},{slack.OTHER_SECRET}", slack.SECRET),
        (f" {slack.SECRET} , {slack.OTHER_SECRET}", slack.SECRET),
        (f"{slack.OTHER_SECRET},{slack.SECRET}", slack.OTHER_SECRET),
    ],
)
def test_first_of_several_secrets(gateway, secret, used):
    g = gateway(secret=used)
    assert send(g.url, secret=secret)[0] == 0
    assert len(g.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "env", "parts"),
    [
        (["--text", "x"], {}, ["URL"]),
        (["http://127.0.0.1:1", "http://127.0.0.1:2"], {}, ["http://127.0.0.1:2"]),
        (["http://127.0.0.1:1", "--unknown", "x"], {}, ["unknown option --unknown", "send --help"]),
        (["http://127.0.0.1:1", "--text"], {}, ["--text", "value"]),
        (["http://127.0.0.1:1", "-t", "x"], {}, ["-t"]),
        (["http://127.0.0.1:1", "--field", "novalue"], {}, ["--field", "name=value"]),
        (["http://127.0.0.1:1", "--field", "=x"], {}, ["--field", "name=value"]),
        (["http://127.0.0.1:1", "--payload", "{}", "--event", "{}"], {}, ["--payload", "--event"]),
        (["ftp://127.0.0.1:1/"], {}, ["ftp://127.0.0.1:1/"]),
        (["127.0.0.1:8080/x/y"], {}, ["127.0.0.1:8080/x/y"]),
        (["http://"], {}, []),
        (["http://user@127.0.0.1:1/"], {}, []),
        (["http://127.0.0.1:99999/"], {}, []),
        (["http://127.0.0.1:1/a b"], {}, []),
        (["http://127.0.0.1:1/a\r\nX-Evil: 1"], {}, []),
        (["http://127.0.0.1:1", "--text", "x" * 1_050_000], {}, ["larger"]),
        (["http://127.0.0.1:1"], {"secret": None}, ["SLACK_SIGNING_SECRET"]),
        (["http://127.0.0.1:1"], {"secret": ""}, ["SLACK_SIGNING_SECRET"]),
        (["http://127.0.0.1:1"], {"secret": None, "GATEWAY_INSECURE_SKIP_VERIFY": "1"}, ["SLACK_SIGNING_SECRET"]),
        (["https://127.0.0.1:1"], {"SSL_CERT_FILE": "/nonexistent"}, ["SSL_CERT_FILE"]),
    ],
)
def test_refused(arguments, env, parts):
    if any(len(argument) > 130_000 for argument in arguments):
        pytest.skip("Linux takes no argument of that length")
    code, out, err = send(*arguments, **env)
    # A file may be mended before the next start.
    assert code == (1 if "SSL_CERT_FILE" in env else 2) and not out, (code, out, err)
    line = err.splitlines()[-1]
    assert line.startswith("slack-lambda-gateway: "), err
    for part in parts:
        assert part in line, err


def test_many_fields(gateway):
    g = gateway()
    some = [argument for i in range(57) for argument in ("--field", f"f{i}={i}")]
    assert send(g.url, *some)[0] == 0
    assert g.form == {**DEFAULTS, **{f"f{i}": str(i) for i in range(57)}}
    code, _, err = send(g.url, *some, "--field", "more=x")
    assert code == 2 and "64" in err


def test_usage():
    code, out, err = send("--help", secret=None)
    assert code == 0 and not err and all(part in out for part in USAGE_PARTS)
    code, out, err = send(secret=None)
    assert code == 2 and not out and "send needs a URL" in err


def test_signature_is_of_now(gateway):
    import time

    g = gateway()
    assert send(g.url)[0] == 0
    assert abs(int(g.only.header("x-slack-request-timestamp")) - time.time()) < 5


def test_response_url_field_comes_back(make, serve):  # noqa: F811
    """With an embedded backend a whole round can be tried without Slack."""
    from support.hooks import Hooks

    hooks = make.keep(Hooks())
    listener = serve(functions=True, hooks=hooks)
    listener.functions.add("hello", "echo hello")
    code, out, _ = send(f"http://127.0.0.1:{listener.address[1]}/local/hello", "--field", f"response_url={hooks.url()}")
    assert code == 0 and "hello@local has been started" in json.loads(out.split("\n")[1])["text"]
    assert hooks.wait()[0]["text"] == "hello"


def test_output_that_nobody_reads(gateway):
    """A pipe that closes early ends it without a word, but not by a signal."""
    g = gateway(answer=response(200, b"x" * 1_000_000))
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    done = subprocess.run([BINARY, "send", g.url], env={"SLACK_SIGNING_SECRET": slack.SECRET}, stdout=reader.stdin, timeout=10)
    reader.stdin.close()
    reader.wait()
    assert done.returncode in (0, 1)


def test_at_once(gateway):
    g = gateway()
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(send(g.url)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 8 and len(g.requests) == 8
