"""Access keys that fake sources of credentials hand out, and that the fake services of AWS then
know."""

import datetime
import math
import secrets
import threading
import time

from support.signatures import Keys


class Issued(Keys):
    """Keys with an end. `expires` is a moment of the wall clock in whole seconds, None for never.
    """

    def __init__(self, access_key_id, secret, token, expires):
        super().__init__(access_key_id, secret, token)
        self.expires = expires

    @property
    def expiration(self):
        return iso(self.expires)

    @property
    def expired(self):
        return self.expires is not None and self.expires <= time.time()


def iso(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


class KeyRing:
    """All keys that were handed out in a test. Access key ids begin with the name of their source:
    see `source_of`."""

    def __init__(self):
        self.issued = {}
        self.processes = []
        self.lock = threading.Lock()

    def issue(self, source, life=3600, token=True, token_end=""):
        """`life` in seconds, None for keys that last (which have no token unless it says so)."""
        with self.lock:
            number = len(self.issued)
            ident = ("ASIA" if token else "AKIA") + source
            keys = Issued(
                ident.ljust(16, "Z") + f"{number:04d}",
                secrets.token_urlsafe(30),
                "IQoJb3JpZ2luX2Vj//" + secrets.token_hex(150) + token_end + "==" if token else None,
                None if life is None else math.ceil(time.time() + life),
            )
            self.issued[keys.access_key_id] = keys
            for process in self.processes:
                self.hide(process, keys)
        return keys

    def lasting(self, source="ENV"):
        return self.issue(source, life=None, token=False)

    def watch(self, process):
        """From now on no secret of these keys may show in the log of this process."""
        with self.lock:
            self.processes.append(process)
            for keys in self.issued.values():
                self.hide(process, keys)

    @staticmethod
    def hide(process, keys):
        process.forbidden += [keys.secret] + ([keys.token] if keys.token else [])

    def pick(self, access_key_id):
        return self.issued.get(access_key_id)


def source_of(access_key_id):
    return access_key_id[4:16].rstrip("Z")
