"""Prompts that are not sudo's: each reads what it gets and writes it down, and the password never gets there.

And six that are: exactly one write each. What was read by PAM is in the host's log, and what was typed beyond
that is still in the terminal for the command to read.
"""
import os
import shutil
import tempfile

import pytest

from conftest import wait_for_end
from test_secrets import nowhere
from test_sudo import CANARY, LEFT, env, host, sudo      # noqa: F401  (fixtures)

# Reads what it gets, without echo, for 4 s, byte by byte; $1 is where it goes. The prompt stands left of the cursor.
READER = r"""#!/usr/bin/python3
import os, re, select, sys, termios, time
where = sys.argv[1]
def nonce_prompt():
    '''Ours, from the arguments of any process that has it.'''
    for pid in [os.getppid(), os.getpid()] + [int(p) for p in os.listdir('/proc') if p.isdigit()]:
        try:
            args = open(f'/proc/{pid}/cmdline', 'rb').read()
        except OSError:
            continue
        found = re.search(rb'\[mcp-ssh-session [A-Za-z0-9_-]{22}\] sudo password: ', args)
        if found:
            return found.group()
    return b''
text = os.environ.get('FAKE_PROMPT', '').encode() or nonce_prompt() or b'[sudo] password for x: '
tty = os.open('/dev/tty', os.O_RDWR)
modes = termios.tcgetattr(tty)
quiet = termios.tcgetattr(tty)
quiet[3] &= ~termios.ECHO
if 'FAKE_ECHO' not in os.environ:
    termios.tcsetattr(tty, termios.TCSANOW, quiet)
for i in range(len(text)) if 'FAKE_SPLIT' in os.environ else ():
    os.write(tty, text[i:i + 1])
    time.sleep(0.01)
if 'FAKE_SPLIT' not in os.environ:
    os.write(tty, text)
until = time.monotonic() + float(os.environ.get('FAKE_S', '4'))
got = open(where, 'ab', 0)
got.write(b'<asked with a nonce>' if b'mcp-ssh' in text else b'<asked>')
while (left := until - time.monotonic()) > 0 and select.select([tty], [], [], left)[0]:
    got.write(os.read(tty, 1000))
termios.tcsetattr(tty, termios.TCSANOW, modes)
os.write(tty, b'\n')
"""


@pytest.fixture
def server(start_server, host, env, tmp_path):     # noqa: F811
    """What a fake prints is its own, our prompt too; the password is nowhere."""
    host.forget()
    client = start_server(config=host.ssh_config, env=env)
    yield client
    nowhere(client, tmp_path, CANARY)


class Fakes:
    """Programs on the host, and what they were given."""

    def __init__(self, host, account, path):
        self.host, self.account, self.path = host, account, path
        self.got_path = f"{path}/got"
        self.reader = self.script("reader", READER)

    def script(self, name, text, mode=0o755):
        place = f"{self.path}/{name}"
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.chmod(os.path.dirname(place), 0o777)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(place, mode)
        return place

    def got(self):
        try:
            with open(self.got_path, "rb") as file:
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""


@pytest.fixture
def fakes(host, server):       # noqa: F811
    path = tempfile.mkdtemp(prefix="mcp-ssh-fakes-", dir="/tmp")
    os.chmod(path, 0o777)
    yield lambda account: Fakes(host, account, path)
    shutil.rmtree(path)


def settle(server, result):
    """Whatever it waits for, it ends; the shell is closed with it."""
    if result.state not in ("done", "failed"):
        server.call_tool("interrupt_command_by_id", command_id=result.command_id)
        server.call_tool("close_all_sessions")
        wait_for_end(server, result.command_id)


# name -> (account, preparation, command, arguments of the call). {reader}: READER, {got}: where it writes, {fakes}: their directory.
SPOOFS = {
    "a file that has a prompt in it": ("plain", "printf '[sudo] password for x: ' >{fakes}/note", "cat {fakes}/note - <&1 >/dev/tty", {}),
    "a prompt, then cat with echo": ("nopasswd", "", "printf '[sudo] password for x: '; cat >>{got}", {}),
    "stty -echo and cat": ("nopasswd", "", "stty -echo; printf 'Password: '; head -c 5 >>{got}", {}),
    "a command that is not elevated": ("plain", "", "{reader} {got}", {"sudo_password": ""}),
    "inside the elevated command, own terminal": ("nopasswd", "", "{reader} {got}", {}),
    "inside the elevated command, our terminal": ("nopasswd-nopty", "", "{reader} {got}", {}),
    "inside, split over packets": ("nopasswd-nopty", "", "FAKE_SPLIT=1 {reader} {got}", {}),
    "inside, with echo": ("nopasswd-nopty", "", "FAKE_ECHO=1 {reader} {got}", {}),
    "a script named sudo first in PATH": ("plain", "ln -s {reader} {fakes}/sudo; printf '#!/bin/sh\\nexec {reader} {got}\\n' >{fakes}/bin/sudo; "
                                          "chmod 755 {fakes}/bin/sudo; PATH={fakes}/bin:$PATH; hash -r", "id -un", {}),
    "the same, in front of the real one": ("plain", "printf '#!/bin/bash\\nFAKE_S=2 {reader} {got}\\n/usr/bin/sudo \"$@\"\\n' >{fakes}/bin/sudo; "
                                           "chmod 755 {fakes}/bin/sudo; PATH={fakes}/bin:$PATH; hash -r", "id -un", {}),
    "beside the real one": ("plain", "printf '#!/bin/bash\\n/usr/bin/sudo \"$@\" & {reader} {got}\\n' >{fakes}/bin/sudo; "
                            "chmod 755 {fakes}/bin/sudo; PATH={fakes}/bin:$PATH; hash -r", "id -un", {}),
    "a reader behind the real one's prompt": ("plain", "printf '#!/bin/bash\\n/usr/bin/sudo \"$@\" </dev/null 2>/dev/null >/dev/null & sleep 0.3; {reader} {got}\\n' "
                                              ">{fakes}/bin/sudo; chmod 755 {fakes}/bin/sudo; PATH={fakes}/bin:$PATH; hash -r", "id -un", {}),
    "a function named sudo": ("plain", "sudo() {{ {reader} {got}; }}", "sudo id -un", {}),
    "an alias named sudo": ("plain", "shopt -s expand_aliases; alias sudo='{reader} {got}; sudo'", "sudo id -un", {}),
    "isolated, inside the elevated command": ("nopasswd", "", "printf '[sudo] password for x: ' >&2; cat >>{got}", {"isolated": True}),
    "in the command's own call of sudo": ("nopasswd-nopty", "", "sudo {reader} {got}", {}),
    "the same on a terminal of its own": ("nopasswd", "", "sudo {reader} {got}", {}),
    "a copy of sudo without its right": ("plain", "cp /usr/bin/sudo {fakes}/bin/sudo; chmod 755 {fakes}/bin/sudo; PATH={fakes}/bin:$PATH; hash -r", "id -un", {}),
    "a root program named sudo": ("nopasswd-nopty", "cp /usr/bin/python3 {fakes}/bin/sudo", "{fakes}/bin/sudo {reader} {got}", {}),
    "the same, called as ours": ("nopasswd-nopty", "cp /usr/bin/python3 {fakes}/bin/sudo", "sudo {fakes}/bin/sudo {reader} {got}", {}),
    "another sudo with our prompt, run by root": ("nopasswd-nopty", "", "p=$(tr '\\0' '\\n' </proc/$PPID/cmdline | grep mcp-ssh); "
                                                  "su -s /bin/bash -c \"sudo -p '$p' true\" {other}; {reader} {got}", {}),
    "a background job": ("cached", "(sleep 0.4; {reader} {got}) &", "sleep 1; id -un", {}),
}


@pytest.mark.parametrize("name", sorted(SPOOFS))
def test_a_fake_gets_nothing(server, host, fakes, name):      # noqa: F811
    account, prepare, command, more = SPOOFS[name]
    fake = fakes(account)
    os.mkdir(f"{fake.path}/bin")
    os.chmod(f"{fake.path}/bin", 0o777)
    words = {"reader": fake.reader, "got": fake.got_path, "fakes": fake.path, "other": host.name("plain")}
    if prepare:
        server.execute(host.name(account), prepare.format(**words))
    result = sudo(server, host, account, command.format(**words), timeout=8, **more)
    settle(server, result)
    got = fake.got()
    assert CANARY not in got and "correct" not in got, (got, result)
    real = ("a background job", "a file that has a prompt in it", "a function named sudo", "an alias named sudo")
    assert host.answers(account) == ([CANARY] if name in real else []), host.answers(account)
    bypassed = ("a background job", "a function named sudo", "an alias named sudo")      # those are not even run
    if "{reader}" in prepare + command and name not in bypassed:
        assert "<asked" in got, result      # it had its chance


# How the account's own files may stand between an exec channel and sudo: {got} as above.
PIPED = {
    "an rc file that asks with our nonce": (".bashrc", """
p=$(printf %s "$BASH_EXECUTION_STRING" | sed -n "s/.*-p '\\(.*\\)''\\([^']*\\)'.*/\\1\\2/p")
case $p in *mcp-ssh*) printf '<asked with a nonce>' >>{got}; printf '%s' "$p" >&2; IFS= read -r -t 4 x; printf %s "$x" >>{got};; esac
"""),
    "a sudo first in PATH": (".bashrc", "PATH={fakes}/bin:$PATH\n"),
}


@pytest.mark.parametrize("name", sorted(PIPED))
def test_an_isolated_fake_gets_nothing(server, host, fakes, name):      # noqa: F811
    fake = fakes("plain")
    fake.script("bin/sudo", f"""#!/bin/bash
case "$*" in *mcp-ssh*) printf '<asked with a nonce>' >>{fake.got_path}; printf '%s' "$3" >&2
IFS= read -r -t 4 x; printf %s "$x" >>{fake.got_path};; esac
""")
    file_name, text = PIPED[name]
    place = f"{host.home('plain')}/{file_name}"
    with open(place, "w", encoding="utf-8") as file:
        file.write(text.replace("{got}", fake.got_path).replace("{fakes}", fake.path))
    try:
        result = sudo(server, host, "plain", "id -un", isolated=True)
    finally:
        os.remove(place)
    assert fake.got() == "<asked with a nonce>" and host.answers("plain") == [], (fake.got(), result)
    assert result.is_error and "was not typed" in result.text, result


GENUINE = ["plain", "nopty", "feedback", "german", "requiretty", "zsh"]


@pytest.mark.parametrize("account", GENUINE)
def test_a_genuine_prompt_gets_it_once(server, host, account):      # noqa: F811
    result = sudo(server, host, account, LEFT)
    assert result.output == "[]\nroot\n", result
    assert host.answers(account) == [CANARY]


def test_an_rc_file_that_asks_gets_nothing(server, host, fakes):      # noqa: F811
    fake = fakes("plain")
    profile = f"{host.home('plain')}/.bash_profile"
    with open(profile, "w", encoding="utf-8") as file:
        file.write(f"FAKE_S=1 FAKE_PROMPT='[sudo] password for x: ' {fake.reader} {fake.got_path}\n")
    try:
        assert sudo(server, host, "plain", LEFT, session="rc").output == "[]\nroot\n"
    finally:
        os.remove(profile)
    assert fake.got() == "<asked>" and host.answers("plain") == [CANARY]


def test_a_fake_before_the_real_one_does_not_keep_it_from_it(server, host):      # noqa: F811
    server.execute(host.name("plain"), "printf '[mcp-ssh-session AAAAAAAAAAAAAAAAAAAAAA] sudo password: '")
    assert sudo(server, host, "plain", LEFT).output == "[]\nroot\n"
    assert host.answers("plain") == [CANARY]
