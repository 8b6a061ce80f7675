"""Commands: timeouts that kill nothing, output that is never lost, sessions side by side."""
import os
import re

import pytest

from conftest import wait_for_end

MIDDLE = re.compile(r"^\[\.\.\. (\d+) characters left out; read_output\('([^']+)', offset=(\d+)\) shows them \.\.\.\]$", re.M)


def numbers(text):
    return [int(n) for n in re.findall(r"^line (\d{7})$", text, re.M)]


def lines(count, pause=""):
    """A command that prints `line 0000001` and so on: 13 bytes each."""
    return f"i=1; while [ $i -le {count} ]; do printf 'line %07d\\n' $i; i=$((i + 1)); {pause} done"


def many_lines(count):
    return f"seq -f 'line %07.0f' 1 {count}"


# ---- timeouts

def test_a_timeout_kills_nothing_and_loses_nothing(server, shell):
    first = server.execute("t-" + shell, lines(8, "sleep 0.4;"), timeout=1)
    assert first.text.startswith("Command exceeded timeout of 1s and is now running in background.\n"), first
    assert first.state == "running" and first.exit_status is None and not first.is_error
    assert f"Command ID: {first.command_id}\n" in first.text
    rest = server.call_tool("get_command_status", command_id=first.command_id, wait_s=30, offset=first.next_offset)
    assert rest.state == "done" and rest.exit_status == 0
    assert numbers(first.block) + numbers(rest.block) == list(range(1, 9))
    whole = server.call_tool("get_command_status", command_id=first.command_id)
    assert numbers(whole.text) == list(range(1, 9))
    for word in ("Command ID: ", "Session: ", "Command: ", "Status: ", "Started: ", "Ended: ", "Exit Code: 0"):
        assert word in whole.text, whole


def test_status_waits_no_longer_than_asked(server):
    first = server.execute("t-bash", "sleep 30", timeout=1)
    status = server.call_tool("get_command_status", command_id=first.command_id, wait_s=1)
    assert status.state == "running" and "Status: running" in status.text


def test_several_waits_for_one_command(server):
    first = server.execute("t-bash", "sleep 2; exit_status() { return 4; }; exit_status", timeout=1)
    waits = [server.start_tool("get_command_status", command_id=first.command_id, wait_s=30) for _ in range(5)]
    assert [wait.result().exit_status for wait in waits] == [4] * 5


def test_async(server):
    started = server.call_tool("execute_command_async", host="t-bash", command="sleep 1; echo later; (exit 3)")
    assert started.text.startswith("Command started with ID: ") and not started.is_error
    done = server.call_tool("get_command_status", command_id=started.command_id, wait_s=30)
    assert "later\n" in done.text and done.exit_status == 3 and "Exit Code: 3" in done.text


# ---- reading output

def test_read_output_while_it_runs(server):
    first = server.execute("t-bash", "echo begin; sleep 30; echo finis", timeout=1)
    page = server.call_tool("read_output", command_id=first.command_id)
    assert "begin\n" in page.text and "finis" not in page.text
    server.call_tool("interrupt_command_by_id", command_id=first.command_id)


def test_tail_and_grep(server):
    done = server.execute("t-bash", many_lines(3000), max_chars=500)
    tail = server.call_tool("read_output", command_id=done.command_id, tail=3)
    assert numbers(tail.text) == [2998, 2999, 3000]
    found = server.call_tool("read_output", command_id=done.command_id, grep="0001500")
    assert [int(n) for n in re.findall(r"line (\d{7})", found.text)] == [1498, 1499, 1500, 1501, 1502], found
    alone = server.call_tool("read_output", command_id=done.command_id, grep="0001500", context=0)
    assert re.findall(r"line (\d{7})", alone.text) == ["0001500"]
    plain = server.call_tool("read_output", command_id=done.command_id, grep="line .*", context=0)
    assert not re.findall(r"line \d{7}", plain.text), "grep is plain text, not a regular expression"
    assert not plain.is_error


def test_paging_gives_every_line_once(server):
    done = server.execute("t-bash", many_lines(5000), max_chars=200)
    assert done.truncated is True and done.output_bytes == 5000 * 13
    seen, offset = [], 0
    while offset < done.output_bytes:
        page = server.call_tool("read_output", command_id=done.command_id, offset=offset, max_chars=13 * 700)
        assert page.next_offset > offset, page
        seen += numbers(page.text)
        offset = page.next_offset
    assert seen == list(range(1, 5001))


def test_long_output_is_cut_in_the_middle_at_line_ends(server):
    done = server.execute("t-bash", many_lines(5000))
    assert done.truncated is True and done.exit_status == 0
    assert len(done.text) < 12_000 + 600
    cut = MIDDLE.search(done.text)
    assert cut, done.text[3000:5000]
    head, tail = numbers(done.text[:cut.start()]), numbers(done.text[cut.end():])
    left_out, command_id, offset = int(cut.group(1)), cut.group(2), int(cut.group(3))
    assert head == list(range(1, len(head) + 1)) and tail == list(range(5001 - len(tail), 5001))
    assert left_out == 13 * (5000 - len(head) - len(tail)) and offset == 13 * len(head)
    assert command_id == done.command_id
    assert 1.5 < len(tail) / len(head) < 2.6, "a third is head, the rest is tail"
    middle = server.call_tool("read_output", command_id=command_id, offset=offset, max_chars=13)
    assert numbers(middle.text)[:1] == [len(head) + 1]


def test_what_does_not_fit_into_memory_is_still_there(server):
    count = 300_000
    done = server.execute("t-bash", many_lines(count), timeout=120)
    assert done.exit_status == 0 and done.output_bytes == count * 13
    for number in (1, 20_000, 123_456, 299_990):
        page = server.call_tool("read_output", command_id=done.command_id, offset=13 * (number - 1), max_chars=13 * 5)
        assert numbers(page.text)[:3] == [number, number + 1, number + 2], page
    found = server.call_tool("read_output", command_id=done.command_id, grep="0250000", context=0)
    assert "line 0250000" in found.text


def test_what_is_too_much_is_dropped_and_counted(server):
    count = 6_000_000       # 78 MB
    done = server.execute("t-bash", many_lines(count), timeout=300)
    assert done.exit_status == 0 and done.output_bytes == count * 13
    tail = server.call_tool("read_output", command_id=done.command_id, tail=2)
    assert numbers(tail.text) == [count - 1, count]
    gone = server.call_tool("read_output", command_id=done.command_id, offset=70_000_000, max_chars=100)
    assert "dropped" in gone.text or numbers(gone.text), gone
    assert server.execute("t-bash", "echo ok").output == "ok\n"


def test_max_chars(server):
    done = server.execute("t-bash", "seq 1 1000", max_chars=300)
    assert done.truncated is True and len(done.text) < 900
    full = server.execute("t-bash", "seq 1 1000", max_chars=100_000)
    assert full.truncated is False and full.output == "".join(f"{n}\n" for n in range(1, 1001))


# ---- interrupting

def test_interrupt(server, shell):
    first = server.execute("t-" + shell, "before=kept; echo begun; sleep 60", timeout=1)
    sent = server.call_tool("interrupt_command_by_id", command_id=first.command_id)
    assert not sent.is_error and first.command_id in sent.text
    status = wait_for_end(server, first.command_id)
    assert status.state == "interrupted" and status.exit_status in (130, None), status
    assert "begun\n" in status.text
    after = server.execute("t-" + shell, "echo $before")
    assert after.output == "kept\n" and after.started is False


def test_interrupting_what_has_ended_is_no_fault(server):
    done = server.execute("t-bash", "true")
    late = server.call_tool("interrupt_command_by_id", command_id=done.command_id)
    assert "not running" in late.text
    assert server.call_tool("get_command_status", command_id=done.command_id).exit_status == 0


# ---- one shell, several shells, no shell

def test_a_busy_shell_says_so_and_kills_nothing(server):
    first = server.execute("t-bash", "sleep 3; echo first", timeout=1)
    second = server.execute("t-bash", "echo second")
    assert second.is_error
    assert second.text.startswith("A command is already running or awaiting input in this session (")
    for word in (first.command_id, "get_command_status", "interrupt_command_by_id", "session", "isolated"):
        assert word in second.text, second
    done = server.call_tool("get_command_status", command_id=first.command_id, wait_s=30)
    assert done.exit_status == 0 and "first\n" in done.text


def test_named_sessions_are_shells_of_their_own(server):
    server.execute("t-bash", "who=default; cd /usr")
    other = server.execute("t-bash", "who=other; pwd", session="other")
    assert other.started is True and other.session.endswith("/other") and "/homes/" in other.output
    assert server.execute("t-bash", "echo $who; pwd").output == "default\n/usr\n"
    assert server.execute("t-bash", "echo $who", session="other").output == "other\n"
    slow = server.start_tool("execute_command", host="t-bash", command="sleep 2; echo slow", session="other")
    assert server.execute("t-bash", "echo quick").output == "quick\n"
    assert not slow.is_answered and slow.result().output == "slow\n"


def test_isolated(server, shell):
    host = "t-" + shell
    server.execute(host, "cd /usr")
    result = server.execute(host, "echo out; echo err >&2; pwd; exit 3", isolated=True)
    assert result.output == "out\n/usr\n" and result.stderr == "err\n" and result.exit_status == 3, result
    assert server.execute(host, "cat; echo eof", isolated=True).output == "eof\n"
    assert server.execute(host, "test -t 1 || echo no terminal", isolated=True).output == "no terminal\n"
    assert server.execute(host, "pwd").output == "/usr\n"


def test_isolated_signal(server):
    result = server.execute("t-bash", "kill -9 $$", isolated=True)
    assert result.exit_status is None and result.signal == "KILL"
    assert "Exit Status: unknown (killed by signal KILL)" in result.text


def test_isolated_beside_a_busy_shell(server):
    busy = server.execute("t-bash", "sleep 5", timeout=1)
    assert server.execute("t-bash", "echo beside", isolated=True).output == "beside\n"
    assert server.call_tool("get_command_status", command_id=busy.command_id).state == "running"


def test_isolated_timeout_and_interrupt(server):
    first = server.execute("t-bash", "echo begun; exec sleep 60", isolated=True, timeout=1)
    assert first.state == "running" and "begun\n" in first.text
    server.call_tool("interrupt_command_by_id", command_id=first.command_id)
    status = wait_for_end(server, first.command_id)
    assert status.state == "interrupted", status


# ---- lists

def test_lists(server, sshd):
    assert "no active" in server.call_tool("list_sessions").text.lower()
    assert "no running" in server.call_tool("list_running_commands").text.lower()
    server.execute("t-bash", "echo one")
    server.execute("t-dash", "echo two; (exit 2)")
    running = server.execute("t-zsh", "sleep 30", timeout=1)
    sessions = server.call_tool("list_sessions").text
    for user in ("t-bash", "t-dash", "t-zsh"):
        assert f"{user}@{sshd.host}:{sshd.port}" in sessions
    listed = server.call_tool("list_running_commands").text
    assert running.command_id in listed and "echo one" not in listed
    history = server.call_tool("list_command_history").text
    assert "echo one" in history and "echo two" in history
    last = server.call_tool("list_command_history", limit=1).text
    assert "echo one" not in last


def test_close_session(server):
    server.execute("t-bash", "x=1")
    server.execute("t-bash", "x=2", session="other")
    running = server.execute("t-bash", "sleep 60", timeout=1)
    closed = server.call_tool("close_session", host="t-bash", session="default")
    assert not closed.is_error, closed
    status = server.call_tool("get_command_status", command_id=running.command_id, wait_s=10)
    assert status.state in ("interrupted", "lost") and status.exit_status is None, status
    assert server.execute("t-bash", "echo x=$x", session="other").output == "x=2\n"
    fresh = server.execute("t-bash", "echo x=$x")
    assert fresh.output == "x=\n" and fresh.started is True


def test_close_all_sessions(start_server, own_sshd, wait_until):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    for user in ("t-bash", "t-dash", "t-zsh"):
        server.execute(user, "true")
    assert len(daemon.connections()) == 3
    server.call_tool("close_all_sessions")
    assert "no active" in server.call_tool("list_sessions").text.lower()
    wait_until(lambda: not daemon.connections(), "the connections end")
    assert server.execute("t-bash", "echo again").output == "again\n"


# ---- the rest

def test_facts(server, sshd):
    result = server.execute("t-bash", "cd /usr && echo five")
    assert set(result.facts) >= {"command_id", "state", "exit_status", "signal", "duration_ms", "output_bytes",
                                 "truncated", "session", "cwd", "awaiting", "next_offset", "started"}
    assert result.session == f"t-bash@{sshd.host}:{sshd.port}"
    assert result.output_bytes == 5 and result.next_offset == 5 and result.duration_ms >= 0
    assert server.execute("t-bash", "true").cwd in ("/usr", None)
    assert result.text == "Exit Status: 0\n\nSTDOUT:\nfive\n"
    assert server.execute("t-bash", "true").text.rstrip("\n") == "Exit Status: 0"


def test_nothing_is_left_on_the_host(server, sshd, shell):
    """No files, no history entries of ours."""
    import os
    home = sshd.users["t-" + shell].home
    before = sorted(os.listdir(home))
    for command in ("echo visible-in-no-history", "true", "sleep 1"):
        server.execute("t-" + shell, command)
    server.call_tool("close_session", host="t-" + shell)
    assert sorted(os.listdir(home)) in (before, sorted({*before, ".bash_history"}), sorted({*before, ".sh_history"}),
                                        sorted({*before, ".ash_history"}))
    for name in os.listdir(home):
        if name.endswith("history") and shell != "ksh93":    # see KNOWN_RISKS.md
            with open(os.path.join(home, name), encoding="utf-8", errors="replace") as file:
                assert "visible-in-no-history" not in file.read()


def test_finished_commands_are_kept_and_the_oldest_go_first(server):
    ids = [server.execute("t-bash", f"echo {n}").command_id for n in range(110)]
    assert len(set(ids)) == 110
    assert "109\n" in server.call_tool("get_command_status", command_id=ids[-1]).text
    assert "50\n" in server.call_tool("get_command_status", command_id=ids[50]).text
    gone = server.call_tool("get_command_status", command_id=ids[0])
    assert gone.is_error and "not found" in gone.text


@pytest.mark.parametrize("login", ["t-bashrc-loud", "t-bashrc-theme", "t-zsh-theme"])
def test_loud_and_themed_rc_files(server, login):
    for command, output, status in (("echo hi", "hi\n", 0), ("false", "", 1), ("(exit 7)", "", 7),
                                    ("printf x", "x", 0), ("cd /usr; pwd", "/usr\n", 0), ("echo 'un", None, None)):
        result = server.execute(login, command)
        if output is not None:
            assert (result.output, result.exit_status) == (output, status), result


def test_shells_opened_at_once_are_told_apart(start_server, own_sshd):
    """Which of sshd's children is whose shows in who is said to wait for a line, and for whom it is ended."""
    server = start_server(config=own_sshd().ssh_config)
    names = [f"s{number}" for number in range(6)]
    pending = {name: server.start_tool("execute_command", host="t-bash", session=name, timeout=20,
                                       command=f"sleep 0.{index}; read line; echo \"{name} got $line\"")
               for index, name in enumerate(names)}
    asking = {name: pending[name].result() for name in names}
    assert {name: asking[name].awaiting for name in names} == {name: "line" for name in names}
    for name in reversed(names):
        server.call_tool("send_input", command_id=asking[name].command_id, input_text=f"{name}\\n")
        ended = server.call_tool("get_command_status", command_id=asking[name].command_id, wait_s=20)
        assert ended.exit_status == 0 and ended.output.endswith(f"{name} got {name}\n"), ended


def test_a_closed_shell_that_lives_on_is_not_taken_for_a_new_one(start_server, own_sshd):
    server = start_server(config=own_sshd().ssh_config)
    assert server.execute("t-bash", "trap '' HUP; (sleep 3; :) & disown; echo on", session="old").output.endswith("on\n")
    server.call_tool("close_session", host="t-bash", session="old")
    result = server.execute("t-bash", "read line; echo got $line", session="new", timeout=20)
    assert result.awaiting == "line", result
