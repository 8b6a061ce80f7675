"""person - somebody who runs `mcp-ssh-session login` in a terminal and answers what it asks.

    with Person(binary, "web1", env=env) as person:
        person.answer("Password of bob@web1:22: ", "secret")
        assert person.wait() == 0
"""
import os
import pty
import select
import signal
import subprocess
import termios
import time

LIMIT_S = 20        # a hang guard, not a promise


class Person:
    def __init__(self, binary, *arguments, env=None):
        self.master, terminal = pty.openpty()
        self.seen = ""
        self.status = None
        self.process = subprocess.Popen([binary, "login", *arguments], stdin=terminal, stdout=terminal, stderr=terminal,
                                        env=env, start_new_session=True, preexec_fn=self._take_terminal, cwd="/")
        os.close(terminal)

    @staticmethod
    def _take_terminal():
        import fcntl    # between fork and exec, in a session of its own
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"not within {LIMIT_S} s; the terminal shows: {self.seen!r}"
        try:
            data = os.read(self.master, 4096)
        except OSError:     # Linux: the other side is closed
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, text):
        deadline = time.monotonic() + LIMIT_S
        while text not in self.seen:
            assert self._read(deadline), f"ended without {text!r}: {self.seen!r}"

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text.encode())

    def answer(self, question, answer):
        """Waits for the question behind what was answered before."""
        self.expect(question)
        self.seen = self.seen.split(question, 1)[1]
        self.type(answer + "\n")

    def wait(self):
        """The exit status; what it printed is in seen."""
        deadline = time.monotonic() + LIMIT_S
        while self._read(deadline):
            pass
        return self.process.wait(timeout=LIMIT_S)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
