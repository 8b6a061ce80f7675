"""`mcp-ssh-session login`: a person answers in a terminal what the running server is asked."""
import os
import signal
import socket
import stat
import subprocess

import pytest

from support.terminal import Person
from support.sshd import kill

from test_auth import (SECRET, address, agent, alone, ask, bare, check, dot_ssh,   # noqa: F401  (fixtures too)
                       refuses, stranger_keys, works, write_config)

pytest.importorskip("paramiko", reason="python3-paramiko: run scripts/deps test")
from support.kbdint_server import Round      # noqa: E402
from support.mcp_client import thin_environment    # noqa: E402

TWO_FACTORS = [Round("Two factors, please.", [("Password: ", False), ("Code: ", True)], [SECRET, "123456"])]


@pytest.fixture
def runtime(tmp_path):
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def env(runtime):
    """Server and person meet where nobody else of this user does."""
    return {"MCP_SSH_CONTROL_DIR": str(runtime / "mcp-ssh-session")}


@pytest.fixture
def server(bare, dot_ssh, env):     # noqa: F811
    return bare(env={**env, "MCP_SSH_LOG_LEVEL": "debug"})


@pytest.fixture
def person(binary, home, env):
    people = []

    def start(*arguments, env_more=None):
        people.append(Person(binary, *map(str, arguments), env=thin_environment(str(home), {**env, **(env_more or {})})))
        return people[-1]
    yield start
    for somebody in people:
        somebody.__exit__()


def sockets(runtime):
    return sorted(path.name for path in (runtime / "mcp-ssh-session").glob("*.sock"))


def knows(home, daemon):
    daemon.write_known_hosts(str(home / ".ssh" / "known_hosts"))
    return daemon


# ---- the way it is meant

def test_two_factors(server, ask, person):      # noqa: F811
    host = ask(TWO_FACTORS)
    refuses(alone(server, address(host)), f"Run `mcp-ssh-session login {address(host)}` in a terminal.")
    assert host.received == []
    somebody = person(address(host))
    somebody.expect("Two factors, please.")
    somebody.expect("Password: ")
    assert not somebody.echoes()
    somebody.answer("Password: ", SECRET)
    somebody.expect("Code: ")
    assert somebody.echoes()
    somebody.answer("Code: ", "123456")
    assert somebody.wait() == 0, somebody.seen
    assert f"logged in as {address(host)} by keyboard-interactive; the server can use this connection now" in somebody.seen
    assert SECRET not in somebody.seen
    works(alone(server, address(host)))
    assert host.received == [[SECRET, "123456"]] and host.begun == 2
    assert SECRET not in server.log() and "123456" not in server.log()


def test_several_rounds(server, ask, person):       # noqa: F811
    host = ask([Round("first", [("Name of your cat: ", True)], ["Tom"]), Round("", [], []),
                Round("second", [("And its code: ", False)], ["77"], name="Cat check")])
    alone(server, address(host))
    somebody = person(address(host))
    somebody.answer("Name of your cat: ", "Tom")
    somebody.expect("Cat check second")
    somebody.answer("And its code: ", "77")
    assert somebody.wait() == 0, somebody.seen
    works(alone(server, address(host)))
    assert host.received == [["Tom"], [], ["77"]]


def test_a_key_and_a_code(server, ask, person, sshd, home):     # noqa: F811
    with open(sshd.client_key + ".pub", encoding="ascii") as file:
        key = file.read().split()[1]
    host = ask([Round("", [("Code: ", False)], ["42"])], key=key)
    write_config(home / ".ssh", f"IdentityFile {sshd.client_key}\n")
    refuses(alone(server, address(host)), 'it asks for "Code:"', "publickey", "accepted")
    somebody = person(address(host))
    somebody.answer("Code: ", "42")
    assert somebody.wait() == 0, somebody.seen
    assert f"logged in as {address(host)} by keyboard-interactive;" in somebody.seen
    works(alone(server, address(host)))


def test_a_password_is_asked_again_when_it_was_wrong(server, own_sshd, home, person):
    daemon = knows(home, own_sshd())
    refuses(check(server, address(daemon)), "mcp-ssh-session login")
    somebody = person(address(daemon))
    somebody.answer(f"Password of {address(daemon)}: ", "wrong")
    somebody.answer(f"Password of {address(daemon)}: ", daemon.password)
    assert somebody.wait() == 0, somebody.seen
    works(check(server, address(daemon)))


def test_no_more_questions_than_the_configuration_says(server, own_sshd, home, person):
    daemon = knows(home, own_sshd())
    write_config(home / ".ssh", "NumberOfPasswordPrompts 2\n")
    check(server, address(daemon))
    somebody = person(address(daemon))
    for _ in range(2):
        somebody.answer("Password of ", "wrong")
    assert somebody.wait() == 1
    assert "the password" in somebody.seen


@pytest.mark.parametrize("kind", ["ed25519", "pem"])
def test_a_passphrase(server, sshd, home, person, kind):
    key = sshd.add_key(f"asked-{kind}", passphrase="open sesame", kind="rsa" if kind == "pem" else kind)
    if kind == "pem":
        subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "open sesame", "-N", "open sesame", "-f", key],
                       check=True, capture_output=True)
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    check(server, address(sshd))
    somebody = person(address(sshd))
    somebody.answer(f"Passphrase of key {key}: ", "wrong")
    somebody.answer(f"Passphrase of key {key}: ", "open sesame")
    assert somebody.wait() == 0, somebody.seen
    works(check(server, address(sshd)))
    # the passphrase is kept: a connection later asks nobody
    server.call_tool("close_all_sessions")
    works(check(server, address(sshd)))
    assert "open sesame" not in server.log()


def test_an_empty_passphrase_goes_on_to_the_next_way(server, sshd, home, person):
    key = sshd.add_key("skipped", passphrase="open sesame")
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    check(server, address(sshd))
    somebody = person(address(sshd))
    somebody.answer("Passphrase of key ", "")
    somebody.answer("Password of ", sshd.password)
    assert somebody.wait() == 0, somebody.seen


def test_a_key_that_the_call_named(server, sshd, person, tmp_path):
    key = sshd.add_key("named", passphrase="open sesame")
    refuses(check(server, address(sshd), key_filename=key),
            f"Run `mcp-ssh-session login {address(sshd)} --key '{key}'` in a terminal.")
    somebody = person(address(sshd), "--key", key)
    somebody.answer("Passphrase of key ", "open sesame")
    assert somebody.wait() == 0, somebody.seen
    works(check(server, address(sshd), key_filename=key))


# ---- what is kept

def test_a_password_comes_back_by_itself_after_a_loss(server, own_sshd, home, person, wait_until):
    daemon = knows(home, own_sshd())
    check(server, address(daemon))
    somebody = person(address(daemon))
    somebody.answer("Password of ", daemon.password)
    assert somebody.wait() == 0
    works(check(server, address(daemon)))
    for process in daemon.session_process("t-bash"):
        kill(process)
    wait_until(lambda: "ready" not in server.call_tool("list_sessions").text, "the loss is noticed")
    works(check(server, address(daemon)))
    assert daemon.log_text().count("Accepted password") == 2


def test_a_kept_password_that_is_refused_is_forgotten(server, ask, person):     # noqa: F811
    host = ask(methods="password", password=SECRET)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.answer("Password of ", SECRET)
    assert somebody.wait() == 0
    host.password = "changed meanwhile"
    server.call_tool("close_all_sessions")
    refuses(alone(server, address(host)), "the password")
    sent = len(host.received)
    refuses(alone(server, address(host)), "mcp-ssh-session login")
    assert len(host.received) == sent, "it was sent once, and never again"


def test_a_code_is_not_kept(server, ask, person, wait_until):       # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.answer("Password: ", SECRET)
    somebody.answer("Code: ", "123456")
    assert somebody.wait() == 0
    server.call_tool("close_all_sessions")
    refuses(alone(server, address(host)), "mcp-ssh-session login")
    assert len(host.received) == 1


# ---- when it goes wrong

def test_a_wrong_code(server, ask, person):     # noqa: F811
    host = ask([Round("", [("Code: ", True)], ["1"])])
    alone(server, address(host))
    somebody = person(address(host))
    for _ in range(3):
        somebody.answer("Code: ", "2")
    assert somebody.wait() == 1
    assert "keyboard-interactive" in somebody.seen and host.received == [["2"]] * 3


def test_a_person_who_gives_up(server, ask, person):        # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.expect("Password: ")
    somebody.type("\x04")
    assert somebody.wait() == 1
    assert host.received == []
    refuses(alone(server, address(host)), "mcp-ssh-session login")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_login_that_is_killed_in_the_middle(server, ask, person, wait_until, number):     # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.expect("Password: ")
    assert not somebody.echoes()
    somebody.kill(number)
    assert somebody.process.wait(timeout=10) == -number
    assert number == signal.SIGKILL or somebody.echoes(), "the terminal is as it was"
    wait_until(lambda: "question was not answered" in server.log(), "the question counts as declined")
    assert host.received == []
    again = person(address(host))
    again.answer("Password: ", SECRET)
    again.answer("Code: ", "123456")
    assert again.wait() == 0, again.seen


def test_a_host_that_hangs_up_while_a_person_types(server, ask, person):        # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.expect("Password: ")
    host.drop()
    assert somebody.wait() == 1
    assert "hung up" in somebody.seen


def test_closing_while_a_person_types(server, ask, person):     # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.expect("Password: ")
    server.call_tool("close_all_sessions")
    assert somebody.wait() == 1
    assert host.received == []


def test_the_server_ends_while_a_person_types(server, ask, person, runtime):        # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    somebody = person(address(host))
    somebody.expect("Password: ")
    server.close()
    assert somebody.wait() == 1
    assert sockets(runtime) == []


def test_a_login_resets_the_limit_of_failures(server, own_sshd, home, person):
    daemon = knows(home, own_sshd())
    for number in range(3):
        check(server, address(daemon), password=f"wrong-{number}")
    refuses(check(server, address(daemon)), "not tried again")
    somebody = person(address(daemon))
    somebody.answer("Password of ", daemon.password)
    assert somebody.wait() == 0, somebody.seen
    works(check(server, address(daemon)))


def test_a_host_with_an_unknown_key_is_refused(server, own_sshd, sshd, person):
    check(server, address(sshd))
    somebody = person(address(own_sshd()))
    assert somebody.wait() == 1
    assert "SHA256:" in somebody.seen and "Password" not in somebody.seen


def test_it_is_there_already(server, sshd, home, person):
    write_config(home / ".ssh", f"IdentityFile {sshd.client_key}\n")
    works(check(server, address(sshd)))
    somebody = person(address(sshd))
    assert somebody.wait() == 0 and "already" in somebody.seen


def test_another_name_of_a_host_that_is_there(server, sshd, home, person):
    write_config(home / ".ssh", f"IdentityFile {sshd.client_key}\nHost other\n  HostName {sshd.host}\n"
                                f"  Port {sshd.port}\n  User t-bash\n")
    works(check(server, address(sshd)))
    somebody = person("other")
    assert somebody.wait() == 0 and "logged in as other" in somebody.seen
    # nobody looks on any more: what ends the connection later is told to no one
    assert not server.call_tool("close_all_sessions").is_error
    works(check(server, "other"))


# ---- which server

def test_no_server_runs(person):
    somebody = person("web1")
    assert somebody.wait() == 1 and "no running mcp-ssh-session server" in somebody.seen


def test_a_start_has_no_side_effects(server, runtime):
    server.call_tool("list_sessions")
    assert list(runtime.iterdir()) == []


def test_the_socket_is_the_users_alone_and_goes_with_the_server(server, sshd, runtime):
    check(server, address(sshd))
    folder = runtime / "mcp-ssh-session"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sockets(runtime) == [f"{server.process.pid}.sock"]
    assert stat.S_IMODE((folder / f"{server.process.pid}.sock").stat().st_mode) == 0o600
    server.close()
    assert sockets(runtime) == []


def test_the_users_runtime_directory_is_the_usual_place(bare, dot_ssh, sshd, runtime, person):     # noqa: F811
    server = bare(env={"XDG_RUNTIME_DIR": str(runtime)})
    check(server, address(sshd))
    assert sockets(runtime) == [f"{server.process.pid}.sock"]
    somebody = person("--server", server.process.pid, address(sshd), env_more={
        "XDG_RUNTIME_DIR": str(runtime), "MCP_SSH_CONTROL_DIR": ""})
    somebody.answer("Password of ", sshd.password)
    assert somebody.wait() == 0, somebody.seen


def test_a_runtime_directory_too_deep_for_a_socket_is_passed_over(bare, dot_ssh, sshd, tmp_path):     # noqa: F811
    deep = tmp_path / ("d" * 100)
    deep.mkdir(mode=0o700)
    server = bare(env={"XDG_RUNTIME_DIR": str(deep), "MCP_SSH_LOG_LEVEL": "debug"})
    works(check(server, address(sshd), key_filename=sshd.client_key))
    assert "control socket /" in server.log() and "no control socket" not in server.log()
    assert not any(deep.iterdir())


def test_of_several_servers_the_one_that_was_refused_there(server, bare, env, ask, person, sshd):       # noqa: F811
    host = ask(TWO_FACTORS)
    other = bare(env=env)
    check(other, address(sshd))
    alone(server, address(host))
    somebody = person(address(host))
    somebody.answer("Password: ", SECRET)
    somebody.answer("Code: ", "123456")
    assert somebody.wait() == 0, somebody.seen
    works(alone(server, address(host)))


def test_of_several_servers_one_is_named(server, bare, env, person, sshd):      # noqa: F811
    other = bare(env=env)
    check(other, address(sshd))
    check(server, address(sshd))
    somebody = person("unheard-of")
    assert somebody.wait() == 1
    for one in (server, other):
        assert str(one.process.pid) in somebody.seen and "--server" in somebody.seen
    somebody = person("--server", other.process.pid, address(sshd))
    somebody.answer("Password of ", sshd.password)
    assert somebody.wait() == 0, somebody.seen
    works(check(other, address(sshd)))
    refuses(check(server, address(sshd)), "mcp-ssh-session login")


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_socket_that_was_left_behind_is_cleaned_up(server, sshd, runtime, person):
    folder = runtime / "mcp-ssh-session"
    folder.mkdir(mode=0o700)
    stale = folder / f"{dead_pid()}.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    check(server, address(sshd))
    assert sockets(runtime) == [f"{server.process.pid}.sock"]
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    somebody = person(address(sshd))
    somebody.answer("Password of ", sshd.password)
    assert somebody.wait() == 0, somebody.seen
    assert not stale.exists()


@pytest.mark.parametrize("what", ["a link", "open to others", "another's"])
def test_a_directory_that_is_not_the_users_own_is_not_used(server, sshd, runtime, tmp_path, what):
    folder = runtime / "mcp-ssh-session"
    if what == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        os.chmod(folder, 0o777 if what == "open to others" else 0o700)
    if what == "another's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(folder, 30001, 30001)
    check(server, address(sshd))
    assert list((tmp_path / "elsewhere").iterdir() if what == "a link" else folder.iterdir()) == []


def test_another_users_process_is_hung_up_on(server, sshd, runtime):
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    check(server, address(sshd))
    folder = runtime / "mcp-ssh-session"
    path = folder / f"{server.process.pid}.sock"
    os.chmod(path, 0o666)
    code = ("import os, socket, sys\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "os.chdir(sys.argv[1])\n"
            "os.setresuid(30001, 30001, 30001) if sys.argv[3] == 'other' else None\n"
            "s.connect(sys.argv[2])\n"
            "print(len(s.recv(100)))\n")
    parents = [folder, *folder.parents]
    modes = {parent: stat.S_IMODE(parent.stat().st_mode) for parent in parents}
    try:
        for parent in parents:
            os.chmod(parent, modes[parent] | 0o111)
        for who, greeted in (("other", False), ("same", True)):
            done = subprocess.run(["/usr/bin/python3", "-c", code, str(folder), path.name, who], capture_output=True,
                                  text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert (int(done.stdout) > 0) == greeted
    finally:
        for parent in parents:
            os.chmod(parent, modes[parent])


# ---- who talks to the socket

def connect(server, runtime):
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(str(runtime / "mcp-ssh-session" / f"{server.process.pid}.sock"))
    return line


@pytest.mark.parametrize("nonsense", [b"\xff" * 64, b"GET / HTTP/1.0\r\n\r\n" * 8, b"\0" * 16])
def test_nonsense_is_hung_up_on(server, sshd, runtime, nonsense):
    check(server, address(sshd))
    with connect(server, runtime) as line:
        line.sendall(nonsense)
        while line.recv(4096):
            pass
    assert not server.call_tool("list_sessions").is_error


def test_no_more_than_eight_guests(server, sshd, runtime):
    check(server, address(sshd))
    lines = [connect(server, runtime) for _ in range(8)]
    for line in lines:
        assert line.recv(4096)
    with connect(server, runtime) as one_too_many:
        while one_too_many.recv(4096):
            pass
    for line in lines:
        line.close()


# ---- without a terminal

def run_login(binary, home, env, *arguments, **options):
    return subprocess.run([binary, "login", *arguments], env=thin_environment(str(home), env), text=True,
                          capture_output=True, start_new_session=True, check=False, timeout=60, **options)


def test_without_a_terminal_it_says_so(binary, home, env):
    done = run_login(binary, home, env, "web1", stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "--stdin" in done.stderr


def test_answers_from_standard_input(binary, server, ask, home, env):       # noqa: F811
    host = ask(TWO_FACTORS)
    alone(server, address(host))
    done = run_login(binary, home, env, "--stdin", address(host), input=f"{SECRET}\n123456\n")
    assert done.returncode == 0, done.stderr
    works(alone(server, address(host)))


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--port", "0", "a"], ["--port", "x", "a"], ["--what", "a"], [""]])
def test_arguments_that_make_no_sense(binary, home, env, arguments):
    done = run_login(binary, home, env, *arguments, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "usage:" in done.stderr
