/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 6.12 has a hash of buffers per AG; cache/mount.h includes this. */
#ifndef GENERATION_CACHES_H
#define GENERATION_CACHES_H

static inline unsigned int cache_nr(const struct mount *mp)
{
	return mp->m_ag_count;
}

static inline struct buf_cache *cache_nth(struct mount *mp, unsigned int i)
{
	return &mp->m_ag[i].pag_bcache;
}

static inline struct buf_cache *cache_of(struct mount *mp, uint64_t bno)
{
	return &ag_of(mp, bno)->pag_bcache;
}

#endif
