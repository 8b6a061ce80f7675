#pragma once
/*
 * idmap.h - from an id to the object that has it. Ids count up and are never reused.
 *
 * Process: any.
 * Memory:  the map owns no object. Grows with what is in it; no ceiling of its own, because
 *          every user has one on its objects.
 */
#include <stddef.h>
#include <stdint.h>

struct idmap {
        struct idmap_slot *slots;
        size_t cap;
        size_t count;
        uint64_t last_id;
};

void idmap_init(struct idmap *map);
void idmap_fini(struct idmap *map); /* accepts zeroed memory */

uint64_t idmap_add(struct idmap *map, void *object);    /* the new id, from 1 upwards */
void *idmap_find(const struct idmap *map, uint64_t id); /* NULL when it is gone or never was */
void idmap_remove(struct idmap *map, uint64_t id);      /* not there: nothing happens */
