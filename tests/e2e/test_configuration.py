"""What stops the start, and with which words; what does not."""

import json
import re

import pytest

from support import front_doors, signatures, slack

BAD = {
    # id: (variables, what the message must say)
    "no-secret": ({"SLACK_SIGNING_SECRET": None}, ["SLACK_SIGNING_SECRET"]),
    "empty-secret": ({"SLACK_SIGNING_SECRET": ""}, ["SLACK_SIGNING_SECRET"]),
    "blank-secret": ({"SLACK_SIGNING_SECRET": " , ,"}, ["SLACK_SIGNING_SECRET"]),
    "quoted-secret": ({"SLACK_SIGNING_SECRET": f'"{slack.SECRET}"'},
        ["SLACK_SIGNING_SECRET", "quotes"]),
    "token-as-secret": ({"SLACK_SIGNING_SECRET": "xoxb-1-a"},
        ["SLACK_SIGNING_SECRET", "token", "Signing Secret"]),
    "app-token-as-secret":
        ({"SLACK_SIGNING_SECRET": "xapp-1-A1-a"}, ["SLACK_SIGNING_SECRET", "token"]),
    "allow-blank-inside":
        ({"GATEWAY_ALLOW": "eu-west-1/de ploy"}, ["GATEWAY_ALLOW", "region/function"]),
    "skip-verify-word": ({"GATEWAY_INSECURE_SKIP_VERIFY": "yes"},
        ["GATEWAY_INSECURE_SKIP_VERIFY", "yes"]),
    "allow-one-segment": ({"GATEWAY_ALLOW": "my-fn"},
        ["GATEWAY_ALLOW", "my-fn", "region/function"]),
    "allow-three-segments":
        ({"GATEWAY_ALLOW": "eu-west-1/a/b"}, ["GATEWAY_ALLOW", "eu-west-1/a/b"]),
    "allow-second-is-bad": ({"GATEWAY_ALLOW": "eu-west-1/a,beta"}, ["GATEWAY_ALLOW", "beta"]),
    "ack-word": ({"GATEWAY_ACK": "later"}, ["GATEWAY_ACK", "later", "confirmed", "first"]),
    "ack-type-word": ({"GATEWAY_ACK_TYPE": "public"},
        ["GATEWAY_ACK_TYPE", "public", "ephemeral", "in_channel"]),
    "ack-text-name": ({"GATEWAY_ACK_TEXT": "hello {nobody}"},
        ["GATEWAY_ACK_TEXT", "nobody", "{user_name}"]),
    "timeout-low": ({"GATEWAY_TIMEOUT_MS": "99"}, ["GATEWAY_TIMEOUT_MS", "99", "100", "2900"]),
    "timeout-high": ({"GATEWAY_TIMEOUT_MS": "2901"}, ["GATEWAY_TIMEOUT_MS", "2901"]),
    "timeout-word": ({"GATEWAY_TIMEOUT_MS": "2s"}, ["GATEWAY_TIMEOUT_MS", "2s"]),
    "timeout-negative": ({"GATEWAY_TIMEOUT_MS": "-1"}, ["GATEWAY_TIMEOUT_MS", "-1"]),
    "timeout-wraps": ({"GATEWAY_TIMEOUT_MS": "18446744073709552116"}, ["GATEWAY_TIMEOUT_MS"]),
    "timeout-space": ({"GATEWAY_TIMEOUT_MS": "2 500"}, ["GATEWAY_TIMEOUT_MS"]),
    "almost-a-link": ({"GATEWAY_NAME": "web"}, ["GATEWAY_NAME"]),
    "almost-cgi": ({"GATEWAY_INTERFACE": "eth0"}, ["GATEWAY_INTERFACE"]),
    "timeout-hex": ({"GATEWAY_TIMEOUT_MS": "0x7d0"}, ["GATEWAY_TIMEOUT_MS", "0x7d0"]),
    "log-level": ({"GATEWAY_LOG_LEVEL": "loud"}, ["GATEWAY_LOG_LEVEL", "loud", "debug"]),
    "secret-without-a-region": (
        {"SLACK_SIGNING_SECRET": "ssm:/slack", "AWS_REGION": None, "AWS_DEFAULT_REGION": None},
        ["SLACK_SIGNING_SECRET", "no region to ask in"],
    ),
    "response-hosts": (
        {"GATEWAY_RESPONSE_HOSTS": "https://hooks.slack.com/x"},
        ["GATEWAY_RESPONSE_HOSTS", "https://hooks.slack.com/x"],
    ),
    "response-hosts-http": ({"GATEWAY_RESPONSE_HOSTS": "http://10.0.0.1:80"},
        ["GATEWAY_RESPONSE_HOSTS", "http://10.0.0.1:80"]),
    "response-hosts-user":
        ({"GATEWAY_RESPONSE_HOSTS": "a@hooks.slack.com"}, ["GATEWAY_RESPONSE_HOSTS"]),
    "base-path": ({"GATEWAY_BASE_PATH": "/sl ack"}, ["GATEWAY_BASE_PATH", "/sl ack"]),
    "unknown": ({"GATEWAY_TIMEOUT": "2500"},
        ["unknown variable GATEWAY_TIMEOUT; did you mean GATEWAY_TIMEOUT_MS?"]),
    "unknown-empty": ({"GATEWAY_UNKNOWN": ""}, ["GATEWAY_UNKNOWN"]),
    "unknown-prefix": ({"GATEWAY_": "x"}, ["GATEWAY_"]),
    "almost-kubernetes": ({"GATEWAY_PORT": "8080"}, ["GATEWAY_PORT"]),
    "key-without-secret": ({"AWS_SECRET_ACCESS_KEY": None}, ["AWS_SECRET_ACCESS_KEY"]),
    "secret-without-key": ({"AWS_ACCESS_KEY_ID": ""}, ["AWS_ACCESS_KEY_ID"]),
    "secret-not-ascii": ({"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI\u00e4"},
        ["AWS_SECRET_ACCESS_KEY"]),
    "token-with-a-line-end":
        ({"AWS_SESSION_TOKEN": "IQoJb3JpZ2lu\nX-Evil: 1"}, ["AWS_SESSION_TOKEN"]),
    "endpoint-scheme": ({"AWS_ENDPOINT_URL_LAMBDA": "ftp://127.0.0.1/"},
        ["AWS_ENDPOINT_URL_LAMBDA", "http"]),
    "endpoint-no-scheme":
        ({"AWS_ENDPOINT_URL_LAMBDA": "127.0.0.1:1234"}, ["AWS_ENDPOINT_URL_LAMBDA"]),
    "endpoint-user": ({"AWS_ENDPOINT_URL_LAMBDA": "https://user:pass@127.0.0.1/"},
        ["AWS_ENDPOINT_URL_LAMBDA"]),
    "endpoint-port": ({"AWS_ENDPOINT_URL_LAMBDA": "https://127.0.0.1:70000/"},
        ["AWS_ENDPOINT_URL_LAMBDA"]),
    "endpoint-query": ({"AWS_ENDPOINT_URL_LAMBDA": "https://127.0.0.1/?a=b"},
        ["AWS_ENDPOINT_URL_LAMBDA"]),
    "bundle-not-there": ({"AWS_CA_BUNDLE": "/nonexistent/bundle.pem"}, ["AWS_CA_BUNDLE"]),
    "bundle-no-certificate": ({"AWS_CA_BUNDLE": "/etc/hosts"}, ["AWS_CA_BUNDLE"]),
    "bundle-folder": ({"AWS_CA_BUNDLE": "/"}, ["AWS_CA_BUNDLE"]),
    "cert-file-not-there": ({"SSL_CERT_FILE": "/nonexistent/bundle.pem"},
        ["SSL_CERT_FILE", "/nonexistent/bundle.pem"]),
}

FILES = {"bundle-not-there", "bundle-no-certificate", "bundle-folder", "cert-file-not-there"}


@pytest.mark.parametrize("case", BAD)
def test_bad_configuration_stops_the_start(make, case):
    variables, says = BAD[case]
    runtime = make.runtime(wait=False, **variables)
    # A file may be mended before the next start; a setting stays wrong.
    assert runtime.process.wait_exit() == (1 if case in FILES else 2)
    assert not runtime.api.nexts and not runtime.endpoint.requests
    assert len(runtime.api.init_errors) == 1
    request = runtime.api.init_errors[0]
    report = request.json()
    assert report["errorType"]
    kind = request.header("lambda-runtime-function-error-type")
    assert kind is None or re.fullmatch(r"(Runtime|Function)\.[A-Z][a-zA-Z]+", kind)
    assert len(runtime.process.lines) == 1, "one line"
    line = runtime.process.lines[0]
    assert line["level"] == "ERROR"
    for text in (report["errorMessage"], " ".join(map(str, line.values()))):
        assert all(words in text for words in says), text
        for secret in (slack.SECRET, "wJalrXUtnFEMI", "IQoJb3JpZ2lu", "pass@"):
            assert secret not in text


def test_init_error_that_cannot_be_reported(make):
    """Nobody listens: the program still says what is wrong, and ends."""
    api = make.api(open_now=False)
    runtime = make.runtime(api=api, wait=False, GATEWAY_TIMEOUT_MS="x")
    assert runtime.process.wait_exit() == 2
    assert any("GATEWAY_TIMEOUT_MS" in json.dumps(line) for line in runtime.process.lines)


GOOD = {
    "defaults": {},
    "all-empty": {
        "GATEWAY_ALLOW": "",
        "GATEWAY_ACK": "",
        "GATEWAY_ACK_TYPE": "",
        "GATEWAY_TIMEOUT_MS": "",
        "GATEWAY_BASE_PATH": "",
        "GATEWAY_LOG_LEVEL": "",
        "GATEWAY_INSECURE_SKIP_VERIFY": "",
        "GATEWAY_RESPONSE_HOSTS": "",
    },
    "limits": {"GATEWAY_TIMEOUT_MS": "2900"},
    "skip-verify-off": {"GATEWAY_INSECURE_SKIP_VERIFY": "0"},
    "kubernetes": {
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_SERVICE_PORT": "80",
        "GATEWAY_SERVICE_PORT_HTTP": "80",
        "GATEWAY_PORT": "tcp://10.0.0.1:80",
        "GATEWAY_PORT_80_TCP": "tcp://10.0.0.1:80",
        "GATEWAY_PORT_80_TCP_PROTO": "tcp",
        "GATEWAY_PORT_80_TCP_PORT": "80",
        "GATEWAY_PORT_80_TCP_ADDR": "10.0.0.1",
        "GATEWAY_SLACK_SERVICE_HOST": "10.0.0.2",
        "GATEWAY_SLACK_PORT_443_TCP": "tcp://10.0.0.2:443",
    },
    "docker-links": {
        "GATEWAY_PORT": "tcp://172.17.0.2:80",
        "GATEWAY_NAME": "/web/gateway",
        "GATEWAY_X_NAME": "/web/gateway_x",
        "GATEWAY_ENV_NGINX_VERSION": "1.25",
        "GATEWAY_ENV_PATH": "",
    },
    "cgi": {"GATEWAY_INTERFACE": "CGI/1.1"},
    "other-programs": {"GATEWAY": "x", "XGATEWAY_FOO": "x", "API_GATEWAY_URL": "x"},
    "levels": {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "GATEWAY_LOG_LEVEL": "error"},
    "lambda-level-trace": {"AWS_LAMBDA_LOG_LEVEL": "TRACE"},
    "lambda-level-fatal": {"AWS_LAMBDA_LOG_LEVEL": "FATAL"},
    "no-session-token": {"AWS_SESSION_TOKEN": ""},
    "proxy-is-not-for-the-runtime-api":
        {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"},
}


@pytest.mark.parametrize("case", GOOD)
def test_good_configuration(make, case):
    token = {"no-session-token": {"token": ""}}.get(case, {})
    runtime = make.runtime(endpoint=make.endpoint(keys=signatures.Keys(**token)), **GOOD[case])
    assert "has been started" in runtime.text(slack.command())


def test_endpoint_variables(make):
    """The service's own variable beats the common one; a base path is kept."""
    endpoint, other = make.endpoint(base_path="/proxy/lambda"), make.endpoint()
    runtime = make.runtime(endpoint=endpoint, AWS_ENDPOINT_URL=other.url)
    assert "has been started" in runtime.text(slack.command())
    assert (
        endpoint.only.target == "/proxy/lambda/2015-03-31/functions/my-fn/invocations"
        and not other.requests
    )
    runtime = make.runtime(endpoint=other, AWS_ENDPOINT_URL=other.url, AWS_ENDPOINT_URL_LAMBDA=None)
    assert "has been started" in runtime.text(slack.command())


@pytest.mark.parametrize("suffix", ["/", "//", ""])
def test_endpoint_with_a_slash_at_its_end(make, suffix):
    endpoint = make.endpoint()
    runtime = make.runtime(endpoint=endpoint, AWS_ENDPOINT_URL_LAMBDA=endpoint.url + suffix)
    assert "has been started" in runtime.text(slack.command())


def test_log_level(make):
    def count(level):
        runtime = make.runtime(GATEWAY_LOG_LEVEL=level)
        runtime.text(slack.command())
        runtime.text(slack.command(), front_doors.REST)
        runtime.settled()
        return len(runtime.process.lines)

    debug, info, error = count("debug"), count("info"), count("error")
    assert debug >= info >= error == 0


def test_no_credentials_at_all(make):
    """Not an error of the configuration: in Lambda they may come later. But a person must hear why
    nothing starts."""
    runtime = make.runtime(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN="", wait=False
    )
    if runtime.process.process.poll() is None:
        text = runtime.text(slack.command())
        assert "could not be started: " in text and "AWS_ACCESS_KEY_ID" in text
        assert text.endswith("EC2 instance metadata is switched off")


def test_no_region_in_the_environment(make):
    runtime = make.runtime(AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert "has been started" in runtime.text(slack.command())


@pytest.mark.parametrize("count", [0, 150, 190, 200, 300, 3000])
def test_any_number_of_variables(make, count):
    """Kubernetes gives a container seven for every Service of the namespace."""
    crowd = {f"SERVICE_{i}_PORT": f"tcp://10.0.0.{i % 250}:80" for i in range(count)}
    runtime = make.runtime(GATEWAY_ACK_TEXT="on it", **crowd)
    assert runtime.text(slack.command()) == "on it"
