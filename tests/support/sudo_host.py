"""sudo_host - an sshd with real accounts, because sudo, being setuid, sees no other ones.

    with SudoHost() as host:
        host.name("plain")          # login name of an account, see ACCOUNTS
        host.answers("plain")       # what its sudo was given as a password, one by one

Throw-away accounts with names of their own, a file in /etc/sudoers.d and some in /etc/pam.d, all
removed by stop(). sudo's passwords are judged and written down by pam_ask.c, except for "unix".
"""
import os
import shutil
import subprocess
import uuid

from support.sshd import PASSWORD, PASSWORD_HASH, SEARCH_PATH, Sshd, User, which

ASK = "auth required {module} prompt={prompt} password={password} log={log}\n"
REST = "account required pam_permit.so\nsession required pam_permit.so\n"
ALL = "ALL=(ALL:ALL) ALL"
# account -> (shell, rule or None, sudoers defaults, prompts that its PAM service asks; None: the system's service)
ACCOUNTS = {
    "plain": ("bash", ALL, "timestamp_timeout=0", ["Password:~"]),
    "nopty": ("bash", ALL, "timestamp_timeout=0, !use_pty", ["Password:~"]),
    "dash": ("dash", ALL, "timestamp_timeout=0", ["Password:~"]),
    "zsh": ("zsh", ALL, "timestamp_timeout=0", ["Password:~"]),
    "unix": ("bash", ALL, "timestamp_timeout=0", None),
    "cached": ("bash", ALL, "timestamp_timeout=15", ["Password:~"]),
    "nopasswd": ("bash", "ALL=(ALL:ALL) NOPASSWD: ALL", "use_pty", ["Password:~"]),
    "nopasswd-nopty": ("bash", "ALL=(ALL:ALL) NOPASSWD: ALL", "!use_pty", ["Password:~"]),
    "noright": ("bash", None, "timestamp_timeout=0", ["Password:~"]),
    "feedback": ("bash", ALL, "timestamp_timeout=0, pwfeedback", ["Password:~"]),
    "requiretty": ("bash", ALL, "timestamp_timeout=0, requiretty", ["Password:~"]),
    "german": ("bash", ALL, "timestamp_timeout=0", ["Kennwort~für~alle:~"]),
    "ownprompt": ("bash", ALL, "timestamp_timeout=0, !passprompt_override", ["Kennwort~für~alle:~"]),
    "twice": ("bash", ALL, "timestamp_timeout=0", ["Password:~", "Code:~"]),
    "once": ("bash", ALL, "timestamp_timeout=0, passwd_tries=1", ["Password:~"]),
    "lecture": ("bash", ALL, "timestamp_timeout=0, lecture=always", ["Password:~"]),
}


def why_not():
    """Why there can be no such host here; None: there can."""
    if os.geteuid() != 0:
        return "needs root, to make accounts"
    missing = [name for name in ("sudo", "useradd", "usermod", "userdel", "cc") if which(name) is None]
    if missing or not os.path.isdir("/etc/sudoers.d"):
        return f"not here: {', '.join(missing) or '/etc/sudoers.d'}"
    return None


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, env={"PATH": SEARCH_PATH}, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)


class SudoHost(Sshd):
    def __init__(self, accounts=None, extra=""):
        super().__init__(extra=extra)
        self.token4 = uuid.uuid4().hex[:5]
        self.wanted = accounts or ACCOUNTS
        self.made, self.etc = [], []

    def name(self, account):
        return f"mcpt{self.token4}-{account}"

    def home(self, account):
        return self.users[self.name(account)].home

    def answers(self, account):
        try:
            with open(self._path(f"pam/{account}.log"), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def forget(self):
        """The logs of the passwords are empty again."""
        for account in self.wanted:
            if os.path.exists(self._path(f"pam/{account}.log")):
                os.remove(self._path(f"pam/{account}.log"))

    def stop(self):
        self.halt()
        for path in self.etc:
            if os.path.exists(path):
                os.remove(path)
        for name in self.made:
            subprocess.run(["userdel", name], capture_output=True, check=False, env={"PATH": SEARCH_PATH})
            shutil.rmtree(f"/run/sudo/ts/{name}", ignore_errors=True)
        self.made, self.etc = [], []
        super().stop()

    def _environment(self):
        return {"PATH": SEARCH_PATH}

    def _make_users(self):
        os.mkdir(self._path("pam"), mode=0o700)
        run("cc", "-shared", "-fPIC", "-o", self._path("pam/pam_ask.so"),
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "pam_ask.c"))
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        sudoers = []
        for account, (shell, rule, defaults, prompts) in self.wanted.items():
            if which(shell) is None:
                continue
            name, home = self.name(account), self._path("homes/" + account)
            run("useradd", "-d", home, "-m", "-k", "/nonexistent", "-s", which(shell), name)
            self.made.append(name)
            run("usermod", "-p", PASSWORD_HASH, name)
            self.users[name] = User(name, None, home, which(shell))
            if shell == "zsh":
                with open(os.path.join(home, ".zshrc"), "w", encoding="utf-8"):
                    pass
            if prompts is not None:
                defaults += f", pam_service={name}, pam_login_service={name}"
                self._write_etc(f"/etc/pam.d/{name}", 0o644, "".join(
                    ASK.format(module=self._path("pam/pam_ask.so"), prompt=prompt, log=self._path(f"pam/{account}.log"),
                               password=PASSWORD.replace(" ", "~")) for prompt in prompts) + REST)
            sudoers.append(f"Defaults:{name} {defaults}, !lecture" if "lecture" not in defaults else f"Defaults:{name} {defaults}")
            if rule is not None:
                sudoers.append(f"{name} {rule}")
        self._write_etc(f"/etc/sudoers.d/mcpt{self.token4}", 0o440, "\n".join(sudoers) + "\n")
        run("visudo", "-cq")

    def _write_etc(self, path, mode, text):
        self.etc.append(path)
        with open(path, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
