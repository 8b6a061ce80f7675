/*
 * Open addressing with linear probing; a removed entry is closed by moving its followers up
 * (no tombstones), so look-ups stay short however long the program runs.
 */
#include "base/idmap.h"

#include "base/alloc.h"

#include <stdlib.h>

#define FIRST_CAP 16 /* slots; a power of two, as every later cap */

struct idmap_slot {
        uint64_t id; /* 0: free */
        void *object;
};

static size_t home_of(const struct idmap *map, uint64_t id)
{
        return (size_t)(id * 0x9E3779B97F4A7C15u >> 32) & (map->cap - 1);
}

void idmap_init(struct idmap *map)
{
        *map = (struct idmap){ 0 };
}

void idmap_fini(struct idmap *map)
{
        free(map->slots);
        idmap_init(map);
}

static void put(struct idmap *map, uint64_t id, void *object)
{
        size_t at = home_of(map, id);

        while (map->slots[at].id != 0)
                at = (at + 1) & (map->cap - 1);
        map->slots[at] = (struct idmap_slot){ id, object };
}

static void grow(struct idmap *map)
{
        struct idmap_slot *old = map->slots;
        size_t old_cap = map->cap;

        map->cap = old_cap == 0 ? FIRST_CAP : old_cap * 2;
        map->slots = xcalloc(map->cap, sizeof *map->slots);
        for (size_t i = 0; i < old_cap; i++)
                if (old[i].id != 0)
                        put(map, old[i].id, old[i].object);
        free(old);
}

uint64_t idmap_add(struct idmap *map, void *object)
{
        if ((map->count + 1) * 2 > map->cap)
                grow(map);
        map->count++;
        put(map, ++map->last_id, object);
        return map->last_id;
}

static struct idmap_slot *slot_of(const struct idmap *map, uint64_t id)
{
        if (map->cap == 0 || id == 0)
                return NULL;
        for (size_t at = home_of(map, id); map->slots[at].id != 0; at = (at + 1) & (map->cap - 1))
                if (map->slots[at].id == id)
                        return &map->slots[at];
        return NULL;
}

void *idmap_find(const struct idmap *map, uint64_t id)
{
        struct idmap_slot *slot = slot_of(map, id);

        return slot != NULL ? slot->object : NULL;
}

void idmap_remove(struct idmap *map, uint64_t id)
{
        struct idmap_slot *slot = slot_of(map, id);

        if (slot == NULL)
                return;
        map->count--;
        size_t hole = (size_t)(slot - map->slots);
        for (size_t at = (hole + 1) & (map->cap - 1); map->slots[at].id != 0;
             at = (at + 1) & (map->cap - 1)) {
                size_t home = home_of(map, map->slots[at].id);
                size_t from_home = (at - home) & (map->cap - 1);
                size_t from_hole = (at - hole) & (map->cap - 1);
                if (from_home < from_hole)
                        continue; /* moving it would put it before its home */
                map->slots[hole] = map->slots[at];
                hole = at;
        }
        map->slots[hole] = (struct idmap_slot){ 0 };
}
