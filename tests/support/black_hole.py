"""A port that takes connections and never answers the handshake of TCP: its queue is full."""

import socket
import threading


class BlackHole:
    """Until `release()`: then those who still knock get through, and `endpoint` serves them."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.problems = []
        self.socket = endpoint.listeners[0]
        self.socket.listen(0)
        self.filler = socket.create_connection(self.socket.getsockname(), 1)
        # Whether the queue is full shows in a connection that cannot be made.
        probe = socket.socket()
        probe.settimeout(0.05)
        try:
            probe.connect(self.socket.getsockname())
            raise AssertionError("the queue of a listening socket cannot be filled here")
        except TimeoutError:
            probe.close()

    def release(self):
        self.filler.close()
        self.socket.accept()[0].close()
        self.endpoint.open()

    def release_after(self, seconds):
        threading.Timer(seconds, self.release).start()

    def stop(self):
        self.filler.close()
