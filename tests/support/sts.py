"""AWS STS, version 2011-06-15: AssumeRole, signed, and AssumeRoleWithWebIdentity, which must not
be."""

import re
import urllib.parse
import uuid
from xml.sax.saxutils import escape

from support import signatures
from support.service import Service, says

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
PAIR = re.compile(r"([A-Za-z]+)=((?:[A-Za-z0-9._~*+-]|%[0-9A-Fa-f]{2})*)\Z")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+\Z")
SESSION = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)


class Bad(Exception):
    def __init__(self, status, code, message):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


# ---- how the same answer may be written ----------------------------------------------------------


def plain(action, keys, role, session):
    """As the service writes it."""
    return (
        f'<{action}Response xmlns="{NAMESPACE}">\n  <{action}Result>\n    <AssumedRoleUser>\n'
        f"      <AssumedRoleId>AROA3XFRBF535PLBIFPI4:{session}</AssumedRoleId>\n"
        f"      <Arn>{role}/{session}</Arn>\n"
        f"    </AssumedRoleUser>\n    <Credentials>\n"
        f"      <AccessKeyId>{keys.access_key_id}</AccessKeyId>\n"
        f"      <SecretAccessKey>{escape(keys.secret)}</SecretAccessKey>\n"
        f"      <SessionToken>{escape(keys.token)}</SessionToken>\n"
        f"      <Expiration>{keys.expiration}</Expiration>\n"
        f"    </Credentials>\n  </{action}Result>\n  <ResponseMetadata>\n"
        f"    <RequestId>{uuid.uuid4()}</RequestId>\n"
        f"  </ResponseMetadata>\n</{action}Response>\n"
    )


def one_line(*args):
    return re.sub(r">\s+<", "><", plain(*args))


def other_order(action, keys, role, session):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{action}Response '
        f'xmlns="{NAMESPACE}"><ResponseMetadata>'
        f"<RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata><{action}Result><Credentials>"
        f"<Expiration>{keys.expiration}</Expiration><SessionToken>"
        f"{escape(keys.token)}</SessionToken>"
        f"<SecretAccessKey>{escape(keys.secret)}</SecretAccessKey><AccessKeyId>"
        f"{keys.access_key_id}</AccessKeyId>"
        "</Credentials><PackedPolicySize>6</PackedPolicySize><AssumedRoleUser><Arn>"
        f"{role}/{session}</Arn>"
        f"<AssumedRoleId>AROA3XFRBF535PLBIFPI4:{session}</AssumedRoleId></AssumedRoleUser>"
        f"</{action}Result></{action}Response>"
    )


def references(action, keys, role, session):
    """Quotes, too, which need not be."""
    text = plain(action, keys, role, session)
    return text.replace(escape(keys.token), escape(keys.token, {'"': "&quot;", "'": "&apos;"}))


STYLES = [plain, one_line, other_order, references]


def error(status, code, message, kind="Sender"):
    """An answer that is an error document."""
    return says(status, error_document(code, message, kind), "text/xml")


def error_document(code, message, kind="Sender"):
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}">\n  <Error>\n    <Type>{kind}</Type>\n'
        f'    <Code>{code}</Code>\n'
        f"    <Message>{escape(message)}</Message>\n  </Error>\n"
        f"  <RequestId>{uuid.uuid4()}</RequestId>\n</ErrorResponse>\n"
    )


class Sts(Service):
    """`roles`: what AssumeRole demands of each role, {arn: {"ExternalId": ...}}. `tokens`: web
    identity tokens that are good, each with its role. Handed out keys are of the source "STS" or
    "WEBID"."""

    content_type = "text/xml"

    def __init__(
        self, ring, roles=(), tokens=(), life=3600, style=plain, region="eu-west-1", token_end="",
        **options,
    ):
        self.ring, self.roles, self.tokens = ring, dict(roles), dict(tokens)
        self.life, self.style, self.region, self.token_end = life, style, region, token_end
        self.forms = []
        super().__init__(**options)

    def answer(self, request):
        try:
            form = self.parse(request)
            self.forms.append(form)
            action = form["Action"]
            act = {
                "AssumeRole": self.assume,
                "AssumeRoleWithWebIdentity": self.assume_with_web_identity,
            }.get(action)
            if not act or form.get("Version") != "2011-06-15":
                raise Bad(
                    400, "InvalidAction",
                    f"Could not find operation {action} for version {form.get('Version')}",
                )
            keys = act(request, form)
        except Bad as bad:
            return bad.status, error_document(bad.code, bad.message), ()
        return (
            200,
            self.style(
                action, keys, form["RoleArn"].replace(":iam:", ":sts:"), form["RoleSessionName"]
            ),
            (),
        )

    def parse(self, request):
        kind = (request.header("content-type") or "").replace(" ", "").lower()
        if request.method != "POST" or request.target != self.base_path + "/":
            self.complain(request, "not a POST to /")
        if kind not in (
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;charset=utf-8",
        ):
            self.complain(request, f"Content-Type is {kind}")
        form = {}
        for pair in request.body.decode("ascii").split("&"):
            match = PAIR.match(pair)
            if not match or match[1] in form:
                self.complain(request, f"the form has {pair[:60]!r}")
                raise Bad(400, "MalformedInput", "the form cannot be read")
            form[match[1]] = urllib.parse.unquote_plus(match[2])
        return form

    def check_form(self, request, form, more):
        allowed = {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", *more}
        if not {"RoleArn", "RoleSessionName"} <= set(form) <= allowed:
            self.complain(request, f"the form has {sorted(form)}")
            raise Bad(400, "ValidationError", "members")
        if not ROLE.match(form["RoleArn"]) or not SESSION.match(form["RoleSessionName"]):
            raise Bad(
                400, "ValidationError", "RoleArn or RoleSessionName fails to satisfy constraint"
            )
        if not 900 <= int(form.get("DurationSeconds", 3600)) <= 43200:
            raise Bad(400, "ValidationError", "DurationSeconds fails to satisfy constraint")

    def assume_with_web_identity(self, request, form):
        for name in ("authorization", "x-amz-security-token"):
            if request.values(name):
                self.complain(request, f"{name} was sent")
        self.check_form(request, form, {"WebIdentityToken"})
        if self.tokens.get(form.get("WebIdentityToken")) != form["RoleArn"]:
            raise Bad(
                400, "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for <https://issuer.test> & co",
            )
        return self.ring.issue("WEBID", self.life, token_end=self.token_end)

    def assume(self, request, form):
        self.check_form(request, form, {"ExternalId"})
        found = signatures.scope(request)
        if not found:
            raise Bad(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        keys = self.ring.pick(found["key"])
        if not keys:
            raise Bad(
                403, "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            )
        if keys.expired:
            raise Bad(403, "ExpiredToken", "The security token included in the request is expired")
        wrong = signatures.problems(request, keys, bool(self.tls), service="sts")
        if found["region"] != self.region:
            wrong.append(f"signed for {found['region']}")
        for text in wrong:
            self.complain(request, text)
        demands = self.roles.get(form["RoleArn"])
        if demands is None or any(form.get(name) != value for name, value in demands.items()):
            raise Bad(
                403, "AccessDenied",
                "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
                f"sts:AssumeRole on resource: {form['RoleArn']}",
            )
        return self.ring.issue("STS", self.life, token_end=self.token_end)
