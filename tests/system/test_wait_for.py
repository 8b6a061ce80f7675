"""wait_for and wait_for_regex: calls end with what they wait for, or say what came instead."""
import time

import pytest

from conftest import wait_for_end
from support.sshd import which

LIMIT = 1       # seconds until a command goes on in background
LONG = 60       # seconds a call may wait; the answer comes long before


def wait_of(result):
    assert not result.is_error, result.text
    return result.raw["_meta"]["mcp-ssh-session/wait"]


def start(server, command, host="t-bash"):
    return server.call_tool("execute_command_async", host=host, command=command)


def status(server, result, **more):
    return server.call_tool("get_command_status", command_id=result.command_id, **{"wait_s": LONG, **more})


def stop(server, result):
    server.call_tool("interrupt_command_by_id", command_id=result.command_id)
    wait_for_end(server, result.command_id)


def test_a_text_in_the_output(server, shell):
    run = start(server, "echo begin; sleep 1; echo 'listening on port 80'; sleep 300", "t-" + shell)
    began = time.monotonic()
    result = status(server, run, wait_for="on port")
    assert wait_of(result) == {"waited_for": "found", "line": "listening on port 80", "offset": 16}, result.text
    assert "[wait_for: found at offset 16: listening on port 80]" in result.text and result.state == "running"
    assert time.monotonic() - began < 30
    stop(server, run)


def test_a_pattern_in_the_unfinished_line(server):
    run = start(server, "printf 'at 10%%'; sleep 0.5; printf '\\rat 100%%'; sleep 300")
    result = status(server, run, wait_for_regex=r"^at \d{3}%$")
    assert wait_of(result)["waited_for"] == "found" and wait_of(result)["line"] == "at 100%", result.text
    stop(server, run)


def test_what_comes_instead(server):
    run = start(server, "echo one; sleep 0.3; (exit 5)")
    ended = status(server, run, wait_for="two")
    assert wait_of(ended) == {"waited_for": "ended"} and ended.exit_status == 5
    assert "[wait_for: not found, the command ended]" in ended.text
    assert wait_of(status(server, run, wait_for="one"))["waited_for"] == "found"     # it is over, and is looked at
    assert wait_of(status(server, run, wait_for="one", offset=4)) == {"waited_for": "ended"}
    asks = start(server, "printf 'name? '; read -r x")
    assert wait_of(status(server, asks, wait_for="nothing like it"))["waited_for"] == "awaiting_input"
    stop(server, asks)
    sleeps = start(server, "sleep 300")
    late = status(server, sleeps, wait_for="x", wait_s=1)
    assert wait_of(late) == {"waited_for": "time"} and "[wait_for: not found within 1 s]" in late.text
    stop(server, sleeps)


def test_much_output_before_it(server):
    run = start(server, "seq 1 400000; echo the-end-of-it")
    result = status(server, run, wait_for_regex="^the-[a-z]{3}-of-it$")
    assert wait_of(result)["offset"] == 2688895 and wait_of(result)["waited_for"] == "found"


def test_after_input(server):
    """What was on the line before is no match; the prompt that comes then is."""
    if which("python3") is None:
        pytest.skip("no python3 here")
    asked = server.execute("t-bash", "TERM=dumb PYTHON_BASIC_REPL=1 python3 -q", timeout=20)
    assert asked.state == "awaiting_input", asked
    typed = server.call_tool("send_input", command_id=asked.command_id, wait_s=LONG, wait_for="=42=",
                             input_text="import time; time.sleep(1); print('=%d=' % 42)\\n")
    assert wait_of(typed)["waited_for"] == "found" and wait_of(typed)["line"].endswith("=42="), typed.text
    typed = server.call_tool("send_input_by_session", host="t-bash", input_text="print(6 * 7)\n", wait_for_regex="^>>> $")
    assert wait_of(typed)["waited_for"] in ("found", "awaiting_input"), typed.text
    assert "\n42\n" in typed.text
    typed = server.call_tool("send_input", command_id=asked.command_id, input_text="exit(3)\\n", wait_for="no such")
    assert wait_of(typed) == {"waited_for": "ended"} and typed.exit_status == 3


def test_on_the_screen(server):
    asked = server.execute("t-bash", "read -r x; sleep 1; echo \"got <$x>\"; read -r y; sleep 1; (exit 6)", timeout=20)
    result = server.call_tool("send_keys", host="t-bash", keys="abc<enter>", wait_for="got <abc")
    assert wait_of(result) == {"waited_for": "found", "line": "got <abc>"}, result.text
    assert "[wait_for: found on the screen: got <abc>]" in result.text
    asks = server.call_tool("send_keys", host="t-bash", keys="<left>", wait_for="never")
    assert wait_of(asks) == {"waited_for": "awaiting_input"}, asks.text
    ended = server.call_tool("send_keys", host="t-bash", keys="y<enter>", wait_for="never")
    assert wait_of(ended) == {"waited_for": "ended"}, ended.text
    assert status(server, asked).exit_status == 6
    sleeps = start(server, "sleep 300")
    late = server.call_tool("send_keys", host="t-bash", keys="x", wait_s=1, wait_for_regex="^never$")
    assert wait_of(late) == {"waited_for": "time"}, late.text
    stop(server, sleeps)


def test_in_the_bare_shell(server):
    server.execute("t-bash", "true")
    result = server.call_tool("send_input_by_session", host="t-bash", input_text="sleep 1; echo $((6*7))x\n",
                              wait_for_regex="^42x$")
    assert wait_of(result) == {"waited_for": "found", "line": "42x"}, result.text


def test_patterns_that_are_refused(server):
    run = server.execute("t-bash", "echo x")
    for arguments, why in (({"wait_for_regex": r"(a)\1"}, "back references"), ({"wait_for_regex": "a(?=b)"}, "look-around"),
                           ({"wait_for": "a\nb"}, "line end"), ({"wait_for": "a", "wait_for_regex": "a"}, "both given"),
                           ({"wait_for_regex": "(a{100}){100}"}, "states")):
        result = server.call_tool("get_command_status", command_id=run.command_id, **arguments)
        assert result.is_error and why in result.text, result.text
    typed = server.call_tool("send_keys", host="t-bash", keys="touch nothing", wait_for_regex="[")
    assert typed.is_error and "a [ has no ]" in typed.text
    assert "touch" not in server.call_tool("read_screen", host="t-bash").text       # and nothing was typed
