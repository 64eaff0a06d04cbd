"""Where signing secrets can lie: Systems Manager's parameters and Secrets Manager, in AWS's JSON
protocol 1.1."""

import base64
import json
import re
import time
import uuid

from support import signatures
from support.service import Service, says


def refusal(name, message="no", status=400, namespace="", key="message"):
    """An answer that is an error."""
    return says(status, {"__type": namespace + name, key: message}, "application/x-amz-json-1.1")


class Refused(Exception):
    def __init__(self, name, message, status=400):
        super().__init__(name)
        self.name, self.message, self.status = name, message, status


class JsonService(Service):
    """Signed requests with an X-Amz-Target. Errors name a namespace, as those services' do at
    times."""

    content_type = "application/x-amz-json-1.1"
    service = namespace = operations = None

    def __init__(self, keys=None, region="eu-west-1", **options):
        self.keys, self.region = keys or signatures.Keys(), region
        self.asked = []
        super().__init__(**options)

    def answer(self, request):
        try:
            return 200, self.perform(request), [("x-amzn-RequestId", str(uuid.uuid4()))]
        except Refused as refused:
            return (
                refused.status,
                {"__type": self.namespace + refused.name, "message": refused.message}, (),
            )

    def perform(self, request):
        target = request.header("x-amz-target") or ""
        if request.method != "POST" or request.target != self.base_path + "/":
            self.complain(request, "not a POST to /")
        if request.header("content-type") != self.content_type:
            self.complain(request, f"Content-Type is {request.header('content-type')}")
        wrong = signatures.problems(request, self.keys, bool(self.tls), service=self.service)
        found = signatures.scope(request)
        if not found:
            raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
        if found["region"] != self.region:
            wrong.append(f"signed for {found['region']}")
        for text in wrong:
            self.complain(request, text)
        asked = json.loads(request.body)
        self.asked.append((target, asked))
        act = self.operations.get(target)
        if not act:
            raise Refused("UnknownOperationException", "")
        return act(self, asked)


class Parameters(JsonService):
    """`values`: name to value; all are SecureStrings. Names may end in `:version` or `:label`, or
    be ARNs."""

    service, namespace = "ssm", ""

    def __init__(self, values, **options):
        self.values = dict(values)
        super().__init__(**options)

    def get(self, asked):
        if set(asked) - {"Name", "WithDecryption"} or not isinstance(asked.get("Name"), str):
            raise Refused("ValidationException", f"members {sorted(asked)}")
        name = re.sub(r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter", "", asked["Name"])
        if name not in self.values:
            raise Refused("ParameterNotFound", "")
        value = self.values[name]
        if not asked.get("WithDecryption"):
            value = "AQICAHgxz" + base64.b64encode(value.encode()).decode()
        plain = name.partition(":")[0]
        return {
            "Parameter": {
                "ARN": f"arn:aws:ssm:{self.region}:123456789012:parameter{plain}",
                "DataType": "text",
                "LastModifiedDate": 1.530018761888e9,
                "Name": plain,
                "Type": "SecureString",
                "Value": value,
                "Version": 3,
            }
        }

    operations = {"AmazonSSM.GetParameter": get}


class SecretsManager(JsonService):
    """`values`: id to the value of each stage, {"slack": {"AWSCURRENT": "...", "AWSPREVIOUS":
    "..."}}; a text stands for the current one alone. Text is a SecretString, bytes are a
    SecretBinary."""

    service, namespace = "secretsmanager", "com.amazonaws.secretsmanager#"

    def __init__(self, values, **options):
        self.values = {}
        for ident, value in values.items():
            self.values[ident] = value if isinstance(value, dict) else {"AWSCURRENT": value}
        super().__init__(**options)

    def rotate(self, ident, value):
        stages = self.values[ident]
        stages["AWSPREVIOUS"], stages["AWSCURRENT"] = stages["AWSCURRENT"], value

    def get(self, asked):
        if set(asked) - {"SecretId", "VersionStage", "VersionId"}:
            raise Refused("ValidationException", f"members {sorted(asked)}")
        stages = self.values.get(asked.get("SecretId"))
        if stages is None:
            raise Refused(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        stage = asked.get("VersionStage", "AWSCURRENT")
        if stage not in stages:
            raise Refused(
                "ResourceNotFoundException",
                f"Secrets Manager can't find the specified secret value for staging label: {stage}",
            )
        value = stages[stage]
        body = {
            "ARN": (
                f"arn:aws:secretsmanager:{self.region}:123456789012:"
                f"secret:{asked['SecretId']}-AbCdEf"
            ),
            "CreatedDate": time.time() - 86400,
            "Name": asked["SecretId"],
            "VersionId": str(uuid.uuid4()),
            "VersionStages": [stage],
        }
        if isinstance(value, bytes):
            return {**body, "SecretBinary": base64.b64encode(value).decode()}
        return {**body, "SecretString": value}

    operations = {"secretsmanager.GetSecretValue": get}
