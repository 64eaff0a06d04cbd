"""moto, somebody else's idea of AWS: a server that checks signatures and permissions, as a second
opinion.

Its wheel is fetched with pip into build/ the first time; what it needs are packages of the
distribution. Where it cannot be had its tests are skipped, but not on a machine that has CI set."""

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

import botocore.session
from botocore.config import Config

from support import signatures
from support.listener import free_port
from support.process import ROOT
from support.wire import eventually

WHEEL = "moto==5.2.5"
SHA256 = "eef62cdcf3bfe73e0863743511ba042dfaba04ba3d5ecdcb896a196c693ad528"
PLACE = ROOT / "build" / "moto"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def fetch():
    """Where the package lies, or None."""
    if not PLACE.exists():
        with tempfile.TemporaryDirectory() as folder:
            command = [
                "/usr/bin/python3", "-m", "pip", "download", "-q", "--no-deps",
                "--disable-pip-version-check",
            ]
            if (
                subprocess.run([*command, "--dest", folder, WHEEL], capture_output=True).returncode
                != 0
            ):
                return None
            wheel = next(Path(folder).glob("*.whl")).read_bytes()
        if hashlib.sha256(wheel).hexdigest() != SHA256:
            sys.exit(f"{WHEEL} is not the one whose hash is known")
        fresh = Path(tempfile.mkdtemp(dir=PLACE.parent))
        zipfile.ZipFile(io.BytesIO(wheel)).extractall(fresh)
        try:
            fresh.rename(PLACE)
        except OSError:
            pass  # another worker was quicker
    return PLACE


class Moto:
    """A server of its own, in which a function is ready. It believes everybody until it is told not
    to."""

    def __init__(self, **env):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{self.port}'])"
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-c", program],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PLACE), **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert eventually(self.reachable, 300, 0.1), "moto does not listen"
        self.control("config", {"lambda": {"use_docker": False}})
        self.role = self.client("iam").create_role(
            RoleName="role", AssumeRolePolicyDocument=EVERYTHING
        )["Role"]["Arn"]
        self.client("iam").put_role_policy(
            RoleName="role", PolicyName="all", PolicyDocument=EVERYTHING
        )
        self.add_function("my-fn")

    def reachable(self):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def control(self, what, body):
        request = urllib.request.Request(
            f"{self.url}/moto-api/{what}", json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()

    def be_strict(self):
        """From now on every request must be signed by somebody who may make it."""
        self.control("reset-auth", 0)

    def client(self, service, keys=None):
        session = botocore.session.Session()
        keys = keys or signatures.Keys()
        session.set_credentials(keys.access_key_id, keys.secret, keys.token)
        return session.create_client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            config=Config(retries={"max_attempts": 0}),
        )

    def user(self, name, policy=EVERYTHING):
        """A new one; his keys."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return signatures.Keys(key["AccessKeyId"], key["SecretAccessKey"], None)

    def add_function(self, name):
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("x.py", "def handler(event, context): return event\n")
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self.role,
            Handler="x.handler",
            Code={"ZipFile": code.getvalue()},
        )

    def stop(self):
        self.process.kill()
        self.process.wait()
