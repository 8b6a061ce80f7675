#!/usr/bin/env python3
"""bench - how fast and how large, beside OpenSSH and beside the least libssh can do; asserts no time.

tests/bench/bench.py BUILD_DIR       QUICK=1: a short run, good for seeing that all of it works

Four columns do the same work on the same throw-away sshd, taking turns in small portions, so that
what disturbs the machine disturbs all of them:
  server  mcp-ssh-session, from where its client sits      (client.c, mcp.c)
  loop    a minimal blocking libssh loop: the floor         (floor.c)
  ssh -S  the OpenSSH client over a ControlMaster          (process.c)
  ssh     the OpenSSH client, a connection each time       (process.c)
A result that is wrong ends the run. Memory is PSS, from /proc/PID/smaps_rollup.
"""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import rcfiles, sshd as support
from support.sshd import Sshd, descendants, quiet_environment

LOGIN = "t-bash"
MANY = "b"              # b1 to bN: logins for many connections at once
LINE = b"%07d the quick brown fox jumps over the lazy dog and 0123456789 then some.....\n"
MIB = 1 << 20
READY_S = 60
OUR_LINE = 150          # bytes that the server types for `true`, its marks and all


class Size:
    """How often. Portions are what one column does before it is the next one's turn."""
    def __init__(self, quick):
        self.starts = 10 if quick else 50
        self.rounds = 4 if quick else 20
        self.first = 1
        self.warm = 25 if quick else 100
        self.master = 5 if quick else 20
        self.oneshot = 1
        self.small_rounds = 2 if quick else 5
        self.large_rounds = 1 if quick else 3
        self.connections = 10 if quick else 50
        self.connection_rounds = 1 if quick else 2


class Program:
    """A bench program that takes orders; answers are lists of numbers."""
    def __init__(self, argv, environment):
        self.argv, self.order = argv, ""
        self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def post(self, *words):
        self.order = " ".join(str(word) for word in words)
        try:
            self.process.stdin.write(self.order + "\n")
        except BrokenPipeError:
            self.fail()

    def take(self):
        answer = self.process.stdout.readline()
        if not answer:
            self.fail()
        return [int(number) for number in answer.split()]

    def ask(self, *words):
        self.post(*words)
        return self.take()

    def fail(self):
        sys.exit(f"bench: {os.path.basename(self.argv[0])} failed at: {self.order}")


class Samples:
    """Microseconds by (what, column)."""
    def __init__(self):
        self.values = {}

    def add(self, what, column, numbers):
        self.values.setdefault((what, column), []).extend(numbers)

    def at(self, what, column, percent):
        """In milliseconds, by the nearest rank; None where nothing was measured."""
        numbers = sorted(self.values.get((what, column), []))
        if not numbers:
            return None
        return numbers[max(0, -(-len(numbers) * percent // 100) - 1)] / 1000


class Bench:
    def __init__(self, build, size):
        self.size, self.samples, self.memory = size, Samples(), {}
        self.build = os.path.abspath(build)
        self.server = [os.path.join(self.build, "src", "mcp-ssh-session")]
        self.sshd = None
        self.load_before = os.getloadavg()[0]

    def program(self, name):
        return os.path.join(self.build, "tests", "bench", "bench-" + name)

    def client(self):
        arguments = [] if self.sshd is None else ["--ssh-config", self.sshd.ssh_config]
        return Program([self.program("client"), *self.server, *arguments], self.environment)

    def floor_argv(self, login):
        return [self.program("floor"), self.sshd.host, str(self.sshd.port), login,
                self.sshd.client_key, self.sshd.known_hosts]

    def ssh(self, *words):
        return ["ssh", "-F", self.sshd.ssh_config, "-o", "BatchMode=yes", *words]

    def over_master(self, path, *words):
        return self.ssh("-S", path, *words)

    # ---- the steps

    def run(self, home):
        self.environment = {**quiet_environment(), "HOME": home}
        with Program([self.program("process")], self.environment) as self.process:
            say("process start, idle memory")
            self.measure_start()
            with many_logins(self.size.connections) as self.sshd:
                self.path_of = make_texts(self.sshd.dir)
                with Master(self, LOGIN, "cm") as master, self.client() as client, \
                     Program(self.floor_argv(LOGIN), self.environment) as floor:
                    self.measure_one_connection(client, floor, master)
                say(f"{self.size.connections} connections")
                self.measure_many()

    def measure_start(self):
        with self.client() as client:
            client.ask("start")         # the files are read: not counted
            for _ in range(self.size.starts):
                self.samples.add("start", "server", client.ask("start"))
                self.samples.add("start", "ssh",
                    self.process.ask("run", "ssh", "-T", "-F", "none", "-G", "host")[1:2])
                self.spin()
            supervisor = client.ask("open")[0]
            self.samples.add("ping", "server", client.ask("ping", 10 * self.size.warm))
            self.memory["idle"] = pss_with_children(supervisor)

    def measure_one_connection(self, client, floor, master):
        supervisor = client.ask("open")[0]
        client.ask("true", LOGIN, 5)
        say("first and warm commands")
        for _ in range(self.size.rounds):
            self.measure_first(client, floor)
            self.measure_warm(client, floor, master)
            self.spin()
        self.memory["one"] = pss_with_children(supervisor)
        for mib, rounds in ((8, self.size.small_rounds), (64, self.size.large_rounds)):
            say(f"{mib} MiB of output")
            for _ in range(rounds):
                self.measure_output(mib, client, floor, master)
                self.spin()
        client.ask("screen", LOGIN, "smcup")
        for _ in range(self.size.large_rounds):
            say("64 MiB of output while a screen is kept")
            self.samples.add("screen", "server", client.ask("output", LOGIN, self.path_of[64][0])[:1])
            self.spin()
        client.ask("screen", LOGIN, "rmcup")
        self.memory["after output"] = pss_with_children(supervisor)

    def measure_first(self, client, floor):
        for _ in range(self.size.first):
            self.samples.add("first", "server", client.ask("first", LOGIN))
            self.samples.add("first", "loop", floor.ask("first"))
            self.samples.add("first", "ssh", self.process.ask("run", *self.ssh(LOGIN, "true"))[1:2])

    def measure_warm(self, client, floor, master):
        self.samples.add("warm", "server", client.ask("true", LOGIN, self.size.warm))
        self.samples.add("warm", "loop", floor.ask("true", self.size.warm))
        self.samples.add("long line", "loop", floor.ask("padded", self.size.warm, OUR_LINE))
        self.samples.add("exec", "loop", floor.ask("exec", self.size.master))
        for _ in range(self.size.master):
            self.samples.add("warm", "ssh -S",
                self.process.ask("run", *self.over_master(master.path, LOGIN, "true"))[1:2])
        for _ in range(self.size.oneshot):
            self.samples.add("warm", "ssh", self.process.ask("run", *self.ssh(LOGIN, "true"))[1:2])

    def measure_output(self, mib, client, floor, master):
        path, lines = self.path_of[mib]
        what = f"{mib} MiB"
        elapsed, got = client.ask("output", LOGIN, path)
        if got != mib * MIB:
            sys.exit(f"bench: {got} bytes of output instead of {mib * MIB}")
        self.samples.add(what, "server", [elapsed])
        elapsed, got = floor.ask("output", path)
        self.samples.add(what, "loop", [elapsed])
        for column, argv in (("ssh -S", self.over_master(master.path, "-q", "-tt", LOGIN)),
                             ("ssh", self.ssh("-q", "-tt", LOGIN))):
            first, elapsed, got = self.process.ask("run", *argv, "cat", path)
            # LF comes as CR LF; but a master without a terminal of its own asks for none of that.
            if got not in (mib * MIB + lines, mib * MIB):
                sys.exit(f"bench: {column}: {got} bytes instead of {mib * MIB + lines}")
            self.samples.add(what, column, [elapsed])
            self.samples.add(what + " from the first byte", column, [elapsed - first])

    def measure_many(self):
        for _ in range(self.size.connection_rounds):
            self.measure_many_first()
        self.measure_many_warm()

    def measure_many_first(self):
        count = self.size.connections
        with self.client() as client:
            client.ask("open")
            self.samples.add("many first", "server", client.ask("all", MANY, count))
        self.samples.add("many first", "loop",
            self.process.ask("many", count, *self.floor_argv(MANY + "{}"), "first"))
        self.samples.add("many first", "ssh",
            self.process.ask("many", count, *self.ssh(MANY + "{}", "true")))

    def measure_many_warm(self):
        """Memory first, each column alone: the others would share its libraries."""
        count = self.size.connections
        logins = [f"{MANY}{number}" for number in range(1, count + 1)]
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(self.client())
            supervisor = client.ask("open")[0]
            client.ask("all", MANY, 1)
            self.memory["first of many"] = pss_with_children(supervisor)
            client.ask("all", MANY, count)
            self.memory["many"] = pss_with_children(supervisor)
            client.ask("close")
            with contextlib.ExitStack() as alone:
                floors = self.enter_floors(alone, logins)
                self.memory["many loops"] = pss_sum(floor.process.pid for floor in floors)
            masters = [stack.enter_context(Master(self, login, f"cm-{login}")) for login in logins]
            self.memory["many masters"] = pss_sum(master.process.pid for master in masters)
            floors = self.enter_floors(stack, logins)
            client.ask("open")
            client.ask("all", MANY, count)
            for _ in range(self.size.rounds):
                self.measure_all_at_once(client, floors)

    def enter_floors(self, stack, logins):
        floors = [stack.enter_context(Program(self.floor_argv(login), self.environment))
                  for login in logins]
        for floor in floors:
            floor.ask("true", 1)        # it has logged in
        return floors

    def measure_all_at_once(self, client, floors):
        count = len(floors)
        self.samples.add("many warm", "server", client.ask("all", MANY, count))
        start = time.perf_counter()     # the orders cost some microseconds each: counted as theirs
        for floor in floors:
            floor.post("true", 1)
        for floor in floors:
            floor.take()
        self.samples.add("many warm", "loop", [(time.perf_counter() - start) * 1e6])
        path = os.path.join(self.sshd.dir, "client", f"cm-{MANY}{{}}")
        self.samples.add("many warm", "ssh -S",
            self.process.ask("many", count, *self.over_master(path, MANY + "{}", "true")))

    def spin(self):
        self.samples.add("spin", "machine", self.process.ask("spin"))


class Master:
    """A ControlMaster in the foreground of its own process."""
    def __init__(self, bench, login, name):
        self.path = os.path.join(bench.sshd.dir, "client", name)
        self.process = subprocess.Popen(bench.ssh("-q", "-N", "-M", "-S", self.path, login),
                                        env=bench.environment, stdin=subprocess.DEVNULL)

    def __enter__(self):
        deadline = time.monotonic() + READY_S
        while not os.path.exists(self.path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("bench: no ControlMaster")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def many_logins(count):
    for number in range(1, count + 1):
        support.LOGINS[f"{MANY}{number}"] = ("bash", rcfiles.QUIET)
    return Sshd(max_startups="1000")


def make_texts(folder):
    """MiB -> (path, lines) of a text that any login may read: no command's speed is measured with it."""
    paths = {}
    for mib in (8, 64):
        path = os.path.join(folder, f"text-{mib}")
        with open(path, "wb") as file:
            lines = mib * MIB // len(LINE % 0)
            file.write(b"".join(LINE % number for number in range(lines)))
            rest = mib * MIB - file.tell()
            file.write(b"." * (rest - 1) + b"\n" if rest else b"")
        os.chmod(path, 0o644)
        paths[mib] = path, lines + (1 if rest else 0)
    return paths


def pss(pid):
    """In bytes; None where the system does not tell."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def pss_sum(pids):
    parts = [pss(pid) for pid in pids]
    return None if None in parts else sum(parts)


def pss_with_children(pid):
    return pss_sum([pid, *descendants(pid)])


def say(text):
    if sys.stderr.isatty():
        print(f"bench: {text} ...", file=sys.stderr, flush=True)


# ---- the table

COLUMNS = ("server", "loop", "ssh -S", "ssh")


def figure(value, unit):
    if value is None:
        return "-"
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def ratio(value, other):
    return "-" if value is None or not other else f"{value / other:.2f}"


def verdict(value, limit):
    """Words, not a judgement: a busy machine misses, too."""
    return "-" if value is None or limit is None else "met" if value <= limit else "missed"


class Table:
    def __init__(self):
        self.rows = [("", *COLUMNS, "/ loop", "/ ssh -S", "/ ssh", "target", "")]

    def add(self, name, values, unit="ms", target=("", "")):
        server, loop, master, oneshot = values
        self.rows.append((name, *(figure(value, unit) for value in values), ratio(server, loop),
                          ratio(server, master), ratio(server, oneshot), *target))

    def __str__(self):
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) if i in (0, 8) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in self.rows)


def times_table(bench):
    table, at = Table(), bench.samples.at

    def add(name, what, percent, target=("", "")):
        table.add(name, [at(what, column, percent) for column in COLUMNS], target=target)

    add("start until initialize is answered (ssh: -G)", "start", 50,
        ("<= 20 ms", verdict(at("start", "server", 50), 20)))
    add("  p95", "start", 95)
    add("ping, no host involved", "ping", 50)
    add("first command: connect, shell, true", "first", 50)
    add("  p95", "first", 95)
    p50, loop, master = (at("warm", column, 50) for column in COLUMNS[:3])
    add("warm true", "warm", 50, ("<= 2 x loop", verdict(p50, 2 * loop)))
    table.rows.append(("", *[""] * 7, "< ssh -S", verdict(p50, master)))
    add("  p95", "warm", 95)
    add("  p99", "warm", 99)
    add(f"  the loop, typing {OUR_LINE} bytes as the server does", "long line", 50)
    add("  the loop, on an exec channel each", "exec", 50)
    for mib in (8, 64):
        what = f"{mib} MiB"
        add(f"{what} of output (ssh: -tt)", what, 50)
        rest = [at(what, "server", 50), at(what, "loop", 50),
                *(at(what + " from the first byte", column, 50) for column in COLUMNS[2:])]
        target = ("", "") if mib == 8 else ("rate >= 0.7 of ssh -tt", verdict(rest[0], rest[3] / 0.7))
        table.add("  ssh counted from its first byte on", rest, target=target)
    add("64 MiB of output while a screen is kept", "screen", 50)
    count = bench.size.connections
    add(f"{count} at once: connect, shell, true", "many first", 50)
    add(f"{count} at once: warm true", "many warm", 50)
    return table


def memory_table(bench):
    table, memory, count = Table(), bench.memory, bench.size.connections

    def mib(value):
        return None if value is None else value / MIB

    def each(more, less, number):
        return None if None in (more, less) else (more - less) / number / MIB

    idle = mib(memory["idle"])
    table.add("PSS idle: supervisor and zygote", [idle, None, None, None], "MiB",
              ("<= 6 MB", verdict(idle, 6e6 / MIB)))
    further = each(memory["many"], memory["first of many"], count - 1)
    table.add(f"PSS per further connection, of {count}",
              [further, each(memory["many loops"], 0, count),
               each(memory["many masters"], 0, count), None], "MiB",
              ("<= 1 MB", verdict(further, 1e6 / MIB)))
    table.add("PSS with one connection, warm", [mib(memory["one"]), None, None, None], "MiB")
    table.add("  after all the output", [mib(memory["after output"]), None, None, None], "MiB")
    return table


def report(bench):
    table = times_table(bench)
    table.rows += memory_table(bench).rows[1:]
    print(table)
    spin = [bench.samples.at("spin", "machine", percent) for percent in (1, 50, 95)]
    print(f"\nMedians where nothing else is said; {bench.size.warm * bench.size.rounds} warm commands, "
          f"{bench.size.starts} starts, {bench.size.large_rounds} times 64 MiB. Load "
          f"{bench.load_before:.1f} before, {os.getloadavg()[0]:.1f} after, on "
          f"{os.cpu_count()} processors.\n"
          f"Noise: a loop that is always the same took {spin[0]:.1f} ms at best, {spin[1]:.1f} in the "
          f"middle, {spin[2]:.1f} at p95.")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/bench/bench.py BUILD_DIR   (QUICK=1: a short run)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # all that was started ends, too
    bench = Bench(sys.argv[1], Size(quick=os.environ.get("QUICK", "0") not in ("", "0")))
    with tempfile.TemporaryDirectory(prefix="mcp-ssh-bench-") as home:
        bench.run(home)
    report(bench)


if __name__ == "__main__":
    main()
