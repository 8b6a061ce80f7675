"""The screen is the one that tmux shows for the same bytes: recorded programs, and single sequences."""
import json
import os
import subprocess

import pytest

from support.sshd import which
from support.tmux import Tmux

RECORDINGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "recordings")
COLUMNS, ROWS = 80, 24
CUTS_MORE = 12          # besides those where the program had drawn all


with open(os.path.join(RECORDINGS, "cuts.json"), encoding="utf-8") as cuts_file:
    CUTS = json.load(cuts_file)


@pytest.fixture(scope="module")
def dump(binary):
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(binary))), "tests/recordings/screen-dump")

    def run(data, cuts, columns=COLUMNS, rows=ROWS):
        """At each cut: rows, and column, row, whether the alternate screen is shown."""
        lines = subprocess.run([path, str(columns), str(rows), *map(str, cuts)], input=data, check=True,
                               capture_output=True).stdout.decode().split("\n")
        screens = []
        for i in range(len(cuts)):
            head, *drawn = lines[i * (rows + 1):(i + 1) * (rows + 1)]
            x, y, alternate = head.removeprefix("cursor ").split()
            screens.append((drawn, (int(x), int(y), alternate == "1")))
        return screens
    return run


@pytest.fixture(scope="module")
def tmux():
    if which("tmux") is None:
        pytest.skip("no tmux here")
    with Tmux(COLUMNS, ROWS) as terminal:
        yield terminal


def more_cuts(data, cuts):
    """Some in between, each in front of an ESC that no unfinished sequence is before."""
    places = [at for at in range(1, len(data)) if data[at] == 0x1B and data[at - 1] not in b"\x1b\\"]
    return sorted({*cuts, *places[::max(1, len(places) // CUTS_MORE)]})


def compare(ours, theirs, where):
    differences = [f"row {y}: ours {a!r}\n{' ' * len(str(y))}    tmux  {b!r}"
                   for y, (a, b) in enumerate(zip(ours[0], theirs[0])) if a != b]
    if ours[1] != theirs[1]:
        differences.append(f"cursor: ours {ours[1]}, tmux {theirs[1]}")
    assert len(ours[0]) == len(theirs[0])
    assert not differences, f"{where}:\n" + "\n".join(differences)


@pytest.mark.parametrize("name", sorted(CUTS))
def test_a_recorded_program(dump, tmux, name):
    with open(os.path.join(RECORDINGS, name + ".bytes"), "rb") as file:
        data = file.read()
    cuts = more_cuts(data, CUTS[name])
    tmux.reset()
    at = 0
    for cut, screen in zip(cuts, dump(data, cuts)):
        tmux.feed(data[at:cut])
        at = cut
        compare(screen, (tmux.rows(), tmux.cursor()), f"{name}, {cut} bytes")


# ---- single sequences ----

FULL = "".join(f"\x1b[{i};1Hrow {i:2} " + "abcdefghij" * 7 for i in range(1, 25)) + "\x1b[10;20H"
CASES = {
    "wide characters": "日本語 한국어 ｆｕｌｌ\r\n|日|\r\nab\x1b[3;1H日本\x1b[3;2Hx\x1b[4;1H日本\x1b[4;3Hy",
    "emoji": "😀 🎉x\r\n🚀🚀|",
    "a wide character at the margin": "\x1b[1;79H日|\x1b[5;80H日|",
    "many marks": "x" + "\u0301" * 3 + "y\u0301\r\n" + "ก\u0e34\u0e48 क\u0947 日\u3099|\x1b[3;80He\u0301\x1b[4;1He\x1b[m\u0301z",
    "combining characters": "e\u0301 a\u0308 n\u0303|\r\no\u0302\u0323x",
    "line drawing": "\x1b(0lqqqk\r\nx   x\r\nmqqqj\x1b(B qx\r\n\x1b)0\x0elqk\x0fq\r\n\x1b(0`afgijtuvwnopqrsyz{|}~\x1b(B",
    "unicode line drawing": "┌─┐\r\n│ │\r\n└─┘ ╔═╗ ▒█▄▀",
    "a scroll region": FULL + "\x1b[5;10r\x1b[10;1H\n\n\nx\x1b[5;1H\x1bM\x1bMy\x1b[r\x1b[24;1H\nz",
    "scrolling a region by its number": FULL + "\x1b[5;10r\x1b[2S\x1b[3;8r\x1b[3T\x1b[r",
    "origin mode": FULL + "\x1b[5;10r\x1b[?6h\x1b[1;1Htop\x1b[99;1Hend\x1b[?6lhome",
    "a cursor outside the region": FULL + "\x1b[5;10r\x1b[20;1H\n\n\n\n\n\n\nx\x1b[2;1H\x1bM\x1bM\x1bMy",
    "up and down stop at the region": FULL + "\x1b[5;10r\x1b[7;3H\x1b[9Ax\x1b[9By\x1b[12;1H\x1b[99Bz",
    "insert and delete lines": FULL + "\x1b[1G\x1b[3L\x1b[15;1H\x1b[4Mx",
    "insert and delete lines in a region": FULL + "\x1b[8;12r\x1b[10;1H\x1b[2Lx\x1b[9;1H\x1b[My",
    "insert, delete and erase characters": FULL + "\x1b[5@x\x1b[12;10H\x1b[7P\x1b[13;10H\x1b[9Xy",
    "insert mode": FULL + "\x1b[4hinserted\x1b[4lover",
    "erase in line": FULL + "\x1b[K\x1b[11;20H\x1b[1K\x1b[12;20H\x1b[2Kx",
    "erase below": FULL + "\x1b[J",
    "erase above": FULL + "\x1b[1J",
    "erase all": FULL + "\x1b[2Jx",
    "repeat": "ab\x1b[5b|\x1b[3b\r\n-\x1b[100b\x1b(0\r\nq\x1b[9b\x1b(B",
    "nothing to repeat": "a\x1b[1;5H\x1b[3bx",
    "tabs": "a\tb\tc\r\n\x1b[3gx\ty\r\n\x1b[1;5H\x1bH\x1b[1;20H\x1bH\r\n\r\n\r1\t2\t3\t4",
    "tab stops are cleared one by one": "\x1b[1;9H\x1b[g\rx\ty\tz",
    "wrap pending": "x" * 80 + "\rz\x1b[4;1H" + "x" * 81 + "\x1b[6;1H" + "x" * 80 + "\n\ry",
    "wrap pending is kept": "\x1b[1;80Hx\x1b[my\x1b[3;80Hx\x1b[Ky\x1b[7;80Hx\ny",
    "wrap pending, saved": "\x1b[1;80Hx\x1b7\x1b[5;5H\x1b8y",
    "wrap pending, and the end of the screen": "\x1b[24;80Hxy\x1b[1;1Htop",
    "no wrap": "\x1b[?7l" + "x" * 90 + "y\r\n\x1b[?7hz",
    "a bell, a backspace and a return": "a\ab\bc\rd\r\n\b\be",
    "positions": "\x1b[5;5Ha\x1b[Gb\x1b[10Gc\x1b[3dd\x1b[15`e\x1b[2Ef\x1b[Fg\x1b[3;3fh\x1b[99;99Hk\x1b[H\x1b[0;0Hl",
    "index and reverse index": "\x1b[24;5Ha\x1bDb\x1bEc\x1b[1;5Hd\x1bMe",
    "save and restore the cursor": "\x1b[3;3H\x1b7\x1b[9;9Hx\x1b8y\x1b[5;5H\x1b[s\x1b[1;1Hz\x1b[uw",
    "restore what was never saved": "abc\x1b[5;5Hd\x1b8e",
    "the alternate screen": "before\x1b[5;5H\x1b[?1049hin\x1b[10;10Hside",
    "the alternate screen, left": FULL + "\x1b[?1049h\x1b[2J\x1b[Hinside\x1b[?1049lx",
    "the older alternate screen": FULL + "\x1b[?47h\x1b[2J\x1b[Hinside\x1b[?47lx",
    "the alternate screen, twice": FULL + "\x1b[?1049hone\x1b[?1049htwo\x1b[?1049lx\x1b[?1049ly",
    "a region in the alternate screen": FULL + "\x1b[?1049h\x1b[3;5r\x1b[5;1Ha\n\nb\x1b[r\x1b[?1049lx",
    "alignment test": "\x1b#8\x1b[3;3Hx",
    "reset": FULL + "\x1b[5;10r\x1b[?6h\x1b(0\x1bcqx",
    "scrolling up": "".join(f"line {i}\r\n" for i in range(40)),
    "colours": "\x1b[1;31mred\x1b[38;5;200mmore\x1b[38;2;1;2;3mrgb\x1b[48:2::1:2:3mcolon\x1b[4:3mcurly\x1b[58;5;3mline\x1b[mplain",
    "titles and other strings": "a\x1b]0;title\x07b\x1b]2;title\x1b\\c\x1bPdcs\x1b\\d\x1b_apc\x1b\\e\x1b^pm\x1b\\f\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "a long string": "a\x1b]52;c;" + "QUJD" * 3000 + "\x07b\x1bP" + "q" * 20000 + "\x1b\\c",
    "controls within a sequence": "a\x1b[3\r;5Hb\x1b[\n2Cc\x1b[5\x18Cd\x1b[5\x1b[2Ce",
    "what is unknown": "a\x1b[?2004hb\x1b[?1006h\x1b[>4;2mc\x1b[5 qd\x1b=e\x1b>f\x1b[?25l\x1b[?25hg\x1b[22;0;0th\x1b%Gi\x1b[?12;25hj\x1b[?2026hk",
    "control characters of Latin 1": "a\u0085b\u009b5Cc\u0084d",
    "ambiguous width": "±§°·×÷…–—‘’“”•€™←↑→↓⇒∞≠≤≥■□▲△○●★☆♠♥",
    "delete and nul": "a\x00b\x7fc",
    "lines with blanks": "  a  \r\n\tb\x1b[3;1H" + " " * 80 + "\x1b[4;1Hx" + " " * 79,
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_sequence(dump, tmux, case):
    data = CASES[case] if isinstance(CASES[case], bytes) else CASES[case].encode()
    tmux.reset()
    tmux.feed(data)
    compare(dump(data, [len(data)])[0], (tmux.rows(), tmux.cursor()), case)


# What tmux does otherwise than xterm and ECMA-48, whom we follow: the rows and the cursor that are right.
OTHERWISE = {
    "the cursor waits in the last column, not behind it": ("x" * 80 + "\x1b[6Dy", ["x" * 73 + "y" + "x" * 6], (74, 0)),
    "a tab in the last column stays there": ("\x1b[1;80Hx\ty", [" " * 79 + "y"], (79, 0)),
    "IL and DL go to the first column": ("abc\r\ndef\x1b[Lx\x1b[2;3H\x1b[My", ["abc", "yef"], (1, 1)),
    "IL below a region does nothing": ("a\x1b[2;4r\x1b[6;1Hb\r\x1b[Lc", ["a", "", "", "", "", "c"], (1, 5)),
    "CHT": ("\x1b[2Ix\x1b[3Iy\x1b[2Zz", [" " * 16 + "x" + " " * 15 + "z       y"], (33, 0)),
    "HPR and VPR": ("a\x1b[3ab\x1b[2ec", ["a   b", "", "     c"], (6, 2)),
    "LNM": ("\x1b[20ha\nb\x1b[20lc\nd", ["a", "bc", "  d"], (3, 2)),
    "DECSTR": ("\x1b[2;4r\x1b[4h\x1b[?6h\x1b[!p\x1b[6;1Hx\x1b[6;1Hy", ["", "", "", "", "", "y"], (1, 5)),
    "1048": ("ab\x1b[?1048h\x1b[5;5H\x1b[?1048lc", ["abc"], (3, 0)),
    "REP of a wide character": ("日\x1b[2b|", ["日日日|"], (7, 0)),
    "no UTF-8 is U+FFFD": (b"a\xff\xfeb\xc3(\xe2\x82c\xfcr|\xe4\x1b[mz", ["a\ufffd\ufffdb\ufffd(\ufffdc\ufffdr|\ufffdz"], (13, 0)),
    "what cannot be seen is left out": ("a\u200bb\u200dc\ufeffd\u202ee\u00adf\U000e0041g\ufe0fh", ["abcdefgh"], (8, 0)),
}


@pytest.mark.parametrize("case", sorted(OTHERWISE))
def test_a_sequence_that_tmux_takes_otherwise(dump, case):
    data, rows, cursor = OTHERWISE[case]
    data = data if isinstance(data, bytes) else data.encode()
    compare(dump(data, [len(data)])[0], (rows + [""] * (ROWS - len(rows)), (*cursor, False)), case)
