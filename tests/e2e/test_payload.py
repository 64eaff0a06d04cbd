"""What the function gets: the event as it came, or what Slack said with the gateway's word added to
it."""

import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest

from conftest import Maker
from support import front_doors, hosts, slack

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "slack"
CONFIG = {
    "routes": [
        {"command": "/as-event", "invoke": "eu-west-1/my-fn", "payload": "event"},
        {"command": "/as-slack", "invoke": "eu-west-1/other:live", "payload": "slack"},
    ]
}
IDENT = {
    "lambda": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"),
    "serve": re.compile(r"[0-9a-f]{32}\Z"),
}


@pytest.fixture(scope="module", params=hosts.HOSTS)
def host(request, tmp_path_factory, pki):
    make = Maker(request, tmp_path_factory.mktemp("payload"), pki)
    return hosts.start(
        make, request.param, endpoint=make.endpoint(), config=CONFIG, GATEWAY_PAYLOAD="slack"
    )


def mac(received_at, url, secret=slack.SECRET):
    return hmac.new(
        secret.encode(), f"relay:{received_at}:{url}".encode(), hashlib.sha256
    ).hexdigest()


def strict(data):
    """JSON in which no name stands twice."""

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    return json.loads(data, object_pairs_hook=unique)


def take(host, request, url=None, event_id=None, function="my-fn", retry=None, secret=slack.SECRET):
    """The payload without the gateway's word, which must be right."""
    before = int(time.time() * 1000)
    payload = strict(host.payload_of(request).body)
    word = payload.pop("gateway")
    received_at = word.pop("received_at")
    assert isinstance(received_at, int) and before - 5 <= received_at <= time.time() * 1000 + 5
    assert IDENT[host.kind].match(word.pop("request_id"))
    assert word.pop("region") == "eu-west-1" and word.pop("function") == function
    assert word.pop("reply_mac", None) == (mac(received_at, url, secret) if url else None)
    assert word.pop("event_id", None) == event_id
    assert word == (retry or {})
    return payload


def test_command(host):
    fields = slack.command_fields(text="a b & <!here> gr\u00fc\u00dfe \U0001f600 \"'\\", empty="")
    assert take(host, slack.SlackRequest(urlencode(fields)), fields["response_url"]) == {
        "type": "slash_command",
        **fields,
    }


def test_command_without_a_way_back(host):
    assert take(host, slack.command(fields={"response_url": None}))["command"] == "/webhook-collect"


@pytest.mark.parametrize(
    "name",
    [
        path.stem
        for path in sorted(VECTORS.glob("*.json"))
        if "_" in path.stem or path.stem == "shortcut"
    ],
)
def test_json(host, name):
    """Every kind that Slack documents, as an interaction or as an event."""
    text = (VECTORS / f"{name}.json").read_text()
    body = json.loads(text)
    if name in ("url_verification", "app_rate_limited", "block_suggestion"):
        return
    url = body.get("response_url") or next(
        (entry["response_url"] for entry in body.get("response_urls", [])), None
    )
    if name.startswith("event"):
        request = slack.SlackRequest(text, slack.JSON)
    else:
        request = slack.SlackRequest("payload=" + quote_plus(text))
    assert take(host, request, url, body.get("event_id")) == body


def test_the_text_of_json_stays_as_it_is(host):
    text = '{ "type" : "shortcut",\n"n":1.50, "big":12345678901234567890, "u":"\\u00fc\\/" }'
    body = host.payload_of(slack.SlackRequest("payload=" + quote_plus(text))).body.decode()
    assert body.startswith(
        '{"type" : "shortcut",\n"n":1.50, "big":12345678901234567890, "u":"\\u00fc\\/","gateway":{'
    )


def test_retries(host):
    headers = [("X-Slack-Retry-Num", "2"), ("X-Slack-Retry-Reason", "http_timeout")]
    payload = take(
        host,
        slack.event(event_id="Ev0RETRY", headers=headers),
        event_id="Ev0RETRY",
        retry={"retry_num": 2, "retry_reason": "http_timeout"},
    )
    assert payload["type"] == "event_callback"
    take(
        host, slack.event(event_id="Ev0FIRST", headers=[("X-Slack-Retry-Num", "x")]),
        event_id="Ev0FIRST",
    )


def test_nobody_else_speaks_for_the_gateway(host):
    fields = slack.command_fields(gateway='{"reply_mac":"x"}', type="event_callback")
    wanted = {name: value for name, value in fields.items() if name not in ("gateway", "type")}
    assert take(host, slack.SlackRequest(urlencode(fields)), fields["response_url"]) == {
        "type": "slash_command",
        **wanted,
    }
    text = json.dumps({"type": "shortcut", "gateway": {"reply_mac": "x", "region": "x"}})
    payload = host.payload_of(slack.SlackRequest("payload=" + quote_plus(text))).json()
    assert payload["gateway"]["region"] == "eu-west-1" and "reply_mac" not in payload["gateway"]


def test_a_route_has_its_own(host):
    request = slack.command(fields={"command": "/as-slack"})
    payload = take(host, request, slack.command_fields()["response_url"], function="other:live")
    assert payload["command"] == "/as-slack"
    event = host.payload_of(slack.command(fields={"command": "/as-event"})).json()
    assert event["version"] == "2.0" and "gateway" not in event


def test_a_mebibyte(host):
    text = "&<>\"\\" * 30_000
    fields = slack.command_fields(text=text)
    assert take(host, slack.SlackRequest(urlencode(fields)), fields["response_url"])["text"] == text


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_signed_with_the_secret_of_the_request(make, kind):
    secrets = [slack.OTHER_SECRET, slack.SECRET]
    host = hosts.start(
        make, kind, endpoint=make.endpoint(), GATEWAY_PAYLOAD="slack",
        SLACK_SIGNING_SECRET=",".join(secrets),
    )
    for secret in secrets:
        take(
            host, slack.command(secret=secret), slack.command_fields()["response_url"],
            secret=secret,
        )


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_without_a_secret_nothing_is_vouched_for(make, kind):
    host = hosts.start(
        make, kind, endpoint=make.endpoint(), GATEWAY_PAYLOAD="slack", SLACK_SIGNING_SECRET=None,
        GATEWAY_INSECURE_SKIP_VERIFY="1"
    )
    take(host, slack.command(signature=""))


@pytest.mark.parametrize("door", front_doors.ALL, ids=repr)
def test_event_is_byte_for_byte(make, door):
    runtime = make.runtime()
    event = (
        json.dumps(door.event(slack.command()), indent=1, ensure_ascii=False)
        .replace("https", "htt\\u0070s")
        .encode()
    )
    assert door.read(runtime.send(event).reply)[0] == 200
    assert runtime.endpoint.only.body == event


def test_one_shape_through_every_front_door(make):
    runtime = make.runtime(GATEWAY_PAYLOAD="slack")
    payloads = []
    for door in front_doors.ALL:
        assert runtime.ask(slack.command(), door)[0] == 200
        payloads.append(runtime.endpoint.requests[-1].json())
        payloads[-1].pop("gateway")
    assert all(payload == payloads[0] for payload in payloads)
    assert payloads[0] == {
        "type": "slash_command",
        **dict(parse_qsl(urlencode(slack.command_fields()))),
    }
