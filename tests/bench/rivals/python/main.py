"""What the gateway does for a slash command, with botocore, which cannot connect ahead of the first
request."""

import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from urllib.parse import parse_qs

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

API = "/2018-06-01/runtime/invocation/"
TOLERANCE_S = 300
SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()


def exchange(runtime, method, path, body=None):
    runtime.request(method, API + path, body, {"Content-Type": "application/json"} if body else {})
    response = runtime.getresponse()
    return response.headers, response.read()


def verify(event):
    headers = {name.lower(): value for name, value in event["headers"].items()}
    timestamp = headers.get("x-slack-request-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        raise ValueError("too old")
    signed = f"v0:{timestamp}:{event['body']}".encode()
    wanted = "v0=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, headers.get("x-slack-signature", "")):
        raise ValueError("wrong signature")


def reply(status, body):
    headers = {"content-type": "application/json"}
    return json.dumps(
        {
            "statusCode": status, "headers": headers, "body": json.dumps(body),
            "isBase64Encoded": False,
        }
    )


def handle(functions, payload):
    began = time.monotonic()
    event = json.loads(payload)
    try:
        verify(event)
    except ValueError as error:
        print("refused:", error, file=sys.stderr)
        return reply(401, {"error": str(error)})
    region, function = event["path"].strip("/").split("/")
    command = parse_qs(event["body"])["command"][0]
    text = f"Lambda function {function}@{region} has been started..."
    try:
        functions.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
    except (BotoCoreError, ClientError) as error:
        text = f"Lambda function {function}@{region} could not be started: {error}"
    print(
        f"{command} {function}@{region} in {(time.monotonic() - began) * 1e6:.0f} us",
        file=sys.stderr,
    )
    return reply(200, {"response_type": "ephemeral", "text": text})


def main():
    functions = botocore.session.get_session().create_client(
        "lambda", region_name=os.environ["AWS_REGION"]
    )
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        headers, payload = exchange(runtime, "GET", "next")
        answer = handle(functions, payload)
        exchange(runtime, "POST", headers["Lambda-Runtime-Aws-Request-Id"] + "/response", answer)


main()
