"""Requests as Slack makes them, and its signature."""

import hashlib
import hmac
import json
import time
from urllib.parse import quote_plus, urlencode

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OTHER_SECRET = "6c1d2f0a9b8e7d6c5b4a39281706f5e4"

# What must never show in a log: recognisable anywhere, and in no message of the program.
TOKEN = "xyzz0WbapA4vBCDEFasx0q6G"
TRIGGER = "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
RESPONSE_PATH = "397700885554/96rGlfmibIGlgcZRskXaIFfN"
TEXT = "kiwi marmalade 7391"

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def sign(body, timestamp, secret=SECRET):
    return (
        "v0="
        + hmac.new(
            secret.encode(), b"v0:%s:%s" % (str(timestamp).encode(), body), hashlib.sha256
        ).hexdigest()
    )


def literals(setting):
    """What of SLACK_SIGNING_SECRET is a secret itself, not where one lies."""
    return [
        part
        for part in setting.split(",")
        if not part.startswith(("file:", "ssm:", "secretsmanager:"))
    ]


RENEW_S = 60  # of the 300 that a signature is good for


class SlackRequest:
    """One HTTP request before a front door has made an event of it. `signature`/`timestamp`: None
    for "as it must be", "" for none, or a text. It is signed when it is first looked at, and again
    when that was a minute ago: a table of requests may be made long before its tests run."""

    def __init__(
        self,
        body=b"",
        content_type=FORM,
        path="/eu-west-1/my-fn",
        method="POST",
        query="",
        age=0,
        secret=SECRET,
        signature=None,
        timestamp=None,
        headers=(),
    ):
        self.body = body.encode() if isinstance(body, str) else body
        self.path, self.method, self.query = path, method, query
        self.content_type, self.age, self.secret = content_type, age, secret
        self.wanted, self.more = (timestamp, signature), list(headers)
        self.made = None

    def make(self):
        if self.made is not None and time.monotonic() - self.made < RENEW_S:
            return
        self.made = time.monotonic()
        timestamp, signature = self.wanted
        self._timestamp = str(int(time.time()) - self.age) if timestamp is None else timestamp
        self._signature = (
            sign(self.body, self._timestamp, self.secret) if signature is None else signature
        )
        self._headers = [
            ("Host", "example.test"),
            ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"),
            ("Accept-Encoding", "gzip,deflate"),
            ("Accept", "application/json,*/*"),
        ]
        if self.content_type:
            self._headers.append(("Content-Type", self.content_type))
        if self._signature:
            self._headers.append(("X-Slack-Signature", self._signature))
        if self._timestamp:
            self._headers.append(("X-Slack-Request-Timestamp", self._timestamp))
        self._headers += self.more

    @property
    def timestamp(self):
        self.make()
        return self._timestamp

    @property
    def signature(self):
        self.make()
        return self._signature

    @property
    def headers(self):
        self.make()
        return self._headers

    @headers.setter
    def headers(self, headers):
        self.make()
        self._headers = headers


def command_fields(**fields):
    form = {
        "token": TOKEN,
        "team_id": "T1DC2JH3J",
        "team_domain": "testteamnow",
        "channel_id": "G8PSS9T3V",
        "channel_name": "foobar",
        "user_id": "U2CERLKJA",
        "user_name": "roadrunner",
        "command": "/webhook-collect",
        "text": TEXT,
        "response_url": "https://hooks.slack.com/commands/T1DC2JH3J/" + RESPONSE_PATH,
        "trigger_id": TRIGGER,
        "api_app_id": "A123",
        "is_enterprise_install": "false",
    }
    form.update(fields)
    return {name: value for name, value in form.items() if value is not None}


def command(path="/eu-west-1/my-fn", fields=None, **options):
    """A slash command."""
    return SlackRequest(urlencode(command_fields(**(fields or {}))), FORM, path, **options)


INTERACTIONS = {
    "block_actions": {
        "container": {"type": "message"},
        "channel": {"id": "C1"},
        "actions": [{"action_id": "approve", "block_id": "b", "type": "button", "value": TEXT}],
    },
    "shortcut": {"callback_id": "open_ticket", "action_ts": "1531420618.000000"},
    "message_action": {"callback_id": "save", "message": {"text": TEXT}, "channel": {"id": "C1"}},
    "view_submission": {
        "view": {"id": "V1", "hash": "1.a", "callback_id": "form", "private_metadata": TEXT,
            "state": {"values": {}}}
    },
    "view_closed": {"view": {"id": "V1", "callback_id": "form"}, "is_cleared": False},
    "interactive_message": {"callback_id": "old", "actions": [{"name": "n", "value": TEXT}]},
    "dialog_submission": {"callback_id": "old", "submission": {"a": TEXT}},
    "dialog_cancellation": {"callback_id": "old", "state": TEXT},
    "block_suggestion": {"action_id": "find", "block_id": "b", "value": TEXT},
    "something_of_next_year": {"what": TEXT},
}


def interaction_payload(kind, **members):
    payload = {
        "type": kind,
        "token": TOKEN,
        "trigger_id": TRIGGER,
        "api_app_id": "A123",
        "team": {"id": "T1", "domain": "d"},
        "user": {"id": "U1", "username": "u"},
        **INTERACTIONS[kind],
    }
    if kind in ("block_actions", "message_action", "interactive_message"):
        payload["response_url"] = "https://hooks.slack.com/actions/T1/" + RESPONSE_PATH
    payload.update(members)
    return payload


def interaction(kind, path="/eu-west-1/my-fn", members=None, **options):
    text = json.dumps(interaction_payload(kind, **(members or {})))
    return SlackRequest("payload=" + quote_plus(text), FORM, path, **options)


def event(path="/eu-west-1/my-fn", members=None, event_id="Ev0PV52K25", **options):
    """An event of the Events API."""
    body = {
        "token": TOKEN,
        "team_id": "T1",
        "api_app_id": "A123",
        "type": "event_callback",
        "event_id": event_id,
        "event_time": 1531420618,
        "event": {"type": "app_mention", "text": TEXT, "event_ts": "1531420618.000000"},
        "authorizations": [{"team_id": "T1", "user_id": "U1", "is_bot": True}],
        **(members or {}),
    }
    return SlackRequest(json.dumps(body), JSON, path, **options)


def json_request(body, path="/eu-west-1/my-fn", **options):
    return SlackRequest(json.dumps(body), JSON, path, **options)
