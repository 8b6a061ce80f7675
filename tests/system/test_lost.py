"""Lost: connections, workers and servers that die. Never an exit status that was not seen; always a way on."""
import os
import signal
import time

import pytest

from conftest import wait_for_running
from support.sshd import processes

KILLS = int(os.environ.get("KILLS", "20"))
HALF_OPEN_S = 60        # DESIGN: noticed within 50 s at worst


def lost(result):
    assert result.state == "lost" and result.exit_status is None and result.is_error, result
    assert result.text.startswith("Exit Status: unknown ("), result
    return result


def comes_back(server, host):
    after = server.execute(host, "echo back")
    assert after.output == "back\n" and after.exit_status == 0 and after.started is True, after
    assert any("lost" in note for note in after.notes), f"does not say that state was lost: {after}"
    return after


def kill_session_processes(daemon, login):
    for pid in reversed(daemon.session_process(login)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.mark.hang_guard(600)
def test_sshd_killed_in_mid_command_at_random_moments(start_server, own_sshd, seeded):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    commands = ["i=0; while :; do echo line $i; i=$((i+1)); done", "sleep 100", "echo started; sleep 100",
                "cat /dev/zero | tr '\\0' 'x' | fold -w 100", "while :; do echo x; sleep 0.01; done"]
    for number in range(KILLS):
        command = commands[number % len(commands)]
        pending = server.start_tool("execute_command", host="t-bash", command=command, timeout=300)
        wait_for_running(server, command)
        time.sleep(seeded.uniform(0, 0.5))      # the random moment itself, not a wait for something
        kill_session_processes(daemon, "t-bash")
        lost(pending.result())
    after = server.execute("t-bash", "echo back")
    assert after.output == "back\n" and after.exit_status == 0


def test_output_so_far_is_kept(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    first = server.execute("t-bash", "echo before the end; sleep 100", timeout=1)
    kill_session_processes(daemon, "t-bash")
    status = server.call_tool("get_command_status", command_id=first.command_id, wait_s=30)
    assert status.state == "lost" and status.exit_status is None and "before the end\n" in status.text, status
    comes_back(server, "t-bash")


def test_a_command_that_kills_its_own_connection(server):
    lost(server.execute("t-bash", "kill -9 $PPID; sleep 100"))
    comes_back(server, "t-bash")


def test_an_idle_connection_that_died(start_server, own_sshd, wait_until):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    server.execute("t-bash", "x=1")
    kill_session_processes(daemon, "t-bash")
    wait_until(lambda: not daemon.connections(), "sshd sees it")
    comes_back(server, "t-bash")


def test_a_restarted_sshd(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    pending = server.start_tool("execute_command", host="t-bash", command="sleep 100", timeout=300)
    server.execute("t-dash", "true")
    wait_for_running(server, "sleep 100")
    daemon.halt()
    lost(pending.result())
    assert server.execute("t-zsh", "true").is_error
    daemon.launch()
    comes_back(server, "t-bash")
    comes_back(server, "t-dash")


def test_an_sshd_restarted_under_a_command_is_reached_at_once(start_server, own_sshd):
    """After a success there is no pause: it is the first failed connect that brings one."""
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config, env={"MCP_SSH_LOG_LEVEL": "info"})
    server.execute("t-bash", "true", session="beside")
    first = server.start_tool("execute_command", host="t-bash", command="sleep 100", timeout=300)
    beside = server.start_tool("execute_command", host="t-bash", command="sleep 100", timeout=300, session="beside")
    wait_for_running(server, "sleep 100")
    server.wait_for(lambda: server.call_tool("list_running_commands").text.count("Status: running") == 2, "both to run")
    daemon.halt()
    daemon.launch()
    lost(first.result())
    lost(beside.result())
    comes_back(server, "t-bash")
    assert any("lost" in note for note in server.execute("t-bash", "true", session="beside").notes)
    assert not any("lost" in note for note in server.execute("t-bash", "true").notes)
    assert "waits" not in server.log()


def test_a_command_that_may_have_run_is_never_run_again(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    lost(server.execute("t-bash", "echo ran >>ran; kill -9 $PPID; sleep 100"))
    assert server.execute("t-bash", "cat ran").output == "ran\n"
    assert server.execute("t-bash", "cat ran", isolated=True).output == "ran\n"


def test_connects_that_fail_are_not_repeated_at_once(start_server, own_sshd, wait_until):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config, env={"MCP_SSH_LOG_LEVEL": "info"})
    daemon.halt()
    first = server.execute("t-bash", "true")
    assert first.is_error and "refused" in first.text and "attempt" not in first.text, first
    second = server.execute("t-dash", "true")       # another login, the same host
    assert "attempt 2 in a row; the next one waits 2 s" in second.text, second
    other = server.start_tool("execute_command", host="t-zsh", command="echo patient", timeout=0)
    queued = other.result()
    assert queued.state == "queued" and "not started yet" in queued.text, queued
    daemon.launch()
    status = server.call_tool("get_command_status", command_id=queued.command_id, wait_s=20)
    assert status.state == "done" and status.output == "patient\n", status
    assert "connecting failed before" in server.log()
    daemon.halt()
    again = server.execute("t-mksh", "true")        # that it worked in between counts
    assert again.is_error and "attempt" not in again.text, again


def test_a_wrong_password_brings_no_pause(start_server, own_sshd, tmp_path):
    daemon = own_sshd()
    config = tmp_path / "config"
    with open(daemon.ssh_config, encoding="utf-8") as file:
        config.write_text(file.read().replace(daemon.client_key, "none"))
    server = start_server(config=config, env={"MCP_SSH_LOG_LEVEL": "info"})
    for password in ("wr0ng", "wr0ng too"):
        assert "password" in server.execute("t-bash", "true", password=password).text
    assert server.execute("t-bash", "echo in", password=daemon.password).output == "in\n"
    assert "connecting failed before" not in server.log()


def test_a_pause_can_be_cut_short_by_closing(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    daemon.halt()
    for _ in range(2):
        assert server.execute("t-bash", "true").is_error
    pending = server.start_tool("execute_command", host="t-bash", command="true")
    server.wait_for(lambda: "queued" in server.call_tool("list_running_commands").text, "the call to wait")
    server.call_tool("close_session", host="t-bash")
    assert pending.result().state == "interrupted"


def test_a_host_that_says_nothing_is_asked_at_the_configured_interval(start_server, own_sshd, tmp_path):
    """Its kernel acknowledges, its sshd is stopped: only SSH's own keepalive finds out."""
    daemon = own_sshd()
    config = tmp_path / "config"
    config.write_text(f"ServerAliveInterval 1\nServerAliveCountMax 2\nInclude {daemon.ssh_config}\n")
    server = start_server(config=config)
    first = server.execute("t-bash", "echo begun; sleep 300", timeout=1)
    stopped = daemon.session_process("t-bash")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    status = server.call_tool("get_command_status", command_id=first.command_id, wait_s=15)
    assert status.state == "lost" and status.exit_status is None and "answered nothing for" in status.text, status


def test_a_worker_killed_ends_only_its_own_calls(server):
    def workers():
        table = processes()
        zygote = [pid for pid, parent in table.items() if parent == server.process.pid]
        return [pid for pid, parent in table.items() if parent in zygote]
    server.execute("t-bash", "true")
    first = set(workers())
    server.execute("t-dash", "kept=1")
    pending = server.start_tool("execute_command", host="t-bash", command="sleep 100", timeout=300)
    other = server.start_tool("execute_command", host="t-dash", command="sleep 2; echo $kept", timeout=60)
    assert len(first) == 1
    wait_for_running(server, "sleep 100")
    os.kill(first.pop(), signal.SIGKILL)
    lost(pending.result())
    assert other.result().output == "1\n"
    comes_back(server, "t-bash")


def test_a_stopped_worker_does_not_hang_the_server(server):
    server.execute("t-bash", "true")
    for pid in server.workers():
        if processes().get(pid) != server.process.pid:
            os.kill(pid, signal.SIGSTOP)
    server.start_tool("execute_command", host="t-bash", command="true", timeout=5)
    for _ in range(20):
        assert server.request("ping") == {}
    assert server.execute("t-dash", "echo fine").output == "fine\n"


@pytest.fixture
def proxied(start_server, sshd, proxy, tmp_path):
    """A server that reaches the host `far` through the fault proxy."""
    known = sshd.write_known_hosts(str(tmp_path / "known_hosts"), f"[{proxy.host}]:{proxy.port}")
    config = tmp_path / "config"
    config.write_text(f"""Host far
    HostName {proxy.host}
    Port {proxy.port}
    User t-bash
    IdentityFile {sshd.client_key}
    IdentitiesOnly yes
    UserKnownHostsFile {known}
    GlobalKnownHostsFile /dev/null
Match all
    Include {sshd.ssh_config}
""")
    return start_server(config=config)


@pytest.mark.parametrize("fault", ["close", "reset"])
@pytest.mark.parametrize("command", ["sleep 100", "while :; do echo noise; done"])
def test_a_connection_that_breaks(proxied, proxy, fault, command):
    first = proxied.execute("far", f"echo begun; {command}", timeout=1)
    assert first.state == "running"
    getattr(proxy, fault)()
    status = proxied.call_tool("get_command_status", command_id=first.command_id, wait_s=30)
    assert status.state == "lost" and status.exit_status is None, status
    assert "begun\n" in proxied.call_tool("read_output", command_id=first.command_id, max_chars=100).text
    comes_back(proxied, "far")


@pytest.mark.hang_guard(400)
def test_a_half_open_connection_is_noticed(proxied, proxy):
    first = proxied.execute("far", "echo begun; sleep 300", timeout=1)
    proxy.half_open()
    beside = proxied.execute("t-dash", "echo beside")
    assert beside.output == "beside\n"
    pending = proxied.start_tool("get_command_status", command_id=first.command_id, wait_s=HALF_OPEN_S)
    status = pending.result(HALF_OPEN_S + 30)
    assert status.state == "lost" and status.exit_status is None, status
    comes_back(proxied, "far")


def test_a_channel_that_opens_too_late_takes_nothing_with_it(start_server, sshd, proxy, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"Host slow\n  HostName {proxy.host}\n  Port {proxy.port}\n  HostKeyAlias [{sshd.host}]:{sshd.port}\n"
                      f"  User t-bash\nInclude {sshd.ssh_config}\n")
    server = start_server(config=config)
    assert server.execute("slow", "x=kept").exit_status == 0
    proxy.half_open()
    late = server.execute("slow", "true", session="late", timeout=30)
    assert late.is_error and "no answer in 10 s" in late.text, late
    proxy.go_on()
    assert server.execute("slow", "echo $x", timeout=30).output == "kept\n"
    assert server.execute("slow", "echo new", session="late", timeout=30).output == "new\n"
    assert server.execute("slow", "echo $x").output == "kept\n"
