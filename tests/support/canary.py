#!/usr/bin/env python3
"""canary - an SSH server that lets nobody in and writes down every attempt to log in (paramiko).

    with Canary("password") as canary:
        ...
        canary.attempts          # [["none", ""], ["password", "hunter2"], ["end", ""], ...]

It runs as a process of its own, with whichever python3 has paramiko.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

READY_S = 20


def python_with_paramiko():
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3", shutil.which("python3")):
        if candidate and os.path.exists(candidate) and subprocess.run(
                [candidate, "-c", "import paramiko"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


class Canary:
    """methods: what it offers, as in RFC 4252: "password,keyboard-interactive"."""

    def __init__(self, methods, python):
        self.attempts, self.methods, self.python = [], methods, python

    def __enter__(self):
        self.process = subprocess.Popen([self.python, os.path.abspath(__file__), self.methods],
            stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        facts = json.loads(self.process.stdout.readline())
        self.host, self.port, self.key = "127.0.0.1", facts["port"], facts["key"]
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.thread.join()
        self.process.wait()

    def _read(self):
        for line in self.process.stdout:
            self.attempts.append(json.loads(line))

    def ended(self):
        """How many connections are over, with all their attempts noted."""
        return sum(method == "end" for method, _ in list(self.attempts))

    def secrets(self):
        return [secret for method, secret in list(self.attempts) if method != "none" and secret]


def serve(methods):
    import paramiko                                        # not everybody who reads this file has it

    def note(method, secret):
        print(json.dumps([method, secret]), flush=True)

    class Server(paramiko.ServerInterface):
        def get_allowed_auths(self, username):
            return methods

        def check_auth_none(self, username):
            note("none", "")
            return paramiko.AUTH_FAILED

        def check_auth_password(self, username, password):
            note("password", password)
            return paramiko.AUTH_FAILED

        def check_auth_publickey(self, username, key):
            note("publickey", "")
            return paramiko.AUTH_FAILED

        def check_auth_interactive(self, username, submethods):
            note("keyboard-interactive", "")
            return paramiko.InteractiveQuery("", "", ("Password: ", False))

        def check_auth_interactive_response(self, responses):
            note("answer", " ".join(responses))
            return paramiko.AUTH_FAILED

    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"port": listener.getsockname()[1], "key": f"{key.get_name()} {key.get_base64()}"}), flush=True)
    while True:
        connection, _ = listener.accept()
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        try:
            transport.start_server(server=Server())        # in a thread of its own
        except (paramiko.SSHException, EOFError, OSError):
            pass        # it was over before we looked: that, too, is an end
        threading.Thread(target=lambda done=transport: (done.join(), note("end", "")), daemon=True).start()


if __name__ == "__main__":
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    serve(sys.argv[1])
