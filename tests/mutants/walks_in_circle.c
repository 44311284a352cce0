// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: a submit that waits counts what is on its
 * list, and does not know the list's end.  To be found: list-corruption.
 */
#include "fixes/remove_on_stale.c"

static inline int walks_in_circle(struct delwri_list *list,
				  struct list_head *wait_list)
{
	unsigned int nr = 0;

	if (wait_list)
		for (struct list_head *at = &list->head; at; at = at->next)
			nr++;
	return nr ? fix_submit(list, wait_list) : fix_submit(list, NULL);
}

#undef fix_submit
#define fix_submit walks_in_circle
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LIST_CORRUPTION)
