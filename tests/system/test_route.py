"""The way to a host: jump hosts, ProxyCommand, the address to come from. Reached is what ssh reaches."""
import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from conftest import wait_for_running
from support.sshd import cmdline, descendants, kill, processes, quiet_environment, which

MB = 1024 * 1024


class Net:
    """Daemons and the configuration that tells how they are reached."""

    def __init__(self, folder, own_sshd, start_server):
        self.path, self.own_sshd, self.start_server = folder / "config", own_sshd, start_server
        self.blocks = []

    def daemon(self, **options):
        return self.own_sshd(**options)

    def host(self, name, daemon, *lines, login="t-bash", key=None, known=None):
        self.blocks.append((name, [
            f"HostName {daemon.host}", f"Port {daemon.port}", f"User {login}",
            f"IdentityFile {key or daemon.client_key}", f"UserKnownHostsFile {known or daemon.known_hosts}", *lines]))
        return self

    def write(self, *common):
        text = "".join(f"Host {name}\n" + "".join(f"  {line}\n" for line in lines) for name, lines in self.blocks)
        self.path.write_text(text + "Host *\n  IdentitiesOnly yes\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n"
                             "  StrictHostKeyChecking yes\n" + "".join(f"  {line}\n" for line in common))
        return self.path

    def server(self, *common, **options):
        return self.start_server(config=self.write(*common), **options)

    def ssh(self, name, command="true", timeout=30):
        self.write()
        return subprocess.run([which("ssh"), "-F", str(self.path), "-o", "BatchMode=yes", name, command],
                              stdin=subprocess.DEVNULL, capture_output=True, env=quiet_environment(), check=False,
                              timeout=timeout)


@pytest.fixture
def net(tmp_path, own_sshd, start_server):
    return Net(tmp_path, own_sshd, start_server)


@pytest.fixture
def pair(net):
    """A bastion and a host behind it."""
    net.bastion, net.far = net.daemon(), net.daemon()
    net.host("bastion", net.bastion).host("far", net.far, "ProxyJump bastion", login="t-dash")
    return net


def works(result, text="hi\n"):
    assert not result.is_error and result.output == text and result.exit_status == 0, result
    return result


def fails(result, *words):
    assert result.is_error and result.exit_status is None, result
    for word in words:
        assert word in result.text, (word, result)
    return result


def lost(result, *words):
    assert result.state == "lost" and result.exit_status is None, result
    for word in words:
        assert word in result.text, (word, result)
    return result


def hi(server, host, **arguments):
    return server.execute(host, "echo hi", **arguments)


def kill_session(daemon, login):
    for pid in reversed(daemon.session_process(login)):
        kill(pid)


def agree(net, server, host):
    oracle, ours = net.ssh(host), hi(server, host)
    assert (oracle.returncode == 0) == (not ours.is_error), (oracle.stderr, ours)
    return ours


# ---- jump hosts

def test_a_host_behind_a_jump_host(pair):
    server = pair.server()
    assert agree(pair, server, "far").session == f"t-dash@{pair.far.host}:{pair.far.port}"
    listed = server.call_tool("list_sessions")
    assert "via bastion)" in listed.text and f"t-bash@{pair.bastion.host}:{pair.bastion.port}" in listed.text
    assert [entry.get("via") for entry in listed.structured["sessions"]] == ["bastion", None]


def test_the_result_tells_of_a_jump_hosts_new_key_too(pair, tmp_path):
    for _, lines in pair.blocks:
        lines[:] = [line for line in lines if not line.startswith("UserKnownHostsFile")]
        lines += [f"UserKnownHostsFile {tmp_path}/new", "StrictHostKeyChecking accept-new"]
    result = hi(pair.server(), "far", isolated=True)
    assert result.exit_status == 0, result
    for daemon in (pair.bastion, pair.far):
        assert f"the host key of [{daemon.host}]:{daemon.port} was not known" in result.text, result


@pytest.mark.parametrize("how", ["by address", "each names the next", "a list", "a list with users and ports", "uris"])
def test_three_hops(net, how):
    first, second, third, last = (net.daemon() for _ in range(4))
    lines = {
        "by address": ([], [], [], ["ProxyJump " + ",".join(
            f"{user}@{daemon.host}:{daemon.port}" for user, daemon in (("t-bash", first), ("t-dash", second), ("t-zsh", third)))]),
        "each names the next": ([], ["ProxyJump one"], ["ProxyJump two"], ["ProxyJump three"]),
        "a list": ([], [], [], ["ProxyJump one,two,three"]),
        "a list with users and ports": ([], [], [], [f"ProxyJump t-bash@one:{first.port},t-dash@two,t-zsh@three"]),
        "uris": ([], [], [], [f"ProxyJump ssh://t-bash@one:{first.port},ssh://two,ssh://t-zsh@three:{third.port}"]),
    }[how]
    for name, daemon, more in zip(("one", "two", "three", "last"), (first, second, third, last), lines):
        net.host(name, daemon, *more)
    hops = (first, second, third)
    net.blocks.append((first.host, ["UserKnownHostsFile " + " ".join(daemon.known_hosts for daemon in hops),
                                    *(f"IdentityFile {daemon.client_key}" for daemon in hops)]))
    server = net.server()
    works(agree(net, server, "last"))
    assert [len(daemon.connections()) for daemon in (first, second, third, last)] == [1] * 4
    out = server.execute("last", f"head -c {MB} /dev/zero | tr '\\0' x", isolated=True)
    assert out.exit_status == 0 and out.output_bytes == MB


def test_the_list_takes_the_place_of_the_last_hops_own_way(net):
    """`ProxyJump one,two`: two is reached through one, whatever its own block says."""
    one, two, last = net.daemon(), net.daemon(), net.daemon()
    net.host("one", one).host("two", two, "ProxyJump nowhere.invalid").host("last", last, "ProxyJump one,two")
    server = net.server()
    works(agree(net, server, "last"))
    fails(agree(net, server, "two"), "nowhere.invalid")


def test_the_first_hops_own_way_counts(net):
    zero, one, two, last = (net.daemon() for _ in range(4))
    net.host("zero", zero).host("one", one, "ProxyJump zero").host("two", two).host("last", last, "ProxyJump one,two")
    works(agree(net, net.server(), "last"))
    assert len(zero.connections()) == 1


def test_a_jump_host_has_its_own_user_port_and_key(net):
    bastion, far = net.daemon(), net.daemon()
    key = bastion.add_key("only-here")
    net.host("bastion", bastion, login="t-zsh", key=key).host("far", far, "ProxyJump bastion", login="t-dash")
    works(agree(net, net.server(), "far"))
    assert "Accepted publickey for t-zsh" in bastion.log_text() and "Accepted publickey for t-dash" in far.log_text()


def test_what_a_call_says_is_for_the_host_and_not_for_its_jump_host(net):
    bastion, far = net.daemon(), net.daemon()
    stranger = bastion.add_key("stranger", authorize=False)
    net.host("bastion", bastion, key=stranger).host("far", far, "ProxyJump bastion")
    server = net.server()
    result = fails(hi(server, "far", password=bastion.password), "jump host bastion", "refused user t-bash")
    assert bastion.password not in result.text and "Accepted" not in bastion.log_text()
    assert "password" not in bastion.log_text()
    fails(hi(server, "far", key_filename=bastion.client_key), "jump host bastion")


def test_the_operators_values_for_a_jump_host(net):
    bastion, far = net.daemon(), net.daemon()
    stranger = bastion.add_key("stranger", authorize=False)
    net.host("bastion", bastion, key=stranger, login="nobody").host("far", far, "ProxyJump bastion")
    server = net.server(env={"OVRD_bastion_USER": "t-dash", "OVRD_bastion_PASS": bastion.password})
    works(hi(server, "far"))
    assert "Accepted password for t-dash" in bastion.log_text()


@pytest.mark.hang_guard(200)
def test_fifty_hosts_behind_one_jump_host(net):
    bastion, far = net.daemon(), net.daemon(max_startups="200")
    net.host("bastion", bastion)
    for number in range(50):
        net.host(f"h{number}", far, "ProxyJump bastion", f"BindAddress 127.0.1.{number}")
    server = net.server()
    calls = [server.start_tool("execute_command", host=f"h{n}", command=f"echo {n}", timeout=60) for n in range(50)]
    for number, call in enumerate(calls):
        assert call.result(90).output == f"{number}\n"
    assert len(bastion.connections()) == 1 and len(far.connections()) == 50


def test_two_ways_to_one_machine_are_two_connections(net):
    one, two, far = net.daemon(), net.daemon(), net.daemon()
    net.host("one", one).host("two", two)
    net.host("a", far, "ProxyJump one").host("b", far, "ProxyJump two").host("c", far).host("d", far, "ProxyJump one")
    server = net.server()
    for name in ("a", "b", "c", "d"):
        works(hi(server, name))
    assert len(far.connections()) == 3
    server.execute("a", "x=from-a")
    assert server.execute("d", "echo $x").output == "from-a\n" and server.execute("b", "echo $x").output == "\n"


def test_eight_megabytes_exactly(pair):
    server = pair.server()
    make = "i=0; while [ $i -lt 80000 ]; do echo line $i; i=$((i+1)); done; yes 0123456789abcdef | head -n 420000"
    result = server.execute("far", make, timeout=120)
    expected = "".join(f"line {n}\n" for n in range(80000)) + "0123456789abcdef\n" * 420000
    assert result.exit_status == 0 and result.output_bytes == len(expected) > 8 * 1000 * 1000
    for offset in (0, 70001, len(expected) // 2, len(expected) - 9000):
        page = server.call_tool("read_output", command_id=result.command_id, offset=offset, max_chars=5000).text
        assert expected[offset:offset + 4000] in page, offset


def test_a_long_command_goes_in_exactly(pair):
    server = pair.server()
    text = "".join(f"{n:07}," for n in range(40000))
    result = server.execute("far", f"printf %s '{text}' | cksum", timeout=60)
    local = subprocess.run(["cksum"], input=text.encode(), capture_output=True, check=True).stdout.decode()
    assert result.output == local


def workers_of(server):
    return {pid: cmdline(pid) for pid in server.workers()}


def cpu_ticks(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return total


def test_an_idle_forward_costs_nothing(pair, wait_until):
    """Also a jump host without any channel: its socket is read all the same."""
    server = pair.server()
    works(hi(server, "far"))
    pids = list(server.workers())
    before = cpu_ticks(pids)
    with pytest.raises(AssertionError):          # the passing of time itself is what is looked at
        wait_until(lambda: False, "time", timeout=2)
    assert cpu_ticks(pids) - before <= 2
    server.call_tool("close_session", host="far")
    wait_until(lambda: not pair.far.connections(), "far sees its end")
    pids = [pid for pid in server.workers() if os.path.exists(f"/proc/{pid}")]
    before = cpu_ticks(pids)
    with pytest.raises(AssertionError):
        wait_until(lambda: False, "time", timeout=2)
    assert cpu_ticks(pids) - before <= 2
    assert len(pair.bastion.connections()) == 1
    works(hi(server, "far"))


# ---- how it ends

@pytest.mark.parametrize("command", ["sleep 100", "while :; do echo noise; done"])
def test_a_jump_host_that_dies(pair, command):
    server = pair.server()
    first = server.execute("far", f"echo begun; {command}", timeout=1)
    assert first.state == "running"
    kill_session(pair.bastion, "t-bash")
    status = server.call_tool("get_command_status", command_id=first.command_id, wait_s=30)
    lost(status, "connection lost: the jump host bastion")
    after = works(hi(server, "far"))
    assert any("lost" in note for note in after.notes), after


def test_the_worker_of_a_jump_host_that_dies(pair):
    server = pair.server()
    works(hi(server, "bastion"))
    table = processes()
    first = [pid for pid, parent in table.items() if parent != server.process.pid and pid in server.workers()]
    pending = server.start_tool("execute_command", host="far", command="sleep 100", timeout=300)
    wait_for_running(server, "sleep 100")
    assert len(first) == 1
    os.kill(first[0], signal.SIGKILL)
    lost(pending.result(), "connection lost: the jump host bastion")
    works(hi(server, "far"))


def test_a_jump_host_that_died_unnoticed_is_asked_for_again(pair, wait_until):
    server = pair.server()
    works(hi(server, "bastion"))
    kill_session(pair.bastion, "t-bash")
    works(hi(server, "far"))


def test_closing_the_host_leaves_the_jump_host(pair, wait_until):
    server = pair.server()
    works(hi(server, "far"))
    assert server.call_tool("close_session", host="far").structured == {"closed": 1}
    wait_until(lambda: not pair.far.connections(), "far sees its end")
    assert len(pair.bastion.connections()) == 1
    works(hi(server, "far"))
    assert len(pair.bastion.connections()) == 1


def test_closing_the_jump_host_ends_the_hosts_behind_it(pair, wait_until):
    server = pair.server()
    pending = server.start_tool("execute_command", host="far", command="sleep 100", timeout=300)
    wait_for_running(server, "sleep 100")
    assert server.call_tool("close_session", host="bastion").structured == {"closed": 2}
    result = pending.result()
    assert result.state == "interrupted" and result.exit_status is None, result
    assert "its jump host bastion was closed" in result.text, result
    wait_until(lambda: not pair.far.connections() and not pair.bastion.connections(), "both end")
    after = works(hi(server, "far"))
    assert any("jump host bastion was closed" in note for note in after.notes), after


def test_a_host_that_dies_leaves_the_jump_host(pair):
    server = pair.server()
    first = server.execute("far", "sleep 100", timeout=1)
    kill_session(pair.far, "t-dash")
    lost(server.call_tool("get_command_status", command_id=first.command_id, wait_s=30))
    works(hi(server, "far"))
    assert len(pair.bastion.connections()) == 1


# ---- what goes wrong on the way

def test_a_jump_host_that_does_not_forward(net):
    bastion, far = net.daemon(extra="AllowTcpForwarding no"), net.daemon()
    net.host("bastion", bastion).host("far", far, "ProxyJump bastion")
    server = net.server()
    fails(agree(net, server, "far"), "jump host bastion", "AllowTcpForwarding", str(far.port))
    works(hi(server, "bastion"))


def test_a_port_that_nobody_listens_on(net):
    bastion = net.daemon()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    net.host("bastion", bastion).host("far", bastion, "ProxyJump bastion")
    net.blocks[-1][1][1] = f"Port {port}"
    fails(agree(net, net.server(), "far"), "jump host bastion", f"127.0.0.1 port {port}", "refused")


def test_a_name_that_the_jump_host_does_not_know(net):
    bastion = net.daemon()
    net.host("bastion", bastion).host("far", bastion, "ProxyJump bastion")
    net.blocks[-1][1][0] = "HostName no-such-host.invalid"
    fails(agree(net, net.server(), "far"), "jump host bastion", "no-such-host.invalid")


def test_several_that_fail_at_once_leave_the_others(net):
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion).host("far", far, "ProxyJump bastion")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for number in range(10):
        net.host(f"bad{number}", bastion, "ProxyJump bastion")
        net.blocks[-1][1][0:2] = [f"HostName 127.0.2.{number}", f"Port {port}"]
    server = net.server()
    bad = [server.start_tool("execute_command", host=f"bad{n}", command="true") for n in range(10)]
    works(hi(server, "far"))
    for number, call in enumerate(bad):
        fails(call.result(), f"127.0.2.{number} port {port}", "jump host bastion")
    assert len(bastion.connections()) == 1


def test_a_host_that_does_not_answer_does_not_end_its_jump_host(net, silent_listener):
    """The channel's answer comes after it was given up: libssh must still know the channel."""
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion).host("far", far, "ProxyJump bastion")
    net.host("silent", far, "ProxyJump bastion", "ConnectTimeout 2")
    net.blocks[-1][1][0:2] = [f"HostName {silent_listener.host}", f"Port {silent_listener.port}"]
    server = net.server()
    works(hi(server, "far"))
    fails(server.execute("silent", "true", timeout=30, wait_limit=60), str(silent_listener.port))
    works(hi(server, "far"))
    assert len(bastion.connections()) == 1


@pytest.mark.parametrize("config", [
    "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n",
    "Host *\n  ProxyJump b\n",
    "Host a\n  ProxyJump b\nHost b\n  ProxyJump c\nHost c\n  ProxyJump a\n",
    "Host a\n  ProxyJump a\n",
], ids=["two", "itself by wildcard", "three", "itself"])
def test_a_loop(start_server, tmp_path, config):
    path = tmp_path / "config"
    path.write_text(config + "Host *\n  HostName 127.0.0.1\n  Port 1\n")
    server = start_server(config=path)
    fails(hi(server, "a"), "leads back to itself")
    assert server.request("ping") == {}


def test_a_chain_that_is_too_long(start_server, tmp_path):
    path = tmp_path / "config"
    path.write_text("".join(f"Host h{n}\n  ProxyJump h{n + 1}\n  Port {n + 1000}\n" for n in range(12)))
    fails(hi(start_server(config=path), "h0"), "8 jump hosts in a row")
    path.write_text("Host a\n  ProxyJump " + ",".join(f"h{n}" for n in range(9)) + "\n")
    fails(hi(start_server(config=path), "a"), "8 jump hosts in a row")


@pytest.mark.parametrize("which_one", ["bastion", "far"])
def test_an_unknown_host_key(net, tmp_path, which_one):
    bastion, far = net.daemon(), net.daemon()
    empty = tmp_path / "empty"
    empty.write_text("")
    known = {which_one: empty}
    net.host("bastion", bastion, known=known.get("bastion"))
    net.host("far", far, "ProxyJump bastion", known=known.get("far"))
    result = fails(agree(net, net.server(), "far"), "SHA256:", "is not known", "ssh")
    named = {"bastion": bastion, "far": far}[which_one]
    assert f"[{named.host}]:{named.port} is not known" in result.text, result
    assert ("jump host bastion" in result.text) == (which_one == "bastion"), result


def test_the_key_is_looked_up_by_the_name_of_the_host(net, tmp_path):
    """Not by the jump host's: the one's key is no good for the other, under any name."""
    bastion, far = net.daemon(), net.daemon()
    known = tmp_path / "known"
    known.write_text(f"[{far.host}]:{far.port} {bastion.public_host_key()}\n")
    net.host("bastion", bastion).host("far", far, "ProxyJump bastion", known=known)
    fails(agree(net, net.server(), "far"), "HAS CHANGED")


def test_a_jump_host_that_refuses_the_log_in(net):
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion, key=bastion.add_key("stranger", authorize=False)).host("far", far, "ProxyJump bastion")
    server = net.server()
    for _ in range(3):
        fails(hi(server, "far"), "jump host bastion", "refused user t-bash", "stranger")
    assert not far.connections()


def test_a_jump_host_that_is_down(pair):
    server = pair.server()
    pair.bastion.halt()
    fails(hi(server, "far"), "jump host bastion", "refused", str(pair.bastion.port))
    pair.bastion.launch()
    works(hi(server, "far"))


def test_the_jump_host_may_take_its_time(net, silent_listener):
    """The host's own time begins when the jump host is ready."""
    far = net.daemon()
    net.host("slow", far, "ConnectTimeout 3").host("far", far, "ProxyJump slow", "ConnectTimeout 1")
    net.blocks[0][1][0:2] = [f"HostName {silent_listener.host}", f"Port {silent_listener.port}"]
    result = fails(hi(net.server(), "far"), "jump host slow", "key exchange")
    assert result.facts["duration_ms"] >= 2900, result


# ---- ProxyCommand

RELAY = textwrap.dedent("""
    import os, select, socket, sys
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    print("relay is up", file=sys.stderr, flush=True)
    while True:
        for fd in select.select([0, s], [], [])[0]:
            bytes = os.read(0, 65536) if fd == 0 else s.recv(65536)
            if not bytes:
                sys.exit(0)
            (s.sendall if fd == 0 else lambda b: os.write(1, b))(bytes)
""")


@pytest.fixture
def relay(tmp_path):
    path = tmp_path / "relay.py"
    path.write_text(RELAY)
    return f"{sys.executable} {path}"


def marked(mark):
    """Processes whose command line names the mark."""
    return [pid for pid in processes() if mark in cmdline(pid) and pid != os.getpid()]


@pytest.mark.parametrize("command", ["nc %h %p", "RELAY %h %p", "RELAY %h %p 2>/dev/null",
                                     "test %r = t-bash && test %n = far && RELAY %h %p", "echo 100%% >&2; RELAY %h %p"])
def test_a_proxy_command(net, relay, wait_until, command):
    if command.startswith("nc") and which("nc") is None:
        pytest.skip("no nc here")
    far = net.daemon()
    command = command.replace("RELAY", relay)
    if not command.startswith(("nc", sys.executable)):
        command = f'sh -c "{command}"'
    net.host("far", far, f"ProxyCommand {command}")
    server = net.server()
    works(agree(net, server, "far"))
    assert "via its ProxyCommand" in server.call_tool("list_sessions").text
    out = server.execute("far", f"head -c {8 * MB} /dev/zero | tr '\\0' x", isolated=True, timeout=60)
    assert out.exit_status == 0 and out.output_bytes == 8 * MB
    server.call_tool("close_session", host="far")
    wait_until(lambda: not marked(relay) and not far.connections(), "nothing is left")
    assert not [pid for pid in descendants(server.process.pid) if str(far.port) in cmdline(pid)]


def test_a_proxy_command_of_a_jump_host(net, relay):
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion, f"ProxyCommand {relay} %h %p").host("far", far, "ProxyJump bastion")
    works(agree(net, net.server(), "far"))


def test_a_proxy_command_may_be_ssh_itself(net):
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion).host("far", far, f"ProxyCommand ssh -F {net.path} -W %h:%p bastion")
    works(agree(net, net.server(), "far"))


@pytest.mark.parametrize("lines,reached", [
    (["ProxyJump bastion", "ProxyCommand false"], True), (["ProxyCommand false", "ProxyJump bastion"], False),
    (["ProxyCommand none", "ProxyJump nowhere.invalid"], True), (["ProxyJump none"], True)])
def test_the_first_of_both_wins_as_in_ssh(net, lines, reached):
    bastion, far = net.daemon(), net.daemon()
    net.host("bastion", bastion).host("far", far, *lines)
    assert agree(net, net.server(), "far").is_error == (not reached)


@pytest.mark.parametrize("command,words", [
    ("echo no way there >&2; exit 3", ["status 3", "no way there"]),
    ("exit 4", ["status 4"]),
    ("/no/such/program %h", ["status 127", "/no/such/program"]),
    ("kill -9 $$", ["signal 9"]),
    ("printf 'first line\\nsecond line\\n' >&2; exit 1", ["second line"]),
    ("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo at last >&2; exit 1", ["at last"]),
    ("printf 'bad\\033[2Jbytes' >&2; exit 1", ["status 1", "bad"]),
    ("echo HTTP/1.1 403; exit 1", ["status 1"]),
])
def test_a_proxy_command_that_fails(net, tmp_path, command, words):
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    net.host("far", net.daemon(), f"ProxyCommand {script} %h %p")
    result = fails(agree(net, net.server(), "far"), "ProxyCommand", *words)
    assert "\033" not in result.text


def test_a_proxy_command_that_hangs(net, tmp_path, wait_until):
    script = tmp_path / "hangs"
    script.write_text("#!/bin/sh\ntrap '' HUP TERM\necho waiting for the moon >&2\nsleep 600 & wait; wait; sleep 600\n")
    script.chmod(0o755)
    net.host("far", net.daemon(), f"ProxyCommand {script} %h %p", "ConnectTimeout 2")
    server = net.server()
    result = fails(server.execute("far", "true", timeout=30), "2 s", "waiting for the moon")
    assert result.facts["duration_ms"] < 15000
    wait_until(lambda: not marked(str(script)), "it is killed, though it ignores what asks it to end")
    assert not [pid for pid, parent in processes().items() if parent == server.process.pid and "sleep" in cmdline(pid)]


def test_a_proxy_command_that_dies_in_the_middle(net, relay):
    net.host("far", net.daemon(), f"ProxyCommand {relay} %h %p")
    server = net.server()
    first = server.execute("far", "sleep 100", timeout=1)
    for pid in marked("relay.py"):
        os.kill(pid, signal.SIGKILL)
    lost(server.call_tool("get_command_status", command_id=first.command_id, wait_s=30),
         "connection lost", "ProxyCommand was ended by signal 9")
    works(hi(server, "far"))


@pytest.mark.parametrize("end", ["eof", "term"])
def test_no_proxy_command_outlives_the_server(net, relay, wait_until, tmp_path, end):
    stubborn = tmp_path / "stubborn"
    stubborn.write_text(f"#!/bin/sh\ntrap '' HUP TERM\n{relay} $1 $2\nsleep 600\n")
    stubborn.chmod(0o755)
    net.host("far", net.daemon(), f"ProxyCommand {stubborn} %h %p")
    server = net.server()
    works(hi(server, "far"))
    assert marked(str(stubborn))
    if end == "term":
        server.process.terminate()
        server.process.wait()
    else:
        server.close()
    wait_until(lambda: not marked(str(stubborn)) and not marked("relay.py"), "nothing is left", timeout=5)


def test_the_environment_of_a_proxy_command(net, relay, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\nexec {relay} $1 $2\n")
    script.chmod(0o755)
    net.host("far", net.daemon(), f"ProxyCommand {script} %h %p")
    works(hi(net.server(env={"OVRD_other_PASS": "hunter2", "FOR_THE_PROXY": "yes"}), "far"))
    seen = (tmp_path / "env").read_text()
    assert "FOR_THE_PROXY=yes" in seen and "hunter2" not in seen and "OVRD" not in seen


@pytest.mark.parametrize("line,words", [
    ("ProxyCommand nc %x %p", ["%x", "%h"]), ("ProxyCommand nc %", ["%"]),
    ("ProxyUseFdpass yes\n  ProxyCommand nc %h %p", ["ProxyUseFdpass", "not supported"]),
    ("ProxyCommand -", ["ProxyCommand -"]), ("ProxyJump a/b", ["jump host", "a/b"]) ])
def test_what_cannot_be_done_is_said(net, line, words):
    net.host("far", net.daemon(), line)
    result = hi(net.server(), "far")
    if line == "ProxyJump a/b":     # ssh itself refuses the file
        assert result.is_error and "ssh" in result.text
    else:
        fails(result, *words)


# ---- where we come from

def peer_of(result):
    return result.output.split()[0]


@pytest.mark.parametrize("line", ["BindAddress 127.0.0.77", "BindAddress localhost", "BindInterface lo",
                                  "AddressFamily inet"])
def test_the_address_to_come_from(net, line):
    net.host("far", net.daemon(), line)
    server = net.server()
    works(agree(net, server, "far"))
    expected = "127.0.0.77" if "77" in line else "127.0.0.1"
    assert peer_of(server.execute("far", "echo $SSH_CONNECTION")) == expected


@pytest.mark.parametrize("line,words", [
    ("BindAddress 192.0.2.1", ["BindAddress"]), ("BindAddress no-such-host.invalid", ["BindAddress", "no-such-host"]),
    ("BindInterface nonesuch0", ["BindInterface"]), ("AddressFamily inet6", ["127.0.0.1"])])
def test_an_address_that_is_not_ours(net, line, words):
    net.host("far", net.daemon(), line)
    fails(agree(net, net.server(), "far"), *words)
