"""Real programs' own prompts, and hosts whose kernel or tools tell less: asked where it is known, never guessed."""
import http.server
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

from support.sshd import which
from test_awaiting import LIMIT, asks, send, status


def question(result):
    """What the text says that is asked: a call's first line, or the record's."""
    return next(line for line in result.text.split("\n") if "waiting for user input (" in line or "Awaiting Input: " in line)


# ---- the prompts of real programs

def as_user(sshd):
    """ssh looks itself up; the test's accounts are known only to who is told where."""
    env = sshd._environment()
    return " ".join(f"{name}={shlex.quote(env[name])}" for name in ("LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"))


def test_sshs_host_key_question_and_password(server, sshd):
    ssh = (f"env {as_user(sshd)} ssh -F /dev/null -o UserKnownHostsFile=\"$HOME/none\" -o GlobalKnownHostsFile=/dev/null "
           f"-o PubkeyAuthentication=no -o StrictHostKeyChecking=ask -p {sshd.port} t-dash@{sshd.host} 'echo over there'")
    server.execute("t-bash", "rm -f ~/none")
    first = asks(server.execute("t-bash", ssh, timeout=LIMIT), "line")
    assert "(yes/no" in question(first), first
    answer = send(server, first, "yes\\n")
    second = asks(server.call_tool("get_command_status", command_id=first.command_id, wait_s=20), "password")
    assert "password" in question(second), (answer, second)
    send(server, first, sshd.password + "\\n")
    done = status(server, first)
    assert done.exit_status == 0 and "over there" in done.text, done


def test_gits_user_name_and_password(server):
    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.end_headers()

        def log_message(self, *_):
            pass
    if which("git") is None:
        pytest.skip("no git here")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        first = asks(server.execute("t-bash", f"git ls-remote http://127.0.0.1:{web.server_port}/x", timeout=LIMIT), "line")
        assert "Username for" in question(first), first
        send(server, first, "somebody\\n")
        second = asks(server.call_tool("get_command_status", command_id=first.command_id, wait_s=20), "password")
        assert "Password for" in question(second), second
        send(server, first, "nothing\\n")
        assert status(server, first).exit_status == 128
        web.shutdown()


def test_ssh_keygens_passphrase(server, sshd):
    server.execute("t-bash", "rm -f ~/k ~/k.pub")
    first = asks(server.execute("t-bash", f"env {as_user(sshd)} ssh-keygen -q -t ed25519 -f ~/k", timeout=LIMIT), "password")
    assert "passphrase" in question(first), first
    send(server, first, "\\n")
    asks(server.call_tool("get_command_status", command_id=first.command_id, wait_s=20), "password")
    send(server, first, "\\n")
    assert status(server, first).exit_status == 0


# ---- the table, where the kernel tells less

NO_PROBE = ("cat", "read x", "less /etc/passwd")


@pytest.mark.parametrize("command", NO_PROBE)
def test_without_a_channel_for_the_probe_nothing_is_guessed(start_server, own_sshd, command):
    daemon = own_sshd(max_sessions=1)
    server = start_server(config=daemon.ssh_config)
    first = server.execute("t-bash", command, timeout=3)
    assert first.state == "running" and first.awaiting is None, first


def test_the_probe_works_with_busyboxs_tools(start_server, own_sshd, request):
    if which("busybox") is None:
        pytest.skip("no busybox here")
    tools = tempfile.mkdtemp(prefix="mcp-ssh-tools-", dir="/tmp")
    request.addfinalizer(lambda: shutil.rmtree(tools))
    os.chmod(tools, 0o755)
    for name in ("sh", "stty", "tr", "grep", "ls", "uname", "dd", "sleep", "cat", "id"):
        os.symlink(which("busybox"), os.path.join(tools, name))
    daemon = own_sshd(extra=f"SetEnv PATH={tools}")
    server = start_server(config=daemon.ssh_config)
    assert server.execute("t-dash", "command -v stty", isolated=True).output.startswith(tools)
    asks(server.execute("t-dash", "cat", timeout=LIMIT), "line")
    asks(server.execute("t-dash", "stty -echo; cat", timeout=LIMIT, session="b"), "password")
    assert server.execute("t-dash", "sleep 30", timeout=3, session="c").state == "running"
    first = server.call_tool("execute_command_async", host="t-dash", session="d",
                             command="sh -c 'trap \"\" INT; sleep 300 & wait; wait'")
    time_limit = time.monotonic() + 20
    while server.call_tool("get_command_status", command_id=first.command_id).state != "running":
        assert time.monotonic() < time_limit
    stopped = server.call_tool("interrupt_command_by_id", command_id=first.command_id)
    assert "\n\nstopped: exit status 143" in stopped.text, stopped


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a process of root's")
def test_another_users_process_is_seen_only_by_the_terminals_modes(server, sshd, tmp_path):
    """What it waits for is hidden: a password where echo is off, and else nothing is guessed."""
    helper = os.path.join(sshd.dir, "bin", "asks-as-root")
    source = tmp_path / "asks.c"
    source.write_text("#include <stdio.h>\n#include <unistd.h>\nint main(void) { char b[9];"
                      " if (setuid(0)) return 1; printf(\"Secret: \"); fflush(stdout); return read(0, b, 9) < 1; }\n")
    subprocess.run(["cc", "-o", helper, str(source)], check=True)
    os.chmod(helper, 0o4755)
    first = server.execute("t-bash", helper, timeout=3)
    assert first.state == "running" and first.awaiting is None, first
    send(server, first, "x\\n")
    assert status(server, first).exit_status == 0
    first = asks(server.execute("t-bash", f"stty -echo; {helper}; stty echo", timeout=LIMIT), "password")
    assert "Secret:" in question(first), first
    send(server, first, "x\\n")
    assert status(server, first).state == "done"
