#!/usr/bin/env python3
"""sshd - a throw-away sshd on a loopback port, with its own keys, users, homes and files.

    with Sshd() as sshd:
            subprocess.run(["ssh", "-F", sshd.ssh_config, "t-bash", "true"])

One login name per login shell (t-bash, t-dash, ...; see LOGINS). The names live in files that
libnss-wrapper shows to this sshd only: nothing under /etc is touched. Root gives every name a high
uid of its own; anyone else is all of them. All files stand in one temporary directory; stop()
removes it and ends every process that came from a login, also the ones that went to the background.

By hand: python3 tests/support/sshd.py [--json]   (stays until Ctrl-C)
"""
import argparse
import ctypes
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import rcfiles

HOST = "127.0.0.1"
FIRST_UID = 30001
PASSWORD = "correct horse"
# openssl passwd -6 -salt mcpsshsession 'correct horse'
PASSWORD_HASH = "$6$mcpsshsession$RYjcTLD691859ak74DIl/5ivljGXdwQQW09z/xawpp8R/5GlD/dpqBah3fiFJZnymOhKN6D5VfHoVCzEDS4.90"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
SHELLS = ("bash", "dash", "busybox", "ksh93", "mksh", "zsh")
READY_S = 10


def which(name):
    return shutil.which(name, path=SEARCH_PATH)


# login name -> (shell, files of the home). The busybox applet is chosen by the name it is called by.
LOGINS = {
    "t-bash": ("bash", {}),
    "t-dash": ("dash", {}),
    "t-busybox": ("ash", {}),
    "t-ksh93": ("ksh93", {}),
    "t-mksh": ("mksh", {}),
    "t-zsh": ("zsh", {}),
    "t-nologin": ("nologin", {}),
    "t-bashrc-loud": ("bash", {".bashrc": rcfiles.BASH_LOUD, ".profile": ". ~/.bashrc\n"}),
    "t-bashrc-theme": ("bash", {".bashrc": rcfiles.BASH_THEME, ".profile": ". ~/.bashrc\n"}),
    "t-zsh-theme": ("zsh", {".zshrc": rcfiles.ZSH_THEME}),
    "t-yash": ("yash", {}),
    "t-fish": ("fish", {}),
    "t-tcsh": ("tcsh", {}),
    "t-csh": ("bsd-csh", {}),
    "t-rbash": ("rbash", {}),
    "t-posh": ("posh", {}),
    "t-rc": ("rc", {}),
    "t-bash-old": ("bash", {".bash_profile": rcfiles.BASH_OLD}),
    "t-bash-posix": ("bash", {".profile": "set -o posix\nenable -n printf echo test\n"}),
    "t-bash-nolineedit": ("bash", {".profile": "set +o emacs +o vi\n"}),
    "t-zsh-star": ("zsh", {".zshrc": rcfiles.ZSH_STAR}),
    "t-zsh-vi": ("zsh", {".zshrc": rcfiles.ZSH_VI}),
    "t-zsh-instant": ("zsh", {".zshrc": rcfiles.ZSH_INSTANT}),
    "t-fish-theme": ("fish", {".config/fish/config.fish": rcfiles.FISH_THEME}),
    "t-tcsh-theme": ("tcsh", {".tcshrc": rcfiles.TCSH_THEME}),
    "t-bash-asks": ("bash", {".profile": rcfiles.ASKS}),
    "t-dash-asks": ("dash", {".profile": rcfiles.ASKS}),
    "t-csh-asks": ("bsd-csh", {".login": rcfiles.CSH_ASKS}),
    "t-tmux": ("bash", {".profile": "[ -t 0 ] && [ -z \"$TMUX\" ] && exec tmux -f /dev/null\n"}),
    "t-menu": (rcfiles.MENU, {}),
    "t-repl": ("python3", {}),
    "t-git-shell": ("git-shell", {}),
}


class User:
    def __init__(self, name, uid, home, shell):
        self.name, self.uid, self.home, self.shell = name, uid, home, shell


class SshdError(Exception):
    pass


def processes():
    """pid -> parent pid, of everything visible that is not a zombie."""
    table = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            if fields[0] != "Z":
                table[int(stat.split("/")[2])] = int(fields[1])
        except (OSError, IndexError, ValueError):
            continue
    return table


def descendants(root):
    table, found = processes(), []
    level = [root]
    while level:
        level = [pid for pid, parent in table.items() if parent in level]
        found += level
    return found


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def end_with_parent():
    """Between fork and exec: a test run that is killed takes its daemon with it (Linux)."""
    if sys.platform.startswith("linux"):
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def quiet_environment():
    """What ssh tools get: no agent, no display, no locale of the developer's."""
    return {"PATH": SEARCH_PATH, "HOME": os.path.expanduser("~"), "TERM": "xterm"}


class Sshd:
    def __init__(self, extra="", max_sessions=100, max_startups="100:30:200"):
        self.extra, self.max_sessions, self.max_startups = extra, max_sessions, max_startups
        self.token = uuid.uuid4().hex
        self.dir, self.process, self.port = None, None, None
        self.host, self.password, self.users = HOST, PASSWORD, {}

    # ---- life

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.dir = tempfile.mkdtemp(prefix="mcp-ssh-test-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        try:
            self._make_files()
            self._make_users()
            self.launch()
        except BaseException:
            self.stop()
            raise
        return self

    def launch(self):
        """Starts the daemon; after halt() on the same port with the same keys."""
        for _ in range(5):
            if self.port is None:
                self.port = free_port()
            self._write_configs()
            self.process = subprocess.Popen(
                [which("sshd") or "sshd", "-D", "-f", self._path("server/sshd_config"),
                 "-E", self.log],
                stdin=subprocess.DEVNULL, env=self._environment(), start_new_session=True,
                preexec_fn=end_with_parent)
            if self._wait_for_banner():
                return
            self.halt()
            self.port = None
        raise SshdError("sshd does not start:\n" + self.log_text())

    def halt(self):
        """Ends the daemon and everything that came from its logins; the files stay."""
        if self.process is not None:
            kill(self.process.pid, signal.SIGSTOP)   # no new connections while we collect
            for pid in descendants(self.process.pid):
                kill(pid)
            self.process.kill()
            self.process.wait()
            self.process = None
        self._kill_strays()

    def stop(self):
        self.halt()
        if self.dir is not None:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    # ---- what tests ask

    def ssh(self, login, command, *options, **kwargs):
        """Runs the OpenSSH client once. kwargs go to subprocess.run()."""
        argv = [which("ssh") or "ssh", "-F", self.ssh_config, "-o", "BatchMode=yes",
            *options, login, command]
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(argv, capture_output=True, env=quiet_environment(), check=False, **kwargs)

    def add_key(self, name, passphrase="", kind="ed25519", authorize=True, bits=None):
        """A new client key; returns the path of its private half."""
        path = self._path("client/" + name)
        keygen(path, passphrase, kind, bits)
        if authorize:
            with open(path + ".pub", encoding="utf-8") as public, \
                 open(self._path("server/authorized_keys"), "a", encoding="utf-8") as file:
                file.write(public.read())
        return path

    def connections(self):
        """The daemon's own children: one process per connection."""
        table = processes()
        return [pid for pid, parent in table.items() if parent == self.process.pid]

    def session_process(self, login):
        """The sshd processes that serve connections of this login, privileged one first."""
        return [pid for pid in descendants(self.process.pid)
            if cmdline(pid).startswith(f"sshd: {login}")]

    def public_host_key(self):
        with open(self._path("server/host_ed25519.pub"), encoding="utf-8") as file:
            return " ".join(file.read().split()[:2])

    def write_known_hosts(self, path, hosts=None, hashed=False, key=None):
        """A known_hosts file that knows this server (or says that it has another key)."""
        names = hosts or f"[{self.host}]:{self.port}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{names} {key or self.public_host_key()}\n")
        if hashed:
            subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
            os.remove(path + ".old")
        return path

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def facts(self):
        return {"host": self.host, "port": self.port, "password": self.password,
            "client_key": self.client_key, "known_hosts": self.known_hosts,
            "ssh_config": self.ssh_config, "dir": self.dir, "log": self.log,
            "pid": self.process.pid, "users": sorted(self.users)}

    # ---- making it

    def _path(self, name):
        return os.path.join(self.dir, name)

    def _make_files(self):
        for name, mode in (("server", 0o755), ("client", 0o700), ("homes", 0o755), ("bin", 0o755)):
            os.mkdir(self._path(name))
            os.chmod(self._path(name), mode)
        self.log = self._path("server/log")
        self.client_key = self._path("client/id_ed25519")
        self.known_hosts = self._path("client/known_hosts")
        self.ssh_config = self._path("client/config")
        keygen(self._path("server/host_ed25519"))
        keygen(self.client_key)
        shutil.copy(self.client_key + ".pub", self._path("server/authorized_keys"))
        if which("busybox"):
            os.symlink(which("busybox"), self._path("bin/ash"))

    def _program(self, name, shell):
        """The login program's path; one that begins with #! is a script of that name."""
        if shell == "ash":
            return self._path("bin/ash")
        if not shell.startswith("#!"):
            return which(shell)
        path = self._path("bin/" + name.removeprefix("t-"))
        with open(path, "w", encoding="utf-8") as out:
            out.write(shell)
        os.chmod(path, 0o755)
        return path

    def _make_users(self):
        is_root = os.geteuid() == 0
        passwd, group = [], []
        for number, (name, (shell, files)) in enumerate(LOGINS.items()):
            path = self._program(name, shell)
            if path is None or not os.path.exists(path):
                continue
            uid = FIRST_UID + number if is_root else os.getuid()
            gid = uid if is_root else os.getgid()
            home = self._path("homes/" + name)
            os.mkdir(home)
            for file, text in {**rcfiles.QUIET, **files}.items():
                os.makedirs(os.path.dirname(os.path.join(home, file)), exist_ok=True)
                with open(os.path.join(home, file), "w", encoding="utf-8") as out:
                    out.write(text)
            for folder, _, names in os.walk(home):
                for file in [folder] + [os.path.join(folder, name) for name in names]:
                    os.chown(file, uid, gid)
            os.chown(home, uid, gid)
            os.chmod(home, 0o700)
            self.users[name] = User(name, uid, home, path)
            passwd.append(f"{name}:{PASSWORD_HASH}:{uid}:{gid}:test:{home}:{path}")
            group.append(f"{name}:x:{gid}:")
        # sshd wants its own name for the separated process; root stays root.
        sshd = next((e for e in pwd.getpwall() if e.pw_name == "sshd"), None)
        passwd.append(f"sshd:*:{sshd.pw_uid if sshd else 65534}:65534::/run/sshd:/usr/sbin/nologin")
        passwd.append("root:*:0:0:root:/nonexistent:/usr/sbin/nologin")
        group += ["root:x:0:", f"tty:x:{terminal_group()}:", "nogroup:x:65534:"]
        for name, lines in (("passwd", passwd), ("group", group)):
            with open(self._path("server/" + name), "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
        if is_root and sys.platform.startswith("linux"):
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)

    def _environment(self):
        library = nss_wrapper()
        return {"PATH": SEARCH_PATH, "LD_PRELOAD": library,
            "NSS_WRAPPER_PASSWD": self._path("server/passwd"),
            "NSS_WRAPPER_GROUP": self._path("server/group")}

    def _write_configs(self):
        with open(self._path("server/sshd_config"), "w", encoding="utf-8") as file:
            file.write(f"""{self.extra}
ListenAddress {self.host}
Port {self.port}
HostKey {self._path("server/host_ed25519")}
PidFile none
AuthorizedKeysFile {self._path("server/authorized_keys")}
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin no
PrintMotd no
PrintLastLog no
MaxAuthTries 6
MaxSessions {self.max_sessions}
MaxStartups {self.max_startups}
LoginGraceTime 30
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv MCP_SSH_TEST={self.token}
""")
        self.write_known_hosts(self.known_hosts)
        with open(self.ssh_config, "w", encoding="utf-8") as file:
            for name in self.users:
                file.write(f"Host {name}\n  HostName {self.host}\n  Port {self.port}\n  User {name}\n")
            file.write(f"""Host *
  IdentityFile {self.client_key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {self.known_hosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
""")

    def _wait_for_banner(self):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return True
            except OSError:
                pass
            time.sleep(0.005)
        return False

    def _kill_strays(self):
        """What a login left in the background still carries our mark in its environment."""
        mark = f"MCP_SSH_TEST={self.token}".encode()
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    if mark in file.read():
                        kill(int(path.split("/")[2]))
            except OSError:
                continue


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def terminal_group():
    """The group a new terminal has: with this one, sshd needs no chown, which only root may do."""
    master, terminal = os.openpty()
    try:
        return os.fstat(terminal).st_gid
    finally:
        os.close(master)
        os.close(terminal)


def keygen(path, passphrase="", kind="ed25519", bits=None):
    subprocess.run([which("ssh-keygen") or "ssh-keygen", "-q", "-t", kind, "-N", passphrase,
            *(["-b", str(bits)] if bits else []), "-C", "throw-away", "-f", path],
            check=True, capture_output=True)


def nss_wrapper():
    for pattern in ("/usr/lib/*/libnss_wrapper.so", "/usr/lib64/libnss_wrapper.so",
            "/usr/lib/libnss_wrapper.so", "/usr/local/lib/libnss_wrapper.so"):
        for path in glob.glob(pattern):
            return path
    raise SshdError("libnss_wrapper.so is missing: run scripts/deps test")


def main():
    parser = argparse.ArgumentParser(description="a throw-away sshd; stays until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON line")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Sshd() as sshd:
        facts = sshd.facts()
        if options.json:
            print(json.dumps(facts), flush=True)
        else:
            for name, value in facts.items():
                print(f"{name:12} {' '.join(value) if isinstance(value, list) else value}")
            print(f"try: ssh -F {sshd.ssh_config} t-bash", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
