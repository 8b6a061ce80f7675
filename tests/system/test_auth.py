"""Logging in: keys, certificates, the agent, several methods in a row, and what is never sent."""
import contextlib
import os
import shutil
import subprocess

import pytest

from support.agent import Agent
from support.sshd import keygen, which

paramiko = pytest.importorskip("paramiko", reason="python3-paramiko: run scripts/deps test")
from support.kbdint_server import KbdintServer, Round      # noqa: E402

INFO = {"MCP_SSH_LOG_LEVEL": "info"}        # the log then says how a log-in succeeded


@pytest.fixture
def dot_ssh(home, sshd):
    """$HOME/.ssh with a known_hosts that fits; no key, no config."""
    path = home / ".ssh"
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


def alone(server, host, **arguments):
    """For servers without a terminal."""
    return server.execute(host, "echo connected", isolated=True, **arguments)


def refuses(result, *words):
    assert result.is_error, result
    for word in words:
        assert word in result.text, result
    return result


def write_config(dot_ssh, text):
    (dot_ssh / "config").write_text(text)


def public(key):
    with open(key + ".pub", encoding="ascii") as file:
        return file.read()


@pytest.fixture
def agent(tmp_path):
    """A factory: an ssh-agent that holds these keys, in that order; gives its environment."""
    with contextlib.ExitStack() as running:
        def start(*keys):
            path = tmp_path / f"agent-{len(os.listdir(tmp_path))}"
            return {"SSH_AUTH_SOCK": running.enter_context(Agent(path, *keys)).path}
        yield start


@pytest.fixture
def ask(tmp_path, home):
    """A factory of servers that ask; $HOME/.ssh knows them."""
    running = []

    def start(rounds=(), **options):
        directory = tmp_path / f"asking-{len(running)}"
        directory.mkdir()
        running.append(KbdintServer(directory, rounds, **options).__enter__())
        with open(home / ".ssh" / "known_hosts", "a", encoding="ascii") as file:
            file.write(running[-1].known_hosts_line())
        return running[-1]
    yield start
    for server in running:
        server.__exit__()


def stranger_keys(tmp_path, count):
    keys = [str(tmp_path / f"stranger-{number}") for number in range(count)]
    for key in keys:
        keygen(key)
    return keys


# ---- key files

def test_only_the_third_identity_file_is_good(bare, dot_ssh, sshd, tmp_path):
    wrong = stranger_keys(tmp_path, 2)
    write_config(dot_ssh, "".join(f"IdentityFile {key}\n" for key in [*wrong, sshd.client_key]))
    server = bare(env=INFO)
    works(check(server, address(sshd)))
    assert f"by publickey ({sshd.client_key})" in server.log()


def test_an_encrypted_key_is_not_opened_for_a_host_that_does_not_want_it(bare, dot_ssh, sshd, tmp_path):
    locked = str(tmp_path / "locked")
    keygen(locked, passphrase="open sesame")
    write_config(dot_ssh, f"IdentityFile {locked}\nIdentityFile {sshd.client_key}\n")
    works(check(bare(), address(sshd)))
    os.remove(locked + ".pub")      # its format carries the public half in the clear
    works(check(bare(), address(sshd)))
    write_config(dot_ssh, f"IdentityFile {locked}\n")
    result = refuses(check(bare(), address(sshd)), locked)
    assert "its passphrase" not in result.text, result


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "pem"])
def test_an_encrypted_key_that_is_wanted_says_what_to_do(bare, dot_ssh, sshd, kind):
    key = sshd.add_key(f"wanted-{kind}", passphrase="open sesame", kind="rsa" if kind == "pem" else kind)
    if kind == "pem":
        subprocess.run([which("ssh-keygen"), "-q", "-p", "-m", "PEM", "-P", "open sesame", "-N", "open sesame",
                        "-f", key], check=True, capture_output=True)
    write_config(dot_ssh, f"IdentityFile {key}\n")
    refuses(check(bare(), address(sshd)), key, "encrypted", "ssh-add",
            f"Run `mcp-ssh-session login {address(sshd)}` in a terminal.")


def test_a_pem_key_without_its_public_half(bare, dot_ssh, sshd):
    key = sshd.add_key("pem-alone", kind="rsa")
    subprocess.run([which("ssh-keygen"), "-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", key], check=True,
                   capture_output=True)
    os.remove(key + ".pub")
    write_config(dot_ssh, f"IdentityFile {key}\n")
    works(check(bare(), address(sshd)))


# ---- certificates

@pytest.fixture
def authority(own_sshd, tmp_path, home):
    """A daemon that trusts an authority for user certificates; and how to get one."""
    ca = str(tmp_path / "ca")
    keygen(ca)
    daemon = own_sshd(extra=f"TrustedUserCAKeys {ca}.pub")
    daemon.write_known_hosts(str(home / ".ssh" / "known_hosts"))

    def certify(key, principals="t-bash", valid="-1m:+1h"):
        subprocess.run([which("ssh-keygen"), "-q", "-s", ca, "-I", "test", "-n", principals, "-V", valid,
                        key + ".pub"], check=True, capture_output=True)
        return key + "-cert.pub"
    return daemon, certify


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_certificate_beside_the_key(bare, home, authority, kind):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False, kind=kind)
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    server = bare(env=INFO)
    refuses(check(server, address(daemon)), "publickey")
    certify(key)
    works(check(server, address(daemon)))
    assert f"by publickey ({key}-cert.pub)" in server.log()


def test_a_certificate_file(bare, home, authority, tmp_path):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False)
    elsewhere = str(tmp_path / "cert")
    shutil.move(certify(key), elsewhere)
    os.remove(key + ".pub")
    write_config(home / ".ssh", f"IdentityFile {key}\nCertificateFile {elsewhere}\n")
    works(check(bare(), address(daemon)))


def test_an_encrypted_key_with_a_certificate(bare, home, authority):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False, passphrase="open sesame")
    certify(key)
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    refuses(check(bare(), address(daemon)), "certified-cert.pub", "encrypted")


@pytest.mark.parametrize("what", ["expired", "for another user"])
def test_a_certificate_that_is_no_good(bare, home, authority, what):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False)
    certify(key, *(("t-bash", "-2h:-1h") if what == "expired" else ("t-dash",)))
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    refuses(check(bare(), address(daemon)), "certified-cert.pub")


def test_a_certificate_in_the_agent(bare, authority, agent):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False)
    certify(key)        # ssh-add takes it along
    works(check(bare(env=agent(key)), address(daemon)))


def test_a_certificate_of_no_key_is_named(bare, home, authority, tmp_path):
    daemon, certify = authority
    key = daemon.add_key("certified", authorize=False)
    certificate = certify(key)
    other = stranger_keys(tmp_path, 1)[0]
    write_config(home / ".ssh", f"IdentityFile {other}\nCertificateFile {certificate}\n")
    refuses(check(bare(), address(daemon)), certificate, "not tried")


# ---- the agent

def failures(daemon):
    return daemon.log_text().count("Failed publickey")


def own(own_sshd, home, **options):
    daemon = own_sshd(**options)
    daemon.write_known_hosts(str(home / ".ssh" / "known_hosts"))
    return daemon


def test_an_agent_with_twenty_keys_is_tried_six_times_at_most(bare, home, own_sshd, agent, tmp_path):
    daemon = own(own_sshd, home, extra="MaxAuthTries 30")
    refuses(check(bare(env=agent(*stranger_keys(tmp_path, 20))), address(daemon)), "agent's throw-away")
    assert 5 <= failures(daemon) <= 6, daemon.log_text()


def test_the_configured_key_is_the_first_of_twenty(bare, home, own_sshd, agent, tmp_path):
    """OpenSSH's order: what IdentityFile names comes first; here its public half is enough."""
    daemon = own(own_sshd, home)
    good = daemon.add_key("good")
    env = agent(*stranger_keys(tmp_path, 20), good)
    (tmp_path / "only.pub").write_text(public(good))
    write_config(home / ".ssh", f"IdentityFile {tmp_path / 'only'}\n")
    works(check(bare(env=env), address(daemon)))
    assert failures(daemon) == 0, daemon.log_text()


def test_the_second_configured_key_is_the_second(bare, home, own_sshd, agent, tmp_path):
    daemon = own(own_sshd, home)
    good, (first, *others) = daemon.add_key("good"), stranger_keys(tmp_path, 8)
    write_config(home / ".ssh", f"IdentityFile {first}\nIdentityFile {good}\n")
    works(check(bare(env=agent(*others, good, first)), address(daemon)))
    assert failures(daemon) == 1, daemon.log_text()


def test_identities_only(bare, home, own_sshd, agent, tmp_path):
    daemon = own(own_sshd, home)
    good, other = daemon.add_key("good"), stranger_keys(tmp_path, 1)[0]
    env = agent(good)
    write_config(home / ".ssh", f"IdentitiesOnly yes\nIdentityFile {other}\n")
    refuses(check(bare(env=env), address(daemon)), other)
    assert failures(daemon) == 1, daemon.log_text()
    write_config(home / ".ssh", f"IdentityFile {other}\n")
    works(check(bare(env=env), address(daemon)))


def test_a_key_that_the_agent_has_too_is_offered_once(bare, home, own_sshd, agent, tmp_path):
    daemon = own(own_sshd, home)
    key = stranger_keys(tmp_path, 1)[0]
    write_config(home / ".ssh", f"IdentityFile {key}\n")
    refuses(check(bare(env=agent(key)), address(daemon)), "publickey")
    assert failures(daemon) == 1, daemon.log_text()


# ---- several in a row

def test_a_key_and_a_password(bare, home, own_sshd):
    daemon = own(own_sshd, home, extra="AuthenticationMethods publickey,password")
    write_config(home / ".ssh", f"IdentityFile {daemon.client_key}\n")
    server = bare()
    refuses(check(server, address(daemon)), "accepted", "it accepts password", "mcp-ssh-session login")
    refuses(check(server, address(daemon), password="wrong"), "the password")
    works(check(server, address(daemon), password=daemon.password))


def test_two_keys(bare, home, own_sshd):
    daemon = own(own_sshd, home, extra="AuthenticationMethods publickey,publickey")
    second = daemon.add_key("second")
    write_config(home / ".ssh", f"IdentityFile {daemon.client_key}\n")
    refuses(check(bare(), address(daemon)), "accepted")
    write_config(home / ".ssh", f"IdentityFile {daemon.client_key}\nIdentityFile {second}\n")
    works(check(bare(), address(daemon)))
    assert failures(daemon) == 0, daemon.log_text()


def test_two_keys_in_the_agent(bare, home, own_sshd, agent):
    daemon = own(own_sshd, home, extra="AuthenticationMethods publickey,publickey")
    works(check(bare(env=agent(daemon.client_key, daemon.add_key("second"))), address(daemon)))


def test_a_password_is_kept_for_the_last_attempt(bare, home, own_sshd, agent, tmp_path):
    """Twenty keys would use up what the host allows; a password at hand gets its chance."""
    daemon = own(own_sshd, home)
    works(check(bare(env=agent(*stranger_keys(tmp_path, 20))), address(daemon), password=daemon.password))


# ---- keyboard-interactive, nobody there

SECRET = "correct horse"


def test_a_password_answers_the_question_for_it(bare, ask):
    server = ask([Round("", [("Password: ", False)], [SECRET])])
    works(alone(bare(), address(server), password=SECRET))
    assert server.received == [[SECRET]]


@pytest.mark.parametrize("prompts", [
    [("Verification code: ", False)], [("Password: ", True)], [("One-time password (OATH): ", False)],
    [("Password: ", False), ("Code: ", False)], [("New password: ", False)], [("", False)],
], ids=["a code", "echoed", "one-time", "two at once", "a new one", "no text"])
def test_a_password_answers_nothing_else(bare, ask, prompts):
    server = ask([Round("", prompts, [SECRET] * len(prompts))])
    refuses(alone(bare(), address(server), password=SECRET),
            f"Run `mcp-ssh-session login {address(server)}` in a terminal.", "asks for")
    assert server.received == []


def test_a_second_round_is_not_answered_with_the_password(bare, ask):
    server = ask([Round("", [("Password: ", False)], [SECRET]), Round("", [("Password: ", False)], [SECRET])])
    refuses(alone(bare(), address(server), password=SECRET), 'it asks for "Password:"', "mcp-ssh-session login")
    assert server.received == [[SECRET]]


def test_a_password_that_was_refused_is_not_sent_again(bare, ask):
    server = ask([Round("", [("Password: ", False)], ["another"])], methods="keyboard-interactive,password",
                 password="another")
    refuses(alone(bare(), address(server), password=SECRET), "password")
    assert server.received == [[SECRET]]


def test_a_question_is_quoted_without_its_control_characters(bare, ask):
    server = ask([Round("", [("Code\x1b[31m\x07 now: ", True)], ["1"])])
    result = refuses(alone(bare(), address(server)), "asks for", "now:")
    assert "\x1b" not in result.text and "\x07" not in result.text


def test_a_server_with_too_many_questions(bare, ask):
    server = ask([Round("", [(f"q{number}", True) for number in range(9)], ["x"] * 9)])
    refuses(alone(bare(), address(server), password=SECRET), "more than 8 questions")
    assert server.received == []


def test_a_password_that_has_to_be_changed(bare, ask):
    server = ask(methods="password", wants_change=True)
    refuses(alone(bare(), address(server), password=SECRET), "wants the password to be changed")


def test_a_server_that_never_answers_can_be_let_go(bare, ask, wait_until):
    server, client = ask(methods="password"), bare()
    server.hangs.set()
    pending = client.start_tool("execute_command", host=address(server), command="true", isolated=True, timeout=60)
    wait_until(lambda: server.transports and server.transports[-1].auth_handler, "it is there")
    assert not client.call_tool("close_all_sessions").is_error
    assert pending.result().state == "interrupted"
    client.close()      # which sees that no worker is left


def test_username_and_port_given_apart_are_in_the_instruction(bare, ask):
    server = ask([Round("", [("Code: ", True)], ["1"])])
    refuses(alone(bare(), server.host, username="bob", port=server.port),
            f"Run `mcp-ssh-session login {server.host} --username bob --port {server.port}` in a terminal.")
