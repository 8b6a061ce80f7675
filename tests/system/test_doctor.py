"""doctor: each step shown with its time, and at the one that fails what mends it. Every failure is a real one."""
import json
import os
import socket
import subprocess
import threading

import pytest

from support.agent import Agent
from support.sshd import PASSWORD, free_port, quiet_environment

STEPS = ["configuration", "network", "identification", "key exchange", "host key", "log-in"]


@pytest.fixture
def doctor(binary, home):
    """Runs it; returns (exit status, rows by name, the row that failed or None)."""
    def run(*arguments, config=None, env=None):
        argv = [binary, *(["--ssh-config", str(config)] if config else []), "doctor", "--json", *arguments]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
                              env={**quiet_environment(), "HOME": str(home), **(env or {})})
        report = json.loads(done.stdout)
        rows = report["rows"]
        failed = [row for row in rows if row["mark"] == "failed"]
        assert len(failed) <= 1 and report["ok"] == (not failed) == (done.returncode == 0), rows
        if failed:
            assert rows[-1] is failed[0] and failed[0]["advice"], "a failure is the last row and has advice"
        return done.returncode, rows, failed[0] if failed else None
    return run


def config_file(tmp_path, text):
    path = tmp_path / "doctor-config"
    path.write_text(text)
    return path


def way_to(sshd, port=None, known=None, key=None, more=""):
    return f"""Host web
  HostName {sshd.host}
  Port {port or sshd.port}
  User t-bash
  IdentityFile {key or sshd.client_key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {known or sshd.known_hosts}
  GlobalKnownHostsFile /dev/null
  {more}
"""


def names(rows, mark):
    return [row["name"] for row in rows if row["mark"] == mark]


def fails(result, step, text, advice):
    status, rows, failed = result
    assert status == 1 and failed["name"] == step, rows
    assert text in failed["text"] and advice in failed["advice"], failed
    if step in STEPS:
        assert names(rows, "ok") == STEPS[:STEPS.index(step)], "every step before it went well"
    return rows


def test_all_is_well(doctor, sshd):
    status, rows, failed = doctor("t-bash", config=sshd.ssh_config)
    assert status == 0 and failed is None
    assert names(rows, "ok") == STEPS + ["shell", "probe", "commands", "isolated"]
    facts = {row["name"]: row["text"] for row in rows}
    assert facts["shell"] == "bash" and "publickey" in facts["log-in"] and "SSH-2.0-OpenSSH" in facts["identification"]
    assert "libssh" in facts["libraries"] and facts["sandbox"] and os.path.exists(facts["program"])
    assert all(row["ms"] >= 0 for row in rows if row["mark"] == "ok")


def test_as_text_for_a_person(binary, sshd, home):
    done = subprocess.run([binary, "--ssh-config", sshd.ssh_config, "doctor", "t-dash"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**quiet_environment(), "HOME": str(home)}, check=False)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "sandbox" not in line] == []   # a sanitizer allows less of one
    assert [line for line in done.stdout.splitlines() if line.startswith("ok   log-in")]


def test_without_a_host_it_tells_what_is_here(doctor):
    status, rows, _ = doctor()
    assert status == 0 and {"version", "libraries", "ssh", "agent"} <= set(names(rows, "fact"))


def test_the_agent_is_named(doctor, tmp_path):
    with Agent(tmp_path / "agent") as agent:
        _, rows, _ = doctor(env={"SSH_AUTH_SOCK": agent.path})
    assert {"name": "agent", "mark": "fact", "text": agent.path} in rows


def test_what_has_no_effect_is_named(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, more="VerifyHostKeyDNS yes"))
    _, rows, _ = doctor("web", config=config)
    assert any("without effect here: VerifyHostKeyDNS" in row["text"] for row in rows)


def test_a_host_that_is_none(doctor):
    fails(doctor("a b"), "arguments", "is not a host", "user@host")


def test_a_bad_line_in_the_configuration(doctor, tmp_path):
    config = config_file(tmp_path, "Host web\n  Prot 22\n")
    fails(doctor("web", config=config), "configuration", "Bad configuration option", "Mend the line")


def test_a_configuration_that_hangs(doctor, sshd, tmp_path):
    config = config_file(tmp_path, "Match exec \"sleep 60\"\n" + way_to(sshd))
    fails(doctor("web", config=config), "configuration", "did not end within", "Match exec")


def test_a_known_hosts_file_that_cannot_be_read(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, known=tmp_path))
    rows = fails(doctor("web", config=config), "configuration", "cannot be read", "regular file")
    assert names(rows, "ok") == []


def test_algorithms_that_nobody_here_has(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, more="KexAlgorithms sntrup761x25519-sha512@openssh.com"))
    fails(doctor("web", config=config), "configuration", "allows no KexAlgorithms", "curve25519-sha256")


def test_a_name_that_does_not_exist(doctor, tmp_path):
    config = config_file(tmp_path, "Host web\n  HostName no-such-host.invalid\n")
    fails(doctor("web", config=config), "network", "cannot find the host", "Check the spelling")


def test_a_port_where_nothing_listens(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, port=free_port()))
    fails(doctor("web", config=config), "network", "refused", "Nothing listens on that port")


def test_an_address_that_is_silent(doctor, sshd, tmp_path):
    """A listener whose queue is full: nobody answers the connect()."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        config = config_file(tmp_path, way_to(sshd, port=listener.getsockname()[1], more="ConnectTimeout 2"))
        fails(doctor("web", config=config), "network", "no answer", "check that web is up")
        for filler in fillers:
            filler.close()


def serve_once(answer):
    """A port that takes one connection, says this, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = listener.accept()
        with connection, listener:
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail ESMTP\r\n"],
                         ids=["hangs_up", "http", "smtp"])
def test_what_is_no_ssh_server(doctor, sshd, tmp_path, answer):
    config = config_file(tmp_path, way_to(sshd, port=serve_once(answer)))
    fails(doctor("web", config=config), "identification", "no SSH server answered", "no SSH server")


def test_old_algorithms(doctor, own_sshd, tmp_path):
    sshd = own_sshd(extra="KexAlgorithms diffie-hellman-group1-sha1")
    config = config_file(tmp_path, way_to(sshd))
    fails(doctor("web", config=config), "key exchange", "key exchange failed", "KexAlgorithms +")


def test_an_unknown_host_key(doctor, sshd, tmp_path):
    (tmp_path / "known").write_text("")
    config = config_file(tmp_path, way_to(sshd, known=tmp_path / "known"))
    fails(doctor("web", config=config), "host key", "SHA256:", "To trust it")


def test_a_changed_host_key(doctor, sshd, own_sshd, tmp_path):
    other = own_sshd().public_host_key()
    known = sshd.write_known_hosts(str(tmp_path / "known"), key=other)
    config = config_file(tmp_path, way_to(sshd, known=known))
    fails(doctor("web", config=config), "host key", "HAS CHANGED", "Somebody may be in between")


def test_a_key_that_is_open_to_others(doctor, own_sshd, tmp_path):
    sshd = own_sshd()
    key = sshd.add_key("open")
    os.chmod(key, 0o644)
    config = config_file(tmp_path, way_to(sshd, key=key))
    rows = fails(doctor("web", config=config), "log-in", "chmod 600", "ssh")
    assert any("open to others" in row["text"] for row in rows if row["name"] == "configuration")


def test_a_login_program_that_is_no_shell(doctor, sshd):
    rows = fails(doctor("t-nologin", config=sshd.ssh_config), "shell", "ended", "isolated: true")
    assert names(rows, "ok") == STEPS


def test_a_server_with_one_channel_has_no_probe(doctor, own_sshd):
    sshd = own_sshd(max_sessions=1)
    status, rows, _ = doctor("t-bash", config=sshd.ssh_config)
    assert status == 0 and "probe" in names(rows, "tried") and "isolated" in names(rows, "tried")


def test_no_password_of_the_environment_is_shown(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, more="PreferredAuthentications password"))
    _, rows, failed = doctor("web", config=config, env={"OVRD_web_PASS": PASSWORD + "x"})
    assert failed["name"] == "log-in" and PASSWORD not in json.dumps(rows)
def test_a_refused_log_in_shows_what_was_tried(doctor, own_sshd, tmp_path):
    sshd = own_sshd()
    key = sshd.add_key("stranger", authorize=False)
    config = config_file(tmp_path, way_to(sshd, key=key))
    rows = fails(doctor("web", config=config), "log-in", "refused", "ssh")
    assert any("stranger" in row["text"] for row in rows if row["mark"] == "tried"), rows


def test_a_server_that_hangs_up_during_the_log_in(doctor, own_sshd, tmp_path):
    sshd = own_sshd(extra="MaxAuthTries 1")
    keys = [sshd.add_key(f"stranger{i}", authorize=False) for i in range(3)]
    config = config_file(tmp_path, way_to(sshd, key=keys[0], more="\n  ".join(f"IdentityFile {key}" for key in keys)))
    fails(doctor("web", config=config), "log-in", "hung up", "IdentityFile")




# ---- the way through another host, or a program

def through(sshd, jump, known=None, port=None):
    """web behind bastion; known and port are the bastion's."""
    bastion = way_to(jump, port=port, known=known).replace("Host web", "Host bastion")
    return bastion + way_to(sshd, more="ProxyJump bastion")


def test_a_jump_host_is_told_of(doctor, sshd, own_sshd, tmp_path):
    config = config_file(tmp_path, through(sshd, own_sshd()))
    status, rows, _ = doctor("web", config=config)
    assert status == 0 and {"through bastion"} == {row["text"] for row in rows if row["name"] == "network"}, rows


def test_a_jump_host_where_nothing_listens(doctor, sshd, tmp_path):
    config = config_file(tmp_path, through(sshd, sshd, port=free_port()))
    rows = fails(doctor("web", config=config), "network", "jump host bastion", "")
    assert "Connection refused" in rows[-1]["text"] and "Nothing listens" in rows[-1]["advice"]


def test_a_jump_host_whose_key_is_unknown(doctor, sshd, own_sshd, tmp_path):
    (tmp_path / "known").write_text("")
    config = config_file(tmp_path, through(sshd, own_sshd(), known=tmp_path / "known"))
    fails(doctor("web", config=config), "network", "jump host bastion", "trust bastion")


def test_a_jump_host_that_forwards_nothing(doctor, sshd, own_sshd, tmp_path):
    config = config_file(tmp_path, through(sshd, own_sshd(extra="AllowTcpForwarding no")))
    rows = fails(doctor("web", config=config), "network", "bastion", "")
    assert "AllowTcpForwarding" in rows[-1]["text"] + rows[-1]["advice"]


def test_a_proxy_command_that_fails(doctor, sshd, tmp_path):
    config = config_file(tmp_path, way_to(sshd, more="ProxyCommand sh -c 'echo no way >&2; exit 3'"))
    status, rows, failed = doctor("web", config=config)
    assert status == 1 and failed["name"] in ("network", "identification"), rows
    assert "no way" in failed["text"] and "ProxyCommand" in failed["text"] + failed["advice"], failed


def test_a_host_that_takes_three_wrong_log_ins_and_no_more(doctor, own_sshd, tmp_path):
    """The advice of a refused log-in names the way for a person, where one could type something."""
    sshd = own_sshd()
    key = sshd.add_key("nobody", authorize=False)
    config = config_file(tmp_path, way_to(sshd, key=key, more="PreferredAuthentications publickey"))
    fails(doctor("web", config=config), "log-in", "refused", "IdentityFile")
    config = config_file(tmp_path, way_to(sshd, key=key))
    fails(doctor("web", config=config), "log-in", "refused", "mcp-ssh-session login web")
