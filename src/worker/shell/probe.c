/*
 * The helper script, kept small because it crosses the network at each connection:
 *
 *   stat_of PID     reads /proc/PID/stat into name, s(tate) p(arent) g(roup) y (tty) t (its
 *                   foreground group) k (start of the stack; field 28)
 *   wait_of DIR     W: r sleeps in a read of the terminal $T, b in one of a single byte, k of 1,024,
 *                   p polls, o anything else, ? unknown.
 *                   /proc/PID/syscall where the kernel lets us (numbers by architecture), else wchan.
 *   parents_of PID  a sudo's effective uid, its parent, whether it has children
 *   piped NONCE     a child of our sshd without a terminal that has it in its arguments, and what
 *                   that has started
 *   list            our sshd's children that have a terminal
 *   probe PID       that process's terminal: its modes, and the foreground group among the
 *                   process's descendants
 *   signal_to PID SIGNAL "PID…"
 *                   signals the foreground group of that process's terminal unless one of the
 *                   listed processes is in it. A TERM is followed by CONT, or what is stopped
 *                   would not see it. The terminal's group is read again right before the kill.
 *                   ksh93 runs what stands in ( ) in its own group: there the others in it are
 *                   signalled one by one.
 *   calm SIGNAL     before a signal: modes in which a shell is not to be typed at (raw, no echo)
 *                   are reset, because a program that is killed leaves them behind, and the Ctrl-C
 *                   that was only a byte to it is taken out of the queue (where dd can do so without
 *                   waiting). They are put back if nobody could be signalled.
 */
#include "worker/shell/probe.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "worker/session_channel.h"

#include <stdlib.h>

#define NONCE_LEN       16
#define ANSWER_MAX      (64 * 1024) /* bytes of one answer; a longer one makes the probe unavailable */
#define NOISE_READ_MAX  (64 * 1024) /* bytes taken from the channel per turn */

static const char script[] =
        "case `uname -m` in x86_64|amd64) R='0 19' O='7 23 232 270 271 281 441';;\n"
        "aarch64|riscv64) R='63 65' O='22 72 73 441';; *) R= O=;; esac\n"
        "stat_of() { l=; { read -r l </proc/$1/stat; } 2>/dev/null\n"
        "case $l in *\\)*) ;; *) return 1;; esac\n"
        "n=${l%)*}; n=${n#*\\(}; set -- ${l##*) }\n"
        "s=$1 p=$2 g=$3 y=$5 t=$6 k=${26:-0}; }\n"
        "wait_of() { a= b= W=?; [ \"$R\" ] && { read -r a b c d e <$1/syscall; } 2>/dev/null\n"
        "case $a in running) W=o; return;; [0-9]*) W=o\n"
        "case \" $O \" in *\" $a \"*) W=p;; esac\n"
        "case \" $R \" in *\" $a \"*) case $b in 0x?|0x?" "?) f=$1/fd/$((b))\n"
        "if [ $f -ef $T ] || [ $f -ef /dev/tty ]; then case $d in 0x1) W=b;;\n"
        "0x400) W=k;; *) W=r;; esac; fi;; esac;; esac\n"
        "return;; esac\n"
        "a=; { read -r a <$1/wchan; } 2>/dev/null\n"
        "case $a in ''|0) ;; n_tty_read|tty_read) W=r;;\n"
        "wait_woken) if ls -l $1/fd 2>/dev/null | grep -q socket:; then W=o; else W=r; fi;;\n"
        "do_select|poll_sch*|ep_poll|do_poll*|do_sys_poll) W=p;; *) W=o;; esac; }\n"
        "children_of() { c=; { read -r c </proc/$1/task/$1/children; } 2>/dev/null; }\n"
        "family_of() { D=\n"
        "[ -r /proc/$1/task/$1/children ] || { D=`cd /proc; echo [0-9]*`; return; }\n"
        "while [ $# -gt 0 ] && [ ${#D} -lt 2000 ]; do\n"
        "D=\"$D $1\"; children_of $1; shift; set -- $* $c; done; }\n"
        "parents_of() { U=-1; { while read -r a b c d; do [ $a = Uid: ] && U=$c && break; done\n"
        "} 2>/dev/null </proc/$1/status; P=$p; children_of $1; N=0\n"
        "[ -r /proc/$1/task/$1/children ] || for c in `cd /proc; echo [0-9]*`; do\n"
        "stat_of $c && [ \"$p\" = $1 ] && break; c=; done; [ \"$c\" ] && N=1\n"
        "echo \"u $1 $U $P $N\"; }\n"
        "piped() { children_of $PPID; [ \"$c\" ] || c=`cd /proc; echo [0-9]*`; T=/nonexistent\n"
        "for K in $c; do { grep -qF -e \"$1\" /proc/$K/cmdline; } 2>/dev/null || continue\n"
        "stat_of $K && [ \"$p\" = $PPID ] && [ \"$y\" = 0 ] || continue; Q=$p\n"
        "echo \"s $Q\"; echo 'm 1 0 1'; family_of $K; for i in $D; do stat_of $i || continue\n"
        "wait_of /proc/$i; echo \"f $i $s $W $k $n\"\n"
        "echo \"a $i `tr '\\000\\n' '  ' </proc/$i/cmdline 2>/dev/null`\"\n"
        "parents_of $i; done; return; done; }\n"
        "list() { children_of $PPID; [ \"$c\" ] || c=`cd /proc; echo [0-9]*`\n"
        "for i in $c; do stat_of $i && [ \"$p\" = $PPID ] && [ \"$y\" != 0 ] && echo \"c $i $k $n\"\n"
        "done; }\n"
        "probe() { stat_of $1 && [ \"$y\" != 0 ] || return\n"
        "echo \"s $1\"; Y=$y F=$t A=0 B=0 C=0\n"
        "T=/dev/pts/$(( (y & 255) | ((y >> 12) & 1048320) ))\n"
        "for m in `stty -a <$T 2>/dev/null`; do case $m in icanon|'icanon;') A=1;;\n"
        "echo|'echo;') B=1;; icrnl|'icrnl;') C=1;; esac; done\n"
        "echo \"m $A $B $C\"; family_of $1; seen=' '\n"
        "for i in $F $D; do case $seen in *\" $i \"*) continue;; esac; seen=\"$seen$i \"\n"
        "stat_of $i && [ \"$y\" = $Y ] && [ \"$g\" = $F ] || continue\n"
        "wait_of /proc/$i; echo \"f $i $s $W $k $n\"\n"
        "case $n in *sh|*sh?*|busybox|sudo|sudo-rs)\n"
        "echo \"a $i `tr '\\000\\n' '  ' </proc/$i/cmdline 2>/dev/null`\";; esac\n"
        "case $n in sudo|sudo-rs) parents_of $i;; esac; done; }\n"
        "signal_members() { family_of $1\n"
        "for i in $D; do case \" $3 \" in *\" $i \"*) continue;; esac\n"
        "stat_of $i && [ \"$g\" = $F ] && [ \"$y\" = \"$Y\" ] && [ \"$s\" != Z ] || continue\n"
        "E=sent P=$i N=$n; case $2 in 0) continue;; TERM) kill -TERM $i && kill -CONT $i;;\n"
        "*) kill -$2 $i;; esac 2>/dev/null || E=denied; done; }\n"
        "calm() { M=; [ $1 = 0 ] && return; T=/dev/pts/$(( (Y & 255) | ((Y >> 12) & 1048320) ))\n"
        "for m in `stty -a <$T 2>/dev/null`; do case $m in -icanon*|-echo|'-echo;'|-isig*)\n"
        "M=`stty -g <$T`; dd bs=4096 count=1 iflag=nonblock <$T >/dev/null 2>&1\n"
        "stty sane <$T; return;; esac; done; }\n"
        "signal_to() { E=none P=0 N=; signal_group \"$@\"; echo \"k $E $P $N\"; }\n"
        "signal_group() { stat_of $1 && [ \"$y\" != 0 ] || return\n"
        "F=$t Y=$y; case $F in ''|0|1|*[!0-9]*) return;; esac\n"
        "for i in $3; do stat_of $i && [ \"$g\" = $F ] && { E=shell P=$i N=$n\n"
        "case $n in ksh*) signal_members \"$@\";; esac; return; }; done\n"
        "family_of $1\n"
        "for i in $F $D; do stat_of $i && [ \"$g\" = $F ] && [ \"$y\" = $Y ] && [ \"$s\" != Z ] &&\n"
        "{ P=$i N=$n; break; }; done\n"
        "calm $2; stat_of $1 && [ \"$t\" = $F ] || return\n"
        "case $2 in 0) [ $P = 0 ] || E=sent;;\n"
        "*) if kill -$2 -$F 2>/dev/null; then E=sent; elif [ $P != 0 ]; then E=denied; fi;; esac\n"
        "case $E$2 in sentTERM) kill -CONT -$F 2>/dev/null;; denied*) [ \"$M\" ] && stty $M <$T;; esac; }\n";

struct probe {
        struct session_channel *channel;
        enum probe_state state;
        char nonce[NONCE_LEN + 1];
        bool is_shell;       /* it has said the nonce */
        bool ran_no_shell;
        int64_t deadline_ms; /* of the answer that is awaited */
        uint64_t owner;
        bool is_list;
        bool is_signal;
        bool is_piped;
        struct buf answer;
        bool has_answer;
        size_t answer_len; /* of the answer's lines, without the line that ends them */
};

struct probe *probe_new(ssh_session ssh, int64_t now_ms)
{
        struct probe *probe = xcalloc(1, sizeof *probe);
        struct session_channel_request request = { 0 };

        buf_init(&probe->answer, ANSWER_MAX);
        random_hex(probe->nonce, NONCE_LEN);
        probe->deadline_ms = now_ms + PROBE_START_MS;
        /* exec: some shells would stay as its parent, and our sshd must be it */
        char *command = xasprintf("exec sh -c 'echo i %s; exec sh'", probe->nonce);
        request.exec = command;
        probe->channel = session_channel_new(ssh, &request, now_ms);
        free(command);
        return probe;
}

/* It is a shell: it may be given the functions. */
static void send_script(struct probe *probe)
{
        char *hello = xasprintf("%s[ -r /proc/self/stat ] && echo h %s\n", script, probe->nonce);

        probe->is_shell = true;
        if (!session_channel_write(probe->channel, hello, str_of(hello).len))
                probe->deadline_ms = 0;
        free(hello);
}

bool probe_ran_no_shell(const struct probe *probe)
{
        return probe->ran_no_shell;
}

void probe_free(struct probe *probe)
{
        if (probe == NULL)
                return;
        session_channel_free(probe->channel);
        buf_fini(&probe->answer);
        free(probe);
}

enum probe_state probe_state(const struct probe *probe)
{
        return probe->state;
}

int64_t probe_deadline_ms(const struct probe *probe)
{
        return probe->state == PROBE_STARTING || probe->state == PROBE_ASKED ? probe->deadline_ms
                                                                              : INT64_MAX;
}

static void give_up(struct probe *probe, const char *why)
{
        log_info("no view of the terminals' state on this host: %s", why);
        probe->ran_no_shell = !probe->is_shell && session_channel_state(probe->channel) != SESSION_CHANNEL_FAILED;
        probe->state = PROBE_UNAVAILABLE;
        session_channel_free(probe->channel);
        probe->channel = NULL;
}

/* Looks for the line that ends what is awaited; what comes before it stays in answer. */
static bool find_end(struct probe *probe, const char *kind)
{
        char line[NONCE_LEN + 3];
        struct str rest = buf_str(&probe->answer);
        struct str at;

        line[0] = kind[0];
        line[1] = ' ';
        for (size_t i = 0; i <= NONCE_LEN; i++)
                line[i + 2] = probe->nonce[i];
        while (str_line(&rest, &at))
                if (str_is(at, line) && at.ptr[at.len] == '\n') {
                        probe->answer_len = (size_t)(at.ptr - (const char *)probe->answer.data);
                        return true;
                }
        return false;
}

static void look_at_answer(struct probe *probe)
{
        if (probe->state == PROBE_STARTING && !probe->is_shell && find_end(probe, "i"))
                send_script(probe);
        if (probe->state == PROBE_STARTING && find_end(probe, "h")) {
                probe->state = PROBE_IDLE;
                buf_reset(&probe->answer);
        } else if (probe->state == PROBE_ASKED && find_end(probe, "z")) {
                probe->state = PROBE_IDLE;
                probe->has_answer = true;
        }
}

static void read_channel(struct probe *probe)
{
        char bytes[4096];
        size_t taken = 0;
        size_t n;

        while (session_channel_read(probe->channel, true, bytes, sizeof bytes) > 0)
                ; /* its stderr is nobody's business, but must not fill the window */
        while (taken < NOISE_READ_MAX
               && (n = session_channel_read(probe->channel, false, bytes, sizeof bytes)) > 0) {
                taken += n;
                if (!buf_append(&probe->answer, bytes, n)) {
                        if (probe->state != PROBE_STARTING) {
                                give_up(probe, "an endless answer");
                                return;
                        }
                        buf_reset(&probe->answer); /* what an rc file prints */
                }
        }
        if (taken > 0)
                look_at_answer(probe);
}

void probe_turn(struct probe *probe, int64_t now_ms)
{
        if (probe->state == PROBE_UNAVAILABLE)
                return;
        session_channel_turn(probe->channel, now_ms);
        read_channel(probe);
        if (probe->state == PROBE_UNAVAILABLE)
                return;
        if (session_channel_state(probe->channel) == SESSION_CHANNEL_FAILED)
                give_up(probe, session_channel_error(probe->channel));
        else if (session_channel_state(probe->channel) == SESSION_CHANNEL_CLOSED)
                give_up(probe, "the helper ended (no /proc?)");
        else if (now_ms >= probe_deadline_ms(probe))
                give_up(probe, "no answer in time");
}

/* One line to the helper; what it prints comes back up to a line of our own. */
static void put_question(struct probe *probe, uint64_t owner, const char *call, int64_t now_ms)
{
        scoped_free char *line = xasprintf("%s; echo z %s\n", call, probe->nonce);

        if (probe->state != PROBE_IDLE)
                bug("a question to the probe in state %d", (int)probe->state);
        buf_reset(&probe->answer);
        probe->has_answer = false;
        probe->owner = owner;
        probe->is_list = false;
        probe->is_signal = false;
        probe->is_piped = false;
        probe->deadline_ms = now_ms + PROBE_TIMEOUT_MS;
        probe->state = PROBE_ASKED;
        if (!session_channel_write(probe->channel, line, str_of(line).len))
                give_up(probe, "the helper takes no questions");
}

void probe_ask(struct probe *probe, uint64_t owner, long long pid, int64_t now_ms)
{
        scoped_free char *call = pid == 0 ? xstrdup("list") : xasprintf("probe %lld", pid);

        put_question(probe, owner, call, now_ms);
        probe->is_list = pid == 0;
}

void probe_signal(struct probe *probe, uint64_t owner, const struct signal_request *request,
                  int64_t now_ms)
{
        scoped_free char *call = xasprintf("signal_to %lld %s '", request->pid, request->signal);

        for (unsigned i = 0; i < request->spared_count; i++) {
                char *longer = xasprintf("%s%lld ", call, request->spared[i]);
                free(call);
                call = longer;
        }
        char *whole = xasprintf("%s'", call);
        free(call);
        call = whole;
        put_question(probe, owner, call, now_ms);
        probe->is_signal = true;
}

void probe_ask_piped(struct probe *probe, uint64_t owner, const char *nonce, int64_t now_ms)
{
        scoped_free char *call = xasprintf("piped '%s'", nonce);

        put_question(probe, owner, call, now_ms);
        probe->is_piped = true;
}

bool probe_take_answer(struct probe *probe, struct probe_answer *out_answer)
{
        if (!probe->has_answer)
                return false;
        probe->has_answer = false;

        struct str lines = { (const char *)probe->answer.data, probe->answer_len };
        *out_answer = (struct probe_answer){
                .owner = probe->owner,
                .is_list = probe->is_list,
                .is_signal = probe->is_signal,
                .is_piped = probe->is_piped,
                .lines = lines,
        };
        struct str line;
        while (!probe->is_list && !probe->is_signal && str_line(&lines, &line))
                facts_take_line(&out_answer->facts, line);
        return true;
}
