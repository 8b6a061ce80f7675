"""Host keys: the verdicts are those of ssh, on the same files; first contact; pins; trust."""
import json
import os
import shutil
import socket
import stat
import subprocess

import pytest

from support.canary import Canary, python_with_paramiko
from support.mcp_client import McpClient, thin_environment
from support.sshd import Sshd, keygen, quiet_environment, which
from support.terminal import Terminal

POLICIES = ("strict", "accept-new")
SECRET = "canary-3f9a7c"


class Keys:
    """A daemon with a host key of each type, and keys of each type that it does not have."""

    def __init__(self, folder):
        self.public = {}
        for kind in ("rsa", "ecdsa"):
            keygen(str(folder / kind), kind=kind)
            self._read(kind, folder / kind)
        for kind in ("ed25519", "rsa", "ecdsa"):
            keygen(str(folder / f"other-{kind}"), kind=kind)
            self._read("other-" + kind, folder / f"other-{kind}")
        self.daemon = Sshd(extra=f"HostKey {folder}/rsa\nHostKey {folder}/ecdsa").start()
        self.public["ed25519"] = self.daemon.public_host_key()

    def _read(self, name, path):
        with open(f"{path}.pub", encoding="ascii") as file:
            self.public[name] = " ".join(file.read().split()[:2])

    def fill(self, text):
        """"[h]:p <ed25519>" becomes a line of known_hosts."""
        for name, key in self.public.items():
            text = text.replace(f"<{name}>", key)
        return text.replace("[h]:p", self.name).replace("HOST", self.daemon.host)

    @property
    def name(self):
        return f"[{self.daemon.host}]:{self.daemon.port}"

    def fingerprint(self, name):
        done = subprocess.run(["ssh-keygen", "-lf", "-"], input=self.public[name], capture_output=True, text=True,
                              check=True)
        return done.stdout.split()[1]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    made = Keys(tmp_path_factory.mktemp("hostkeys"))
    yield made
    made.daemon.stop()


def write_config(keys, path, known, more=""):
    path.write_text(f"""Host h
  HostName {keys.daemon.host}
  Port {keys.daemon.port}
  User t-bash
  IdentityFile {keys.daemon.client_key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
  {more}
""")
    return path


def contents(path):
    return path.read_bytes() if path.exists() else None


# ---- the same verdicts as ssh, and the same files afterwards

FILES = {
    "good": "[h]:p <ed25519>\n",
    "changed": "[h]:p <other-ed25519>\n",
    "empty": "",
    "no file": None,
    "revoked": "@revoked [h]:p <ed25519>\n",
    "revoked for all": "@revoked * <ed25519>\n",
    "revoked, and listed": "[h]:p <ed25519>\n@revoked [h]:p <ed25519>\n",
    "another one revoked": "@revoked * <other-ed25519>\n[h]:p <ed25519>\n",
    "hashed": "HASH [h]:p <ed25519>\n",
    "hashed, changed": "HASH [h]:p <other-ed25519>\n",
    "without the port": "HOST <ed25519>\n",
    "without the port, changed": "HOST <other-ed25519>\n",
    "wildcard": "[127.0.0.*]:* <ed25519>\n",
    "wildcard, changed": "[127.?.0.1]:* <other-ed25519>\n",
    "negation": "*,![h]:p <ed25519>\n",
    "authority": "@cert-authority [h]:p <other-ed25519>\n",
    "authority, and the key": "@cert-authority * <other-ed25519>\n[h]:p <ed25519>\n",
    "only the rsa key": "[h]:p <rsa>\n",
    "only the ecdsa key": "[h]:p <ecdsa>\n",
    "only an rsa key, changed": "[h]:p <other-rsa>\n",
    "two keys": "[h]:p <other-ed25519>\n[h]:p <ed25519>\n",
    "comments and garbage": "# comment\n\n@nonsense * <other-ed25519>\n[h]:p ssh-ed25519 AAAA\nx\n[h]:p <ed25519> c\n",
    "of another host": "elsewhere <ed25519>\n",
    "several names": "other,[h]:p,third <ed25519>\n",
}
OPTIONS = {"HostKeyAlias": "[h]:p <other-ed25519>\nalias <ed25519>\n", "HostKeyAlias, unknown": "[h]:p <ed25519>\n",
           "HashKnownHosts": "elsewhere <ed25519>\n", "HostKeyAlgorithms": "[h]:p <ed25519>\n"}
MORE = {"HostKeyAlias": "HostKeyAlias alias", "HostKeyAlias, unknown": "HostKeyAlias Alias",
        "HashKnownHosts": "HashKnownHosts yes", "HostKeyAlgorithms": "HostKeyAlgorithms rsa-sha2-256"}


def known_file(keys, path, text):
    if text is None:
        return
    path.write_text(keys.fill(text.removeprefix("HASH ")))
    if text.startswith("HASH "):
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
        os.remove(f"{path}.old")


def lines_for(path, name):
    """Type and key of the lines that ssh-keygen finds for a name."""
    done = subprocess.run(["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, text=True, check=False)
    return sorted(" ".join(line.split()[-2:]) for line in done.stdout.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [*FILES, *OPTIONS])
def test_the_verdict_is_that_of_ssh(start_server, keys, tmp_path, case, policy):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    known_file(keys, theirs, {**FILES, **OPTIONS}[case])
    if theirs.exists():
        shutil.copy(theirs, ours)
    more = f"{MORE.get(case, '')}\n  StrictHostKeyChecking {'yes' if policy == 'strict' else policy}"
    before = contents(ours)
    oracle = subprocess.run([which("ssh"), "-F", str(write_config(keys, tmp_path / "ssh", theirs, more)),
                             "-o", "BatchMode=yes", "h", "true"], stdin=subprocess.DEVNULL, capture_output=True,
                            env=quiet_environment(), check=False)
    result = start_server(config=write_config(keys, tmp_path / "config", ours, more)).execute("h", "true")
    assert result.is_error == (oracle.returncode != 0), (result, oracle.stderr)
    if policy == "strict":
        assert contents(ours) == before == contents(theirs)
    elif "Hash" in case:
        name = keys.name
        assert lines_for(ours, name) == lines_for(theirs, name) == [keys.public["ed25519"]]
        assert b"[127" not in contents(ours) and len(contents(ours)) == len(contents(theirs))
    else:
        assert contents(ours) == contents(theirs)
    if contents(ours) != before:
        assert keys.fingerprint("rsa" if "Algorithms" in case else "ed25519") in result.notes[0]
        assert str(ours) in result.notes[0]
    else:
        assert not result.notes


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("known", ["none", "/dev/null"])
def test_without_a_file_the_verdict_is_that_of_ssh(start_server, keys, tmp_path, known, policy):
    config = write_config(keys, tmp_path / "config", known, f"StrictHostKeyChecking {policy.replace('strict', 'yes')}")
    oracle = subprocess.run([which("ssh"), "-F", str(config), "-o", "BatchMode=yes", "h", "true"], check=False,
                            stdin=subprocess.DEVNULL, capture_output=True, env=quiet_environment())
    result = start_server(config=config).execute("h", "true")
    assert result.is_error == (oracle.returncode != 0), (result, oracle.stderr)
    assert not result.is_error or "UserKnownHostsFile is" in result.text


def test_a_key_revoked_without_its_port_is_not_accepted_as_new(start_server, keys, tmp_path):
    """Here ssh itself accepts it: it forgets what it found without the port."""
    known = tmp_path / "known_hosts"
    known_file(keys, known, f"@revoked {keys.daemon.host} <ed25519>\n")
    before = contents(known)
    result = start_server(config=write_config(keys, tmp_path / "config", known, "StrictHostKeyChecking accept-new")) \
        .execute("h", "true")
    assert result.is_error and "REVOKED" in result.text and contents(known) == before


def test_a_host_with_a_certificate_and_a_known_plain_key(start_server, own_sshd, tmp_path, keys):
    """libssh cannot check host certificates: the plain key decides, and the refusal says so."""
    keygen(str(tmp_path / "ca"))
    daemon = own_sshd()
    public = f"{daemon.dir}/server/host_ed25519.pub"
    subprocess.run(["ssh-keygen", "-q", "-s", str(tmp_path / "ca"), "-I", "h", "-h", "-n", daemon.host, public],
                   check=True, capture_output=True)
    daemon.halt()
    daemon.extra = f"HostCertificate {daemon.dir}/server/host_ed25519-cert.pub"
    daemon.launch()
    authority = (tmp_path / "ca.pub").read_text().split()[:2]
    with open(daemon.known_hosts, "w", encoding="ascii") as file:
        file.write(f"@cert-authority * {' '.join(authority)}\n")
    assert daemon.ssh("t-bash", "true").returncode == 0
    refused = start_server(config=daemon.ssh_config).execute("t-bash", "true")
    for word in ("@cert-authority", "certificates", "plain key", "mcp-ssh-session", "trust t-bash"):
        assert word in refused.text, refused
    with open(daemon.known_hosts, "a", encoding="ascii") as file:
        file.write(f"[{daemon.host}]:{daemon.port} {daemon.public_host_key()}\n")
    assert start_server(config=daemon.ssh_config).execute("t-bash", "echo in").output == "in\n"


# ---- the policy, and who may say it

def test_an_unknown_key_says_what_to_do(start_server, keys, tmp_path):
    config = write_config(keys, tmp_path / "config", tmp_path / "known_hosts")
    result = start_server(config=config).execute("h", "true")
    assert f"`mcp-ssh-session --ssh-config {config} trust h`" in result.text
    assert "ssh-ed25519 " + keys.fingerprint("ed25519") in result.text
    result = start_server(config=config).execute("h", "true", username="t-dash", port=keys.daemon.port)
    assert f" trust t-dash@h:{keys.daemon.port}`" in result.text


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize("policy,configured", [("strict", "accept-new"), ("strict", "no"), ("accept-new", "yes")])
def test_the_operators_policy_wins(start_server, keys, tmp_path, how, policy, configured):
    known = tmp_path / "known_hosts"
    config = write_config(keys, tmp_path / "config", known, f"StrictHostKeyChecking {configured}")
    server = start_server("--host-key-policy", policy, config=config) if how == "option" \
        else start_server(config=config, env={"MCP_SSH_HOST_KEY_POLICY": policy})
    assert server.execute("h", "true").is_error == (policy == "strict")
    assert known.exists() == (policy == "accept-new")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_an_unknown_policy_ends_the_program(binary, how):
    argv, env = ([binary, "--host-key-policy", "off"], {}) if how == "option" else \
        ([binary], {"MCP_SSH_HOST_KEY_POLICY": "off"})
    done = subprocess.run(argv, env=thin_environment(None, env), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "accept-new" in done.stderr


@pytest.mark.parametrize("off", ["no", "off"])
def test_checks_that_are_off_are_not(start_server, keys, tmp_path, off):
    known = tmp_path / "known_hosts"
    known_file(keys, known, FILES["changed"])
    server = start_server(config=write_config(keys, tmp_path / "config", known, f"StrictHostKeyChecking {off}"))
    for _ in range(2):
        result = server.execute("h", "true")
        assert result.is_error and "HAS CHANGED" in result.text
    assert server.log().count("is treated as accept-new") == 1
    known.write_text("")
    assert not server.execute("h", "true").is_error
    assert contents(known) == keys.fill(FILES["good"]).encode()


def test_no_tool_argument_is_about_host_keys(server):
    listed = json.dumps(server.request("tools/list")).lower()
    for word in ("known_hosts", "host_key", "hostkey", "fingerprint", "strict", "accept-new", "policy"):
        assert word not in [name.lower() for tool in json.loads(listed)["tools"]
                            for name in tool["inputschema"].get("properties", {})], word
    for name, value in (("host_key_policy", "accept-new"), ("StrictHostKeyChecking", "no")):
        result = server.call_tool("execute_command", host="t-bash", command="true", **{name: value})
        assert result.is_error and name in result.text, result


def test_a_connection_stands_for_another_only_if_both_keys_are_judged_alike(start_server, keys, tmp_path):
    """Two names of one host: what is good for the careless one is not for the careful one."""
    careless, careful = tmp_path / "careless", tmp_path / "careful"
    careful.write_text("")
    config = write_config(keys, tmp_path / "config", careless, "StrictHostKeyChecking accept-new")
    more = write_config(keys, tmp_path / "more", careful, "StrictHostKeyChecking yes").read_text()
    config.write_text(config.read_text() + more.replace("Host h", "Host careful", 1))
    server = start_server(config=config)
    assert not server.execute("h", "true").is_error
    assert "is not known" in server.execute("careful", "true").text


# ---- writing down

def test_a_missing_directory_and_file_are_made(start_server, keys, tmp_path):
    home = tmp_path / "new home"
    home.mkdir()
    config = write_config(keys, tmp_path / "config", "~/.ssh/known_hosts", "StrictHostKeyChecking accept-new")
    result = start_server(config=config, home=str(home)).execute("h", "true")
    assert not result.is_error, result
    known = home / ".ssh" / "known_hosts"
    assert contents(known) == keys.fill(FILES["good"]).encode()
    assert stat.S_IMODE(known.stat().st_mode) == 0o600 and stat.S_IMODE(known.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("what", ["no directory", "dangling link", "/dev/null", "full"])
def test_a_key_that_cannot_be_written_down_is_told(start_server, keys, tmp_path, what):
    known = {"no directory": "/nonexistent/known_hosts", "/dev/null": "/dev/null",
             "full": "/dev/full"}.get(what, str(tmp_path / "link"))
    if what == "dangling link":
        os.symlink(tmp_path / "nowhere", known)
    config = write_config(keys, tmp_path / "config", known, "StrictHostKeyChecking accept-new")
    result = start_server(config=config).execute("h", "echo in")
    if what == "full":          # no regular file: not even read
        assert result.is_error and "/dev/full" in result.text
        return
    assert result.output == "in\n" and "could not be added" in result.notes[0], result
    assert not (tmp_path / "nowhere").exists()


def test_a_last_line_without_its_newline_stays_whole(start_server, keys, tmp_path):
    """Older ssh (9.2) writes on in the same line, and so loses both."""
    known = tmp_path / "known_hosts"
    known_file(keys, known, "elsewhere <other-ed25519>")
    config = write_config(keys, tmp_path / "config", known, "StrictHostKeyChecking accept-new")
    assert not start_server(config=config).execute("h", "true").is_error
    assert contents(known) == keys.fill("elsewhere <other-ed25519>\n" + FILES["good"]).encode()


def test_a_link_to_the_real_file_is_followed(start_server, keys, tmp_path):
    (tmp_path / "real").write_text("")
    os.symlink(tmp_path / "real", tmp_path / "link")
    config = write_config(keys, tmp_path / "config", tmp_path / "link", "StrictHostKeyChecking accept-new")
    assert not start_server(config=config).execute("h", "true").is_error
    assert contents(tmp_path / "real") == keys.fill(FILES["good"]).encode()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("what", ["loop", "unreadable", "FIFO", "directory", "5 MB"])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_known_hosts_that_cannot_be_read_is_refused(binary, home, keys, tmp_path, what, policy):
    known = tmp_path / "known_hosts"
    if what == "loop":
        os.symlink(known, known)
    elif what == "FIFO":
        os.mkfifo(known)
    elif what == "directory":
        known.mkdir()
    else:
        known.write_text(keys.fill(FILES["good"]) + ("#\n" * 2_500_000 if what == "5 MB" else ""))
        known.chmod(0 if what == "unreadable" else 0o600)
    kind = 0 if what == "loop" else stat.S_IFMT(known.stat().st_mode)
    argv = [binary, "--host-key-policy", policy, "--ssh-config", str(write_config(keys, tmp_path / "config", known))]
    if what == "unreadable" and os.access(known, os.R_OK):      # root, which reads everything
        if not which("setpriv"):
            pytest.skip("no setpriv here, and root reads everything")
        argv = [which("setpriv"), "--bounding-set=-dac_override,-dac_read_search", *argv]
    with McpClient(argv, home=str(home)) as server:
        result = server.execute("h", "true")
        assert result.is_error and f"{known} cannot be read" in result.text, result
        assert known.is_symlink() or stat.S_IFMT(known.stat().st_mode) == kind, "untouched"


# ---- pins

def test_pinned_keys(start_server, keys, tmp_path):
    known = tmp_path / "known_hosts"
    config = write_config(keys, tmp_path / "config", known)

    def run(pins):
        return start_server(config=config, env={"OVRD_h_FINGERPRINT": pins}).execute("h", "echo in")
    good, other = keys.fingerprint("ed25519"), keys.fingerprint("other-ed25519")
    for pins in (good, f"{other}, {good}", f"{other} {good}"):
        assert run(pins).output == "in\n" and not run(pins).notes
    known_file(keys, known, FILES["good"])
    refused = run(other)
    assert refused.is_error and "not the pinned one" in refused.text and good in refused.text
    known_file(keys, known, FILES["revoked for all"])
    assert "REVOKED" in run(good).text
    for pins in ("SHA256:short", "MD5:00:11", "yes", good + "x"):
        assert "OVRD_h_FINGERPRINT" in run(pins).text


def test_a_pinned_key_is_known_so_a_password_may_go(start_server, keys, tmp_path):
    config = write_config(keys, tmp_path / "config", "/dev/null")
    config.write_text(config.read_text().replace(keys.daemon.client_key, "/nonexistent/key"))
    server = start_server(config=config, env={"OVRD_h_FINGERPRINT": keys.fingerprint("ed25519")})
    assert server.execute("h", "echo in", password=keys.daemon.password).output == "in\n"


# ---- RevokedHostKeys

@pytest.mark.parametrize("text,verdict", [
    ("# none\n<other-ed25519> comment\n", None), ("<other-rsa>\n<ed25519>\n", "REVOKED"), ("no key\n", "is no public key"),
    (None, "cannot be read"), ("KRL", "binary key revocation list"), ("", None)],
    ids=["others", "revoked", "garbage", "missing", "KRL", "empty"])
def test_revoked_host_keys(start_server, keys, tmp_path, text, verdict):
    known, revoked = tmp_path / "known_hosts", tmp_path / "revoked"
    known_file(keys, known, FILES["good"])
    if text == "KRL":
        (tmp_path / "key.pub").write_text(keys.public["other-ed25519"])
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(revoked), str(tmp_path / "key.pub")], check=True)
    elif text is not None:
        revoked.write_text(keys.fill(text))
    config = write_config(keys, tmp_path / "config", known, f"RevokedHostKeys {revoked}")
    oracle = subprocess.run([which("ssh"), "-F", str(config), "-o", "BatchMode=yes", "h", "true"], check=False,
                            stdin=subprocess.DEVNULL, capture_output=True, env=quiet_environment())
    assert (oracle.returncode == 0) == (verdict is None or text == "KRL"), oracle.stderr
    for policy in POLICIES:
        result = start_server("--host-key-policy", policy, config=config).execute("h", "true")
        assert result.is_error == (verdict is not None) and (verdict is None or verdict in result.text), result
        assert verdict is None or str(revoked) in result.text


# ---- first contact

@pytest.fixture(scope="module")
def python():
    return python_with_paramiko() or pytest.skip("no python3 with paramiko: scripts/deps test")


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive", "password,keyboard-interactive"])
def test_no_password_on_first_contact(start_server, home, python, methods, wait_until):
    with Canary(methods, python) as canary:
        server = start_server("--host-key-policy", "accept-new", config=None)
        address = f"bob@{canary.host}:{canary.port}"
        result = server.execute(address, "true", password=SECRET)
        assert result.is_error and "Its host key was new" in result.text, result
        assert "was not known" in result.text and str(home / ".ssh" / "known_hosts") in result.text
        wait_until(lambda: canary.ended() == 1, "the end of the first connection")
        assert ["none", ""] in canary.attempts and canary.secrets() == []
        assert canary.key in (home / ".ssh" / "known_hosts").read_text()
        assert server.execute(address, "true", password=SECRET).is_error
        wait_until(lambda: canary.ended() == 2, "the end of the second connection")
        assert SECRET in canary.secrets()
        assert SECRET not in server.log()


# ---- trust

@pytest.fixture
def trust(binary, keys, tmp_path, home):
    """Runs trust on a terminal, with a known_hosts file and answers; returns status and text."""
    def run(*args, known=None, says=(), more="", env=None):
        config = write_config(keys, tmp_path / "config", tmp_path / "known_hosts", more)
        if known is not None:
            known_file(keys, tmp_path / "known_hosts", known)
        argv = [binary, "--ssh-config", str(config), "trust", *(args or ("h",))]
        with Terminal(argv, thin_environment(str(home), env)) as terminal:
            for prompt, answer in says:
                terminal.answer(prompt, answer)
            return terminal.wait(), terminal.text
    return run


QUESTION = "(yes/no/[fingerprint])? "


def logins(keys):
    return keys.daemon.log_text().count("Accepted ")


@pytest.mark.parametrize("answer", ["yes", "fingerprint"])
def test_trust_adds_the_key_after_a_yes(trust, keys, tmp_path, start_server, answer):
    before = logins(keys)
    said = keys.fingerprint("ed25519") if answer == "fingerprint" else answer
    status, text = trust(known="", says=[(QUESTION, said)])
    assert status == 0, text
    for word in (keys.name, keys.daemon.host + "\n", "ssh-ed25519",
                 keys.fingerprint("ed25519"), str(tmp_path / "known_hosts"), "not known by any other names"):
        assert word in text
    assert contents(tmp_path / "known_hosts") == keys.fill(FILES["good"]).encode()
    assert logins(keys) == before, "trust never logs in"
    assert not start_server(config=tmp_path / "config").execute("h", "true").is_error


@pytest.mark.parametrize("answers", [["no"], ["y", "no"], ["", "no"], ["SHA256:wrong", "no"], ["other"] * 5])
def test_trust_adds_nothing_without_a_yes(trust, keys, tmp_path, answers):
    asked = [(QUESTION if i == 0 else "neither yes nor no", answer) for i, answer in enumerate(answers)]
    status, text = trust(known="", says=asked)
    assert status == 1 and "was not added" in text
    assert contents(tmp_path / "known_hosts") == b""


def test_trust_takes_the_end_of_input_as_no(trust, tmp_path):
    status, text = trust(known="", says=[(QUESTION, "\x04")])
    assert status == 1 and contents(tmp_path / "known_hosts") == b"", text


def test_trust_shows_the_other_names_of_a_key(trust, keys):
    status, text = trust(known="elsewhere <ed25519>\nHASHED <rsa>\n", says=[(QUESTION, "no")])
    assert status == 1 and ":1: elsewhere" in text


def test_trust_says_that_a_key_is_known(trust, keys, tmp_path):
    before = logins(keys)
    status, text = trust(known=FILES["good"])
    assert status == 0 and f"{tmp_path}/known_hosts:1" in text and QUESTION not in text
    assert contents(tmp_path / "known_hosts") == keys.fill(FILES["good"]).encode() and logins(keys) == before


@pytest.mark.parametrize("case,words", [("changed", ("HAS CHANGED", "ssh-keygen", "-R")), ("revoked for all", ("REVOKED",))])
@pytest.mark.parametrize("more", ["", "StrictHostKeyChecking no"])
def test_trust_refuses_what_is_changed_or_revoked(trust, keys, tmp_path, case, words, more):
    status, text = trust(known=FILES[case], more=more)
    assert status == 1 and all(word in text for word in words) and QUESTION not in text
    assert contents(tmp_path / "known_hosts") == keys.fill(FILES[case]).encode()


@pytest.mark.parametrize("right", [True, False])
def test_trust_without_a_terminal_wants_the_fingerprint(binary, keys, tmp_path, home, right):
    known = tmp_path / "known_hosts"
    argv = [binary, "--ssh-config", str(write_config(keys, tmp_path / "config", known)), "trust"]

    def run(*more):
        return subprocess.run([*argv, *more], env=thin_environment(str(home), None), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=60, start_new_session=True)
    if right:
        done = run("--fingerprint", keys.fingerprint("ed25519"), "h")
        assert done.returncode == 0 and contents(known) == keys.fill(FILES["good"]).encode(), done
    else:
        done = run("h", "--fingerprint=" + keys.fingerprint("other-ed25519"))
        assert done.returncode == 1 and "nothing was added" in done.stderr and not known.exists(), done
        for bad in (["h"], ["--fingerprint", "SHA256:x", "h"], [], ["h", "i"], ["--what", "h"], ["--fingerprint"]):
            assert run(*bad).returncode == 2
        assert not known.exists()


def test_trust_of_a_host_that_is_not_there(trust):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    status, text = trust(f"127.0.0.1:{port}")
    assert status == 1 and "refused" in text.lower()


def test_trust_hashes_names_where_ssh_would(trust, keys, tmp_path):
    status, text = trust(known="", more="HashKnownHosts yes", says=[(QUESTION, "yes")])
    assert status == 0, text
    assert contents(tmp_path / "known_hosts").startswith(b"|1|")
    assert lines_for(tmp_path / "known_hosts", keys.name) == [keys.public["ed25519"]]
