"""EC2's instance metadata service, version 2 with its session tokens and version 1, as far as roles
go."""

import re
import secrets
import time

from support.issued import iso
from support.service import Service

TOKEN = "/latest/api/token"
ROLES = "/latest/meta-data/iam/security-credentials/"
TTL_FIELD = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN_FIELD = "x-aws-ec2-metadata-token"


class Metadata(Service):
    """`mode`: "required" (sessions only), "optional" (without one, too), "v1" (no sessions:
    `refusal` answers a PUT), "off". `document(keys)` may change what is said of the keys."""

    content_type = "text/plain"
    keep_alive = False

    def __init__(
        self, ring, role="gateway-role", life=3600, mode="required", refusal=403, document=None,
        **options,
    ):
        self.ring, self.role, self.life, self.mode, self.refusal = ring, role, life, mode, refusal
        self.document = document or (lambda keys: {})
        self.sessions = {}
        self.refused = []
        super().__init__(**options)

    def end_sessions(self):
        """As when the instance was stopped and started: all tokens are void."""
        self.sessions.clear()

    def answer(self, request):
        status, body = self.decide(request)
        if status != 200:
            self.refused.append((request, status))
            body = (
                body
                or f'<?xml version="1.0"?><html><head><title>{status}</title></head>'
                 f'<body></body></html>'
            )
        fields = [("Server", "EC2ws"), ("Accept-Ranges", "none")]
        if request.method == "PUT" and status == 200:
            fields.append(("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", request.header(TTL_FIELD)))
        return status, body, fields

    def decide(self, request):
        if request.header("x-forwarded-for") or self.mode == "off":
            return 403, ""
        if request.header("authorization") or request.header("x-amz-security-token"):
            self.complain(request, "credentials were sent to the metadata service")
        if request.method == "PUT" and request.target == TOKEN:
            return self.session(request)
        if request.method != "GET":
            return 405, ""
        token = request.header(TOKEN_FIELD)
        if token is None and self.mode == "required":
            return 401, ""
        if token is not None and self.sessions.get(token, 0) < time.time():
            return 401, ""
        if request.target == ROLES:
            return 200, self.role
        if request.target == ROLES + self.role:
            return 200, self.keys()
        return 404, ""

    def session(self, request):
        if self.mode == "v1":
            return self.refusal, ""
        ttl = request.header(TTL_FIELD) or ""
        if not re.fullmatch(r"\d{1,5}", ttl) or not 1 <= int(ttl) <= 21600 or request.body:
            return 400, ""
        token = secrets.token_urlsafe(40)[:54] + "=="
        self.sessions[token] = time.time() + int(ttl)
        return 200, token

    def keys(self):
        keys = self.ring.issue("METADATA", self.life)
        body = {
            "Code": "Success",
            "LastUpdated": iso(time.time()),
            "Type": "AWS-HMAC",
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret,
            "Token": keys.token,
            "Expiration": keys.expiration,
        }
        body.update(self.document(keys))
        return {name: value for name, value in body.items() if value is not None}

    def asked(self, method="GET", target=None):
        return [r for r in self.requests if r.method == method and target in (None, r.target)]
