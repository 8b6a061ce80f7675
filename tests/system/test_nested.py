"""Shells inside shells: exact inside, the way back, and list_sessions that shows the stack."""
import os
import shutil

import pytest

from support.sshd import PASSWORD_HASH, Sshd, User, which

LIMIT = 20


class RootSshd(Sshd):
    """With a login that is root, by another name: su, sudo and chroot ask it for nothing."""

    def _make_users(self):
        super()._make_users()
        home = self._path("homes/t-root")
        os.mkdir(home)
        self.users["t-root"] = User("t-root", 0, home, which("bash"))
        path = self._path("server/passwd")
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"t-root:{PASSWORD_HASH}:0:0:test:{home}:{which('bash')}\n")


@pytest.fixture(scope="module")
def root_sshd():
    if os.geteuid() != 0:
        pytest.skip("only root can make a login that is root")
    with RootSshd(extra="PermitRootLogin yes") as daemon:
        yield daemon


@pytest.fixture
def root(start_server, root_sshd):
    server = start_server(config=root_sshd.ssh_config)
    server.execute("t-root", "HISTFILE=/dev/null")
    return server


def session_of(server, login):
    sessions = server.call_tool("list_sessions").structured["sessions"]
    return next(at for at in sessions if at["session"].startswith(login + "@"))


def opens_shell(server, login, command):
    result = server.execute(login, command, timeout=LIMIT)
    assert result.awaiting == "shell", result
    return result


def is_exact(server, login, variable="x"):
    for command, output, number in (("echo one; echo two", "one\ntwo\n", 0), ("false", "", 1), ("(exit 7)", "", 7),
                                    (f"{variable}='a  b'", "", 0), (f'echo "${variable}"', "a  b\n", 0),
                                    ("printf 'no newline'", "no newline", 0), ("printf '%s\\n' 'ta\tb'", "ta\tb\n", 0)):
        result = server.execute(login, command)
        assert (result.output, result.exit_status) == (output, number), result


def leaves(server, login, outer, number, command=None):
    inner = server.execute(login, command or f"exit {number}")
    assert inner.exit_status is None and "nested shell" in inner.text, inner
    done = server.call_tool("get_command_status", command_id=outer.command_id, wait_s=LIMIT)
    assert done.state == "done" and done.exit_status == number, done
    back = server.execute(login, "echo back")
    assert back.output == "back\n" and back.started is False, back


LOCAL = {
    "su": ("su -s {bash} nobody", "su -s "),
    "su dash": ("su -s {dash} nobody", "su -s "),
    "chroot": ("chroot / {dash}", "chroot / "),
    "env": ("env -i TERM=xterm HOME=/ {zsh} -f", "env -i"),
    "bash": ("{bash} --norc", "/"),
}


@pytest.mark.parametrize("name", sorted(LOCAL))
def test_a_shell_that_a_program_opens(root, root_sshd, name):
    command, shown = LOCAL[name]
    command = command.format(bash=which("bash"), dash=which("dash"), zsh=which("zsh"))
    outer = opens_shell(root, "t-root", command)
    is_exact(root, "t-root")
    shells = session_of(root, "t-root")["shells"]
    assert shells[0] == "bash" and len(shells) == 2 and shells[1].startswith(shown), shells
    leaves(root, "t-root", outer, 3)
    assert session_of(root, "t-root")["shells"] == ["bash"]


def test_sudo_with_a_terminal_of_its_own(root):
    if which("sudo") is None:
        pytest.skip("no sudo here")
    outer = opens_shell(root, "t-root", "sudo -u nobody bash --norc")
    is_exact(root, "t-root")
    assert session_of(root, "t-root")["shells"] == ["bash", "sudo -u nobody bash --norc: bash"]
    leaves(root, "t-root", outer, 4)


def test_a_shell_without_a_line_editor_behind_sudo_is_not_guessed_at(root):
    if which("sudo") is None:
        pytest.skip("no sudo here")
    result = root.execute("t-root", "sudo -u nobody dash -i", timeout=3)
    assert result.awaiting in (None, "program", "shell"), result
    root.call_tool("send_input", command_id=result.command_id, input_text="exit 4\n")
    done = root.call_tool("get_command_status", command_id=result.command_id, wait_s=LIMIT)
    assert done.exit_status == 4, done


@pytest.mark.parametrize("name,variable", [("bash", "x"), ("zsh", "x"), ("zsh-theme", "x")])
def test_ssh_to_another_host(root, root_sshd, name, variable):
    if "t-" + name not in root_sshd.users:
        pytest.skip(f"no {name} here")
    command = f"ssh -F {root_sshd.ssh_config} t-{name}"
    outer = opens_shell(root, "t-root", command)
    is_exact(root, "t-root", variable)
    program = name.split("-")[0]
    assert session_of(root, "t-root")["shells"][1].endswith(": " + program)
    assert "> " not in root.call_tool("list_sessions").text
    deeper = opens_shell(root, "t-root", "bash --norc")
    assert root.execute("t-root", "echo deep; (exit 2)").exit_status == 2
    leaves(root, "t-root", deeper, 6)
    leaves(root, "t-root", outer, 5)


def test_ssh_to_a_host_whose_shell_is_fish(root, root_sshd):
    """The POSIX line means nothing there: the shell is asked which one it is first."""
    if "t-fish" not in root_sshd.users:
        pytest.skip("no fish here")
    outer = opens_shell(root, "t-root", f"ssh -F {root_sshd.ssh_config} t-fish")
    result = root.execute("t-root", "for i in 1 2; echo $i; end; false")
    assert (result.output, result.exit_status) == ("1\n2\n", 1), result
    assert session_of(root, "t-root")["shells"][1].endswith(": fish")
    leaves(root, "t-root", outer, 5)


def test_a_relay_with_something_else_behind_it_is_left_alone(root, root_sshd, tmp_path):
    """As `docker exec -it db psql`: its line editor looks like a shell's from outside."""
    docker = shutil.copy(which("script"), tmp_path / "docker")
    program = os.path.join(root_sshd.dir, "editor")
    with open(program, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nstty -icanon -echo\nprintf '\\033[?2004hdb> '\n"
                   "dd of=$HOME/taken bs=1 count=100000 2>/dev/null\n")
    os.chmod(program, 0o755)
    outer = root.execute("t-root", f"{docker} -qc {program} /dev/null", timeout=LIMIT)
    assert outer.awaiting == "shell", outer
    refused = root.execute("t-root", "rm -rf everything", timeout=LIMIT)
    assert refused.is_error and "does not answer as a shell" in refused.text, refused
    now = root.call_tool("get_command_status", command_id=outer.command_id)
    assert now.awaiting == "program", now
    assert "everything" not in root.call_tool("read_screen", host="t-root").text


@pytest.mark.parametrize("inner", ["bash --norc", "fish", "tcsh -f", "yash --norcfile"])
def test_a_relay_with_a_shell_behind_it(root, tmp_path, inner):
    """As `docker exec -it x bash`."""
    if which(inner.split()[0]) is None:
        pytest.skip(f"no {inner} here")
    docker = shutil.copy(which("script"), tmp_path / "docker")
    outer = root.execute("t-root", f"{docker} -qec '{inner}' /dev/null", timeout=LIMIT)
    if outer.awaiting == "program":     # no sign of a line editor: nothing tells that it is a shell
        pytest.skip("it does not switch bracketed paste on")
    result = root.execute("t-root", "echo in; sh -c 'exit 7'")
    assert (result.output, result.exit_status) == ("in\n", 7), result
    assert session_of(root, "t-root")["shells"][1].endswith(": " + inner.split()[0])
    leaves(root, "t-root", outer, 3)


def test_a_repl_is_no_shell(server):
    first = server.execute("t-bash", "python3 -i -q", timeout=LIMIT)
    assert first.awaiting == "program", first
    assert server.execute("t-bash", "echo no").is_error
    assert session_of(server, "t-bash")["shells"] == ["bash"]
    server.call_tool("send_input", command_id=first.command_id, input_text="exit(4)\n")
    assert server.call_tool("get_command_status", command_id=first.command_id, wait_s=LIMIT).exit_status == 4


@pytest.mark.parametrize("inner,own", [("fish", "false"), ("tcsh -f", "false"), ("zsh -f", "false"), ("dash", "false"),
                                       ("bsd-csh -f", "cd /no/such/place"), ("yash --norcfile", "false")])
def test_each_shell_inside_bash(server, inner, own):
    if which(inner.split()[0]) is None:
        pytest.skip(f"no {inner} here")
    outer = opens_shell(server, "t-bash", inner)
    assert server.execute("t-bash", own).exit_status == 1
    assert server.execute("t-bash", "cd /usr; pwd").output == "/usr\n"
    assert session_of(server, "t-bash")["shells"] == ["bash", f"{inner}: {inner.split()[0]}"]
    leaves(server, "t-bash", outer, 3)


def test_the_stack_is_listed(server):
    opens_shell(server, "t-bash", "bash --norc")
    opens_shell(server, "t-bash", "dash")
    assert session_of(server, "t-bash")["shells"] == ["bash", "bash --norc: bash", "dash: dash"]
    assert "inside it bash --norc: bash > dash: dash" in server.call_tool("list_sessions").text


def test_an_inner_shell_that_is_killed(server):
    outer = opens_shell(server, "t-bash", "bash --norc")
    inner = server.execute("t-bash", "kill -9 $$")
    assert inner.exit_status is None and "nested shell" in inner.text, inner
    done = server.call_tool("get_command_status", command_id=outer.command_id, wait_s=LIMIT)
    assert done.exit_status == 137, done
    assert server.execute("t-bash", "echo ok").output == "ok\n"


def test_an_interrupt_inside_stays_inside(server):
    opens_shell(server, "t-bash", "bash --norc")
    slow = server.execute("t-bash", "sleep 60", timeout=1)
    assert slow.state == "running", slow
    server.call_tool("interrupt_command_by_id", command_id=slow.command_id)
    done = server.call_tool("get_command_status", command_id=slow.command_id, wait_s=LIMIT)
    assert done.state == "interrupted" and done.exit_status in (130, None), done
    assert len(session_of(server, "t-bash")["shells"]) == 2
    assert server.execute("t-bash", "echo in").output == "in\n"


@pytest.mark.parametrize("inner", ["zsh -f", "fish", "tcsh -f", "dash"])
def test_exec_of_another_shell(server, inner):
    if which(inner.split()[0]) is None:
        pytest.skip(f"no {inner} here")
    result = server.execute("t-bash", "exec " + inner, timeout=LIMIT)
    assert result.exit_status is None and "replaced by exec" in result.text, result
    assert session_of(server, "t-bash")["shells"] == [inner.split()[0]]
    after = server.execute("t-bash", "sh -c 'exit 6'")
    assert after.exit_status == 6 and after.started is False, after
