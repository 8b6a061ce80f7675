"""MCP over stdio: framing, both eras, cancellation, and everything a client may get wrong."""
import json
import signal
import subprocess
import time

import pytest

from conftest import wait_for_running
from support.mcp_client import MODERN_VERSION, RpcError, thin_environment, wait_until_gone

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
UNSUPPORTED_VERSION = -32022
TOOLS = ["list_sessions", "execute_command", "execute_command_async", "get_command_status", "read_output",
         "interrupt_command_by_id", "send_input", "send_input_by_session", "list_running_commands",
         "list_command_history", "close_session", "close_all_sessions"]
VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


# ---- the handshakes

@pytest.mark.parametrize("version", VERSIONS)
def test_initialize_answers_a_known_version_with_itself(start_server, version):
    server = start_server(handshake=False)
    answer = server.initialize(version)
    assert answer["protocolVersion"] == version
    assert answer["serverInfo"]["name"] == "mcp-ssh-session"
    assert "tools" in answer["capabilities"]
    assert "resultType" not in answer


@pytest.mark.parametrize("version", ["2023-01-01", MODERN_VERSION, "2099-12-31", "nonsense", ""])
def test_initialize_answers_an_unknown_version_with_ours(start_server, version):
    assert start_server(handshake=False).initialize(version)["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 7}, {"protocolVersion": None}])
def test_initialize_without_a_version_is_refused(start_server, params):
    server = start_server(handshake=False)
    with pytest.raises(RpcError) as error:
        server.request("initialize", params)
    assert error.value.code == INVALID_PARAMS
    assert server.initialize()["protocolVersion"]


def test_requests_before_initialize_are_served(start_server):
    server = start_server(handshake=False)
    assert server.request("ping") == {}
    assert server.request("tools/list")["tools"]


def test_a_second_initialize_is_answered_again(server):
    assert server.initialize("2025-06-18")["protocolVersion"] == "2025-06-18"


def test_discover(start_server):
    answer = start_server(modern=True).request("server/discover")
    assert answer["resultType"] == "complete"
    assert answer["supportedVersions"] == [MODERN_VERSION]
    assert answer["cacheScope"] in ("public", "private") and answer["ttlMs"] >= 0
    assert answer["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "mcp-ssh-session"
    assert "serverInfo" not in answer


def test_discover_without_envelope_is_refused(server):
    with pytest.raises(RpcError) as error:
        server.request("server/discover")
    assert error.value.code == INVALID_PARAMS


def test_initialize_does_not_exist_in_the_modern_era(start_server):
    with pytest.raises(RpcError) as error:
        start_server(modern=True).request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                         "clientInfo": {"name": "x", "version": "1"}})
    assert error.value.code == METHOD_NOT_FOUND


@pytest.mark.parametrize("method", ["ping", "logging/setLevel", "resources/subscribe"])
def test_methods_removed_in_the_modern_era(start_server, method):
    with pytest.raises(RpcError) as error:
        start_server(modern=True).request(method)
    assert error.value.code == METHOD_NOT_FOUND


def test_both_eras_on_one_pipe(start_server):
    server = start_server(modern=True)
    server.request("server/discover")
    server.modern = False
    server.initialize()
    server.modern = True
    modern = server.request("tools/list")
    server.modern = False
    legacy = server.request("tools/list")
    assert modern["resultType"] == "complete" and "ttlMs" in modern and "cacheScope" in modern
    assert not {"resultType", "ttlMs", "cacheScope"} & legacy.keys()
    assert [tool["name"] for tool in modern["tools"]] == [tool["name"] for tool in legacy["tools"]]


@pytest.mark.parametrize("version", ["2027-01-01", "2025-11-25", ""])
@pytest.mark.parametrize("method", ["server/discover", "tools/list", "ping"])
def test_a_modern_request_of_another_version_is_refused(start_server, method, version):
    server = start_server(modern=True)
    with pytest.raises(RpcError) as error:
        server.request(method, {"_meta": {"io.modelcontextprotocol/protocolVersion": version}})
    assert error.value.code == UNSUPPORTED_VERSION
    assert error.value.data == {"supported": [MODERN_VERSION], "requested": version}


@pytest.mark.parametrize("key,value", [
    ("io.modelcontextprotocol/protocolVersion", 3),
    ("io.modelcontextprotocol/clientCapabilities", []),
    ("io.modelcontextprotocol/clientCapabilities", None),
])
def test_a_broken_envelope_is_refused(start_server, key, value):
    with pytest.raises(RpcError) as error:
        start_server(modern=True).request("tools/list", {"_meta": {key: value}})
    assert error.value.code == INVALID_PARAMS


def test_a_modern_tool_call(start_server):
    result = start_server(modern=True).call_tool("execute_command", host="t-bash", command="echo hi")
    assert result.raw["resultType"] == "complete"
    assert result.output == "hi\n" and result.exit_status == 0
    assert "io.modelcontextprotocol/serverInfo" in result.raw["_meta"]


# ---- tools/list

def test_tools_list(server):
    answer = server.request("tools/list")
    tools = {tool["name"]: tool for tool in answer["tools"]}
    assert [tool["name"] for tool in answer["tools"]][0] == "list_sessions"
    assert set(tools) >= set(TOOLS)
    assert len(json.dumps(answer, separators=(",", ":"))) < 14 * 1000
    assert "nextCursor" not in answer
    for tool in tools.values():
        assert tool["description"] and tool["inputSchema"]["type"] == "object"
        assert tool["inputSchema"].get("additionalProperties") is False
    execute = tools["execute_command"]["inputSchema"]
    assert execute["required"] == ["host", "command"]
    assert list(execute["properties"])[:10] == ["host", "command", "username", "password", "key_filename", "port",
                                                "enable_password", "enable_command", "sudo_password", "timeout"]
    assert execute["properties"]["timeout"]["default"] == 30


def test_tools_list_with_a_strange_cursor_is_refused(server):
    with pytest.raises(RpcError) as error:
        server.request("tools/list", {"cursor": "nonsense"})
    assert error.value.code == INVALID_PARAMS


def test_tools_without_arguments_answer(server):
    for tool in ("list_sessions", "list_running_commands", "list_command_history", "close_all_sessions"):
        result = server.call_tool(tool)
        assert not result.is_error and result.text, tool


# ---- messages

@pytest.mark.parametrize("request_id", [0, "", "1", "listen:0", -5, 2**53 - 1, "00000000-0000-4000-8000-000000000000",
                                        "ü\u0000\n"])
def test_ids_come_back_as_they_were(server, request_id):
    assert server.start("ping", request_id=request_id).result() == {}


def test_a_text_id_is_not_the_number(server):
    number, text = server.start("ping", request_id=4711), server.start("ping", request_id="4711")
    assert number.result() == {} and text.result() == {}


def test_a_hundred_pipelined_requests(server):
    pending = [server.start("ping") for _ in range(100)]
    assert [p.result() for p in pending] == [{}] * 100


def test_a_hundred_requests_in_one_write(server):
    pending, data = [], b""
    send, server.send = server.send, lambda message: None
    for _ in range(100):
        pending.append(server.start("ping"))
        data += json.dumps({"jsonrpc": "2.0", "id": pending[-1].id, "method": "ping"}).encode() + b"\r\n\n"
    server.send = send
    server.send_raw(data)
    assert [p.result() for p in pending] == [{}] * 100


def test_a_message_byte_by_byte(server):
    send, server.send = server.send, lambda message: None
    pending = server.start("ping", request_id="bit by bit äöü")
    server.send = send
    for byte in json.dumps({"jsonrpc": "2.0", "id": pending.id, "method": "ping"}, ensure_ascii=False).encode() + b"\n":
        server.send_raw(bytes([byte]))
    assert pending.result() == {}


def test_a_running_call_does_not_stop_others(server):
    slow = server.start_tool("execute_command", host="t-bash", command="sleep 2; echo slow")
    assert server.request("ping") == {}
    assert server.call_tool("execute_command", host="t-dash", command="echo other").output == "other\n"
    assert not slow.is_answered
    assert slow.result().output == "slow\n"


def test_unknown_method(server):
    with pytest.raises(RpcError) as error:
        server.request("no/such/method")
    assert error.value.code == METHOD_NOT_FOUND


def test_unknown_notifications_and_stray_answers_are_ignored(server):
    server.notify("notifications/no_such_thing", {"x": 1})
    server.send({"jsonrpc": "2.0", "id": 99, "result": {}})
    server.send({"jsonrpc": "2.0", "id": "x", "error": {"code": 1, "message": "m"}})
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}})
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled"})
    assert server.request("ping") == {}


def test_unknown_members_are_ignored(server):
    server.answers['"extra"'] = None
    server.send_raw(b'{"jsonrpc":"2.0","x":[1],"id":"extra","method":"ping","params":{"y":{}}}\n')
    assert server.wait_for(lambda: server.answers['"extra"'], "the answer")["result"] == {}


def test_params_as_a_list_are_refused(server):
    with pytest.raises(RpcError) as error:
        server.request("tools/list", [])
    assert error.value.code == INVALID_PARAMS


def test_a_duplicate_id_in_flight_is_refused_and_the_first_answered(server):
    slow = server.start_tool("execute_command", host="t-bash", command="sleep 1; echo first")
    answers = []
    on_answer, server._on_answer = server._on_answer, lambda message: (
        answers.append(message) if "error" in message else on_answer(message))
    server.send({"jsonrpc": "2.0", "id": slow.id, "method": "ping"})
    assert slow.result().output == "first\n"
    assert [answer["error"]["code"] for answer in answers] == [INVALID_REQUEST]


@pytest.mark.parametrize("line,code", [
    (b"garbage", PARSE_ERROR),
    (b"{", PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"} trailing', PARSE_ERROR),
    (b"\xef\xbb\xbf{}", None),
    (b'{"jsonrpc":"2.0","id":1,"method":"p\xff\xfe"}', PARSE_ERROR),
    (b'{"a":"\xc0\xaf"}', PARSE_ERROR),
    (b"\xff\xfe{\x00}\x00", PARSE_ERROR),
    (b"\x00\x01\x02", PARSE_ERROR),
    (b"[" * 10_000, PARSE_ERROR),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, PARSE_ERROR),
    (b"[" * 10_000 + b"]" * 10_000, PARSE_ERROR),
    (b"1" * 1_000_000, None),
    (b"null", INVALID_REQUEST), (b"true", INVALID_REQUEST), (b"7", None), (b'"text"', INVALID_REQUEST),
    (b"{}", INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","method":"ping"}', None),
    (b'{"method":"ping"}', None),
    (b"[]", INVALID_REQUEST),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', INVALID_REQUEST),
], ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value))
def test_a_bad_line_gets_an_error_and_the_next_line_works(server, line, code):
    server.send_raw(line + b"\n")
    assert server.request("ping") == {}
    for orphan in (server.orphans.copy() if code is None else [server.take_orphan()]):
        assert orphan["error"]["code"] in ((code,) if code else (PARSE_ERROR, INVALID_REQUEST))
        assert orphan["error"]["message"] and "id" not in orphan
    server.orphans.clear()


@pytest.mark.parametrize("message", [
    {"jsonrpc": "1.0", "id": "bad", "method": "ping"}, {"id": "bad", "method": "ping"},
    {"jsonrpc": "2.0", "id": "bad", "method": 7}, {"jsonrpc": "2.0", "id": "bad"},
    {"jsonrpc": "2.0", "id": "bad", "method": "ping", "params": "text"},
], ids=str)
def test_a_bad_request_gets_one_error(server, message):
    server.answers['"bad"'] = None
    server.send(message)
    assert server.request("ping") == {}
    got = server.wait_for(lambda: server.answers['"bad"'] or (server.orphans and server.orphans.pop()), "an error")
    assert got["error"]["code"] in (INVALID_REQUEST, INVALID_PARAMS)


@pytest.mark.parametrize("request_id", [None, [], {}, True], ids=str)
def test_a_bad_id_gets_one_error_without_id(server, request_id):
    server.send({"jsonrpc": "2.0", "id": request_id, "method": "ping"})
    assert server.take_orphan()["error"]["code"] == INVALID_REQUEST
    assert server.request("ping") == {}


def test_a_batch_where_batches_exist(start_server):
    server = start_server(version="2025-03-26")
    server.answers.update({'"a"': None, '"b"': None})
    server.send([{"jsonrpc": "2.0", "id": "a", "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"},
                 {"jsonrpc": "2.0", "id": "b", "method": "ping"}])
    server.wait_for(lambda: server.answers['"a"'] and server.answers['"b"'], "both answers")


def test_a_line_of_100_mb_is_dropped_with_an_error(server):
    before = resident(server)
    chunk = b'{"a":"' + b"x" * (1 << 20)
    for _ in range(100):
        server.send_raw(chunk)
    server.send_raw(b'"}\n')
    assert server.take_orphan(60)["error"]["code"] in (INVALID_REQUEST, PARSE_ERROR)
    assert server.request("ping") == {}
    assert resident(server) - before < 64 * 1024, "KiB more than before"


def test_a_line_of_100_mb_without_an_end(start_server):
    server = start_server()
    for _ in range(100):
        server.send_raw(b"y" * (1 << 20))
    assert server.take_orphan(60)["error"]["code"] in (INVALID_REQUEST, PARSE_ERROR)
    server.close()


def resident(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmRSS:")))


# ---- bad arguments: each a clear answer, nothing hung, the next call works

def bad_arguments():
    ok = {"host": "t-bash", "command": "true"}
    for name, arguments, hint in [
            ("no_host", {"command": "true"}, "host"),
            ("no_command", {"host": "t-bash"}, "command"),
            ("nothing", {}, "host"),
            ("unknown_argument", {**ok, "colour": "red"}, "colour"),
            ("host_number", {**ok, "host": 7}, "host"),
            ("host_null", {**ok, "host": None}, "host"),
            ("host_empty", {**ok, "host": ""}, "host"),
            ("host_option", {**ok, "host": "-oProxyCommand=touch /tmp/pwned"}, "host"),
            ("host_option_after_user", {**ok, "host": "user@-oProxyCommand=x"}, "host"),
            ("host_blank", {**ok, "host": "a b"}, "host"),
            ("host_newline", {**ok, "host": "a\nb"}, "host"),
            ("host_control", {**ok, "host": "a\x1bb"}, "host"),
            ("host_nul", {**ok, "host": "t-bash\0x"}, "host"),
            ("host_long", {**ok, "host": "h" * 300}, "host"),
            ("host_quote", {**ok, "host": "a'b;id"}, "host"),
            ("host_port_text", {**ok, "host": "t-bash:ssh:22"}, "host"),
            ("user_option", {**ok, "username": "-oProxyCommand=x"}, "user"),
            ("user_blank", {**ok, "username": "a b"}, "user"),
            ("user_long", {**ok, "username": "u" * 300}, "user"),
            ("user_control", {**ok, "username": "a\tb"}, "user"),
            ("port_text", {**ok, "port": "22"}, "port"),
            ("port_zero", {**ok, "port": 0}, "port"),
            ("port_large", {**ok, "port": 65536}, "port"),
            ("port_negative", {**ok, "port": -1}, "port"),
            ("port_fraction", {**ok, "port": 22.5}, "port"),
            ("command_empty", {**ok, "command": ""}, "command"),
            ("command_number", {**ok, "command": 1}, "command"),
            ("command_nul", {**ok, "command": "echo a\0b"}, "command"),
            ("command_huge", {**ok, "command": "x" * 1_100_000}, "command"),
            ("timeout_text", {**ok, "timeout": "soon"}, "timeout"),
            ("timeout_negative", {**ok, "timeout": -1}, "timeout"),
            ("session_slash", {**ok, "session": "a/b"}, "session"),
            ("session_long", {**ok, "session": "s" * 65}, "session"),
            ("session_empty_blank", {**ok, "session": " "}, "session"),
            ("isolated_text", {**ok, "isolated": "yes"}, "isolated"),
            ("max_chars_zero", {**ok, "max_chars": 0}, "max_chars"),
            ("max_chars_text", {**ok, "max_chars": "all"}, "max_chars"),
            ("key_missing_file", {**ok, "key_filename": "/no/such/key"}, "/no/such/key"),
            ("sudo_password_control", {**ok, "sudo_password": "x\x03"}, "control character"),
            ("use_sudo_text", {**ok, "use_sudo": "yes please"}, "use_sudo"),
            ("enable_password", {**ok, "enable_password": "x"}, "enable"),
    ]:
        yield pytest.param(arguments, hint, id=name)


@pytest.mark.parametrize("arguments,hint", bad_arguments())
def test_bad_arguments(server, arguments, hint):
    result = server.call_tool("execute_command", **arguments)
    assert result.is_error, result
    assert hint in result.text, result
    assert len(result.text) < 2000
    assert server.execute("t-bash", "echo next").output == "next\n"


def test_a_command_of_1_mb_is_run_or_refused_with_a_reason(server):
    result = server.execute("t-bash", ": '" + "x" * 1_000_000 + "'", timeout=60)
    assert result.exit_status == 0 or (result.is_error and "command" in result.text), result
    assert server.execute("t-bash", "echo next").output == "next\n"


@pytest.mark.parametrize("tool", ["get_command_status", "read_output", "interrupt_command_by_id"])
@pytest.mark.parametrize("command_id", ["no-such-id", "00000000-0000-4000-8000-000000000000", "", "x" * 10_000])
def test_unknown_command_ids(server, tool, command_id):
    result = server.call_tool(tool, command_id=command_id)
    assert result.is_error and "ommand" in result.text, result


def test_send_input_to_an_unknown_command(server):
    assert server.call_tool("send_input", command_id="nope", input_text="x").is_error


def test_send_input_by_session_without_a_session(server):
    result = server.call_tool("send_input_by_session", host="t-bash", input_text="x")
    assert result.is_error and "session" in result.text.lower()


@pytest.mark.parametrize("params", [{"name": "no_such_tool", "arguments": {}}, {"name": 7}, {}, {"arguments": {}}])
def test_unknown_tools_are_protocol_errors(server, params):
    with pytest.raises(RpcError) as error:
        server.request("tools/call", params)
    assert error.value.code == INVALID_PARAMS


@pytest.mark.parametrize("arguments", [[], "text", 7])
def test_arguments_that_are_no_object(server, arguments):
    try:
        result = server.request("tools/call", {"name": "list_sessions", "arguments": arguments})
    except RpcError as error:
        assert error.code == INVALID_PARAMS
    else:
        assert result["isError"]


def test_integers_may_come_as_30_0(server):
    assert server.execute("t-bash", "echo fine", timeout=30.0).output == "fine\n"


def test_arguments_may_be_absent(server):
    assert not server.start("tools/call", {"name": "list_sessions"}, is_tool=True).result().is_error


# ---- cancellation and progress

def test_a_cancelled_call_is_not_answered_and_gets_ctrl_c(server):
    slow = server.start_tool("execute_command", host="t-bash", command="sleep 60", timeout=120)
    wait_for_running(server, "sleep 60")
    server.cancel(slow, "the user pressed stop")
    after = retry_while_busy(server, "t-bash", "echo free")
    assert after.output == "free\n" and after.started is False, after
    assert not slow.is_answered


def test_a_client_timeout_leaves_the_command_running(server):
    slow = server.start_tool("execute_command", host="t-bash", command="sleep 3; echo survived", timeout=120)
    command_id = wait_for_running(server, "sleep 3")
    server.cancel(slow, "Request timed out")
    status = server.call_tool("get_command_status", command_id=command_id, wait_s=30)
    assert "survived\n" in status.text and status.state == "done" and status.exit_status == 0
    assert not slow.is_answered


def test_progress_is_sent_only_where_it_was_asked_for(server):
    result = server.start_tool("execute_command", {"progressToken": "tok"}, host="t-bash",
                               command="sleep 2; echo done", timeout=60).result()
    assert result.output == "done\n"
    steps = [p["progress"] for p in server.progress("tok")]
    assert steps == sorted(set(steps)), "progress increases strictly"
    count = len(server.notifications)
    server.execute("t-bash", "sleep 2")
    assert len(server.notifications) == count


def retry_while_busy(server, host, command, **more):
    """Runs it as soon as the shell is free."""
    deadline = time.monotonic() + 20
    while True:
        result = server.execute(host, command, **more)
        if not result.is_error or "already running" not in result.text or time.monotonic() > deadline:
            return result


# ---- the end

def test_eof_ends_it_within_a_second_with_calls_in_flight(start_server):
    server = start_server()
    server.start_tool("execute_command", host="t-bash", command="sleep 60", timeout=120)
    server.start_tool("execute_command", host="t-zsh", command="cat", timeout=120)
    wait_for_running(server, "sleep 60")
    server.close()


def test_eof_at_once(binary, home):
    done = subprocess.run([binary], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False,
                          env=thin_environment(str(home), None))
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_message_without_its_newline_at_eof_is_answered(binary, home):
    done = subprocess.run([binary], input=b'{"jsonrpc":"2.0","id":1,"method":"ping"}', capture_output=True,
                          timeout=10, check=False, env=thin_environment(str(home), None))
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_half_a_message_at_eof(binary, home):
    done = subprocess.run([binary], input=b'{"jsonrpc":"2.0","id":1,"met', capture_output=True,
                          timeout=10, check=False, env=thin_environment(str(home), None))
    assert done.returncode == 0


def test_closed_stdout_ends_it(binary, home):
    process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env=thin_environment(str(home), None), bufsize=0)
    process.stdout.close()
    try:
        while process.poll() is None:
            process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    except BrokenPipeError:
        pass
    assert process.wait(10) == 0
    process.stdin.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda n: n.name)
def test_signals_end_it_cleanly(start_server, number):
    server = start_server()
    server.execute("t-bash", "true")
    family = server.workers()
    assert family
    server.process.send_signal(number)
    assert server.process.wait(10) == 0
    assert not wait_until_gone(family, 10)


def test_version_and_help(binary):
    for option, word in (("--version", "mcp-ssh-session"), ("--help", "--ssh-config")):
        done = subprocess.run([binary, option], capture_output=True, timeout=10, check=False)
        assert done.returncode == 0 and word.encode() in done.stdout
    done = subprocess.run([binary, "--no-such-option"], capture_output=True, timeout=10, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and done.stderr and not done.stdout


def test_mcp_subcommand_and_original_variables(start_server):
    server = start_server("mcp", config=None, env={"MCP_SSH_INTERACTIVE_MODE": "1", "MCP_SSH_LOG_LEVEL": "debug"})
    assert server.request("ping") == {}


def test_stdout_stays_clean_at_the_highest_log_level(start_server):
    server = start_server("--log-level", "trace")
    assert server.execute("t-bash", "echo x; echo y >&2").exit_status == 0
    assert server.log()
