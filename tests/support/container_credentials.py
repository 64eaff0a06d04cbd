"""The agents that give credentials to containers: ECS's, EKS Pod Identity's, and whoever else
speaks their protocol."""

from support.service import Service


class ContainerCredentials(Service):
    """`authorization`: the value that is let in, or a set of them; None: none must be sent.
    `document(keys)` may change the answer."""

    def __init__(self, ring,
                 path="/v2/credentials/0bd8d6f4-7d66-4c5c-a6d7-9c1a47d3a3c3",
                 authorization=None, life=3600,
                 document=None, **options):  # fmt: skip
        self.ring, self.path, self.authorization, self.life = ring, path, authorization, life
        self.document = document or (lambda keys: {})
        self.refused = 0
        super().__init__(**options)
        self.full_uri = self.url + path

    def answer(self, request):
        if request.method != "GET":
            self.complain(request, "only GET is known")
            return 405, {"code": "MethodNotAllowed", "message": "no"}, ()
        if request.target != self.path:
            return 404, {"code": "NoSuchPath", "message": f"no such path: {request.target}"}, ()
        known = self.authorization if isinstance(self.authorization, set) else {self.authorization}
        if request.header("authorization") not in known:
            self.refused += 1
            return 401, {"code": "InvalidAuthorization", "message": "the token is not known"}, ()
        return 200, self.keys(), ()

    def keys(self):
        keys = self.ring.issue("CONTAINER", self.life)
        body = {
            "RoleArn": "arn:aws:iam::123456789012:role/task",
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret,
            "Token": keys.token,
            "Expiration": keys.expiration,
        }
        body.update(self.document(keys))
        return {name: value for name, value in body.items() if value is not None}
