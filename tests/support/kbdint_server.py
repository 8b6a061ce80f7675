"""kbdint_server - an SSH server that asks what a test wants it to ask, and remembers what it got.

    rounds = [Round("two factors", [("Password: ", False), ("Code: ", True)], ["secret", "123456"])]
    with KbdintServer(tmp_path, rounds=rounds) as server:
        ...
        assert server.received == [["secret", "123456"]]

On python3-paramiko, in threads of the test's own. It serves exec requests by running them here with
/bin/sh, which is enough for isolated commands; there is no terminal.
"""
import dataclasses
import socket
import subprocess
import threading

import paramiko
from paramiko.message import Message

from support.sshd import free_port, keygen

ACCEPT_S = 0.2      # how often a closing server looks up
CHANGE_REQUEST = bytes([60])    # SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, RFC 4252 8


@dataclasses.dataclass
class Round:
    instruction: str
    prompts: list           # (text, echo)
    answers: list           # what is expected; anything else is refused
    name: str = ""


class Policy(paramiko.ServerInterface):
    """One connection: its log-in, its commands."""

    def __init__(self, server):
        self.server, self.round, self.key_calls = server, 0, 0

    # ---- log-in

    def get_allowed_auths(self, username):
        if self.server.hangs.is_set():
            self.server.closing.wait()
        if self.server.key is not None and self.key_calls < 2:
            return "publickey"
        return self.server.methods

    def check_auth_none(self, username):
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        if self.server.key is None or self.key_calls >= 2 or key.get_base64() != self.server.key:
            return paramiko.AUTH_FAILED
        self.key_calls += 1     # paramiko asks twice: for the probe, and with the signature
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if self.server.methods else paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username, password):
        self.server.received.append([password])
        if self.server.wants_change:
            message = Message()
            message.add_byte(CHANGE_REQUEST)
            message.add_string("Your password has expired.")
            message.add_string("")
            self.server.transports[-1]._send_message(message)   # paramiko has no other way
            self.server.closing.wait()      # and would send its verdict behind it
        return paramiko.AUTH_SUCCESSFUL if password == self.server.password else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        self.server.begun += 1
        self.round = 0
        return self._ask() if self.server.rounds else paramiko.AUTH_FAILED

    def check_auth_interactive_response(self, responses):
        expected = self.server.rounds[self.round].answers
        self.server.received.append(list(responses))
        if list(responses) != expected:
            return paramiko.AUTH_FAILED
        self.round += 1
        return self._ask() if self.round < len(self.server.rounds) else paramiko.AUTH_SUCCESSFUL

    def _ask(self):
        asked = self.server.rounds[self.round]
        return paramiko.InteractiveQuery(asked.name, asked.instruction, *asked.prompts)

    # ---- commands

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=self._run, args=(channel, command), daemon=True).start()
        return True

    @staticmethod
    def _run(channel, command):
        done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()


class KbdintServer:
    def __init__(self, directory, rounds=(), methods="keyboard-interactive", password=None, key=None,
                 wants_change=False):
        """key: base64 of a public key that comes first, before the methods."""
        self.rounds, self.methods, self.password, self.key = list(rounds), methods, password, key
        self.wants_change = wants_change
        self.received, self.begun, self.transports = [], 0, []
        self.hangs, self.closing = threading.Event(), threading.Event()
        self.host, self.port = "127.0.0.1", free_port()
        self._key_path = str(directory / "kbdint_host_key")
        keygen(self._key_path)

    def __enter__(self):
        self._listener = socket.create_server((self.host, self.port))
        self._listener.settimeout(ACCEPT_S)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._thread.join()
        self._listener.close()
        self.drop()

    def drop(self):
        """Hangs up on everybody."""
        for transport in self.transports:
            transport.close()
        self.transports.clear()

    def known_hosts_line(self):
        with open(self._key_path + ".pub", encoding="utf-8") as file:
            return f"[{self.host}]:{self.port} {' '.join(file.read().split()[:2])}\n"

    def _serve(self):
        host_key = paramiko.Ed25519Key(filename=self._key_path)
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except socket.timeout:
                continue
            transport = paramiko.Transport(connection)
            transport.add_server_key(host_key)
            self.transports.append(transport)
            try:
                transport.start_server(event=threading.Event(), server=Policy(self))
            except (paramiko.SSHException, EOFError, OSError):
                continue
