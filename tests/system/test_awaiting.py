"""Does it wait for input? What the kernel knows: right where something asks, silent where nothing does."""
import socket

import pytest

from conftest import wait_for_end
from support.sshd import which

SECRET = "tr0ub4dor-and-3"
# ksh93's read has a line editor of its own: it takes single keys, and the kernel says so.
LINE = {"ksh93": ("line", "program")}
LIMIT = 20      # the calls' timeout; an answer comes long before where something asks


def asks(result, *kinds):
    assert result.state == "awaiting_input" and result.awaiting in kinds and result.exit_status is None, result
    return result


def awaiting(result, *kinds):
    asks(result, *kinds)
    assert result.text.startswith(f"Command paused waiting for user input ({result.awaiting}"), result
    assert f"Command ID: {result.command_id}\n" in result.text and not result.is_error
    return result


def send(server, result, text, **more):
    return server.call_tool("send_input", command_id=result.command_id, input_text=text, wait_s=10, **more)


def status(server, result):
    return server.call_tool("get_command_status", command_id=result.command_id, wait_s=20)


def test_cat(server, shell):
    asked = awaiting(server.execute("t-" + shell, "cat", timeout=LIMIT), "line")
    assert "hello" in send(server, asked, "hello\\n").text
    send(server, asked, "\x04")
    done = status(server, asked)
    assert done.state == "done" and done.exit_status == 0, done
    assert server.execute("t-" + shell, "echo ok").output == "ok\n"


def test_read(server, shell):
    asked = awaiting(server.execute("t-" + shell, "printf 'Your name? '; read name; echo \"hi $name\"; (exit 4)",
                                    timeout=LIMIT), *LINE.get(shell, ("line",)))
    assert "Your name?" in asked.text.split("\n")[0]
    send(server, asked, "Bob\\n")
    done = status(server, asked)
    assert done.exit_status == 4 and "hi Bob\n" in done.text
    assert server.execute("t-" + shell, "echo $name").output == "Bob\n"


def test_password(server, shell):
    asked = awaiting(server.execute(
        "t-" + shell, "stty -echo; printf 'Password: '; read p; stty echo; echo; echo \"length ${#p}\"; unset p",
        timeout=LIMIT), "password")
    assert 'password: "Password: "' in asked.text.split("\n")[0] or "Password:" in asked.text.split("\n")[0]
    answer = send(server, asked, SECRET + "\\n")
    done = status(server, asked)
    assert f"length {len(SECRET)}\n" in done.text and done.exit_status == 0
    everything = answer.text + done.text + server.log() + server.call_tool("list_command_history").text
    assert SECRET not in everything


def test_send_input_by_session(server, sshd):
    asked = awaiting(server.execute("t-bash", "read -r a; read -r b; printf '<%s><%s>\\n' \"$a\" \"$b\"", timeout=LIMIT), "line")
    server.call_tool("send_input_by_session", host="t-bash", input_text="one\\n still one\ntwo\n")
    done = status(server, asked)
    assert done.exit_status == 0 and "<one\\n still one><two>\n" in done.text, done


def test_a_busy_shell_that_asks(server):
    asked = awaiting(server.execute("t-bash", "cat", timeout=LIMIT), "line")
    second = server.execute("t-bash", "echo no")
    assert second.is_error and asked.command_id in second.text
    server.call_tool("interrupt_command_by_id", command_id=asked.command_id)
    assert wait_for_end(server, asked.command_id).state == "interrupted"


def test_asking_again_and_again(server):
    asked = server.execute("t-bash", "for i in 1 2 3; do printf \"q$i? \"; read a; echo \"a$i=$a\"; done", timeout=LIMIT)
    for number in (1, 2, 3):
        asks(server.call_tool("get_command_status", command_id=asked.command_id, wait_s=10), "line")
        send(server, asked, f"x{number}\\n")
    done = status(server, asked)
    assert done.exit_status == 0
    for number in (1, 2, 3):
        assert f"a{number}=x{number}\n" in done.text


PROGRAMS = {
    "python3": ("python3 -q", "exit()\\n"),
    "less": ("less /etc/passwd", "q"),
    "vi": ("vi -u NONE /etc/passwd", "\x1b:q!\\n"),
    "top": ("top", "q"),
}


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_programs_that_take_keys(server, program):
    if which(program) is None:
        pytest.skip(f"no {program} here")
    command, leave = PROGRAMS[program]
    if program == "top":
        first = server.execute("t-bash", command, timeout=3)
        assert first.state in ("running", "awaiting_input")
    else:
        first = awaiting(server.execute("t-bash", command, timeout=LIMIT), "program")
    if program == "python3":
        assert "1764" in send(server, first, "42*42\\n").text
    send(server, first, leave)
    assert status(server, first).exit_status == 0
    assert server.execute("t-bash", "echo ok").output == "ok\n"


@pytest.mark.parametrize("inner", ["bash --norc", "sh", "zsh -f", "mksh"])
def test_a_nested_shell_is_exact_inside_and_comes_back(server, shell, inner):
    host = "t-" + shell
    if which(inner.split()[0]) is None:
        pytest.skip(f"no {inner} here")
    server.execute(host, "level=outer")
    outer = awaiting(server.execute(host, inner, timeout=LIMIT), "shell")
    for command, output, number in (("echo in; echo $level", "in\n\n", 0), ("(exit 5)", "", 5),
                                    ("printf 'no newline'", "no newline", 0), ("level=inner", "", 0),
                                    ("echo $level", "inner\n", 0), ("false", "", 1)):
        inside = server.execute(host, command)
        assert (inside.output, inside.exit_status) == (output, number), inside
    server.execute(host, "exit 9")
    done = status(server, outer)
    assert done.state == "done" and done.exit_status == 9, done
    back = server.execute(host, "echo $level")
    assert (back.output, back.exit_status) == ("outer\n", 0) and back.started is False, back


def test_three_shells_deep(server):
    for inner in ("sh", "bash --norc", "sh"):
        awaiting(server.execute("t-bash", inner, timeout=LIMIT), "shell")
    assert server.execute("t-bash", "echo deep; (exit 8)").exit_status == 8
    for _ in range(3):
        server.execute("t-bash", "exit")
    back = server.execute("t-bash", "echo back")
    assert back.output == "back\n" and back.started is False


QUIET = {
    "sleep": "sleep 30",
    "compute": "while :; do :; done",
    "pipe": "sleep 30 | cat",
    "wait": "sleep 30 & wait",
    "reads a file that is no terminal": "sleep 30 | { read x; }",
    "looks like a prompt": "printf 'Password: '; sleep 30",
    "asks nobody": "printf 'Continue? [y/N] '; sleep 30",
}


@pytest.mark.parametrize("what", sorted(QUIET))
def test_what_is_quiet_is_not_asking(server, what):
    result = server.execute("t-bash", QUIET[what], timeout=4)
    assert result.state == "running" and result.awaiting is None, result
    server.call_tool("interrupt_command_by_id", command_id=result.command_id)


def test_waiting_for_the_network_is_not_asking(server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = server.execute("t-bash", f"exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3", timeout=4)
        assert result.state == "running" and result.awaiting is None, result
        server.call_tool("interrupt_command_by_id", command_id=result.command_id)


# What waits, by the kernel's name for it: the command, what the first line and the follow-up say, and how it is left.
KINDS = {
    "less": ("less /etc/passwd", 'program: "less"', 'send_keys "q" leaves it', "q"),
    "vim": ("vim -u NONE -n /etc/passwd", 'program: "vim"', 'send_keys types, "<esc>:q!<enter>"', "<esc>:q!<enter>"),
    "nano": ("nano /etc/passwd", 'program: "nano"', "It is an editor", "<ctrl-x>"),
    "python3": ("python3 -q", 'program: "python3" asks ">>>"', "'exit()\\n' leaves it", "exit()<enter>"),
    "sqlite3": ("sqlite3", 'program: "sqlite3" asks "sqlite>"', "'.quit\\n' leaves it", ".quit<enter>"),
    "whiptail": ("whiptail --yesno sure 8 30", 'program: "whiptail"', "It is a menu", "<enter>"),
}


@pytest.mark.parametrize("program", sorted(KINDS))
def test_what_waits_is_told_apart_by_its_name(server, program):
    if which(program) is None:
        pytest.skip(f"no {program} here")
    command, first_line, follow_up, leave = KINDS[program]
    asked = awaiting(server.execute("t-bash", command, timeout=LIMIT), "program")
    assert first_line in asked.text.split("\n")[0] and follow_up in asked.text, asked
    server.call_tool("send_keys", host="t-bash", keys=leave)
    assert status(server, asked).exit_status == 0
    assert server.execute("t-bash", "echo ok").output == "ok\n"


def test_what_input_changes_is_returned(server):
    """The answer comes when the command ends, asks again or pauses; it has what is new and where to go on."""
    asked = server.execute("t-bash", "printf 'a? '; read -r a; echo \"a=$a\"; printf 'b? '; read -r b; "
                                     "echo \"b=$b\"; (exit 3)", timeout=LIMIT)
    asks(asked, "line")
    again = send(server, asked, "one\\n")
    asks(again, "line")
    assert "a=one\n" in again.text and "[waiting for input (line: \"b? \")]" in again.text, again.text
    done = send(server, again, "two\\n")
    assert done.state == "done" and done.exit_status == 3 and "b=two\n" in done.text and "a=one" not in done.text
    assert done.raw["_meta"]["mcp-ssh-session/command"]["next_offset"] > \
        again.raw["_meta"]["mcp-ssh-session/command"]["next_offset"] > 0


def test_input_to_a_shell_shows_its_screen(server):
    server.execute("t-bash", "true")
    result = server.call_tool("send_input_by_session", host="t-bash", input_text="echo $((6*7))x\n", wait_s=5)
    assert "the shell itself got the input" in result.text and "\n42x" in result.text.split("SCREEN:")[1], result.text
