/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 7.3 has one hash per buffer target; cache/mount.h includes this. */
#ifndef GENERATION_CACHES_H
#define GENERATION_CACHES_H

static inline unsigned int cache_nr(const struct mount *mp)
{
	(void)mp;
	return 1;
}

static inline struct buf_cache *cache_nth(struct mount *mp, unsigned int i)
{
	(void)i;
	return &mp->bt_cache;
}

static inline struct buf_cache *cache_of(struct mount *mp, uint64_t bno)
{
	(void)bno;
	return &mp->bt_cache;
}

#endif
