// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each word knows a hash of its last store and of the loads since, each fiber
 * a hash of all that it did, which takes in what its accesses found there.
 * The whole order's is the sum of the fibers'.
 */
#include "bench/fibers/order.h"
#include "bench/fibers/fiber.h"

#include <stdio.h>

#define SLOTS		(1u << 16)	/* powers of two */
#define WORDS		(SLOTS / 2)

struct word {
	uintptr_t addr;			/* of eight bytes */
	uint64_t stored, loaded;
};

struct undo {
	uint32_t word;
	uint32_t chain;
	uint64_t stored, loaded, did;
};

/* Small, and few of them are used: they stay in the processor's cache. */
static uint16_t slots[SLOTS];		/* 0: free, or a word */
static struct word words[WORDS];
static unsigned int nr_words;
/* What each fiber did, and then what its stores did that were kept back. */
static uint64_t did[2 * FIBERS];
static uint64_t sum;
static struct undo *undo;
static size_t undo_nr, undo_room;

extern char __start_fiber_state[];

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "fibers: %s\n", what);
	abort();
}

static uint32_t slot_of(uintptr_t addr)
{
	return addr * 0x9e3779b97f4a7c15u >> 48;
}

/* What is not in the arena is not at the same address in each process. */
static uintptr_t name_of(uintptr_t addr)
{
	addr &= ~(uintptr_t)7;
	if (addr - WORLD_AT < ARENA_END - WORLD_AT)
		return addr;
	return addr - (uintptr_t)__start_fiber_state + 8;
}

static struct word *word_of(uintptr_t addr)
{
	uint32_t at;

	addr = name_of(addr);
	at = slot_of(addr);
	while (words[slots[at]].addr != addr) {
		if (!slots[at]) {
			if (++nr_words == WORDS)
				give_up("a scenario touches too many words: "
					"make it smaller");
			slots[at] = nr_words;
			words[nr_words].addr = addr;
			break;
		}
		at = (at + 1) % SLOTS;
	}
	return &words[slots[at]];
}

static void undo_more(void)
{
	undo_room = undo_room ? 2 * undo_room : 1u << 16;
	undo = realloc(undo, undo_room * sizeof(*undo));
	if (!undo)
		give_up("no memory for an order");
}

static void keep(const struct word *w, unsigned int chain)
{
	if (unlikely(undo_nr == undo_room))
		undo_more();
	undo[undo_nr++] = (struct undo){
		.word = w - words,
		.chain = chain,
		.stored = w->stored,
		.loaded = w->loaded,
		.did = did[chain],
	};
}

static void done(unsigned int chain, uint64_t now)
{
	sum += now - did[chain];
	did[chain] = now;
}

static void stored(struct word *w, unsigned int chain, uint64_t made)
{
	uint64_t now;

	keep(w, chain);
	now = did[chain] * 0x9e3779b97f4a7c15u + (w->addr ^ w->stored);
	now = order_mix(now + w->loaded + made + chain + 1);
	w->stored = now;
	w->loaded = 0;
	done(chain, now);
}

void order_access(uintptr_t addr, bool write)
{
	struct word *w = word_of(addr);
	unsigned int f = fibers.cur->id;
	uint64_t now;

	if (write) {
		stored(w, f, 0);
		return;
	}
	keep(w, f);
	now = did[f] * 0x9e3779b97f4a7c15u + (w->addr ^ w->stored);
	now = order_mix(now + f + 0x100);
	w->loaded += now;
	done(f, now);
}

uint64_t order_own(uintptr_t addr)
{
	unsigned int f = fibers.cur->id;

	/* The first word is nobody's. */
	keep(&words[0], f);
	done(f, order_mix(did[f] * 0x9e3779b97f4a7c15u + name_of(addr) + f +
			  0x200));
	return did[f];
}

void order_drain(unsigned int id, uint64_t made, uintptr_t addr)
{
	stored(word_of(addr), FIBERS + id, made);
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
		sum += u->did - did[u->chain];
		did[u->chain] = u->did;
	}
}
