"""agent - an ssh-agent of a test's own, on a socket of its choice.

    with Agent(path, key) as agent:
        ... agent.path ...
"""
import subprocess

from support.sshd import SEARCH_PATH, which

NO_KEYS = 1     # what `ssh-add -l` ends with when the agent answers and has none


class Agent:
    def __init__(self, path, *keys, askpass=None):
        self.path, self.keys = str(path), keys
        self.environment = {"SSH_AUTH_SOCK": self.path, "PATH": SEARCH_PATH}
        if askpass:
            self.environment.update(SSH_ASKPASS=askpass, SSH_ASKPASS_REQUIRE="force", DISPLAY="none")
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([which("ssh-agent"), "-D", "-a", self.path], stdout=subprocess.DEVNULL)
        # its socket is there a moment before it listens
        while self._run("-l").returncode != NO_KEYS:
            assert self.process.poll() is None
        for key in self.keys:
            done = self._run("-q", key)
            assert done.returncode == 0, done.stderr
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def _run(self, *words):
        return subprocess.run([which("ssh-add"), *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
