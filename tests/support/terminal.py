"""terminal - a program that talks to a person, on a terminal of its own; and that person.

    with Terminal([binary, "trust", "web"], env) as terminal:
        terminal.answer("(yes/no", "yes")
        assert terminal.wait() == 0

    with Person(binary, "web1", env=env) as person:         # runs `mcp-ssh-session login web1`
        person.answer("Password of bob@web1:22: ", "secret")
        assert person.wait() == 0
"""
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time

LIMIT_S = 30            # a hang guard, not a promise


class Terminal:
    """text is all that it showed; seen is what came after the question that was answered last."""

    def __init__(self, argv, env):
        self.text, self._answered = "", 0
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=terminal, stdout=terminal, stderr=terminal, env=env, cwd="/",
                                        start_new_session=True, preexec_fn=self._take_terminal)
        os.close(terminal)

    @staticmethod
    def _take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)        # between fork and exec, in a session of its own

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    @property
    def seen(self):
        return self.text[self._answered:]

    def _read(self, deadline):
        """False: the program has closed its side."""
        ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing came within {LIMIT_S} s; so far:\n{self.text}"
        try:
            data = os.read(self._master, 4096)
        except OSError:     # Linux: the other side is closed
            data = b""
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def expect(self, text):
        """Waits for the text, behind what was answered before."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self.seen:
            assert self._read(deadline), f"it ended without {text!r}:\n{self.text}"

    def echoes(self):
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def type(self, text):
        os.write(self._master, text.encode())

    def answer(self, question, answer):
        self.expect(question)
        self._answered = self.text.index(question, self._answered) + len(question)
        self.type(answer + "\n")

    def wait(self):
        """All that is left, then the exit status."""
        deadline = time.monotonic() + LIMIT_S
        while self._read(deadline):
            pass
        return self.process.wait(LIMIT_S)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)


class Person(Terminal):
    """Somebody who runs `mcp-ssh-session login` and answers what it asks."""

    def __init__(self, binary, *arguments, env=None):
        super().__init__([binary, "login", *arguments], env)
