/*
 * The line as real shells take it: it stands in a file that is their standard input, and the
 * marks in what they print are read back. Each test runs once per shell that is installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/scoped.h"
#include "worker/shell/wrapper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
#define SCRIPT_MAX    (32 * 1024 * 1024)
#define ROUND_TRIPS   40u
#define COMMANDS_MAX  1000u /* in one shell */

struct program {
        const char *label;
        const char *driver;
        const char *argv[6];
        const char *name;    /* what it answers when it is asked */
        bool drops_line;     /* a command that does not parse takes the rest of our line with it */
};

/* Interactive ones, as those that we type into are; without a terminal they edit no lines. */
static const struct program programs[] = {
        { "bash", "bash", { "bash", "--norc", "--noprofile", "-i" }, "bash", false },
        { "bash as sh", "sh", { "bash", "--norc", "--posix", "-i" }, "bash", false },
        { "rbash", "rbash", { "bash", "--norc", "-r", "-i" }, "bash", false },
        { "zsh", "zsh", { "zsh", "-f", "-i", "+Z" }, "zsh", false },
        { "dash", "dash", { "dash", "-i" }, "dash", false },
        { "busybox", "busybox", { "busybox", "sh", "-i" }, "busybox", false },
        { "ksh93", "ksh93", { "ksh93", "-i" }, "ksh93", false },
        { "ksh93 as ksh", "ksh", { "ksh93", "-i" }, "ksh93", false },
        { "mksh", "mksh", { "mksh", "-i" }, "mksh", true },
        { "mksh as ksh", "ksh", { "mksh", "-i" }, "mksh", true },
        { "yash", "yash", { "yash", "--norcfile", "--noprofile", "-i" }, "yash", false },
};

/* Those whose language is another. Not -i: that fish would want a terminal. */
static const struct program other_programs[] = {
        { "fish", "fish", { "fish", "--no-config" }, "fish", false },
        { "tcsh", "tcsh", { "tcsh", "-f" }, "tcsh", false },
        { "bsd-csh", "csh", { "bsd-csh", "-f" }, "bsd-csh", true },
};

static const char *const locales[] = { "C", "C.UTF-8" };

static bool is_installed(const char *name)
{
        const char *path = getenv("PATH");
        char file[4096];

        for (struct str rest = str_of(path != NULL ? path : ""); rest.len > 0;) {
                const char *colon = memchr(rest.ptr, ':', rest.len);
                size_t len = colon != NULL ? (size_t)(colon - rest.ptr) : rest.len;
                int n = snprintf(file, sizeof file, "%.*s/%s", (int)len, rest.ptr, name);
                if (n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0)
                        return true;
                len += colon != NULL;
                rest.ptr += len;
                rest.len -= len;
        }
        return false;
}

/* yash works with characters: in the C locale it has only those of ASCII (yash(1), "Locale"). */
static bool takes_bytes_in(const struct program *program, const char *locale)
{
        return strcmp(program->driver, "yash") != 0 || strcmp(locale, "C") != 0;
}

/* ---- running one ---- */

/* What a shell that runs wild may take: it must not take the machine. */
static void limit(void)
{
        static const struct rlimit cpu_s = { 20, 20 };
        static const struct rlimit file_bytes = { 64 * 1024 * 1024, 64 * 1024 * 1024 }; /* here-documents too */
        static const struct rlimit memory_bytes = { 1024 * 1024 * 1024, 1024 * 1024 * 1024 };

        (void)setsid(); /* interactive shells signal their whole process group */
        if (setrlimit(RLIMIT_CPU, &cpu_s) != 0 || setrlimit(RLIMIT_FSIZE, &file_bytes) != 0
            || setrlimit(RLIMIT_AS, &memory_bytes) != 0)
                _exit(127);
}

static _Noreturn void become(const struct program *program, const char *locale, FILE *in, FILE *out)
{
        int nowhere = open("/dev/null", O_WRONLY);

        (void)setenv("LC_ALL", locale, 1);
        (void)setenv("HOME", "/no/such/home", 1);
        (void)setenv("HISTFILE", "/dev/null", 1);
        (void)unsetenv("ENV");
        limit();
        if (dup2(fileno(in), STDIN_FILENO) >= 0 && dup2(fileno(out), STDOUT_FILENO) >= 0
            && dup2(nowhere, STDERR_FILENO) >= 0)
                (void)execvp(program->argv[0], (char *const *)(uintptr_t)program->argv);
        _exit(127);
}

/* Gives it the typed lines, each Enter as the newline a terminal makes of it; what it printed. */
static void run(const struct program *program, const char *locale, const struct buf *lines, struct buf *out)
{
        FILE *in_file = tmpfile();
        FILE *out_file = tmpfile();
        char bytes[4096];
        size_t n;
        int status;

        assert_non_null(in_file);
        assert_non_null(out_file);
        for (size_t i = 0; i < lines->len; i++)
                assert_true(putc(lines->data[i] == '\r' ? '\n' : lines->data[i], in_file) != EOF);
        assert_int_equal(fflush(in_file), 0);
        rewind(in_file);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(program, locale, in_file, out_file);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status))
                fail_msg("%s (%s) was killed by signal %d", program->label, locale, WTERMSIG(status));
        rewind(out_file);
        while ((n = fread(bytes, 1, sizeof bytes, out_file)) > 0)
                assert_true(buf_append(out, bytes, n));
        (void)fclose(in_file);
        (void)fclose(out_file);
}

/* One command's part of the dialogue. */
struct seen {
        bool started;
        bool ended;
        struct buf output;
        long long status;
        char cwd[256];
};

static void nonces_of(unsigned n, struct wrapper *wrapper)
{
        (void)snprintf(wrapper->start_nonce, sizeof wrapper->start_nonce, "s%03uAZ_-azx", n % COMMANDS_MAX);
        (void)snprintf(wrapper->end_nonce, sizeof wrapper->end_nonce, "e%03uABCDEFGH_-_-uvwxyz", n % COMMANDS_MAX);
}

/* Takes the n-th command's marks and what stands between them out of what was printed. */
static struct seen find(const struct program *program, const struct buf *printed, unsigned n)
{
        struct wrapper nonces;
        struct marker marker;
        struct seen seen = { .status = -1 };
        const uint8_t *at = printed->data;
        size_t left = printed->len;

        nonces_of(n, &nonces);
        buf_init(&seen.output, SCRIPT_MAX);
        assert_true(buf_append_str(&seen.output, ""));
        marker_init(&marker);
        for (;;) {
                struct marker_event event = marker_next(&marker, &at, &left);
                bool is_inside = seen.started && !seen.ended;
                if (event.kind == MARKER_MORE)
                        break;
                if (event.kind == MARKER_START && str_is(event.nonce, nonces.start_nonce)) {
                        seen.started = true;
                } else if (event.kind == MARKER_END && str_is(event.nonce, nonces.end_nonce)) {
                        seen.ended = true;
                        seen.status = driver_status(driver_find(str_of(program->driver)), event.number);
                        (void)snprintf(seen.cwd, sizeof seen.cwd, "%.*s", (int)event.rest.len,
                                       event.rest.len > 0 ? event.rest.ptr : "");
                } else if (is_inside) {
                        assert_true(buf_append(&seen.output, event.bytes.ptr, event.bytes.len));
                }
        }
        return seen;
}

static void add(struct buf *lines, const struct program *program, unsigned n, struct str command, int status_before)
{
        struct wrapper wrapper = {
                .driver = driver_find(str_of(program->driver)),
                .status_before = status_before,
                .is_first = n == 0,
                .command = command,
        };

        nonces_of(n, &wrapper);
        assert_true(wrapper_write(lines, &wrapper));
}

static void check_seen(const struct program *program, const char *locale, const struct seen *seen, const char *command,
                       struct str output, int status)
{
        if (!seen->started || !seen->ended)
                fail_msg("%s (%s): \"%.100s\" has %s", program->label, locale, command,
                         seen->started ? "not ended" : "not started");
        if (seen->output.len != output.len
            || (output.len > 0 && memcmp(seen->output.data, output.ptr, output.len) != 0))
                fail_msg("%s (%s): \"%.100s\" printed \"%.300s\", expected \"%.*s\"", program->label, locale, command,
                         (char *)seen->output.data, (int)(output.len < 300 ? output.len : 300), output.ptr);
        if (seen->status != status)
                fail_msg("%s (%s): \"%.100s\" has status %lld, expected %d", program->label, locale, command,
                         seen->status, status);
}

struct row {
        const char *command;
        const char *output;
        int status;
        int status_before; /* 0: it succeeded */
};

/* All rows in one shell, in both locales. */
static void check_rows(const struct program *program, const struct row *rows, size_t count)
{
        for (size_t l = 0; l < COUNT(locales); l++) {
                scoped_buf struct buf lines;
                scoped_buf struct buf printed;
                if (!takes_bytes_in(program, locales[l]))
                        continue;
                buf_init(&lines, SCRIPT_MAX);
                buf_init(&printed, SCRIPT_MAX);
                for (unsigned n = 0; n < count; n++)
                        add(&lines, program, n, str_of(rows[n].command), rows[n].status_before);
                run(program, locales[l], &lines, &printed);
                for (unsigned n = 0; n < count; n++) {
                        struct seen seen = find(program, &printed, n);
                        check_seen(program, locales[l], &seen, rows[n].command, str_of(rows[n].output), rows[n].status);
                        buf_fini(&seen.output);
                }
        }
}

static const struct program *given(void **state)
{
        const struct program *program = *state;

        if (!is_installed(program->argv[0]))
                skip();
        return program;
}

/* ---- fish and csh ---- */

static void others_print_and_end(void **state)
{
        static const struct row rows[] = {
                { "echo hi", "hi\n", 0, 0 },
                { "", "", 0, 0 },
                { "false", "", 1, 0 },
                { "sh -c 'exit 7'", "", 7, -1 },
                { "printf 'no newline'", "no newline", 0, 0 },
                { "echo $status", "0\n", 0, 0 },
                { "echo $status", "1\n", 0, 1 },
                { "echo $status", "255\n", 0, 255 },
                { "echo one; printf two | sed s/two/2/", "one\n2", 0, 0 },
                { "echo one\necho two\n", "one\ntwo\n", 0, 3 },
                { "echo 'tab\t' 'it'\"'\"'s' \"a  b\" 100% '%s'", "tab\t it's a  b 100% %s\n", 0, 0 },
                { "echo 'a\x01\x7F\x1B[m'", "a\x01\x7F\x1B[m\n", 0, 0 },
                { "cd /usr; pwd", "/usr\n", 0, 0 },
                { "pwd", "/usr\n", 0, 0 },
        };

        check_rows(given(state), rows, COUNT(rows));
}

static void others_take_their_own_language(void **state)
{
        static const struct row fish[] = {
                { "echo 'a\\\\b' \"\\$x\" \\'", "a\\b $x '\n", 0, 0 },
                { "for i in 1 2\n\techo \"<$i>\"\nend", "<1>\n<2>\n", 0, 0 },
                { "function f; return 9; end; set -g X 'a  b'", "", 0, 0 },
                { "echo $X; f", "a  b\n", 9, 0 },
                { "echo )(", "", 123, 0 },
                { "echo 'open", "", 123, 0 },
                { "no-such-command-anywhere", "", 127, 0 },
                { "sh -c 'kill -9 $$'", "", 137, 0 },
                { "echo 'ä日本'", "ä日本\n", 0, 0 },
        };
        static const struct row csh[] = {
                { "printf '%s\\n' 'a\\b'", "a\\b\n", 0, 0 },
                { "foreach i (1 2)\n\techo \"<$i>\"\nend", "<1>\n<2>\n", 0, 0 },
                { "if (1) then\n  echo yes\nelse\n  echo no\nendif", "yes\n", 0, 4 },
                { "set X = 'a  b'; alias f sh -c \"'exit 9'\"", "", 0, 0 },
                { "echo \"$X\"; f", "a  b\n", 9, 0 },
                { "@ y = 3 + 4; echo $y", "7\n", 0, 0 },
                { "cat << EOF\nin it's place\nEOF", "in it's place\n", 0, 0 },
                { "echo 'ä日本'", "ä日本\n", 0, 0 },
        };
        const struct program *program = given(state);

        if (driver_find(str_of(program->driver))->language == DRIVER_FISH)
                check_rows(program, fish, COUNT(fish));
        else
                check_rows(program, csh, COUNT(csh));
}

static void others_take_a_long_text(void **state)
{
        const struct program *program = given(state);
        struct buf command;
        struct buf expected;

        buf_init(&command, SCRIPT_MAX);
        buf_init(&expected, SCRIPT_MAX);
        for (unsigned n = 0; n < 2000; n++) {
                assert_true(buf_printf(&command, "echo line %u of many\n", n));
                assert_true(buf_printf(&expected, "line %u of many\n", n));
        }
        assert_true(buf_append_byte(&command, 0) && buf_append_byte(&expected, 0));
        const struct row row = { (const char *)command.data, (const char *)expected.data, 0, 0 };
        check_rows(program, &row, 1);
        buf_fini(&command);
        buf_fini(&expected);
}

/* ---- the tests ---- */

static void commands_print_and_end(void **state)
{
        static const struct row rows[] = {
                { "echo hi", "hi\n", 0, 0 },
                { "", "", 0, 0 },
                { "true", "", 0, -1 },
                { "false", "", 1, 0 },
                { "(exit 7)", "", 7, 0 },
                { "sh -c 'exit 255'", "", 255, 0 },
                { "sh -c 'kill -9 $$'", "", 137, 0 },
                { "no-such-command-anywhere", "", 127, 0 },
                { "printf 'no newline'", "no newline", 0, 0 },
                { "echo one; echo two", "one\ntwo\n", 0, 0 },
                { "true # a comment", "", 0, 0 },
                { "# a comment", "", 0, 0 },
                { "echo a & wait", "a\n", 0, 0 },
                { "cat </dev/null", "", 0, 0 },
                { "echo \"$((6 * 7))\" `echo x` $(echo y)", "42 x y\n", 0, 0 },
                { "{ echo in; echo out; } | sed s/in/on/", "on\nout\n", 0, 0 },
        };

        check_rows(given(state), rows, COUNT(rows));
}

static void any_text_is_taken_as_it_is(void **state)
{
        static const struct row rows[] = {
                { "echo 'it'\\''s' \"a  b\" \\\\", "it's a  b \\\n", 0, 0 },
                { "echo '!!' '!x' \"a!\" b!", "!! !x a! b!\n", 0, 0 },
                { "echo 100% %s %d '%%'", "100% %s %d %%\n", 0, 0 },
                { "printf '%s|' '$HOME' '`id`' '\\n' \"\"", "$HOME|`id`|\\n||", 0, 0 },
                { "echo 'a\tb'", "a\tb\n", 0, 0 },
                { "echo 'a\nb'", "a\nb\n", 0, 0 },
                { "if true\nthen\n\techo yes!\nfi\n", "yes!\n", 0, 0 },
                { "for i in 1 2 3\ndo\n  echo \"$i%\"\ndone", "1%\n2%\n3%\n", 0, 0 },
                { "cat <<EOF\nit's `echo x` $((1 + 1)) \\$\nEOF", "it's x 2 $\n", 0, 0 },
                { "cat <<-'EOF'\n\tindented $HOME \\\n\tEOF\n", "indented $HOME \\\n", 0, 0 },
                { "echo \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n", 0, 0 },
                { "printf '%s|' 'a\x07\x1B[1m\x7F\x01\x02' b", "a\x07\x1B[1m\x7F\x01\x02|b|", 0, 0 },
                { "f() {\n\techo \"<$1>\"\n}\nf \"a\nb\"", "<a\nb>\n", 0, 0 },
                { "echo a \\\n  b", "a b\n", 0, 0 },
                { "\n\n\techo x\n\n", "x\n", 0, 0 },
                { "-\xC3\xA9 2>/dev/null || echo x", "x\n", 0, 0 },
        };

        check_rows(given(state), rows, COUNT(rows));
}

static void the_status_before_is_put_back(void **state)
{
        static const struct row rows[] = {
                { "echo $?", "0\n", 0, 0 },
                { "echo $?", "1\n", 0, 1 },
                { "echo $?", "2\n", 0, 2 },
                { "echo $?", "255\n", 0, 255 },
                { "echo $?\n", "130\n", 0, 130 },
                { "set -e; (exit 3) || echo $?; set +e", "3\n", 0, 5 },
                { "echo \"$?\xC3\xA9\"", "7\xC3\xA9\n", 0, 7 },
        };

        check_rows(given(state), rows, COUNT(rows));
}

static void state_stays(void **state)
{
        static const struct row rows[] = {
                { "X='kept it'; cd /", "", 0, 0 },
                { "echo \"$X\"; pwd", "kept it\n/\n", 0, 0 },
                { "export X; sh -c 'echo \"$X\"'", "kept it\n", 0, 0 },
                { "f() { return 9; }", "", 0, 0 },
                { "f", "", 9, 0 },
                { "echo ${HISTFILE-none}", "none\n", 0, 0 },
                { "set -u; umask 027", "", 0, 0 },
                { "umask | tail -c 4; set +u", "027\n", 0, 0 },
        };
        static const struct row restricted[] = { /* it stays where it is, and HISTFILE too */
                { "X='kept it'", "", 0, 0 },
                { "echo \"$X\"; f() { return 9; }", "kept it\n", 0, 0 },
                { "f", "", 9, 0 },
        };
        const struct program *program = given(state);

        if (strcmp(program->label, "rbash") == 0)
                check_rows(program, restricted, COUNT(restricted));
        else
                check_rows(program, rows, COUNT(rows));
}

/* Modes, functions and aliases that get in the way of a typed line, one after the other. */
static void the_marks_come_whatever_the_shell_was_told(void **state)
{
        static const struct row rows[] = {
                { "set -x", "", 0, 0 },
                { "echo traced; set +x", "traced\n", 0, 0 },
                { "printf() { echo fake; }; print() { echo fake; }; echo() { command printf 'own\\n'; }", "", 0, 0 },
                { "echo", "own\n", 0, 3 },
                { "unset -f printf print echo", "", 0, 0 },
                { "alias printf=false eval=false print=false exit=false", "", 0, 0 },
                { "echo aliased", "aliased\n", 0, 0 },
                { "unalias printf eval print exit", "", 0, 0 },
                { "set -u; echo set", "set\n", 0, 0 },
                { "set +u; set -o noglob; echo *; set +o noglob", "*\n", 0, 0 },
                { "IFS=0123456789; echo ifs", "ifs\n", 0, 0 },
                { "unset IFS; (exit 4)", "", 4, 0 },
                { "PS1='$ '; PS2=; PROMPT_COMMAND='echo no'; PROMPT_COMMAND=", "", 0, 0 },
                { "exec 3>&1; echo x >&3; exec 3>&-", "x\n", 0, 0 },
        };
        const struct program *program = given(state);

        if (strcmp(program->label, "rbash") == 0)
                skip(); /* it refuses half of this */
        check_rows(program, rows, COUNT(rows));
}

static void the_end_tells_where_it_is(void **state)
{
        const struct program *program = given(state);
        scoped_buf struct buf lines;
        scoped_buf struct buf printed;

        buf_init(&lines, SCRIPT_MAX);
        buf_init(&printed, SCRIPT_MAX);
        if (strcmp(program->label, "rbash") == 0)
                skip(); /* it stays where it is */
        add(&lines, program, 0, str_of("cd /usr"), -1);
        add(&lines, program, 1, str_of("cd /no/such/place 2>/dev/null"), -1);
        add(&lines, program, 2, str_of("cd /; (exit 5)"), -1);
        run(program, "C", &lines, &printed);
        static const char *const places[] = { "/usr", "/usr", "/" };
        for (unsigned n = 0; n < COUNT(places); n++) {
                struct seen seen = find(program, &printed, n);
                assert_true(seen.ended);
                assert_string_equal(seen.cwd, places[n]);
                assert_int_equal(seen.status != 0, n > 0);
                buf_fini(&seen.output);
        }
}

/* By itself, or, where the shell throws the rest of the line away, when it is asked at its prompt. */
static void a_command_that_does_not_parse_ends(void **state)
{
        static const char *const broken[] = { "echo 'un", "echo \"un", "if true", ")", "echo `x", "echo x;;", "a\n'" };
        const struct program *program = given(state);
        struct wrapper wrapper = { .driver = driver_find(str_of(program->driver)) };
        scoped_buf struct buf lines;
        scoped_buf struct buf printed;

        buf_init(&lines, SCRIPT_MAX);
        buf_init(&printed, SCRIPT_MAX);
        for (unsigned n = 0; n < COUNT(broken); n++) {
                add(&lines, program, n, str_of(broken[n]), -1);
                nonces_of(n, &wrapper);
                if (program->drops_line)
                        assert_true(wrapper_write_end_only(&lines, &wrapper));
        }
        add(&lines, program, COUNT(broken), str_of("echo on"), -1);
        run(program, "C", &lines, &printed);
        for (unsigned n = 0; n <= COUNT(broken); n++) {
                struct seen seen = find(program, &printed, n);
                assert_true(seen.started && seen.ended);
                assert_int_equal(seen.status != 0, n < COUNT(broken));
                assert_string_equal(seen.output.data, n < COUNT(broken) ? "" : "on\n");
                buf_fini(&seen.output);
        }
}

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1664525u + 1013904223u;
        return *seed >> 8;
}

enum text_kind { TEXT_PRINTABLE, TEXT_UTF8, TEXT_BYTES };

/* Texts of what breaks quoting. */
static void write_text(struct buf *out, size_t len, enum text_kind kind, unsigned *seed)
{
        static const char nasty[] = "''\"\\!!%%$$``(){}[]<>;&|*?~#=- ab0";
        static const char *const other[] = { "\n", "\n", "\t", "\r", "\x01", "\x07", "\x1B", "\x7F", "\xC3\xA9",
                                             "\xE2\x82\xAC", "\x80", "\x81", "\xA9", "\xC3", "\xFF", "\xE2\x82" };
        size_t others = kind == TEXT_UTF8 ? 10 : COUNT(other);

        while (out->len < len) {
                bool is_other = kind != TEXT_PRINTABLE && next_random(seed) % 4 == 0;
                char plain[2] = { nasty[next_random(seed) % (sizeof nasty - 1)], 0 };
                assert_true(buf_append_str(out, is_other ? other[next_random(seed) % others] : plain));
        }
}

/* printf with the text quoted by hand, or a here-document: both print it and nothing else. */
static void write_round_trip(struct buf *command, const struct buf *text, enum text_kind kind)
{
        if (kind != TEXT_PRINTABLE) {
                assert_true(buf_append_str(command, "cat <<'END OF TEXT'\n"));
                assert_true(buf_append(command, text->data, text->len));
                assert_true(buf_append_str(command, "\nEND OF TEXT\n"));
                return;
        }
        assert_true(buf_append_str(command, "printf '%s\\n' '"));
        for (size_t i = 0; i < text->len; i++)
                assert_true(text->data[i] == '\'' ? buf_append_str(command, "'\\''")
                                                  : buf_append_byte(command, text->data[i]));
        assert_true(buf_append_byte(command, '\''));
}

static void any_bytes_come_back(void **state)
{
        const struct program *program = given(state);
        static struct buf texts[ROUND_TRIPS];
        /* with other bytes ksh93 1.0.4 fills the machine's memory by itself, and yash
           stops at them */
        bool is_odd = strcmp(program->argv[0], "ksh93") == 0 || strcmp(program->argv[0], "yash") == 0;
        enum text_kind odd_kind = is_odd ? TEXT_UTF8 : TEXT_BYTES;

        /* readline takes each byte by itself; zsh 5.9 at times crashes in its own history when
           such lines come from a file (hend()) */
        bool is_short = strcmp(program->argv[0], "bash") == 0 || strcmp(program->argv[0], "zsh") == 0;
        size_t long_len = is_short ? 10 * 1024 : 100 * 1024;

        for (size_t l = 0; l < COUNT(locales); l++) {
                scoped_buf struct buf lines;
                scoped_buf struct buf printed;
                if (!takes_bytes_in(program, locales[l]))
                        continue;
                unsigned seed = (unsigned)l;
                buf_init(&lines, SCRIPT_MAX);
                buf_init(&printed, SCRIPT_MAX);
                for (unsigned n = 0; n < ROUND_TRIPS; n++) {
                        scoped_buf struct buf command;
                        bool is_long = l + 1 == COUNT(locales) && n + 1 == ROUND_TRIPS;
                        size_t len = is_long ? long_len : next_random(&seed) % 1000;
                        buf_init(&command, SCRIPT_MAX);
                        buf_init(&texts[n], SCRIPT_MAX);
                        enum text_kind kind = n % 2 == 0 ? TEXT_PRINTABLE : odd_kind;
                        write_text(&texts[n], len, kind, &seed);
                        write_round_trip(&command, &texts[n], kind);
                        assert_true(buf_append_byte(&texts[n], '\n'));
                        add(&lines, program, n, buf_str(&command), (int)(n % 5) - 1);
                }
                run(program, locales[l], &lines, &printed);
                for (unsigned n = 0; n < ROUND_TRIPS; n++) {
                        struct seen seen = find(program, &printed, n);
                        scoped_free char *label = xasprintf("round trip %u", n);
                        check_seen(program, locales[l], &seen, label, buf_str(&texts[n]), 0);
                        buf_fini(&seen.output);
                        buf_fini(&texts[n]);
                }
        }
}

static void the_end_alone_tells_the_status(void **state)
{
        const struct program *program = given(state);
        struct wrapper wrapper = { .driver = driver_find(str_of(program->driver)) };
        scoped_buf struct buf lines;
        scoped_buf struct buf printed;

        buf_init(&lines, SCRIPT_MAX);
        buf_init(&printed, SCRIPT_MAX);
        nonces_of(1, &wrapper);
        assert_true(buf_append_str(&lines, "(exit 6)\r"));
        assert_true(wrapper_write_end_only(&lines, &wrapper));
        run(program, "C", &lines, &printed);
        struct seen seen = find(program, &printed, 1);
        assert_false(seen.started);
        assert_true(seen.ended);
        assert_int_equal(seen.status, 6);
        buf_fini(&seen.output);
}

static void the_shell_says_its_name(void **state)
{
        const struct program *program = given(state);
        struct wrapper wrapper;
        scoped_buf struct buf lines;
        scoped_buf struct buf printed;

        buf_init(&lines, SCRIPT_MAX);
        buf_init(&printed, SCRIPT_MAX);
        nonces_of(1, &wrapper);
        assert_true(wrapper_write_name_question(&lines, wrapper.end_nonce));
        run(program, "C", &lines, &printed);
        struct seen seen = find(program, &printed, 1);
        assert_true(seen.ended);
        assert_int_equal(seen.status, 0);
        assert_string_equal(seen.cwd, program->name);
        buf_fini(&seen.output);
}

static const struct CMUnitTest each[] = {
        cmocka_unit_test(commands_print_and_end),
        cmocka_unit_test(any_text_is_taken_as_it_is),
        cmocka_unit_test(the_status_before_is_put_back),
        cmocka_unit_test(state_stays),
        cmocka_unit_test(the_marks_come_whatever_the_shell_was_told),
        cmocka_unit_test(the_end_tells_where_it_is),
        cmocka_unit_test(a_command_that_does_not_parse_ends),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(the_end_alone_tells_the_status),
        cmocka_unit_test(the_shell_says_its_name),
};

static const struct CMUnitTest each_other[] = {
        cmocka_unit_test(others_print_and_end),
        cmocka_unit_test(others_take_their_own_language),
        cmocka_unit_test(others_take_a_long_text),
        cmocka_unit_test(the_shell_says_its_name),
};

#define TESTS_MAX (COUNT(programs) * COUNT(each) + COUNT(other_programs) * COUNT(each_other))

struct suite {
        struct CMUnitTest tests[TESTS_MAX];
        char names[TESTS_MAX][100];
        size_t count;
};

static void add_tests(struct suite *suite, const struct program *program,
                      const struct CMUnitTest *tests, size_t count)
{
        for (size_t i = 0; i < count; i++, suite->count++) {
                char *name = suite->names[suite->count];
                (void)snprintf(name, sizeof suite->names[0], "%s: %s", program->label, tests[i].name);
                suite->tests[suite->count] = tests[i];
                suite->tests[suite->count].name = name;
                suite->tests[suite->count].initial_state = (void *)(uintptr_t)program;
        }
}

int main(int argc, char **argv)
{
        static struct suite suite;

        if (argc > 1)
                cmocka_set_test_filter(argv[1]); /* such as 'zsh*' */
        for (size_t p = 0; p < COUNT(programs); p++)
                add_tests(&suite, &programs[p], each, COUNT(each));
        for (size_t p = 0; p < COUNT(other_programs); p++)
                add_tests(&suite, &other_programs[p], each_other, COUNT(each_other));
        return _cmocka_run_group_tests("wrapper in shells", suite.tests, suite.count, NULL, NULL);
}
