"""The user's own login shells: themes, modes and rc files of all kinds, and logins that are no shells."""
import os

import pytest

from support.sshd import which

LIMIT = 20


def need(sshd, login):
    if login not in sshd.users:
        pytest.skip(f"no {login} here")
    return login


def session_of(server, login):
    sessions = server.call_tool("list_sessions").structured["sessions"]
    return next(at for at in sessions if at["session"].startswith(login + "@"))


POSIX = ("bash-old", "bash-posix", "bash-nolineedit", "bashrc-theme", "zsh-theme", "zsh-star", "zsh-vi",
         "zsh-instant", "yash", "rbash")


@pytest.mark.parametrize("name", POSIX)
def test_a_shell_of_ones_own_is_exact(server, sshd, name):
    login = need(sshd, "t-" + name)
    for command, output, number in (("echo one; echo two", "one\ntwo\n", 0), ("false", "", 1), ("echo $?", "1\n", 0),
                                    ("x='a  b'", "", 0), ('printf "%s" "$x"', "a  b", 0), ("(exit 7)", "", 7),
                                    ("for i in 1 2\ndo\n\techo $i\ndone", "1\n2\n", 0),
                                    ("cat <<'X'\n\ttab\nX", "\ttab\n", 0), ("seq 1500", "".join(f"{n}\n" for n in range(1, 1501)), 0)):
        if name == "rbash" and ">" in command:
            continue            # it redirects nothing
        result = server.execute(login, command)
        assert result.exit_status == number, result
        assert output is None or result.output == output, result
    assert server.execute(login, "echo 'open").exit_status != 0
    assert server.execute(login, "echo ok").output == "ok\n"


@pytest.mark.parametrize("name", ["fish", "fish-theme", "tcsh", "tcsh-theme", "csh"])
def test_fish_and_csh_are_exact_in_their_own_language(server, sshd, name):
    login = need(sshd, "t-" + name)
    block = "for i in 1 2\n\techo $i\nend" if "fish" in name else "foreach i (1 2)\n\techo $i\nend"
    keep = "set x 'a  b'" if "fish" in name else "set x = 'a  b'"
    for command, output, number in (("echo one; echo two", "one\ntwo\n", 0), ("false", "", 1), ("echo $status", "1\n", 0),
                                    (keep, "", 0), ('echo "$x"', "a  b\n", 0), (block, "1\n2\n", 0),
                                    ("sh -c 'exit 7'", "", 7), ("cd /usr", "", 0), ("pwd", "/usr\n", 0)):
        result = server.execute(login, command)
        assert (result.output, result.exit_status) == (output, number), result
    wrong = server.execute(login, "echo 'open")
    assert wrong.exit_status not in (0, None) and "balanced" in wrong.output + wrong.output.replace("Unmatched", "balanced")
    assert server.execute(login, "echo ok").output == "ok\n"


def test_an_error_in_csh_is_seen_at_its_prompt(server, sshd):
    """csh throws the rest of our line away: the kernel sees it back at its prompt, then it is asked."""
    login = need(sshd, "t-csh")
    result = server.execute(login, "cd /no/such/place")
    assert result.exit_status == 1 and result.output.startswith("/no/such/place: "), result
    assert result.output.count("\n") == 1, result         # and no prompt after it
    line = server.execute(login, "set answer = $<", timeout=LIMIT)
    assert line.awaiting == "line", line
    server.call_tool("send_input", command_id=line.command_id, input_text="yes\n")
    assert server.execute(login, "echo $answer").output == "yes\n"


def test_what_csh_cannot_take_is_refused(server, sshd):
    result = server.execute(need(sshd, "t-csh"), "echo " + "x" * 1100)
    assert result.is_error and "1,024" in result.text and "isolated" in result.text, result
    assert server.execute("t-csh", "echo ok").output == "ok\n"


def test_what_is_not_exact_is_said_once_and_in_the_list(server, sshd):
    login = need(sshd, "t-csh")
    first, second = server.execute(login, "echo a"), server.execute(login, "echo b")
    assert any("eval" in note for note in first.notes), first
    assert second.notes == [], second
    assert "eval" in session_of(server, login)["limits"]
    assert "eval" in server.call_tool("list_sessions").text


@pytest.mark.parametrize("name", ["fish", "tcsh", "csh", "yash", "posh", "rc"])
def test_isolated_commands_need_no_driver(server, sshd, name):
    login = need(sshd, "t-" + name)
    command = "echo out; sh -c 'echo err >&2; exit 3'" if name != "rc" else "echo out; sh -c 'echo err >[1=2]; exit 3'"
    result = server.execute(login, command if name != "rc" else "echo out", isolated=True)
    if name == "rc":
        assert result.block.startswith("out\n") and result.exit_status == 0, result
    else:
        assert (result.exit_status, result.output) == (3, "out\n") and result.stderr.startswith("err\n"), result


@pytest.mark.parametrize("name", ["posh", "rc"])
def test_a_shell_without_a_driver_is_told(server, sshd, name, wait_until):
    login = need(sshd, "t-" + name)
    result = server.execute(login, "echo hi")
    assert result.is_error and f"this shell ({name}) is not one that commands can be run in exactly" in result.text
    assert "isolated: true" in result.text and "read_screen" in result.text
    assert session_of(server, login)["limits"] in result.text
    server.call_tool("send_input_by_session", host=login, input_text="echo ty''ped\n")
    wait_until(lambda: "typed" in server.call_tool("read_screen", host=login).text, "what was typed")


@pytest.mark.parametrize("name", ["bash", "dash", "csh"])
def test_a_login_that_asks_something_first(server, sshd, name):
    login = need(sshd, f"t-{name}-asks")
    asked = server.execute(login, "echo hi", timeout=LIMIT)
    assert asked.awaiting == "line" and "Continue? [y/N]" in asked.text, asked
    answer = server.call_tool("send_input", command_id=asked.command_id, input_text="y\n")
    assert "hi" in answer.text and "you said" not in answer.text, answer
    assert server.execute(login, "echo ok").output == "ok\n"


def test_a_menu_gets_no_line_of_ours(server, sshd, wait_until):
    """Neither the helper's script nor a wrapper line: it would take them for choices."""
    login = need(sshd, "t-menu")
    result = server.execute(login, "rm -rf everything", timeout=LIMIT)
    assert result.is_error and "no shell" in result.text and "Your choice:" in result.text, result
    choices = os.path.join(sshd.users[login].home, "choices")
    assert not os.path.exists(choices)
    server.call_tool("send_input_by_session", host=login, input_text="1\n")
    wait_until(lambda: "all is well" in server.call_tool("read_screen", host=login).text, "the menu's answer")
    with open(choices, encoding="utf-8") as file:
        assert file.read() == "1\n"
    again = server.execute(login, "ls", timeout=LIMIT)
    assert again.is_error and "no shell" in again.text
    with open(choices, encoding="utf-8") as file:
        assert file.read() == "1\n"


def test_a_repl_as_login_shell(server, sshd):
    login = need(sshd, "t-repl")
    result = server.execute(login, "echo hi", timeout=LIMIT)
    assert result.is_error and "no shell" in result.text and ">>>" in result.text, result
    assert "SyntaxError" not in server.call_tool("read_screen", host=login).text


def test_a_login_that_becomes_tmux(server, sshd):
    if which("tmux") is None:
        pytest.skip("no tmux here")
    result = server.execute("t-tmux", "echo hi", timeout=LIMIT)
    assert result.is_error and "tmux" in result.text and "isolated: true" in result.text, result
    isolated = server.execute("t-tmux", "echo hi", isolated=True)
    assert isolated.output == "hi\n"


@pytest.mark.parametrize("name,said", [("nologin", "not available"), ("git-shell", "git-shell-commands")])
def test_a_login_that_ends(server, sshd, name, said):
    result = server.execute(need(sshd, "t-" + name), "echo hi", timeout=LIMIT)
    assert result.is_error and "ended" in result.text and said in result.text, result


HISTORY = {
    "bash": {".bash_history": "typed by hand\n"},
    "zsh": {".zsh_history": "typed by hand\n", ".zshrc": "HISTFILE=~/.zsh_history SAVEHIST=100 HISTSIZE=100\nPROMPT='%~ > '\n"},
    "mksh": {".mkshrc": "HISTFILE=~/.mksh_history HISTSIZE=100\n"},
    # without hist-space it keeps all lines: docs/shells.md
    "yash": {".yashrc": "HISTFILE=~/.yash_history HISTSIZE=100\nset -o hist-space\n"},
    "fish": {".local/share/fish/fish_history": "- cmd: typed by hand\n  when: 1700000000\n",
             ".config/fish/config.fish": "# mine\n"},
    "tcsh": {".history": "#+1700000000\ntyped by hand\n", ".tcshrc": "set history=100 savehist=(100 merge) prompt='> '\n"},
    "dash": {".profile": "PS1='> '\n"},
    "busybox": {".ash_history": "typed by hand\n", ".profile": "HISTFILE=~/.ash_history; export HISTFILE\n"},
}


def files_of(home):
    found = {}
    for folder, _, names in os.walk(home):
        for path in (os.path.join(folder, name) for name in names):
            if os.path.isfile(path):        # fish has a pipe there
                with open(path, "rb") as file:
                    found[os.path.relpath(path, home)] = file.read()
    return found


@pytest.mark.parametrize("leaves_by_itself", [True, False], ids=["exit", "closed"])
@pytest.mark.parametrize("name", sorted(HISTORY))
def test_nothing_of_ours_stays_in_the_home(own_sshd, start_server, wait_until, name, leaves_by_itself):
    daemon = own_sshd()
    login = need(daemon, "t-" + name)
    user = daemon.users[login]
    for file, text in HISTORY[name].items():
        path = os.path.join(user.home, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        for part in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            if part.startswith(user.home):
                os.chown(part, user.uid, user.uid)
    before = files_of(user.home)
    server = start_server(config=daemon.ssh_config)
    for n in range(4):
        assert server.execute(login, f"echo canary {n}").output == f"canary {n}\n"
    if leaves_by_itself:
        server.execute(login, "exit")
    else:
        server.call_tool("close_session", host=login)
    wait_until(lambda: not daemon.session_process(login) or leaves_by_itself, "the end of the session")
    after = files_of(user.home)
    for file, text in before.items():
        assert after.get(file) == text, f"{file} was {text!r} and is {after.get(file)!r}"
    for file, text in after.items():
        assert b"7723" not in text and b"canary" not in text, f"{file} holds what we typed: {text[-300:]!r}"
