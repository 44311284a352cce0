// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each word knows a hash of its last store and of the loads since, each fiber
 * a hash of all that it did, which takes in what its accesses found there.
 * The whole order's is the sum of the fibers'.
 */
#include "bench/fibers/order.h"
#include "bench/fibers/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

/* One for each eight bytes of the arena, and of the program's own memory. */
struct word {
	uint64_t stored, loaded;
};

#define WORDS_AT	(WORLD_AT + (1ull << 36))
#define words		((struct word *)WORDS_AT)
#define ARENA_WORDS	((ARENA_END - WORLD_AT) / 8)
#define OUTER_WORDS	(1u << 24)	/* half of them on each side */
#define NO_WORD		(ARENA_WORDS + OUTER_WORDS)
#define WORDS		(NO_WORD + 1)

_Static_assert(WORDS <= UINT32_MAX, "struct undo");

struct undo {
	uint32_t word;
	uint32_t chain;
	uint64_t stored, loaded, did;
};

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

int order_init(void)
{
	void *p = mmap((void *)WORDS_AT, WORDS * sizeof(struct word),
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			       MAP_FIXED_NOREPLACE,
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	return p == (void *)WORDS_AT ? 0 : -EEXIST;
}

/* What is not in the arena is not at the same address in each process. */
static uintptr_t name_of(uintptr_t addr)
{
	addr &= ~(uintptr_t)7;
	if (addr - ARENA_STACKS_AT < FIBERS * (uintptr_t)FIBER_STACK)
		return addr & -(uintptr_t)FIBER_STACK;
	if (likely(addr - WORLD_AT < ARENA_END - WORLD_AT))
		return addr;
	return addr - (uintptr_t)__start_fiber_state + 8;
}

static struct word *word_of(uintptr_t name)
{
	uintptr_t outer;

	if (likely(name - WORLD_AT < ARENA_END - WORLD_AT))
		return &words[(name - WORLD_AT) / 8];
	outer = name / 8 + OUTER_WORDS / 2;
	if (outer % (UINTPTR_MAX / 8 + 1) >= OUTER_WORDS)
		give_up("an access to memory that is nobody's");
	return &words[ARENA_WORDS + outer % (UINTPTR_MAX / 8 + 1)];
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

static void stored(uintptr_t name, unsigned int chain, uint64_t made)
{
	struct word *w = word_of(name);
	uint64_t now;

	keep(w, chain);
	now = did[chain] * 0x9e3779b97f4a7c15u + (name ^ w->stored);
	now = order_mix(now + w->loaded + made + chain + 1);
	w->stored = now;
	w->loaded = 0;
	done(chain, now);
}

void order_access(uintptr_t addr, bool write)
{
	unsigned int f = fibers.cur->id;
	uintptr_t name = name_of(addr);
	struct word *w;
	uint64_t now;

	if (write) {
		stored(name, f, 0);
		return;
	}
	w = word_of(name);
	keep(w, f);
	now = did[f] * 0x9e3779b97f4a7c15u + (name ^ w->stored);
	now = order_mix(now + f + 0x100);
	w->loaded += now;
	done(f, now);
}

uint64_t order_own(uintptr_t addr)
{
	unsigned int f = fibers.cur->id;

	keep(&words[NO_WORD], f);
	done(f, order_mix(did[f] * 0x9e3779b97f4a7c15u + name_of(addr) + f +
			  0x200));
	return did[f];
}

void order_drain(unsigned int id, uint64_t made, uintptr_t addr)
{
	stored(name_of(addr), FIBERS + id, made);
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
