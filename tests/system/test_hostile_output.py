"""Whatever a host prints: nothing of it controls a terminal, nothing is answered but by the four answers, the session works on."""
import re
import unicodedata

import pytest

from conftest import wait_for_end
from support.hostile import HOSTILE
from test_screen import look, see

# Set to read whatever comes within 0.2 s: what was typed into the terminal, if anything was.
RECORDER = "stty raw -echo min 0 time 2; dd bs=200 count=1 2>/dev/null | od -An -c; stty sane"
DIRECTING = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2028\u2029\u2066\u2067\u2068\u2069")


def make_clean(home):
    with open(f"{home}/clean", "wb") as file:
        file.write(b"\x18\x1b\\\x1b[?1049l\x1bc")


def assert_no_controls(text):
    for character in text:
        assert character in "\n\t" or unicodedata.category(character) != "Cc", (character, text[:2000])


def assert_harmless(text):
    """On a screen nothing is that cannot be seen; an output is exact, and has what was printed."""
    assert_no_controls(text)
    assert not DIRECTING & set(text), text[:2000]


@pytest.mark.parametrize("raw", [False, True], ids=["in line mode", "in raw mode"])
def test_the_hostile_list(server, sshd, raw):
    home = sshd.users["t-bash"].home
    make_clean(home)
    server.execute("t-bash", "echo ready")
    look(server)        # from here on an emulator takes all of it
    for name, data in HOSTILE.items():
        with open(f"{home}/hostile", "wb") as file:
            file.write(data)
        if raw:
            done = server.execute("t-bash", f"stty raw -echo; cat hostile; {RECORDER}; cat clean", timeout=20)
        else:       # what is not answered while it runs is not later, either
            assert_no_controls(server.execute("t-bash", "cat hostile", timeout=20).text)
            done = server.execute("t-bash", f"{RECORDER}; cat clean", timeout=20)
        if done.state != "done":        # the recorder reads
            done = wait_for_end(server, done.command_id)
        assert done.exit_status == 0, (name, done)
        assert_no_controls(done.text)
        is_answered = raw and name == "dcs-tmux"    # what ends a string may be a question of its own
        assert is_answered or not re.search(r"(^| ) 033 ", done.text, re.M), (name, "arrived on the host", done.text[-500:])
        assert_harmless(look(server, scrollback=50).text)
        after = server.execute("t-bash", "echo after; (exit 3)")
        assert (after.output, after.exit_status) == ("after\n", 3), (name, after)


def test_a_screen_that_was_left_hostile_is_read(server, sshd):
    home = sshd.users["t-bash"].home
    make_clean(home)
    server.execute("t-bash", "echo ready")
    look(server)
    for name, data in HOSTILE.items():
        with open(f"{home}/hostile", "wb") as file:
            file.write(data)
        server.execute("t-bash", "cat hostile")
        assert_harmless(look(server, scrollback=50).text)
    server.execute("t-bash", "cat clean; echo clean")
    assert "clean" in see(server, lambda screen: screen.facts["at_prompt"])
