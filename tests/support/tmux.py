"""tmux - what another terminal makes of the same bytes.

    with Tmux(80, 24) as tmux:
        tmux.feed(b"\\x1b[2;3Hhello")
        assert tmux.rows()[1] == "  hello" and tmux.cursor() == (7, 1)
"""
import os
import re
import shutil
import subprocess
import tempfile
import uuid

from support.sshd import which

LIMIT_S = 30            # a hang guard, not a promise
ACS = dict(zip("`afgijklmnopqrstuvwxyz{|}~", "♦▒°±␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£⋅", strict=True))
SETTINGS = """set -g status off
set -g history-limit 100
set -g remain-on-exit on
set -g default-terminal xterm-256color
set -g escape-time 0
set -g exit-empty off
"""
# In the pane: a byte count and as many bytes come in; they go to the terminal, then a question to it.
# Its answer means that all before was taken.
PLAYER = """
import os, sys, termios, tty
tty.setraw(0)
termios.tcflush(0, termios.TCIFLUSH)
asked, told = open(sys.argv[1], "rb", buffering=0), open(sys.argv[2], "wb", buffering=0)
while (line := asked.readline()):
    left = int(line)
    while left > 0:
        piece = asked.read(min(left, 65536))
        left -= len(piece)
        while piece:
            piece = piece[os.write(1, piece):]
    os.write(1, b"\\x1b[5n")
    answer = b""
    while not answer.endswith(b"\\x1b[0n"):
        answer += os.read(0, 100)
    told.write(b"!")
"""


class Tmux:
    def __init__(self, columns, rows):
        self.dir = tempfile.mkdtemp(prefix="mcp-ssh-tmux-", dir="/tmp")
        self.socket = os.path.join(self.dir, "socket")
        self.name = uuid.uuid4().hex
        path = {name: os.path.join(self.dir, name) for name in ("settings", "player", "asked", "told")}
        for name, text in (("settings", SETTINGS), ("player", PLAYER)):
            with open(path[name], "w", encoding="utf-8") as file:
                file.write(text)
        for name in ("asked", "told"):
            os.mkfifo(path[name])
        self._run("-f", path["settings"], "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  f"exec python3 {path['player']} {path['asked']} {path['told']}")
        self.asked = open(path["asked"], "wb", buffering=0)
        self.told = open(path["told"], "rb", buffering=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.asked.close()
        self.told.close()
        self._run("kill-server")
        shutil.rmtree(self.dir, ignore_errors=True)

    def _run(self, *argv):
        return subprocess.run([which("tmux"), "-u", "-S", self.socket, *argv], check=True, capture_output=True, timeout=LIMIT_S,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                                   "SHELL": "/bin/sh", "HOME": self.dir}).stdout.decode()

    def feed(self, data):
        """Returns when tmux has taken all of it. No cut within a sequence: what asks would end it."""
        data = b"%d\n" % len(data) + data
        while data:
            data = data[self.asked.write(data):]
        assert self.told.read(1) == b"!"

    def reset(self):
        self.feed(b"\x18\x1bc\x1b[?1049l\x1b[?6l\x1b[r\x1b[4l\x1b[?7h\x1b[?5W\x1b[3J\x1b[2J\x1b[H\x1bc")

    def rows(self):
        """With the line drawing characters that a capture has as letters between SO and SI."""
        text = self._run("capture-pane", "-p", "-e", "-N")
        drawn, is_drawing = [], False
        for part in re.split(r"(\x0e|\x0f|\x1b\[[0-9;:]*m)", text):
            if part in ("\x0e", "\x0f"):
                is_drawing = part == "\x0e"
            elif not part.startswith("\x1b"):
                drawn.append("".join(ACS.get(c, c) for c in part) if is_drawing else part)
        return [row.rstrip(" ") for row in "".join(drawn).split("\n")[:-1]]

    def cursor(self):
        """Column, row, and whether the alternate screen is shown."""
        x, y, alternate, width = self._run("display-message", "-p",
                                           "#{cursor_x} #{cursor_y} #{alternate_on} #{pane_width}").split()
        return min(int(x), int(width) - 1), int(y), bool(int(alternate))
