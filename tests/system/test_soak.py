"""Soak: thousands of commands in one session, every output right, memory and descriptors flat. SOAK=10000 for more."""
import os

import pytest

COMMANDS = int(os.environ.get("SOAK", "2000"))
WARM_UP = min(COMMANDS // 2, 1000)
GROWTH_KIB = 1024       # per process, from the warm-up to the end; noise of the allocator, no slope


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("VmRSS:")), 0)


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:     # a worker that may not be looked into, and we are not root
        return None


def snapshot(server):
    return {pid: (resident_kib(pid), descriptors(pid)) for pid in [server.process.pid, *server.workers()]}


@pytest.mark.hang_guard(1200)
def test_thousands_of_commands_in_one_session(server, record_property):
    before = {}
    server.execute("t-bash", "end_with() { return $1; }")       # a subshell would cost more than all the rest
    for number in range(COMMANDS):
        if number == WARM_UP:
            before = snapshot(server)
        text = f"{number}:" + "x" * (number % 300)
        result = server.execute("t-bash", f"echo '{text}'; end_with {number % 7}")
        assert (result.output, result.exit_status) == (text + "\n", number % 7), (number, result)
        assert result.started is False
    after = snapshot(server)
    print("RSS KiB and descriptors:", before, after)
    record_property("growth_kib", {pid: after[pid][0] - before[pid][0] for pid in before})
    assert before.keys() == after.keys(), "processes come and go"
    for pid, (resident, open_files) in before.items():
        assert after[pid][1] == open_files, "descriptors leak"
        if "ASAN_OPTIONS" not in os.environ:        # its quarantine grows by design
            assert after[pid][0] - resident <= GROWTH_KIB, "memory grows"


def test_shells_opened_and_closed_leak_nothing(server, wait_until):
    def turn():
        assert server.execute("t-bash", "echo x").output == "x\n"
        server.call_tool("close_session", host="t-bash")
    for _ in range(3):
        turn()
    wait_until(lambda: len(server.workers()) == 1, "only the zygote is left")
    before = descriptors(server.process.pid)
    for _ in range(15):
        turn()
    wait_until(lambda: len(server.workers()) == 1, "only the zygote is left")
    wait_until(lambda: descriptors(server.process.pid) == before, "descriptors are back")
