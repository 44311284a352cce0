// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the fibers, at fixed addresses, and snapshots of it.
 *
 * Each fiber allocates from an area of its own and frees into it: what it is
 * given depends on what it did and was handed, and not on when.  So equal
 * orders of accesses have equal memory (order.h counts on that).
 *
 * A snapshot is a copy of what changes in any run: tasks, stacks, small
 * objects.  Pages, which few runs write to, are copied when they first are
 * after a snapshot was saved or put back: so every write to one comes by here,
 * from the compiler's call ahead of it or from a function of ours.
 */
#include "bench/fibers/arena.h"
#include "bench/fibers/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#define PAGE		4096u
#define LINE		64u
#define LARGE		32768u	/* from here on: never handed out again */
#define CLASSES		64u		/* of multiples of a line */

#define HEAP_BYTES	(1u << 22)
#define PAGES_BYTES	(1u << 22)
#define STACKS_AT	ARENA_STACKS_AT
#define HEAPS_AT	(WORLD_AT + (1ull << 26))
#define PAGES_AT	ARENA_PAGES_AT
#define BIG_AT		(WORLD_AT + (1ull << 30))
#define BIG_END		ARENA_END

_Static_assert(sizeof(struct fiber_world) <= STACKS_AT - WORLD_AT, "world");
_Static_assert((PAGES_AT - HEAPS_AT) / HEAP_BYTES >= FIBERS, "heaps");
_Static_assert((BIG_AT - PAGES_AT) / PAGES_BYTES >= FIBERS, "pages");

extern char __start_fiber_state[], __stop_fiber_state[];

static char *heap_of(unsigned int id)
{
	return (char *)HEAPS_AT + (size_t)id * HEAP_BYTES;
}

static char *pages_of(unsigned int id)
{
	return (char *)PAGES_AT + (size_t)id * PAGES_BYTES;
}

char *arena_stack(unsigned int id)
{
	return (char *)STACKS_AT + (size_t)id * FIBER_STACK;
}

int arena_init(void)
{
	size_t size = BIG_END - WORLD_AT;
	void *p = mmap((void *)WORLD_AT, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			       MAP_FIXED_NOREPLACE,
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	if (p != (void *)WORLD_AT)
		return -EEXIST;
	madvise(p, size, MADV_NOHUGEPAGE);
	world->big = (char *)BIG_AT;
	return order_init();
}

void arena_fiber_init(struct fiber *f)
{
	f->heap = heap_of(f->id);
	f->pages = pages_of(f->id);
}

void (*arena_full)(const char *what);

static void __attribute__((noreturn)) full(const char *what)
{
	if (arena_full)
		arena_full(what);
	fprintf(stderr, "fibers: a scenario has used up %s: make it smaller\n",
		what);
	abort();
}

/* --- pages as they were before they were written to ------------------ */

struct undo {
	char *page;
	char was[PAGE];
};

static struct undo *undo;
static size_t undo_nr, undo_room;
/* When each was kept last: since then there was no snapshot. */
static uint32_t kept_in[(BIG_END - PAGES_AT) / PAGE], epoch = 1;

static void __attribute__((noinline)) keep_page(uintptr_t page)
{
	kept_in[(page - PAGES_AT) / PAGE] = epoch;
	if (undo_nr == undo_room) {
		undo_room = undo_room ? 2 * undo_room : 256;
		undo = realloc(undo, undo_room * sizeof(*undo));
		if (!undo)
			full("memory for what has to be undone");
	}
	undo[undo_nr].page = (char *)page;
	memcpy(undo[undo_nr++].was, (void *)page, PAGE);
}

void arena_keep_pages(uintptr_t at, size_t size)
{
	for (uintptr_t page = at & -(uintptr_t)PAGE; page < at + size;
	     page += PAGE)
		if (kept_in[(page - PAGES_AT) / PAGE] != epoch)
			keep_page(page);
}

static void next_epoch(void)
{
	if (++epoch)
		return;
	/* Every four thousand million of them. */
	memset(kept_in, 0, sizeof(kept_in));
	epoch = 1;
}

static void about_to_write(void *at, size_t size)
{
	fiber_drain(fibers.cur, fibers.cur->nr_stores);
	arena_about_to_write((uintptr_t)at, size);
}

void (*arena_copied)(char *to, size_t size);

void *arena_memcpy(void *to, const void *from, size_t size)
{
	about_to_write(to, size);
	memcpy(to, from, size);
	if ((uintptr_t)to >= BIG_AT && arena_copied)
		arena_copied(to, size);
	return to;
}

void *arena_memmove(void *to, const void *from, size_t size)
{
	about_to_write(to, size);
	return memmove(to, from, size);
}

void *arena_memset(void *at, int c, size_t size)
{
	about_to_write(at, size);
	return memset(at, c, size);
}

void arena_qsort(void *at, size_t nr, size_t size,
		 int (*cmp)(const void *a, const void *b))
{
	about_to_write(at, nr * size);
	qsort(at, nr, size, cmp);
}

/* --- allocation ------------------------------------------------------ */

static void *big_alloc(size_t size)
{
	char *p;

	/* The only area that they share: who comes first has what is first. */
	fiber_point(&world->big, ACCESS_RMW);
	p = world->big;
	size = (size + PAGE - 1) / PAGE * PAGE;
	if (size > (size_t)((char *)BIG_END - p))
		full("the arena");
	world->big += size;
	return p;
}

static void *page_alloc(struct fiber *f)
{
	void *p = f->page_bin;

	if (p) {
		f->page_bin = *(void **)p;
		return p;
	}
	p = f->pages;
	f->pages += PAGE;
	if (f->pages > pages_of(f->id) + PAGES_BYTES)
		full("a fiber's pages");
	return p;
}

/* A line ahead of what is handed out has its class. */
void *arena_alloc(size_t align, size_t size)
{
	struct fiber *f = fibers.cur;
	size_t class = (size + LINE - 1) / LINE;
	uintptr_t at;
	void *p;

	if (size == PAGE)
		return page_alloc(f);
	if (size >= LARGE || align > PAGE)
		return big_alloc(size);
	if (align <= LINE && class < CLASSES && f->bins[class]) {
		p = f->bins[class];
		f->bins[class] = *(void **)p;
		return p;
	}
	at = (uintptr_t)f->heap + LINE;
	if (align > LINE) {
		at = (at + align - 1) / align * align;
		class = CLASSES;
	}
	f->heap = (char *)(at + (size + LINE - 1) / LINE * LINE);
	if (f->heap > heap_of(f->id) + HEAP_BYTES)
		full("a fiber's heap");
	*(size_t *)(at - LINE) = class;
	return (void *)at;
}

void *arena_zalloc(size_t nr, size_t size)
{
	void *p = arena_alloc(LINE, nr * size);

	/* A large area is new, and zero. */
	if (nr * size < LARGE) {
		arena_about_to_write((uintptr_t)p, nr * size);
		memset(p, 0, nr * size);
	}
	return p;
}

void arena_free(void *p)
{
	struct fiber *f = fibers.cur;
	size_t class;

	if (!p || (uintptr_t)p >= BIG_AT)
		return;
	/* Nobody may find a store of ours in what is another's by then. */
	fiber_drain(f, f->nr_stores);
	if ((uintptr_t)p >= PAGES_AT) {
		arena_keep_pages((uintptr_t)p, 1);
		*(void **)p = f->page_bin;
		f->page_bin = p;
		return;
	}
	class = *(size_t *)((uintptr_t)p - LINE);
	if (class >= CLASSES)
		return;
	*(void **)p = f->bins[class];
	f->bins[class] = p;
}

void *arena_realloc(void *p, size_t size)
{
	void *more = arena_alloc(LINE, size);
	size_t had;

	if (!p)
		return more;
	/* Large areas are made once, by nobody who wants more. */
	if ((uintptr_t)p >= BIG_AT)
		full("what it may reallocate");
	had = (uintptr_t)p >= PAGES_AT ?
		      PAGE :
		      *(size_t *)((uintptr_t)p - LINE) * LINE;
	if (had > size)
		had = size;
	arena_about_to_write((uintptr_t)more, had);
	memcpy(more, p, had);
	arena_free(p);
	return more;
}

/* --- snapshots ------------------------------------------------------- */

#define SEGMENTS	(2 * FIBERS + 2)

struct snapshot {
	char *copy;
	size_t used, room;
	unsigned int nr;
	struct {
		char *at;
		size_t size;
	} segment[SEGMENTS];
	struct fibers fibers;
	struct order_mark order;
	size_t undo_nr;
};

struct snapshot *snapshot_new(void)
{
	return calloc(1, sizeof(struct snapshot));
}

static void keep(struct snapshot *s, char *at, size_t size)
{
	if (!size)
		return;
	if (s->used + size > s->room) {
		s->room = 2 * (s->used + size);
		s->copy = realloc(s->copy, s->room);
		if (!s->copy)
			full("memory for snapshots");
	}
	memcpy(s->copy + s->used, at, size);
	s->used += size;
	s->segment[s->nr].at = at;
	s->segment[s->nr++].size = size;
}

void snapshot_save(struct snapshot *s)
{
	s->nr = 0;
	s->used = 0;
	keep(s, (char *)world,
	     (char *)&world->fiber[world->nr] - (char *)world);
	keep(s, __start_fiber_state, __stop_fiber_state - __start_fiber_state);
	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];
		char *sp = f->sp;

		if (f->why != FIBER_DONE)
			keep(s, sp, arena_stack(i) + FIBER_STACK - sp);
		keep(s, heap_of(i), f->heap - heap_of(i));
	}
	next_epoch();
	s->fibers = fibers;
	s->order = order_mark();
	s->undo_nr = undo_nr;
}

void snapshot_restore(struct snapshot *s)
{
	const char *from = s->copy;

	for (unsigned int i = 0; i < s->nr; i++) {
		memcpy(s->segment[i].at, from, s->segment[i].size);
		from += s->segment[i].size;
	}
	while (undo_nr > s->undo_nr) {
		undo_nr--;
		memcpy(undo[undo_nr].page, undo[undo_nr].was, PAGE);
	}
	next_epoch();
	fibers = s->fibers;
	order_back_to(&s->order);
}

size_t snapshot_bytes(const struct snapshot *s)
{
	return s->used;
}
