"""200 hostile strings in everything that names a host, a user, a key, a session or a port, for every tool.

Seen by strace: after its start, the server and all that comes from it execute `ssh -G … -- HOST` and nothing
else, and open nothing for writing but their own temporary files.
"""
import os
import re
import signal
import socket
import subprocess

import pytest

from support.sshd import descendants, which

MARK = "/tmp/mcp-ssh-session-injected"      # nothing may ever make this

SHELL = ["$({})", "`{}`", ";{}", "|{}", "||{}", "&{}", "&&{}", "\n{}\n", "\r\n{}", "'{}", "\"{}", "' ; {} ; '", "\"; {}; \"",
         "a;{}", "a|{}", "a&{}", "a\n{}", "$(({}))", "${{IFS}}{}", ">{}", "<{}", "%({})", "{{{}}}", "!{}", "~{}", "*{}", "?{}", "\\{}",
         "'$({})'", "\"$({})\"", "a$({})b", "a`{}`b", "\t{}", " {}", "{} ", "#{}", "(({}))", "<({})", ">({})", "$'{}'"]
OPTIONS = ["-oProxyCommand={}", "-o ProxyCommand={}", "-oProxyCommand=\"{}\"", "--oProxyCommand={}", "x@-oProxyCommand={}",
           "-oLocalCommand={}", "-oPermitLocalCommand=yes", "-oKnownHostsCommand={}", "-oPKCS11Provider=/tmp/x.so",
           "-oSecurityKeyProvider=/tmp/x.so", "-F/dev/null", "-F", "-E/tmp/mcp-ssh-session-injected", "-S/tmp/x", "-J{}", "-W", "-D1080",
           "-L1:x:1", "-R1:x:1", "-w0", "-v", "-vvv", "-G", "-V", "-f", "-N", "-T", "-tt", "-A", "-M", "-Q cipher", "-I/tmp/x.so",
           "-i/etc/shadow", "-lroot", "-p1", "--", "-", "---", "-oMatch exec {}", "-oInclude=/tmp/x", "box -oProxyCommand={}",
           "box\n-oProxyCommand={}", "box\tProxyCommand={}", "-oHost={}", "root@-oProxyCommand={}@box", "-\u006fProxyCommand={}"]
URLS = ["ssh://box", "ssh://root@box:99", "ssh://box/-oProxyCommand={}", "scp://box/etc/passwd", "sftp://box", "file:///etc/passwd",
        "http://box", "ssh://-oProxyCommand={}", "//box/share", "\\\\box\\share", "ssh:box", "box:/etc/passwd", "[box]", "[::1", "::1]",
        "[::1]:x", "[-o]:22", "box:22:22", "box:-1", "box:0", "box:65536", "box:99999999999999999999", "box:22$({})", "@", "a@", "@b",
        "a@b@", "user:secret@box", "a@@b"]
TOKENS = ["%h", "%%", "%{}", "%p%r%n", "%d/x", "%i", "%T", "h%h", "%n$({})", "${{HOME}}", "$HOME", "%s%s%s%n", "%x%x%x%x", "%99999999d",
          "{{}}", "${{jndi:ldap://x}}", "{{{{7*7}}}}"]
BYTES = ["\u0000", "a\u0000b", "box\u0000-oProxyCommand={}", "\u0001", "\u001b[31mred", "\u001b]0;title\u0007", "\u009b31m", "\u0085", "\u007f",
         "\b\b\b", "\f", "\v", "\r", "\n", "\r\nHost: x", "\u2028", "\u202ebox", "\u200bbox", "bo\u0445", "\uff0d\uff0doProxyCommand", "\u2010o",
         "ﬁ", "\ufeffbox", "\ud7ff", "\uffff", "\U0001f600", "e\u0301", "K", "ⓑⓞⓧ", "\u00adbox", "box\u3002lan", "xn--\u0430", "İ", "\ufffd"]
LONG = ["a" * 254, "a" * 4096, "a." * 2000, "a@" * 1000, ":" * 500, "[" * 500, "-" * 1000, "%" * 1000, "$(" * 500, "../" * 500, "\n" * 500,
        "a" * 1000 + "-oProxyCommand={}"]
PATHS = ["../../../../etc/passwd", "/etc/shadow", "/dev/zero", "/dev/random", "/dev/full", "/dev/stdin", "/dev/stdout", "/dev/tty", "/proc/self/mem",
         "/proc/self/environ", "/proc/self/fd/0", "/dev/fd/1", "/", ".", "..", "~", "~root", "~/../..", "/tmp", "FIFO", "SOCKET", "DIRECTORY",
         "LOOP", "/nonexistent/{}", "|{}", "/dev/null"]
STRINGS = SHELL + OPTIONS + URLS + TOKENS + BYTES + LONG + PATHS
PORTS = [-1, 0, 65536, 1 << 31, 1 << 40, -(1 << 63), 1.5, 1e300, "22;{}", "-oProxyCommand={}", "0x16", "22 ", "", True, [22], {"a": 1}, "٢٢"]

TOOLS = {       # tool -> its other arguments; {} of the strings is the mark's making
    "execute_command": {"command": "true", "timeout": 20},
    "execute_command_async": {"command": "true"},
    "close_session": {},
    "send_input_by_session": {"input_text": "x"},
}
CONNECTING = ("execute_command", "execute_command_async")
ARGUMENTS = ("host", "username", "key_filename", "session", "port")


def hostile(text, tmp_path):
    for name in ("FIFO", "SOCKET", "DIRECTORY", "LOOP"):
        text = text.replace(name, str(tmp_path / name)) if text == name else text
    return text.replace("{}", f"touch {MARK}").replace("{{", "{").replace("}}", "}")


@pytest.fixture
def odd_files(tmp_path):
    os.mkfifo(tmp_path / "FIFO")
    (tmp_path / "DIRECTORY").mkdir()
    (tmp_path / "LOOP").symlink_to(tmp_path / "LOOP")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "SOCKET"))
        yield


@pytest.fixture
def strace(tmp_path):
    """Attaches to the server and what it has and will have; gives what was executed and opened."""
    if which("strace") is None:
        pytest.skip("strace is not installed: scripts/deps test")
    running = []

    def attach(server):
        log = tmp_path / "strace"
        pids = [server.process.pid, *descendants(server.process.pid)]
        process = subprocess.Popen(
            ["strace", "-ff", "-qq", "-s", "4096", "-e", "trace=execve,execveat,open,openat,openat2,creat", "-o", str(log),
             *[word for pid in pids for word in ("-p", str(pid))]], stderr=subprocess.PIPE)
        running.append(process)
        for pid in pids:
            while not traced(pid):
                if process.poll() is not None:
                    pytest.skip(f"strace may not attach here: {process.stderr.read().decode()[-200:]}")
        return log
    yield attach
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()


def traced(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return "TracerPid:\t0\n" not in file.read()


EXECUTED = re.compile(r'^execve\("([^"]*)", \[(.*?)\], .*\) += (0|-1 ENOENT .*)$')
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|^creat\(")
OWN_FILE = re.compile(r'^openat\(AT_FDCWD, "(/tmp|/tmp/mcp-ssh-session\.\w{6}|/dev/null)", [A-Z_|]*')


def check_trace(lines):
    """The lines of one process; the words of the program that it became, if any."""
    program = None
    for line in lines:
        if line.startswith("execve"):
            found = EXECUTED.match(line)
            assert found and program is None, line
            words = re.findall(r'"((?:[^"\\]|\\.)*)"', found[2])
            assert os.path.basename(found[1]) == "ssh" and words[:2] == ["ssh", "-G"] and words[-2] == "--", line
            assert not words[-1].startswith("-") and set(words[2:-2:2]) <= {"-F", "-p", "-l"}, line
            if found[3] == "0":
                program = words
        elif WRITING.search(line):
            assert OWN_FILE.search(line) if program is None else '"/dev/null"' in line, line
    return program


@pytest.mark.hang_guard(900)
def test_nothing_is_executed_or_written(start_server, strace, tmp_path, odd_files):
    server = start_server()
    assert server.execute("t-bash", "echo before").output == "before\n"
    log = strace(server)
    assert len(STRINGS) >= 200
    pending = []
    for text in STRINGS:
        text = hostile(text, tmp_path)
        for tool, others in TOOLS.items():
            for argument in ARGUMENTS:
                if argument == "key_filename" and tool not in CONNECTING:
                    continue
                pending.append((tool, argument, text, server.start_tool(
                    tool, **{"host": "t-bash", **others, argument: text})))
        for call in pending[-20:]:
            call[3].message(60)
    for value in PORTS:
        value = hostile(value, tmp_path) if isinstance(value, str) else value
        for tool, others in TOOLS.items():
            pending.append((tool, "port", value, server.start_tool(tool, **{"host": "t-bash", **others, "port": value})))
            pending[-1][3].message(60)
    assert server.request("ping") == {}
    for tool, argument, text, call in pending:
        result = call.result()
        assert result.text.strip(), (tool, argument, text)
        if argument in ("host", "username") and tool in CONNECTING and re.search(r"[^\w.@:\[\]\\-]|^-", text, re.ASCII):
            assert result.is_error, (tool, argument, text, result)
    assert server.execute("t-bash", "echo after").output == "after\n"
    server.call_tool("close_all_sessions")
    assert server.execute("t-bash", "echo again").output == "again\n"
    traces = list(tmp_path.glob(log.name + ".*"))
    programs = [check_trace(path.read_text(errors="replace").splitlines()) for path in traces]
    assert len(traces) > 3 and any(programs), "strace saw no ssh -G"
    assert not os.path.exists(MARK)


def test_the_check_itself_sees_what_is_wrong():
    for line in ('execve("/bin/sh", ["sh", "-c", "x"], 0x1 /* 3 vars */) = 0',
                 'execve("/usr/bin/ssh", ["ssh", "-G", "--", "-oProxyCommand=x"], 0x1 /* 3 vars */) = 0',
                 'execve("/usr/bin/ssh", ["ssh", "-G", "-o", "x", "--", "box"], 0x1 /* 3 vars */) = 0',
                 'execveat(3, "", ["x"], 0x1 /* 3 vars */, AT_EMPTY_PATH) = 0',
                 'openat(AT_FDCWD, "/root/.ssh/known_hosts", O_WRONLY|O_CREAT, 0600) = 5'):
        with pytest.raises(AssertionError):
            check_trace([line])
    good = 'execve("/usr/bin/ssh", ["ssh", "-G", "-l", "x", "--", "box"], 0x1 /* 3 vars */) = 0'
    assert check_trace([good]) == ["ssh", "-G", "-l", "x", "--", "box"]
