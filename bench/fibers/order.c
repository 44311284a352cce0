// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each word knows a hash of its last store and of the loads since, each fiber
 * a hash of all that it did, which takes in what its accesses found there.
 * The whole order's is the sum of the fibers'.
 */
#include "bench/fibers/order.h"
#include "bench/fibers/fiber.h"

#include <stdio.h>

#define WORDS		(1u << 16)	/* a power of two */

struct word {
	uintptr_t addr;			/* of eight bytes; 0: free */
	uint64_t stored, loaded;
};

struct undo {
	uint32_t word;			/* WORDS: of the fiber */
	uint32_t fiber;
	uint64_t stored, loaded, did;
};

static struct word words[WORDS];
static unsigned int nr_words;
static uint64_t did[FIBERS];
static uint64_t sum;
static struct undo *undo;
static size_t undo_nr, undo_room;

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "fibers: %s\n", what);
	abort();
}

static uint32_t hash_of(uintptr_t addr)
{
	return addr * 0x9e3779b97f4a7c15u >> 48;
}

static struct word *word_of(uintptr_t addr)
{
	uint32_t at;

	addr &= ~(uintptr_t)7;
	at = hash_of(addr);
	while (words[at].addr != addr) {
		if (!words[at].addr) {
			if (++nr_words > WORDS / 2)
				give_up("a scenario touches too many words: "
					"make it smaller");
			words[at].addr = addr;
			break;
		}
		at = (at + 1) % WORDS;
	}
	return &words[at];
}

static void undo_more(void)
{
	undo_room = undo_room ? 2 * undo_room : 1u << 16;
	undo = realloc(undo, undo_room * sizeof(*undo));
	if (!undo)
		give_up("no memory for an order");
}

void order_access(uintptr_t addr, bool write)
{
	unsigned int f = fibers.cur->id;
	struct word *w = word_of(addr);
	uint64_t before = did[f], now;

	if (undo_nr == undo_room)
		undo_more();
	undo[undo_nr++] = (struct undo){
		.word = w - words,
		.fiber = f,
		.stored = w->stored,
		.loaded = w->loaded,
		.did = before,
	};
	now = before * 0x9e3779b97f4a7c15u + (w->addr ^ w->stored);
	if (write) {
		now = order_mix(now + w->loaded + f + 1);
		w->stored = now;
		w->loaded = 0;
	} else {
		now = order_mix(now + f + 0x100);
		w->loaded += now;
	}
	did[f] = now;
	sum += order_mix(now + f) - order_mix(before + f);
}

uint64_t order_hash(void)
{
	return sum;
}

struct order_mark order_mark(void)
{
	return (struct order_mark){ .undo_nr = undo_nr };
}

void order_back_to(const struct order_mark *mark)
{
	while (undo_nr > mark->undo_nr) {
		const struct undo *u = &undo[--undo_nr];

		words[u->word].stored = u->stored;
		words[u->word].loaded = u->loaded;
		sum += order_mix(u->did + u->fiber) -
		       order_mix(did[u->fiber] + u->fiber);
		did[u->fiber] = u->did;
	}
}
