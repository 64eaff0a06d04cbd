"""The events that AWS makes of an HTTP request, and the answers that it takes back, for every front
door."""

import base64
import json
import time
import uuid
from urllib.parse import parse_qsl

ACCOUNT = "123456789012"


def body_member(request, as_base64):
    if as_base64:
        return base64.b64encode(request.body).decode()
    return request.body.decode("utf-8", "surrogateescape")


def lower_joined(headers):
    """Names in lower case, values of one name joined by commas, as HTTP APIs and Function URLs have
    them."""
    joined = {}
    for name, value in headers:
        joined[name.lower()] = (
            joined[name.lower()] + "," + value if name.lower() in joined else value
        )
    return joined


def multi(headers, lower=False):
    values = {}
    for name, value in headers:
        values.setdefault(name.lower() if lower else name, []).append(value)
    return values


class FrontDoor:
    """`event(request)` is the event as a dictionary; `reply_members` what the answer has besides
    the usual."""

    base64_default = False
    health_check = False
    extra = frozenset()
    optional = frozenset({"isBase64Encoded"})
    headers_member = "headers"

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name

    def event(self, request, as_base64=None, **options):
        raise NotImplementedError

    def read(self, reply):
        """(status, headers by lower-case name, body) of an answer, whose form must be the door's
        own."""
        assert isinstance(reply, dict), f"the answer is {reply!r}"
        must = {"statusCode", "body", self.headers_member} | self.extra
        assert must <= set(reply) <= must | self.optional, f"members of the answer: {sorted(reply)}"
        assert type(reply["statusCode"]) is int and type(reply["body"]) is str
        assert reply.get("isBase64Encoded", False) is False
        headers = reply[self.headers_member]
        assert isinstance(headers, dict)
        if self.headers_member == "multiValueHeaders":
            assert all(isinstance(values, list) and len(values) == 1 for values in headers.values())
            headers = {name: values[0] for name, values in headers.items()}
        assert all(isinstance(value, str) for value in headers.values())
        if "statusDescription" in reply:
            code, _, reason = reply["statusDescription"].partition(" ")
            assert code == str(reply["statusCode"]) and reason, reply["statusDescription"]
        return (
            reply["statusCode"], {name.lower(): value for name, value in headers.items()},
            reply["body"],
        )


class Rest(FrontDoor):
    """API Gateway REST API, proxy integration, payload format 1.0. The path lies below the stage.
    """

    version = None

    def event(
        self, request, as_base64=None, stage="prod", proxy="auto", epoch_ms=None, base_path=""
    ):
        path = request.path
        query = dict(parse_qsl(request.query)) or None
        event = {
            "resource": "/{proxy+}",
            "path": base_path + path,
            "httpMethod": request.method,
            "headers": dict(request.headers),
            "multiValueHeaders": multi(request.headers),
            "queryStringParameters": query,
            "multiValueQueryStringParameters":
                {k: [v] for k, v in query.items()} if query else None,
            "pathParameters":
                {"proxy": path.lstrip("/") if proxy == "auto" else proxy} if proxy else None,
            "stageVariables": None,
            "requestContext": {
                "accountId": ACCOUNT,
                "resourceId": "abc123",
                "resourcePath": "/{proxy+}",
                "httpMethod": request.method,
                "apiId": "abcdef1234",
                "protocol": "HTTP/1.1",
                "path": f"/{stage}{base_path}{path}",
                "stage": stage,
                "requestId": str(uuid.uuid4()),
                "domainName": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
                "requestTimeEpoch": int(time.time() * 1000) if epoch_ms is None else epoch_ms,
                "identity": {"sourceIp": "1.2.3.4",
                    "userAgent": "Slackbot 1.0 (+https://api.slack.com/robots)"},
            },
            "body": body_member(request, as_base64) if request.body else None,
            "isBase64Encoded": bool(as_base64),
        }
        if self.version:
            event = {"version": self.version, **event}
        return event


class HttpApi1(Rest):
    """API Gateway HTTP API with payload format 1.0."""

    version = "1.0"


class HttpApi2(FrontDoor):
    """API Gateway HTTP API, payload format 2.0. Forms arrive as base64, JSON as text."""

    stage = "prod"
    domain = "abcdef1234.execute-api.eu-west-1.amazonaws.com"
    proxy = True

    def event(self, request, as_base64=None, stage=None, proxy="auto", epoch_ms=None, base_path=""):
        stage = stage or self.stage
        if as_base64 is None:
            types = [v for k, v in request.headers if k.lower() == "content-type"]
            as_base64 = not any(t.startswith(("application/json", "text/")) for t in types)
        raw_path = (
            base_path + request.path
            if stage == "$default"
            else f"/{stage}{base_path}{request.path}"
        )
        route = "POST /{proxy+}" if self.proxy else "$default"
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": raw_path,
            "rawQueryString": request.query,
            "headers": {
                **lower_joined(request.headers),
                "content-length": str(len(request.body)),
                "x-forwarded-for": "1.2.3.4",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": "abcdef1234",
                "domainName": self.domain,
                "domainPrefix": self.domain.split(".")[0],
                "http": {
                    "method": request.method,
                    "path": raw_path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "1.2.3.4",
                    "userAgent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": route,
                "stage": stage,
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": int(time.time() * 1000) if epoch_ms is None else epoch_ms,
            },
        }
        if request.query:
            event["queryStringParameters"] = dict(parse_qsl(request.query))
        if self.proxy and proxy:
            event["pathParameters"] = {
                "proxy": request.path.lstrip("/") if proxy == "auto" else proxy
            }
        if request.body:
            event["body"] = body_member(request, as_base64)
        event["isBase64Encoded"] = bool(request.body) and as_base64
        return event


class FunctionUrl(HttpApi2):
    """Lambda Function URL: format 2.0 without stage and path parameters."""

    stage = "$default"
    domain = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws"
    proxy = False

    def event(self, request, as_base64=None, **options):
        event = super().event(request, as_base64, **options)
        event["requestContext"].update(accountId="anonymous", authorizer=None)
        return event


class Alb(FrontDoor):
    """Application Load Balancer. Everything but text and JSON arrives as base64."""

    health_check = True
    extra = frozenset({"statusDescription", "isBase64Encoded"})
    optional = frozenset()
    several = False

    def __init__(self, name):
        super().__init__(name)
        self.headers_member = "multiValueHeaders" if self.several else "headers"

    def event(self, request, as_base64=None, base_path="", **options):
        if as_base64 is None:
            types = [v for k, v in request.headers if k.lower() == "content-type"]
            as_base64 = bool(types) and not any(
                t.startswith(("application/json", "text/")) for t in types
            )
        headers = request.headers + [
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Amzn-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
        ]
        pairs = [tuple((part + "=").split("=")[:2]) for part in request.query.split("&") if part]
        event = {
            "requestContext": {
                "elb": {
                    "targetGroupArn":
                        f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/x/abc"
                }
            },
            "httpMethod": request.method,
            "path": base_path + request.path,
        }
        if self.several:
            event["multiValueQueryStringParameters"] = {k: [v] for k, v in pairs}
            event["multiValueHeaders"] = multi(headers, lower=True)
        else:
            event["queryStringParameters"] = dict(pairs)
            event["headers"] = {name.lower(): value for name, value in headers}
        event["body"] = body_member(request, as_base64) if request.body else ""
        event["isBase64Encoded"] = bool(request.body) and as_base64
        return event


class AlbMulti(Alb):
    """The same with `lambda.multi_value_headers.enabled`."""

    several = True


REST = Rest("rest")
HTTP1 = HttpApi1("http1")
HTTP2 = HttpApi2("http2")
URL = FunctionUrl("url")
ALB = Alb("alb")
ALB_MULTI = AlbMulti("alb-multi")
ALL = [REST, HTTP1, HTTP2, URL, ALB, ALB_MULTI]


def encode(event, **options):
    """The event as bytes, in the compact form that AWS sends."""
    return json.dumps(event, separators=(",", ":"), **options).encode()
