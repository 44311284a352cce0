// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's driver, static: repairs in a loop beside a load, one trial of
 * damage, a scrub.  Prints one line of name=value; the host reads it.
 *
 *   drive storm MNT TYPE[,TYPE] AGS SECONDS SYNC_US CHANGES LOADERS IN_A_ROW
 *   (IN_A_ROW 0: no repairs, but the same changes)
 *   drive trial MNT TYPE[,TYPE] SECONDS crash|power|error|natural SEED SIZE \
 *	 any|leaf|root TURN
 *   drive scrub MNT TYPE[,TYPE] AG
 *   drive room MNT SECTORS
 *   drive hog MNT LEAVE_MB
 *   drive fill MNT CHUNKS
 * A storm or trial on a filled file system uses its directories.
 */
#define _GNU_SOURCE
#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* As in the kernel's xfs_fs.h, which no package of the guest has. */
struct scrub_metadata {
	__u32 type, flags;
	__u64 ino;
	__u32 gen, agno;
	__u64 reserved[5];
};
#define IOC_SCRUB		_IOWR('X', 60, struct scrub_metadata)
#define SCRUB_REPAIR		(1 << 0)
#define SCRUB_CORRUPT		(1 << 1)
#define SCRUB_FORCE_REBUILD	(1 << 8)

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "bnobt", 5 },	 { "cntbt", 6 },  { "inobt", 7 },
	{ "finobt", 8 }, { "rmapbt", 9 }, { "refcountbt", 10 },
};

int mnt_fd;
atomic_bool stop;
static unsigned int sync_us;
static long nr_syncs;
static pthread_t syncer;
static atomic_bool sync_paused;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void die(const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return types[i].type;
	errno = EINVAL;
	die(name);
}

void trees_parse(struct trees *trees, const char *names)
{
	char copy[100];

	snprintf(copy, sizeof(copy), "%s", names);
	trees->nr = 0;
	for (char *s = strtok(copy, ","); s && trees->nr < MAX_TYPES;
	     s = strtok(NULL, ","))
		trees->type[trees->nr++] = find_type(s);
	if (!trees->nr) {
		errno = EINVAL;
		die("TYPE");
	}
}

/* Returns 0 or an errno; the flags that came out in @flags. */
static int scrub(uint32_t type, uint32_t agno, uint32_t *flags)
{
	struct scrub_metadata m = {
		.type = type,
		.flags = *flags,
		.agno = agno,
	};
	int error = ioctl(mnt_fd, IOC_SCRUB, &m) ? errno : 0;

	*flags = m.flags;
	return error;
}

int rebuild(uint32_t type, uint32_t agno)
{
	uint32_t flags = SCRUB_REPAIR | SCRUB_FORCE_REBUILD;

	return scrub(type, agno, &flags);
}

static void *sync_often(void *arg)
{
	(void)arg;
	while (!stop) {
		if (!sync_paused) {
			syncfs(mnt_fd);
			nr_syncs++;
		}
		usleep(sync_us);
	}
	return NULL;
}

void sync_start(unsigned int us)
{
	sync_us = us;
	if (us && pthread_create(&syncer, NULL, sync_often, NULL))
		die("pthread_create");
}

void sync_pause(bool pause)
{
	sync_paused = pause;
}

long sync_stop(void)
{
	stop = true;
	if (sync_us)
		pthread_join(syncer, NULL);
	return nr_syncs;
}

static int u64_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int cmd_storm(char **argv)
{
	enum { MAX_REPAIRS = 1000000, MAX_LOADERS = 64 };
	static struct loader loaders[MAX_LOADERS];
	struct churn files = {
		.dir = argv[0],
		.seed = 1,
		.filled = filled_find(argv[0], false),
	};
	int ags = atoi(argv[2]), changes = atoi(argv[5]);
	int nr_loaders = atoi(argv[6]), in_a_row = atoi(argv[7]), last = 0;
	long repairs = 0, errors = 0, ops = 0, made = 0, gone = 0, punched = 0;
	long syncs;
	uint64_t begin, end, *ns;
	struct trees trees;

	if (nr_loaders > MAX_LOADERS) {
		errno = EINVAL;
		die("LOADERS");
	}
	trees_parse(&trees, argv[1]);
	ns = malloc(MAX_REPAIRS * sizeof(*ns));
	if (!ns)
		die("malloc");
	sync_start(atoi(argv[4]));
	for (int i = 0; i < nr_loaders; i++) {
		loaders[i].dir = argv[0];
		loaders[i].id = i;
		if (pthread_create(&loaders[i].thread, NULL, load, &loaders[i]))
			die("pthread_create");
	}

	begin = now_ns();
	end = begin + atof(argv[3]) * 1e9;
	while (now_ns() < end && !is_down(&files)) {
		int n = ags * trees.nr * in_a_row;

		if (!n) {
			churn(&files, changes);
			churn_links(&files, changes);
		}
		for (int i = 0; i < n && now_ns() < end; i++) {
			uint64_t t;
			int error;

			churn(&files, changes);
			if (is_down(&files))
				break;
			t = now_ns();
			error = rebuild(trees.type[i % trees.nr],
					i / trees.nr / in_a_row);
			if (error) {
				errors++;
				last = error;
			} else if (repairs < MAX_REPAIRS) {
				ns[repairs++] = now_ns() - t;
			}
		}
	}
	end = now_ns();
	stop = true;
	for (int i = 0; i < nr_loaders; i++) {
		pthread_join(loaders[i].thread, NULL);
		ops += loaders[i].ops;
		made += loaders[i].made;
		gone += loaders[i].gone;
		punched += loaders[i].punched;
	}
	syncs = sync_stop();

	printf("seconds=%.3f repairs=%ld repair_errors=%ld last_errno=%d "
	       "files=%ld unlinks=%ld links=%ld load_ops=%ld load_creates=%ld "
	       "load_unlinks=%ld load_punches=%ld syncs=%ld down=%d",
	       (end - begin) / 1e9, repairs, errors, last, files.made,
	       files.gone, files.links, ops, made, gone, punched, syncs,
	       is_down(&files));
	if (repairs) {
		qsort(ns, repairs, sizeof(*ns), u64_cmp);
		printf(" repair_p50_ns=%llu repair_p99_ns=%llu "
		       "repair_max_ns=%llu",
		       (unsigned long long)ns[repairs / 2],
		       (unsigned long long)ns[repairs * 99 / 100],
		       (unsigned long long)ns[repairs - 1]);
	}
	printf("\n");
	return 0;
}

int cmd_scrub(char **argv)
{
	int error = 0, corrupt = 0;
	struct trees trees;

	trees_parse(&trees, argv[1]);
	for (int i = 0; i < trees.nr && !error; i++) {
		uint32_t flags = 0;

		error = scrub(trees.type[i], atoi(argv[2]), &flags);
		corrupt |= !!(flags & SCRUB_CORRUPT);
	}
	printf("scrub_errno=%d scrub_corrupt=%d\n", error, corrupt);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int nr_args;
		int (*run)(char **argv);
	} commands[] = {
		{ "storm", 8, cmd_storm }, { "trial", 8, cmd_trial },
		{ "scrub", 3, cmd_scrub }, { "room", 2, cmd_room },
		{ "hog", 2, cmd_hog },	   { "fill", 2, cmd_fill },
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (argc != commands[i].nr_args + 2 ||
		    strcmp(argv[1], commands[i].name))
			continue;
		mnt_fd = open(argv[2], O_RDONLY);
		if (mnt_fd < 0)
			die(argv[2]);
		return commands[i].run(argv + 2);
	}
	fprintf(stderr, "drive: see the head of bench/linux/drive.c\n");
	return 2;
}
