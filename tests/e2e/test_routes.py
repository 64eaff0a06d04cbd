"""GATEWAY_CONFIG: which function serves what, who may ask, and what is wrong with a configuration.
"""

import json
import re

import pytest

from conftest import Maker
from support import hosts, signatures, slack
from support.invoke_endpoint import failed, function_of
from support.listener import Serve

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}


def route(target, /, **members):
    return {"invoke": "eu-west-1/" + target, **members}


CONFIG = {
    "routes": [
        route("deploy:live", command="/deploy", channels=["C024BE91L", "C2"],
            ack="On it, {user_name}: {command} {text}"),
        route("deploys", command="/deploy*", ack_type="in_channel"),
        route("never", command="/deploy-web"),
        route("message", command="/message",
            ack={"response_type": "in_channel", "blocks": [{"type": "divider"}]}),
        route("quiet", command="/quiet", ack=""),
        route("both", command="/both", path="hooks/*"),
        route("ticket", callback_id="new_ticket"),
        route("modal", callback_id="form", ack={"response_action": "clear"}),
        route("pressed", callback_id="panel_*", action_id="press-*"),
        route("approve", action_id="approve"),
        route("mention", event="app_mention", teams=["T1", "T2"]),
        route("starred", event="star*ed"),
        route("arn:aws:lambda:eu-west-1:123456789012:function:whole", command="/whole"),
        route("users", command="/users", users=["U1"]),
        route("teams", command="/teams", teams=["T1"]),
        route("nobody", command="/nobody", users=[]),
        route("hooked", path="/hooks/*/"),
        route("root", path="only/this/one"),
        route("any", command="/*"),
    ]
}
ALLOWED = "eu-west-1/*, eu-west-1/*:123456789012:*"


@pytest.fixture(scope="module", params=hosts.HOSTS)
def host(request, tmp_path_factory, pki):
    make = Maker(request, tmp_path_factory.mktemp("routes"), pki)
    return hosts.start(
        make, request.param, endpoint=make.endpoint(), config=CONFIG, GATEWAY_ALLOW=ALLOWED
    )


def started(host, request):
    """The function that a request starts, or None."""
    before = len(host.endpoint.requests)
    host.ask(request)
    functions = [function_of(found) for found in host.endpoint.requests[before:]]
    assert len(functions) <= 1
    return functions[0] if functions else None


def command(word, path="/", **fields):
    return slack.command(path, {"command": word, **fields})


def event(kind, path="/", **members):
    return slack.event(path, {"event": {"type": kind}, **members}, event_id=None)


MATCHES = [
    # by command; the first match wins, `*` stands for any run of characters
    (command("/deploy", channel_id="C2"), "deploy%3Alive"),
    (command("/deploy-web"), "deploys"),
    (command("/deployment"), "deploys"),
    (command("/Deploy"), "any"),
    (command("/whole"), "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Awhole"),
    (command("deploy"), None),
    (command("deploy", "/eu-west-1/by-path"), "by-path"),
    # a route wins over the path, which may then be anything
    (command("/deploy-x", "/eu-west-1/by-path"), "deploys"),
    (command("/deploy-x", "/%zz//a"), "deploys"),
    # every condition has to hold
    (command("/both", "/hooks/a"), "both"),
    (command("/both", "/hook/a"), "any"),
    (command("/x", "/hooks/a"), "hooked"),
    (command("/x", "/hooks/%61%2B"), "hooked"),
    (command("/x", "/hooks%2Fa"), "any"),  # split first, decoded then
    (command("/x", "/hooks/a/b"), "any"),
    (command("/x", "/hooks"), "any"),
    (command("x", "/only/this/one"), "root"),
    # by callback, wherever a kind has it
    (slack.interaction("shortcut", "/", {"callback_id": "new_ticket"}), "ticket"),
    (slack.interaction("message_action", "/", {"callback_id": "new_ticket"}), "ticket"),
    (slack.interaction("view_submission", "/"), "modal"),
    (slack.interaction("view_closed", "/"), "modal"),
    (slack.interaction("dialog_submission", "/", {"callback_id": "new_ticket"}), "ticket"),
    (slack.interaction("shortcut", "/", {"callback_id": "new_ticket2"}), None),
    (slack.interaction("shortcut", "/eu-west-1/by-path", {"callback_id": "other"}), "by-path"),
    # by action, and by both
    (slack.interaction("block_actions", "/"), "approve"),
    (
        slack.interaction("block_actions", "/",
            {"view": {"callback_id": "panel_1"}, "actions": [{"action_id": "press-it"}]}),
        "pressed",
    ),
    (slack.interaction("block_actions", "/",
        {"view": {"callback_id": "panel_1"}, "actions": [{"action_id": "x"}]}), None),
    (slack.interaction("block_actions", "/",
        {"actions": [{"action_id": "x"}, {"action_id": "approve"}]}), None),
    # by event
    (event("app_mention"), "mention"),
    (event("starred"), "starred"),
    (event("star_added"), "starred"),
    (event("star_adder"), None),
    (event("a_star_added"), None),
    # nothing that a user types is taken for what an app says
    (command("x", text="/deploy", user_name="/deploy"), None),
    (slack.interaction("message_action", "/",
        {"callback_id": "x", "message": {"callback_id": "new_ticket"}}), None),
]


@pytest.mark.parametrize("number", range(len(MATCHES)))
def test_match(host, number):
    request, function = MATCHES[number]
    assert started(host, request) == function


REFUSALS = [
    (command("/deploy"), "deploy:live", "it may not be started from this channel"),
    (command("/users", user_id="U2"), "users", "you are not allowed to start it"),
    (command("/users", user_id=None), "users", "you are not allowed to start it"),
    (command("/users", user_id="u1"), "users", "you are not allowed to start it"),
    (command("/nobody", user_id="U1"), "nobody", "you are not allowed to start it"),
    (command("/teams", team_id="T12"), "teams", "it may not be started from this workspace"),
]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_lists_refuse_and_do_not_fall_through(host, number):
    request, function, why = REFUSALS[number]
    before = len(host.endpoint.requests)
    assert host.text(request) == f"Lambda function {function}@eu-west-1 could not be started: {why}"
    assert len(host.endpoint.requests) == before


def test_events_that_nothing_serves(host):
    """Those that a list does not admit, and those that no route matches under a path that names
    nothing."""
    before = len(host.endpoint.requests)
    elsewhere = {"authorizations": [{"team_id": "T3"}]}
    assert host.ask(event("app_mention", **elsewhere)) == (200, {}, "")
    assert host.ask(event("app_mention", "/eu-west-1/by-path", **elsewhere)) == (200, {}, "")
    assert host.ask(event("reaction_added")) == (200, {}, "")
    assert len(host.endpoint.requests) == before
    assert host.process.wait_for_log("no route matches it")["level"] == "INFO"
    assert host.process.wait_for_log("lists do not admit it")["level"] == "INFO"


def test_lists_admit(host):
    assert started(host, command("/users", user_id="U1")) == "users"
    assert started(host, command("/teams", team_id="T1")) == "teams"
    assert started(host, event("app_mention", team_id="T2")) == "mention"


def test_acknowledgements(host):
    request = command("/deploy", channel_id="C2", text="a <!here>", user_name="b&c")
    assert host.text(request) == "On it, b&amp;c: /deploy a &lt;!here&gt;"
    assert (
        host.text(command("/deploys"), kind="in_channel")
        == "Lambda function deploys@eu-west-1 has been started..."
    )
    assert host.message(command("/message")) == CONFIG["routes"][3]["ack"]
    assert host.ask(command("/quiet")) == (200, {}, "")
    assert host.ask(slack.interaction("view_submission", "/")) == (
        200, JSON, '{"response_action": "clear"}',
    )
    assert host.text(command("/other")) == "Lambda function any@eu-west-1 has been started..."


def test_failures_are_said_instead_of_acknowledgements(host):
    host.endpoint.script = [failed(404, "ResourceNotFoundException", "no")] * 3
    try:
        for word in ("/message", "/quiet", "/deploys"):
            assert " could not be started: " in host.text(command(word))
    finally:
        host.endpoint.script = []


# ---- what the configuration may do is bounded by GATEWAY_ALLOW -----------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize(
    "allow, live, plain",
    [
        ("eu-west-1/deploy:live", True, False),
        ("eu-west-1/deploy", False, True),
        ("eu-west-1/deploy*", True, True),
        ("eu-west-1/deploy:*", True, False),
        ("us-*/*, eu-west-1/x", False, False),
    ],
)
def test_allow_counts_for_routes(make, kind, allow, live, plain):
    config = {"routes": [route("deploy:live", command="/live"), route("deploy", command="/plain")]}
    host = hosts.start(make, kind, endpoint=make.endpoint(), config=config, GATEWAY_ALLOW=allow)
    for word, function, allowed in (("/live", "deploy:live", live), ("/plain", "deploy", plain)):
        text = host.text(command(word))
        assert (
            "has been started" if allowed else "GATEWAY_ALLOW does not list it"
        ) in text and function in text
    assert len(host.endpoint.requests) == live + plain


# ---- apps with secrets of their own --------------------------------------------------------------

OWN, SECOND = "a1" * 16, "b2" * 16
APPS = {"apps": {"A1": {"secret": OWN}, "A2": {"secret": f"{SECOND},{SECOND[::-1]}"}}}


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_apps(make, kind):
    host = hosts.start(make, kind, endpoint=make.endpoint(), config=APPS)
    host.process.forbidden += [OWN, SECOND, SECOND[::-1]]

    def status(app, secret):
        return host.ask(slack.command(fields={"api_app_id": app}, secret=secret))[0]

    assert (
        status("A1", OWN)
        == status("A2", SECOND)
        == status("A2", SECOND[::-1])
        == status("A3", slack.SECRET)
        == 200
    )
    assert (
        status("A1", slack.SECRET)
        == status("A1", SECOND)
        == status("A3", OWN)
        == status("A2", OWN)
        == 401
    )
    assert len(host.endpoint.requests) == 4
    assert host.process.wait_for_log("another secret than that of the app")["level"] in (
        "WARN",
        "INFO",
    )


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_apps_are_enough(make, kind):
    """Without a secret for everybody."""
    host = hosts.start(make, kind, endpoint=make.endpoint(), config=APPS, SLACK_SIGNING_SECRET=None)
    assert host.ask(slack.command(fields={"api_app_id": "A1"}, secret=OWN))[0] == 200
    assert host.ask(slack.command(fields={"api_app_id": "A1"}))[0] == 401


# ---- keys ----------------------------------------------------------------------------------------

KEYS = {
    "apps": {"A1": {"secret": OWN}},
    "routes": [
        route("own", app="A1", event="app_mention"),
        route("edits", event="message", subtype="message_changed"),
        route("bots", event="message", bot=True),
        route("direct", event="message", channel_type="im", bot=False),
        route("pilot", function="pilot*"),
        route("reactions", event="reaction_added", channels=["C1"], users=["U1"]),
        route("files", event="file_shared", channels=["C1"]),
        route("authors", event="message", users=["U1"]),
        route("members", command="/members", user_teams=["T1"]),
        route("org", command="/org", teams=["E1"]),
        route("views", kind="view_*"),
        route("commands", kind="slash_command"),
    ],
}


def inner(**members):
    return slack.event("/", {"event": members}, event_id=None)


BY_KEYS = {
    "own": (slack.event("/", {"api_app_id": "A1"}, event_id=None, secret=OWN), "own"),
    "not-own": (slack.event("/", {"api_app_id": "A9"}, event_id=None), None),
    "edit": (inner(type="message", subtype="message_changed", channel="C1", message={"user": "U9"}),
        "edits"),
    "bot": (inner(type="message", bot_id="B1", channel_type="im"), "bots"),
    "direct": (inner(type="message", user="U9", channel_type="im"), "direct"),
    "author": (inner(type="message", user="U1", channel_type="mpim"), "authors"),
    "author-of-deleted": (inner(type="message", subtype="message_deleted",
        previous_message={"user": "U1"}), "authors"),
    "no-author": (inner(type="message", user="U9", channel_type="mpim"), None),
    "step": (inner(type="function_executed", function={"callback_id": "pilots"}), "pilot"),
    "reaction": (inner(type="reaction_added", user="U1",
        item={"type": "message", "channel": "C1", "ts": "1.2"}), "reactions"),
    "reaction-elsewhere":
        (inner(type="reaction_added", user="U1", item={"type": "message", "channel": "C2"}), None),
    "file": (inner(type="file_shared", user_id="U9", channel_id="C1", file_id="F1"), "files"),
    "member": (command("/members", team_id="T1"), "members"),
    "guest": (command("/members", team_id="T2"), None),
    "org": (command("/org", team_id="T9", enterprise_id="E1"), "org"),
    "view": (slack.interaction("view_closed", "/"), "views"),
    "command": (command("/anything"), "commands"),
}


@pytest.fixture(scope="module", params=hosts.HOSTS)
def keys(request, tmp_path_factory, pki):
    make = Maker(request, tmp_path_factory.mktemp("keys"), pki)
    return hosts.start(make, request.param, endpoint=make.endpoint(), config=KEYS)


@pytest.mark.parametrize("case", BY_KEYS)
def test_keys(keys, case):
    request, function = BY_KEYS[case]
    assert started(keys, request) == function


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_what_has_no_effect_is_said(make, kind):
    config = {
        "routes": [
            route("f", command="/x"), route("g", command="/x"),
            route("h", event="message", ack="x"),
        ]
    }
    host = hosts.start(make, kind, endpoint=make.endpoint(), config=config)
    host.process.wait_for_log("routes[1] is never reached")
    assert host.process.wait_for_log("routes[2].ack")["level"] == "WARN"


# ---- where it stands -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_in_a_file_that_changes_later(make, kind, tmp_path):
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(CONFIG, indent=4) + "\n")
    host = hosts.start(make, kind, endpoint=make.endpoint(), GATEWAY_CONFIG="@" + str(path))
    assert started(host, command("/deploy-x")) == "deploys"
    path.write_text("")
    assert started(host, command("/quiet")) == "quiet"
    assert started(host, event("app_mention")) == "mention"


GOOD = route("f", command="/x")
def bad_route(*says, **members):
    return {"routes": [route("f", **members)]}, ["routes[0]", *says]


BAD = {
    "command-without-slash": bad_route("command", '"/deploy"', command="deploy"),
    "subscription": bad_route('"event":"message"', '"channel_type":"im"', event="message.im"),
    "channel-name": bad_route("channels", "C0123ABCD", command="/x", channels=["#general"]),
    "user-name": bad_route("users", "U0123ABCD", command="/x", users=["@lotte"]),
    "two-kinds": bad_route("command and event", "a route for each", command="/x", event="message"),
    "unlisted-app": bad_route("app", command="/x", app="A9"),
    "outer-type": bad_route('"kind":"event_callback"', event="event_callback"),
    # id: (GATEWAY_CONFIG, what the message must say)
    "no-json": ('{"routes":[}', ["GATEWAY_CONFIG", "not valid JSON at byte 11"]),
    "no-object": ("[]", ["GATEWAY_CONFIG", "JSON object"]),
    "unknown": ({"route": [GOOD]}, ["GATEWAY_CONFIG", "route", "routes and apps"]),
    "no-list": ({"routes": {}}, ["routes must be a list"]),
    "no-route": ({"routes": [GOOD, 5]}, ["routes[1]", "object"]),
    "no-invoke": ({"routes": [GOOD, {"command": "/y"}]}, ["routes[1].invoke", "region/function"]),
    "no-condition": ({"routes": [{"invoke": "eu-west-1/f"}]},
        ["routes[0]", "command", "callback_id", "path"]),
    "invoke-form": ({"routes": [{"command": "/x", "invoke": "f"}]},
        ["routes[0].invoke", "region/function:qualifier"]),
    "invoke-region": ({"routes": [{"command": "/x", "invoke": "evil.test/f"}]},
        ["routes[0].invoke"]),
    "invoke-other-region": (
        {"routes": [{"command": "/x",
            "invoke": "eu-west-1/arn:aws:lambda:us-east-1:123456789012:function:f"}]},
        ["routes[0].invoke"],
    ),
    "mode": ({"routes": [{**GOOD, "mode": "synchronous"}]}, ["routes[0].mode", "async", "sync"]),
    "payload": ({"routes": [{**GOOD, "payload": "raw"}]}, ["routes[0].payload", "event", "slack"]),
    "ack": ({"routes": [{**GOOD, "ack": 5}]}, ["routes[0].ack", "text", "message"]),
    "ack-name": ({"routes": [{**GOOD, "ack": "{name}"}]}, ["routes[0].ack", "{user_name}"]),
    "ack-type": ({"routes": [{**GOOD, "ack_type": "all"}]},
        ["routes[0].ack_type", "ephemeral", "in_channel"]),
    "users": ({"routes": [{**GOOD, "users": "U1"}]}, ["routes[0].users", "list"]),
    "empty": ({"routes": [{**GOOD, "callback_id": ""}]}, ["routes[0].callback_id", "empty"]),
    "misspelt": ({"routes": [{**GOOD, "comand": "/y"}]}, ["routes[0].comand", "command"]),
    "apps": ({"apps": [OWN]}, ["apps", "object"]),
    "app": ({"apps": {"A1": OWN}}, ["apps.A1", "secret"]),
    "app-without": ({"apps": {"A1": {}}}, ["apps.A1", "secret"]),
    "app-blank": ({"apps": {"A1": {"secret": " , "}}}, ["apps.A1", "secret"]),
    "file": ("@/nonexistent/routes.json", ["GATEWAY_CONFIG", "file"]),
    "folder": ("@/", ["GATEWAY_CONFIG", "file"]),
    "file-without-name": ("@", ["GATEWAY_CONFIG", "file"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_configuration(make, case):
    config, says = BAD[case]
    text = config if isinstance(config, str) else json.dumps(config)
    runtime = make.runtime(wait=False, GATEWAY_CONFIG=text)
    listener = Serve(make)(wait=False, GATEWAY_CONFIG=text)
    code = 1 if "file" in says else 2
    assert runtime.process.wait_exit() == listener.process.wait_exit() == code
    messages = [runtime.api.init_errors[0].json()["errorMessage"]]
    problems = listener.process.problems
    # One sentence for the person who starts it, which is no line of a log.
    assert len(problems) == 1 and problems[0].startswith("log line"), problems
    messages.append(re.search(r"slack-lambda-gateway: .*", problems.pop())[0])
    for message in messages:
        assert all(words in message for words in says), message
        assert OWN not in message and signatures.Keys().secret not in message
