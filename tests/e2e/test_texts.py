"""Every kind of file and every variable that is read, as editors, shells and forms write them:
blanks and line ends around a value and a byte order mark before it do not count, and UTF-16 is
named as what it is."""

import json

import pytest

from support import hosts, network, signatures, slack
from support.cloud import IDENTITY, ROLE, SOURCES, STARTED, anywhere_variables, profile_text
from support.hosts import Host
from support.listener import Serve, get
from support.secret_stores import Parameters, SecretsManager
from support.wire import eventually
from test_https import Https
from test_names import World, pytestmark as own_network

MARK = "\ufeff"
# What is done to a text, and whether it can be used then.
FORMS = {
    "mark": (lambda text: (MARK + text).encode(), True),
    "windows": (lambda text: (MARK + text.replace("\n", "\r\n") + "\r\n").encode(), True),
    "no line end": (lambda text: text.rstrip("\n").encode(), True),
    "lines around": (lambda text: f"\n\n{text}\n \t\n".encode(), True),
    "little endian": (lambda text: (MARK + text).encode("utf-16-le"), False),
    "big endian": (lambda text: (MARK + text).encode("utf-16-be"), False),
    "little endian, no mark": (lambda text: text.encode("utf-16-le"), False),
    "big endian, no mark": (lambda text: text.encode("utf-16-be"), False),
}


class Stand:
    """`write(text)` is the path of a file with it in the form that is tried."""

    def __init__(self, cloud, form):
        self.cloud, self.form = cloud, form

    def write(self, text):
        return self.cloud.file(
            "text", self.form(text.decode() if isinstance(text, bytes) else text)
        )

    def keys(self, **more):
        return {**self.cloud.ring.issue("ENV").environment(), **more}

    def bundle(self):
        with open(self.cloud.make.pki.bundle()) as bundle:
            return self.write(bundle.read())

    def anywhere(self, setting, text):
        certificate = self.cloud.make.pki.leaf(key_usage=True, purposes=())
        variables = anywhere_variables(self.cloud, certificate, self.cloud.anywhere())
        return {**variables, "GATEWAY_ROLESANYWHERE_" + setting: self.write(text(certificate))}

    def profile(self, text, **env):
        self.cloud.aws_file("config", text)
        return env


def web_identity(stand):
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": stand.write(IDENTITY),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": stand.cloud.sts().url,
    }


def container(stand):
    agent = stand.cloud.container(authorization="Bearer abc")
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.full_uri,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": stand.write("Bearer abc"),
    }


def of_a_profile(stand):
    path = stand.write(IDENTITY)
    text = f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {path}\n"
    return stand.profile(text, AWS_ENDPOINT_URL_STS=stand.cloud.sts().url)


ROUTES = json.dumps({"routes": [{"command": "/other", "invoke": "eu-west-1/f"}]}, indent=1) + "\n"

# What each kind of file is and is named by: the variables with which it is used.
FILES = {
    "credentials": lambda s: {
        "AWS_SHARED_CREDENTIALS_FILE": s.write(profile_text(s.cloud.ring.lasting("PROFILE")))
    },
    "config": lambda s: {"AWS_CONFIG_FILE": s.write(profile_text(s.cloud.ring.lasting("PROFILE")))},
    "bundle": lambda s: s.keys(AWS_CA_BUNDLE=s.bundle()),
    "bundle for all": lambda s: s.keys(AWS_CA_BUNDLE="", SSL_CERT_FILE=s.bundle()),
    "bundle of a profile": lambda s: s.profile(
        f"[default]\nca_bundle = {s.bundle()}\n", **s.keys(AWS_CA_BUNDLE="", AWS_PROFILE="default")
    ),
    "routes": lambda s: s.keys(GATEWAY_CONFIG="@" + s.write(ROUTES)),
    "secret": lambda s: s.keys(SLACK_SIGNING_SECRET="file:" + s.write(slack.SECRET)),
    "secret of an app": lambda s: s.keys(
        GATEWAY_CONFIG=json.dumps(
            {"apps": {"A1": {"secret": "file:" + s.write(slack.OTHER_SECRET)}}}
        )
    ),
    "web identity": web_identity,
    "web identity of a profile": of_a_profile,
    "container": container,
    "anywhere, certificate": lambda s: s.anywhere("CERT", lambda c: c.chain_pem()),
    "anywhere, key": lambda s: s.anywhere("KEY", lambda c: c.key_pem()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", FILES)
def test_files(cloud, kind, form):
    change, good = FORMS[form]
    if good and kind.startswith("bundle"):
        cloud.endpoint = cloud.make.endpoint(tls=True, keys=cloud.ring)
    variables = FILES[kind](Stand(cloud, change))
    if good:
        kind = "lambda" if cloud.endpoint.tls else "serve"
        assert cloud.start(kind, **variables).text(slack.command()) == STARTED
    else:
        assert "is UTF-16; save it as UTF-8" in cloud.complaint(**variables)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", ["chain", "key"])
def test_files_of_https(make, pki, which, form):
    change, good = FORMS[form]
    certificate = pki.leaf()
    texts = {"chain": certificate.chain_pem(), "key": certificate.key_pem()}
    texts[which] = change(texts[which].decode())
    https = Https.__new__(Https)
    https.make, https.folder = make, make.folder
    https.show(**texts)
    listener = Serve(make)(*https.arguments(), wait=False)
    assert eventually(lambda: not listener.process.alive or listener.listening())
    if good:
        https.listener, https.process = listener, listener.process
        assert https.openssl()[0] == 0
        return
    assert listener.process.wait_exit() == 1
    assert any(
        "is UTF-16; save it as UTF-8" in line.get("reason", "") for line in listener.process.lines
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["ssm:p", "secretsmanager:p"])
def test_secrets_in_stores(make, place, form):
    """What somebody put there from a file. A store holds characters: a zero is one in its JSON."""
    change, good = FORMS[form]
    value = change(slack.SECRET + "\n").decode("utf-8" if good else "latin-1")
    keys, tls = signatures.Keys(), make.pki.server()
    stores = [
        make.keep(kind({"p": value}, keys=keys, tls=tls)) for kind in (Parameters, SecretsManager)
    ]
    variables = {
        "AWS_ENDPOINT_URL_SSM": stores[0].url, "AWS_ENDPOINT_URL_SECRETS_MANAGER": stores[1].url,
        "AWS_CA_BUNDLE": make.pki.bundle(),
    }
    host = hosts.start(
        make, "serve", make.endpoint(), SLACK_SIGNING_SECRET=place, AWS_REGION="eu-west-1",
        **variables,
    )
    if good:
        assert host.text(slack.command()) == STARTED
    else:
        assert host.ask(slack.command())[0] in (401, 500, 503)
        host.process.wait_for_log("cannot be read")


@own_network
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["hosts", "resolv.conf"])
def test_files_of_the_machine(make, pki, tmp_path, name, form):
    change, good = FORMS[form]
    world = World(make, pki, tmp_path)
    aws = world.aws(("*.eu-west-1.amazonaws.com",))
    world.dns({aws.authority: ["127.0.0.1"]} if name == "resolv.conf" else {})
    texts = {
        "hosts": f"127.0.0.1 {aws.authority if name == 'hosts' else 'localhost'}\n",
        "resolv.conf": "nameserver 127.0.0.1\n",
    }
    (tmp_path / name).write_bytes(change(texts[name]))
    runtime = world.runtime(aws)
    said = runtime.text(slack.command())
    assert (said == STARTED) == (good or name == "resolv.conf"), (said, runtime.process.lines)
    if not good:
        runtime.process.wait_for_log("is UTF-16; save it as UTF-8")


@own_network
@pytest.mark.parametrize("name", ["hosts", "resolv.conf"])
def test_files_of_the_machine_are_looked_at_by_the_start(make, pki, tmp_path, name):
    """Before anybody asks for a name."""
    world = World(make, pki, tmp_path)
    (tmp_path / name).write_bytes("nameserver 127.0.0.1\n".encode("utf-16"))
    listener = Serve(make)(wrapper=world.net.wrapper, wait=False)
    (line,) = listener.process.wait_for_log("for looking up names") and [
        x for x in listener.process.lines if "looking up names" in x["message"]
    ]
    assert line["path"] == f"/etc/{name}" and "is UTF-16; save it as UTF-8" in line["reason"]


# ---- variables -----------------------------------------------------------------------------------

WRAPPINGS = {
    "mark": MARK + "{}",
    "line end": "{}\n",
    "windows": MARK + "{}\r\n",
    "blanks": " \t{} ",
    "all": f"\n {MARK} {{}}\r\n\n",
}


def settings(folder):
    (folder / "functions").mkdir()
    (folder / "journal").mkdir(mode=0o700)
    return {
        "GATEWAY_ALLOW": "*/*",
        "GATEWAY_ACK": "confirmed",
        "GATEWAY_ACK_TYPE": "ephemeral",
        "GATEWAY_BASE_PATH": "/slack",
        "GATEWAY_CONFIG": ROUTES,
        "GATEWAY_CONNECTIONS": "100",
        "GATEWAY_FUNCTIONS": str(folder / "functions"),
        "GATEWAY_FUNCTION_LIMIT": "2",
        "GATEWAY_FUNCTION_TIMEOUT": "5",
        "GATEWAY_IDLE_TIMEOUT": "60",
        "GATEWAY_INSECURE_SKIP_VERIFY": "0",
        "GATEWAY_JOURNAL": str(folder / "journal"),
        "GATEWAY_LOG_FORMAT": "json",
        "GATEWAY_LOG_LEVEL": "info",
        "GATEWAY_PAYLOAD": "slack",
        "GATEWAY_RESPONSE_HOSTS": "hooks.slack.com",
        "GATEWAY_TIMEOUT_MS": "2400",
        "GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8",
        "GATEWAY_WORKERS": "4",
        "HTTPS_PROXY": "http://user:password@127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "127.0.0.1:1",
        "NO_PROXY": "127.0.0.1",
        "LOCALDOMAIN": "a.test b.test",
        "RES_OPTIONS": "ndots:2",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_USE_FIPS_ENDPOINT": "false",
        "AWS_USE_DUALSTACK_ENDPOINT": "false",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "SSL_CERT_FILE": "",
    }


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("source", SOURCES)
def test_variables(cloud, source, wrapping):
    """All that there are at once."""
    variables, _ = SOURCES[source](cloud)
    variables = cloud.environment(**settings(cloud.folder), **variables)
    variables |= {
        "SLACK_SIGNING_SECRET": slack.SECRET,
        "AWS_ENDPOINT_URL_LAMBDA": cloud.endpoint.url,
    }
    variables = {
        name: value and WRAPPINGS[wrapping].format(value.replace("{", "{{").replace("}", "}}"))
        for name, value in variables.items()
    }
    variables = {
        name: value and value.replace("{{", "{").replace("}}", "}")
        for name, value in variables.items()
    }
    listener = Serve(cloud.make)(endpoint=cloud.endpoint, **variables)
    cloud.ring.watch(listener.process)
    cloud.started_by(Host("serve", listener, cloud.endpoint), source)


@pytest.mark.parametrize(
    "name",
    [
        "SLACK_SIGNING_SECRET",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_CA_BUNDLE",
        "AWS_PROFILE",
        "HTTPS_PROXY",
        "no_proxy",
        "GATEWAY_CONFIG",
        "GATEWAY_TIMEOUT_MS",
        "GATEWAY_WORKERS",
        "GATEWAY_TLS_CERT",
    ],
)
@pytest.mark.parametrize("mark", ["\udcff\udcfe", "\udcfe\udcff"], ids=["little", "big"])
def test_variables_in_utf16(cloud, name, mark):
    """As a shell puts a file into one: without its zeros."""
    variables = {**cloud.ring.issue("ENV").environment(), "AWS_CA_BUNDLE": None}
    variables[name] = mark + str(variables.get(name) or "4")
    assert (
        cloud.complaint(**variables)
        .rstrip()
        .endswith(f"{name} is UTF-16; save what it comes from as UTF-8")
    )
