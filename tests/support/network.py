"""A network of its own for one test: loopback, every port free, names as the test says. Needs root.
"""

import ctypes
import fcntl
import os
import queue
import socket
import struct
import subprocess
import threading
import time

from support.wire import PATIENCE, eventually

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCGIFINDEX, IFF_UP = 0x8914, 0x8916, 0x8933, 1


def available():
    """Whether this machine lets us have one."""
    return subprocess.run(["unshare", "-mn", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Network:
    """A thread lives in the namespace and makes sockets there; whoever gets them may use them
    anywhere."""

    def __init__(self, folder):
        self.folder = folder
        self.jobs = queue.Queue()
        self.results = queue.Queue()
        self.tid = None
        self.aliases = 0
        self.problems = []
        threading.Thread(target=self.live, daemon=True).start()
        result = self.results.get(timeout=PATIENCE)
        if isinstance(result, Exception):
            raise result
        self.hosts("127.0.0.1 localhost\n")
        self.resolv_conf("nameserver 127.0.0.1\n")

    def live(self):
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            self.tid = threading.get_native_id()
            self.results.put(None)
        except OSError as fault:
            self.results.put(fault)
            return
        for job in iter(self.jobs.get, None):
            try:
                self.results.put(job())
            except Exception as fault:
                self.results.put(fault)

    def run(self, job):
        self.jobs.put(job)
        result = self.results.get(timeout=PATIENCE)
        if isinstance(result, Exception):
            raise result
        return result

    def address(self, address):
        """Makes the loopback device, the first of the interfaces, answer to one more address."""
        six = ":" in address
        self.aliases += 1

        def job():
            with socket.socket(
                socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM
            ) as sock:
                if six:
                    (index,) = struct.unpack(
                        "16xi20x", fcntl.ioctl(sock, SIOCGIFINDEX, struct.pack("16s24x", b"lo"))
                    )
                    request = socket.inet_pton(socket.AF_INET6, address) + struct.pack(
                        "=Ii", 128, index
                    )
                else:
                    place = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
                    request = struct.pack("16s16s8x", f"lo:{self.aliases}".encode(), place)
                fcntl.ioctl(sock, SIOCSIFADDR, request)

        def usable():
            with socket.socket(
                socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM
            ) as sock:
                try:
                    sock.bind((address, 0, 0, 1) if six else (address, 0))
                except OSError:
                    return False
                return True

        self.run(job)
        assert eventually(lambda: self.run(usable)), f"{address} cannot be had here"
        return address

    def listener(self, port, host="127.0.0.1"):
        """A bound TCP socket; its Server opens it."""

        def job():
            sock = socket.socket(
                socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM
            )
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            return sock

        return self.run(job)

    def datagrams(self, port, host="127.0.0.1"):
        def job():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((host, port))
            return sock

        return self.run(job)

    def hosts(self, text):
        (self.folder / "hosts").write_text(text)

    def resolv_conf(self, text):
        (self.folder / "resolv.conf").write_text(text)

    @property
    def wrapper(self):
        """The command that starts a program inside."""
        mounts = [
            f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("hosts", "resolv.conf")
        ]
        script = " && ".join([*mounts, 'exec "$@"'])
        return [
            "nsenter", f"--net=/proc/{os.getpid()}/task/{self.tid}/ns/net", "unshare", "-m", "sh",
            "-c", script, "sh",
        ]

    def stop(self):
        self.jobs.put(None)


class Dns:
    """A name server. `names` maps a name to its addresses (or a function of name and type that
    returns them, None for no such name); `truncate`: UDP answers say "use TCP"; `delay` in seconds;
    `mute`: never answers."""

    def __init__(self, network, names, truncate=False, delay=0.0, mute=False, port=53):
        self.names, self.truncate, self.delay, self.mute = names, truncate, delay, mute
        self.asked = []
        self.over_tcp = 0
        self.problems = []
        self.udp = network.datagrams(port)
        self.tcp = network.listener(port)
        self.tcp.listen(8)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(2048)
            except OSError:
                return
            threading.Thread(target=self.answer_udp, args=(query, peer), daemon=True).start()

    def answer_udp(self, query, peer):
        try:
            answer = self.answer(query, self.truncate)
            if answer and not self.mute:
                time.sleep(self.delay)
                self.udp.sendto(answer, peer)
        except OSError:
            pass
        except Exception as fault:
            self.problems.append(f"a query of {len(query)} bytes: {fault!r}")

    def serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            try:
                while True:
                    size = sock.recv(2, socket.MSG_WAITALL)
                    if len(size) < 2:
                        break
                    (size,) = struct.unpack(">H", size)
                    query = sock.recv(size, socket.MSG_WAITALL)
                    if len(query) < size:
                        break  # the program ended in the middle of it
                    answer = self.answer(query, False)
                    self.over_tcp += 1
                    sock.sendall(struct.pack(">H", len(answer)) + answer)
            except OSError:
                pass
            except Exception as fault:
                self.problems.append(f"over TCP: {fault!r}")
            sock.close()

    def answer(self, query, truncate):
        number, flags, questions = struct.unpack(">HHH", query[:6])
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, _ = struct.unpack(">HH", query[at + 1 : at + 5])
        name = ".".join(labels).lower()
        self.asked.append((name, {1: "A", 28: "AAAA"}.get(kind, kind)))
        addresses = self.names(name, kind) if callable(self.names) else self.names.get(name)
        code = 3 if addresses is None else 0
        records = b"".join(
            b"\xc0\x0c"
            + struct.pack(">HHIH", kind, 1, 60, 16 if kind == 28 else 4)
            + socket.inet_pton(socket.AF_INET6 if kind == 28 else socket.AF_INET, address)
            for address in addresses or []
            if (":" in address) == (kind == 28)
        )
        count = sum((":" in address) == (kind == 28) for address in addresses or [])
        if truncate:
            records, count = b"", 0
        flags = 0x8180 | (flags & 0x0100) | code | (0x0200 if truncate else 0)
        return struct.pack(">HHHHHH", number, flags, 1, count, 0, 0) + query[12 : at + 5] + records

    def stop(self):
        self.udp.close()
        self.tcp.close()
        assert not self.problems, self.problems
