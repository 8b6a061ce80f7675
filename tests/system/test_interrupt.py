"""Stopping a command: Ctrl-C, TERM, KILL to what is in front, and the truth about what came of it."""
import os
import re
import time

import pytest

from support.sshd import which

RAW = (
    "import signal,sys,termios,time,tty\n"
    "tty.setraw(0)\n"
    "print('raw', flush=True)\n"
    "while True: sys.stdin.read(1)\n")

# What runs, what it prints when it is there, and how it may end: 130 INT, 143 TERM, 137 KILL.
COMMANDS = {
    "sleep": ("echo begun; sleep 600", (130, None)),
    "ignores INT": ("(trap '' INT; echo begun; sleep 600)", (143,)),
    "ignores INT and TERM": ("(trap '' INT TERM; echo begun; sleep 600)", (137, 143)),   # zsh's subshell is the sleep
    "a pipeline": ("sh -c \"trap '' INT; echo begun; sleep 600\" | sh -c \"trap '' INT; cat; sleep 600\"", (143,)),
    "many processes": ("(trap '' INT; echo begun; sleep 600 & sleep 600 & sleep 600; wait)", (143,)),
}


def interrupt(server, result, **more):
    return server.call_tool("interrupt_command_by_id", command_id=result.command_id, **more)


def outcome(answer):
    return answer.raw["_meta"]["mcp-ssh-session/interrupt"]


def begin(server, host, command, **more):
    """Starts it and waits until it has said so; it goes on."""
    started = server.call_tool("execute_command_async", host=host, command=command, **more)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        shown = server.call_tool("get_command_status", command_id=started.command_id, wait_s=1)
        if "begun" in shown.text.split("STDOUT:")[-1]:
            return shown
    raise AssertionError(f"it did not begin: {shown}")


def stopped(server, answer, *statuses):
    assert not answer.is_error and outcome(answer) == {"outcome": "stopped", "pid": None}, answer
    assert answer.text.startswith(f"Sent interrupt signal to command {answer.command_id}\n\nstopped: "), answer
    assert answer.state == "interrupted" and answer.exit_status in statuses, answer


def state_is_kept(server, host):
    after = server.execute(host, "echo $kept; pwd")
    assert (after.output, after.exit_status, after.started) == ("yes\n/usr\n", 0, False), after


@pytest.mark.parametrize("what", sorted(COMMANDS))
def test_it_stops_and_the_shell_lives(server, shell, what):
    host = "t-" + shell
    command, statuses = COMMANDS[what]
    if shell == "ksh93":
        statuses += (9, 15)     # what it says of a ( ) whose last command a signal ended
    server.execute(host, "kept=yes; cd /usr")
    running = begin(server, host, command)
    stopped(server, interrupt(server, running), *statuses)
    state_is_kept(server, host)


def test_a_raw_program_that_ignores_ctrl_c(server, shell):
    host = "t-" + shell
    server.execute(host, "kept=yes; cd /usr")
    running = begin(server, host, "echo begun; python3 -c \"" + RAW + "\"")
    stopped(server, interrupt(server, running), 143)
    state_is_kept(server, host)


def test_vim(server, shell):
    if which("vim") is None:
        pytest.skip("no vim here")
    host = "t-" + shell
    server.execute(host, "kept=yes; cd /usr")
    editing = server.execute(host, "vim -u NONE -n", timeout=20)
    assert editing.state == "awaiting_input", editing
    answer = interrupt(server, editing)
    assert outcome(answer)["outcome"] == "stopped" and answer.state == "interrupted", answer
    state_is_kept(server, host)


def test_a_stopped_process_gets_its_term(server, shell):
    host = "t-" + shell
    server.execute(host, "kept=yes; cd /usr")
    running = begin(server, host, "sh -c 'trap \"\" INT; sh -c \"echo begun \\$\\$; kill -STOP \\$\\$; sleep 600\"; sleep 600'")
    pid = re.search(r"begun (\d+)", running.text.split("STDOUT:")[-1]).group(1)
    assert open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T"
    stopped(server, interrupt(server, running), 143)
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}"), "it stayed behind, stopped"
    state_is_kept(server, host)


@pytest.mark.parametrize("command,statuses", [("echo begun; sleep 600", (130, None)),
                                              ("(trap '' INT TERM; echo begun; sleep 600)", (137,))])
def test_inside_a_nested_shell(server, shell, command, statuses):
    host = "t-" + shell
    server.execute(host, "kept=outer")
    outer = server.execute(host, "bash --norc", timeout=20)
    assert outer.awaiting == "shell", outer
    server.execute(host, "kept=yes; cd /usr")
    stopped(server, interrupt(server, begin(server, host, command)), *statuses)
    state_is_kept(server, host)
    assert server.call_tool("get_command_status", command_id=outer.command_id).state == "awaiting_input"
    server.execute(host, "exit")
    assert server.execute(host, "echo $kept").output == "outer\n"


def test_a_nested_shell_itself_is_stopped_and_the_outer_one_lives(server, shell):
    host = "t-" + shell
    server.execute(host, "kept=yes; cd /usr")
    inner = server.execute(host, "bash --norc", timeout=20)
    assert inner.awaiting == "shell", inner
    stopped(server, interrupt(server, inner), 137)
    state_is_kept(server, host)


def test_the_login_shell_is_never_killed(server):
    server.execute("t-bash", "kept=yes; cd /usr")
    running = begin(server, "t-bash", "trap '' INT; echo begun; while [ ! -e /tmp/never-$$ ]; do :; done")
    answer = interrupt(server, running)
    assert outcome(answer)["outcome"] == "still_running" and answer.state == "running", answer
    assert re.search(r"still running \(pid \d+, bash\): the session's shell itself", answer.text), answer
    pid = outcome(answer)["pid"]
    assert os.path.exists(f"/proc/{pid}")
    again = interrupt(server, running, wait_s=0)
    assert "unconfirmed so far" in again.text and outcome(again)["outcome"] == "unconfirmed", again
    server.execute("t-bash", f"touch /tmp/never-{pid}", isolated=True)
    done = server.call_tool("get_command_status", command_id=running.command_id, wait_s=20)
    assert done.exit_status == 0, done
    os.unlink(f"/tmp/never-{pid}")
    state_is_kept(server, "t-bash")


def test_isolated(server, shell):
    host = "t-" + shell
    for command, signal in (("echo begun; exec sleep 600", ("INT", 130)), ("trap '' INT; echo begun; sleep 600", ("TERM", 143)),
                            ("trap '' INT TERM; echo begun; sleep 600", ("KILL", 137))):
        answer = interrupt(server, begin(server, host, command, isolated=True))
        assert outcome(answer)["outcome"] == "stopped" and answer.state == "interrupted", answer
        assert answer.facts["signal"] == signal[0] or answer.exit_status == signal[1], answer


def test_cancelling_the_call_climbs_as_well(server):
    server.execute("t-bash", "kept=yes; cd /usr")
    pending = server.start_tool("execute_command", host="t-bash", command="(trap '' INT TERM; echo begun; sleep 600)")
    deadline = time.monotonic() + 20
    running = ""
    while "trap" not in running and time.monotonic() < deadline:
        running = server.call_tool("list_running_commands").text
    command_id = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", running).group(0)
    while "begun" not in server.call_tool("read_output", command_id=command_id).text and time.monotonic() < deadline:
        pass
    server.cancel(pending)
    done = server.call_tool("get_command_status", command_id=command_id, wait_s=20)
    assert done.state == "interrupted" and done.exit_status == 137, done
    state_is_kept(server, "t-bash")


def test_what_ends_by_itself_says_so(server):
    running = begin(server, "t-bash", "(trap 'exit 7' INT; echo begun; while :; do sleep 0.1; done)")
    answer = interrupt(server, running)
    assert answer.exit_status == 7 and "stopped: exit status 7\n" in answer.text, answer


def test_a_shell_that_goes_on_to_ask_is_not_at_its_prompt(server):
    """After Ctrl-C the shell's own read may be the next thing: nothing of ours is typed into it."""
    started = begin(server, "t-bash", "trap : INT; echo begun; sleep 600; read -r line; echo \"got <$line>\"; trap - INT")
    answer = interrupt(server, started, wait_s=0)
    assert not answer.is_error
    asked = server.call_tool("get_command_status", command_id=started.command_id, wait_s=20)
    assert (asked.state, asked.awaiting) == ("awaiting_input", "line"), asked
    server.call_tool("send_input", command_id=started.command_id, input_text="mine\\n", wait_s=10)
    done = server.call_tool("get_command_status", command_id=started.command_id, wait_s=20)
    assert "got <mine>\n" in done.text, done


@pytest.mark.parametrize("command", ["echo begun; sleep 600", "echo begun; read -r x; sleep 600"])
def test_ctrl_c_as_input_ends_the_command(server, shell, command):
    """The shell drops the rest of the line that we typed, and is asked for the status."""
    host = "t-" + shell
    started = begin(server, host, command)
    if "read" in command:
        server.call_tool("send_input", command_id=started.command_id, input_text="x\\n", wait_s=1)
    server.call_tool("send_keys", host=host, keys="<ctrl-c>", wait_s=1)
    done = server.call_tool("get_command_status", command_id=started.command_id, wait_s=20)
    assert done.state == "done" and done.exit_status == 130, done
    assert server.execute(host, "echo ok").output == "ok\n"
