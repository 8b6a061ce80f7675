"""root_sshd - an sshd with one more login, t-root, that is root without being root's account.

For programs that only root may run on the host: apt-get, passwd, crontab -u. Its home, rc files and
keys are throw-away ones as everybody's.
"""
import os

from support import rcfiles
from support.sshd import PASSWORD_HASH, Sshd, User, which

LOGIN = "t-root"


class RootSshd(Sshd):
    def __init__(self):
        super().__init__(extra="PermitRootLogin yes")

    def _make_users(self):
        super()._make_users()
        home = self._path("homes/" + LOGIN)
        os.mkdir(home, 0o700)
        for file, text in rcfiles.QUIET.items():
            with open(os.path.join(home, file), "w", encoding="utf-8") as out:
                out.write(text)
        self.users[LOGIN] = User(LOGIN, 0, home, which("bash"))
        with open(self._path("server/passwd"), "a", encoding="utf-8") as out:
            out.write(f"{LOGIN}:{PASSWORD_HASH}:0:0:test:{home}:{which('bash')}\n")
