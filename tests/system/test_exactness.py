"""Exactness: output and exit status of many commands in the login shells, against the OpenSSH client."""
import re

import pytest

from conftest import McpClient, need_shell
from exactness_cases import ALL, CASES
from exactness_others import OTHERS
from support.oracle import Oracle
from support.sshd import SHELLS

THEMED = ("bashrc-loud", "bashrc-theme", "zsh-theme")
THEMED_CASES = 40           # of the first, harmless ones
MAX_CHARS = 200_000         # the most there is


class Session:
    """One server, one shell, for all cases of a login. A case that broke it costs only itself."""

    def __init__(self, binary, sshd, login, home):
        self.argv, self.home, self.login = [binary, "--ssh-config", sshd.ssh_config], home, login
        self.oracle, self.client = Oracle(sshd, login), None

    def run(self, command):
        if self.client is None:
            self.client = McpClient(self.argv, home=self.home)
        return self.client.execute(self.login, command, max_chars=MAX_CHARS)

    def is_alive(self):
        try:
            result = self.run("echo ok")
            return not result.is_error and result.state == "done" and result.exit_status == 0, result
        except Exception as error:      # a broken session must not break the next case
            return False, error

    def start_over(self):
        if self.client is not None:
            self.client.abandon()
            self.client = None

    def close(self):
        self.oracle.close()
        if self.client is not None:
            self.client.close()


@pytest.fixture(scope="module")
def sessions(binary, sshd, tmp_path_factory):
    """login -> Session, made when first asked for; the one before is closed by then."""
    opened = {}

    def get(name):
        if name not in opened:
            need_shell(sshd, name)
            for before in list(opened):
                opened.pop(before).close()
            opened[name] = Session(binary, sshd, "t-" + name, str(tmp_path_factory.mktemp("home")))
        return opened[name]
    yield get
    for last in opened.values():
        last.close()


def cases():
    for shell in SHELLS + ("yash",):
        for case in CASES:
            if shell in case.shells:
                yield pytest.param(shell, case, id=f"{shell}-{case.name}")
    for shell, own in OTHERS.items():
        for case in own:
            if case.shells == ALL or shell in case.shells:
                yield pytest.param(shell, case, id=f"{shell}-{case.name}")
    for shell in THEMED:
        for case in CASES[:THEMED_CASES]:
            if shell.split("rc-")[0].split("-")[0] in case.shells:
                yield pytest.param(shell, case, id=f"{shell}-{case.name}")


def shorten(text):
    return text if len(text) < 400 else f"{text[:200]}…{len(text)} characters…{text[-200:]}"


def check_output(case, result, expected):
    got = result.output
    if case.output is None:
        assert got == expected, f"got {shorten(got)!r}, ssh gives {shorten(expected)!r}"
    elif isinstance(case.output, str):
        assert got == case.output, f"got {shorten(got)!r}, expected ({case.reason})"
    else:
        assert case.output.fullmatch(got), f"got {shorten(got)!r}, expected {case.output.pattern!r} ({case.reason})"


def check_status(case, result, expected):
    if callable(case.status):
        assert case.status(result.exit_status), f"status {result.exit_status} ({case.reason})"
    else:
        want = expected if case.status == "ssh" else case.status
        assert result.exit_status == want, f"status {result.exit_status}, expected {want}; {result}"
    if result.exit_status is None:
        assert "Exit Status: unknown (" in result.text
    else:
        assert result.text.startswith(f"Exit Status: {result.exit_status}\n")


@pytest.mark.parametrize("name,case", cases())
def test_exact(sessions, name, case):
    session = sessions(name)
    expected = session.oracle.run(case.command) if case.asks_ssh else (None, None)
    try:
        result = session.run(case.command)
        assert not result.is_error, result
        assert result.state == "done", result
        check_output(case, result, expected[0])
        check_status(case, result, expected[1])
        assert result.facts.get("signal") == case.signal
        assert result.output_bytes == len(result.output.encode())
        assert result.truncated is False
        if case.ends_shell:
            assert re.search(r"(?i)\[.*shell.*\]", result.text), f"does not say that the shell ended: {result}"
            after = session.run("echo ok")
            assert after.output == "ok\n" and after.started is True, after
            assert any("lost" in note for note in after.notes), f"does not say that state was lost: {after}"
        if case.undo:
            session.run(case.undo)
    except Exception:
        session.start_over()
        raise
    if not case.look_after:
        return
    alive, answer = session.is_alive()
    if not alive:
        session.start_over()
    assert alive, f"wedged afterwards: {answer}"


@pytest.mark.parametrize("name", SHELLS + ("yash", "fish", "tcsh", "csh"))
def test_exec_bash_is_a_shell_to_go_on_in(sessions, name):
    session = sessions(name)
    try:
        result = session.run("exec bash --norc")
        assert result.exit_status is None and not result.is_error, result
        assert "shell" in result.text, result       # one that waits, or one that took the old one's place
        inside = session.run('echo "${BASH_VERSION:+bash}"; (exit 6)')
        assert (inside.output, inside.exit_status) == ("bash\n", 6), inside
    finally:
        session.start_over()


@pytest.mark.parametrize("command", ["stty raw", "exec >/dev/null", "exec </dev/null", "set -n", "exec 2>&-"])
@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_made_unusable_is_never_a_hang(sessions, name, command):
    """Whatever it did to its shell: the next calls are answered, and a fresh shell is one call away."""
    session = sessions(name)
    try:
        session.run(command)
        session.client.execute(session.login, "echo ok", timeout=3)
        session.client.call_tool("close_session", host=session.login)
        after = session.run("echo ok")
        assert (after.output, after.exit_status) == ("ok\n", 0), after
    finally:
        session.start_over()
