"""Socket Mode: envelopes in place of requests, over connections that the gateway opens itself."""

import base64
import json
import os
import subprocess
import threading
import time
from urllib.parse import parse_qs

import pytest

from support import invoke_endpoint as peer
from support import proxy as way
from support import slack
from support import socket_mode as wire
from support.hooks import Hooks
from support.hosts import SyncEndpoint
from support.listener import get, serve  # noqa: F401
from support.process import BINARY
from support.proxy import FakeProxy
from support.socket_mode import SocketMode, command, event, interaction
from support.wire import eventually

TARGET = "eu-west-1/my-fn"
STARTED = "Lambda function my-fn@eu-west-1 has been started..."


class Stand:
    """Slack, the gateway and AWS."""

    def __init__(self, slack_end, listener, endpoint):
        self.slack, self.listener, self.endpoint = slack_end, listener, endpoint

    def events(self):
        return [json.loads(request.body) for request in self.endpoint.requests]


@pytest.fixture
def stand(make, serve):
    def start(*args, connections=1, tls=False, slack_options=None, open_default=None, sync=False, wait=True, **env):
        context = make.pki.server() if tls else None
        end = make.keep(SocketMode(tls=context, name="localhost" if tls else "127.0.0.1", **(slack_options or {})))
        end.open_default = open_default
        endpoint = make.keep(SyncEndpoint()) if sync else make.endpoint()
        settings = end.environment(GATEWAY_SOCKET_CONNECTIONS=str(connections), GATEWAY_SOCKET_TARGET=TARGET)
        if tls:
            settings["SSL_CERT_FILE"] = make.pki.bundle()
        settings.update(env)
        listener = serve(*args, endpoint=endpoint, **settings)
        listener.process.forbidden += [wire.TOKEN, "ticket="]
        if wait:
            end.up(connections)
        return Stand(end, listener, endpoint)

    return start


def body_of(seen):
    return base64.b64decode(seen["body"]).decode() if seen.get("isBase64Encoded") else seen["body"]


def returned(body):
    """What a synchronous call gets."""

    def act(visit):
        visit.wire.send(wire.response(200, body, [("x-amzn-RequestId", "r-1")]))

    return act


def not_acked(s, envelope, wait=0.4):
    """There is no acknowledgement although the request was settled."""
    time.sleep(wait)
    assert envelope not in s.slack.acks, s.slack.acks
    return True


# ---- what becomes of an envelope ----


def test_a_command_starts_its_function(stand):
    s = stand()
    envelope = s.slack.send("slash_commands", command("now & please"))
    assert s.slack.ack(envelope) == {"response_type": "ephemeral", "text": STARTED}
    (seen,) = s.events()
    assert seen["rawPath"] == "/eu-west-1/my-fn" and seen["requestContext"]["http"]["method"] == "POST"
    form = parse_qs(body_of(seen), keep_blank_values=True)
    assert form["text"] == ["now & please"] and form["command"] == ["/deploy"]
    headers = seen["headers"]
    assert headers["content-type"] == "application/x-www-form-urlencoded" and headers["user-agent"].startswith("slack-lambda-gateway/")
    assert headers["x-slack-signature"] == slack.sign(body_of(seen).encode(), headers["x-slack-request-timestamp"])
    assert "x-slack-retry-num" not in headers


def test_the_order_of_members_is_kept(stand):
    s = stand()
    payload = command("x")
    s.slack.ack(s.slack.send("slash_commands", payload))
    (seen,) = s.events()
    assert [pair.partition("=")[0] for pair in body_of(seen).split("&")] == list(payload)


@pytest.mark.parametrize(
    "kind, payload, expected",
    [
        ("interactive", interaction("block_actions"), None),
        ("interactive", interaction("shortcut"), None),
        ("interactive", interaction("view_submission"), None),
        ("interactive", interaction("view_closed"), None),
        ("interactive", interaction("some_new_kind"), None),
        ("events_api", event("app_mention"), None),
    ],
)
def test_started_is_acknowledged_without_a_payload(stand, kind, payload, expected):
    s = stand()
    envelope = s.slack.send(kind, payload, accepts=kind == "interactive")
    assert s.slack.ack(envelope) == expected
    (seen,) = s.events()
    text = body_of(seen)
    assert json.loads(parse_qs(text)["payload"][0] if kind == "interactive" else text) == payload
    assert kind == "interactive" or text == json.dumps(payload), "the bytes are as they came"


def test_options_are_a_payload(stand):
    s = stand()
    assert s.slack.ack(s.slack.send("interactive", interaction("block_suggestion"), accepts=True)) == {"options": []}
    assert s.slack.ack(s.slack.send("interactive", interaction("block_suggestion"), accepts=False)) is None


def test_a_command_that_accepts_no_payload(stand):
    s = stand()
    assert s.slack.ack(s.slack.send("slash_commands", command(), accepts=False)) is None
    assert len(s.events()) == 1


@pytest.mark.parametrize("status, kind, payload, acked", [
    (400, "slash_commands", command(), True),  # with the reason
    (400, "interactive", interaction(), False),  # 500 over HTTP: Slack shows that it failed
    (404, "events_api", event(), True),  # no delivery could help
    (500, "events_api", event(), False),  # 503 over HTTP: Slack delivers it again
])  # fmt: skip
def test_not_started(stand, status, kind, payload, acked):
    s = stand(slack_options={"redeliver_s": 30})
    s.endpoint.default = peer.failed(status, "ValidationException" if status == 400 else "ResourceNotFoundException" if status == 404 else "ServiceException", "no")
    envelope = s.slack.send(kind, payload)
    if acked:
        answer = s.slack.ack(envelope)
        assert answer is None if kind == "events_api" else "could not be started" in answer["text"]
    else:
        assert eventually(lambda: s.listener.requests(status=500 if kind == "interactive" else 503), 6)
        assert not_acked(s, envelope)


def test_an_event_comes_again_until_it_is_started(stand):
    s = stand(slack_options={"redeliver_s": 0.5})
    s.endpoint.script = [peer.failed(500, "ServiceException", "no")] * 4
    envelope = s.slack.send("events_api", event())
    assert s.slack.ack(envelope, timeout=8) is None
    seen = s.events()[-1]["headers"]
    assert int(seen["x-slack-retry-num"]) >= 1 and seen["x-slack-retry-reason"] == "timeout"


@pytest.mark.parametrize("kind, payload", [("events_api", event()), ("slash_commands", command()), ("interactive", interaction())])
def test_what_comes_again_is_started_once(stand, kind, payload):
    s = stand()
    first = s.slack.send(kind, payload)
    s.slack.ack(first)
    second = s.slack.send(kind, payload)  # another envelope with the same event or trigger
    s.slack.ack(second)
    third = {key: value for key, value in payload.items() if key not in ("trigger_id", "event_id")}
    if kind != "events_api":
        for _ in range(2):
            s.slack.acks.pop(first, None)
            s.slack.send(kind, third, envelope="11111111-1111-4111-8111-111111111111")
            s.slack.ack("11111111-1111-4111-8111-111111111111")
            s.slack.acks.clear()
    assert len(s.events()) == (1 if kind == "events_api" else 2)


def test_unknown_envelopes_are_acknowledged(stand):
    s = stand()
    assert s.slack.ack(s.slack.send("workflow_thing", {"x": 1})) is None
    assert s.events() == []


def test_an_envelope_of_another_app_is_not_started(stand):
    s = stand()
    assert s.slack.ack(s.slack.send("slash_commands", {**command(), "api_app_id": "A999"})) is None
    assert s.events() == []
    assert any("names another app" in line.get("reason", "") for line in s.listener.process.lines)


def test_routes_decide_first(stand):
    s = stand(GATEWAY_SOCKET_TARGET="", GATEWAY_CONFIG=json.dumps({"routes": [{"command": "/deploy", "invoke": "eu-west-1/ship"}]}))
    assert "ship@eu-west-1" in s.slack.ack(s.slack.send("slash_commands", command()))["text"]
    assert "Invalid resource" in s.slack.ack(s.slack.send("slash_commands", command(name="/other")))["text"]
    assert s.slack.ack(s.slack.send("events_api", event())) is None, "404 over HTTP: it is not delivered again"


def test_the_slack_payload_says_how_it_came(stand):
    s = stand(GATEWAY_PAYLOAD="slack")
    s.slack.ack(s.slack.send("slash_commands", command()))
    (seen,) = s.events()
    assert seen["gateway"]["transport"] == "socket" and "reply_mac" not in seen["gateway"]


def test_sync_answers_are_payloads(stand):
    s = stand(sync=True, GATEWAY_CONFIG=json.dumps({"routes": [{"command": "/ask", "invoke": TARGET, "mode": "sync"}]}))
    s.endpoint.script = [returned(b'{"text":"42"}'), returned(b'"plain"')]
    assert s.slack.ack(s.slack.send("slash_commands", command(name="/ask")))["text"] == "42"
    assert s.slack.ack(s.slack.send("slash_commands", command(name="/ask")))["text"] == "plain"


def test_an_answer_that_is_too_large_is_posted(stand, make):
    hooks = make.keep(Hooks())
    s = stand(sync=True, GATEWAY_RESPONSE_HOSTS=hooks.origin, GATEWAY_CONFIG=json.dumps({"routes": [{"command": "/ask", "invoke": TARGET, "mode": "sync"}]}))
    s.endpoint.script = [returned(json.dumps({"text": "x" * 25000}).encode())]
    assert s.slack.ack(s.slack.send("slash_commands", command(name="/ask", response_url=hooks.url()))) is None
    (message,) = hooks.wait(1)
    assert message["text"] == "x" * 25000


def test_late_work_goes_on(stand, make):
    hooks = make.keep(Hooks())
    s = stand(GATEWAY_TIMEOUT_MS="300", GATEWAY_RESPONSE_HOSTS=hooks.origin)
    s.endpoint.default = peer.after(0.8, peer.failed(400, "ValidationException", "no"))
    answer = s.slack.ack(s.slack.send("slash_commands", command(response_url=hooks.url())))
    assert "still being started" in answer["text"]
    (message,) = hooks.wait(1)
    assert "could not be started" in message["text"]


def test_the_acknowledgement_follows_the_outcome_at_once(stand):
    s = stand()
    s.slack.ack(s.slack.send("slash_commands", command()))
    waits = []
    for _ in range(20):
        envelope = s.slack.send("slash_commands", command())
        s.slack.ack(envelope)
        waits.append(s.slack.acks[envelope][2] - s.slack.sent_at[envelope])
    assert sorted(waits)[10] < 0.05, waits


def test_functions_of_this_machine(make, serve):
    end = make.keep(SocketMode())
    hooks = make.keep(Hooks())
    listener = serve(functions=True, hooks=hooks, **end.environment(GATEWAY_SOCKET_TARGET="local/hello"))
    listener.functions.add("hello", 'echo \'"done"\'')
    end.up(2)
    assert "hello@local" in end.ack(end.send("slash_commands", command(response_url=hooks.url())))["text"]
    (message,) = hooks.wait(1)
    assert message["text"] == "done"


# ---- connections ----


def test_two_connections_are_held(stand):
    s = stand(connections=2)
    for i in range(10):
        s.slack.ack(s.slack.send("slash_commands", command(str(i))))
    assert len(s.slack.links) == 2 and {link.number for link, *_ in s.slack.acks.values()} == {0, 1}
    assert 2 <= s.slack.opens[1][0] - s.slack.opens[0][0] < 6, "opened apart, so that they do not end together"


def test_over_tls(stand):
    s = stand(tls=True, connections=2)
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "something_new"])
def test_a_connection_is_left_for_another(stand, reason):
    s = stand(connections=1)
    (old,) = s.slack.up(1)
    old.disconnect(reason)
    assert eventually(lambda: old.closing == 1000)
    assert len(s.slack.links) == 2 and s.slack.peak == 2 and not s.slack.ghosts
    assert eventually(lambda: old.closed) and s.slack.links[1].opened < old.closed
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED


def test_it_leaves_before_its_life_ends(stand):
    s = stand(connections=1, slack_options={"life_s": 3})
    assert eventually(lambda: len(s.slack.links) >= 2 and s.slack.links[0].closing == 1000, 6)
    assert 2.5 < s.slack.links[0].closed - s.slack.links[0].opened < 4


def test_renewals_under_load_lose_nothing(stand):
    s = stand(connections=2, slack_options={"redeliver_s": 60})
    count = int(os.environ.get("GATEWAY_RENEWALS", "25"))
    sent = []
    stop = threading.Event()

    def load():
        i = 0
        while not stop.wait(0.01):
            i += 1
            sent.append(s.slack.send("events_api", event()) if i % 3 else s.slack.send("slash_commands", command(str(i))))

    loader = threading.Thread(target=load)
    loader.start()
    try:
        done = 0
        while done < count:
            link = next((one for one in s.slack.registered() if one.alive and time.monotonic() - one.opened > 1.05 and not getattr(one, "told", False)), None)
            if link:
                link.told = True
                link.disconnect("warning" if done % 2 else "refresh_requested")
                assert eventually(lambda one=link: not one.alive, 15)
                done += 1
            time.sleep(0.01)
    finally:
        stop.set()
        loader.join()
    assert eventually(lambda: all(envelope in s.slack.acks for envelope in sent), 5), [e for e in sent if e not in s.slack.acks]
    assert s.slack.peak <= 3 and not s.slack.ghosts and not s.slack.late and not s.slack.duplicates
    assert len(s.endpoint.requests) == len(sent) > 5 * count


def test_what_is_due_is_acknowledged_before_the_goodbye(stand):
    s = stand(connections=1)
    s.endpoint.default = peer.after(1.0, peer.accepted())
    (old,) = s.slack.up(1)
    envelope = s.slack.send("slash_commands", command(), link=old)
    old.disconnect()
    s.slack.ack(envelope)
    assert s.slack.acks[envelope][0] is old and eventually(lambda: old.closing == 1000)


def test_a_connection_that_breaks_before_its_acknowledgement(stand):
    s = stand(connections=2)
    s.endpoint.default = peer.after(1.0, peer.accepted())
    old, other = s.slack.up(2)
    envelope = s.slack.send("slash_commands", command(), link=old)
    assert eventually(lambda: s.endpoint.requests)
    old.reset()
    s.slack.ack(envelope)
    assert s.slack.acks[envelope][0] is not old


def test_a_close_of_slacks_is_answered_and_replaced(stand):
    s = stand(connections=1)
    (old,) = s.slack.up(1)
    old.close(1001)
    assert eventually(lambda: old.closing == 1001)
    assert eventually(lambda: len(s.slack.registered()) == 1 and len(s.slack.links) == 2, 8)


def test_a_silent_connection_is_replaced(stand):
    s = stand(connections=1)
    (old,) = s.slack.up(1)
    old.vanish()
    start = time.monotonic()
    assert eventually(lambda: len(s.slack.links) == 2, 45)
    assert 25 < time.monotonic() - start < 45
    s.slack.up(1, timeout=5)
    assert s.slack.ack(s.slack.send("slash_commands", command(), link=s.slack.links[1]))["text"] == STARTED
    old.mute, old.deaf = True, False
    assert eventually(lambda: old.closing == 1000), "it said goodbye all the same"


def test_it_pings_a_quiet_peer_and_answers_pings(stand):
    s = stand(connections=1)
    (link,) = s.slack.up(1)
    link.send(wire.frame(wire.PING, b"Ping from applink-2"))
    assert eventually(lambda: link.pongs == [b"Ping from applink-2"])
    assert eventually(lambda: link.pings, 13)


def test_the_count_of_slack_is_told(stand):
    s = stand(connections=1)
    s.slack.link_script = [lambda link: link.server.hello(link, num_connections=4)]
    s.slack.links[0].reset()
    assert eventually(lambda: [line for line in s.listener.process.lines if line.get("counted") == 4])


# ---- what Slack may send ----


def envelope_bytes(payload, envelope="e-1"):
    return json.dumps({"envelope_id": envelope, "type": "slash_commands", "accepts_response_payload": True, "payload": payload}).encode()


def test_fragments_with_pings_between(stand):
    s = stand()
    (link,) = s.slack.up(1)
    text = envelope_bytes(command("ä€😀"))
    link.send(wire.frame(wire.TEXT, text[:5], fin=False))
    for i in range(5, len(text) - 7, 7):
        link.send(wire.frame(0, text[i : i + 7], fin=False) + wire.frame(wire.PING, b"%d" % i))
        last = i + 7
    link.send(wire.frame(0, text[last:]))
    assert s.slack.ack("e-1")["text"] == STARTED
    assert len(link.pongs) > 20


def test_one_byte_at_a_time(stand):
    s = stand()
    (link,) = s.slack.up(1)
    link.wire.drip(wire.frame(wire.TEXT, envelope_bytes(command())), pause=0.001)
    assert s.slack.ack("e-1")["text"] == STARTED


def test_two_in_one_segment(stand):
    s = stand()
    (link,) = s.slack.up(1)
    link.send(b"".join(wire.frame(wire.TEXT, envelope_bytes(command(), f"e-{i}")) for i in range(20)))
    for i in range(20):
        assert s.slack.ack(f"e-{i}")["text"] == STARTED


def test_binary_messages_and_other_types_are_passed_over(stand):
    s = stand()
    (link,) = s.slack.up(1)
    link.send(wire.frame(wire.BINARY, b"\x00\xff"))
    link.say({"type": "something"})
    link.say({})
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED
    assert len(s.slack.links) == 1


@pytest.mark.parametrize(
    "data, code",
    [
        (wire.frame(wire.TEXT, b"UNAUTHENTICATED: cache_error"), 1000),
        (wire.frame(wire.TEXT, b"[1]"), 1000),
        (b"\n", 1002),
        (wire.frame(wire.TEXT, b"\xff"), 1007),
        (wire.frame(wire.TEXT, b"{}", mask=b"abcd"), 1002),
        (wire.frame(wire.TEXT, b"{}", rsv=4), 1002),
        (wire.frame(3, b""), 1002),
        (wire.frame(11, b""), 1002),
        (wire.frame(wire.PING, b"x" * 126), 1002),
        (wire.frame(wire.PING, b"x", fin=False), 1002),
        (wire.frame(wire.TEXT, b"{}", length=16), 1002),
        (wire.frame(0, b"{}"), 1002),
        (wire.frame(wire.TEXT, b"x" * ((1 << 20) + 1)), 1009),
    ],
    ids=["unauthenticated", "array", "newline", "utf8", "masked", "rsv", "opcode3", "opcode11", "long-ping", "ping-fragment", "long-form", "continuation", "too-large"],
)
def test_garbage_ends_the_connection_and_another_follows(stand, data, code):
    s = stand()
    (old,) = s.slack.up(1)
    try:
        old.send(data)
    except Exception:
        pass
    assert eventually(lambda: old.closing == code), old.closing
    assert eventually(lambda: len(s.slack.registered()) == 1, 8)
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED


def test_the_largest_message(stand):
    s = stand()
    (link,) = s.slack.up(1)
    text = envelope_bytes({**interaction("block_actions"), "pad": ""})
    room = (1 << 20) - 300_000
    payload = {**event(), "pad": "x" * room}
    envelope = s.slack.send("events_api", payload)
    s.slack.ack(envelope, timeout=10)
    assert text and len(s.slack.links) == 1


# ---- the way in ----


def lines(s, word):
    return [line for line in s.listener.process.lines if word in json.dumps(line)]


@pytest.mark.parametrize("entry", [
    wire.response(500), wire.response(503), wire.says("internal_error"), wire.says("fatal_error"), wire.ok(), wire.ok(url=5),
    wire.ok(url="wss://evil.example/link/?ticket=1"), wire.ok(url="https://slack.com/"), wire.ok(url="wss://slack.com.evil.example/"),
    wire.response(200, b"<html>"), wire.response(302, b"", [("Location", "http://127.0.0.1/")]), wire.response(408),
])  # fmt: skip
def test_a_failed_opening_is_tried_again(stand, entry):
    s = stand()
    s.slack.open_script = [entry, entry]
    s.slack.links[0].reset()
    assert eventually(lambda: len(s.slack.links) == 2, 12)
    assert len(s.slack.opens) == 4


def refuse(status, **fields):
    def act(sock, request):
        sock.send(wire.response(status, b"", list(fields.items())))

    return act


def wrong(**changes):
    def act(sock, request):
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": wire.accept_key(request.header("sec-websocket-key")), **changes}
        sock.send(wire.response(101, b"", [(k.replace("_", "-"), v) for k, v in fields.items() if v], length=False))
        sock.fill()

    return act


@pytest.mark.parametrize("act", [
    refuse(409), refuse(503), refuse(404), refuse(302, Location="/x"), refuse(200), wrong(**{"Sec-WebSocket-Accept": "x" * 28}),
    wrong(Upgrade="h2c"), wrong(Connection="close"), wrong(Sec_WebSocket_Extensions="permessage-deflate"), wrong(Sec_WebSocket_Protocol="x"),
    lambda sock, request: sock.send(b"rubbish\r\n\r\n"), lambda sock, request: None,
])  # fmt: skip
def test_a_handshake_that_is_refused_is_tried_again_once(stand, act):
    s = stand()
    s.slack.handshake_script = [act]
    s.slack.links[0].reset()
    assert eventually(lambda: len(s.slack.links) == 2, 12)
    time.sleep(0.5)
    assert len(s.slack.opens) == 3, "each failure makes one more try"


def test_the_rate_limit_is_heeded(stand):
    s = stand()
    s.slack.open_script = [wire.says("ratelimited", 429, [("Retry-After", "3")])]
    s.slack.links[0].reset()
    assert eventually(lambda: len(s.slack.opens) == 3, 12)
    assert s.slack.opens[2][0] - s.slack.opens[1][0] >= 2.99


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked", "not_allowed_token_type"])
def test_a_token_that_is_refused_for_good_ends_it(stand, error):
    s = stand(SLACK_SIGNING_SECRET=None, wait=False, SLACK_APP_TOKEN="xapp-1-other-token", open_default=wire.says(error))
    assert s.listener.process.wait_exit(10) == 1
    assert lines(s, error)


def test_a_refused_token_beside_a_listener(stand):
    s = stand(wait=False, SLACK_APP_TOKEN="xapp-1-other-token")
    assert eventually(lambda: lines(s, "invalid_auth"))
    assert s.listener.ask(get("/healthz")).status == 200 and s.listener.process.alive


def test_too_many_connections(stand):
    s = stand(connections=2, wait=False, slack_options={"limit": 1})
    s.slack.up(1)
    assert eventually(lambda: lines(s, "too many connections"), 8)
    time.sleep(3)
    assert len(s.slack.opens) == 2, "there is no fast retry"
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED


def test_link_disabled(stand):
    s = stand(connections=1)
    s.slack.links[0].disconnect("link_disabled")
    assert eventually(lambda: lines(s, "turned off"))
    assert eventually(lambda: s.slack.links[0].closing == 1000)
    time.sleep(1)
    assert len(s.slack.opens) == 1


def test_it_stays_up_while_slack_is_down(serve):
    listener = serve(SLACK_APP_TOKEN=wire.TOKEN, SLACK_API_URL="http://127.0.0.1:9/api/")
    assert eventually(lambda: any("ended" in line["message"] for line in listener.process.lines))
    assert listener.ask(get("/healthz")).body.startswith(b"ok\n") and listener.process.alive


def test_no_greeting_in_time(stand):
    s = stand(connections=1)
    s.slack.link_script = [lambda link: None]
    s.slack.links[0].reset()
    assert eventually(lambda: len(s.slack.links) == 3, 20)
    assert eventually(lambda: s.slack.links[1].closing == 1000)


@pytest.mark.parametrize("proxy_tls", [False, True])
def test_through_a_proxy(make, serve, proxy_tls):
    pki = make.pki
    end = make.keep(SocketMode(tls=pki.server(pki.leaf(names=("slack.test",), addresses=())), name="slack.test"))
    proxy = make.keep(FakeProxy(user=True, tls=pki.server() if proxy_tls else None))
    endpoint = make.endpoint()
    listener = serve(endpoint=endpoint, SSL_CERT_FILE=pki.bundle(), HTTPS_PROXY=proxy.url.replace("127.0.0.1", "localhost"), **end.environment(GATEWAY_SOCKET_TARGET=TARGET))
    listener.process.forbidden += way.SECRETS
    end.up(2)
    assert end.ack(end.send("slash_commands", command()))["text"] == STARTED
    assert proxy.asked == [f"CONNECT slack.test:{end.port} HTTP/1.1".removesuffix(" HTTP/1.1")] * 4


# ---- several apps ----


def test_each_app_has_its_own_connections_and_secret(stand):
    apps = {"A1": {"secret": slack.OTHER_SECRET, "app_token": "xapp-1-A1-aaaaaaaa"}, "A2": {"app_token": "xapp-1-A2-bbbbbbbb"}}
    routes = [{"app": "A1", "invoke": "eu-west-1/one"}, {"app": "A2", "invoke": "eu-west-1/two"}]
    s = stand(wait=False, SLACK_APP_TOKEN=None, GATEWAY_SOCKET_TARGET="", GATEWAY_CONFIG=json.dumps({"apps": apps, "routes": routes}),
              slack_options={"tokens": {"xapp-1-A1-aaaaaaaa": "A1", "xapp-1-A2-bbbbbbbb": "A2"}})  # fmt: skip
    s.slack.up(1, "A1"), s.slack.up(1, "A2")
    assert "one@" in s.slack.ack(s.slack.send("slash_commands", {**command(), "api_app_id": "A1"}, app="A1"))["text"]
    assert "two@" in s.slack.ack(s.slack.send("slash_commands", {**command(), "api_app_id": "A2"}, app="A2"))["text"]
    one, two = s.events()
    assert one["headers"]["x-slack-signature"] == slack.sign(body_of(one).encode(), one["headers"]["x-slack-request-timestamp"], slack.OTHER_SECRET)
    assert "x-slack-signature" not in two["headers"]
    # Over HTTP an app without a secret of its own is refused.
    forged = slack.SlackRequest(body_of(two), secret=slack.SECRET)
    assert s.listener.ask(forged).status == 401


def test_the_token_of_another_app_is_refused(stand):
    apps = {"A1": {"app_token": wire.TOKEN}}
    s = stand(wait=False, SLACK_APP_TOKEN=None, GATEWAY_CONFIG=json.dumps({"apps": apps}))
    assert eventually(lambda: lines(s, "belongs to the app A111"))
    assert eventually(lambda: s.slack.links[0].closing == 1000)


# ---- the listener beside it ----


def test_without_a_secret_only_health_is_served(stand):
    s = stand(SLACK_SIGNING_SECRET=None)
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED
    (seen,) = s.events()
    assert "x-slack-signature" not in seen["headers"]
    assert s.listener.ask(get("/healthz")).status == 200
    assert s.listener.ask(get("/readyz")).status == 200
    assert s.listener.ask(slack.SlackRequest("command=%2Fx&text=y")).status == 404


def test_ready_when_connected(stand):
    s = stand(SLACK_SIGNING_SECRET=None, connections=1)
    s.slack.handshake_script = [refuse(503)] * 20
    s.slack.links[0].reset()
    assert eventually(lambda: s.listener.ask(get("/readyz")).status == 503)
    answer = s.listener.ask(get("/healthz"))
    assert answer.status == 200 and b"no connection to Slack" in answer.body
    s.slack.handshake_script = []
    assert eventually(lambda: s.listener.ask(get("/readyz")).status == 200, 30)


def test_metrics(stand):
    s = stand("--metrics-listen", "127.0.0.1:0", connections=2)
    for by in ("held", "counted"):
        assert eventually(lambda by=by: f'gateway_socket_connections{{by="{by}"}} 2\n' in s.listener.metrics().body.decode())
    s.slack.ack(s.slack.send("slash_commands", command()))
    assert eventually(lambda: 'gateway_requests_total{kind="slash_command",status="200"} 1' in s.listener.metrics().body.decode())


def test_without_a_listener(make, serve):
    end = make.keep(SocketMode())
    endpoint = make.endpoint()
    listener = serve(listen="off", endpoint=endpoint, wait=False, **end.environment(GATEWAY_SOCKET_TARGET=TARGET))
    end.up(2)
    assert end.ack(end.send("slash_commands", command()))["text"] == STARTED
    assert not [line for line in listener.process.lines if line["message"] == "listening"]
    assert listener.stop() == 0
    assert all(link.closing == 1000 for link in end.links)


def test_drain(stand):
    s = stand(connections=2)
    s.endpoint.default = peer.after(1.0, peer.accepted())
    envelopes = [s.slack.send("slash_commands", command(str(i))) for i in range(6)]
    assert eventually(lambda: len(s.endpoint.requests) == 6)
    assert s.listener.stop() == 0
    assert all(envelope in s.slack.acks for envelope in envelopes)
    assert all(link.closing == 1000 for link in s.slack.links) and not s.slack.ghosts


def test_drain_while_slack_does_not_answer(stand):
    s = stand(connections=1)
    s.slack.open_default = lambda sock: time.sleep(5)
    s.slack.links[0].reset()
    assert eventually(lambda: len(s.slack.opens) == 2, 8)
    start = time.monotonic()
    assert s.listener.stop() == 0
    assert time.monotonic() - start < 3


# ---- settings ----


@pytest.mark.parametrize("env, word", [
    ({"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
    ({"SLACK_APP_TOKEN": wire.TOKEN, "GATEWAY_SOCKET_CONNECTIONS": "11"}, "GATEWAY_SOCKET_CONNECTIONS"),
    ({"SLACK_APP_TOKEN": wire.TOKEN, "GATEWAY_SOCKET_CONNECTIONS": "0"}, "GATEWAY_SOCKET_CONNECTIONS"),
    ({"SLACK_APP_TOKEN": wire.TOKEN, "GATEWAY_SOCKET_TARGET": "nothing"}, "GATEWAY_SOCKET_TARGET"),
    ({"SLACK_APP_TOKEN": wire.TOKEN, "SLACK_API_URL": "http://example.com/api/"}, "SLACK_API_URL"),
    ({"SLACK_APP_TOKEN": wire.TOKEN, "SLACK_API_URL": "ftp://slack.com/"}, "SLACK_API_URL"),
    ({"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
    ({"GATEWAY_LISTEN": "off"}, "GATEWAY_LISTEN"),
    ({"GATEWAY_CONFIG": '{"apps":{"A1":{"app_token":"no"}}}'}, "GATEWAY_CONFIG"),
    ({"GATEWAY_CONFIG": '{"apps":{"A1":{}}}'}, "apps.A1"),
])  # fmt: skip
def test_settings_that_cannot_be_used(env, word):
    run = subprocess.run([BINARY, "serve"], env={"PATH": "/usr/bin:/bin", "SLACK_SIGNING_SECRET": slack.SECRET, **env}, capture_output=True, text=True, timeout=10)
    assert run.returncode == 2 and word in run.stderr and run.stderr.count("\n") == 1, run


def test_the_token_is_read_from_a_file(stand, tmp_path):
    path = tmp_path / "token"
    path.write_text(wire.TOKEN + "\n")
    s = stand(SLACK_APP_TOKEN=f"file:{path}")
    assert s.slack.ack(s.slack.send("slash_commands", command()))["text"] == STARTED
