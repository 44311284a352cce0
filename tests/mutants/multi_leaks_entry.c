// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: the entry of a write that was waited for is
 * never given back.  To be found: leak.
 */
#include "fixes/multi_list.c"

static inline struct buf *leaks_entry(struct list_head *wait_list)
{
	struct delwri_entry *e = list_first_entry(wait_list,
						  struct delwri_entry, link);

	list_del_init(&e->link);
	return e->bp;
}

#undef fix_wait_pop
#define fix_wait_pop leaks_entry
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LEAK)
