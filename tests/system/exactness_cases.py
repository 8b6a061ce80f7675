"""exactness_cases - commands whose output and exit status have to be right in every shell.

A case without an expectation of its own is compared with `ssh host command`. Where an interactive
shell rightly differs from `sh -c`, the case states what is expected and why. The cases of a shell
run in this order in one session; `undo` puts back what a case left behind.
"""
import re
from dataclasses import dataclass

ALL = ("bash", "dash", "busybox", "ksh93", "mksh", "zsh", "yash")
NO_GLOB = ("bash", "dash", "busybox", "ksh93", "mksh", "yash")     # zsh -f is another option
BYTES = ("bash", "dash", "busybox", "ksh93", "mksh", "zsh")    # yash has only ASCII in the C locale
NOT_POSIX = ("bash", "ksh93", "mksh", "zsh")


def any_failure(status):
    return status is not None and status != 0


def failure_or_unknown(status):
    return status is None or status != 0


def anything(_):
    return True


@dataclass
class Case:
    name: str
    command: str
    output: object = None       # text, or a compiled pattern for all of it; None: what ssh gives
    status: object = "ssh"      # number, None (unknown) or a predicate; "ssh": what ssh gives
    reason: str = ""            # why it is not what ssh gives
    shells: tuple = ALL
    undo: str = ""              # run afterwards, its result is not looked at
    ends_shell: bool = False    # the shell is gone afterwards; the next command opens a new one
    signal: str = None          # the signal that ended it
    look_after: bool = True     # see with `echo ok` that the session still works
    asks_ssh: bool = True

    def __post_init__(self):
        self.asks_ssh = self.output is None or self.status == "ssh"


def pattern(text):
    return re.compile(text, re.S)


SYNTAX = pattern(r".*(?i:syntax|unexpected|unmatched|unterminated|quote|parse).*")
PREFIX = "an interactive shell names itself differently in front of its message"
EVAL = "the message and the status are eval's, not -c's"
STATE = "state of a persistent shell; ssh has none"
TTY = "output goes through a terminal"
CLEAN = "control sequences are taken out, overwriting is resolved"
JOBS = "an interactive shell announces jobs"
SIGNALLED = "the shell reports 128+n and may say so; ssh reports the signal"
# What interactive shells say about a background job, when they start it and when it is done.
JOB = r"(\[\d+\][^\n]*\n)*"

CASES = [
    # ---- the ordinary
    Case("true", "true"),
    Case("false", "false"),
    Case("echo", "echo hello"),
    Case("no_final_newline", "printf 'no newline'"),
    Case("empty_output", "printf ''"),
    Case("comment_after_command", "true # x"),
    Case("comment_with_quote", "echo a # it's a comment"),
    Case("comment_alone", "# nothing at all"),
    Case("exit_status_of_subshell", "(exit 7)"),
    Case("exit_status_of_child", "sh -c 'exit 42'"),
    Case("two_streams_in_order", "echo out; echo err >&2; echo out again"),
    Case("pipeline_status", "false | true"),
    Case("negated", "! true"),
    Case("and_or", "echo a && false || echo b"),
    Case("spaces_and_blank_lines_around", "\n\n   echo spaced   \n\n"),
    Case("several_lines", "echo one\necho two\n\necho three\n"),
    Case("newline_in_quotes", 'echo "a\nb\n\nc"'),
    Case("arithmetic", "echo $((6 * 7))"),
    Case("substitution", "echo `echo one` $(echo two; echo three)"),
    Case("not_found", "no_such_command_xyz", pattern(r"[^\n]*no_such_command_xyz[^\n]*not found[^\n]*\n"
                                                     r"|[^\n]*not found[^\n]*no_such_command_xyz\n"
                                                     r"|[^\n]*no such command `no_such_command_xyz'\n"),
         127, PREFIX),
    Case("not_executable", "/etc/passwd", pattern(r"([^\n]*text\n)?[^\n]*(?i:permission denied|cannot execute)[^\n]*\n"),
         126, PREFIX),
    Case("cd_to_nowhere", "cd /no/such/place", pattern(r"[^\n]*/no/such/place[^\n]*\n"
                                                       r"|[^\n]*no such file[^\n]*/no/such/place\n"),
         any_failure, PREFIX),
    # ---- quoting
    Case("quotes_mixed", """echo "it's" 'say "hi"' \\'\\" 'it'\\''s'"""),
    Case("dollar_quoted", "echo '$HOME' \"\\$HOME\" '`id`'"),
    Case("backslashes", r"""printf '%s\n' 'a\b\\c\n' "x\\y" z\\"""),
    Case("backslash_newline", "echo a\\\nb"),
    Case("percent_and_bang", "printf '%s\\n' '100%' '!!' 'hi!there!' '%s%d'"),
    Case("history_words", 'echo "!!" "!$" "!echo" ^a^b'),
    Case("tab_in_text", "printf '%s\\n' 'a\tb\t\tc'"),
    Case("tab_indented_script", "if true\nthen\n\techo indented\n\tif true; then\n\t\techo twice\n\tfi\nfi"),
    Case("globs", "cd / && echo /bi[n] /et? | cat; cd"),
    Case("braces", "echo {a,b}{1,2}", shells=NO_GLOB[:-1] + ("zsh",)),
    Case("braces_interactive", "echo {a,b}{1,2}", "a1 a2 b1 b2\n", 0, "only an interactive yash expands them",
         shells=("yash",)),
    Case("utf8", "echo 'äöü ß 日本語 🎉 e\u0301'", shells=BYTES),
    Case("utf8_in_variable", 'v="Grüße"; echo "<$v>"', shells=BYTES),
    Case("control_characters_in_text", "printf '%s' 'a\x01b\x7fc' | od -An -c"),
    Case("quoted_20_kb", "printf '%s' '" + "it'\\''s " * 2500 + "' | wc -c | tr -d ' '"),
    # ---- here-documents
    Case("heredoc", "cat <<EOF\nhello $((1 + 1))\n  two\nEOF"),
    Case("heredoc_with_tabs", "cat <<-EOF\n\thello\n\t\tworld\ttab\n\tEOF\necho after"),
    Case("heredoc_quoted", "cat <<'EOF'\n$HOME `id` \\n \"x\" 'y' !!\nEOF"),
    Case("heredoc_in_loop", 'while read -r line; do echo "<$line>"; done <<EOF\na b\n  c\nEOF'),
    Case("heredoc_utf8_200_lines", "cat <<'EOF'\n" + "".join(f"{n}\tzeile ä {n}\n" for n in range(200)) + "EOF",
         shells=BYTES),
    Case("here_string", "cat <<<'here string'", shells=NOT_POSIX),
    Case("heredoc_unterminated", "cat <<EOF\nabc", pattern(r".*"), anything, "shells disagree; it must end"),
    # ---- compound commands
    Case("multi_line_if", "if [ 1 -eq 1 ]; then\n  echo yes\nelse\n  echo no\nfi"),
    Case("for_loop", "for i in 1 2 3; do\n  printf '%s,' $i\ndone; echo"),
    Case("case_in", "case abc in\n  a*) echo begins;;\n  *) echo other;;\nesac"),
    Case("while_break", "while :; do echo once; break; done"),
    Case("group_and_redirect", "{ echo a; echo b; } | sort -r"),
    Case("read_from_pipe", 'echo data | { read v; echo "got $v"; }'),
    Case("positional", 'set -- a "b c"; echo "$#:$2"; set --'),
    Case("file_descriptors", "exec 3>&1; echo three >&3; exec 3>&-"),
    Case("script_of_300_lines", "\n".join(f"echo line {n}" for n in range(300))),
    Case("trap_in_subshell", "(trap 'echo bye' EXIT; echo hi)"),
    Case("function_defined_and_called", 'f_x() { echo "in f $1"; return 5; }; f_x arg'),
    Case("trap_err", "trap 'echo caught' ERR; false; trap - ERR", shells=("bash",)),
    Case("trap_int_self", "trap 'echo int' INT; kill -INT $$; trap - INT; echo after", shells=("bash", "dash")),
    Case("pipefail", "set -o pipefail; false | true", undo="set +o pipefail", shells=NOT_POSIX),
    # ---- state that lasts
    Case("function_lasts", "f_x again", "in f again\n", 5, STATE),
    Case("variable_set", "kept_x='a  b'; export kept_y=2"),
    Case("variable_lasts", 'echo "$kept_x|$(sh -c \'echo $kept_y\')"', "a  b|2\n", 0, STATE),
    Case("cd", "cd /usr"),
    Case("cd_lasts", "pwd", "/usr\n", 0, STATE, undo="cd"),
    Case("status_set", "(exit 9)", look_after=False),
    Case("status_lasts", "echo $?", "9\n", 0, STATE),
    Case("alias_set", "alias greet_x='echo hi from alias'"),
    Case("alias_lasts", "greet_x", "hi from alias\n", 0, STATE, undo="unalias greet_x"),
    Case("umask", "umask 027; umask", undo="umask 022"),
    # ---- errors in the text
    Case("open_single_quote", "echo 'un", SYNTAX, failure_or_unknown, EVAL),
    Case("open_double_quote", 'echo "un', SYNTAX, failure_or_unknown, EVAL),
    Case("open_substitution", "echo $(true", SYNTAX, failure_or_unknown, EVAL),
    Case("parentheses", "echo )(", SYNTAX, failure_or_unknown, EVAL),
    Case("double_semicolon", ";;", SYNTAX, failure_or_unknown, EVAL),
    Case("open_brace", "{ echo a", SYNTAX, failure_or_unknown, EVAL),
    Case("open_if", "if true; then echo x", SYNTAX, failure_or_unknown, EVAL),
    Case("after_errors", "echo still here"),
    # ---- what the terminal and the cleaning do
    Case("is_terminal", "test -t 0 && test -t 1 && test -t 2 && echo tty", "tty\n", 0, TTY),
    Case("carriage_return", r"printf 'abc\rX\n'", "Xbc\n", 0, CLEAN),
    Case("progress_line", r"printf '10%%\r20%%\r100%%\n'", "100%\n", 0, CLEAN),
    Case("crlf", r"printf 'a\r\nb\r\n'"),
    Case("only_carriage_returns", r"printf 'a\rb\rc'", "c", 0, CLEAN),
    Case("backspace", r"printf 'abd\bc\n'", "abc\n", 0, CLEAN),
    Case("colours", r"printf '\033[1;31mred\033[0m plain\n'", "red plain\n", 0, CLEAN),
    Case("title", r"printf '\033]0;a title\007text\033]2;b\033\\\n'", "text\n", 0, CLEAN),
    Case("mark_like", r"printf '\033]777;00000000;S\007in\033]777;00000000;E;0\007\n'", "in\n", 0, CLEAN),
    Case("invalid_utf8", r"printf 'a\377\376b\n'", "a\ufffd\ufffdb\n", 0, "invalid UTF-8 is replaced"),
    Case("nul_bytes", r"printf 'a\000b\n'", "ab\n", 0, CLEAN),
    Case("alternate_screen", r"printf '\033[?1049hx\033[?1049l\n'", pattern(r"x?\n"), 0, CLEAN),
    Case("reset", "reset", pattern(r"\s*"), 0, CLEAN),
    # ---- size and time
    Case("line_of_200_kb", "head -c 199999 /dev/zero | tr '\\0' x; echo"),
    Case("lines_5000", "i=0; while [ $i -lt 5000 ]; do echo \"line $i\"; i=$((i + 1)); done"),
    Case("command_of_100_kb", "printf '%s' '" + "0123456789" * 10000 + "' | cksum"),
    Case("silence_of_5_s", "sleep 5; echo late", "late\n", 0, "ssh gives the same, 5 s later"),
    Case("pause_inside_a_line", "printf part; sleep 0.4; printf ' two\\n'"),
    # ---- output that looks like something else
    Case("prompts", r"printf 'user@host:~$ \nroot@web1:/# \n> \n>>> \nPassword: \n[sudo] password for x: '"),
    Case("prompt_without_newline", r"printf '$ '"),
    Case("json", r"""printf '%s\n' '{"jsonrpc":"2.0","id":1,"result":{}}'"""),
    Case("our_own_words", r"printf 'Exit Status: 1\n\nSTDOUT:\n[... 5 characters left out ...]\n'"),
    # ---- jobs and signals
    Case("background_job", "sleep 0.1 & wait", pattern(JOB), 0, JOBS),
    Case("trailing_ampersand", "true &", pattern(JOB), 0, JOBS),
    Case("background_output", "(echo bg) & wait; echo fg", pattern(JOB + r"bg\n" + JOB + r"fg\n" + JOB), 0, JOBS),
    Case("child_killed_by_term", "sh -c 'kill -TERM $$'", pattern(r"([^\n]*Terminated[^\n]*\n)?"), 143, SIGNALLED),
    Case("child_killed_by_kill", "sh -c 'kill -9 $$'", pattern(r"([^\n]*Killed[^\n]*\n)?"), 137, SIGNALLED),
    # ---- shells turned inside out
    Case("weird_prompt", "PS1='weird\n> $ '; PS2='%'"),
    Case("prompt_command", "PROMPT_COMMAND='echo noise; false'", look_after=False, shells=("bash",)),
    Case("status_under_prompt_command", "(exit 3)", undo="unset PROMPT_COMMAND", shells=("bash",)),
    Case("unbound_variable", 'set -u; echo "$undefined_xyz"', pattern(r".*undefined_xyz.*"), failure_or_unknown,
         "an interactive shell drops the rest of its line", undo="set +u"),
    Case("trace", "set -x; echo traced; set +x", pattern(r".*\btraced\n.*"), 0, "eval is one level deeper", undo="set +x"),
    Case("trace_left_on", "set -x", pattern(r".*"), 0, "the trailer is traced too"),
    Case("under_trace", "echo ok", pattern(r".*\bok\n.*"), 0, "the trailer is traced too", undo="set +x"),
    Case("verbose_left_on", "set -v", pattern(r".*"), 0, "what is typed is shown"),
    Case("under_verbose", "echo ok", pattern(r".*ok\n.*"), 0, "what is typed is shown", undo="set +v"),
    Case("separator_changed", "IFS=x0123456789"),
    Case("under_changed_separator", "echo ok; (exit 10)", undo="unset IFS"),
    Case("no_globbing", "set -f", shells=NO_GLOB),
    Case("under_no_globbing", "echo /*", undo="set +f", output="/*\n", status=0, reason=STATE,
         shells=NO_GLOB),
    Case("printf_replaced", "printf() { :; }", pattern(r".*"), anything, "a wrapper's printf may be the replaced one"),
    Case("under_replaced_printf", "echo ok", pattern(r"(ok\n)?"), anything,
         "as above; unset -f printf has to work", undo="unset -f printf"),
    Case("eval_aliased", "alias eval='echo hijacked'"),
    Case("under_aliased_eval", "echo ok", pattern(r"ok\n"), 0, STATE, undo="unalias eval"),
    Case("echo_off", "stty -echo; echo quiet", "quiet\n", 0, TTY),
    Case("under_echo_off", "echo ok", "ok\n", 0, TTY, undo="stty echo"),
    Case("no_output_processing", r"stty -opost; printf 'a\nb\n'; stty opost", pattern(r"a\n *b\n"), 0, TTY),
    Case("raw_and_back", "stty raw; echo raw; stty sane", pattern(r"raw\n"), 0, TTY),
    Case("no_canonical_and_back", "stty -icanon; echo x; stty icanon", "x\n", 0, TTY),
    # ---- the end of the shell
    Case("exit_3", "exit 3", pattern(r"((logout|exit)\n)?"), 3, "a login shell may say goodbye", ends_shell=True),
    Case("errexit", "set -e; false", ends_shell=True),
    Case("exec_false", "echo before; exec false", ends_shell=True),
    Case("kill_self", "kill -9 $$", "", None, "ssh reports the signal, too, as 255", ends_shell=True, signal="KILL"),
]
