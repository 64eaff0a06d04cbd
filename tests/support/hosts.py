"""One way to talk to both hosts: the Lambda runtime and the listener answer the same requests
alike."""

import json

from support import slack
from support.front_doors import URL
from support.hooks import Hooks
from support.invoke_endpoint import InvokeEndpoint
from support.listener import Serve

HOSTS = ["lambda", "serve"]
# What an answer may have as far as Slack is concerned; the rest is HTTP's or a front door's
# business.
HEADERS = {"content-type", "allow", "x-slack-no-retry"}


class SyncEndpoint(InvokeEndpoint):
    """One that may be asked for answers too."""

    def examine(self, request, number):
        before = len(self.problems)
        super().examine(request, number)
        fresh = [
            text
            for text in self.problems[before:]
            if not text.endswith("X-Amz-Invocation-Type is RequestResponse")
        ]
        self.problems[before:] = fresh


class Host:
    """A started host. `ask` returns (status, headers, text)."""

    def __init__(self, kind, started, endpoint, hooks=None):
        self.kind, self.started, self.endpoint, self.hooks = kind, started, endpoint, hooks
        self.process = started.process

    def ask(self, request, **options):
        if self.kind == "lambda":
            status, headers, body = self.started.ask(request, URL, **options)
        else:
            status, headers, body = self.started.ask(request)
            body = body.decode()
        return status, {name: value for name, value in headers.items() if name in HEADERS}, body

    def message(self, request, **options):
        """What a slash command's user sees, as an object."""
        status, headers, body = self.ask(request, **options)
        assert status == 200 and headers == {"content-type": "application/json"}, (
            status, headers, body,
        )
        return json.loads(body)

    def text(self, request, kind="ephemeral", final=True, **options):
        with self.process.final() as outcome:
            message = self.message(request, **options)
            assert (
                list(message) == ["response_type", "text"] and message["response_type"] == kind
            ), message
            return outcome(message["text"]) if final else message["text"]

    def payload_of(self, request, **options):
        """What the function got for a request that starts one."""
        before = len(self.endpoint.requests)
        status, _, body = self.ask(request, **options)
        assert status == 200 and len(self.endpoint.requests) == before + 1, (status, body)
        return self.endpoint.requests[-1]

    def settled(self):
        """Waits until nothing is in flight any more."""
        if self.kind == "lambda":
            self.started.settled()


def start(make, kind, endpoint=None, hooks=None, config=None, **env):
    """A host of this kind. `config` is what GATEWAY_CONFIG has, as an object."""
    endpoint = endpoint or make.keep(SyncEndpoint())
    if config is not None:
        env["GATEWAY_CONFIG"] = json.dumps(config)
    if hooks:
        env.setdefault("GATEWAY_RESPONSE_HOSTS", hooks.origin.removeprefix("https://"))
        if hooks.tls:
            env.setdefault("SSL_CERT_FILE", make.pki.bundle())
    if kind == "lambda":
        return Host(kind, make.runtime(endpoint=endpoint, **env), endpoint, hooks)
    return Host(kind, Serve(make)(endpoint=endpoint, **env), endpoint, hooks)


def tls_hooks(make, script=(), **options):
    """Slack's end of the way back over TLS, as it is in life."""
    return make.keep(Hooks(tls=make.pki.server(), name="localhost", script=script, **options))


def to(hooks, **fields):
    """Fields of a command whose response_url leads there."""
    return {"response_url": hooks.url(), **fields}


def asked_by(**fields):
    return slack.command(fields=fields)
