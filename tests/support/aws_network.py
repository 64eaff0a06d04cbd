"""A network of a test's own in which AWS's names and the addresses of metadata lead to fakes. Needs
root."""

from support import hosts, network
from support.hosts import Host
from support.listener import Serve

METADATA, METADATA_6 = "169.254.169.254", "fd00:ec2::254"
ECS, EKS, EKS_6 = "169.254.170.2", "169.254.170.23", "fd00:ec2::23"


class AwsNetwork:
    """`cloud` is where the fakes come from; `names` says where each name leads, and every other one
    nowhere."""

    def __init__(self, make, cloud):
        self.make, self.cloud = make, cloud
        folder = cloud.folder / "etc"
        folder.mkdir()
        self.net = make.keep(network.Network(folder))
        self.names = {}
        self.dns = make.keep(network.Dns(self.net, self.names))
        self.loopback = 0

    def at(self, address, port=80):
        """Options for a fake that listens there."""
        self.net.address(address)
        host = f"[{address}]" if ":" in address else address
        authority = host if port == 80 else f"{host}:{port}"
        return {"listener": self.net.listener(port, address), "authority": authority}

    def named(self, name, port=443):
        """Options for a fake that has this name and shows a good certificate for it."""
        self.loopback += 1
        address = f"127.0.1.{self.loopback}"
        self.names[name] = [address]
        tls = self.make.pki.server(self.make.pki.leaf(names=(name,), addresses=()))
        return {"listener": self.net.listener(port, address), "authority": name, "tls": tls}

    def invoke_endpoint(self, name, region="eu-west-1", **options):
        """Lambda under this name, in place of the cloud's own."""
        options = {**self.named(name), **options}
        authority = options.pop("authority")
        self.cloud.endpoint = self.make.endpoint(region=region, keys=self.cloud.ring, **options)
        self.cloud.endpoint.authority = authority
        return self.cloud.endpoint

    def start(self, kind="serve", **env):
        """A gateway that lives in there."""
        wanted = self.cloud.environment(
            AWS_EC2_METADATA_DISABLED=None, AWS_ENDPOINT_URL_LAMBDA=None, **env
        )
        if kind == "lambda":
            api = self.make.api(listener=self.net.listener(0))
            started = self.make.runtime(
                self.cloud.endpoint, api=api, wrapper=self.net.wrapper, **wanted
            )
        else:
            path = str(self.cloud.folder / "socket")
            wanted.setdefault("AWS_ENDPOINT_URL_LAMBDA", None)
            started = Serve(self.make)(
                endpoint=self.cloud.endpoint,
                listen=f"unix:{path}",
                wrapper=self.net.wrapper,
                **wanted,
            )
        self.cloud.ring.watch(started.process)
        return Host(kind, started, self.cloud.endpoint)


KINDS = hosts.HOSTS
