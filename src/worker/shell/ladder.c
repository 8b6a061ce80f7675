#include "worker/shell/ladder.h"

#include <string.h>

#define RUNG_TERM 1u
#define RUNG_LOOK (RUNG_TERM + LADDER_KILLS_MAX + 1)

void ladder_begin(struct ladder *ladder, int64_t now_ms)
{
        *ladder = (struct ladder){ .is_up = true, .since_ms = now_ms };
}

static void end(struct ladder *ladder, enum wire_stopping outcome)
{
        ladder->has_ended = true;
        ladder->outcome = outcome;
}

int64_t ladder_due_ms(const struct ladder *ladder)
{
        if (!ladder->is_up || ladder->is_asked)
                return INT64_MAX;
        if (ladder->has_ended)
                return ladder->since_ms;
        return ladder->since_ms + (ladder->rung > RUNG_TERM ? LADDER_KILL_PAUSE_MS : LADDER_PAUSE_MS);
}

enum ladder_step ladder_due(struct ladder *ladder, bool can_signal, int64_t now_ms)
{
        if (now_ms < ladder_due_ms(ladder))
                return LADDER_WAIT;
        if (!ladder->has_ended && !can_signal)
                end(ladder, WIRE_STOPPING_UNCONFIRMED);
        if (ladder->has_ended) {
                ladder->is_up = false;
                return LADDER_OVER;
        }
        if (ladder->rung + 1 == RUNG_TERM)
                return LADDER_TERM;
        return ladder->rung + 1 < RUNG_LOOK ? LADDER_KILL : LADDER_LOOK;
}

void ladder_asked(struct ladder *ladder)
{
        ladder->is_asked = true;
}

/* Nothing more will be tried. */
static enum wire_stopping judge(const struct ladder_answer *answer)
{
        switch (answer->kind) {
        case LADDER_SENT:      return WIRE_STOPPING_RUNS;
        case LADDER_SHELL:     return WIRE_STOPPING_SHELL;
        case LADDER_DENIED:    return WIRE_STOPPING_OTHER_USER;
        case LADDER_NO_ANSWER:
        case LADDER_NOBODY:    break;
        }
        return WIRE_STOPPING_UNCONFIRMED;
}

void ladder_answered(struct ladder *ladder, const struct ladder_answer *answer, int64_t now_ms)
{
        if (!ladder->is_up || !ladder->is_asked)
                return;
        ladder->is_asked = false;
        ladder->since_ms = now_ms;
        ladder->last = *answer;
        ladder->rung++;
        if (ladder->rung == RUNG_LOOK || answer->kind == LADDER_DENIED)
                end(ladder, judge(answer));
}

struct ladder_answer ladder_read_answer(struct str lines)
{
        static const char *const words[] = { [LADDER_SENT] = "sent", [LADDER_SHELL] = "shell",
                                             [LADDER_DENIED] = "denied", [LADDER_NOBODY] = "none" };
        struct ladder_answer answer = { .kind = LADDER_NO_ANSWER };
        struct str line;

        while (str_line(&lines, &line)) {
                if (!str_is(str_word(&line), "k"))
                        continue;
                struct str word = str_word(&line);
                for (unsigned i = LADDER_SENT; i <= LADDER_NOBODY; i++)
                        if (str_is(word, words[i]))
                                answer.kind = (enum ladder_answer_kind)i;
                if (!str_number(str_word(&line), &answer.pid) || answer.pid < 0)
                        answer.pid = 0;
                struct str name = str_trim(line);
                size_t len = name.len < LADDER_NAME_MAX - 1 ? name.len : LADDER_NAME_MAX - 1;
                memcpy(answer.name, name.ptr, len);
                answer.name[len] = 0;
        }
        return answer;
}
