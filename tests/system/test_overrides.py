"""OVRD_<alias>_…: the operator's word on a host, obeyed by every tool and told by none."""
import json
import re
import socket

import pytest

from test_secrets import written

REAL_USER = "t-bash"


@pytest.fixture
def overridden(start_server, sshd, tmp_path):
    """A server for which `web.1` is an alias that only the environment explains."""
    config = tmp_path / "config"
    config.write_text(f"Host *\n  IdentityFile none\n  IdentityAgent none\n  UserKnownHostsFile {sshd.known_hosts}\n"
                      "  GlobalKnownHostsFile /dev/null\n")

    def start(alias="web.1", level="info", **values):
        known = {"HOST": sshd.host, "PORT": sshd.port, "USER": REAL_USER, "KEY": sshd.client_key}
        known.update(values)
        env = {f"OVRD_{alias}_{what}": str(value) for what, value in known.items() if value is not None}
        return start_server(config=config, env={**env, "MCP_SSH_LOG_LEVEL": level})
    return start


def tells_nothing(server, tmp_path, *names):
    for text in written(server, tmp_path):
        for name in names:
            assert not re.search(r"(?<![\w./-])" + re.escape(name) + r"(?![\w-])", text), (name, text)


@pytest.mark.parametrize("alias", ["web", "web.1", "web-1", "web_1", "Web_1.a-b"])
def test_every_tool_goes_by_the_alias(overridden, sshd, tmp_path, alias):
    server = overridden(alias)
    first = server.execute(alias, "true")
    assert first.exit_status == 0 and first.session == alias, first
    assert server.execute(alias, "x=1", session="second").session == alias + "/second"
    assert server.execute(alias, "true", username="somebody", port=1).started is False
    started = server.call_tool("execute_command_async", host=alias, command="read line; echo got $line")
    server.wait_for(lambda: "Awaiting" in server.call_tool("list_running_commands").text, "the question")
    typed = server.call_tool("send_input_by_session", host=alias, input_text="it\n", username="somebody")
    assert not typed.is_error, typed
    ended = server.call_tool("get_command_status", command_id=started.command_id, wait_s=20)
    assert "got it" in ended.text and ended.session == alias, ended
    sessions = server.call_tool("list_sessions").structured["sessions"]
    assert {s["session"] for s in sessions} == {alias, alias + "/second"}
    assert {s["host"] for s in sessions} == {alias}
    server.call_tool("list_command_history")
    assert server.call_tool("close_session", host=alias, session="second").structured["closed"] == 1
    assert server.call_tool("close_session", host=alias, username="somebody").structured["closed"] == 1
    tells_nothing(server, tmp_path, sshd.host, REAL_USER, sshd.client_key)


def test_an_alias_with_a_user_and_a_port_of_the_call(overridden, sshd):
    server = overridden("web", USER=None, PORT=None)
    result = server.execute(f"t-dash@web:{sshd.port}", "echo $USER")
    assert result.output == "t-dash\n" and result.session == f"t-dash@web:{sshd.port}"
    assert server.execute("web", "echo $USER", username="t-bash", port=sshd.port).output == "t-bash\n"
    assert server.call_tool("close_session", host="web").structured["closed"] == 2


def test_the_real_host_is_another_session(overridden, sshd, tmp_path):
    """Neither a call by the alias nor one by the real name learns that they are the same."""
    server = overridden()
    server.execute("web.1", "alias_was=here")
    by_name = server.execute(sshd.host, "echo [$alias_was]", username=REAL_USER, port=sshd.port,
                             key_filename=sshd.client_key)
    assert by_name.output == "[]\n" and by_name.session == f"{REAL_USER}@{sshd.host}:{sshd.port}"
    assert server.execute("web.1", "echo [$alias_was]").output == "[here]\n"
    assert server.call_tool("close_session", host=sshd.host).structured["closed"] == 1
    assert server.execute("web.1", "echo [$alias_was]").started is False


def test_a_name_that_begins_like_another(overridden, sshd, start_server, tmp_path):
    env = {}
    for alias, user in (("web", "t-bash"), ("web_1", "t-dash"), ("web_1.x", "t-zsh")):
        env.update({f"OVRD_{alias}_HOST": sshd.host, f"OVRD_{alias}_PORT": str(sshd.port), f"OVRD_{alias}_USER": user,
                    f"OVRD_{alias}_KEY": sshd.client_key})
    server = start_server(env=env)
    for alias, user in (("web", "t-bash"), ("web_1", "t-dash"), ("web_1.x", "t-zsh")):
        if user in sshd.users:
            assert server.execute(alias, "echo $USER").output == user + "\n"


def test_a_sudo_password_does_not_log_in(overridden, sshd, tmp_path):
    """OVRD_web_SUDO_PASS is web's, and not the password of a host called web_SUDO."""
    server = overridden("web_SUDO", KEY=None, PASS=sshd.password)
    assert server.execute("web_SUDO", "true").is_error
    server = overridden("web", KEY=None, PASS=sshd.password)
    assert server.execute("web", "echo $USER").output == REAL_USER + "\n"


@pytest.mark.parametrize("what,value", [("HOST", "-oProxyCommand=x"), ("HOST", "a b"), ("HOST", "user@box"), ("PORT", "smtp"),
                                        ("PORT", "0"), ("PORT", "65536"), ("USER", "-l"), ("USER", "a b"), ("KEY", "a\nb")])
def test_a_value_that_will_not_do(overridden, tmp_path, what, value):
    server = overridden(**{what: value})
    for tool, arguments in (("execute_command", {"command": "true"}), ("execute_command_async", {"command": "true"}),
                            ("close_session", {}), ("send_input_by_session", {"input_text": "x"})):
        result = server.call_tool(tool, host="web.1", **arguments)
        assert result.is_error and f"OVRD_web.1_{what}" in result.text and value not in result.text, result
    assert not server.execute("other.invalid", "true").text.count("OVRD")


def failures(free_port):
    return {
        "resolve": {"HOST": "no-such-host.invalid"},
        "refused": {"PORT": free_port},
        "key file": {"KEY": "/nonexistent/real-key"},
        "log-in": {"KEY": None, "PASS": "wr0ng-password"},
        "host key": {"HOST": "localhost"},
    }


@pytest.mark.parametrize("step", ["resolve", "refused", "key file", "log-in", "host key"])
def test_no_failing_step_tells_who_it_is(overridden, sshd, tmp_path, step):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    values = failures(port)[step]
    server = overridden(**values)
    result = server.execute("web.1", "true")
    assert result.is_error and "web.1" in result.text, result
    again = server.execute("web.1", "true")
    assert again.is_error
    server.call_tool("list_command_history")
    tells_nothing(server, tmp_path, values.get("HOST", sshd.host), REAL_USER, values.get("KEY") or sshd.client_key)
    assert "wr0ng-password" not in json.dumps([result.raw, again.raw])


def test_a_name_in_capitals_is_hidden_too(overridden, tmp_path):
    """A host's name is made small before it is looked up in known_hosts."""
    server = overridden(HOST="LOCALHOST")
    result = server.execute("web.1", "true")
    assert "is not known" in result.text, result
    tells_nothing(server, tmp_path, "localhost", "LOCALHOST")


def test_the_note_about_a_new_key_does_not_tell_who_it_is(start_server, sshd, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"Host *\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile {tmp_path}/new\n  IdentityAgent none\n"
                      "  GlobalKnownHostsFile /dev/null\n")
    values = {"HOST": sshd.host, "PORT": sshd.port, "USER": REAL_USER, "KEY": sshd.client_key}
    server = start_server(config=config, env={f"OVRD_web_{what}": str(value) for what, value in values.items()})
    result = server.execute("web", "true")
    assert "was added to" in result.text and result.exit_status == 0, result
    tells_nothing(server, tmp_path, sshd.host, REAL_USER)


def test_what_a_proxy_command_says_does_not_tell_who_it_is(start_server, tmp_path):
    config = tmp_path / "config"
    config.write_text("Host web\n  ProxyCommand sh -c 'echo %h \\(10.9.8.7\\) is away >&2; exit 3'\n")
    server = start_server(config=config, env={"OVRD_web_HOST": "Some.Where"})
    result = server.execute("web", "true")
    assert "its ProxyCommand ended with status 3" in result.text, result
    tells_nothing(server, tmp_path, "some.where", "Some.Where", "10.9.8.7")


def test_who_it_is_stands_in_the_log_at_debug(overridden, sshd):
    server = overridden(level="debug")
    server.execute("web.1", "true")
    assert f"{REAL_USER}@{sshd.host} port {sshd.port}" in server.log()


def test_all_of_it_is_gone_from_the_environment(overridden, sshd):
    server = overridden(PASS="pass-c4nary", SUDO_PASS="sudo-c4nary", ENABLE_PASS="enable-c4nary")
    server.execute("web.1", "true")
    for pid in [server.process.pid, *server.workers()]:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                text = file.read()
        except PermissionError:
            continue        # a worker, which is not dumpable
        for value in (b"c4nary", sshd.host.encode(), sshd.client_key.encode(), REAL_USER.encode()):
            assert value not in text
    assert server.execute("web.1", "echo sudo-c4nary enable-c4nary").output == "[redacted] [redacted]\n"
