/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 6.12 has a hash of buffers per AG; cache/mount.h includes this. */
#ifndef GENERATION_CACHES_H
#define GENERATION_CACHES_H

static inline unsigned int hash_nr(const struct mount *mp)
{
	return mp->m_ag_count;
}

static inline struct hash *hash_nth(struct mount *mp, unsigned int i)
{
	return &mp->m_ag[i].pag_bcache.bc_hash;
}

static inline struct hash *hash_of(struct mount *mp, uint64_t bno)
{
	return &ag_of(mp, bno)->pag_bcache.bc_hash;
}

static inline void hash_locks_init(struct mount *mp)
{
	for (unsigned int i = 0; i < mp->m_ag_count; i++)
		spin_lock_init(&mp->m_ag[i].pag_bcache.bc_lock);
}

#endif
