// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the compiler calls ahead of each access under -fsanitize=thread: here
 * our own runtime.  Each atomic access is a point where others may go on;
 * plain ones are not (order.h says why).
 *
 * With store buffers (fibers.tso) a store that is not sequentially consistent
 * waits until its fiber makes a fence or a read-modify-write, sleeps, gives
 * way, frees memory, or until there are FIBER_STORES of them: as on x86.  The
 * fiber itself reads what it stored.  So does nobody else, and since a fiber
 * that goes on alone sees no difference, it is the host who says, where one is
 * preempted, how many of its oldest stores have reached memory.  Of what x86
 * does, that leaves out stores that reach memory while their fiber is away:
 * for that it has to go on in between, which the bound counts.
 *
 * ARM and POWER do more.  Two stores of a processor become visible in another
 * order, without a write barrier or a release.  A load is done ahead of an
 * earlier one, without a read barrier, an acquire or an address that depends
 * on it; and a store ahead of an earlier load.  On POWER two others may see
 * two stores in different orders.  None of that is covered: here stores are
 * visible in their order, to all at once, and a load takes place where it is
 * in the program.  What is covered is a store behind a later load, which all
 * three allow: it needs a full barrier everywhere, and is how wake-ups are
 * lost.  A barrier, a release or an acquire that x86 has for nothing may be
 * missing, and nothing here says so.
 */
#include "bench/fibers/fiber.h"

/* --- store buffers --------------------------------------------------- */

static void store_now(uintptr_t addr, uint64_t value, unsigned int size)
{
	arena_about_to_write(addr, size);
	switch (size) {
	case 1:
		*(volatile uint8_t *)addr = value;
		break;
	case 2:
		*(volatile uint16_t *)addr = value;
		break;
	case 4:
		*(volatile uint32_t *)addr = value;
		break;
	default:
		*(volatile uint64_t *)addr = value;
	}
	if (fibers.cur && world->spinners)
		fibers_stored(addr, size);
}

void fiber_drain(struct fiber *f, unsigned int nr)
{
	if (likely(!nr))
		return;
	for (unsigned int i = 0; i < nr; i++) {
		const struct fiber_store *s = &f->stores[i];

		if (fibers.ordered)
			order_drain(f->id, s->order, s->addr);
		store_now(s->addr, s->value, s->size);
	}
	f->nr_stores -= nr;
	memmove(f->stores, f->stores + nr, f->nr_stores * sizeof(*f->stores));
}

static void drain(void)
{
	if (fibers.cur)
		fiber_drain(fibers.cur, fibers.cur->nr_stores);
}

static bool overlaps(const struct fiber_store *s, uintptr_t addr,
		     unsigned int size)
{
	return addr < s->addr + s->size && s->addr < addr + size;
}

/* What the fiber itself has last stored there; or all of it reaches memory. */
static bool forwarded(uintptr_t addr, unsigned int size, uint64_t *value)
{
	struct fiber *f = fibers.cur;

	for (unsigned int i = f->nr_stores; i-- > 0;) {
		const struct fiber_store *s = &f->stores[i];

		if (!overlaps(s, addr, size))
			continue;
		if (s->addr == addr && s->size == size) {
			*value = s->value;
			return true;
		}
		fiber_drain(f, f->nr_stores);
		return false;
	}
	return false;
}

/* A plain access finds, and leaves, memory as it is to the fiber. */
static void plain(uintptr_t addr, unsigned int size)
{
	uint64_t value;

	if (unlikely(++fibers.plain == FIBER_PLAIN_MAX) && fibers.cur)
		fiber_loops();
	if (unlikely(fibers.tso) && fibers.cur && fibers.cur->nr_stores &&
	    forwarded(addr, size, &value))
		drain();
}

static bool on_own_stack(uintptr_t addr)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	return addr - sp < FIBER_STACK;
}

/* --- atomic accesses ------------------------------------------------- */

/* True: *@value; else it is in memory. */
static bool load(uintptr_t addr, unsigned int size, uint64_t *value)
{
	bool own;

	fiber_before((void *)addr, ACCESS_LOAD);
	own = unlikely(fibers.tso) && fibers.cur && fibers.cur->nr_stores &&
	      forwarded(addr, size, value);
	if (fibers.ordered) {
		if (own)
			order_own(addr);
		else
			order_access(addr, false);
	}
	return own;
}

static void store(uintptr_t addr, uint64_t value, unsigned int size, int order)
{
	struct fiber *f = fibers.cur;

	if (likely(!fibers.tso) || on_own_stack(addr)) {
		fiber_point((void *)addr, ACCESS_STORE);
		if (unlikely(f && f->nr_stores))
			drain();
		store_now(addr, value, size);
		return;
	}
	/* Its place among what others do is where it reaches memory. */
	fiber_before((void *)addr, ACCESS_STORE);
	if (f->nr_stores == FIBER_STORES)
		drain();
	f->stores[f->nr_stores++] = (struct fiber_store){
		.addr = addr,
		.value = value,
		.order = fibers.ordered ? order_own(addr) : 0,
		.size = size,
	};
	if (order == __ATOMIC_SEQ_CST)
		drain();
}

static void change(const volatile void *addr)
{
	fiber_point(addr, ACCESS_RMW);
	arena_about_to_write((uintptr_t)addr, 1);
	drain();
}

static void changed(const volatile void *addr, unsigned int size)
{
	if (fibers.cur && world->spinners)
		fibers_stored((uintptr_t)addr, size);
}

#define ACCESS(bits)							\
typedef uint##bits##_t u##bits;						\
u##bits __tsan_atomic##bits##_load(const volatile u##bits *a, int order); \
u##bits __tsan_atomic##bits##_load(const volatile u##bits *a, int order) \
{									\
	uint64_t v;							\
									\
	(void)order;							\
	return load((uintptr_t)a, bits / 8, &v) ? (u##bits)v : *a;	\
}									\
void __tsan_atomic##bits##_store(volatile u##bits *a, u##bits v, int order); \
void __tsan_atomic##bits##_store(volatile u##bits *a, u##bits v, int order) \
{									\
	store((uintptr_t)a, v, bits / 8, order);			\
}									\
int __tsan_atomic##bits##_compare_exchange_strong(			\
	volatile u##bits *a, u##bits *old, u##bits v, int order, int fail); \
int __tsan_atomic##bits##_compare_exchange_strong(			\
	volatile u##bits *a, u##bits *old, u##bits v, int order, int fail) \
{									\
	(void)order;							\
	(void)fail;							\
	change(a);							\
	if (*a != *old) {						\
		*old = *a;						\
		return 0;						\
	}								\
	*a = v;								\
	changed(a, bits / 8);						\
	return 1;							\
}									\
int __tsan_atomic##bits##_compare_exchange_weak(			\
	volatile u##bits *a, u##bits *old, u##bits v, int order, int fail); \
int __tsan_atomic##bits##_compare_exchange_weak(			\
	volatile u##bits *a, u##bits *old, u##bits v, int order, int fail) \
{									\
	return __tsan_atomic##bits##_compare_exchange_strong(a, old, v,	\
							     order, fail); \
}									\
u##bits __tsan_atomic##bits##_compare_exchange_val(			\
	volatile u##bits *a, u##bits old, u##bits v, int order, int fail); \
u##bits __tsan_atomic##bits##_compare_exchange_val(			\
	volatile u##bits *a, u##bits old, u##bits v, int order, int fail) \
{									\
	__tsan_atomic##bits##_compare_exchange_strong(a, &old, v, order, \
						      fail);		\
	return old;							\
}									\
CHANGE(bits, exchange, v)						\
CHANGE(bits, fetch_add, old + v)					\
CHANGE(bits, fetch_sub, old - v)					\
CHANGE(bits, fetch_and, old & v)					\
CHANGE(bits, fetch_or, old | v)						\
CHANGE(bits, fetch_xor, old ^ v)

#define CHANGE(bits, name, new)						\
u##bits __tsan_atomic##bits##_##name(volatile u##bits *a, u##bits v,	\
				     int order);			\
u##bits __tsan_atomic##bits##_##name(volatile u##bits *a, u##bits v,	\
				     int order)				\
{									\
	u##bits old;							\
									\
	(void)order;							\
	change(a);							\
	old = *a;							\
	*a = new;							\
	changed(a, bits / 8);						\
	return old;							\
}

ACCESS(8)
ACCESS(16)
ACCESS(32)
ACCESS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	drain();
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* --- plain accesses -------------------------------------------------- */

static void plain_write(uintptr_t addr, size_t size)
{
	plain(addr, size);
	arena_about_to_write(addr, size);
}

#define PLAIN(name, size, how)						\
void __tsan_##name(void *a);						\
void __tsan_##name(void *a)						\
{									\
	how((uintptr_t)a, size);					\
}

#define PLAINS(size)							\
PLAIN(read##size, size, plain)						\
PLAIN(write##size, size, plain_write)					\
PLAIN(read_write##size, size, plain_write)				\
PLAIN(unaligned_read##size, size, plain)				\
PLAIN(unaligned_write##size, size, plain_write)				\
PLAIN(unaligned_read_write##size, size, plain_write)			\
PLAIN(volatile_read##size, size, plain)					\
PLAIN(volatile_write##size, size, plain_write)

PLAINS(1)
PLAINS(2)
PLAINS(4)
PLAINS(8)
PLAINS(16)

void __tsan_read_range(void *a, size_t size);
void __tsan_read_range(void *a, size_t size)
{
	plain((uintptr_t)a, size);
}

void __tsan_write_range(void *a, size_t size);
void __tsan_write_range(void *a, size_t size)
{
	plain_write((uintptr_t)a, size);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}
