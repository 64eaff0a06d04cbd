"""Every kind of request, with the acknowledgement that its kind gets for each outcome, from both
hosts."""

import json
import threading
from urllib.parse import quote_plus, urlencode

import pytest

from conftest import Maker
from support import hosts, slack
from support import invoke_endpoint as peer
from support.invoke_endpoint import accepted, failed
from support.wire import eventually

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}
NAME = "Lambda function my-fn@eu-west-1"
REFUSED = "/eu-west-1/refused"

MORE = {
    "block_actions_of_a_modal": (
        "block_actions",
        {"container": {"type": "view", "view_id": "V1"},
            "view": {"id": "V1", "callback_id": "form"}, "channel": None},
    ),
    "block_actions_of_a_home": (
        "block_actions",
        {"container": {"type": "view", "view_id": "V2"},
            "view": {"id": "V2", "type": "home", "callback_id": ""}, "channel": None},
    ),
    "dialog_suggestion": ("dialog_submission",
        {"type": "dialog_suggestion", "name": "n", "value": "v"}),
    "workflow_step_edit": ("shortcut",
        {"type": "workflow_step_edit", "workflow_step": {"workflow_id": "1", "step_id": "2"}}),
    "unknown_json": None,
    "unknown_form": None,
    "unknown_body": None,
}

INTERACTIONS = [kind for kind in slack.INTERACTIONS if kind != "block_suggestion"] + list(MORE)


def make_request(kind, path):
    if kind == "command":
        return slack.command(path)
    if kind == "event":
        return slack.event(path, event_id=None)
    if kind == "unknown_json":
        return slack.json_request({"type": "something_of_next_year", "a": slack.TEXT}, path)
    if kind == "unknown_form":
        return slack.SlackRequest("hello=world", path=path)
    if kind == "unknown_body":
        return slack.SlackRequest("", path=path)
    kind, members = MORE.get(kind) or (kind, {})
    return slack.interaction(kind, path, members=members)


@pytest.fixture(scope="module", params=hosts.HOSTS)
def host(request, tmp_path_factory, pki):
    """One for whom requests come in time, and one for whom they never do; of the first, one path is
    only for others."""
    make = Maker(request, tmp_path_factory.mktemp("kinds"), pki)
    config = {"routes": [{"path": REFUSED, "invoke": "eu-west-1/my-fn", "users": ["U0"]}]}
    started = hosts.start(make, request.param, endpoint=make.endpoint(), config=config)
    started.impatient = hosts.start(
        make, request.param, endpoint=make.endpoint(), GATEWAY_TIMEOUT_MS="100"
    )
    return started


def outcome(host, kind, what):
    """The answer to a request of this kind that ends like this."""
    if what == "refused":
        return host.ask(make_request(kind, REFUSED))
    if what == "no-path":
        return host.ask(make_request(kind, "/a/b/c"))
    if what == "pending":
        gate = threading.Event()
        host.impatient.endpoint.default = peer.later(gate, accepted())
        answer = host.impatient.ask(make_request(kind, "/eu-west-1/my-fn"))
        gate.set()
        host.impatient.settled()
        return answer
    host.endpoint.default = {
        "started": accepted(),
        "not-started": failed(404, "ResourceNotFoundException", "Function not found: <arn>"),
        "unknown": peer.close,
    }[what]
    # A busy machine may take too long for it, and says so.
    for _ in range(5):
        answer = host.ask(make_request(kind, "/eu-west-1/my-fn"))
        host.settled()
        if "is still being started" not in answer[2]:
            break
    return answer


def command(text):
    return (
        200, JSON, json.dumps({"response_type": "ephemeral", "text": text}, separators=(",", ":")),
    )


WANTED = {
    ("command", "started"): command(NAME + " has been started..."),
    ("command", "pending"): command(NAME + " is still being started..."),
    ("command", "refused"):
        command(NAME + " could not be started: you are not allowed to start it"),
    ("command", "no-path"):
        command("Invalid resource [a/b/c]. Expecting format [region/function-name]"),
    ("event", "started"): (200, {}, ""),
    ("event", "pending"): (503, TEXT, NAME + " is still being started..."),
    ("event", "refused"): (200, {}, ""),
    ("event", "no-path"): (200, {}, ""),
    ("interaction", "started"): (200, {}, ""),
    ("interaction", "pending"): (200, {}, ""),
    ("interaction", "refused"):
        (500, TEXT, NAME + " could not be started: you are not allowed to start it"),
    ("interaction", "no-path"):
        (500, TEXT, "Invalid resource [a/b/c]. Expecting format [region/function-name]"),
}
# The reason is AWS's or the connection's; what is around it, and what may happen next, is fixed.
REASONS = {
    ("command", "not-started"):
        (200, JSON, [NAME + " could not be started: ", "ResourceNotFoundException", "&lt;arn&gt;"]),
    ("command", "unknown"): (200, JSON, [NAME + " may or may not have been started: "]),
    ("event", "not-started"):
        (403, {**TEXT, "x-slack-no-retry": "1"}, [NAME + " could not be started: "]),
    ("event", "unknown"): (503, TEXT, [NAME + " may or may not have been started: "]),
    ("interaction", "not-started"):
        (500, TEXT, [NAME + " could not be started: ", "ResourceNotFoundException"]),
    ("interaction", "unknown"): (500, TEXT, [NAME + " may or may not have been started: "]),
}


@pytest.mark.parametrize(
    "what", ["started", "not-started", "unknown", "pending", "refused", "no-path"]
)
@pytest.mark.parametrize("kind", ["command", "event", *INTERACTIONS])
def test_acknowledgement(host, kind, what):
    before = len(host.endpoint.requests)
    got = outcome(host, kind, what)
    family = kind if kind in ("command", "event") else "interaction"
    if what == "no-path" and (kind.startswith("unknown") or kind == "something_of_next_year"):
        assert got == (200, {}, "")
    elif (family, what) in WANTED:
        assert got == WANTED[family, what]
    else:
        status, headers, parts = REASONS[family, what]
        text = json.loads(got[2])["text"] if family == "command" else got[2]
        assert got[:2] == (status, headers) and text.startswith(parts[0]), got
        assert all(part in text for part in parts), text
    if what in ("refused", "no-path"):
        assert len(host.endpoint.requests) == before


def test_block_suggestion_has_no_options_and_starts_nothing(host):
    before = len(host.endpoint.requests)
    for what in ("started", "refused", "no-path"):
        assert outcome(host, "block_suggestion", what) == (200, JSON, '{"options":[]}')
    assert len(host.endpoint.requests) == before


def test_app_rate_limited(host):
    before, lines = len(host.endpoint.requests), len(host.process.lines)
    body = {
        "token": slack.TOKEN, "type": "app_rate_limited", "team_id": "T1",
        "minute_rate_limited": 1518467820, "api_app_id": "A1",
    }
    assert host.ask(slack.json_request(body)) == (200, {}, "")
    assert len(host.endpoint.requests) == before
    host.process.wait_for_log("limiting the rate")
    assert [
        line["level"] for line in host.process.lines[lines:] if "limiting" in json.dumps(line)
    ] == ["WARN"]


def test_url_verification(host):
    before = len(host.endpoint.requests)
    for challenge in ("3eZbrw1aB", "gr\u00fc\u00dfe <&> \"\\", ""):
        body = {"token": slack.TOKEN, "challenge": challenge, "type": "url_verification"}
        assert host.ask(slack.json_request(body, "/anything/at/all")) == (200, TEXT, challenge)
    assert (
        host.ask(
            slack.json_request({"type": "url_verification", "challenge": "x"}, secret="wrong")
        )[0]
        == 401
    )
    assert len(host.endpoint.requests) == before


def test_unknown_kinds_are_logged_once_with_their_own_word(host):
    host.endpoint.default = accepted()
    before = len(host.process.lines)
    assert host.ask(slack.interaction("something_of_next_year")) == (200, {}, "")
    # Tests before this one have sent it to the same host.
    lines = eventually(
        lambda: [
            line
            for line in host.process.lines[before:]
            if "something_of_next_year" in json.dumps(line)
        ]
    )
    host.settled()
    assert (
        len(lines) == 1
        and lines[0]["kind"] == "unknown"
        and lines[0]["type"] == "something_of_next_year"
    )


# ---- how they are written ------------------------------------------------------------------------

FORMS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "APPLICATION/X-WWW-FORM-URLENCODED;charset=UTF-8",
    "",
]
JSONS = ["application/json", "application/json; charset=utf-8", "Application/Json;charset=UTF-8"]


@pytest.mark.parametrize("content_type", FORMS, ids=lambda t: t or "none")
def test_forms(host, content_type):
    host.endpoint.default = accepted()
    assert (
        host.text(slack.SlackRequest(urlencode(slack.command_fields()), content_type))
        == NAME + " has been started..."
    )
    form = "payload=" + quote_plus(json.dumps(slack.interaction_payload("shortcut")))
    assert host.ask(slack.SlackRequest(form, content_type)) == (200, {}, "")


@pytest.mark.parametrize("content_type", JSONS)
def test_json(host, content_type):
    body = json.dumps({"type": "url_verification", "challenge": "c"})
    assert host.ask(slack.SlackRequest(body, content_type)) == (200, TEXT, "c")


@pytest.mark.parametrize(
    "body, content_type",
    [
        ("{}", "text/plain"),
        ("{}", FORMS[0]),
        ("{}", "application/json, application/json"),
        ("command=%2Fx", "application/x-www-form-urlencoded, application/json"),
        ("{}", "multipart/form-data; boundary=x"),
        ("{", "application/json"),
        ("[]", "application/json"),
        ("command=%2Fx", "application/json"),
        ("payload=", FORMS[0]),
        ("payload=%7B", FORMS[0]),
        ("payload=[]", FORMS[0]),
        ("command=%zz", FORMS[0]),
        ("payload=%7B%22a%22%3A%22%FF%22%7D", FORMS[0]),
    ],
)
def test_signed_but_not_what_it_claims_to_be(host, body, content_type):
    before = len(host.endpoint.requests)
    status, headers, text = host.ask(slack.SlackRequest(body, content_type))
    assert status == 400 and headers == JSON and list(json.loads(text)) == ["error"]
    assert len(host.endpoint.requests) == before


def test_kind_follows_from_the_bytes(host):
    """A header is not signed: whatever it says, an event stays an event, and the text in it starts
    no command."""
    host.endpoint.default = accepted()
    event = {"type": "message", "text": "&command=%2Fdeploy&user_id=U1&ssl_check=1&"}
    requests = {
        "event_callback": slack.event(members={"event": event}, event_id="").body,
        "slash_command": slack.command().body,
        "shortcut": "payload=" + quote_plus(json.dumps(slack.interaction_payload("shortcut"))),
    }
    for body in requests.values():
        answers = set()
        for content_type in [
            None, "", *FORMS, *JSONS, "text/plain", "application/json, text/plain",
        ]:
            before = len(host.endpoint.requests)
            status, _, text = host.ask(slack.SlackRequest(body, content_type))
            invoked = host.endpoint.requests[before:]
            assert (status == 400 and not invoked) or (status == 200 and len(invoked) == 1)
            answers |= {text} if status == 200 else set()
        assert len(answers) == 1


WIDE = "gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600 \u202e <!here> & \"'\\"


def test_not_only_ascii(host):
    host.endpoint.default = accepted()
    event = host.payload_of(slack.command(fields={"text": WIDE, "user_name": WIDE})).json()
    assert event["isBase64Encoded"] is True
    raw = json.dumps(
        {"type": "event_callback", "event": {"type": "x", "text": WIDE}}, ensure_ascii=False
    )
    event = host.payload_of(slack.SlackRequest(raw, "application/json")).json()
    assert event["body"] == raw and event["isBase64Encoded"] is False


def test_a_mebibyte(host):
    """The largest body that is taken, and one byte more."""
    host.endpoint.default = accepted()
    fields = urlencode(slack.command_fields(text=""))
    room = (1 << 20) - len(fields) - len("&more=")
    assert (
        host.text(slack.SlackRequest(fields + "&more=" + "x" * room))
        == NAME + " has been started..."
    )
    body = json.dumps({"type": "event_callback", "event": {"type": "x"}, "more": ""})
    body = body[:-2] + "y" * ((1 << 20) - len(body)) + '"}'
    assert host.ask(slack.SlackRequest(body, "application/json")) == (200, {}, "")
    assert host.ask(slack.SlackRequest(fields + "&more=" + "x" * (room + 1)))[0] == 413
