#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/schema.h"

#include "base/scoped.h"
#include "mcp/tools_md.h"

#include <stdio.h>
#include <string.h>

#ifndef SOURCE_ROOT
#error "SOURCE_ROOT is the top of the source tree"
#endif

static void the_list_is_small(void **state)
{
        json_t *all = schema_of_tools(INLINE_SECRETS_ALLOWED);
        scoped_free char *text = json_dumps(all, JSON_COMPACT);

        (void)state;
        assert_true(strlen(text) < 14000);
        json_decref(all);
}

static void every_row_is_complete(void **state)
{
        (void)state;
        assert_string_equal(tools[0]->name, "list_sessions");
        for (size_t i = 0; tools[i] != NULL; i++) {
                const struct tool *tool = tools[i];
                size_t count = 0;

                assert_in_range(strlen(tool->name), 1, 24);
                assert_int_equal(strspn(tool->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(tool->name));
                assert_in_range(strlen(tool->help), 20, 600);
                assert_true(strlen(tool->title) > 0);
                assert_non_null(tool->run);
                assert_ptr_equal(tools_find(tool->name), tool);
                for (const struct arg *arg = tool->args; arg->name != NULL; arg++, count++) {
                        assert_in_range(strlen(arg->help), 5, 120);
                        assert_true(arg->kind != ARG_INT || arg->max > arg->min);
                        assert_false(arg->required && arg->fallback != NULL);
                }
                assert_in_range(count, 0, TOOL_ARGS_MAX);
        }
        assert_null(tools_find("nope"));
}

static void a_schema_has_what_clients_need(void **state)
{
        json_t *entry = schema_of_tool(tools_find("execute_command"), INLINE_SECRETS_ALLOWED);
        const json_t *input = json_object_get(entry, "inputSchema");
        const json_t *timeout = json_object_get(json_object_get(input, "properties"), "timeout");

        (void)state;
        assert_string_equal(json_string_value(json_object_get(input, "type")), "object");
        assert_true(json_is_false(json_object_get(input, "additionalProperties")));
        assert_int_equal(json_array_size(json_object_get(input, "required")), 2);
        assert_int_equal(json_integer_value(json_object_get(timeout, "default")), 30);
        assert_int_equal(json_integer_value(json_object_get(timeout, "maximum")), 3600);
        assert_true(json_is_true(json_object_get(json_object_get(entry, "_meta"), "anthropic/alwaysLoad")));
        assert_null(json_object_get(json_object_get(entry, "annotations"), "destructiveHint")); /* true is meant */
        json_decref(entry);
        entry = schema_of_tool(tools_find("list_sessions"), INLINE_SECRETS_ALLOWED);
        assert_non_null(json_object_get(entry, "outputSchema"));
        assert_true(json_is_true(json_object_get(json_object_get(entry, "annotations"), "readOnlyHint")));
        json_decref(entry);
}

static void the_page_is_what_the_table_says(void **state)
{
        FILE *file = fopen(SOURCE_ROOT "/docs/tools.md", "r");
        scoped_buf struct buf wanted;
        scoped_buf struct buf page;

        (void)state;
        assert_non_null(file);
        buf_init(&wanted, TOOLS_MD_MAX);
        buf_init(&page, TOOLS_MD_MAX);
        tools_md_write(&wanted);
        assert_true(buf_reserve(&page, TOOLS_MD_MAX));
        page.len = fread(page.data, 1, TOOLS_MD_MAX, file);
        page.data[page.len] = '\0';
        (void)fclose(file);
        assert_string_equal((char *)page.data, (char *)wanted.data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_list_is_small),
                cmocka_unit_test(every_row_is_complete),
                cmocka_unit_test(a_schema_has_what_clients_need),
                cmocka_unit_test(the_page_is_what_the_table_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
