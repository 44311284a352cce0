/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 7.3 has one hash per buffer target; cache/mount.h includes this. */
#ifndef GENERATION_CACHES_H
#define GENERATION_CACHES_H

static inline unsigned int hash_nr(const struct mount *mp)
{
	(void)mp;
	return 1;
}

static inline struct hash *hash_nth(struct mount *mp, unsigned int i)
{
	(void)i;
	return &mp->bt_hash;
}

static inline struct hash *hash_of(struct mount *mp, uint64_t bno)
{
	(void)bno;
	return &mp->bt_hash;
}

/* The buckets' are all there are. */
static inline void hash_locks_init(struct mount *mp)
{
	(void)mp;
}

#endif
