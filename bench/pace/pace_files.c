// SPDX-License-Identifier: GPL-2.0-only
/*
 * What changes in a storm beside its repairs: files and links that come and
 * go (bench/linux/drive.c), and the files of loaders (drive_load.c).
 */
#include "bench/pace/pace_storm.h"

#include <errno.h>

#define NAMES_PER_DIR_BLOCK	170u	/* of 24 bytes each in 4 KiB */
#define GC_DELAY_NS		4000000ull	/* a tick at HZ 250 */
#define LOADER_BLOCKS		16u

int storm_begin(const struct storm *s, unsigned int agno, struct trans **tpp)
{
	int error = s->fix->trans_alloc(s->mp, tpp);

	if (error)
		return error;
	error = s->fix->trans_lock_ag(*tpp, agno);
	if (error)
		s->fix->trans_commit(*tpp);
	return error;
}

int storm_end(const struct storm *s, struct trans *tp, int error)
{
	int error2 = s->fix->trans_commit(tp);

	return error ? error : error2;
}

/* dir_churn()'s picks: see impl/cache/dir.c. */
enum { DIR_ADD = 0, DIR_DELETE = 3, DIR_LOG = 6 };

static int directory(struct storm *s, unsigned int agno, unsigned int what,
		     unsigned int at)
{
	/* Not by way of the free list. */
	return s->fix->dir_churn(s->mp, agno,
				 what + 8 * (at + 64ull));
}

/* Filled directories are dealt to the AGs in turn; else all is in the root. */
static unsigned int ag_of_file(const struct storm *s, uint64_t n)
{
	return s->g->chunks ? n * 7919 % 2 : 0;
}

static int create(struct storm *s)
{
	unsigned int agno = ag_of_file(s, s->made);
	struct inode **ip = &s->files[s->made % FILES_MAX];
	uint64_t pick = bench_random(&s->random);
	int error;

	error = s->fix->inode_create(s->mp, agno, ip);
	if (!error)
		error = s->fix->tree_modify(s->mp, agno, pick);
	if (!error)
		error = directory(s, agno,
				  s->made % NAMES_PER_DIR_BLOCK ? DIR_LOG :
								  DIR_ADD,
				  0);
	s->made++;
	return error;
}

/* The block of a link. */
static int free_block(struct storm *s, unsigned int agno, uint64_t bno)
{
	struct trans *tp;
	struct buf *bp;
	int error = storm_begin(s, agno, &tp);

	if (error)
		return error;
	error = s->fix->trans_get_buf(tp, bno, 1, &bp);
	if (!error) {
		s->fix->trans_binval(tp, bp);
		s->fix->space_free(tp, bno, 1);
	}
	return storm_end(s, tp, error);
}

int storm_inactivate(struct storm *s)
{
	int error = 0;

	for (unsigned int i = 0; i < s->nr_inactive; i++) {
		struct inactive *in = &s->inactive[i];
		int failed;

		failed = in->bno ? free_block(s, in->agno, in->bno) : 0;
		if (!failed)
			failed = s->fix->inode_unlink(in->ip);
		if (!failed)
			failed = s->fix->tree_modify(s->mp, in->agno,
						     bench_random(&s->random));
		error = error ? error : failed;
	}
	s->nr_inactive = 0;
	return error;
}

/*
 * What was unlinked is inactivated later, all at once: when nothing more has
 * come for a tick, or when too much has (kernel: xfs_inodegc_queue).
 */
static int unlinked(struct storm *s, struct inactive in)
{
	s->inactive[s->nr_inactive++] = in;
	s->queued = now_ns();
	return s->nr_inactive > GC_BATCH ? storm_inactivate(s) : 0;
}

/* The next system call returns at @when; 0 or what inactivating brought. */
static int until(struct storm *s, uint64_t when)
{
	int error = 0;

	if (s->nr_inactive && when >= s->queued + GC_DELAY_NS) {
		wait_until(s->queued + GC_DELAY_NS);
		error = storm_inactivate(s);
	}
	wait_until(when);
	return error;
}

static int unlink_oldest(struct storm *s)
{
	unsigned int agno = ag_of_file(s, s->gone);
	struct inode **ip = &s->files[s->gone % FILES_MAX];
	int error;

	/* Onto the list of unlinked inodes. */
	error = s->fix->inode_touch(*ip);
	if (!error)
		error = unlinked(s, (struct inactive){ .ip = *ip,
						       .agno = agno });
	*ip = NULL;
	if (!error)
		error = directory(s, agno,
				  (s->gone + 1) % NAMES_PER_DIR_BLOCK ?
					  DIR_LOG :
					  DIR_DELETE,
				  0);
	s->gone++;
	return error;
}

int storm_churn(struct storm *s, uint64_t ns)
{
	uint64_t next = now_ns();
	int error = 0;

	for (unsigned int i = 0; i < s->g->changes && !error; i++) {
		error = create(s);
		if (!error)
			error = until(s, next += ns);
	}
	while (!error && s->made - s->gone >
				 KEPT_FILES +
					 bench_random(&s->random) % KEPT_FILES)
		for (unsigned int i = 0; i < UNLINKED_AT_ONCE && !error; i++) {
			error = unlink_oldest(s);
			if (!error)
				error = until(s, next += ns);
		}
	return error;
}

/* Its block of metadata lies near its inode (kernel: xfs_symlink). */
static int make_link(struct storm *s, struct link *link)
{
	const struct fix *fix = s->fix;
	struct trans *tp;
	struct buf *bp;
	int error = fix->inode_create(s->mp, 0, &link->ip);

	if (error)
		return error;
	error = storm_begin(s, 0, &tp);
	if (error)
		return error;
	if (fix->space_near(tp, fix->inode_block(link->ip), 1, 1,
			    &link->bno) < 0)
		error = -ENOSPC;
	if (!error)
		error = fix->trans_get_buf(tp, link->bno, 1, &bp);
	if (!error) {
		fix->buf_fill(bp);
		fix->trans_log_buf(tp, bp);
	}
	error = storm_end(s, tp, error);
	if (!error)
		error = fix->tree_modify(s->mp, 0, bench_random(&s->random));
	return error ? error : directory(s, 0, DIR_LOG, 0);
}

int storm_relink(struct storm *s, uint64_t ns)
{
	struct link *link = &s->link[bench_random(&s->random) % LINKS];
	uint64_t next = now_ns();
	int error = 0;

	if (link->ip) {
		error = s->fix->inode_touch(link->ip);
		if (!error)
			error = directory(s, 0, DIR_LOG, 0);
		if (!error)
			error = unlinked(s, (struct inactive){
						    .ip = link->ip,
						    .bno = link->bno });
		*link = (struct link){ 0 };
	}
	if (!error)
		error = until(s, next += ns);
	if (!error)
		error = make_link(s, link);
	return error ? error : until(s, next += ns);
}

/* Blocks of data come, every other one is punched out, all go. */
static int load_file(struct loader *l, struct file *f)
{
	const struct fix *fix = l->s->fix;
	struct trans *tp;
	int error, got;

	error = storm_begin(l->s, l->agno, &tp);
	if (error)
		return error;
	if (f->nr) {
		for (unsigned int i = 1; i < f->nr; i += 2)
			fix->space_free(tp, f->bno + i, 1);
		f->nr = 0;
	} else {
		got = fix->space_near(
			tp, l->agno * l->s->ag_blocks + ROOT_INODES, 1,
			1 + bench_random(&l->random) % LOADER_BLOCKS, &f->bno);
		f->nr = got > 0 ? got : 0;
		for (unsigned int i = 0; i < f->nr; i += 2)
			fix->space_free(tp, f->bno + i, 1);
	}
	return storm_end(l->s, tp, 0);
}

int storm_load(struct loader *l)
{
	struct storm *s = l->s;
	struct file *f =
		&l->files[bench_random(&l->random) % LOADER_FILES];
	int error = 0;

	if (bench_random(&l->random) % 3 == 0) {
		if (!f->ip)
			return 0;
		if (f->nr)
			error = load_file(l, f);
		if (!error)
			error = s->fix->inode_unlink(f->ip);
		f->ip = NULL;
	} else if (f->ip) {
		return s->fix->inode_touch(f->ip);
	} else {
		error = s->fix->inode_create(s->mp, l->agno, &f->ip);
		if (!error)
			error = load_file(l, f);
	}
	if (!error)
		error = s->fix->tree_modify(s->mp, l->agno,
					    bench_random(&l->random));
	if (!error)
		error = directory(s, l->agno, DIR_LOG, 0);
	return error;
}
