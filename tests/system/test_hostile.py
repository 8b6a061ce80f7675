"""Servers and jump hosts that do what they may not: it is their connection that ends, and no other."""
import os
import socket
import threading
import time

import pytest

from support.faultproxy import SilentListener
from support.sshd import free_port, keygen

paramiko = pytest.importorskip("paramiko", reason="python3-paramiko: run scripts/deps test")
from paramiko.message import Message        # noqa: E402

EOF, DATA, CLOSE = bytes([96]), bytes([94]), bytes([97])                    # RFC 4254 5.2, 5.3
CONFIRMATION, FAILURE, ADJUST = bytes([91]), bytes([92]), bytes([93])       # 5.1


class Policy(paramiko.ServerInterface):
    """Lets everybody in, and does with each forward what the test wants."""

    def __init__(self, host, transport):
        self.host, self.transport = host, transport

    def get_allowed_auths(self, username):
        return "none"

    def check_auth_none(self, username):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        self.host.asked.set()
        return self.host.behave(self.transport, chanid)


class JumpHost:
    def __init__(self, directory, behave):
        self.behave, self.asked, self.closing = behave, threading.Event(), threading.Event()
        self.host, self.port, self.transports = "127.0.0.1", free_port(), []
        self._key = str(directory / f"key-{self.port}")
        keygen(self._key)

    def __enter__(self):
        self._listener = socket.create_server((self.host, self.port))
        self._listener.settimeout(0.2)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._thread.join()
        self._listener.close()
        for transport in self.transports:
            transport.close()

    def known_hosts_line(self):
        with open(self._key + ".pub", encoding="utf-8") as file:
            return f"[{self.host}]:{self.port} {' '.join(file.read().split()[:2])}\n"

    def _serve(self):
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except socket.timeout:
                continue
            transport = paramiko.Transport(connection)
            transport.add_server_key(paramiko.Ed25519Key(filename=self._key))
            self.transports.append(transport)
            try:
                transport.start_server(event=threading.Event(), server=Policy(self, transport))
            except (paramiko.SSHException, EOFError, OSError):
                continue


def message(kind, chanid, *parts):
    out = Message()
    out.add_byte(kind)
    out.add_int(chanid)
    for part in parts:
        (out.add_int if isinstance(part, int) else out.add_string)(part)
    return out


def send(transport, *messages):
    for each in messages:
        transport._send_message(each)       # paramiko has no other way to break the rules


def afterwards(transport, chanid, *messages):
    """Once the channel is open, which it is when this function's caller has returned."""
    def run():
        channel = None
        while channel is None and transport.is_active():
            channel = transport._channels.get(chanid)
            time.sleep(0.02)    # a thread of the hostile side; nobody waits for it
        if channel is None:
            return
        remote = channel.remote_chanid
        try:
            send(transport, *[each(remote) for each in messages])
        except Exception:       # the other side has had enough
            pass
    threading.Thread(target=run, daemon=True).start()
    return paramiko.OPEN_SUCCEEDED


def data(size):
    return lambda channel: message(DATA, channel, b"x" * size)


def bare(kind):
    return lambda channel: message(kind, channel)


def no_window(transport, chanid):
    transport.default_window_size = 0
    return paramiko.OPEN_SUCCEEDED


def hangs(transport, chanid):
    threading.Event().wait(30)
    return paramiko.OPEN_SUCCEEDED


BEHAVIOURS = {
    "refuses": lambda transport, chanid: paramiko.OPEN_FAILED_CONNECT_FAILED,
    "nonsense for a reason": lambda transport, chanid: 4711,
    "closes": lambda t, c: afterwards(t, c, bare(CLOSE)),
    "closes twice": lambda t, c: afterwards(t, c, bare(CLOSE), bare(CLOSE)),
    "ends": lambda t, c: afterwards(t, c, bare(EOF)),
    "data after the end": lambda t, c: afterwards(t, c, bare(EOF), data(1000), bare(EOF), data(30000), bare(CLOSE), data(10)),
    "no SSH": lambda t, c: afterwards(t, c, data(30000)),
    "more than the window": lambda t, c: afterwards(t, c, *[data(30000)] * 400),
    "no window": no_window,
    "a window that overflows": lambda t, c: afterwards(t, c, *[lambda channel: message(ADJUST, channel, 0xFFFFFFFF)] * 3),
    "opens twice": lambda t, c: afterwards(t, c, lambda channel: message(CONFIRMATION, channel, 7, 100, 100)),
    "refuses what is open": lambda t, c: afterwards(t, c, lambda channel: message(FAILURE, channel, 2, "no\u202e\x1b[2J", "")),
    "never answers": hangs,
}


@pytest.fixture
def far(tmp_path, start_server, sshd):
    """A server, and a host `far` behind a jump host of the test's."""
    hosts = []

    def start(behave, more=""):
        host = JumpHost(tmp_path, behave).__enter__()
        hosts.append(host)
        known = tmp_path / "known_hosts"
        with open(sshd.known_hosts, encoding="utf-8") as file:
            known.write_text(file.read() + host.known_hosts_line())
        config = tmp_path / "config"
        config.write_text(
            more + f"Host jump\n  HostName {host.host}\n  Port {host.port}\n  User x\n"
            f"Host far\n  HostName {sshd.host}\n  Port {sshd.port}\n  ProxyJump jump\n  ConnectTimeout 2\n"
            f"Host near\n  HostName {sshd.host}\n  Port {sshd.port}\n"
            f"Host *\n  User t-bash\n  IdentityFile {sshd.client_key}\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n")
        return start_server(config=config), host
    yield start
    for host in hosts:
        host.__exit__()


def fds(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


@pytest.mark.parametrize("what", BEHAVIOURS)
def test_a_hostile_jump_host(far, what, wait_until):
    server, host = far(BEHAVIOURS[what])
    assert server.execute("near", "true").exit_status == 0
    before = fds(server)
    began = time.monotonic()
    result = server.execute("far", "echo never", timeout=40)
    assert result.is_error and result.exit_status is None and "never" not in result.output, result
    assert "\u202e" not in result.text and "\x1b" not in result.text
    assert time.monotonic() - began < 15, result
    assert server.execute("near", "echo still here").output == "still here\n"
    server.call_tool("close_session", host="jump")
    wait_until(lambda: fds(server) <= before, "no fd more than before")


@pytest.mark.parametrize("what", ["never answers", "no window"])
@pytest.mark.parametrize("how", ["the host", "the jump host", "all", "the program"])
def test_closing_while_a_jump_host_keeps_it_waiting(far, what, how):
    server, host = far(BEHAVIOURS[what])
    started = server.call_tool("execute_command_async", host="far", command="echo never")
    assert host.asked.wait(20)
    if how == "the program":
        return      # closing is checked where the client is closed
    arguments = {"the host": {"host": "far"}, "the jump host": {"host": "jump"}, "all": None}[how]
    server.call_tool("close_session", **arguments) if arguments else server.call_tool("close_all_sessions")
    ended = server.call_tool("get_command_status", command_id=started.command_id, wait_s=10)
    assert ended.state == "interrupted" and ended.exit_status is None, ended


def test_the_end_while_everything_is_pending(far):
    """More hosts than there may be connections, each stuck in another step."""
    with SilentListener() as listener:
        more = (f"Host silent*\n  HostName {listener.host}\n  Port {listener.port}\n"
                "Host proxied*\n  ProxyCommand sleep 600\nHost chained*\n  ProxyJump jump,far,near\n"
                "Host behind*\n  HostName 127.0.0.1\n  ProxyJump jump\nHost slow*\n  ProxyJump silent0\n"
                f"Host paused*\n  HostName 127.0.0.1\n  Port {free_port()}\n")
        server, host = far(BEHAVIOURS["never answers"], more)
        server.execute("paused0", "true")
        results = [server.call_tool("execute_command_async", host=f"{kind}{number}", command="true",
                                    username=f"u{number}")
                   for number in range(15) for kind in ("behind", "silent", "proxied", "chained", "paused", "slow")]
        assert host.asked.wait(20)
        refused = [result for result in results if "64 connections are open" in result.text]
        ids = [result.command_id for result in results if not result.is_error]
        assert refused and len(ids) >= 50
        for command in ids[::7]:
            server.call_tool("interrupt_command_by_id", command_id=command)
        server.call_tool("close_session", host="jump")
        server.call_tool("close_session", host="silent0")
        for command in ids:
            status = server.call_tool("get_command_status", command_id=command)
            assert status.exit_status is None and status.state != "done", status
