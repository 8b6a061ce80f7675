"""oracle - what the OpenSSH client gets for the same command, over one multiplexed connection."""
import os
import subprocess
import time

from support.sshd import quiet_environment, which


class Oracle:
    def __init__(self, sshd, login):
        self.sshd, self.login = sshd, login
        self.socket = os.path.join(sshd.dir, "client", "mux-" + login)
        self.master = subprocess.Popen(self._argv("-M", "-N"), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=quiet_environment())
        deadline = time.monotonic() + 10
        while not os.path.exists(self.socket):
            if self.master.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"ssh -M {login}: {self.master.stderr.read().decode()}")
            time.sleep(0.01)

    def run(self, command):
        """(output with stderr in its place and LF line ends, exit status) of `ssh login command`."""
        # On a line of its own, so that a shell has done it before it meets a syntax error.
        done = subprocess.run(self._argv() + ["exec 2>&1\n" + command], stdin=subprocess.DEVNULL,
                              capture_output=True, env=quiet_environment(), check=False, timeout=60)
        output = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        return output, done.returncode

    def close(self):
        self.master.kill()
        self.master.wait()
        self.master.stderr.close()

    def _argv(self, *options):
        return [which("ssh"), "-F", self.sshd.ssh_config, "-o", "BatchMode=yes", "-S", self.socket,
                *options, self.login]
