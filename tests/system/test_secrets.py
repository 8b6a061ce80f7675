"""Secrets: what the server has seen of them is in nothing that it writes, and in no process that it starts."""
import base64
import json
import shlex
import urllib.parse

import pytest

from support.sshd import descendants

CANARY = "S3cr3t/+pw'\"x y"
TRACE = {"MCP_SSH_LOG_LEVEL": "trace"}


def forms(secret):
    """As other programs write it, for searching what the server wrote."""
    raw = secret.encode()
    found = {secret, raw.hex(), raw.hex().upper(), urllib.parse.quote(secret, safe=""), shlex.quote(secret)[1:-1],
             urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1]}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = len(text) - (1 if (before + len(raw)) % 3 else 0)
        found.add(text[(0, 2, 3)[before]:whole])
    return found


def written(server, tmp_path):
    """All that the server wrote: its side of the transcript, as it was sent and decoded, and the log."""
    said = []
    for path in tmp_path.glob("transcript-*.jsonl"):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if record["dir"] == "s":
                said.append(json.dumps(record["msg"], ensure_ascii=False))
                said += strings(record["msg"])
    return said + [server.log()]


def strings(value):
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from strings(part)


def nowhere(server, tmp_path, *secrets):
    texts = "\n".join(set(written(server, tmp_path)))
    for secret in secrets:
        for form in forms(secret):
            at = texts.find(form)
            assert at < 0, f"{form!r} in {texts[max(at - 1500, 0):at + 500]!r}"


@pytest.fixture
def by_password(start_server, sshd, tmp_path):
    """A server whose only way in is the password, with another secret in its environment."""
    config = tmp_path / "config"
    config.write_text(f"Host box\n  HostName {sshd.host}\n  Port {sshd.port}\n  User t-bash\n  IdentityFile none\n"
                      f"  UserKnownHostsFile {sshd.known_hosts}\n  GlobalKnownHostsFile /dev/null\n")
    return start_server(config=config, env={**TRACE, "OVRD_elsewhere_SUDO_PASS": CANARY})


def test_output_in_every_form(by_password, sshd, tmp_path):
    canary = shlex.quote(CANARY)
    for command, arguments in (
            (f"echo {canary}", {"password": sshd.password}),
            (f"echo {canary} >&2; echo {canary}", {"isolated": True}),
            (f"printf %s {canary} | base64; printf x%s {canary} | base64; printf xx%sz {canary} | base64", {}),
            (f"printf %s {canary} | od -An -tx1 | tr -d ' \\n'; printf %s {canary} | od -An -tx1 | tr -d ' \\n' | tr a-f A-F", {}),
            (f"printf %q {canary}; printf '%s\\n' {shlex.quote(canary)}", {}),
            (f"printf '%s\\n' {shlex.quote(json.dumps(CANARY))} {shlex.quote(urllib.parse.quote(CANARY, safe=''))}", {}),
            ("x=%s; for i in $(seq 0 $((${#x} - 1))); do printf %%s \"${x:$i:1}\"; sleep 0.05; done" % canary, {}),
            ("x=%s; for i in $(seq 0 $((${#x} - 1))); do printf '\\033[3%%dm%%s\\033[0m' $((i %% 8)) \"${x:$i:1}\"; done" % canary, {}),
            (f"printf %s {canary}; sleep 1", {"isolated": True})):
        result = by_password.execute("box", command, **arguments)
        assert "[redacted]" in result.text and result.redactions >= 1, (command, result)
        assert "known to this server: shown as [redacted]]" in result.text, result
        by_password.call_tool("read_output", command_id=result.command_id, max_chars=1000)
        by_password.call_tool("read_output", command_id=result.command_id, grep=CANARY[:4])
        by_password.call_tool("read_output", command_id=result.command_id, grep=CANARY)
        by_password.call_tool("get_command_status", command_id=result.command_id)
    by_password.call_tool("list_command_history")
    nowhere(by_password, tmp_path, CANARY, sshd.password)


def test_a_line_is_looked_at_while_it_is_printed(by_password, sshd, tmp_path):
    """What a prompt says is there at once; a secret printed bit by bit is not."""
    slow = "printf 'Say it: '; for part in S3cr 3t/+ 'pw'\\''\"' 'x y'; do printf %s \"$part\"; sleep 0.4; done; sleep 1"
    for isolated in (False, True):
        pending = by_password.start_tool("execute_command", host="box", command=slow, isolated=isolated,
                                         password=sshd.password)
        seen = []
        while not pending.is_answered:
            for block in by_password.call_tool("list_running_commands").text.split("- ID: ")[1:]:
                seen.append(by_password.call_tool("get_command_status", command_id=block.split()[0]).text)
        assert any("Say it: " in text for text in seen)
        assert not any("S3cr" in text.split("STDOUT:")[-1] for text in seen if "STDOUT:" in text), seen
        assert "Say it: [redacted]" in pending.result().text
    nowhere(by_password, tmp_path, CANARY)


def test_questions_directories_errors_and_lists(by_password, sshd, tmp_path):
    canary = shlex.quote(CANARY)
    first = by_password.execute("box", f"mkdir -p /tmp/canary.$$/{shlex.quote(CANARY.replace('/', '_'))}; cd /tmp/canary.$$",
                                password=sshd.password)
    assert first.exit_status == 0
    asks = by_password.execute("box", f"read -r -p {canary} answer", timeout=10)
    assert asks.state == "awaiting_input" and "[redacted]" in asks.text, asks
    by_password.call_tool("list_running_commands")
    by_password.call_tool("send_input", command_id=asks.command_id, input_text="yes\n")
    for arguments in ({"host": CANARY}, {"host": "box", "username": CANARY}, {"host": "box", "session": CANARY},
                      {"host": "box", "key_filename": "/nonexistent/" + CANARY},
                      {"host": "box", "key_filename": "/" + "x" * 110 + CANARY, "username": "other"},
                      {"host": sshd.password}, {"host": "box", "command": "\0" + CANARY},
                      {"host": "box", CANARY: "an argument's name"}):
        by_password.call_tool("execute_command", **{"command": "true", **arguments})
    by_password.call_tool("get_command_status", command_id=CANARY)
    for method in ("tools/call", CANARY):
        with pytest.raises(Exception) as caught:
            by_password.request(method, {"name": CANARY, "arguments": {}})
        assert "[redacted]" in str(caught.value)
    by_password.execute("box", f"rm -rf /tmp/canary.$$; : {'x' * 180} {canary}; exec sleep 0")
    by_password.execute("box", "pwd")
    by_password.call_tool("list_sessions")
    by_password.call_tool("list_command_history")
    nowhere(by_password, tmp_path, CANARY, sshd.password)


def test_a_secret_seen_later_is_not_shown_from_what_was_stored_before(by_password, sshd, tmp_path):
    first = by_password.execute("box", "echo later-sEcret", password=sshd.password)
    assert "later-sEcret" in first.text and first.redactions == 0
    by_password.execute("box", "true", password="later-sEcret", port=1)
    before = len(written(by_password, tmp_path))
    for tool, arguments in (("read_output", {"command_id": first.command_id}), ("list_command_history", {}),
                            ("get_command_status", {"command_id": first.command_id})):
        assert "later-sEcret" not in json.dumps(by_password.call_tool(tool, **arguments).raw)
    assert len(written(by_password, tmp_path)) > before


def test_short_secrets_are_too_ordinary(by_password, sshd):
    by_password.execute("box", "true", password="abc", port=1)
    assert by_password.execute("box", "echo abc", password=sshd.password).output == "abc\n"


def test_a_weak_password_does_not_break_the_protocol(by_password, sshd):
    """Names and values of the protocol are no place for secrets, whatever somebody's password is."""
    for word in ("text", "done", "type", "content", "command_id", "state", "running", "result", "jsonrpc"):
        by_password.execute("box", "true", password=word, port=1)
    result = by_password.execute("box", "echo it is done", password=sshd.password)
    assert result.state == "done" and result.output == "it is [redacted]\n" and len(result.command_id) == 36
    assert by_password.call_tool("list_sessions").structured["sessions"][0]["state"] == "ready"


def of_process(pid, what):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_no_process_shows_a_secret(start_server, sshd, tmp_path):
    """Server, zygote, workers, and a child of `ssh -G`."""
    config = tmp_path / "config"
    seen = tmp_path / "seen"
    config.write_text(f'Match originalhost box exec "cat /proc/self/environ /proc/$PPID/environ /proc/*/cmdline >>{seen}; true"\n'
                      f"  HostName {sshd.host}\n  Port {sshd.port}\n  IdentityFile none\n"
                      f"  UserKnownHostsFile {sshd.known_hosts}\n  GlobalKnownHostsFile /dev/null\n")
    secrets = {"OVRD_box_PASS": sshd.password, "OVRD_box_SUDO_PASS": "sudo-c4nary", "OVRD_box_ENABLE_PASS": "enable-c4nary",
               "OVRD_box_USER": "t-bash", "OVRD_box_KEY": ""}
    server = start_server(config=config, env={**secrets, **TRACE})
    assert server.execute("box", "echo in").output == "in\n"
    server.execute("box", "true", username="x", port=1, password="argument-c4nary")
    processes = [server.process.pid, *descendants(server.process.pid)]
    assert len(processes) >= 3
    shown = seen.read_bytes() + b"".join(of_process(pid, what) for pid in processes for what in ("cmdline", "environ"))
    assert b"ssh" in seen.read_bytes() and b"\0-G\0" in shown
    for secret in (sshd.password, "sudo-c4nary", "enable-c4nary", "argument-c4nary"):
        assert secret.encode() not in shown
    own = b"".join(of_process(pid, "environ") for pid in processes)
    assert b"OVRD_box_USER=t-bash" not in own


# ---- --inline-secrets

@pytest.mark.parametrize("how", ["option", "environment"])
def test_passwords_in_calls_can_be_switched_off(start_server, sshd, tmp_path, how):
    server = (start_server("--inline-secrets", "deny") if how == "option"
              else start_server(env={"MCP_SSH_INLINE_SECRETS": "deny"}))
    for tool in server.request("tools/list")["tools"]:
        assert not {"password", "sudo_password", "enable_password"} & set(tool["inputSchema"]["properties"])
    for argument, variable in (("password", "PASS"), ("sudo_password", "SUDO_PASS"), ("enable_password", "ENABLE_PASS")):
        for tool in ("execute_command", "execute_command_async"):
            result = server.call_tool(tool, host="t-bash", command="true", **{argument: "d3nied-canary"})
            assert result.is_error and argument in result.text, result
            assert "mcp-ssh-session login t-bash" in result.text and f"OVRD_t-bash_{variable}" in result.text
    assert server.execute("t-bash", "echo d3nied-canary").output == "[redacted]\n"
    assert server.execute("t-bash", "echo in", password="").output == "in\n"
    nowhere(server, tmp_path, "d3nied-canary")


def test_passwords_in_calls_are_allowed_by_default(server):
    tools = {tool["name"]: tool["inputSchema"]["properties"] for tool in server.request("tools/list")["tools"]}
    assert "password" in tools["execute_command"] and "password" in tools["execute_command_async"]
