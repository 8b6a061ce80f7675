#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
        int number;
        struct list_node node;
};

#define ITEMS 5

static struct list_node head;
static struct item items[ITEMS];

static int fill(void **state)
{
        (void)state;
        list_init(&head);
        for (int i = 0; i < ITEMS; i++) {
                items[i].number = i;
                list_append(&head, &items[i].node);
        }
        return 0;
}

/* The numbers in the list as digits, forwards; backwards they must be the same. */
static long digits(void)
{
        long forwards = 0;
        long backwards = 0;
        long place = 1;

        list_each (node, &head)
                forwards = forwards * 10 + list_entry(node, struct item, node)->number + 1;
        for (struct list_node *node = head.prev; node != &head; node = node->prev, place *= 10)
                backwards += place * (list_entry(node, struct item, node)->number + 1);
        assert_int_equal(forwards, backwards);
        return forwards;
}

static void appended_ones_stand_in_order(void **state)
{
        struct list_node empty;

        (void)state;
        assert_int_equal(digits(), 12345);
        assert_false(list_is_empty(&head));
        list_init(&empty);
        assert_true(list_is_empty(&empty));
        list_each (node, &empty)
                fail();
}

static void any_can_be_removed_and_put_back(void **state)
{
        (void)state;
        list_remove(&items[2].node);
        assert_int_equal(digits(), 1245);
        list_remove(&items[2].node); /* in none: harmless */
        list_remove(&items[0].node);
        list_remove(&items[4].node);
        assert_int_equal(digits(), 24);
        list_append(&head, &items[0].node);
        assert_int_equal(digits(), 241);
        list_remove(&items[1].node);
        list_remove(&items[3].node);
        list_remove(&items[0].node);
        assert_true(list_is_empty(&head));
}

static void the_loop_may_remove_where_it_stands(void **state)
{
        (void)state;
        list_each (node, &head)
                if (list_entry(node, struct item, node)->number % 2 == 0)
                        list_remove(node);
        assert_int_equal(digits(), 24);
        list_each (node, &head)
                list_remove(node);
        assert_true(list_is_empty(&head));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(appended_ones_stand_in_order, fill),
                cmocka_unit_test_setup(any_can_be_removed_and_put_back, fill),
                cmocka_unit_test_setup(the_loop_may_remove_where_it_stands, fill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
