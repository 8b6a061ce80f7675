/*
 * As readpassphrase(3) does it: handlers that only take a note while the terminal does not echo,
 * and the signal raised again when it does.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#define SIGNALS 7

static const int signals[SIGNALS] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };

/* File scope, because a signal handler has no argument. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
        caught = number;
}

bool terminal_open(struct terminal *terminal, bool use_stdin, struct err *err)
{
        if (use_stdin) {
                *terminal = (struct terminal){ STDIN_FILENO, STDERR_FILENO, false };
                return true;
        }
        terminal->in = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (terminal->in < 0)
                return err_set(err, ERR_INPUT,
                               "there is no terminal to ask in; --stdin takes the "
                               "answers from standard input, one a line");
        terminal->out = terminal->in;
        terminal->is_terminal = true;
        return true;
}

void terminal_close(struct terminal *terminal)
{
        if (terminal->is_terminal)
                (void)close(terminal->in);
        *terminal = (struct terminal){ 0 };
}

void terminal_write(const struct terminal *terminal, const char *text)
{
        size_t left = strlen(text);

        while (left > 0) {
                ssize_t n = write(terminal->out, text, left);
                if (n <= 0)
                        return; /* gone: the read that follows says so */
                text += n;
                left -= (size_t)n;
        }
}

/* What was changed for one question, as it was. */
struct state {
        struct sigaction actions[SIGNALS];
        sigset_t mask; /* without it a signal between a look and a wait would not end the wait */
        struct termios modes;
        bool is_silent;
};

static void prepare(const struct terminal *terminal, bool is_echoed, struct state *was)
{
        struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: a wait ends */
        struct termios silent;
        sigset_t held;

        caught = 0;
        (void)sigemptyset(&held); /* none of these four can fail: the signals are known */
        for (int i = 0; i < SIGNALS; i++)
                if (signals[i] != SIGTTIN && signals[i] != SIGTTOU) /* a call of ours brings these */
                        (void)sigaddset(&held, signals[i]);
        (void)sigprocmask(SIG_BLOCK, &held, &was->mask);
        for (int i = 0; i < SIGNALS; i++)
                (void)sigaction(signals[i], &action, &was->actions[i]);
        was->is_silent = false;
        if (is_echoed || !terminal->is_terminal || tcgetattr(terminal->in, &was->modes) != 0)
                return;
        silent = was->modes;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        was->is_silent = tcsetattr(terminal->in, TCSAFLUSH, &silent) == 0;
}

static void restore(const struct terminal *terminal, const struct state *was)
{
        if (was->is_silent) {
                (void)tcsetattr(terminal->in, TCSAFLUSH, &was->modes);
                terminal_write(terminal, "\n"); /* the person's was not echoed */
        }
        for (int i = 0; i < SIGNALS; i++)
                (void)sigaction(signals[i], &was->actions[i], NULL);
        (void)sigprocmask(SIG_SETMASK, &was->mask, NULL); /* one that waits is delivered now */
}

enum reading { READING_MORE, READING_LINE, READING_END, READING_OTHER, READING_SIGNAL };

/* One byte at a time from stdin, which others may read after us; a terminal gives lines. */
static enum reading read_byte(const struct terminal *terminal, int other_fd,
                              const sigset_t *mask, char *out)
{
        int last = other_fd > terminal->in ? other_fd : terminal->in;
        fd_set readable;

        if (caught != 0)
                return READING_SIGNAL;
        FD_ZERO(&readable);
        FD_SET(terminal->in, &readable);
        if (other_fd >= 0)
                FD_SET(other_fd, &readable);
        if (pselect(last + 1, &readable, NULL, NULL, NULL, mask) < 0)
                return errno == EINTR ? READING_MORE : READING_END;
        if (other_fd >= 0 && FD_ISSET(other_fd, &readable))
                return READING_OTHER;
        ssize_t n = read(terminal->in, out, 1);
        if (n < 0 && errno == EINTR)
                return READING_MORE;
        if (n <= 0)
                return READING_END;
        return *out == '\n' ? READING_LINE : READING_MORE;
}

static enum reading read_line(const struct terminal *terminal, int other_fd,
                              const sigset_t *mask, char *line, size_t *out_len)
{
        enum reading reading;
        size_t len = 0;

        do {
                char byte = 0;
                reading = read_byte(terminal, other_fd, mask, &byte);
                if (reading == READING_MORE && byte != 0 && len <= TERMINAL_ANSWER_MAX)
                        line[len++] = byte; /* one more than the limit tells "too long" */
        } while (reading == READING_MORE);
        *out_len = len;
        return reading;
}

static bool judge(enum reading reading, size_t len, struct err *err)
{
        switch (reading) {
        case READING_LINE:
                return len <= TERMINAL_ANSWER_MAX
                       || err_set(err, ERR_INPUT, "an answer has %d bytes at most",
                                  TERMINAL_ANSWER_MAX);
        case READING_OTHER: return err_set(err, ERR_STATE, "the question was taken back");
        case READING_END: return err_set(err, ERR_CANCELLED, "no answer was given");
        case READING_MORE:
        case READING_SIGNAL: break;
        }
        return err_set(err, ERR_CANCELLED, "interrupted");
}

bool terminal_ask(const struct terminal *terminal, const char *question, bool is_echoed,
                  int other_fd, struct secret **out_answer, struct err *err)
{
        char line[TERMINAL_ANSWER_MAX + 1];
        enum reading reading;
        struct state was;
        size_t len;

        do {
                prepare(terminal, is_echoed, &was);
                terminal_write(terminal, question);
                reading = read_line(terminal, other_fd, &was.mask, line, &len);
                restore(terminal, &was);
                if (reading == READING_SIGNAL)
                        (void)raise(caught); /* ends us; or stops, and then it is asked again */
        } while (reading == READING_SIGNAL);
        if (reading == READING_END && len > 0)
                reading = READING_LINE; /* the last one of a file */
        if (len > 0 && len <= TERMINAL_ANSWER_MAX && line[len - 1] == '\r')
                len--;
        bool ok = judge(reading, len, err);
        if (ok)
                *out_answer = secret_new(line, len);
        secret_wipe(line, sizeof line);
        return ok;
}
