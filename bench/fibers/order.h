/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of a run so far, as a hash: which accesses each fiber made, and
 * after which ones of others to the same eight bytes.  Two runs with the same
 * order differ only in when independent accesses happened; so every fiber has
 * read the same, memory is the same, and whatever can follow is the same.
 *
 * By words of eight bytes, and by whole stacks, since each compiler puts a
 * variable elsewhere there: so all have the same orders.  Loads of one word
 * commute.  Plain accesses are not counted: a program without data races orders
 * them by those that are, and the race detector's build says that this one is.
 *
 * 64 bits: that any two of n different orders are taken for one has a chance
 * of n * n / 2^65, 1 in 3,700 for a hundred million.
 */
#ifndef FIBERS_ORDER_H
#define FIBERS_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a snapshot is: order.c's. */
struct order_mark {
	size_t undo_nr;
};

/* Once a process; 0 or -errno. */
int order_init(void);

struct order_mark order_mark(void);
void order_back_to(const struct order_mark *mark);

/* The next access to memory of fiber fibers.cur. */
void order_access(uintptr_t addr, bool write);
/*
 * Its next step that no other sees: a store into its buffer, or a load from
 * there.  The fiber's order so far, that the store has with it.
 */
uint64_t order_own(uintptr_t addr);
/*
 * A store of fiber @id that was made at @made reaches memory.  When it does
 * is ordered with what others do there, and with the fiber's own accesses
 * only where these say so.
 */
void order_drain(unsigned int id, uint64_t made, uintptr_t addr);
uint64_t order_hash(void);

/* Well mixed bits: splitmix64's. */
static inline uint64_t order_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
