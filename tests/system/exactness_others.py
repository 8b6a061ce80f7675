"""exactness_others - the exactness list for the shells whose language is another: fish, tcsh, csh.

What each command prints is stated here, since `ssh host command` runs csh without a terminal, where
it behaves differently (no jobs, comments). The cases of a shell run in this order in one session.
"""
from exactness_cases import CLEAN, JOB, JOBS, STATE, TTY, Case, any_failure, anything, pattern

OWN = "the shell's own language"


def case(name, command, output="", status=0, reason=OWN, **options):
    return Case(name, command, output, status, reason, **options)


# What these three read the same way.
COMMON = [
    case("true", "true"),
    case("false", "false", status=1),
    case("echo", "echo hello", "hello\n"),
    case("no_final_newline", "printf 'no newline'", "no newline"),
    case("comment_after_command", "true # x"),
    case("child_status", "sh -c 'exit 42'", status=42),
    case("not_executable", "/etc/passwd", pattern(r".*(?i:permission denied|not an executable).*"),
         any_failure),
    case("two_streams_in_order", "sh -c 'echo out; echo err >&2; echo out again'", "out\nerr\nout again\n"),
    case("several_lines", "echo one\necho two\n\necho three\n", "one\ntwo\nthree\n"),
    case("blanks_around", "\n\n   echo spaced   \n\n", "spaced\n"),
    case("quotes_mixed", "echo 'say \"hi\"' \"it's\"", "say \"hi\" it's\n"),
    case("percent", "printf '%s\\n' '100%' '%s%d'", "100%\n%s%d\n"),
    case("tab_in_text", "printf '%s\\n' 'a\tb\t\tc'", "a\tb\t\tc\n"),
    case("utf8", "echo 'äöü ß 日本語 🎉 é'", "äöü ß 日本語 🎉 é\n"),
    case("control_characters", "printf '%s' 'a\x01b\x7fc' | od -An -c", " " * 3 + "a 001   b 177   c\n"),
    case("pipeline", "printf 'b\\na\\n' | sort", "a\nb\n"),
    case("redirected_file", "ls /no/such >&/dev/null", status=2, shells=("tcsh", "csh")),
    case("script_of_300_lines", "\n".join(f"echo line {n}" for n in range(300)),
         "".join(f"line {n}\n" for n in range(300))),
    case("many_words_20_kb", "echo" + " words of it" * 1600 + " | wc -c", pattern(r" *19200\n"), shells=("tcsh", "fish")),
    case("stdin_is_the_terminal", "test -t 0 && test -t 1 && test -t 2 && echo tty", "tty\n", reason=TTY),
    case("carriage_return", r"printf 'abc\rX\n'", "Xbc\n", reason=CLEAN),
    case("colours", r"printf '\033[1;31mred\033[0m plain\n'", "red plain\n", reason=CLEAN),
    case("title", r"printf '\033]0;a title\007text\n'", "text\n", reason=CLEAN),
    case("mark_like", r"printf '\033]7723;E;abcdefghijklmnopqrstuv;0;x\007in\n'", "in\n", reason=CLEAN),
    case("invalid_utf8", r"printf 'a\377b\n'", "a\ufffdb\n", reason=CLEAN),
    case("line_of_200_kb", "head -c 199999 /dev/zero | tr '\\0' x", "x" * 199999),
    case("lines_5000", "seq 5000", "".join(f"{n}\n" for n in range(1, 5001))),
    case("silence", "sleep 2; echo late", "late\n"),
    case("prompts", r"printf 'user@host:~$ \n> \n>>> \nPassword: '", "user@host:~$ \n> \n>>> \nPassword: "),
    case("child_killed_by_term", "sh -c 'kill -TERM $$'",
         pattern(r"([^\n]*(Terminated|terminated|SIGTERM)[^\n]*\n)?"), 143),
    case("child_killed_by_kill", "sh -c 'kill -9 $$'", pattern(r"([^\n]*(Killed|SIGKILL)[^\n]*\n)?"), 137),
    case("cd", "cd /usr"),
    case("cd_lasts", "pwd", "/usr\n", reason=STATE, undo="cd"),
    case("status_set", "sh -c 'exit 9'", status=9, look_after=False),
    case("status_lasts", "echo $status", "9\n", reason=STATE),
    case("echo_off", "stty -echo; echo quiet", "quiet\n", reason=TTY),
    case("under_echo_off", "echo ok", "ok\n", reason=TTY, undo="stty echo"),
    case("raw_and_back", "stty raw; echo raw; stty sane", pattern(r"raw\n"), reason=TTY),
    case("alternate_screen", r"printf '\033[?1049hx\033[?1049l\n'", pattern(r"x?\n"), reason=CLEAN),
]

THE_END = [
    case("exit_3", "exit 3", pattern(r"(% )?((logout|exit)\n)?"), 3, "a login shell may say goodbye, csh prompts once more", ends_shell=True),
    case("exec_false", "echo before; exec false", "before\n", 1, ends_shell=True),
]

FISH = COMMON + [
    case("comment_alone", "# nothing at all"),
    case("empty", "printf ''"),
    case("not_found", "no_such_command_xyz", pattern(r".*no_such_command_xyz.*"), 127),
    case("cd_to_nowhere", "cd /no/such/place", pattern(r".*/no/such/place.*"), 1),
    case("stderr_redirected", "echo a 2>/dev/null; ls /no/such 2>/dev/null", "a\n", 2),
    case("backslashes", r"""printf '%s\n' 'a\\b' "x\\y" z\\ 'it\'s'""", "a\\b\nx\\y\nz\\\nit's\n"),
    case("history_words", "echo '!!' !x ^a^b", "!! !x ^a^b\n"),
    case("substitution", "echo (echo one) (printf 'two\\nthree')", "one two three\n"),
    case("for_loop", "for i in 1 2 3\n\tprintf '%s,' $i\nend; echo", "1,2,3,\n"),
    case("if_block", "if test 1 -eq 1\n  echo yes\nelse\n  echo no\nend", "yes\n"),
    case("switch", "switch abc\ncase 'a*'\n  echo begins\ncase '*'\n  echo other\nend", "begins\n"),
    case("block_in_pipe", "begin; echo b; echo a; end | sort", "a\nb\n"),
    case("newline_in_quotes", 'echo "a\nb\n\nc"', "a\nb\n\nc\n"),
    case("function_defined", "function f_x; echo \"in f $argv[1]\"; return 5; end; f_x arg", "in f arg\n", 5),
    case("function_lasts", "f_x again", "in f again\n", 5, STATE),
    case("variable_set", "set -g kept 'a  b'; set -gx kept2 y"),
    case("variable_lasts", "echo \"$kept|\"(sh -c 'echo $kept2')", "a  b|y\n", 0, STATE),
    case("math", "math 6 x 7", "42\n"),
    case("alias_lasts", "alias greet_x 'echo hi'; greet_x", "hi\n", undo="functions -e greet_x"),
    case("open_quote", "echo 'un", pattern(r"(?s).*quotes are not balanced.*"), 123),
    case("parentheses", "echo )(", pattern(r"(?s).*Unexpected.*"), 123),
    case("open_block", "if true; echo x", pattern(r"(?s).*Missing end.*"), 123),
    case("command_of_100_kb", "printf '%s' '" + "0123456789" * 10000 + "' | wc -c", pattern(r" *100000\n")),
    case("utf8_20_kb", "printf '%s' '" + "ä日" * 4000 + "' | wc -c", pattern(r" *20000\n")),
    case("background_job", "sleep 0.1 &; wait", pattern(r"\n?[^\n]*has ended\n"), reason=JOBS),
    case("prompt_changed", "function fish_prompt; printf 'weird\\n> '; end"),
    case("under_prompt", "echo ok; sh -c 'exit 3'", "ok\n", 3),
    case("printf_replaced", "function printf; end"),
    case("under_replaced_printf", "echo ok", "ok\n", undo="functions -e printf"),
    case("vi_keys", "fish_vi_key_bindings"),
    case("under_vi_keys", "echo ok", "ok\n", undo="fish_default_key_bindings"),
    case("read_from_pipe", "echo data | read v; echo got $v", "got data\n"),
    case("kill_self", "kill -9 $fish_pid", "", None, ends_shell=True, signal="KILL"),
] + THE_END

NOWHERE = pattern(r"/no/such/place: (No such file or directory|Permission denied)\.\n")

CSH = COMMON + [
    case("not_found", "no_such_command_xyz", "no_such_command_xyz: Command not found.\n", 1),
    case("cd_to_nowhere", "cd /no/such/place", NOWHERE, 1),
    case("undefined_variable", "echo $undefined_xyz", "undefined_xyz: Undefined variable.\n", 1),
    case("backslashes", r"""printf '%s\n' 'a\b' "x\y" z\\""", "a\\b\nx\\y\nz\\\n"),
    case("history_escaped", "echo 'hi\\!' \\!\\! 'a\\!b'", "hi! !! a!b\n"),
    case("substitution", "echo `echo one` `printf two`", "one two\n"),
    case("foreach", "foreach i (1 2 3)\n\tprintf '%s,' $i\nend", "1,2,3,"),
    case("if_then", "if (1 == 1) then\n  echo yes\nelse\n  echo no\nendif", "yes\n"),
    case("switch", "switch (abc)\ncase a*:\n  echo begins\n  breaksw\ndefault:\n  echo other\nendsw", pattern(r"begins\n(\? )?"),
         reason="csh prompts for the lines that it skips"),
    case("while_loop", "set n = 0\nwhile ($n < 3)\n  echo $n\n  @ n++\nend", pattern(r"0\n1\n2\n.*"), anything,
         "eval makes one round too many: docs/shells.md"),
    case("newline_in_quotes", "printf '%s\\n' 'a\\\nb'", "a\nb\n"),
    case("here_document", "cat << EOF\nhello\n  two\nEOF", "hello\n  two\n"),
    case("here_document_200_lines", "cat << EOF\n" + "".join(f"{n}\tzeile ä {n}\n" for n in range(200)) + "EOF",
         "".join(f"{n}\tzeile ä {n}\n" for n in range(200))),
    case("variable_set", "set kept = 'a  b'; setenv kept2 y"),
    case("variable_lasts", "echo \"$kept|`sh -c 'echo $kept2'`\"", "a  b|y\n", 0, STATE),
    case("arithmetic", "@ x = 6 * 7; echo $x", "42\n"),
    case("alias_lasts", "alias greet_x 'echo hi \\!*'"),
    case("alias_used", "greet_x you", "hi you\n", undo="unalias greet_x"),
    case("printf_aliased", "alias printf 'echo aliased'"),
    case("under_aliased_printf", "echo ok", "ok\n", undo="unalias printf"),
    case("open_quote", "echo 'un", pattern(r"Unmatched '+\.\n"), 1),
    case("parentheses", "echo )(", "Too many )'s.\n", 1),
    case("globs", "cd /; echo /bi[n] /usr/bi*; cd", "/bin /usr/bin\n"),
    case("no_match", "ls /no_such_*", pattern(r"ls: No match\.\n"), 1),
    case("braces", "echo {a,b}{1,2}", "a1 a2 b1 b2\n"),
    case("background_job", "sleep 0.1 &", pattern(JOB), reason=JOBS, undo="wait"),
    case("prompt_changed", "set prompt = 'weird> '"),
    case("under_prompt", "echo ok; sh -c 'exit 3'", "ok\n", 3),
    case("error_under_prompt", "cd /no/such/place", NOWHERE, 1),
    case("no_clobber", "set noclobber"),
    case("under_no_clobber", "echo ok", "ok\n", undo="unset noclobber"),
    case("kill_self", "kill -9 $$", "", None, ends_shell=True, signal="KILL"),
] + THE_END

# tcsh alone: its eval goes on after an error, and redirects its builtins.
TCSH = CSH + [
    case("history_character", "set histchars = '@'"),
    case("under_history_character", "printf '%s\\n' '!x' 'y!'", "!x\ny!\n", undo="unset histchars"),
    case("builtin_redirected", "echo two | sed s/two/2/", "2\n"),
]

OTHERS = {"fish": FISH, "tcsh": TCSH, "csh": CSH}
