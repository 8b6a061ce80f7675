"""Fixtures of the system tests: the real binary, a real sshd, real shells."""
import os
import random
import signal
import sys
import time

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.dirname(TESTS)
sys.path.insert(0, TESTS)

from support.faultproxy import FaultProxy, SilentListener          # noqa: E402
from support.mcp_client import McpClient                           # noqa: E402
from support.sshd import SHELLS, Sshd                              # noqa: E402

HANG_S = 300        # no test may take longer; a guard, not a promise


class TestHangs(Exception):
    pass


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Ends a test that hangs, wherever it waits."""
    def on_alarm(*_):
        raise TestHangs(f"{item.nodeid} took longer than {HANG_S} s")
    marker = item.get_closest_marker("hang_guard")
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(marker.args[0] if marker else HANG_S)
    yield
    signal.alarm(0)


def pytest_configure(config):
    config.addinivalue_line("markers", "hang_guard(seconds): another limit than the usual one")


@pytest.fixture(scope="session")
def binary():
    path = os.path.abspath(os.environ.get("MCP_SSH_SESSION_BIN")
                           or os.path.join(SOURCE, "build", "mcp-ssh-session"))
    if not os.access(path, os.X_OK):
        pytest.exit(f"no binary at {path}: run make", returncode=2)
    return path


@pytest.fixture(scope="session")
def sshd():
    with Sshd() as daemon:
        yield daemon


@pytest.fixture
def own_sshd():
    """A factory of daemons that a test may break."""
    daemons = []

    def start(**options):
        daemons.append(Sshd(**options).start())
        return daemons[-1]
    yield start
    for daemon in daemons:
        daemon.stop()


@pytest.fixture
def home(tmp_path):
    """An empty HOME for the server: nothing of the developer's ~/.ssh gets in."""
    path = tmp_path / "home"
    (path / ".ssh").mkdir(parents=True, mode=0o700)
    return path


@pytest.fixture
def start_server(binary, sshd, home, tmp_path, request):
    """A factory of servers; each is closed, and checked while closing, when the test ends."""
    clients = []

    def start(*args, config=sshd.ssh_config, **options):
        argv = [binary] + (["--ssh-config", str(config)] if config else []) + list(args)
        options.setdefault("home", str(home))
        options.setdefault("transcript", str(tmp_path / f"transcript-{len(clients)}.jsonl"))
        clients.append(McpClient(argv, **options))
        return clients[-1]
    yield start
    failed = getattr(request.node, "call_failed", False)
    for client in clients:
        if client.process.returncode is not None:
            continue
        if failed:
            client.abandon()
        else:
            client.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call" and outcome.get_result().failed:
        item.call_failed = True


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture
def proxy(sshd):
    with FaultProxy(sshd.host, sshd.port) as relay:
        yield relay


@pytest.fixture
def silent_listener():
    with SilentListener() as listener:
        yield listener


@pytest.fixture
def wait_until():
    def wait(condition, what, timeout=10):
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
            time.sleep(0.02)
    return wait


def wait_for_running(server, text):
    """The id of the command that contains the text, once it runs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for block in server.call_tool("list_running_commands").text.split("- ID: ")[1:]:
            if text in block and "Status: running" in block:
                return block.split()[0]
    raise AssertionError(f"never seen running: {text}")


def wait_for_end(server, command_id):
    """The status of a command that was told to end, or is about to."""
    deadline = time.monotonic() + 20
    while True:
        status = server.call_tool("get_command_status", command_id=command_id, wait_s=5)
        if status.state not in ("queued", "running", "awaiting_input") or time.monotonic() > deadline:
            return status


@pytest.fixture
def seeded():
    """A random generator; its seed is printed where the test fails, and may be given: SEED=…"""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture(params=SHELLS)
def shell(request, sshd):
    """Each of the six login shells; a shell that is not installed is skipped."""
    return need_shell(sshd, request.param)


def need_shell(sshd, name):
    if "t-" + name not in sshd.users:
        pytest.skip(f"no {name} here")
    return name
