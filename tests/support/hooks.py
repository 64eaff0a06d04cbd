"""Where a response_url points: Slack's end of the way back."""

import ssl

from support.wire import Gone, Server, Wire, eventually, head_problems, response


class Hooks(Server):
    """Takes messages. `script` holds the answers, bytes or a function of the wire; then 200 `ok`."""

    def __init__(self, tls=None, script=(), name="127.0.0.1", **options):
        self.tls = tls
        self.script = list(script)
        self.requests = []
        super().__init__(**options)
        self.origin = f"{'https' if tls else 'http'}://{name}:{self.port}"

    def url(self, path="/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN"):
        return self.origin + path

    def serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError) as fault:
                raise Gone from fault
        wire = Wire(sock)
        while True:
            request = wire.read_request()
            self.problems += [f"response_url: {problem}" for problem in head_problems(request.head)]
            if request.method != "POST" or not (request.header("content-type") or "").startswith("application/json"):
                self.problems.append(f"response_url: {request.method} of {request.header('content-type')}")
            for name in ("authorization", "x-amz-date", "x-amz-security-token"):
                if request.values(name):
                    self.problems.append(f"response_url: {name} was sent there")
            self.requests.append(request)
            act = self.script.pop(0) if self.script else response(200, b"ok")
            if callable(act):
                act(wire)
            else:
                wire.send(act)

    def wait(self, count=1, timeout=5.0):
        assert eventually(lambda: len(self.requests) >= count, timeout), f"{len(self.requests)} messages came, not {count}"
        return [request.json() for request in self.requests[:count]]
