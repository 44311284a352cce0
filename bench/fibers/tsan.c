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
 * preempted, how many of its oldest stores have reached memory.
 */
#include "bench/fibers/fiber.h"

/* --- store buffers --------------------------------------------------- */

static void store_now(uintptr_t addr, uint64_t value, unsigned int size)
{
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
	struct fiber *cur = fibers.cur;

	if (likely(!nr))
		return;
	for (unsigned int i = 0; i < nr; i++) {
		const struct fiber_store *s = &f->stores[i];

		if (fibers.ordered) {
			fibers.cur = f;
			order_access(s->addr, true);
			fibers.cur = cur;
		}
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
	if (fibers.cur && fibers.cur->nr_stores &&
	    forwarded(addr, size, &value))
		drain();
}

static bool on_own_stack(uintptr_t addr)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	return addr - sp < FIBER_STACK;
}

/* --- atomic accesses ------------------------------------------------- */

static uint64_t load(uintptr_t addr, unsigned int size, uint64_t *value)
{
	fiber_point((void *)addr, ACCESS_LOAD);
	return fibers.cur && fibers.cur->nr_stores &&
	       forwarded(addr, size, value);
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
	/* Its place in the order is when it reaches memory. */
	fiber_point((void *)addr, ACCESS_LOAD);
	if (f->nr_stores == FIBER_STORES)
		drain();
	f->stores[f->nr_stores++] = (struct fiber_store){
		.addr = addr,
		.value = value,
		.size = size,
	};
	if (order == __ATOMIC_SEQ_CST)
		drain();
}

static void change(const volatile void *addr)
{
	fiber_point(addr, ACCESS_RMW);
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

#define PLAIN(name, size)						\
void __tsan_##name(void *a);						\
void __tsan_##name(void *a)						\
{									\
	plain((uintptr_t)a, size);					\
}

#define PLAINS(size)							\
PLAIN(read##size, size)							\
PLAIN(write##size, size)						\
PLAIN(read_write##size, size)						\
PLAIN(unaligned_read##size, size)					\
PLAIN(unaligned_write##size, size)					\
PLAIN(unaligned_read_write##size, size)					\
PLAIN(volatile_read##size, size)					\
PLAIN(volatile_write##size, size)

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
	plain((uintptr_t)a, size);
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
