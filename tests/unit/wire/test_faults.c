/*
 * Every call that may fail, fails once: the n-th, for each n until nothing is left to fail. What
 * failed must say so, leave what was there as it was, and leak nothing (that is ASan's to find).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/scoped.h"
#include "base/utf8.h"
#include "wire/message.h"

#include <stdio.h>
#include <string.h>

#define OUT_MAX         (1024 * 1024)
#define MESON_TEST_SKIP 77

#ifdef FAULT_INJECTION

#define BEFORE "before"

typedef bool action(struct buf *out);

/* How often it failed until it did not; out holds what it held each time it failed. */
static unsigned failures_of(action *run)
{
        for (unsigned n = 1; n < 1000; n++) {
                scoped_buf struct buf out;
                buf_init(&out, OUT_MAX);
                assert_true(buf_append_str(&out, BEFORE));
                fault_at(n);
                bool ok = run(&out);
                fault_off();
                if (ok)
                        return n - 1;
                assert_int_equal(strncmp((char *)out.data, BEFORE, strlen(BEFORE)), 0);
                assert_int_equal(out.data[out.len], 0);
        }
        fail_msg("it never succeeds");
        return 0;
}

static bool append(struct buf *out)
{
        static const char text[1000] = "long enough to make it grow";
        size_t len = out->len;
        bool ok = buf_append(out, text, sizeof text);

        assert_int_equal(out->len, ok ? len + sizeof text : len);
        return ok;
}

static bool append_bytes(struct buf *out)
{
        for (unsigned i = 0; i < 1000; i++)
                if (!buf_append_byte(out, 'x'))
                        return false;
        return true;
}

static bool print(struct buf *out)
{
        size_t len = out->len;
        bool ok = buf_printf(out, "%0500d", 7);

        assert_int_equal(out->len, ok ? len + 500 : len);
        return ok;
}

static bool take(struct buf *out)
{
        struct buf text;

        buf_init(&text, OUT_MAX);
        bool ok = buf_append_str(&text, "a text");
        scoped_free char *taken = buf_take(&text);
        assert_string_equal(taken, ok ? "a text" : "");
        return ok && buf_append_str(out, taken);
}

static bool repair(struct buf *out)
{
        char bytes[600];

        memset(bytes, 'x', sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i += 7)
                bytes[i] = '\xFF';
        return str_utf8_repair(out, bytes, sizeof bytes);
}

static void buffers_fail_cleanly(void **state)
{
        (void)state;
        assert_int_equal(failures_of(append), 1);
        assert_true(failures_of(append_bytes) > 2); /* each time it doubles */
        assert_int_equal(failures_of(print), 1);
        assert_true(failures_of(take) >= 1);
        assert_true(failures_of(repair) > 2);
}

static const char payload[3000] = "p";

static bool write_connect(struct buf *out)
{
        struct wire_connect connect = {
                .user = { payload, 100 },
                .host_key_algorithms = { payload, 1000 },
                .password = { payload, 2000 },
        };

        return wire_write_connect(out, &connect);
}

static bool write_end(struct buf *out)
{
        struct wire_end end = { .status = -1, .cwd = { payload, 1000 }, .text = { payload, 2000 } };

        return wire_write_end(out, WIRE_ENDED, 1, &end);
}

static bool write_bare(struct buf *out)
{
        for (unsigned i = 0; i < 20; i++)
                if (!wire_write_bare(out, WIRE_STARTED, i))
                        return false;
        return true;
}

static bool write_bytes(struct buf *out)
{
        return wire_write_bytes(out, WIRE_PARTIAL, 1, payload, sizeof payload);
}

static bool write_u32_bytes(struct buf *out)
{
        return wire_write_u32_bytes(out, WIRE_OUTPUT, 1, 1, payload, sizeof payload);
}

static bool write_two_bytes(struct buf *out)
{
        return wire_write_two_bytes(out, WIRE_HOST_KEY, 0, (struct str){ payload, 1000 }, (struct str){ payload, 2000 });
}

static bool write_shell_ready(struct buf *out)
{
        return wire_write_shell_ready(out, 1, (struct str){ payload, 1000 }, 1);
}

static bool write_nothing_or_all(struct buf *out, action *run)
{
        size_t len = out->len;
        bool ok = run(out);
        struct frame frame;
        size_t used;

        if (ok)
                assert_int_equal(frame_parse(out->data + len, out->len - len, &frame, &used), FRAME_READY);
        else if (run != write_bare)
                assert_int_equal(out->len, len); /* no half a frame */
        return ok;
}

static action *const writers[] = { write_connect,   write_end,       write_bare,       write_bytes,
                                   write_u32_bytes, write_two_bytes, write_shell_ready };
static action *writer;

static bool run_writer(struct buf *out)
{
        return write_nothing_or_all(out, writer);
}

static void frames_are_written_whole_or_not_at_all(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
                writer = writers[i];
                assert_true(failures_of(run_writer) >= 1);
        }
}

/* A buf that failed once goes on when there is memory again. */
static void a_buf_recovers(void **state)
{
        scoped_buf struct buf out;

        (void)state;
        buf_init(&out, OUT_MAX);
        fault_at(1);
        assert_false(buf_append_str(&out, "a"));
        assert_null(out.data);
        assert_true(buf_append_str(&out, "b"));
        fault_at(1);
        assert_false(buf_reserve(&out, 1000));
        fault_off();
        assert_true(buf_reserve(&out, 1000));
        assert_true(str_is(buf_str(&out), "b"));
}

static void the_fault_hits_once(void **state)
{
        (void)state;
        assert_false(fault_hit());
        fault_at(3);
        assert_false(fault_hit());
        assert_false(fault_hit());
        assert_true(fault_hit());
        assert_false(fault_hit());
        fault_at(1);
        fault_off();
        assert_false(fault_hit());
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_fault_hits_once),
                cmocka_unit_test(buffers_fail_cleanly),
                cmocka_unit_test(frames_are_written_whole_or_not_at_all),
                cmocka_unit_test(a_buf_recovers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
        (void)printf("built without -Dfaults=true: nothing fails on purpose\n");
        return MESON_TEST_SKIP;
}

#endif
