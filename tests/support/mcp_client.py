"""mcp_client - a strict MCP client over stdio, synchronous to use, pipelined where a test wants it.

    with McpClient([binary, "--ssh-config", path]) as client:
        result = client.call_tool("execute_command", host="t-bash", command="true")
        assert result.exit_status == 0

What it insists on, always: a line of stdout is one JSON-RPC message in valid UTF-8; each request is
answered exactly once; a cancelled one is not answered; nothing of a sanitizer on stderr; after EOF on
stdin the server exits with status 0 in time and leaves no process behind.
"""
import json
import os
import subprocess
import threading
import time

from support.sshd import SEARCH_PATH, cmdline, descendants, kill, processes

LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"
ANSWER_S = 60           # a hang guard, not a promise
# Exit follows EOF within a second; a sanitizer's leak check takes its time on top.
EXIT_S = float(os.environ.get("MCP_SSH_TEST_EXIT_S", "1"))
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "runtime error:")
COMMAND_FACTS = "mcp-ssh-session/command"


class ProtocolViolation(AssertionError):
    pass


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code, self.message, self.data = error.get("code"), error.get("message"), error.get("data")


class ToolResult:
    """A tools/call result: its text, its facts, and the output cut out of the text exactly."""

    def __init__(self, result):
        self.raw = result
        self.is_error = result.get("isError", False)
        self.text = "".join(block["text"] for block in result["content"] if block["type"] == "text")
        self.facts = result.get("_meta", {}).get(COMMAND_FACTS) or {}
        self.structured = result.get("structuredContent")

    def __getattr__(self, name):
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(f"no {name!r} in the facts of: {self.text[:500]}") from None

    def _block(self, title):
        start = 0 if self.text.startswith(title + "\n") else self.text.find("\n" + title + "\n") + 1
        if start == 0 and not self.text.startswith(title + "\n"):
            return None
        return self.text[start + len(title) + 1:]

    @property
    def output(self):
        """Exactly output_bytes of what follows STDOUT:. Not for results that were cut."""
        block = self._block("STDOUT:")
        if block is None:
            return ""
        return block.encode()[:self.facts["output_bytes"]].decode()

    @property
    def notes(self):
        """What follows the output: our notes in square brackets."""
        block = self._block("STDOUT:")
        after = self.text if block is None else block.encode()[self.facts["output_bytes"]:].decode()
        return [line for line in after.splitlines() if line.startswith("[")]

    @property
    def block(self):
        """All that follows STDOUT: or OUTPUT SO FAR:, cut or not, notes included."""
        for title in ("STDOUT:", "OUTPUT SO FAR:"):
            block = self._block(title)
            if block is not None:
                return block
        return ""

    @property
    def stderr(self):
        return self._block("STDERR:") or ""

    def __repr__(self):
        return f"<ToolResult error={self.is_error} facts={self.facts} text={self.text[:2000]!r}>"


class Pending:
    """A request on its way."""

    def __init__(self, client, key, is_tool=False):
        self.client, self.key, self.is_tool = client, key, is_tool

    @property
    def id(self):
        return json.loads(self.key)

    @property
    def is_answered(self):
        return self.client.answers.get(self.key) is not None

    def message(self, timeout=ANSWER_S):
        return self.client.wait_for(lambda: self.client.answers.get(self.key),
                                    f"an answer to request {self.key}", timeout)

    def result(self, timeout=ANSWER_S):
        message = self.message(timeout)
        if "error" in message:
            raise RpcError(message["error"])
        return ToolResult(message["result"]) if self.is_tool else message["result"]


class McpClient:
    def __init__(self, argv, env=None, home=None, transcript=None, handshake=True, modern=False,
                 version=LEGACY_VERSION):
        self.argv, self.modern = argv, modern
        self.answers, self.cancelled, self.ids_sent = {}, set(), 0
        self._opened = set()        # (host, session) whose shell is open, as far as we know
        self.notifications, self.orphans, self.violations = [], [], []
        self.is_eof, self._stderr = False, bytearray()
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._transcript = open(transcript, "a", encoding="utf-8") if transcript else None
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=thin_environment(home, env), cwd="/")
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()
        self.server = self.initialize(version) if handshake and not modern else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.abandon()

    # ---- asking

    def initialize(self, version=LEGACY_VERSION):
        result = self.request("initialize", {"protocolVersion": version, "capabilities": {},
                                             "clientInfo": {"name": "test", "version": "1"}})
        self.notify("notifications/initialized")
        return result

    def start(self, method, params=None, request_id=None, is_tool=False):
        """Sends a request and does not wait."""
        self.ids_sent += 1
        request_id = self.ids_sent if request_id is None else request_id
        if self.modern:
            params = dict(params or {})
            params["_meta"] = {**modern_envelope(), **params.get("_meta", {})}
        message = {"jsonrpc": "2.0", "id": request_id, "method": method}
        if params is not None:
            message["params"] = params
        key = json.dumps(request_id)
        with self._changed:
            self.answers[key] = None
        self.send(message)
        return Pending(self, key, is_tool)

    def request(self, method, params=None, timeout=ANSWER_S):
        return self.start(method, params).result(timeout)

    def start_tool(self, name, /, _meta=None, **arguments):
        params = {"name": name, "arguments": arguments}
        if _meta:
            params["_meta"] = _meta
        return self.start("tools/call", params, is_tool=True)

    def call_tool(self, name, /, wait_limit=ANSWER_S, **arguments):
        return self.start_tool(name, **arguments).result(wait_limit)

    def execute(self, host, command, **more):
        """Runs it; a short timeout is meant for the command, so its shell is opened before."""
        place = (host, more.get("session"))
        if more.get("timeout", 30) <= 3 and place not in self._opened:
            self._opened.add(place)
            self.execute(*place[:1], "true", **({"session": place[1]} if place[1] else {}))
        self._opened.add(place)
        limit = more.pop("wait_limit", max(ANSWER_S, more.get("timeout", 30) + 30))
        return self.call_tool("execute_command", wait_limit=limit, host=host, command=command, **more)

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)

    def cancel(self, pending, reason="the user asked"):
        with self._changed:
            self.cancelled.add(pending.key)
        self.notify("notifications/cancelled", {"requestId": pending.id, "reason": reason})

    def send(self, message):
        self.send_raw(json.dumps(message).encode() + b"\n", note=message)

    def send_raw(self, data, note=None):
        with self._writing:
            self._record("c", note if note is not None else {"raw": len(data)})
            self.process.stdin.write(data)
            self.process.stdin.flush()

    # ---- waiting

    def wait_for(self, condition, what, timeout=ANSWER_S):
        """The condition's first true value; reader's news wake it."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if self.violations:
                    raise ProtocolViolation("; ".join(self.violations))
                value = condition()
                if value:
                    return value
                left = deadline - time.monotonic()
                if self.is_eof:
                    raise AssertionError(f"the server closed stdout before {what}\n{self.log_tail()}")
                if left <= 0:
                    raise AssertionError(f"no {what} within {timeout} s\n{self.log_tail()}")
                self._changed.wait(min(left, 0.5))

    def take_orphan(self, timeout=10):
        """An error answer without id: what a line gets that could not be read."""
        self.wait_for(lambda: self.orphans, "error without an id", timeout)
        with self._changed:
            return self.orphans.pop(0)

    def progress(self, token):
        with self._changed:
            return [n["params"] for n in self.notifications
                    if n["method"] == "notifications/progress" and n["params"]["progressToken"] == token]

    # ---- looking at the process

    def workers(self):
        """All processes below the supervisor: the zygote and its workers."""
        return descendants(self.process.pid)

    def log(self):
        return self._stderr.decode("utf-8", "replace")

    def log_tail(self):
        return "stderr: " + self.log()[-3000:]

    # ---- the end

    def close(self, timeout=None):
        """EOF on stdin; then everything it insists on."""
        timeout = EXIT_S if timeout is None else timeout
        family = self.workers()
        self.process.stdin.close()
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.abandon()
            raise AssertionError(f"still running {timeout} s after EOF on stdin\n{self.log_tail()}") from None
        left = wait_until_gone(family, timeout)
        self._finish()
        if left:
            names = [f"{pid} {cmdline(pid)}" for pid in left]
            for pid in left:
                kill(pid)
            raise AssertionError(f"processes left behind: {names}")
        if status != 0:
            raise AssertionError(f"exit status {status} after EOF\n{self.log_tail()}")
        self._check_record()

    def abandon(self):
        """The hard way, for a test that failed already."""
        family = self.workers()
        for pid in [self.process.pid, *family]:
            kill(pid)
        self.process.wait()
        self._finish()

    def _finish(self):
        for thread in self._threads:
            thread.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        if self._transcript:
            self._transcript.close()
            self._transcript = None

    def _check_record(self):
        for mark in SANITIZER_MARKS:
            if mark in self.log():
                self.violations.append(f"{mark} on stderr\n{self.log_tail()}")
        if self.orphans:
            self.violations.append(f"error answers nobody asked for: {self.orphans}")
        if self.violations:
            raise ProtocolViolation("; ".join(self.violations))

    # ---- the reader's side

    def _read(self):
        rest = b""
        while True:
            chunk = self.process.stdout.read1(1 << 16)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            with self._changed:
                for line in lines:
                    self._on_line(line)
                self._changed.notify_all()
        with self._changed:
            if rest:
                self.violations.append(f"stdout ends in half a line: {rest[:200]!r}")
            self.is_eof = True
            self._changed.notify_all()

    def _read_log(self):
        while True:
            chunk = self.process.stderr.read1(1 << 16)
            if not chunk:
                return
            self._stderr += chunk

    def _on_line(self, line):
        try:
            message = json.loads(line.decode("utf-8"))
        except ValueError as error:
            self.violations.append(f"not a JSON line on stdout ({error}): {line[:200]!r}")
            return
        self._record("s", message)
        for part in message if isinstance(message, list) else [message]:
            self._on_message(part)

    def _on_message(self, message):
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self.violations.append(f"not a JSON-RPC message: {str(message)[:200]}")
        elif "method" in message:
            if "id" in message:
                self.violations.append(f"a request to the client that nobody agreed to: {message['method']}")
            self.notifications.append(message)
        elif ("result" in message) == ("error" in message):
            self.violations.append(f"neither result nor error, or both: {str(message)[:200]}")
        elif message.get("id") is None:
            self.orphans.append(message)
        else:
            self._on_answer(message)

    def _on_answer(self, message):
        key = json.dumps(message["id"])
        if key not in self.answers:
            self.violations.append(f"an answer to {key}, which was never asked")
        elif self.answers[key] is not None:
            self.violations.append(f"a second answer to {key}")
        elif key in self.cancelled:
            self.violations.append(f"an answer to {key}, which was cancelled")
        else:
            self.answers[key] = message

    def _record(self, direction, message):
        if self._transcript:
            self._transcript.write(json.dumps({"dir": direction, "msg": message}) + "\n")
            self._transcript.flush()


def modern_envelope():
    return {"io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"}}


def thin_environment(home, more):
    """What the official SDK passes on, and the sanitizers' options."""
    env = {"HOME": home or os.path.expanduser("~"), "PATH": SEARCH_PATH, "TERM": "xterm-256color",
           "USER": "tester", "LOGNAME": "tester", "SHELL": "/bin/sh"}
    env.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
    env.update(more or {})
    return env


def wait_until_gone(pids, timeout):
    deadline = time.monotonic() + timeout
    while True:
        alive = set(pids) & processes().keys()
        if not alive or time.monotonic() > deadline:
            return sorted(alive)
        time.sleep(0.01)
