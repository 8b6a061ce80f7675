/* The probe's answer after one byte of what we know: a verdict is about a process that is there. */
#include "fuzz.h"
#include "worker/shell/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *text = fuzz_copy(bytes, len);
        struct str rest = { text + (len > 0), len - (len > 0) };
        struct facts facts = { 0 };
        struct verdict_question question = {
                .driver = driver_fallback(),
                .shell_pid = text[0] & 1 ? 100 : 0,
                .shell_stack = text[0] & 2 ? 140000000000000 : 0,
                .runs_command = text[0] & 4,
                .interrupted = text[0] & 8,
                .wants_line = text[0] & 16,
                .is_remote = text[0] & 32,
                .line_editor_on = text[0] & 64,
        };
        struct str line;

        while (str_line(&rest, &line))
                facts_take_line(&facts, line);
        struct verdict verdict = facts_judge(&facts, &question);
        fuzz_check(facts.process_count <= FACTS_PROCESSES_MAX);
        fuzz_check((verdict.kind == VERDICT_RUNNING) == (verdict.process == NULL));
        if (verdict.process != NULL) {
                fuzz_check(facts.found && facts.modes_known && strchr("SI", verdict.process->state) != NULL);
                fuzz_check((size_t)(verdict.process - facts.processes) < facts.process_count);
        }
        free(text);
        return 0;
}
