/* What the kernel's answers do to a shell whose command has changed meanwhile. */
#include "worker/shell/shell_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHELL_PID 100

struct scene {
        ssh_session ssh;
        struct buf frames;
        struct shell *shell;
};

static int set_up(void **state)
{
        static struct scene scene;
        struct shell_config config = { .id = 1, .columns = 80, .rows = 24, .frames = &scene.frames };

        buf_init(&scene.frames, 1024 * 1024);
        scene.ssh = config.ssh = ssh_new();
        scene.shell = shell_new(&config, 1000);
        scene.shell->levels[0].pid = SHELL_PID;
        scene.shell->levels[0].driver = driver_find(str_of("zsh"));
        *state = &scene;
        return 0;
}

static int tear_down(void **state)
{
        struct scene *scene = *state;

        shell_free(scene->shell);
        ssh_free(scene->ssh);
        buf_fini(&scene->frames);
        return 0;
}

/* A command whose start mark was seen. */
static struct job *begin(struct scene *scene, uint64_t id, bool wants_line, int64_t now_ms)
{
        struct shell *shell = scene->shell;
        struct job *job = job_new(id, CLEAN_TTY, &scene->frames);

        shell->entries[0] = (struct entry){ .job = job, .wants_line = wants_line, .started_ms = now_ms };
        shell->depth = 1;
        shell_set_phase(shell, SHELL_TYPED, now_ms);
        job_start(job, now_ms);
        shell_set_phase(shell, SHELL_RUNNING, now_ms);
        return job;
}

/* zsh sits in its `read`. */
static struct facts reading(void)
{
        struct facts facts = { .found = true, .shell_pid = SHELL_PID, .modes_known = true,
                               .canonical = true, .echo = true, .cr_to_nl = true, .process_count = 1 };

        facts.processes[0] = (struct facts_process){ .pid = SHELL_PID, .state = 'S', .waits_known = true,
                                                     .reads_terminal = true, .reads_byte = true };
        (void)snprintf(facts.processes[0].name, sizeof facts.processes[0].name, "zsh");
        return facts;
}

static void an_answer_is_for_the_command_that_was_asked_about(void **state)
{
        struct scene *scene = *state;
        struct wire_end end = { .how = WIRE_HOW_EXITED };
        struct facts facts = reading();
        struct job *first = begin(scene, 1, true, 1000);

        shell_on_asked(scene->shell);
        shell_on_facts(scene->shell, &facts, 1010);
        assert_int_equal(first->awaiting, WIRE_AWAITING_LINE);
        shell_on_asked(scene->shell); /* it is answered, ends, and the next one begins */
        shell_end_entry(scene->shell, 0, end, 1020);
        struct job *second = begin(scene, 2, false, 1030);
        shell_on_facts(scene->shell, &facts, 1040);
        assert_int_equal(second->awaiting, WIRE_AWAITING_NOTHING);
        assert_false(scene->shell->is_asking); /* the next question can go off */
        assert_false(scene->shell->entries[0].end_asked);
        shell_on_asked(scene->shell);
        shell_on_facts(scene->shell, &facts, 1050);
        assert_int_equal(second->awaiting, WIRE_AWAITING_LINE);
}

static void an_answer_from_before_the_line_was_typed_types_nothing(void **state)
{
        struct scene *scene = *state;
        struct shell *shell = scene->shell;
        struct facts facts = reading();

        facts.canonical = false; /* it is at its prompt, in its line editor */
        (void)begin(scene, 1, false, 1000);
        shell_on_asked(shell);
        shell_set_phase(shell, SHELL_TYPED, 1010);
        shell_on_facts(shell, &facts, 1020);
        assert_false(shell->lf_tried);
        shell_on_asked(shell);
        shell_on_facts(shell, &facts, 1030);
        assert_true(shell->lf_tried);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_answer_is_for_the_command_that_was_asked_about, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_answer_from_before_the_line_was_typed_types_nothing, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
