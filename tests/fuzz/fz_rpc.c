/* Framing and parsing: the first byte says in how large pieces the rest arrives. */
#include "fuzz.h"
#include "mcp/rpc.h"
#include "transport/lines.h"

static void take_line(struct str line)
{
        struct rpc_message message;
        struct rpc_fault fault = { 0 };
        json_t *value = NULL;

        if (rpc_parse(line.ptr, line.len, &value, &fault))
                (void)rpc_classify(value, &message, &fault);
        rpc_fault_fini(&fault);
        json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        size_t step = len > 0 ? bytes[0] % 64 + (size_t)1 : 1;
        struct lines lines;
        struct str line;

        lines_init(&lines);
        for (size_t at = 1; at < len; at += step) {
                char *piece = fuzz_copy(bytes + at, len - at < step ? len - at : step);
                struct str rest = { piece, len - at < step ? len - at : step };

                while (lines_next(&lines, &rest, &line) == LINES_LINE)
                        take_line(line);
                free(piece);
        }
        if (lines_end(&lines, &line) == LINES_LINE)
                take_line(line);
        lines_fini(&lines);
        return 0;
}
