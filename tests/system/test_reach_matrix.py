"""Whatever `ssh NAME` reaches, host: "NAME" reaches: as the same user, on the same server; and what it refuses, too.

A case is a configuration file and a name. OpenSSH and the server get the same file; both are asked
who and where they are. Where a person would type a password, ssh gets it from an askpass program
and the server from the call.
"""
import os
import subprocess

import pytest

from support.agent import Agent
from support.other_servers import Dropbear, Tinysshd
from support.sshd import PASSWORD, Sshd, keygen, quiet_environment, which

WHO = 'echo "$(id -u) ${SSH_CONNECTION##* }"'
LEGACY = ("KexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\nMACs hmac-sha1\n")


class Lab:
    """Several servers, keys of all kinds, and the names that stand for them in a case."""

    def __init__(self, sshd, directory):
        self.daemons, self.dir = [], directory
        self.names = {"key": sshd.client_key, "dir": directory, "host": sshd.host, "port": sshd.port}
        self._add_keys(sshd)
        self._add_daemons(sshd)
        for server in (Dropbear, Tinysshd):
            if server.is_here():
                daemon = server(sshd)
                daemon.__enter__()
                self.daemons.append(daemon)
                self.names[server.program] = daemon.port
        known = "".join(open(daemon.known_hosts, encoding="utf-8").read() for daemon in [sshd, *self.daemons])
        port6 = self.names["v6"]
        known += f"[::1]:{port6} {self._daemon_of('v6').public_host_key()}\n"
        self.names["known"] = self._write("known_hosts", known)

    def close(self):
        for daemon in self.daemons:
            daemon.__exit__(None, None, None)

    def _daemon_of(self, name):
        return next(daemon for daemon in self.daemons if daemon.port == self.names[name])

    def _write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _add_keys(self, sshd):
        for name in ("bad1", "bad2"):
            self.names[name] = sshd.add_key("lab-" + name, authorize=False)
        self.names["rsa"] = sshd.add_key("lab-rsa", kind="rsa", bits=3072)
        self.names["ecdsa"] = sshd.add_key("lab-ecdsa", kind="ecdsa")
        self.names["locked"] = sshd.add_key("lab-locked", passphrase="open sesame")
        self.ca = os.path.join(self.dir, "ca")
        keygen(self.ca)
        for name, principals, validity in (("cert", "t-bash", "+1h"), ("stale", "t-bash", "20200101:20200102"),
                                           ("other", "somebody", "+1h")):
            path = os.path.join(self.dir, name)
            keygen(path)
            subprocess.run([which("ssh-keygen"), "-q", "-s", self.ca, "-I", name, "-n", principals, "-V", validity,
                            path + ".pub"], check=True, capture_output=True)
            self.names[name] = path
        moved = os.path.join(self.dir, "moved-cert.pub")
        os.link(self.names["cert"] + "-cert.pub", moved)
        self.names["moved_cert"] = moved
        bare = os.path.join(self.dir, "bare")
        os.link(self.names["cert"], bare)
        self.names["bare"] = bare

    def _add_daemons(self, sshd):
        keys = f"AuthorizedKeysFile {sshd.dir}/server/authorized_keys\n"
        for name, extra in {
                "jump": keys, "jump2": keys, "closed": keys + "AllowTcpForwarding no\n",
                "old": keys + LEGACY, "ca": f"TrustedUserCAKeys {self.ca}.pub\nAuthorizedKeysFile none\n",
                "pw": "AuthenticationMethods password\n",
                "both": keys + "AuthenticationMethods publickey,password\n",
                "v6": keys + "ListenAddress ::1\n", "rsahost": keys}.items():
            daemon = Sshd(extra=extra)
            daemon.__enter__()
            self.daemons.append(daemon)
            self.names[name] = daemon.port


@pytest.fixture(scope="module")
def lab(sshd, tmp_path_factory):
    directory = tmp_path_factory.mktemp("lab")
    os.chmod(directory, 0o755)
    made = Lab(sshd, str(directory))
    yield made
    made.close()


# What every configuration ends with; a case's own lines come first and win.
TAIL = """
Host *
  HostName {host}
  Port {port}
  User t-bash
  IdentitiesOnly yes
  IdentityAgent none
  IdentityFile {key}
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
  PreferredAuthentications publickey
"""

TO = "  HostName {host}\n  Port "
PW = "  PreferredAuthentications password\n"

# id -> (configuration, name, does it work)
CASES = {
    "plain": ("", "web", True),
    "user_at_name": ("", "t-dash@web", True),
    "host_block": ("Host web\n  User t-dash\n", "web", True),
    "several_names_in_a_block": ("Host db web cache\n  User t-dash\n", "web", True),
    "wildcard": ("Host w?b*\n  User t-dash\n", "web1", True),
    "negation": ("Host web* !web1\n  User t-dash\n", "web1", True),
    "first_value_wins": ("Host web\n  User t-dash\nHost web\n  User nobody-here\n", "web", True),
    "include": ("Include {dir}/inc-*\n", "inc1", True),
    "include_in_a_block": ("Host web\n  Include {dir}/user-dash\n", "web", True),
    "match_host": ("Host web\n  HostName {host}\nMatch host {host}\n  User t-dash\n", "web", True),
    "match_originalhost": ("Match originalhost web\n  User t-dash\n", "web", True),
    "match_exec_true": ("Match originalhost web exec \"test %n = web\"\n  User t-dash\n", "web", True),
    "match_exec_false": ("Match originalhost web exec false\n  User nobody-here\n", "web", True),
    "match_user": ("Match user t-dash\n  HostName {host}\n  Port {jump}\n", "t-dash@web", True),
    "match_final": ("Match final originalhost web\n  User t-dash\n", "web", True),
    "hostname_token": ("Host 127\n  HostName %h.0.0.1\n", "127", True),
    "identity_tokens": ("Host web\n  IdentityFile {dir}/%r-%n-%p\n", "web", True),
    "port_in_the_alias": ("Host web\n" + TO + "{jump}\n", "web", True),
    "equals_and_quotes": ("Host \"web\"\n  User=\"t-dash\"\n", "web", True),
    "ipv6": ("Host six\n  HostName ::1\n  Port {v6}\n  AddressFamily inet6\n", "six", True),
    "ipv6_with_the_wrong_family": ("Host six\n  HostName ::1\n  Port {v6}\n  AddressFamily inet\n", "six", False),
    "bind_address": ("Host web\n  BindAddress 127.0.0.1\n", "web", True),
    "bind_address_not_ours": ("Host web\n  BindAddress 192.0.2.7\n", "web", False),
    "third_key_is_good": ("Host web\n  IdentityFile {bad1}\n  IdentityFile {bad2}\n  IdentityFile {rsa}\n", "web", True),
    "no_key_is_good": ("Host web\n  IdentityFile {bad1}\n", "web!only", False),
    "rsa_key": ("Host web\n  IdentityFile {rsa}\n", "web", True),
    "ecdsa_key": ("Host web\n  IdentityFile {ecdsa}\n", "web", True),
    "key_that_is_missing": ("Host web\n  IdentityFile {dir}/nothing\n", "web", True),
    "locked_key": ("Host web\n  IdentityFile {locked}\n", "web!only", False),
    "certificate_beside_the_key": ("Host ca\n" + TO + "{ca}\n  IdentityFile {cert}\n", "ca", True),
    "certificate_file": ("Host ca\n" + TO + "{ca}\n  IdentityFile {bare}\n  CertificateFile {moved_cert}\n", "ca", True),
    "certificate_that_ran_out": ("Host ca\n" + TO + "{ca}\n  IdentityFile {stale}\n", "ca", False),
    "certificate_of_somebody_else": ("Host ca\n" + TO + "{ca}\n  IdentityFile {other}\n", "ca", False),
    "agent": ("Host web\n  IdentityAgent {agent}\n  IdentitiesOnly no\n  IdentityFile {dir}/nothing\n", "web!only", True),
    "agent_and_identities_only": ("Host web\n  IdentityAgent {agent}\n  IdentityFile {bad1}\n", "web!only", False),
    "agent_has_the_locked_key": ("Host web\n  IdentityAgent {agent}\n  IdentityFile {locked}\n", "web!only", True),
    "password": ("Host pw\n" + TO + "{pw}\n" + PW, "pw!password", True),
    "wrong_password": ("Host pw\n" + TO + "{pw}\n" + PW, "pw!wrong", False),
    "no_password": ("Host pw\n" + TO + "{pw}\n" + PW, "pw", False),
    "key_and_password": ("Host both\n" + TO + "{both}\n  PreferredAuthentications publickey,password\n",
                         "both!password", True),
    "key_without_the_password": ("Host both\n" + TO + "{both}\n  PreferredAuthentications publickey,password\n",
                                 "both", False),
    "old_algorithms_unasked": ("Host old\n" + TO + "{old}\n", "old", False),
    "old_algorithms_asked_for": ("Host old\n" + TO + "{old}\n  KexAlgorithms +diffie-hellman-group14-sha1\n"
                                 "  Ciphers +aes128-cbc\n", "old", True),
    "jump": ("Host web\n  ProxyJump j\nHost j\n" + TO + "{jump}\n", "web", True),
    "jump_with_its_own_user": ("Host web\n  ProxyJump t-dash@j:{jump}\n", "web", True),
    "two_jumps": ("Host web\n  ProxyJump j,k\nHost j\n" + TO + "{jump}\nHost k\n" + TO + "{jump2}\n", "web", True),
    "jump_behind_a_jump": ("Host web\n  ProxyJump k\nHost k\n" + TO + "{jump2}\n  ProxyJump j\nHost j\n" + TO
                           + "{jump}\n", "web", True),
    "jump_that_forwards_nothing": ("Host web\n  ProxyJump j\nHost j\n" + TO + "{closed}\n", "web", False),
    "jump_to_a_closed_port": ("Host web\n" + TO + "1\n  ProxyJump j\nHost j\n" + TO + "{jump}\n", "web", False),
    "jump_with_a_bad_key": ("Host web\n  ProxyJump j\nHost j\n" + TO + "{jump}\n  IdentityFile {bad1}\n"
                            "  CertificateFile none\n  User nobody-here\n", "web", False),
    "proxy_command": ("Host web\n  ProxyCommand nc %h %p\n", "web", True),
    "proxy_command_that_fails": ("Host web\n  ProxyCommand false\n", "web", False),
    "proxy_command_none": ("Host web\n  ProxyCommand none\nHost *\n  ProxyCommand false\n", "web", True),
    "host_key_alias": ("Host web\n" + TO + "{jump}\n  HostKeyAlias jump-alias\n"
                       "  UserKnownHostsFile {dir}/known-alias\n", "web", True),
    "host_key_unknown": ("Host web\n  UserKnownHostsFile {dir}/known-empty\n", "web", False),
    "host_key_accept_new": ("Host web\n  UserKnownHostsFile {dir}/known-new-%n\n  StrictHostKeyChecking accept-new\n",
                            "web", True),
    "host_key_changed": ("Host web\n  UserKnownHostsFile {dir}/known-changed\n", "web", False),
    "connection_refused": ("Host web\n" + TO + "1\n", "web", False),
    "name_that_does_not_exist": ("Host web\n  HostName no-such-host.invalid\n", "web", False),
    "dropbear": ("Host bear\n" + TO + "{dropbear}\n", "bear", True),
    "tinysshd": ("Host tiny\n" + TO + "{tinysshd}\n", "tiny", True),
    "compression": ("Host web\n  Compression yes\n", "web", True),
    "keepalive_and_timeouts": ("Host web\n  ServerAliveInterval 5\n  ConnectTimeout 3\n  TCPKeepAlive no\n", "web", True),
}


@pytest.fixture(scope="module")
def agent(lab, sshd):
    """An agent with a good key and with the locked one, opened."""
    with Agent(os.path.join(lab.dir, "agent"), lab.names["rsa"], lab.names["locked"],
               askpass=askpass(lab.dir, "open sesame")) as running:
        yield running.path


def askpass(directory, answer):
    path = os.path.join(directory, "askpass-" + "".join(c for c in answer if c.isalnum()))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nprintf '%s\\n' '{answer}'\n")
    os.chmod(path, 0o700)
    return path


def fill_directory(lab, sshd):
    """The files that configurations name."""
    files = {"inc-1": "Host inc1\n  User t-dash\n", "user-dash": "User t-dash\n", "known-empty": "",
             "known-alias": f"jump-alias {lab._daemon_of('jump').public_host_key()}\n",
             "known-changed": f"[{sshd.host}]:{sshd.port} {lab._daemon_of('jump').public_host_key()}\n"}
    for name, text in files.items():
        lab._write(name, text)
    token = os.path.join(lab.dir, f"t-bash-web-{sshd.port}")
    if not os.path.exists(token):
        os.link(lab.names["rsa"], token)


def ask_ssh(config, name, password):
    """What OpenSSH gets: "uid port", or None."""
    environment = quiet_environment()
    options = ["-o", "BatchMode=yes"]
    if password is not None:
        environment.update({"DISPLAY": "none", "SSH_ASKPASS_REQUIRE": "force",
                            "SSH_ASKPASS": askpass(os.path.dirname(config), password)})
        options = ["-o", "NumberOfPasswordPrompts=1"]
    done = subprocess.run([which("ssh"), "-F", config, *options, name, WHO], stdin=subprocess.DEVNULL,
                          capture_output=True, env=environment, check=False, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None


def ask_server(server, name, password):
    result = server.execute(name, WHO, **({"password": password} if password is not None else {}))
    return None if result.is_error else result.output.strip()


@pytest.mark.parametrize("case", CASES)
def test_openssh_and_the_server_agree(case, lab, agent, sshd, start_server):
    text, name, works = CASES[case]
    name, _, how = name.partition("!")
    password = {"password": PASSWORD, "wrong": "not it"}.get(how)
    if case in ("dropbear", "tinysshd") and case not in lab.names:
        pytest.skip(f"no {case} here")
    fill_directory(lab, sshd)
    tail = TAIL.replace("  IdentityFile {key}\n", "") if how == "only" else TAIL
    names = {**lab.names, "agent": agent}
    by_ssh = lab._write("config", (text + tail).format(**names))
    expected = ask_ssh(by_ssh, name, password)
    assert (expected is not None) == works, f"ssh itself got {expected}"
    if os.path.exists(f"{lab.dir}/known-new-{name}"):
        os.remove(f"{lab.dir}/known-new-{name}")    # the key is to be new to the server, too
    assert ask_server(start_server(config=by_ssh), name, password) == expected
