"""`send`: signs a request as Slack would, sends it, prints what came back."""

import json
import re
import socket
import subprocess
import threading
import time
from urllib.parse import parse_qsl

import pytest

from support import slack
from support.certificates import Pki  # noqa: F401
from support.listener import Listener, free_port, serve  # noqa: F401
from support.process import BINARY
from support.wire import PATIENCE, Gone, Server, Wire, chunked, eventually, head_problems, response

USAGE_PARTS = ["--command", "--text", "--field", "--payload", "--event", "SLACK_SIGNING_SECRET"]
DEFAULTS = {
    "command": "/test", "text": "", "user_id": "U0000000000", "user_name": "tester",
    "team_id": "T0000000000",
    "channel_id": "C0000000000", "channel_name": "test", "api_app_id": "A0000000000",
    "trigger_id": "1111111111.2222222222.33333333333333333333333333333333",
}  # fmt: skip
SIGNED = "signed with the first secret of SLACK_SIGNING_SECRET, a literal\n"


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
        stamp, signature = request.header("x-slack-request-timestamp"), request.header(
            "x-slack-signature"
        )
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


def send(*arguments, secret=slack.SECRET, hurry=None, **env):
    """(exit code, standard output, standard error). `hurry`: called again and again until it is
    true, and when nothing ends the program by then, it is ended."""
    env = {
        "PATH": "/usr/bin:/bin", **({"SLACK_SIGNING_SECRET": secret} if secret is not None else {}),
        **env,
    }
    process = subprocess.Popen(
        [BINARY, "send", *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    if hurry:
        assert eventually(hurry)
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
    out, err = process.communicate(timeout=PATIENCE)
    for text in (slack.SECRET, slack.OTHER_SECRET):
        assert text.encode() not in out + err
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def gateway(make):
    return lambda *args, **options: make.keep(Gateway(*args, **options))


def test_to_a_listener_and_back(make, serve):  # noqa: F811
    """The way a person tries it."""
    endpoint = make.endpoint()
    listener = serve(endpoint=endpoint)
    code, out, err = send(
        f"http://127.0.0.1:{listener.address[1]}/eu-west-1/my-fn", "--command", "/deploy", "--text",
        "now & here",
    )
    text = (
        '{"response_type":"ephemeral","text":"Lambda function my-fn@eu-west-1 has been started..."}'
    )
    assert (code, out, err) == (0, f"200\n{text}\n", SIGNED)
    assert len(endpoint.requests) == 1


def test_made_up_command(gateway):
    g = gateway()
    assert send(g.url + "/eu-west-1/my-fn") == (0, "200\nfine\n", SIGNED)
    assert (g.only.method, g.only.target) == ("POST", "/eu-west-1/my-fn")
    assert g.form == DEFAULTS
    assert g.only.header("host") == f"127.0.0.1:{g.port}"


def test_command_text_and_fields(gateway):
    g = gateway()
    code, _, _ = send(
        g.url + "/x/y", "--command", "/dep", "--text", "a=b & 50% grüße +",
        "--field", "user_id=U1",
        "--field", "extra=a=b", "--field", "empty=",
        "--field", "extra=last",
    )  # fmt: skip
    assert code == 0
    assert g.form == {
        **DEFAULTS, "command": "/dep", "text": "a=b & 50% grüße +", "user_id": "U1",
        "extra": "last", "empty": "",
    }


def test_options_before_the_address(gateway):
    g = gateway()
    assert send("--text", "--text", g.url)[0] == 0
    assert g.form["text"] == "--text"


PAYLOADS = {
    "block_actions": ({"type": "block_actions", "actions": [{"action_id": "a&b"}]}, True),
    "message_action": ({"type": "message_action", "callback_id": "c"}, True),
    "shortcut": ({"type": "shortcut", "callback_id": "c"}, False),
    "view_submission": ({"type": "view_submission", "view": {"id": "V1"}}, False),
    "empty": ({}, False),
}


@pytest.mark.parametrize("case", PAYLOADS)
def test_payload(gateway, case):
    """What Slack always sends is there; with --wait a response_url where Slack gives one."""
    payload, has_url = PAYLOADS[case]
    g = gateway()
    assert send(g.url + "/x/y", "--payload", json.dumps(payload))[0] == 0
    sent = json.loads(g.form["payload"])
    assert payload.items() <= sent.items() and "response_url" not in sent
    assert (
        sent["api_app_id"] == "A0000000000"
        and sent["team"]["id"] == "T0000000000"
        and sent["user"]["id"] == "U0000000000"
    )
    assert re.fullmatch(r"\d+\.\d+\.[0-9a-f]{32}", sent["trigger_id"])
    port = free_port()
    send(
        g.url + "/x/y", "--payload", json.dumps(payload), f"--wait={port}",
        hurry=lambda: len(g.requests) == 2,
    )
    sent = json.loads(dict(parse_qsl(g.requests[1].body.decode()))["payload"])
    assert sent.get("response_url") == (f"http://127.0.0.1:{port}/send" if has_url else None)


def test_payload_keeps_what_is_there(gateway):
    g = gateway()
    whole = {
        "type": "block_actions", "api_app_id": "A1", "trigger_id": "t", "team": None,
        "user": {"id": "U1"}, "response_url": "https://x/",
    }
    assert send(g.url + "/x/y", "--payload", json.dumps(whole))[0] == 0
    assert json.loads(g.form["payload"]) == whole


ENVELOPES = [
    '{"type":"url_verification","challenge":"ü"}',
    '{"type":"event_callback","event":{"type":"x"}}',
    '{"event":{}}', '{"type":"app_rate_limited"}',
]


@pytest.mark.parametrize("event", ENVELOPES)
def test_event_with_its_envelope(gateway, event):
    g = gateway()
    assert send(g.url + "/x/y", "--event", f" {event} ")[0] == 0
    assert g.only.header("content-type") == slack.JSON and g.only.body == event.encode()


def test_bare_event(gateway):
    g = gateway()
    event = {"type": "app_mention", "user": "U1", "text": "<@U2> hi", "channel": "C1", "ts": "1.2"}
    assert send(g.url + "/x/y", "--event", json.dumps(event))[0] == 0
    sent = json.loads(g.only.body)
    assert sent["type"] == "event_callback" and sent["event"] == event
    assert (
        sent["api_app_id"] == "A0000000000"
        and sent["team_id"] == "T0000000000"
        and abs(sent["event_time"] - time.time()) < 60
    )
    assert sent["authorizations"][0]["team_id"] == "T0000000000"
    assert send(g.url + "/x/y", "--event", json.dumps(event))[0] == 0
    assert json.loads(g.requests[1].body)["event_id"] != sent["event_id"]


# ---- --wait --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["command", "button"])
def test_wait_prints_what_is_posted_back(make, serve, kind):  # noqa: F811
    """A whole round: listener, function, and its answer."""
    port = free_port()
    listener = serve(functions=True, GATEWAY_RESPONSE_HOSTS=f"http://127.0.0.1:{port}")
    listener.functions.add("hello", "echo hello")
    arguments = ["--payload", '{"type":"block_actions"}'] if kind == "button" else []
    code, out, _ = send(
        f"http://127.0.0.1:{listener.address[1]}/local/hello", f"--wait={port}", *arguments
    )
    assert code == 0, out
    lines = out.split("\n")
    assert lines[0] == "200" and "posted to the response_url:" in lines
    assert json.loads(lines[lines.index("posted to the response_url:") + 1])["text"] == "hello"


def test_wait_takes_a_post_in_any_shape(gateway):
    g = gateway()
    port = free_port()
    message = b'{"text":"' + b"x" * 50000 + b'"}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (message[:7], message[7:]))
    posts = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + b"0\r\n\r\n",
    ]
    answers = []

    def post():
        for request in posts:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(request[:10])
                sock.sendall(request[10:])
                answers.append(sock.recv(100).split()[1])
        return True

    code, out, _ = send(
        g.url, f"--wait={port}", hurry=lambda: g.requests and not answers and post()
    )
    assert code == 0 and answers == [b"400", b"400", b"200"] and message.decode() in out


def test_wait_on_a_port_that_is_taken(gateway):
    g = gateway()
    code, out, err = send(g.url, f"--wait={g.port}")
    assert code == 1 and not out and "Address in use" in err and not g.requests
    code, out, err = send(g.url, "--wait=70000")
    assert code == 2 and "--wait takes a port" in err


@pytest.mark.parametrize("kind", ["--payload", "--event"])
@pytest.mark.parametrize("text", ["", "{", "{'a':1}", '{"a":1}}', "\n", '{"a":"\x01"}'])
def test_wrong_json_is_refused(gateway, kind, text):
    g = gateway()
    code, out, err = send(g.url, kind, text)
    assert (
        code == 2
        and not out
        and err.startswith("slack-lambda-gateway: " + kind)
        and "JSON" in err
        and not g.requests
    )


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
    assert send(f"https://localhost:{g.port}/x/y", SSL_CERT_FILE=pki.bundle()) == (
        0, "200\nfine\n", SIGNED,
    )
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
    g = gateway(
        answer=response(
            status, body, fields=[("Location", "http://127.0.0.1:1/")], length=status != 204
        )
    )
    code, out, err = send(g.url)
    assert (code, out, err) == (ANSWERS[status], f"{status}\n" + ("text\n" if body else ""), SIGNED)
    assert len(g.requests) == 1


BODIES = {
    "line feed at the end": (response(200, b"a\n"), "200\na\n"),
    "none at the end": (response(200, b"a"), "200\na\n"),
    "empty": (response(200, b""), "200\n"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello world",
        3), "200\nhello world\n"),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200\nuntil the end\n"),
    "large": (response(200, b"x" * 3_000_000), "200\n" + "x" * 3_000_000 + "\n"),
    "interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"a"), "200\na\n"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(gateway, name):
    answer, out = BODIES[name]
    assert send(gateway(answer=answer).url) == (0, out, SIGNED)


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers(gateway, name):
    code, out, err = send(gateway(answer=BROKEN[name]).url)
    assert (
        code == 1 and not out and err.startswith("slack-lambda-gateway: ") and err.count("\n") == 1
    ), err


def test_nobody_there():
    code, out, err = send(f"http://127.0.0.1:{free_port()}/x/y")
    assert (
        code == 1 and not out and err.startswith("slack-lambda-gateway: ") and err.count("\n") == 1
    )


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
        (["http://127.0.0.1:1"], {"secret": None, "GATEWAY_INSECURE_SKIP_VERIFY": "1"},
            ["SLACK_SIGNING_SECRET"]),
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
    some = [argument for i in range(55) for argument in ("--field", f"f{i}={i}")]
    assert send(g.url, *some)[0] == 0
    assert g.form == {**DEFAULTS, **{f"f{i}": str(i) for i in range(55)}}
    code, _, err = send(g.url, *some, "--field", "more=x")
    assert code == 2 and "64" in err


def test_usage():
    code, out, err = send("--help", secret=None)
    assert code == 0 and not err and all(part in out for part in USAGE_PARTS)
    code, out, err = send(secret=None)
    assert code == 2 and not out and "send needs a URL" in err


def test_signature_is_of_now(gateway):


    g = gateway()
    assert send(g.url)[0] == 0
    assert abs(int(g.only.header("x-slack-request-timestamp")) - time.time()) < 5


def test_response_url_field_comes_back(make, serve):  # noqa: F811
    """With an embedded backend a whole round can be tried without Slack."""
    from support.hooks import Hooks

    hooks = make.keep(Hooks())
    listener = serve(functions=True, hooks=hooks)
    listener.functions.add("hello", "echo hello")
    code, out, _ = send(
        f"http://127.0.0.1:{listener.address[1]}/local/hello", "--field",
        f"response_url={hooks.url()}",
    )
    assert code == 0 and "hello@local has been started" in json.loads(out.split("\n")[1])["text"]
    assert hooks.wait()[0]["text"] == "hello"


def test_output_that_nobody_reads(gateway):
    """A pipe that closes early ends it without a word, but not by a signal."""
    g = gateway(answer=response(200, b"x" * 1_000_000))
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    done = subprocess.run(
        [BINARY, "send", g.url], env={"SLACK_SIGNING_SECRET": slack.SECRET}, stdout=reader.stdin,
        timeout=10,
    )
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
