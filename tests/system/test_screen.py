"""The screen and the keys: real programs driven to their purpose through tools only, the screen checked at each step."""
import re
import time

import pytest

from conftest import wait_for_end
from test_lost import kill_session_processes
from support.sshd import which

LIMIT = 20      # the calls' timeout; an answer comes long before
CANARY = "c4n4ry-that-nobody-may-see-7f3a"


class Screen:
    """A result of read_screen or send_keys: its facts, and the rows of the screen."""

    def __init__(self, result):
        assert not result.is_error, result.text
        self.text = result.text
        self.facts = result.raw["_meta"]["mcp-ssh-session/screen"]
        self.rows = self._rows("\nSCREEN:\n")
        self.scrollback = self._rows("\nSCROLLBACK:\n", "\n\nSCREEN:\n")

    def _rows(self, title, end="\n\n[since="):
        if title not in self.text:
            return []
        return self.text.split(title, 1)[1].rsplit(end, 1)[0].split("\n")

    @property
    def cursor(self):
        return self.facts["cursor_x"], self.facts["cursor_y"]

    def __contains__(self, part):
        return any(part in row for row in self.rows)


def look(server, host="t-bash", **more):
    return Screen(server.call_tool("read_screen", host=host, **{"max_lines": 500, **more}))


def press(server, keys, host="t-bash", **more):
    return Screen(server.call_tool("send_keys", host=host, keys=keys, **{"max_lines": 500, "wait_s": 10, **more}))


def see(server, wanted, host="t-bash", **more):
    """The screen once it has what is wanted: a program draws when it likes."""
    deadline = time.monotonic() + 20
    while True:
        screen = look(server, host, **more)
        if wanted(screen):
            return screen
        assert time.monotonic() < deadline, f"not within 20 s: {screen.text}"
        time.sleep(0.02)


def start(server, command, host="t-bash", timeout=LIMIT):
    if which(command.split()[0]) is None:
        pytest.skip(f"no {command.split()[0]} here")
    return server.execute(host, command, timeout=timeout)


def ended(server, result, status=0):
    done = wait_for_end(server, result.command_id)
    assert (done.state, done.exit_status) == ("done", status), done


# ---- programs ----

def test_vim_writes_a_file(server):
    server.execute("t-bash", "rm -f vim.txt")
    vim = start(server, "vim.tiny -u NONE -N vim.txt")
    screen = see(server, lambda screen: "vim.txt" in screen.rows[-1])
    assert screen.facts["alternate"] and screen.cursor == (0, 0) and screen.rows[1] == "~"
    assert screen.facts["command_id"] == vim.command_id and screen.facts["awaiting"] == "program"
    screen = press(server, "iHello <lt>World><enter>second line")
    assert screen.rows[:2] == ["Hello <World>", "second line"] and screen.cursor == (11, 1)
    assert "-- INSERT --" in screen.rows[-1]
    press(server, "<esc>")
    see(server, lambda screen: "INSERT" not in screen.rows[-1])
    screen = press(server, "<up><home>x")
    assert screen.rows[0] == "ello <World>" and screen.cursor == (0, 0)
    screen = press(server, ":wq<enter>")
    assert screen.facts["state"] == "done" and screen.facts["exit_status"] == 0 and not screen.facts["alternate"]
    ended(server, vim)
    assert server.execute("t-bash", "cat vim.txt").output == "ello <World>\nsecond line\n"
    assert "vim.tiny -u NONE -N vim.txt" in look(server)      # the screen from before is there again


def test_less_pages_and_searches(server):
    server.execute("t-bash", "seq 1 1000 > numbers; export LESS=")
    less = start(server, "less numbers")
    screen = see(server, lambda screen: screen.rows[0] == "1")
    assert screen.rows[48] == "49" and screen.rows[49] == "numbers" and screen.facts["alternate"]
    assert press(server, "<pagedown>").rows[0] == "50"
    assert press(server, "<down*3>").rows[0] == "53"
    assert press(server, "<home>").rows[0] == "1"
    assert press(server, "/777<enter>").rows[0] == "777"
    assert press(server, "<shift-tab>q").facts["state"] == "done"
    ended(server, less)


def test_top_shows_processes_and_quits(server):
    top = start(server, "top -d 1", timeout=3)
    screen = see(server, lambda screen: "load average" in screen.rows[0] and "PID" in screen)
    assert "Tasks:" in screen.rows[1] and len(screen.rows) > 10, screen.text
    assert press(server, "q").facts["state"] in ("done", "running")
    ended(server, top)


def test_nano_writes_a_file(server):
    server.execute("t-bash", "printf 'one\\ntwo\\nthree\\n' > nano.txt")
    nano = start(server, "nano --ignorercfiles nano.txt")
    screen = see(server, lambda screen: "GNU nano" in screen.rows[0] and "three" in screen)
    assert screen.rows[1:4] == ["one", "two", "three"] and screen.cursor == (0, 1)
    assert press(server, "<down*2><end>").cursor == (5, 3)
    assert press(server, "<backspace*2> - <enter>four").rows[3:5] == ["thr -", "four"]
    assert "File Name to Write: nano.txt" in press(server, "<ctrl-o>")
    press(server, "<enter>")
    see(server, lambda screen: "Wrote 4 lines" in screen)
    press(server, "<ctrl-x>")
    ended(server, nano)
    assert server.execute("t-bash", "cat nano.txt").output == "one\ntwo\nthr - \nfour\n"


def test_python_with_its_line_editor(server):
    python = start(server, "python3 -q")
    see(server, lambda screen: any(row == ">>>" for row in screen.rows))
    assert "1764" in press(server, "42*42<enter>").rows
    assert "1765" in press(server, "<up><end>+1<enter>").rows        # its history, by a cursor key
    press(server, "<ctrl-d>")
    ended(server, python)


# ---- what the terminal is asked, and what it is told ----

RAW = "stty raw -echo; {}; dd bs=1 count={} 2>/dev/null | od -An -c; stty sane"


def raw(ask, count):
    return RAW.format(f"printf '{ask}'", count)


@pytest.mark.parametrize("ask,answer", [("\\033[5;7H\\033[6n", "033 [ 5 ; 7 R"), ("\\033[5n", "033 [ 0 n"),
                                        ("\\033[c", "033 [ ? 6 c"), ("\\033Z", "033 [ ? 6 c")])
def test_a_program_that_asks_the_terminal_is_answered(server, ask, answer):
    done = server.execute("t-bash", raw(ask, len(answer.split())), timeout=LIMIT)
    assert done.state == "done" and answer in " ".join(done.output.split()), done


def test_nothing_else_is_answered(server):
    questions = ("\\033[>c\\033[=c\\033[18t\\033[21t\\033]0;canary\\007\\033[21t\\005\\033P$qm\\033\\\\"
                 "\\033]11;?\\007\\033]52;c;?\\007\\033[?6n\\033[5n")
    done = server.execute("t-bash", raw(questions, 4), timeout=LIMIT)
    assert "033 [ 0 n" in " ".join(done.output.split()), done     # the last one's, and no byte before it
    assert server.execute("t-bash", "echo ok").output == "ok\n"


def test_in_line_mode_nothing_is_answered(server):
    asked = server.execute("t-bash", "printf '\\033[6n\\033[c\\033[5n'; read -r line; printf '<%s>\\n' \"$line\"", timeout=LIMIT)
    assert asked.awaiting == "line"
    look(server)
    press(server, "typed<enter>")
    done = wait_for_end(server, asked.command_id)
    assert "<typed>" in done.text, done


def test_at_a_prompt_nothing_is_answered(server):
    look_first = server.execute("t-bash", "printf '\\033[6n\\033[c'")
    assert look_first.exit_status == 0
    look(server)
    server.execute("t-bash", "printf '\\033[6n\\033[c\\033[5n\\033Z'")
    assert server.execute("t-bash", "echo clean").output == "clean\n"


@pytest.mark.parametrize("mode,bytes_", [("h", "033 O A 033 O H"), ("l", "033 [ A 033 [ H")])
def test_cursor_keys_follow_the_terminals_mode(server, mode, bytes_):
    asked = server.execute("t-bash", raw(f"\\033[?1{mode}", 6), timeout=LIMIT)
    assert asked.awaiting == "program"
    press(server, "<up><home>")
    assert bytes_ in " ".join(wait_for_end(server, asked.command_id).text.split())


def test_an_unknown_key_types_nothing(server):
    asked = server.execute("t-bash", "cat", timeout=LIMIT)
    refused = server.call_tool("send_keys", host="t-bash", keys="abc<nokey>")
    assert refused.is_error and "<nokey>" in refused.text
    press(server, "x<enter>")
    press(server, "<ctrl-d>")
    assert wait_for_end(server, asked.command_id).text.count("abc") == 0


# ---- the screen itself ----

def test_a_shell_without_a_running_command(server, shell):
    host = "t-" + shell
    server.execute(host, "echo first")
    screen = see(server, lambda screen: screen.facts["at_prompt"], host)
    assert "first" in screen.rows and "shell prompt" in screen.text and "printf" not in screen.text
    assert any(row.endswith("echo first") for row in screen.rows)
    screen = press(server, "echo by $((1+1)) keys<enter>", host)
    assert "by 2 keys" in screen.rows and "command_id" not in screen.facts
    assert server.execute(host, "echo after").output == "after\n"


def test_only_what_changed(server):
    server.execute("t-bash", "seq 1 20")
    first = see(server, lambda screen: screen.facts["at_prompt"])
    again = look(server, since=first.facts["serial"])
    assert "CHANGED ROWS:\n[none]\n" in again.text
    server.execute("t-bash", "printf '\\033[3;1Hchanged\\033[K\\033[30;1H'")
    text = see(server, lambda screen: screen.facts["at_prompt"], since=first.facts["serial"]).text
    rows = dict(re.findall(r"^(\d+): (.*)$", text.split("CHANGED ROWS:\n")[1], re.M))
    assert rows["3"] == "changed" and "5" not in rows, text


def test_scrollback_and_a_window_of_lines(server):
    server.execute("t-bash", "seq 1 300")
    screen = see(server, lambda screen: screen.facts["at_prompt"], scrollback=1000)
    assert [row for row in screen.scrollback + screen.rows if row.isdigit()] == [str(i) for i in range(1, 301)]
    short = Screen(server.call_tool("read_screen", host="t-bash", max_lines=5))
    assert "[rows 1 to 45 are not shown; max_lines=50 shows all]" in short.text and len(short.rows) == 6
    assert not short.scrollback


def test_another_size(server):
    assert server.execute("t-bash", "stty size").output == "50 200\n"
    screen = look(server, resize="90x30")
    assert (screen.facts["width"], screen.facts["height"]) == (90, 30)
    assert server.execute("t-bash", "stty size").output == "30 90\n"
    vim = start(server, "vim.tiny -u NONE -N -c 'set ruler' some.txt")
    see(server, lambda screen: len(screen.rows) == 30 and "some.txt" in screen.rows[-1])
    screen = look(server, resize="60x12")
    assert len(screen.rows) == 12 and screen.rows[1:11] == ["~"] * 10, screen.text
    press(server, ":q!<enter>")
    ended(server, vim)
    for wrong in ("10x10", "501x20", "500x500", "80", "x", "80x", "80x25x"):
        refused = server.call_tool("read_screen", host="t-bash", resize=wrong)
        assert refused.is_error and "COLUMNSxROWS" in refused.text


@pytest.mark.parametrize("by", ["option", "environment"])
def test_the_size_is_configured(start_server, by):
    server = start_server("--pty-size", "111x37") if by == "option" else start_server(env={"MCP_SSH_PTY_SIZE": "111x37"})
    assert server.execute("t-bash", "stty size").output == "37 111\n"
    assert look(server).facts["width"] == 111


def test_a_title_and_the_alternate_screen(server):
    asked = server.execute("t-bash", "printf '\\033]0;a \\302\\233title\\007\\033[?1049h\\033[2J\\033[Hinside'; cat", timeout=LIMIT)
    screen = look(server)
    assert screen.facts["alternate"] and screen.rows[0] == "inside" and "Title: a" in screen.text
    server.call_tool("interrupt_command_by_id", command_id=asked.command_id)
    wait_for_end(server, asked.command_id)
    server.execute("t-bash", "printf '\\033[?1049l'")
    assert not look(server).facts["alternate"]


def test_much_output_while_somebody_looks(server):
    look_at = server.execute("t-bash", "echo ready")
    assert look_at.exit_status == 0
    look(server)
    done = server.execute("t-bash", "seq 1 1000000 | tail -n 1000000", timeout=60)
    assert done.exit_status == 0
    assert "1000000" in see(server, lambda screen: screen.facts["at_prompt"]).rows


def test_a_secret_is_not_seen_on_the_screen(server):
    server.execute("t-bash", "true", password=CANARY)
    for columns in (0, 185, 199):
        command = f"clear; printf '%{columns}s%s\\n' '' {CANARY}" if columns else f"clear; printf '%s\\n' {CANARY}"
        server.execute("t-bash", command, password=CANARY)
        screen = look(server)
        seen = "".join(row.strip() for row in screen.rows)
        assert "[redacted]" in seen, screen.text
        for part in (CANARY, CANARY[:8], CANARY[-8:]):
            assert part not in seen, screen.text


def test_a_secret_begins_above_the_screen(server):
    server.execute("t-bash", "true", password=CANARY)
    server.execute("t-bash", f"clear; printf '%190s%s' '' {CANARY}; seq 1 48", password=CANARY)
    screen = see(server, lambda screen: screen.facts["at_prompt"])
    assert CANARY[-8:] not in screen.text and CANARY[10:20] not in screen.text


# ---- an answer always comes ----

def test_without_a_session(server):
    for tool, more in (("read_screen", {}), ("send_keys", {"keys": "x"})):
        refused = server.call_tool(tool, host="t-bash", **more)
        assert refused.is_error and "No active shell" in refused.text


def test_a_closed_session_ends_the_wait(server):
    server.execute("t-bash", "sleep 100", timeout=1)
    pending = server.start_tool("send_keys", host="t-bash", keys="<alt-x>", wait_s=500)
    server.call_tool("list_sessions")
    server.call_tool("close_session", host="t-bash")
    result = pending.result()
    assert result.is_error or result.raw["_meta"]["mcp-ssh-session/screen"], result
    assert server.call_tool("read_screen", host="t-bash").is_error


def quiet_wait(server):
    """A call that waits: nothing is echoed, nothing printed, nothing asked."""
    server.execute("t-bash", "stty -echo; sleep 100", timeout=1)
    pending = server.start_tool("send_keys", host="t-bash", keys="x", wait_s=500)
    server.call_tool("list_sessions")
    assert not pending.is_answered
    return pending


@pytest.mark.parametrize("end", ["session", "all", "shell"])
def test_who_waits_is_told_of_the_end(server, end):
    pending = quiet_wait(server)
    if end == "session":
        server.call_tool("close_session", host="t-bash")
    elif end == "all":
        server.call_tool("close_all_sessions")
    else:
        server.call_tool("close_session", host="t-bash", session="default")
    result = pending.result(timeout=20)
    assert result.is_error and "The keys were sent. Then: the session's shell is gone" in result.text, result


def test_a_lost_connection_ends_the_wait(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    pending = quiet_wait(server)
    kill_session_processes(daemon, "t-bash")
    result = pending.result(timeout=20)
    assert result.is_error and "connection lost" in result.text, result


def test_a_cancelled_call_leaves_nothing_behind(server):
    pending = quiet_wait(server)
    server.cancel(pending)
    assert look(server).facts["state"] == "running"


def test_a_command_that_ends_ends_the_wait(server):
    asked = server.execute("t-bash", "read -r line; exit_with() { return 7; }; exit_with", timeout=LIMIT)
    screen = press(server, "<enter>", wait_s=60)
    assert screen.facts["waited_for"] == "ended" and screen.facts["exit_status"] == 7 and screen.facts["at_prompt"], screen.text
    assert screen.facts["command_id"] == asked.command_id
