/*
 * Where the error itself says what to do, that is the advice: "what happened. What to do." Only
 * where it cannot know (the network says the same of a typing error and of a dead machine) a row
 * here says what is the most likely. The rows look into texts of our own, and a test holds them
 * together.
 */
#include "cli/advice.h"

#include <string.h>

struct advice {
        enum connect_step step;
        const char *part; /* of the error's text; "": any */
        const char *text; /* %s: the host */
};

static const struct advice advices[] = {
        { CONNECT_STEP_CONFIG, "did not end within",
          "Run `ssh -G %s` in a terminal: it hangs. Look for `Match exec` in ~/.ssh/config." },
        { CONNECT_STEP_CONFIG, "ended with status",
          "Mend the line of ~/.ssh/config that is named; `ssh -G %s` must run through." },
        { CONNECT_STEP_CONFIG, "log-ins to", "Wait, and find out meanwhile why the log-ins failed: "
                                             "`ssh %s` in a terminal asks the same host." },
        { CONNECT_STEP_CONFIG, "allows no",
          "Add one of the algorithms that are named to that line for %s in ~/.ssh/config." },
        { CONNECT_STEP_CONFIG, "cannot be read", "Make that file readable, or a regular file." },
        { CONNECT_STEP_CONFIG, "",
          "Run `ssh -G %s` in a terminal and look at what it prints for it." },
        { CONNECT_STEP_REACH, "cannot find the host",
          "Check the spelling of %s, give it a HostName in ~/.ssh/config, or check the VPN that "
          "its name server is behind." },
        { CONNECT_STEP_REACH, "connection refused",
          "Nothing listens on that port: start sshd on %s, or correct Port in ~/.ssh/config." },
        { CONNECT_STEP_REACH, "no answer in time",
          "Nobody answers: check that %s is up, the VPN, and the firewall between (ping, "
          "traceroute)." },
        { CONNECT_STEP_REACH, "unreachable",
          "There is no way to that network from here: check the VPN and the routes." },
        { CONNECT_STEP_REACH, "",
          "Try `ssh -v %s` in a terminal and compare; the same step fails there if the way is "
          "broken." },
        { CONNECT_STEP_BANNER, "",
          "What listens there is no SSH server, or it hung up before it said anything: check Port, "
          "and on %s MaxStartups, fail2ban and hosts.deny." },
        { CONNECT_STEP_KEX, "",
          "Compare with `ssh -v %s`; an old server may need its algorithm named in ~/.ssh/config, "
          "for example `KexAlgorithms +diffie-hellman-group14-sha1`." },
        { CONNECT_STEP_LOG_IN, "hung up",
          "The server ended it: look into its log (journalctl -u ssh on %s); MaxAuthTries and "
          "AllowUsers are the usual reasons." },
        { CONNECT_STEP_LOG_IN, "not answered within",
          "The server takes too long to decide: look into its log (journalctl -u ssh on %s), PAM and "
          "name service are the usual reasons." },
        { CONNECT_STEP_LOG_IN, "closed on request", "Try again." },
        { CONNECT_STEP_LOG_IN, "",
          "Try `ssh %s` in a terminal. If it asks for something, run `mcp-ssh-session login` for that "
          "host; if it is refused too, give it a key with ssh-copy-id." },
};

/* What comes after the first sentence of an error; empty: it says only what happened. */
static struct str remedy_in(const char *text)
{
        const char *end = strstr(text, ". ");

        return end != NULL ? str_trim(str_of(end + 2)) : (struct str){ NULL, 0 };
}

static void write_filled(struct buf *out, const char *text, const char *host)
{
        const char *place = strstr(text, "%s");

        if (place == NULL) {
                (void)buf_append_str(out, text); /* full: cut, it is for people */
                return;
        }
        (void)buf_append(out, text, (size_t)(place - text));
        (void)buf_append_str(out, host);
        (void)buf_append_str(out, place + 2);
}

void advice_write(struct buf *out, enum connect_step step, const struct err *why, const char *host)
{
        struct str remedy = remedy_in(why->text);

        if (remedy.len > 0) {
                (void)buf_append(out, remedy.ptr, remedy.len);
                return;
        }
        for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
                if (advices[i].step == step && strcasestr(why->text, advices[i].part) != NULL) {
                        write_filled(out, advices[i].text, host);
                        return;
                }
        write_filled(out, "Compare with `ssh -v %s` in a terminal.", host);
}
