"""What `check` looks like in thirty situations, as a person sees it: compared whole with
tests/vectors/check.

SCREENS=write makes them again, to be read before they are committed."""

import os
import re

import pytest

from support import proxy
from support.invoke_endpoint import failed, raw
from support.listener import free_port
from support.process import ROOT
from support.secret_stores import Parameters, refusal
from support.wire import response
from test_check import (
    BAD_CERTIFICATES, DAY, HEX_SECRET, HTML, KEYS, MISSING_FILE, TARGET, Silent, doctor, https,
)  # noqa: F401

FOLDER = ROOT / "tests" / "vectors" / "check"
NO_KEYS = {**dict.fromkeys(KEYS.environment()), "HOME": "/nonexistent"}


def dry(status, name, message):
    return lambda d: ([TARGET], {"aws": d.aws(dry=failed(status, name, message))})


def certificate(name):
    return lambda d: (
        [TARGET],
        {"aws": d.aws(tls=d.make.pki.server(BAD_CERTIFICATES[name][0](d.make.pki)))},
    )


def plain(*arguments, **env):
    return lambda d: (list(arguments), {"aws": d.aws(), **env})


def local(mode):
    def situation(d):
        function = d.folder / "hello"
        function.write_text("#!/bin/sh\n")
        function.chmod(mode)
        return ["local/hello"], {"GATEWAY_FUNCTIONS": str(d.folder)}

    return situation


def with_proxy(act=None):
    def situation(d):
        way = d.make.keep(proxy.FakeProxy(act) if act else proxy.FakeProxy())
        tls = d.make.pki.server(d.make.pki.leaf(names=["lambda.test"], addresses=[]))
        return [TARGET], {"aws": d.aws(tls=tls, name="lambda.test"), "HTTPS_PROXY": way.url}

    return situation


def parameters(d):
    store = d.make.keep(Parameters({}, default=refusal("AccessDeniedException", "not you")))
    return [TARGET], {
        "aws": d.aws(), "SLACK_SIGNING_SECRET": "ssm:/slack", "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SSM": store.url,
    }


SITUATIONS = {
    "all is well": plain(TARGET),
    "no target": plain(AWS_REGION="eu-west-1"),
    "no target and no region": plain(),
    "region that is none": plain(AWS_REGION="Ireland"),
    "unknown variable": plain(TARGET, GATEWAY_ALOW="*/*"),
    "bad value": plain(TARGET, GATEWAY_TIMEOUT_MS="99"),
    "no secret": plain(TARGET, SLACK_SIGNING_SECRET=None),
    "secret of another form": plain(TARGET, SLACK_SIGNING_SECRET=HEX_SECRET[:31]),
    "secret that cannot be read": parameters,
    "signatures not checked": plain(
        TARGET, SLACK_SIGNING_SECRET=None, GATEWAY_INSECURE_SKIP_VERIFY="1"
    ),
    "no credentials": plain(TARGET, **NO_KEYS),
    "bundle that is not there": plain(TARGET, AWS_CA_BUNDLE=MISSING_FILE),
    "allow unset": plain(TARGET, GATEWAY_ALLOW=None),
    "allow excludes": plain(TARGET, GATEWAY_ALLOW="us-east-1/*"),
    "nobody listens": lambda d: (
        [TARGET],
        {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{free_port()}"},
    ),
    "silence": lambda d: (
        [TARGET],
        {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{d.make.keep(Silent()).port}"},
    ),
    "not TLS": lambda d: (
        [TARGET],
        {"AWS_ENDPOINT_URL": d.aws(tls=False).url.replace("http:", "https:")},
    ),
    "unknown authority": certificate("unknown authority"),
    "expired certificate": certificate("expired"),
    "another name": certificate("another name"),
    "clock ahead": lambda d: ([TARGET], {"aws": d.aws(ahead=-3600)}),
    "captive portal": lambda d: ([TARGET], {"aws": d.aws(first=raw(HTML), dry=raw(HTML))}),
    "not allowed": dry(
        403, "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/x is not authorized to perform: "
        "lambda:InvokeFunction",
    ),
    "no such function": dry(
        404, "ResourceNotFoundException",
        "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:my-fn",
    ),
    "expired keys": dry(
        403, "ExpiredTokenException", "The security token included in the request is expired"
    ),
    "unknown key": dry(
        403, "UnrecognizedClientException", "The security token included in the request is invalid"
    ),
    "wrong secret key": dry(
        403, "InvalidSignatureException", "The request signature we calculated does not match"
    ),
    "throttled": dry(429, "TooManyRequestsException", "Rate Exceeded."),
    "trouble at AWS": dry(500, "ServiceException", "An error occurred"),
    "emulator": lambda d: ([TARGET], {"aws": d.aws(dry=raw(response(202, b"")))}),
    "proxy": with_proxy(),
    "proxy that refuses": with_proxy(proxy.refuses(407)),
    "local function": local(0o755),
    "local function that is not executable": local(0o644),
    "HTTPS": lambda d: ([TARGET], {"aws": d.aws(), **https(d, end=200 * DAY)}),
    "HTTPS with an expired certificate": lambda d: (
        [TARGET],
        {"aws": d.aws(), **https(d, start=-3 * DAY, end=-DAY)},
    ),
}


def steady(text, doctor):  # noqa: F811
    """Without what differs from run to run, at the same width, so that lines break alike."""
    text = text.replace(str(doctor.folder), "DIR")
    text = re.sub(r"(127\.0\.0\.1|lambda\.test):\d+", r"\1:PORT", text)
    text = re.sub(r"\d{4}-\d\d-\d\d(T|[ \n]+)\d\d:\d\d:\d\d(\.\d{3})?Z", "DATE", text)
    text = re.sub(r"in \d+ ms", "in N ms", text)
    text = re.sub(r"-?\d+ s ahead", "N s ahead", text)
    return re.sub(r"\s+", " ", text)


def test_thirty():
    assert len(SITUATIONS) >= 30


@pytest.mark.parametrize("name", SITUATIONS)
def test_screen(doctor, name):  # noqa: F811
    arguments, options = SITUATIONS[name](doctor)
    screen = doctor.screen(*arguments, **options)
    path = FOLDER / (name.replace(" ", "-") + ".txt")
    if os.environ.get("SCREENS") == "write":
        path.parent.mkdir(exist_ok=True)
        text = screen.replace(str(doctor.folder), "DIR")
        text = re.sub(r"(127\.0\.0\.1|lambda\.test):\d+", r"\1:PORT", text)
        path.write_text(re.sub(r"in \d+ ms", "in N ms", text))
    assert steady(path.read_text(), doctor) == steady(screen, doctor)
    assert max(map(len, screen.splitlines())) <= 100
