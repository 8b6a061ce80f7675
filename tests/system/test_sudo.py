"""sudo: a whole command line as root; the password is typed once, at sudo's own proven prompt, or not at all."""
import pytest

from conftest import wait_for_end
from support.mcp_client import thin_environment
from support.sudo_host import SudoHost, why_not
from support.terminal import Person
from test_secrets import nowhere

CANARY = "correct horse"
WRONG = "wr0ng-c4nary"
ASKING = ["plain", "nopty", "dash", "zsh", "feedback", "german", "once", "lecture", "requiretty"]
LEFT = "IFS= read -r -t 1 rest; echo \"[$rest]\"; id -un"     # what was typed beyond what sudo read


@pytest.fixture(scope="session")
def host():
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with SudoHost() as daemon:
        yield daemon


@pytest.fixture
def env(tmp_path):
    (tmp_path / "run").mkdir(mode=0o700)
    return {"MCP_SSH_LOG_LEVEL": "trace", "MCP_SSH_CONTROL_DIR": str(tmp_path / "run" / "control")}


@pytest.fixture
def start(start_server, host, env, tmp_path):
    """A factory of servers; at the end no password is in what they wrote, nor a nonce of ours in what they showed."""
    clients = []

    def make(*arguments, **more):
        host.forget()
        clients.append(start_server(*arguments, config=host.ssh_config, env={**env, **more}))
        return clients[-1]
    yield make
    for client in clients:
        nowhere(client, tmp_path, CANARY, WRONG)
        for path in tmp_path.glob("transcript-*.jsonl"):
            assert "[mcp-ssh-session " not in path.read_text()


@pytest.fixture
def server(start):
    return start()


def sudo(server, host, account, command, **more):
    if host.name(account) not in host.users:
        pytest.skip(f"no shell for {account} here")
    more.setdefault("sudo_password", CANARY)
    return server.execute(host.name(account), command, **more)


def done(result, output, status=0):
    assert (result.state, result.output, result.exit_status) == ("done", output, status), result
    return result


def failed(result, *texts):
    assert result.is_error and result.state == "failed" and result.exit_status is None, result
    for text in texts:
        assert text in result.text, result
    return result


def asks(result, *texts):
    assert result.state == "awaiting_input" and result.awaiting == "password", result
    for text in texts:
        assert text in result.text.split("\n")[0], result
    return result


# ---- the password is accepted

@pytest.mark.parametrize("account", ASKING)
def test_the_password_is_typed_once(server, host, account):
    command = "id -un" if account == "dash" else LEFT
    result = sudo(server, host, account, command)
    assert result.exit_status == 0 and result.state == "done", result
    wanted = "root\n" if account == "dash" else "[]\nroot\n"
    assert result.output == wanted or (account == "lecture" and result.output.endswith("\n" + wanted)), result
    assert host.answers(account) == [CANARY]
    assert sudo(server, host, account, "echo still here", use_sudo=False, sudo_password="").output == "still here\n"


def test_the_system_s_own_service(server, host):
    done(sudo(server, host, "unix", "id -un; exit 4"), "root\n", 4)


@pytest.mark.parametrize("account", ["plain", "nopty", "zsh", "dash"])
def test_all_of_the_line_is_elevated(server, host, account, tmp_path):
    path = f"{host.home(account)}/by-root-{account}"
    done(sudo(server, host, account, f"cd /etc && id -u | tr 0 x > {path}; (id -un; pwd) | cat; false || exit 7"), "root\n/etc\n", 7)
    done(sudo(server, host, account, f"cat {path}; stat -c %U {path}; rm {path}"), "x\nroot\n")


def test_the_directory_is_the_session_s_and_stays_it(server, host):
    sudo(server, host, "plain", "cd /usr/bin; marker=outside", sudo_password="")
    done(sudo(server, host, "plain", "pwd; cd /; echo \"<$marker>\""), "/usr/bin\n<>\n")
    done(sudo(server, host, "plain", "pwd; echo $?", sudo_password=""), "/usr/bin\n0\n")


@pytest.mark.parametrize("command,output,status", [
    ("false", "", 1), ("exit 200", "", 200), ("kill -9 $$", None, 137), ("(exit 3)", "", 3), ("if", None, None),
    ("printf 'no newline'", "no newline", 0), ("printf '* * *\\b\\n'", None, 0), ("echo \"it's $((6*7))\" ü\t|", None, None),
    ("cat <<'E'\na 'b' \"c\" $d\nE", "a 'b' \"c\" $d\n", 0), ("echo one\necho two", "one\ntwo\n", 0), ("-x", None, 127),
    ("# nothing", "", 0), ("echo $#", "0\n", 0), ("echo 'ü€\ttab'", "ü€\ttab\n", 0)])
def test_the_status_and_the_output_are_the_command_s(server, host, command, output, status):
    result = sudo(server, host, "plain", command)
    assert result.state == "done", result
    if output is not None:
        assert result.output == output, result
    if status is not None:
        assert result.exit_status == status, result
    assert host.answers("plain") == [CANARY]


def test_a_long_command_and_one_that_is_too_long(server, host):
    text = "x" * 60_000
    assert len(sudo(server, host, "plain", f"echo {text}", max_chars=100_000).output) == 60_001
    failed_at_once = sudo(server, host, "plain", "echo " + "x" * 200_000)
    assert failed_at_once.is_error and "put it into a file" in failed_at_once.text


def test_a_sudo_of_the_command_s_own_keeps_its_options(server, host):
    done(sudo(server, host, "plain", "sudo -u nobody sh -c 'id -un; exit 5'"), "nobody\n", 5)
    assert host.answers("plain") == [CANARY]
    done(sudo(server, host, "plain", "sudo -u nobody id -un | cat"), "nobody\n")     # a line: all of it is root's, and so is its sudo


def test_cached_credentials_need_nothing(server, host):
    done(sudo(server, host, "cached", "id -un"), "root\n")
    for _ in range(2):
        done(sudo(server, host, "cached", LEFT), "[]\nroot\n")
    assert host.answers("cached") == [CANARY]


@pytest.mark.parametrize("account", ["nopasswd", "nopasswd-nopty"])
@pytest.mark.parametrize("isolated", [False, True])
def test_without_a_prompt_nothing_is_typed(server, host, account, isolated):
    result = done(sudo(server, host, account, "cat" if isolated else LEFT, isolated=isolated), "" if isolated else "[]\nroot\n")
    assert host.answers(account) == [] and result.redactions == 0


def test_in_a_nested_shell(server, host):
    outer = sudo(server, host, "plain", "bash --norc", sudo_password="")
    assert outer.awaiting == "shell", outer
    done(sudo(server, host, "plain", "cd /tmp; id -un; exit 3", use_sudo=True), "root\n", 3)
    assert host.answers("plain") == [CANARY]
    server.execute(host.name("plain"), "exit 0")
    assert wait_for_end(server, outer.command_id).exit_status == 0


def test_a_root_shell_and_back(server, host):
    outer = sudo(server, host, "plain", "sudo -s bash --norc")
    assert outer.state == "awaiting_input" and outer.awaiting == "shell", outer
    done(server.execute(host.name("plain"), "id -un; (exit 6)"), "root\n", 6)
    server.execute(host.name("plain"), "exit 2")
    assert wait_for_end(server, outer.command_id).exit_status == 2


def test_async(server, host):
    started = server.call_tool("execute_command_async", host=host.name("plain"), command="id -un; exit 8", sudo_password=CANARY)
    end = wait_for_end(server, started.command_id)
    assert end.exit_status == 8 and "\nroot\n" in end.text, end
    assert host.answers("plain") == [CANARY]


@pytest.mark.parametrize("account", ["plain", "nopty"])
def test_what_runs_quietly_as_root_asks_nothing(server, host, account):
    result = sudo(server, host, account, "sleep 30", timeout=3)
    assert result.state == "running" and result.awaiting is None, result
    server.call_tool("interrupt_command_by_id", command_id=result.command_id)
    assert wait_for_end(server, result.command_id).state == "interrupted"
    assert sudo(server, host, account, "echo ok", sudo_password="").output == "ok\n"


# ---- it is not

@pytest.mark.parametrize("account", ["plain", "nopty", "unix", "feedback", "zsh", "dash"])
def test_a_wrong_password_is_sent_once(server, host, account):
    result = failed(sudo(server, host, account, "id -un", sudo_password=WRONG),
                    f"sudo did not accept the password for {host.name(account)}@", "It was sent once")
    assert "root" not in result.block
    assert account == "unix" or host.answers(account) == [WRONG]
    assert sudo(server, host, account, "echo still here", sudo_password="").output == "still here\n"


def test_a_wrong_password_where_sudo_asks_once(server, host):
    failed(sudo(server, host, "once", "id -un", sudo_password=WRONG), "sudo did not run the command", "the password was sent once")
    assert host.answers("once") == [WRONG]


def test_no_right(server, host):
    failed(sudo(server, host, "noright", "id -un"), "sudo did not run the command", "not in the sudoers file")
    assert host.answers("noright") == [CANARY]


def test_sudo_that_asks_twice(server, host):
    failed(sudo(server, host, "twice", "id -un"), "sudo did not accept the password", "It was sent once")
    assert host.answers("twice")[:1] == [CANARY] and CANARY not in host.answers("twice")[1:]


def test_a_prompt_of_another_s_making_gets_nothing(server, host):
    result = asks(sudo(server, host, "ownprompt", LEFT), "Kennwort")
    assert host.answers("ownprompt") == []
    server.call_tool("send_input", command_id=result.command_id, input_text=CANARY + "\\n")
    end = wait_for_end(server, result.command_id)
    assert end.exit_status == 0 and "[]\nroot\n" in end.text, end


def test_no_password_is_known(server, host):
    result = asks(sudo(server, host, "plain", "id -un", use_sudo=True, sudo_password=""), "none is known",
                  f"`mcp-ssh-session login {host.name('plain')} --sudo`")
    server.call_tool("interrupt_command_by_id", command_id=result.command_id)
    assert wait_for_end(server, result.command_id).state == "interrupted"
    assert host.answers("plain") == []


def test_an_agent_may_answer_itself(server, host):
    result = asks(sudo(server, host, "feedback", "id -un", use_sudo=True, sudo_password=""), "none is known")
    server.call_tool("send_input", command_id=result.command_id, input_text=CANARY + "\\n")
    assert wait_for_end(server, result.command_id).exit_status == 0
    assert host.answers("feedback") == [CANARY]


def test_no_sudo(server, host):
    server.execute(host.name("plain"), "PATH=/nonexistent")
    failed(sudo(server, host, "plain", "id -un"), "sudo was not found")


def test_without_a_view_of_the_kernel_nothing_is_typed(start, host, own_sudo_host):
    """MaxSessions 1: the shell has the one channel, and nobody can be asked."""
    daemon = own_sudo_host(1)
    result = asks(daemon.start_server().execute(daemon.name("plain"), "id -un", sudo_password=CANARY), "was not typed", "kernel")
    assert daemon.answers("plain") == [] and result


@pytest.fixture
def own_sudo_host(start_server, env):
    daemons = []

    def make(max_sessions):
        from support.sudo_host import ACCOUNTS
        daemon = SudoHost(accounts={"plain": ACCOUNTS["plain"]})
        daemon.max_sessions = max_sessions
        daemon.start_server = lambda: start_server(config=daemon.ssh_config, env=env)
        daemons.append(daemon.start())
        return daemon
    yield make
    for daemon in daemons:
        daemon.stop()


# ---- isolated

@pytest.mark.parametrize("account", ["plain", "nopty", "unix", "feedback", "zsh", "dash", "german"])
def test_isolated(server, host, account):
    result = done(sudo(server, host, account, "id -un; cat; echo err >&2; exit 3", isolated=True), "root\n", 3)
    assert result.stderr == "err\n", result
    assert account == "unix" or host.answers(account) == [CANARY]


def test_isolated_begins_where_the_session_is(server, host):
    sudo(server, host, "plain", "cd /usr/bin", sudo_password="")
    done(sudo(server, host, "plain", "pwd", isolated=True), "/usr/bin\n")
    done(sudo(server, host, "plain", "sudo -u nobody sh -c 'pwd; id -un'", isolated=True), "/usr/bin\nnobody\n")


def test_isolated_refusals(server, host):
    failed(sudo(server, host, "requiretty", "id -un", isolated=True), "run the command without isolated")
    assert host.answers("requiretty") == []
    failed(sudo(server, host, "plain", "id -un", isolated=True, sudo_password=WRONG), "did not accept the password")
    assert host.answers("plain") == [WRONG]
    failed(sudo(server, host, "noright", "id -un", isolated=True), "sudo did not run the command", "not in the sudoers file")
    failed(sudo(server, host, "plain", "id -un", isolated=True, use_sudo=True, sudo_password=""), "none is known", "--sudo`")


# ---- where it comes from

def test_the_operator_s_password_wins(start, host):
    server = start(**{f"OVRD_{host.name('plain')}_SUDO_PASS": CANARY})
    done(sudo(server, host, "plain", "id -un", sudo_password=WRONG), "root\n")
    done(sudo(server, host, "plain", "id -un", sudo_password="", use_sudo=True), "root\n")
    done(sudo(server, host, "plain", "sudo -u nobody id -un", sudo_password=""), "nobody\n")
    assert host.answers("plain") == [CANARY] * 3
    done(sudo(server, host, "plain", "id -un", sudo_password=""), host.name("plain") + "\n")


def test_inline_secrets_can_be_denied(start, host):
    server = start("--inline-secrets", "deny")
    result = sudo(server, host, "plain", "id -un", sudo_password=CANARY)
    assert result.is_error and f"mcp-ssh-session login {host.name('plain')} --sudo" in result.text, result
    assert host.answers("plain") == []


@pytest.fixture
def person(binary, home, env):
    people = []

    def make(*arguments):
        people.append(Person(binary, *arguments, env=thin_environment(str(home), env)))
        return people[-1]
    yield make
    for somebody in people:
        somebody.__exit__()


def test_a_person_gives_it_to_the_server(server, host, person):
    waiting = asks(sudo(server, host, "plain", "id -un", use_sudo=True, sudo_password=""), "none is known")
    somebody = person(host.name("plain"), "--sudo")
    somebody.expect("sudo password for ")
    assert not somebody.echoes()
    somebody.answer("sudo password for ", CANARY)
    assert somebody.wait() == 0, somebody.text
    assert "is kept in memory" in somebody.text
    end = wait_for_end(server, waiting.command_id)
    assert end.exit_status == 0 and "\nroot\n" in end.text, end
    done(sudo(server, host, "plain", "id -un", use_sudo=True, sudo_password=""), "root\n")
    assert host.answers("plain") == [CANARY] * 2
    asks(sudo(server, host, "nopty", "id -un", use_sudo=True, sudo_password=""), "none is known")     # another account's


def test_a_person_s_wrong_password_is_forgotten(server, host, person):
    assert sudo(server, host, "plain", "true", sudo_password="").exit_status == 0
    somebody = person(host.name("plain"), "--sudo")
    somebody.answer("sudo password for ", WRONG)
    assert somebody.wait() == 0, somebody.text
    failed(sudo(server, host, "plain", "id -un", use_sudo=True, sudo_password=""), "did not accept the password")
    asks(sudo(server, host, "plain", "id -un", use_sudo=True, sudo_password=""), "none is known")
    assert host.answers("plain") == [WRONG]


def test_a_host_nobody_has_vouched_for_gets_none(start_server, host, home, env, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"Host new\n  HostName {host.host}\n  Port {host.port}\n  User {host.name('plain')}\n"
                      f"  IdentityFile {host.client_key}\n  IdentitiesOnly yes\n  StrictHostKeyChecking accept-new\n"
                      f"  UserKnownHostsFile {tmp_path}/known\n  GlobalKnownHostsFile /dev/null\n")
    host.forget()
    server = start_server(config=config, env=env)
    asks(server.execute("new", "id -un", sudo_password=CANARY), "host key was new", " trust new`")
    assert host.answers("plain") == []


# ---- su

def test_su_is_a_person_s_to_answer(server, host):
    result = server.execute(host.name("plain"), "su -c 'id -un' root", sudo_password="")
    asks(result)
    assert "send_input" in result.text
    server.call_tool("interrupt_command_by_id", command_id=result.command_id)
    assert wait_for_end(server, result.command_id).state in ("interrupted", "done")
