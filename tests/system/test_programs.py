"""Real programs, driven to their purpose by tools only; the screen at each step, and in the end the host, say that it worked."""
import os
import subprocess
import time

import pytest

from conftest import wait_for_end
from support.sshd import which
from test_awaiting import asks, send, status
from test_screen import LIMIT, look, press, see

LAST = -1


def start(server, command, host="t-bash", timeout=LIMIT, needs=()):
    for program in (*needs, command.split()[0]):
        if which(program) is None:
            pytest.skip(f"no {program} here")
    return server.execute(host, command, timeout=timeout)


def ended(server, result):
    done = wait_for_end(server, result.command_id)
    assert (done.state, done.exit_status) == ("done", 0), done
    return done


def shows(*parts):
    return lambda screen: all(part in screen for part in parts)


def text_of(server, path, host="t-bash"):
    return server.execute(host, f"cat {path}").output


@pytest.fixture
def server(start_server):
    """With a place of its own, and nothing configured that changes how a program looks."""
    server = start_server("--pty-size", "100x30")
    server.execute("t-bash", "rm -rf place && mkdir place && cd place && export LESS= PAGER=less LC_ALL=C.UTF-8 EDITOR=nano VISUAL=")
    return server


def sleeper(server, seconds):
    """A process of the host that somebody is about to end."""
    return server.execute("t-bash", f"sleep {seconds} > /dev/null 2>&1 & echo $!").output.split()[-1]


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}") and "State:\tZ" not in open(f"/proc/{pid}/status", encoding="utf-8").read()


# ---- editors ----

def test_vim_edits_in_two_windows(server):
    server.execute("t-bash", "printf 'alpha = 1\\nbeta = 2\\ngamma = 3\\n' > a.txt; printf 'ünïcode 日本\\n' > b.txt")
    vim = start(server, "vim -u NONE -N -i NONE a.txt")
    screen = see(server, shows("gamma = 3", "a.txt"))
    assert screen.facts["alternate"] and screen.cursor == (0, 0) and screen.facts["awaiting"] == "program"
    screen = press(server, ":%s/ = /: /<enter>")
    assert screen.rows[:3] == ["alpha: 1", "beta: 2", "gamma: 3"]
    screen = press(server, "gg<ctrl-v>jjI- <esc>")
    see(server, lambda screen: screen.rows[:3] == ["- alpha: 1", "- beta: 2", "- gamma: 3"])
    screen = press(server, ":split b.txt<enter>")
    assert screen.rows[0] == "ünïcode 日本" and screen.cursor == (0, 0) and "b.txt" in screen
    screen = press(server, "A語x<esc>")
    see(server, lambda screen: screen.rows[0] == "ünïcode 日本語x" and screen.cursor == (14, 0))
    press(server, "yy<ctrl-w>wP:wqall<enter>")
    ended(server, vim)
    assert text_of(server, "a.txt b.txt") == "ünïcode 日本語x\n- alpha: 1\n- beta: 2\n- gamma: 3\nünïcode 日本語x\n"


def test_nano_searches_and_replaces(server):
    server.execute("t-bash", "seq 1 200 | sed 's/^/line /' > n.txt")
    nano = start(server, "nano --ignorercfiles n.txt")
    see(server, shows("GNU nano", "line 1", "^X Exit"))
    screen = press(server, "<ctrl-w>line 150<enter>")
    assert screen.rows[screen.cursor[1]] == "line 150", screen.text
    screen = press(server, "<ctrl-k><ctrl-k>new ")
    assert screen.rows[screen.cursor[1]] == "new line 152", screen.text
    press(server, "<ctrl-x>")
    see(server, shows("Save modified buffer?"))
    press(server, "y")
    see(server, shows("File Name to Write: n.txt"))
    assert press(server, "<enter>").facts["state"] == "done"
    ended(server, nano)
    assert server.execute("t-bash", "wc -l < n.txt; sed -n 149,151p n.txt").output == "198\nline 149\nnew line 152\nline 153\n"


@pytest.mark.parametrize("editor", ["nano", "vim"])
def test_git_commit_in_an_editor(server, editor):
    if which("git") is None:
        pytest.skip("no git here")
    server.execute("t-bash", "git init -q . && git config user.name T && git config user.email t@t && echo x > f && git add f")
    command = "nano --ignorercfiles" if editor == "nano" else "vim -u NONE -N -i NONE"
    commit = start(server, f"git -c core.editor='{command}' commit", needs=[editor])
    screen = see(server, shows("# Changes to be committed:", "new file:   f"))
    assert screen.facts["awaiting"] == "program" and screen.facts["alternate"]
    if editor == "nano":
        press(server, "The subject<enter*2>The body.<ctrl-x>y")
        see(server, shows("File Name to Write"))
        press(server, "<enter>")
    else:
        assert "The subject" in press(server, "iThe subject<enter*2>The body.<esc>")
        press(server, ":wq<enter>")
    done = ended(server, commit)
    assert "The subject" in done.text and "1 file changed" in done.text
    assert server.execute("t-bash", "git --no-pager log -1 --format=%B").output.strip() == "The subject\n\nThe body."


# ---- pagers ----

PAGE = """.TH SPECIMEN 1 2024-01-01 "tests" "Specimens"
.SH NAME
specimen \\- a page for a test
.SH OPTIONS
""" + "".join(f".TP\n.B \\-\\-number\\-{i}\nThe option number {i}.\n" for i in range(60))


def test_man_pages_and_searches(server):
    server.call_tool("execute_command", host="t-bash", command=f"cat > specimen.1 <<'END'\n{PAGE}END")
    man = start(server, "man ./specimen.1")
    screen = see(server, shows("SPECIMEN(1)", "specimen - a page for a test"))
    assert "Manual page" in screen.rows[LAST] and screen.facts["awaiting"] == "program"
    screen = press(server, "/number-40<enter>")
    assert screen.rows[0].strip() == "--number-40" and "option number 40" in screen.rows[1], screen.text
    assert "END" in press(server, "G").rows[LAST]
    press(server, "q")
    ended(server, man)


def test_less_follows_a_file_that_grows(server):
    server.execute("t-bash", "seq 1 100 > log")
    less = start(server, "less +F log", timeout=2)
    see(server, shows("100", "Waiting for data"))
    server.execute("t-bash", "echo appended >> place/log", session="other")
    see(server, shows("appended"))
    press(server, "<ctrl-c>")
    see(server, lambda screen: "Waiting for data" not in screen)
    screen = press(server, "?^50<enter>")
    assert screen.rows[0] == "50", screen.text
    press(server, "q")
    ended(server, less)


def test_psql_help_in_a_pager(server):
    psql = start(server, "psql --help=commands | less")
    see(server, shows("General"))
    screen = press(server, "/copyright<enter>")
    assert "\\copyright" in screen.rows[0], screen.text
    press(server, "q")
    ended(server, psql)


# ---- lists that move ----

def test_top_ends_a_process(server):
    pid = sleeper(server, 4242)
    top = start(server, f"top -d 1 -p {pid}", timeout=3)
    see(server, shows("load average", pid, "sleep"))
    press(server, "k")
    see(server, shows("PID to signal/kill"))
    press(server, pid + "<enter>")
    see(server, shows(f"Send pid {pid} signal"))
    press(server, "<enter>")
    see(server, lambda screen: not any(row.split()[:1] == [pid] for row in screen.rows))
    assert not is_alive(pid)
    press(server, "q")
    ended(server, top)


def test_htop_ends_a_process(server):
    pid = sleeper(server, 4343)
    htop = start(server, f"htop -d 5 -p {pid}", timeout=3)
    see(server, shows("sleep 4343", "F9", "Load average"))
    press(server, "<f9>")
    see(server, shows("Send signal:", "15 SIGTERM", "Cancel"))
    press(server, "<enter>")
    see(server, lambda screen: "sleep 4343" not in screen and "Send signal:" not in screen)
    assert not is_alive(pid)
    press(server, "<f10>")
    ended(server, htop)


def test_mc_copies_a_file_into_a_new_directory(server):
    server.execute("t-bash", "mkdir work && echo contents > work/file.txt && mkdir work/target")
    mc = start(server, "mc --nosubshell work work/target", timeout=5)
    see(server, shows("file.txt", "10Quit", "UP--DIR"))
    press(server, "<f7>")
    see(server, shows("Create a new Directory"))
    press(server, "made<enter>")
    see(server, shows("/made"))
    press(server, "<end><f5>")
    see(server, shows("Copy file \"file.txt\"", "to:"))
    press(server, "<enter>")
    see(server, lambda screen: "Copy file" not in screen and sum(row.count("file.txt") for row in screen.rows) >= 2)
    press(server, "<f10>")
    ended(server, mc)
    assert server.execute("t-bash", "cat work/target/file.txt; ls -d work/made").output == "contents\nwork/made\n"


# ---- programs with a prompt ----

def test_python3_defines_and_writes(server):
    python = start(server, "python3 -q")
    see(server, lambda screen: screen.rows[screen.cursor[1]] == ">>>")
    press(server, "def twice(x):<enter>    return 2 * x<enter><enter>twice('日本')<enter>")
    see(server, shows("'日本日本'"))
    press(server, "open('py.txt', 'w').write(str(twice(21)))<enter>")
    see(server, lambda screen: screen.facts.get("awaiting") == "program" and screen.rows[screen.cursor[1]] == ">>>")
    press(server, "1/<enter>")
    see(server, shows("SyntaxError"))
    press(server, "exit()<enter>")
    ended(server, python)
    assert text_of(server, "py.txt") == "42"


def test_sqlite3_makes_a_table(server):
    sqlite = start(server, "sqlite3 -box data.db")
    see(server, lambda screen: screen.rows[screen.cursor[1]] == "sqlite>")
    press(server, "create table t(a, b);<enter>")
    press(server, "insert into t values (1, 'one'),<enter>")
    see(server, shows("...>"))
    press(server, "(2, 'two');<enter>")
    press(server, "select * from t;<enter>")
    see(server, shows("│ 1 │ one │", "│ 2 │ two │", "└───┴─────┘"))
    press(server, ".quit<enter>")
    ended(server, sqlite)
    assert server.execute("t-bash", "sqlite3 data.db 'select sum(a) from t'").output == "3\n"


C_SOURCE = """#include <stdio.h>
int main(void)
{
        int count = 3;
        printf("count is %d\\n", count);
        return count;
}
"""


def test_gdb_stops_and_changes_a_variable(server):
    if which("gdb") is None or which("gcc") is None:
        pytest.skip("no gdb or no gcc here")
    server.call_tool("execute_command", host="t-bash", command=f"cat > count.c <<'END'\n{C_SOURCE}END\ngcc -g -O0 -o count count.c")
    gdb = start(server, "gdb -q -nx ./count")
    see(server, lambda screen: screen.rows[screen.cursor[1]] == "(gdb)")
    assert "Breakpoint 1 at" in str(press(server, "break 5<enter>").rows)
    press(server, "run<enter>", wait_s=20)
    see(server, lambda screen: "Breakpoint 1, main" in screen and screen.rows[screen.cursor[1]] == "(gdb)")
    assert "$1 = 3" in press(server, "print count<enter>").rows
    press(server, "set var count = 42<enter>")
    press(server, "layout src<enter>")
    screen = see(server, shows("int count = 3;", "(gdb)"))
    assert screen.facts["alternate"] and any(row.startswith("│") for row in screen.rows) and screen.rows[0].startswith("┌─"), screen.text
    press(server, "tui disable<enter>")
    see(server, lambda screen: not screen.facts["alternate"])
    press(server, "continue<enter>")
    see(server, shows("count is 42", "exited with code 052"))
    press(server, "quit<enter>")
    ended(server, gdb)


def test_bc_calculates(server):
    bc = start(server, "bc -q")
    assert bc.awaiting in ("line", "program")
    assert "1267650600228229401496703205376" in press(server, "2^100<enter>").rows
    assert "3.3333333333" in press(server, "scale=10; 10/3<enter>").rows
    press(server, "quit<enter>")
    ended(server, bc)


@pytest.mark.parametrize("program,prompt,local", [("ftp", "ftp>", "lpwd"), ("lftp", "lftp :~>", "lpwd")])
def test_an_ftp_client_without_a_server(server, program, prompt, local):
    client = start(server, program)
    see(server, lambda screen: screen.rows[screen.cursor[1]] == prompt)
    press(server, "lcd /usr<enter>")
    press(server, local + "<enter>")
    see(server, lambda screen: any("/usr" in row for row in screen.rows) and screen.rows[screen.cursor[1]].startswith(program))
    if program == "ftp":
        press(server, "open 127.0.0.1 1<enter>")
        see(server, shows("Connection refused"))
    press(server, "quit<enter>")
    done = wait_for_end(server, client.command_id)
    assert done.state == "done", done


# ---- programs that ask; some of them root only ----

@pytest.fixture(scope="module")
def root_sshd():
    if os.geteuid() != 0:
        pytest.skip("only root has a host where these may run")
    from support.root_sshd import RootSshd
    with RootSshd() as daemon:
        yield daemon


@pytest.fixture
def root(start_server, root_sshd):
    server = start_server("--pty-size", "100x30", config=root_sshd.ssh_config)
    server.execute("t-root", "export LC_ALL=C.UTF-8 LESS=; umask 022")
    return server


@pytest.fixture
def account(root_sshd):
    """A throw-away account of this machine."""
    name = f"mcpt{os.getpid()}"
    subprocess.run([which("useradd"), "--no-create-home", "--shell", "/bin/sh", name], check=True, capture_output=True)
    yield name
    if which("crontab"):
        subprocess.run([which("crontab"), "-u", name, "-r"], check=False, capture_output=True)
    subprocess.run([which("userdel"), name], check=True, capture_output=True)


def test_ssh_keygen_makes_a_key(root):
    keygen = asks(start(root, "ssh-keygen -t ed25519 -C a-comment -f key", "t-root"), "line", "password")
    assert "Enter passphrase" in look(root, "t-root").rows[look(root, "t-root").cursor[1]]
    send(root, keygen, "a long phrase\\n")
    see(root, shows("Enter same passphrase again"), "t-root")
    send(root, keygen, "another\\n")
    see(root, shows("do not match"), "t-root")
    for _ in range(2):
        asks(status(root, keygen), "line", "password")
        send(root, keygen, "a long phrase\\n")
    screen = see(root, shows("The key's randomart image is:", "+----[SHA256]-----+"), "t-root")
    assert "a long phrase" not in screen.text
    ended(root, keygen)
    assert "a-comment" in root.execute("t-root", "ssh-keygen -y -P 'a long phrase' -f key").output


def shadow(name):
    with open("/etc/shadow", encoding="utf-8") as file:
        return next(line.split(":")[1] for line in file if line.startswith(name + ":"))


def test_passwd_changes_the_password(root, account):
    before = shadow(account)
    passwd = asks(start(root, f"passwd {account}", "t-root"), "password")
    assert "New password:" in look(root, "t-root")
    send(root, passwd, "n3w-passw0rd-7\\n")
    see(root, shows("Retype new password:"), "t-root")
    send(root, asks(status(root, passwd), "password"), "n3w-passw0rd-7\\n")
    done = ended(root, passwd)
    assert "updated successfully" in done.text and "n3w-passw0rd" not in done.text + look(root, "t-root", scrollback=100).text
    assert shadow(account) != before and shadow(account).startswith("$")


def test_crontab_is_edited(root, account, wait_until):
    root.execute("t-root", "unset VISUAL; export EDITOR='nano --ignorercfiles'; cd /tmp")
    crontab = start(root, f"crontab -u {account} -e", "t-root", needs=["nano"])
    screen = see(root, shows("GNU nano", "# m h  dom mon dow   command"), "t-root")
    assert screen.facts["awaiting"] == "program"
    press(root, "<alt-/>", "t-root")
    began = time.time()         # it takes a file of the same second for one that was not changed
    wait_until(lambda: int(time.time()) > int(began), "the next second")
    press(root, "61 * * * * echo wrong<enter><ctrl-o>", "t-root")
    see(root, shows("File Name to Write"), "t-root")
    press(root, "<enter>", "t-root")
    press(root, "<ctrl-x>", "t-root")
    see(root, shows("bad minute", "Do you want to retry the same edit? (y/n)"), "t-root")
    asks(status(root, crontab), "line")
    press(root, "y<enter>", "t-root")
    see(root, shows("61 * * * * echo wrong"), "t-root")
    began = time.time()
    wait_until(lambda: int(time.time()) > int(began), "the next second")
    press(root, "<ctrl-w>echo wrong<enter><home><delete*2>5", "t-root")
    see(root, shows("5 * * * * echo wrong"), "t-root")
    press(root, "<ctrl-o><enter>", "t-root")
    press(root, "<ctrl-x>", "t-root")
    ended(root, crontab)
    listed = subprocess.run([which("crontab"), "-u", account, "-l"], check=True, capture_output=True).stdout.decode()
    assert "5 * * * * echo wrong" in listed.splitlines(), listed


# ---- a package that asks ----

PACKAGE = "mcp-ssh-session-specimen"
DEB = {
    "control": f"Package: {PACKAGE}\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@t>\nDepends: debconf\n"
               "Description: a package that asks\n It is removed at once.\n",
    "templates": f"Template: {PACKAGE}/port\nType: select\nChoices: 80, 443, 8080\nDefault: 443\nDescription: Port to listen on:\n One.\n\n"
                 f"Template: {PACKAGE}/name\nType: string\nDefault: nobody\nDescription: Name of the host:\n It is shown to all.\n\n"
                 f"Template: {PACKAGE}/sure\nType: boolean\nDefault: false\nDescription: Start it at once?\n Or later.\n",
    "config": f"#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\nfor q in port name sure; do db_input critical {PACKAGE}/$q || true; done\ndb_go\n",
    "postinst": f"#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\nfor q in port name sure; do db_get {PACKAGE}/$q; echo \"$q=$RET\" >> \"$ANSWERS\"; done\n",
    "postrm": "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\nif [ \"$1\" = purge ]; then db_purge; fi\n",
}


@pytest.fixture
def package(root_sshd, tmp_path):
    """The path of a package that is never left installed, and where its answers come."""
    for needed in ("dpkg-deb", "apt-get", "whiptail", "debconf"):
        if which(needed) is None:
            pytest.skip(f"no {needed} here")
    os.makedirs(tmp_path / "deb/DEBIAN")
    for name, text in DEB.items():
        file = tmp_path / "deb/DEBIAN" / name
        file.write_text(text.replace("$ANSWERS", str(tmp_path / "answers")), encoding="utf-8")
        file.chmod(0o644 if name in ("control", "templates") else 0o755)
    os.chmod(tmp_path / "deb", 0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tmp_path / "deb", tmp_path / "specimen.deb"], check=True, capture_output=True)
    yield tmp_path / "specimen.deb", tmp_path / "answers"
    subprocess.run(["dpkg", "--purge", PACKAGE], check=True, capture_output=True,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def test_apt_get_installs_a_package_that_asks(root, package):
    deb, answers = package
    root.execute("t-root", "export DEBIAN_FRONTEND=dialog")
    install = start(root, "apt-get -o DPkg::Lock::Timeout=60 -o Dpkg::Progress-Fancy=1 "
                          f"-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::sourcelist=/dev/null install -y {deb}", "t-root", timeout=60)
    assert install.awaiting == "program", install
    screen = see(root, shows("Package configuration", "Port to listen on:", "8080", "<Ok>"), "t-root")
    assert any(row.lstrip().startswith("┌") and row.rstrip().endswith("┐") for row in screen.rows), screen.text
    press(root, "<down><enter>", "t-root")
    see(root, shows("Name of the host:", "nobody"), "t-root")
    press(root, "<backspace*10>specimen<tab><enter>", "t-root")
    see(root, shows("Start it at once?", "<Yes>", "<No>"), "t-root")
    press(root, "<tab><left><enter>", "t-root")
    done = ended(root, install)
    assert "Setting up " + PACKAGE in done.text
    assert answers.read_text(encoding="utf-8") == "port=8080\nname=specimen\nsure=true\n"
    screen = see(root, lambda screen: screen.facts["at_prompt"] and not screen.facts["alternate"], "t-root")
    assert root.execute("t-root", "echo after").output == "after\n"
