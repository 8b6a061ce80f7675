"""terminal - a program that talks to a person, on a terminal of its own.

    with Terminal([binary, "trust", "web"], env) as terminal:
        terminal.expect("(yes/no")
        terminal.type("yes\\n")
        assert terminal.wait() == 0
"""
import os
import pty
import select
import subprocess
import time

ANSWER_S = 30           # a hang guard, not a promise


class Terminal:
    def __init__(self, argv, env):
        self.text, self._seen = "", 0
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=terminal, stdout=terminal, stderr=terminal, env=env,
            start_new_session=True)
        os.close(terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self, deadline):
        """False: the program has closed its side."""
        ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing came; so far:\n{self.text}"
        try:
            data = os.read(self._master, 4096)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def expect(self, text):
        """Waits for the text after what was expected before."""
        deadline = time.monotonic() + ANSWER_S
        while text not in self.text[self._seen:]:
            assert self._read(deadline), f"it ended without {text!r}:\n{self.text}"
        self._seen = self.text.index(text, self._seen) + len(text)

    def type(self, text):
        os.write(self._master, text.encode())

    def wait(self):
        """All that is left, then the exit status."""
        deadline = time.monotonic() + ANSWER_S
        while self._read(deadline):
            pass
        return self.process.wait(ANSWER_S)
