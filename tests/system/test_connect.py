"""Connecting: names and aliases, host keys, authentication, and what an attacker would try."""
import os
import shutil
import socket
import subprocess

import pytest

from support.agent import Agent
from support.sshd import SEARCH_PATH, which

NOTHING_WRITTEN = "known_hosts is read, never written"


@pytest.fixture
def dot_ssh(home, sshd):
    """$HOME/.ssh with a key and a known_hosts that fit; no config."""
    path = home / ".ssh"
    shutil.copy(sshd.client_key, path / "id_ed25519")
    sshd.write_known_hosts(str(path / "known_hosts"))
    return path


@pytest.fixture
def bare(start_server):
    """A server without --ssh-config: all it has is $HOME/.ssh."""
    return lambda **options: start_server(config=None, **options)


def address(sshd, user="t-bash"):
    return f"{user}@{sshd.host}:{sshd.port}"


def works(result):
    assert not result.is_error and result.output == "connected\n" and result.exit_status == 0, result
    return result


def check(server, host, **arguments):
    return server.execute(host, "echo connected", **arguments)


def config_file(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    return path


def identity(sshd, known_hosts=None):
    return f"""IdentityFile {sshd.client_key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts or sshd.known_hosts}
    GlobalKnownHostsFile /dev/null
"""


# ---- names

def test_an_alias_of_the_given_config(server, sshd):
    result = works(check(server, "t-bash"))
    assert result.session == f"t-bash@{sshd.host}:{sshd.port}"
    assert result.started is True
    assert check(server, "t-bash").started is False


def test_the_config_may_come_from_the_environment(start_server, sshd):
    works(check(start_server(config=None, env={"MCP_SSH_CONFIG_FILE": sshd.ssh_config}), "t-bash"))


@pytest.mark.parametrize("how", ["include", "match", "wildcard"])
def test_what_ssh_config_can_say(start_server, sshd, tmp_path, how):
    where = f"HostName {sshd.host}\n    Port {sshd.port}\n    User t-dash\n    {identity(sshd)}"
    if how == "include":
        (tmp_path / "included").write_text(f"Host web1\n    {where}")
        text = f"Include {tmp_path}/included\n"
    elif how == "match":
        text = f"Match originalhost web1\n    {where}"
    else:
        text = f"Host web? !web2\n    {where}"
    server = start_server(config=config_file(tmp_path, text))
    assert works(check(server, "web1")).session == f"t-dash@{sshd.host}:{sshd.port}"


def test_an_alias_in_capitals_is_another_name(start_server, sshd, tmp_path):
    where = f"HostName {sshd.host}\n    Port {sshd.port}\n    {identity(sshd)}"
    server = start_server(config=config_file(
        tmp_path, f"Host Web1\n    User t-dash\n    {where}Host web1\n    User t-zsh\n    {where}"))
    assert works(check(server, "Web1")).session == f"t-dash@{sshd.host}:{sshd.port}"
    assert works(check(server, "web1")).session == f"t-zsh@{sshd.host}:{sshd.port}"


@pytest.mark.parametrize("form", ["user@host:port", "user@host", "arguments", "both"])
def test_forms_of_an_address(bare, dot_ssh, sshd, form):
    host, more = {
        "user@host:port": (address(sshd), {}),
        "user@host": (f"t-bash@{sshd.host}", {"port": sshd.port}),
        "arguments": (sshd.host, {"username": "t-bash", "port": sshd.port}),
        "both": (address(sshd), {"username": "t-bash", "port": sshd.port}),
    }[form]
    assert works(check(bare(), host, **more)).session == address(sshd)


@pytest.mark.parametrize("more", [{"username": "t-dash"}, {"port": 1}], ids=["user", "port"])
def test_an_address_and_arguments_that_disagree(bare, dot_ssh, sshd, more):
    result = check(bare(), address(sshd), **more)
    assert result.is_error and next(iter(more)) in result.text, result


def test_ipv6(bare, dot_ssh, own_sshd):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    daemon = own_sshd(extra="ListenAddress ::1")
    daemon.write_known_hosts(str(dot_ssh / "known_hosts"), hosts=f"[::1]:{daemon.port}")
    works(check(bare(), f"t-bash@[::1]:{daemon.port}", key_filename=daemon.client_key))


def test_home_is_where_HOME_says(bare, dot_ssh, sshd):
    (dot_ssh / "config").write_text(f"Host here\n  HostName {sshd.host}\n  Port {sshd.port}\n  User t-zsh\n")
    assert works(check(bare(), "here")).session == address(sshd, "t-zsh")


def test_a_hanging_ssh_is_given_up(start_server, tmp_path):
    fake = tmp_path / "ssh"
    fake.write_text("#!/bin/sh\nexec sleep 600\n")
    fake.chmod(0o755)
    server = start_server(env={"PATH": f"{tmp_path}:{SEARCH_PATH}"})
    result = check(server, "t-bash")
    assert result.is_error and "ssh -G" in result.text
    assert server.request("ping") == {}


def test_without_an_ssh_program_its_files_are_read(start_server, sshd, tmp_path):
    where = f"HostName {sshd.host}\n  Port {sshd.port}\n  {identity(sshd)}"
    (tmp_path / "included").write_text(f"Host web? !web9\n  {where}Match originalhost web1\n  User t-dash\n")
    config = config_file(tmp_path, f"Include {tmp_path}/included\nHost web2\n  User t-zsh\n")
    server = start_server(config=config, env={"PATH": "/nonexistent"})
    assert works(check(server, "web1")).session == address(sshd, "t-dash")
    assert works(check(server, "web2")).session == address(sshd, "t-zsh")
    result = check(server, "web9.invalid")
    assert result.is_error and "no ssh program is installed here" in result.text


def test_without_an_ssh_program_what_only_it_can_judge_is_refused(start_server, sshd, tmp_path):
    config = config_file(tmp_path, f"Match exec true\n  HostName {sshd.host}\n")
    result = check(start_server(config=config, env={"PATH": "/nonexistent"}), "web1")
    assert result.is_error and "Match exec" in result.text and "install the OpenSSH client" in result.text


def test_one_connection_for_many_calls(start_server, own_sshd):
    daemon = own_sshd()
    server = start_server(config=daemon.ssh_config)
    for _ in range(5):
        check(server, "t-bash")
        check(server, "t-bash", session="other")
        check(server, "t-bash", isolated=True)
    assert len(daemon.connections()) == 1


def test_a_name_that_does_not_exist(server):
    result = check(server, "no-such-host.invalid")
    assert result.is_error and "no-such-host.invalid" in result.text


def test_a_refused_connection(bare, dot_ssh):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = check(bare(), f"t-bash@127.0.0.1:{port}")
    assert result.is_error and "refused" in result.text.lower() and str(port) in result.text


def test_a_listener_that_hangs_up(bare, dot_ssh, sshd):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = bare()
        pending = server.start_tool("execute_command", host=f"t-bash@127.0.0.1:{listener.getsockname()[1]}", command="true")
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()
        assert pending.result().is_error
        works(check(server, address(sshd)))


def test_a_login_that_is_no_shell(server):
    result = check(server, "t-nologin")
    assert result.facts.get("exit_status") != 0
    assert "not available" in result.text or "shell" in result.text
    works(check(server, "t-bash"))


def test_one_session_channel_is_enough_for_the_shell(start_server, own_sshd):
    server = start_server(config=own_sshd(max_sessions=1).ssh_config)
    works(check(server, "t-bash"))
    refused = check(server, "t-bash", session="second")
    assert refused.is_error, refused
    assert server.execute("t-bash", "sleep 1; echo still").output == "still\n"


# ---- host keys

@pytest.mark.parametrize("hashed", [False, True], ids=["plain", "hashed"])
@pytest.mark.parametrize("hosts", [None, "{host}", "other,[{host}]:{port}", "[127.0.0.*]:{port}", "*"])
def test_known_hosts_says_what_ssh_says(start_server, sshd, tmp_path, hosts, hashed):
    if hashed and hosts and "*" in hosts:
        pytest.skip("patterns are not hashed")
    known = str(tmp_path / "known_hosts")
    sshd.write_known_hosts(known, hosts and hosts.format(host=sshd.host, port=sshd.port), hashed)
    before = stat_and_bytes(known)
    config = config_file(tmp_path, f"Host h\n HostName {sshd.host}\n Port {sshd.port}\n User t-bash\n {identity(sshd, known)}")
    oracle = subprocess.run([which("ssh"), "-F", str(config), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                             "h", "true"], capture_output=True, check=False)
    result = check(start_server(config=config), "h")
    assert result.is_error == (oracle.returncode != 0), (result, oracle.stderr)
    assert stat_and_bytes(known) == before, NOTHING_WRITTEN


@pytest.mark.parametrize("hashed", [False, True], ids=["plain", "hashed"])
def test_a_changed_host_key_is_refused(start_server, sshd, tmp_path, hashed):
    known = str(tmp_path / "known_hosts")
    with open(sshd.client_key + ".pub", encoding="ascii") as file:
        sshd.write_known_hosts(known, hashed=hashed, key=" ".join(file.read().split()[:2]))
    before = stat_and_bytes(known)
    server = start_server(config=config_file(
        tmp_path, f"Host h\n HostName {sshd.host}\n Port {sshd.port}\n User t-bash\n {identity(sshd, known)}"))
    for arguments in ({}, {"password": sshd.password}):
        result = check(server, "h", **arguments)
        assert result.is_error
        for word in ("changed", "SHA256:", f"{known}:1", "ssh-keygen", "-R"):
            assert word in result.text, result
    assert stat_and_bytes(known) == before, NOTHING_WRITTEN


def test_a_revoked_host_key_is_refused(start_server, sshd, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"@revoked * {sshd.public_host_key()}\n[{sshd.host}]:{sshd.port} {sshd.public_host_key()}\n")
    result = check(start_server(config=config_file(
        tmp_path, f"Host h\n HostName {sshd.host}\n Port {sshd.port}\n User t-bash\n {identity(sshd, known)}")), "h")
    assert result.is_error and "revoked" in result.text


@pytest.mark.parametrize("there", [False, True], ids=["no file", "empty file"])
def test_an_unknown_host_key_is_refused_and_not_written_down(bare, dot_ssh, sshd, there):
    known = dot_ssh / "known_hosts"
    known.unlink()
    if there:
        known.write_text("")
    server = bare()
    for arguments in ({}, {"password": sshd.password}):
        result = check(server, address(sshd), **arguments)
        assert result.is_error and "SHA256:" in result.text and "ssh" in result.text, result
        assert sshd.password not in result.text
    assert known.exists() == there and (not there or known.read_bytes() == b""), NOTHING_WRITTEN


def test_no_password_reaches_a_host_with_an_unknown_key(bare, dot_ssh, own_sshd):
    daemon = own_sshd()
    check(bare(), address(daemon), password="must not be sent")
    assert "password" not in daemon.log_text()


def stat_and_bytes(path):
    with open(path, "rb") as file:
        return os.stat(path).st_mtime_ns, os.stat(path).st_ino, file.read()


# ---- authentication

def test_a_password(bare, dot_ssh, sshd):
    (dot_ssh / "id_ed25519").unlink()
    works(check(bare(), address(sshd), password=sshd.password))


def test_a_wrong_password(bare, dot_ssh, own_sshd):
    (dot_ssh / "id_ed25519").unlink()
    daemon = own_sshd()
    daemon.write_known_hosts(str(dot_ssh / "known_hosts"))
    server = bare(env={"MCP_SSH_LOG_LEVEL": "trace"})
    result = check(server, address(daemon), password="hunter2-wrong")
    assert result.is_error and "password" in result.text
    assert "hunter2" not in result.text and "hunter2" not in server.log()
    assert daemon.log_text().count("Failed password") <= 3
    works(check(server, address(daemon), password=daemon.password))
    assert daemon.password not in server.log()


def test_nothing_to_log_in_with(bare, dot_ssh, sshd):
    (dot_ssh / "id_ed25519").unlink()
    result = check(bare(), address(sshd))
    assert result.is_error and "publickey" in result.text, result


def test_another_password_is_not_another_ones_connection(bare, dot_ssh, sshd):
    """Different credentials never silently share a connection."""
    (dot_ssh / "id_ed25519").unlink()
    server = bare()
    works(check(server, address(sshd), password=sshd.password))
    assert check(server, address(sshd), password="wrong").is_error


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_file(bare, dot_ssh, sshd, kind):
    (dot_ssh / "id_ed25519").unlink()
    key = sshd.add_key(f"by-name-{kind}", kind=kind)
    works(check(bare(), address(sshd), key_filename=key))


def test_a_key_file_below_home(bare, dot_ssh, sshd):
    (dot_ssh / "id_ed25519").rename(dot_ssh / "special")
    works(check(bare(), address(sshd), key_filename="~/.ssh/special"))


def test_a_key_the_host_does_not_know(bare, dot_ssh, sshd):
    key = sshd.add_key("stranger", authorize=False)
    (dot_ssh / "id_ed25519").unlink()
    result = check(bare(), address(sshd), key_filename=key)
    assert result.is_error and "publickey" in result.text


def test_an_encrypted_key_says_so(bare, dot_ssh, sshd):
    (dot_ssh / "id_ed25519").unlink()
    key = sshd.add_key("locked", passphrase="open sesame")
    result = check(bare(), address(sshd), key_filename=key)
    assert result.is_error and ("passphrase" in result.text or "encrypted" in result.text), result


def test_a_key_file_that_is_none(bare, dot_ssh, sshd, tmp_path):
    (dot_ssh / "id_ed25519").unlink()
    (tmp_path / "nonsense").write_text("not a key\n")
    assert check(bare(), address(sshd), key_filename=str(tmp_path / "nonsense")).is_error


@pytest.fixture
def agent(home, sshd, tmp_path_factory):
    """ssh-agent holding the only key that opens the host; the path is its socket."""
    key = sshd.add_key("in-agent", passphrase="") if not os.path.exists(
        os.path.join(sshd.dir, "client", "in-agent")) else os.path.join(sshd.dir, "client", "in-agent")
    folder = home / ".ssh" / "agent"
    folder.mkdir()
    path = str(folder / "s.abc.agent.xyz")
    with Agent(path, key):
        yield path


@pytest.mark.parametrize("how", ["SSH_AUTH_SOCK", "IdentityAgent", "found"])
def test_an_agent(bare, dot_ssh, sshd, agent, how, home):
    (dot_ssh / "id_ed25519").unlink()
    env = {}
    if how != "found":
        hidden = str(home / "sock")
        os.rename(agent, hidden)
        if how == "SSH_AUTH_SOCK":
            env["SSH_AUTH_SOCK"] = hidden
        else:
            (dot_ssh / "config").write_text(f"Host *\n  IdentityAgent {hidden}\n")
    works(check(bare(env=env), address(sshd)))


def test_an_agent_that_never_answers(bare, dot_ssh, sshd, home):
    path = str(home / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        works(check(bare(env={"SSH_AUTH_SOCK": path}), address(sshd)))


# ---- what an attacker would try

@pytest.mark.parametrize("where", ["host", "username", "key_filename", "session"])
@pytest.mark.parametrize("text", [
    "-oProxyCommand=touch MARK", "-o ProxyCommand=touch MARK", "x@-oProxyCommand=touch MARK", "$(touch MARK)",
    "`touch MARK`", "a;touch MARK", "a|touch MARK", "a\ntouch MARK", "a&touch MARK", "'touch MARK'", "%{touch MARK}",
    "--", "-", "-F/dev/null", "-v", "..", "t-bash -oProxyCommand=touch", "\u202et-bash", "t-bash\u0000",
])
def test_injections(server, sshd, tmp_path, where, text):
    mark = tmp_path / "mark"
    text = text.replace("MARK", str(mark))
    result = server.call_tool("execute_command", **{"host": "t-bash", "command": "echo connected", where: text})
    assert result.is_error or (where in ("key_filename", "session") and result.output == "connected\n"), result
    assert not mark.exists()
    works(check(server, "t-bash"))
