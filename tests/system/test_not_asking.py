"""False "awaiting input": 0 of 200. Commands that compute, sleep or wait for something that is no terminal."""
import socket
import threading
import time

import pytest

COMMANDS = 200
SESSIONS = 8        # shells at once, the most a connection has; each runs its share one after the other
LOOKS_S = 1.0       # how long each is watched: the kernel is asked after 0.15, 0.3, 0.6 s of quiet

# {port}: a server that never says a word; {n}: another number in each.
TEMPLATES = (
    "sleep 3{n}",
    "sleep 3{n} | cat",
    "sleep 3{n} & wait",
    "sleep 3{n} & sleep 3{n} & wait $!",
    "while :; do :; done",
    "i={n}; while [ $i -ge 0 ]; do i=$((i+1)); done",
    "while :; do sleep 0.{n}; done",
    "printf 'Password: '; sleep 3{n}",
    "printf 'Continue {n}? [y/N] '; sleep 30",
    "printf '>>> '; sleep 3{n}",
    "printf 'login: '; while :; do :; done",
    "(sleep 3{n}; echo done)",
    "sleep 3{n} | {{ read x; }}",
    "sleep 3{n} | grep -c x | wc -l",
    "sleep 3{n} | sort | uniq",
    "cat < <(sleep 3{n})",
    "exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3",
    "exec 3<>/dev/tcp/127.0.0.1/{port}; read -r line <&3",
    "exec 3<>/dev/tcp/127.0.0.1/{port}; head -c {n} <&3 | cat",
    "dd if=/dev/zero of=/dev/null bs={n}k",
    "dd if=/dev/zero bs=1M 2>/dev/null | cat > /dev/null",
    "find / -name 'nothing-{n}' 2>/dev/null; sleep 3{n}",
    "tail -n {n} -f /etc/passwd > /dev/null",
    "tail -f /dev/null",
    "yes {n} > /dev/null",
    "mkfifo /tmp/na-$$-{n}; (sleep 1; rm /tmp/na-$$-{n}) & cat < /tmp/na-$$-{n}",
    "flock /tmp/na-lock-$$-{n} sleep 3{n}",
    "flock /tmp/na-lock2-$$ sleep 40 & sleep 0.1; flock /tmp/na-lock2-$$ true",
    "timeout 3{n} sleep 60",
    "nohup sleep 3{n} 2>/dev/null | cat",
    "python3 -c 'import time; time.sleep(3{n})'",
    "python3 -c 'import select; select.select([], [], [], 3{n})'",
    "python3 -c 'import select; select.poll().poll(3{n}000)'",
    "python3 -c 'import select; select.epoll().poll(3{n})'",
    "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port})).recv({n})'",
    "python3 -c 'import socket,select; s=socket.create_connection((\"127.0.0.1\", {port})); select.select([s],[],[],60)'",
    "python3 -c 'import threading; threading.Event().wait(3{n})'",
    "python3 -c 'import os; r, w = os.pipe(); os.read(r, {n})'",
    "python3 -c 'import signal; signal.sigwait([signal.SIGUSR{u}])'",
    "python3 -c 'import subprocess; subprocess.run([\"sleep\", \"3{n}\"])'",
    "python3 -c 'import asyncio; asyncio.run(asyncio.sleep(3{n}))'",
    "python3 -c 'while True: pass'",
    "sh -c 'sleep 3{n}; :'",
    "sh -c 'trap : USR1; while :; do sleep {n}; done'",
    "sleep 3{n} < /dev/null",
    "cat /dev/zero > /dev/null",
    "sha256sum /dev/zero",
    "gzip -c /dev/urandom > /dev/null",
    "xargs -n 1 sleep < <(echo 3{n})",
    "tee /dev/null < <(sleep 3{n})",
)


class SilentServer:
    """Takes every connection and says nothing."""
    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self):
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.taken:
            connection.close()


def commands(port):
    return [TEMPLATES[i % len(TEMPLATES)].format(n=1 + i // len(TEMPLATES), u=1 + i % 2, port=port) for i in range(COMMANDS)]


@pytest.mark.hang_guard(600)
def test_none_of_200_busy_commands_is_said_to_ask(server):
    with SilentServer() as silent:
        todo = commands(silent.port)
        assert len(set(todo)) > COMMANDS * 3 // 4
        false, ended = [], []
        for round_begin in range(0, COMMANDS, SESSIONS):
            share = todo[round_begin:round_begin + SESSIONS]
            started = [server.start_tool("execute_command_async", host="t-bash", command=command, session=f"s{number}")
                       for number, command in enumerate(share)]
            ids = [pending.result().command_id for pending in started]
            until = time.monotonic() + LOOKS_S
            seen = {}
            while time.monotonic() < until:
                waits = [server.start_tool("get_command_status", command_id=one, wait_s=1) for one in ids]
                for one, pending in zip(ids, waits):
                    shown = pending.result()
                    seen[one] = shown.state
                    if shown.state == "awaiting_input":
                        false.append((share[ids.index(one)], shown.awaiting, shown.text[:200]))
            ended += [share[ids.index(one)] for one, state in seen.items() if state not in ("running", "awaiting_input")]
            stops = [server.start_tool("interrupt_command_by_id", command_id=one, wait_s=20) for one in ids]
            for command, pending in zip(share, stops):
                answer = pending.result()
                if answer.state == "running":    # a loop between two programs can miss Ctrl-C
                    answer = server.call_tool("interrupt_command_by_id", command_id=answer.command_id, wait_s=20)
                assert answer.state not in ("running", "awaiting_input"), (command, answer)
        assert false == []
        assert len(ended) <= COMMANDS // 20, ended      # else it was no test
