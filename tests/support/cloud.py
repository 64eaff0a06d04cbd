"""AWS around one gateway: sources of credentials as they are wanted, and an Invoke endpoint that
knows what they gave."""

from support import hosts, roles_anywhere, signatures, slack
from support.container_credentials import ContainerCredentials
from support.hosts import Host
from support.issued import KeyRing, source_of
from support.listener import Serve
from support.metadata import Metadata
from support.roles_anywhere import RolesAnywhere
from support.sts import Sts
from support.wire import eventually

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NOT = "Lambda function my-fn@eu-west-1 could not be started: "
ROLE = "arn:aws:iam::123456789012:role/gateway"
IDENTITY = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2ln+Lw=="


class Cloud:
    def __init__(self, make, folder):
        self.make, self.folder = make, folder
        self.ring = KeyRing()
        self.endpoint = make.endpoint(keys=self.ring)
        self.home = folder / "home"
        (self.home / ".aws").mkdir(parents=True)
        self.services = []

    # ---- fakes; each comes with the variables that lead there ------------------------------------

    def keep(self, service):
        self.services.append(service)
        return self.make.keep(service)

    def metadata(self, **options):
        return self.keep(Metadata(self.ring, **options))

    def container(self, tls=False, **options):
        return self.keep(ContainerCredentials(self.ring, tls=self.tls(tls), **options))

    def sts(self, tls=True, **options):
        options.setdefault("tokens", {IDENTITY: ROLE})
        options.setdefault("roles", {ROLE: {}})
        return self.keep(Sts(self.ring, tls=self.tls(tls), **options))

    def anywhere(self, issuer=None, tls=True, **options):
        return self.keep(
            RolesAnywhere(
                self.ring, issuer or self.make.pki.authority(), tls=self.tls(tls), **options
            )
        )

    def tls(self, wanted):
        return self.make.pki.server() if wanted is True else wanted or None

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def aws_file(self, name, text):
        """~/.aws/config or ~/.aws/credentials."""
        (self.home / ".aws" / name).write_text(text)

    # ---- the gateway -----------------------------------------------------------------------------

    def environment(self, **env):
        wanted = {
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
            "AWS_SESSION_TOKEN": None,
            "AWS_REGION": "eu-west-1",
            "AWS_CA_BUNDLE": self.make.pki.bundle(),
            "HOME": str(self.home),
        }
        of_metadata = any(name.startswith("AWS_EC2_METADATA") for name in env)
        wanted["AWS_EC2_METADATA_DISABLED"] = None if of_metadata else "true"
        return {**wanted, **env}

    def start(self, kind="serve", **env):
        host = hosts.start(self.make, kind, self.endpoint, **self.environment(**env))
        self.ring.watch(host.process)
        return host

    def complaint(self, **env):
        """What is said of settings that cannot work: in one line at the start, which ends it, else
        to the first request."""
        listener = Serve(self.make)(endpoint=self.endpoint, wait=False, **self.environment(**env))
        process = listener.process
        assert eventually(lambda: not process.alive or listener.listening()), process.lines
        if process.alive:
            text = Host("serve", listener, self.endpoint).text(slack.command())
            assert text.startswith(NOT) and not self.endpoint.requests
            return text
        assert process.wait_exit() in (1, 2)
        (told,) = process.problems
        process.problems.clear()
        return told

    def signers(self):
        """The sources of the keys that signed the invocations so far."""
        return [source_of(signatures.scope(request)["key"]) for request in self.endpoint.requests]

    def started_by(self, host, source):
        """One command is started, signed with keys of that source."""
        text = host.text(slack.command())
        assert text == STARTED, text
        assert self.signers()[-1] == source, self.signers()


# ---- whole sources: variables that make this the only one ----------------------------------------


def from_environment(cloud, **_):
    return cloud.ring.issue("ENV").environment(), []


def from_web_identity(cloud, **options):
    sts = cloud.sts(**options)
    variables = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": cloud.file("web-identity", IDENTITY),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": sts.url,
    }
    return variables, [sts]


def profile_text(keys, name="default"):
    text = (
        f"[{name}]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key ="
        f" {keys.secret}\n"
    )
    return text + (f"aws_session_token = {keys.token}\n" if keys.token else "")


def from_profile(cloud, **_):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("PROFILE")))
    return {}, []


def from_role(cloud, **options):
    sts = cloud.sts(**options)
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("PROFILE"), "base"))
    cloud.aws_file("config", f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n")
    return {"AWS_ENDPOINT_URL_STS": sts.url}, [sts]


def from_container(cloud, **options):
    agent = cloud.container(**options)
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.full_uri}, [agent]


def from_metadata(cloud, **options):
    metadata = cloud.metadata(**options)
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}, [metadata]


def anywhere_variables(cloud, certificate, service):
    return {
        "GATEWAY_ROLESANYWHERE_CERT": cloud.file("client.pem", certificate.chain_pem()),
        "GATEWAY_ROLESANYWHERE_KEY": cloud.file("client.key", certificate.key_pem()),
        "GATEWAY_ROLESANYWHERE_TRUST_ANCHOR_ARN": service.anchor_arn,
        "GATEWAY_ROLESANYWHERE_PROFILE_ARN": roles_anywhere.PROFILE,
        "GATEWAY_ROLESANYWHERE_ROLE_ARN": roles_anywhere.ROLE,
        "AWS_ENDPOINT_URL_ROLESANYWHERE": service.url,
    }


def from_anywhere(cloud, **options):
    service = cloud.anywhere(**options)
    return anywhere_variables(cloud, cloud.make.pki.leaf(key_usage=True, purposes=()), service), [
        service
    ]


# In the order of the chain, by the name of their keys; the last one is no part of it.
SOURCES = {
    "ENV": from_environment,
    "WEBID": from_web_identity,
    "PROFILE": from_profile,
    "CONTAINER": from_container,
    "METADATA": from_metadata,
    "ANYWHERE": from_anywhere,
    "STS": from_role,
}
# Those that are asked over a network.
FETCHED = {name: SOURCES[name] for name in ("WEBID", "STS", "CONTAINER", "METADATA", "ANYWHERE")}
