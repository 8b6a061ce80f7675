"""Stopping a command, what is left over by it: the terminal's modes, other groups, other users, hosts without a view."""
import os
import shutil
import subprocess

import pytest

from conftest import wait_for_end, wait_for_running
from support.sshd import cmdline, descendants, kill, which

LIMIT = 20
IGNORES_INT = "sh -c 'trap \"\" INT; echo ready; sleep 300 & wait; wait'"
IGNORES_BOTH = "sh -c 'trap \"\" INT TERM; echo ready; while :; do sleep 300; done'"


@pytest.fixture
def start(server, wait_until):
    """Starts it and waits until it printed the word."""
    def run(host, command, word="ready", **more):
        first = server.call_tool("execute_command_async", host=host, command=command, **more)
        wait_until(lambda: word in server.call_tool("get_command_status", command_id=first.command_id).block,
                   f"{word} from {command}", 20)
        return first
    return run


def stop(server, command, **more):
    return server.call_tool("interrupt_command_by_id", command_id=command.command_id, **more)


def outcome(result):
    return result.raw["_meta"]["mcp-ssh-session/interrupt"]["outcome"]


def pid_of(result):
    return result.raw["_meta"]["mcp-ssh-session/interrupt"]["pid"]


def says(server, host, command):
    done = server.execute(host, command)
    assert done.exit_status == 0 and done.started is False, done
    return done.output


@pytest.mark.parametrize("trap, status", [("trap '' TERM; ", 137), ("", 143)])
def test_a_program_to_which_ctrl_c_is_a_key(server, start, shell, trap, status):
    """In raw mode Ctrl-C is a byte; the terminal is as before when the program was killed."""
    host = "t-" + shell
    trap = trap.replace("''", '""')
    server.execute(host, "kept=this")
    before = says(server, host, "stty -a | tr ';' '\\n' | grep -c .")
    result = stop(server, start(host, f"sh -c 'stty raw -echo; {trap}echo ready; while :; do sleep 300; done'"))
    assert outcome(result) == "stopped" and result.exit_status == status, result
    assert says(server, host, "echo $kept; stty -a | tr ';' '\\n' | grep -c .") == "this\n" + before
    again = stop(server, start(host, "echo ready; sleep 300"))
    assert outcome(again) == "stopped" and again.exit_status in (130, None), again


def test_a_pipeline_goes_as_a_whole(server, start):
    result = stop(server, start("t-bash", f"{IGNORES_INT} | (trap '' INT; cat) | (trap '' INT; cat)"))
    assert outcome(result) == "stopped" and result.state == "interrupted", result
    assert says(server, "t-bash", "echo on") == "on\n"


def test_the_outer_command_takes_what_runs_inside_with_it(server, start):
    server.execute("t-bash", "level=login")
    outer = server.execute("t-bash", "bash --norc", timeout=LIMIT)
    inner = start("t-bash", IGNORES_INT)
    result = stop(server, outer, wait_s=30)
    assert outcome(result) == "stopped", result
    assert wait_for_end(server, inner.command_id).state in ("interrupted", "done", "lost")
    assert says(server, "t-bash", "echo $level") == "login\n"


def test_what_left_the_group_is_left_alone(server, start, sshd, wait_until):
    first = start("t-bash", "setsid sleep 301 & nohup sleep 302 >/dev/null 2>&1 & echo ready; " + IGNORES_INT, "ready")
    def background():
        return {name for pid in descendants(sshd.process.pid) for name in ("sleep 301", "sleep 302") if cmdline(pid) == name}
    result = stop(server, first)
    assert outcome(result) == "stopped", result
    assert says(server, "t-bash", "pgrep -c -f '^sleep 30[12]$'") == "2\n", background()


def test_a_loop_that_ctrl_c_does_not_end(server, start):
    """Each turn's program ignores Ctrl-C; the shell goes on to the next. It is said so."""
    result = stop(server, start("t-bash", f"while :; do {IGNORES_INT}; done"), wait_s=40)
    assert outcome(result) in ("still_running", "stopped"), result
    if outcome(result) == "still_running":
        assert pid_of(result) > 1 and f"(pid {pid_of(result)}" in result.text


def test_a_stopped_process_is_woken_to_take_the_signal(server, start, wait_until):
    first = start("t-bash", "sh -c 'trap \"\" INT; trap \"echo bye; exit 3\" TERM; echo ready $$; kill -STOP $$; sleep 300 & wait'"
                  " | cat", "ready")
    result = stop(server, first)
    assert outcome(result) == "stopped", result
    assert "bye" in server.call_tool("get_command_status", command_id=first.command_id).text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a process of root's")
def test_another_users_process_is_told_as_such(server, start, sshd, tmp_path, wait_until):
    """What sudo runs: in the terminal's foreground group, and not ours to signal."""
    helper = os.path.join(sshd.dir, "bin", "as-root")
    if not os.path.exists(helper):
        source = tmp_path / "as-root.c"
        source.write_text("#include <signal.h>\n#include <stdio.h>\n#include <unistd.h>\n"
                          "int main(void) { if (setuid(0)) return 1; signal(SIGINT, SIG_IGN); puts(\"ready\");"
                          " fflush(stdout); for (;;) pause(); }\n")
        subprocess.run(["cc", "-o", helper, str(source)], check=True)
        os.chmod(helper, 0o4755)
    first = start("t-bash", f"exec 2>&1; {helper}")
    result = stop(server, first)
    pid = pid_of(result)
    assert outcome(result) == "still_running" and "another user" in result.text, result
    assert cmdline(pid).endswith("as-root"), pid
    kill(pid)
    assert wait_for_end(server, first.command_id).state in ("done", "interrupted")


def test_behind_another_program_it_is_ctrl_c_only(server, start, sshd):
    """A shell in a terminal of another program's: none of its processes is in ours."""
    python = "import pty, sys; sys.exit(pty.spawn(['bash', '--norc']))"
    relay = os.path.join(sshd.dir, "bin", "ssh")    # that it is a relay is known by its name
    if not os.path.exists(relay):
        shutil.copy(which("python3"), relay)
    outer = server.execute("t-bash", f'{relay} -c "{python}"', timeout=LIMIT)
    assert outer.awaiting == "shell", outer
    inner = start("t-bash", IGNORES_INT)
    result = stop(server, inner)
    assert outcome(result) == "unconfirmed", result
    assert server.call_tool("get_command_status", command_id=inner.command_id).state == "running"
    outer_end = stop(server, outer)     # the relay itself runs here
    assert outcome(outer_end) == "stopped", outer_end


def test_without_a_view_of_the_host(start_server, own_sshd, wait_until):
    """MaxSessions 1: no channel for the helper."""
    daemon = own_sshd(max_sessions=1)
    server = start_server(config=daemon.ssh_config)
    server.execute("t-bash", "kept=this")
    first = server.call_tool("execute_command_async", host="t-bash", command="sleep 300")
    wait_for_running(server, "sleep 300")
    result = stop(server, first)
    assert outcome(result) == "stopped" and server.execute("t-bash", "echo $kept").output == "this\n", result
    first = server.call_tool("execute_command_async", host="t-bash", command=IGNORES_INT)
    wait_until(lambda: "ready" in server.call_tool("get_command_status", command_id=first.command_id).block, "ready")
    result = stop(server, first)
    assert outcome(result) == "unconfirmed", result
    assert server.call_tool("get_command_status", command_id=first.command_id).state == "running"


def test_what_asks_for_input_is_stopped_too(server):
    asked = server.execute("t-bash", "cat", timeout=LIMIT)
    result = stop(server, asked)
    assert outcome(result) == "stopped" and result.exit_status in (130, None), result
    asked = server.execute("t-bash", "less /etc/passwd", timeout=LIMIT) if which("less") else asked
    if asked.state == "awaiting_input":
        result = stop(server, asked)
        assert outcome(result) == "stopped", result
    assert says(server, "t-bash", "echo on") == "on\n"
