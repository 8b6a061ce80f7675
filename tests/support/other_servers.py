"""other_servers - SSH servers that are not OpenSSH: dropbear and tinysshd, with the logins of an Sshd.

    with Dropbear(sshd) as server:
        server.port, server.known_hosts, server.client_key

Both find their users where the Sshd's do, by its name files; their homes have an authorized_keys.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from support.sshd import HOST, end_with_parent, free_port, which

READY_S = 10


class OtherServer:
    """A daemon on a port of its own; the subclass says which."""
    program = None
    shells = ("t-bash", "t-dash")

    def __init__(self, sshd):
        self.sshd, self.host, self.client_key = sshd, HOST, sshd.client_key
        self.dir = self.process = self.port = self.known_hosts = None

    @classmethod
    def is_here(cls):
        return which(cls.program) is not None

    def __enter__(self):
        # Not below /tmp: tinysshd wants no directory above a home that others may write to.
        self.dir = tempfile.mkdtemp(prefix="mcp-ssh-test-", dir="/run" if os.geteuid() == 0 else None)
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self._make_homes()
        self._make_host_key()
        self.known_hosts = os.path.join(self.dir, "known_hosts")
        with open(self.known_hosts, "w", encoding="utf-8") as file:
            file.write(f"[{HOST}]:{self.port} {self._public_host_key()}\n")
        self.process = subprocess.Popen(self._argv(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=self._environment(), start_new_session=True,
                                        preexec_fn=end_with_parent)
        self._wait_for_port()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _make_homes(self):
        passwd = []
        for name in self.shells:
            user = self.sshd.users[name]
            home = os.path.join(self.dir, name)
            os.makedirs(os.path.join(home, ".ssh"), mode=0o700)
            keys = os.path.join(home, ".ssh", "authorized_keys")
            shutil.copy(self.client_key + ".pub", keys)
            os.chmod(home, 0o700)
            os.chmod(keys, 0o600)
            for path in (home, os.path.dirname(keys), keys):
                os.chown(path, user.uid, user.uid)
            passwd.append(f"{name}:*:{user.uid}:{user.uid}:test:{home}:{user.shell}")
        with open(os.path.join(self.dir, "passwd"), "w", encoding="utf-8") as file:
            file.write("\n".join([*passwd, "root:*:0:0:root:/nonexistent:/usr/sbin/nologin"]) + "\n")

    def _environment(self):
        return {**self.sshd._environment(), "NSS_WRAPPER_PASSWD": os.path.join(self.dir, "passwd")}

    def _wait_for_port(self):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                with socket.create_connection((HOST, self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"{self.program} does not start")


class Dropbear(OtherServer):
    program = "dropbear"

    def _make_host_key(self):
        made = subprocess.run([which("dropbearkey"), "-t", "ed25519", "-f", os.path.join(self.dir, "key")],
                              check=True, capture_output=True, text=True)
        self.public = next(line for line in made.stdout.splitlines() if line.startswith("ssh-ed25519 "))

    def _public_host_key(self):
        return " ".join(self.public.split()[:2])

    def _argv(self):
        return [which("dropbear"), "-F", "-E", "-p", f"{HOST}:{self.port}", "-r", os.path.join(self.dir, "key"),
                "-P", os.path.join(self.dir, "pid")]


class Tinysshd(OtherServer):
    """tinysshd speaks on its standard input and output; ncat listens for it."""
    program = "tinysshd"

    @classmethod
    def is_here(cls):
        return super().is_here() and which("ncat") is not None

    def _make_host_key(self):
        subprocess.run([which("tinysshd-makekey"), os.path.join(self.dir, "keys")], check=True, capture_output=True)

    def _public_host_key(self):
        shown = subprocess.run([which("tinysshd-printkey"), os.path.join(self.dir, "keys")], check=True,
                               capture_output=True, text=True)
        return " ".join(shown.stdout.split()[:2])

    def _argv(self):
        command = f"{which('tinysshd')} {os.path.join(self.dir, 'keys')}"
        return [which("ncat"), "-k", "-l", HOST, str(self.port), "-e", command]
