"""README and docs: every command in them is typed here as it stands there, or marked why not; every
link leads somewhere."""

import json
import os
import re
import zipfile

import pytest

from support import moto, pages
from support.listener import free_port
from support.process import BINARY, ROOT

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FUNCTION_URL = "https://abc123.lambda-url.eu-west-1.on.aws"
NAMES = [str(path.relative_to(ROOT)) for path in pages.PAGES]
# The tests below, by the page whose blocks they type.
TYPED = {
    ("README.md", "lambda"), ("README.md", "local"), ("docs/operations.md", "lambda"),
    ("docs/operations.md", "operations"), ("docs/getting-started.md", "app"),
    ("docs/front-doors.md", "proxy"),
}


@pytest.fixture
def aws():
    """A cloud in which the functions are ready that the pages start."""
    if not moto.fetch() or not (pages.TOOLS / "bin" / "aws").exists():
        assert not os.environ.get("CI"), "moto or the AWS CLI cannot be had"
        pytest.skip("moto or the AWS CLI cannot be had")
    running = moto.Moto(MOTO_IAM_LOAD_MANAGED_POLICIES="true")
    for name in ("deploy", "approve", "mentions"):
        running.add_function(name)
    yield running
    running.stop()


@pytest.fixture
def desk(tmp_path):
    made = []

    def make(**env):
        made.append(pages.Desk(tmp_path, f"127.0.0.1:{free_port()}", **env))
        return made[0]

    yield make
    for each in made:
        each.close()


def cloud(aws):
    """The environment of somebody who may do everything there."""
    return {
        "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PAGER": "",
    }


def text_of(page, name):
    return "".join(block.text for block in pages.marked(page, name))


@pytest.mark.parametrize("page", NAMES)
def test_every_command_is_typed_or_says_why_not(page):
    for block in pages.blocks(ROOT / page):
        where = f"{page}:{block.line}"
        if block.language in ("", "sh", "js"):
            assert block.test or block.reason, f"{where}: neither a test nor a reason"
        if block.test:
            assert (page, block.test) in TYPED, f"{where}: no test types this"
        if block.language == "json":
            json.loads(block.text)
        if block.language == "python":
            compile(block.text, where, "exec")


@pytest.mark.parametrize("page", NAMES)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), f"{page}: {link}"
        assert not anchor or anchor in pages.anchors(path), f"{page}: {link}"


@pytest.mark.parametrize("page", NAMES)
def test_every_target_can_be_made(page):
    inline = re.findall(r"`make ([a-z][a-z0-9-]*)[^`]*`", (ROOT / page).read_text())
    typed = re.findall(
        r"^ *make ([a-z][a-z0-9-]*)", "".join(b.text for b in pages.blocks(ROOT / page)), re.M
    )
    assert set(inline) | set(typed) <= pages.targets()


def test_deploying_as_a_lambda_function(aws, desk):
    """From top to bottom, against moto with the AWS CLI. What was deployed runs here, with the
    settings it was deployed with, and the last steps are sent to it."""
    at = desk(**cloud(aws))
    # make dist is tried by make packaging; here it is enough that its archive is there.
    at.add(
        at.folder / "bin" / "make",
        '#!/bin/sh\ntest "$*" = dist && test -s dist/slack-lambda-gateway-x86_64.zip\n',
    )
    (at.folder / "dist").mkdir()
    with zipfile.ZipFile(at.folder / "dist" / "slack-lambda-gateway-x86_64.zip", "w") as archive:
        archive.write(BINARY, "bootstrap")
    text = text_of("README.md", "lambda")
    first, sent, last = (
        text[: text.index("export ")],
        text[text.index("export ") : text.index("aws lambda update")],
        text[text.index("aws lambda update") :],
    )
    at.type(first)

    function = aws.client("lambda").get_function_configuration(FunctionName="slack-gateway")
    assert (function["Runtime"], function["Handler"], function["Timeout"]) == (
        "provided.al2023", "bootstrap", 30,
    )
    assert (
        aws.client("lambda").get_function_url_config(FunctionName="slack-gateway")["AuthType"]
        == "NONE"
    )
    policy = json.loads(aws.client("lambda").get_policy(FunctionName="slack-gateway")["Policy"])
    assert {s["Action"] for s in policy["Statement"]} == {
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
    }
    role = aws.client("iam").get_role_policy(RoleName="slack-gateway", PolicyName="invoke")[
        "PolicyDocument"
    ]
    assert all(
        arn.startswith("arn:aws:lambda:eu-west-1:123456789012:function:deploy")
        for arn in role["Statement"][0]["Resource"]
    )
    assert (at.folder / "environment.json").stat().st_mode & 0o077 == 0

    settings = function["Environment"]["Variables"]
    at.type("build/slack-lambda-gateway serve\n", **settings)
    said = at.type(sent, {FUNCTION_URL: f"http://{at.address}"})
    assert (
        "Lambda function deploy@eu-west-1 has been started..." in said
        and "everything works" in said
    ), said
    assert at.started(1)
    at.type(last)
    config = aws.client("lambda").get_function_event_invoke_config(FunctionName="deploy")
    assert config["MaximumRetryAttempts"] == 0 and len(config["DestinationConfig"]) == 2

    at.type(text_of("docs/operations.md", "lambda"))
    alias = aws.client("lambda").get_alias(FunctionName="slack-gateway", Name="live")
    assert alias["FunctionVersion"] == "1"


def test_running_it_yourself(aws, desk):
    at = desk(**cloud(aws))
    said = at.type(text_of("README.md", "local"), {
        "SLACK_SIGNING_SECRET=...": f"SLACK_SIGNING_SECRET={SECRET}", "0.0.0.0:8080": at.address,
        "127.0.0.1:8080": at.address,
        "/srv/functions": str(ROOT / "scripts" / "examples"),
    })
    assert (
        "Lambda function hello@local has been started..." in said and "everything works" in said
    ), said


def test_looking_after_it(aws, desk):
    at = desk(**cloud(aws), SLACK_SIGNING_SECRET=SECRET, GATEWAY_ALLOW="eu-west-1/deploy")
    at.type("slack-lambda-gateway serve\n")
    said = at.type(text_of("docs/operations.md", "operations"))
    assert "everything works" in said and '{"ok":true,' in said, said


def test_listening_for_a_proxy(desk):
    at = desk(SLACK_SIGNING_SECRET=SECRET)
    (at.folder / "run").mkdir()
    (group,) = at.type("id -gn").split()
    at.type(
        text_of("docs/front-doors.md", "proxy"),
        {"/run/gateway": f"{at.folder}/run", "www-data": group},
    )
    assert (at.folder / "run" / "http.sock").stat().st_mode & 0o777 == 0o660


def test_getting_started(aws, desk):
    """The manifest's commands and events are what the routes route; each is started, first here,
    then as it is deployed."""
    yaml = pytest.importorskip("yaml")
    (manifest,) = pages.marked("docs/getting-started.md", "app", "yaml")
    (routes,) = pages.marked("docs/getting-started.md", "app", "json")
    app = yaml.safe_load(manifest.text)
    routed = json.loads(routes.text)["routes"]
    assert {c["command"] for c in app["features"]["slash_commands"]} == {
        r["command"] for r in routed if "command" in r
    }
    assert set(app["settings"]["event_subscriptions"]["bot_events"]) == {
        r["event"] for r in routed if "event" in r
    }
    urls = {
        app["settings"][what]["request_url"] for what in ("interactivity", "event_subscriptions")
    }
    assert urls | {c["url"] for c in app["features"]["slash_commands"]} == {FUNCTION_URL + "/slack"}

    at = desk(**cloud(aws))
    (at.folder / "routes.json").write_text(routes.text)
    here, there, deployed = (
        block.text for block in pages.marked("docs/getting-started.md", "app", "")
    )
    at.type(here)
    sending = {"127.0.0.1:8080": at.address}
    said = at.type(there, sending, SLACK_SIGNING_SECRET=SECRET)
    assert "Lambda function deploy@eu-west-1 has been started..." in said and at.started(
        3
    ), at.log.read_text()

    at.type(deployed)
    settings = json.loads((at.folder / "environment.json").read_text())["Variables"]
    at.type("build/slack-lambda-gateway serve\n", **settings)
    at.type(there, sending, SLACK_SIGNING_SECRET=SECRET)
    assert at.started(3), at.log.read_text()
