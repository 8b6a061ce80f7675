"""Several identities on one machine: who a call comes in as is what it said, whatever was said before it."""
import itertools

import pytest

KEYS = ("A", "B", "D")


class Machine:
    """One sshd that tells each session with what it was authenticated, and a configuration with names for it."""

    def __init__(self, daemon, tmp_path):
        self.daemon = daemon
        self.keys = {name: daemon.add_key(f"id_{name}") for name in KEYS}
        self.public = {}
        for name, path in self.keys.items():
            with open(path + ".pub", encoding="utf-8") as file:
                self.public[file.read().split()[1]] = name
        place = f"  HostName {daemon.host}\n  Port {daemon.port}\n"
        self.config = tmp_path / "config"
        self.config.write_text("".join(
            f"Host {alias}\n{place}  User {user}\n  IdentityFile {key}\n"
            for alias, user, key in (("one", "t-bash", self.keys["D"]), ("two", "t-bash", self.keys["D"]),
                                     ("k1", "t-bash", self.keys["D"]), ("k2", "t-bash", self.keys["D"]),
                                     ("work", "t-bash", self.keys["A"]), ("home", "t-bash", self.keys["B"]),
                                     ("locked", "t-bash", "none"), ("other", "t-dash", self.keys["D"])))
            + f"Host *\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {daemon.known_hosts}\n"
              "  GlobalKnownHostsFile /dev/null\n")

    def who(self, server, host, **said):
        """(how, as whom), or None if it was refused."""
        result = server.execute(host, "cat $SSH_USER_AUTH; echo $USER", **said)
        if result.is_error:
            assert "refused" in result.text, result
            return None
        method, user = result.output.splitlines()
        return (self.public[method.split()[2]] if method.startswith("publickey") else method.split()[0]), user


@pytest.fixture
def machine(own_sshd, tmp_path):
    return Machine(own_sshd(extra="ExposeAuthInfo yes\nMaxStartups 200"), tmp_path)


def calls(machine):
    """What is said, and as whom it has to come in whenever it is said.

    No name is used both with and without credentials: the tests further down say what that means.
    """
    password = {"password": machine.daemon.password}
    return [
        ("one", {}, ("D", "t-bash")),
        ("two", {}, ("D", "t-bash")),
        ("k1", {"key_filename": machine.keys["A"]}, ("A", "t-bash")),
        ("k2", {"key_filename": machine.keys["A"]}, ("A", "t-bash")),
        ("k1", {"key_filename": machine.keys["B"]}, ("B", "t-bash")),
        ("work", {}, ("A", "t-bash")),
        ("home", {}, ("B", "t-bash")),
        ("locked", password, ("password", "t-bash")),
        ("locked", {"password": machine.daemon.password, "session": "again"}, ("password", "t-bash")),
        ("other", {}, ("D", "t-dash")),
        ("one", {"username": "t-dash"}, ("D", "t-dash")),
        ("t-dash@k2", {"key_filename": machine.keys["B"]}, ("B", "t-dash")),
    ]


@pytest.mark.parametrize("round", range(3))
def test_who_a_call_is_does_not_depend_on_the_calls_before_it(machine, start_server, seeded, round):
    server = start_server(config=machine.config)
    order = calls(machine) * 2
    seeded.shuffle(order)
    for host, said, expected in order:
        assert machine.who(server, host, **said) == expected, (host, said, [c[:2] for c in order])
    methods = [s["auth"] for s in server.call_tool("list_sessions").structured["sessions"]]
    for name in ("A", "B", "D"):
        assert any(f"id_{name}" in method for method in methods), methods
    assert any(method.startswith("password") for method in methods), methods


def test_what_means_the_same_shares_a_connection(machine, start_server):
    server = start_server(config=machine.config)
    for host, said in (("one", {}), ("two", {}), ("one", {"username": "t-bash"}), ("t-bash@two", {}), ("two", {"session": "x"})):
        assert machine.who(server, host, **said) == ("D", "t-bash")
    assert len(machine.daemon.connections()) == 1
    for host in ("one", "two"):
        assert machine.who(server, host, key_filename=machine.keys["A"]) == ("A", "t-bash")
    assert len(machine.daemon.connections()) == 2


def test_names_with_keys_of_their_own_never_share_one(machine, start_server):
    """Two accounts of one service, told apart by IdentityFile alone."""
    for first, second in itertools.permutations(("work", "home", "one"), 2):
        server = start_server(config=machine.config)
        server.execute(first, "mine=1")
        server.execute(second, "true")
        assert machine.who(server, second) != machine.who(server, first)
        assert server.execute(second, "echo [$mine]").output == "[]\n"


def test_a_call_without_credentials_by_another_name_gets_none(machine, start_server):
    """A password that was given for one name opens nothing for another, of the same machine and user."""
    server = start_server(config=machine.config)
    direct = f"t-bash@{machine.daemon.host}:{machine.daemon.port}"
    assert machine.who(server, "locked", password=machine.daemon.password) == ("password", "t-bash")
    assert machine.who(server, direct) is None
    assert machine.who(server, "one", key_filename=machine.keys["A"]) == ("A", "t-bash")
    assert machine.who(server, "two") == ("D", "t-bash")


def test_a_call_without_credentials_goes_on_in_the_session_of_its_name(machine, start_server):
    server = start_server(config=machine.config)
    assert machine.who(server, "locked") is None
    server.execute("locked", "kept=1", password=machine.daemon.password)
    assert server.execute("locked", "echo $kept").output == "1\n"
    assert machine.who(server, "locked", isolated=True) == ("password", "t-bash")
    assert machine.who(server, "locked", username="t-bash") is None      # another way to say it
    server.call_tool("close_session", host="locked")
    assert machine.who(server, "locked") is None                        # it was not kept


def test_with_two_sessions_of_a_name_no_credentials_means_none(machine, start_server):
    server = start_server(config=machine.config)
    for key in ("A", "B"):
        assert machine.who(server, "one", key_filename=machine.keys[key]) == (key, "t-bash")
    assert machine.who(server, "one") == ("D", "t-bash")
    ambiguous = server.call_tool("send_input_by_session", host="one", input_text="x")
    assert ambiguous.is_error and "3 open sessions match" in ambiguous.text, ambiguous
    assert server.call_tool("close_session", host="one").structured["closed"] == 3


def test_a_wrong_password_opens_no_session_of_another(machine, start_server):
    server = start_server(config=machine.config)
    assert machine.who(server, "locked", password=machine.daemon.password) == ("password", "t-bash")
    assert machine.who(server, "locked", password="wr0ng") is None
    assert machine.who(server, "locked", password=machine.daemon.password) == ("password", "t-bash")


def test_whose_state_was_lost_is_told_to_nobody_else(machine, start_server):
    server = start_server(config=machine.config)
    for key in ("A", "B"):
        server.execute("one", "x=1", key_filename=machine.keys[key])
    dead = server.execute("one", "kill -9 $PPID; sleep 100", key_filename=machine.keys["A"])
    assert dead.state == "lost"
    other = server.execute("one", "echo $x", key_filename=machine.keys["B"])
    assert other.output == "1\n" and not other.notes, other
    assert not server.execute("two", "true").notes
    back = server.execute("one", "echo [$x]", key_filename=machine.keys["A"])
    assert back.output == "[]\n" and any("lost" in note for note in back.notes), back
