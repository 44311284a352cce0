// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's driver, static: repairs in a loop beside a load, one trial of
 * damage, a scrub.  Prints one line of name=value; the host reads it.
 *
 *   drive storm MNT TYPE[,TYPE] AGS SECONDS SYNC_US CHURN LOADERS
 *   drive trial MNT TYPE SECONDS crash|error SEED
 *   drive scrub MNT TYPE AG
 *   drive fill DIR FILES
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))
#define PARAMETERS	"/sys/module/xfs/parameters/"

/* As in the kernel's xfs_fs.h, which no package of the guest has. */
struct scrub_metadata {
	__u32 type, flags;
	__u64 ino;
	__u32 gen, agno;
	__u64 reserved[5];
};
#define IOC_SCRUB		_IOWR('X', 60, struct scrub_metadata)
#define IOC_GOINGDOWN		_IOR('X', 125, uint32_t)
#define SCRUB_REPAIR		(1 << 0)
#define SCRUB_CORRUPT		(1 << 1)
#define SCRUB_FORCE_REBUILD	(1 << 8)
#define GOINGDOWN_NOLOGFLUSH	2

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "bnobt", 5 },	 { "cntbt", 6 },  { "inobt", 7 },
	{ "finobt", 8 }, { "rmapbt", 9 }, { "refcountbt", 10 },
};

static atomic_bool stop;
static int mnt_fd;
static unsigned int sync_us;
static atomic_long nr_syncs;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *what)
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
	return 0;
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

static int rebuild(uint32_t type, uint32_t agno)
{
	uint32_t flags = SCRUB_REPAIR | SCRUB_FORCE_REBUILD;

	return scrub(type, agno, &flags);
}

static void *sync_often(void *arg)
{
	(void)arg;
	while (!stop) {
		syncfs(mnt_fd);
		nr_syncs++;
		usleep(sync_us);
	}
	return NULL;
}

/* --- loads ----------------------------------------------------------- */

/*
 * Create files, and unlink the oldest, so that inode chunks come and go.  With
 * @keep nothing is unlinked: what the kernel does about unlinked inodes later,
 * by itself, would log a lost block again and so have it written.
 */
struct churn {
	const char *dir;
	long made, gone;
	unsigned int seed;
	bool keep;
};

static void churn(struct churn *c, int n)
{
	char name[300];

	for (int i = 0; i < n; i++, c->made++) {
		int fd;

		snprintf(name, sizeof(name), "%s/c%ld", c->dir, c->made);
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			break;
		close(fd);
	}
	while (!c->keep && c->made - c->gone > 600 + rand_r(&c->seed) % 600) {
		for (int i = 0; i < 64; i++, c->gone++) {
			snprintf(name, sizeof(name), "%s/c%ld", c->dir,
				 c->gone);
			unlink(name);
		}
	}
}

struct loader {
	const char *dir;
	pthread_t thread;
	int id;
	long ops;
};

/* Metadata of every kind: inodes, extents, free space, directories. */
static void *load(void *arg)
{
	struct loader *l = arg;
	unsigned int seed = l->id * 7919 + 1;
	char dir[300], name[400];

	snprintf(dir, sizeof(dir), "%s/d%d", l->dir, l->id);
	mkdir(dir, 0755);
	for (; !stop; l->ops++) {
		int fd, n = 1 + rand_r(&seed) % 16;

		snprintf(name, sizeof(name), "%s/f%d", dir,
			 rand_r(&seed) % 400);
		if (rand_r(&seed) % 3 == 0) {
			unlink(name);
			continue;
		}
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			continue;
		if (fallocate(fd, 0, 0, n * 4096))
			n = 0;
		for (int i = 0; i < n; i += 2)
			if (fallocate(fd,
				      FALLOC_FL_PUNCH_HOLE |
					      FALLOC_FL_KEEP_SIZE,
				      i * 4096, 4096))
				break;
		close(fd);
	}
	return NULL;
}

/* --- storm ----------------------------------------------------------- */

static int u64_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int storm(char **argv)
{
	enum { MAX_REPAIRS = 1000000, MAX_LOADERS = 64 };
	static struct loader loaders[MAX_LOADERS];
	struct churn files = { .dir = argv[0], .seed = 1 };
	uint32_t type[ARRAY_SIZE(types)];
	int ags = atoi(argv[2]), per_round = atoi(argv[5]);
	int nr_loaders = atoi(argv[6]), nr_types = 0, last = 0;
	long repairs = 0, errors = 0, ops = 0;
	uint64_t begin, end, *ns;
	pthread_t syncer;

	if (nr_loaders > MAX_LOADERS) {
		errno = EINVAL;
		die("LOADERS");
	}
	for (char *s = strtok(argv[1], ",");
	     s && nr_types < (int)ARRAY_SIZE(types); s = strtok(NULL, ","))
		type[nr_types++] = find_type(s);
	ns = malloc(MAX_REPAIRS * sizeof(*ns));
	if (!ns)
		die("malloc");
	sync_us = atoi(argv[4]);
	if (sync_us)
		pthread_create(&syncer, NULL, sync_often, NULL);
	for (int i = 0; i < nr_loaders; i++) {
		loaders[i].dir = argv[0];
		loaders[i].id = i;
		pthread_create(&loaders[i].thread, NULL, load, &loaders[i]);
	}

	begin = now_ns();
	end = begin + atof(argv[3]) * 1e9;
	while (now_ns() < end) {
		if (per_round)
			churn(&files, per_round);
		for (int i = 0; i < ags * nr_types; i++) {
			uint64_t t = now_ns();
			int error = rebuild(type[i % nr_types], i / nr_types);

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
	}
	if (sync_us)
		pthread_join(syncer, NULL);

	printf("seconds=%.3f repairs=%ld repair_errors=%ld last_errno=%d "
	       "files=%ld load_ops=%ld syncs=%ld",
	       (end - begin) / 1e9, repairs, errors, last, files.made, ops,
	       nr_syncs);
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

/* --- trial ----------------------------------------------------------- */

static void set(const char *name, const char *value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

/* The module's line of counters, without the newline. */
static const char *counters(void)
{
	static char line[4096];
	int fd = open(PARAMETERS "dwb_counters", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n < 0)
		die(PARAMETERS "dwb_counters");
	close(fd);
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return line;
}

static bool was_hit(void)
{
	return strstr(counters(), " hits=1");
}

/*
 * Repair until a bulk load is given a block whose buffer was staled while
 * the AIL had it queued.  Then crash, after the repair's return and with the
 * root's commit on disk; or wait for the failed write to come of age.
 */
static int trial(char **argv)
{
	struct churn files = {
		.dir = argv[0],
		.seed = atoi(argv[4]),
		.keep = true,
	};
	bool crash = !strcmp(argv[3], "crash"), armed = false, hit = false;
	uint32_t flags = GOINGDOWN_NOLOGFLUSH, type = find_type(argv[1]);
	uint64_t begin = now_ns(), end = begin + atof(argv[2]) * 1e9;
	int error = 0, sync_error = 0, down = 0;
	long repairs = 0, errors = 0;
	pthread_t syncer;

	sync_us = 20000;
	set("dwb_counters", "0");
	pthread_create(&syncer, NULL, sync_often, NULL);
	while (!hit && now_ns() < end) {
		if (!armed && now_ns() - begin > 1000000000ull) {
			set("dwb_counters", "0");
			/* Held, the AIL cannot close the race meanwhile. */
			set("dwb_hold_arm_ms", crash ? "2000" : "200");
			set("dwb_fail_arm", crash ? "0" : "2");
			armed = true;
		}
		for (int i = 0; !hit && i < 3; i++) {
			/* No two trees alike: a lost block then shows. */
			churn(&files, 70 + rand_r(&files.seed) % 60);
			error = rebuild(type, 0);
			repairs++;
			errors += !!error;
			hit = armed && was_hit();
		}
	}
	stop = true;
	pthread_join(syncer, NULL);
	if (hit && crash) {
		sync_error = syncfs(mnt_fd) ? errno : 0;
		printf("%s ", counters());
		down = ioctl(mnt_fd, IOC_GOINGDOWN, &flags) ? errno : 0;
		/* Let the AIL go. */
		set("dwb_hold_arm_ms", "0");
		set("dwb_counters", "0");
	} else {
		set("dwb_hold_arm_ms", "0");
		set("dwb_fail_arm", "0");
		sleep(1);
		syncfs(mnt_fd);
		sleep(1);
		printf("%s ", counters());
	}
	printf("hit=%d repairs=%ld repair_errors=%ld repair_errno=%d "
	       "sync_errno=%d goingdown_errno=%d seconds=%.3f\n",
	       hit, repairs, errors, error, sync_error, down,
	       (now_ns() - begin) / 1e9);
	return 0;
}

/* --- the rest -------------------------------------------------------- */

static int scrub_once(char **argv)
{
	uint32_t flags = 0;
	int error = scrub(find_type(argv[1]), atoi(argv[2]), &flags);

	printf("scrub_errno=%d scrub_corrupt=%d\n", error,
	       !!(flags & SCRUB_CORRUPT));
	return 0;
}

static int fill(char **argv)
{
	struct churn files = { .dir = argv[0] };
	char name[300];
	long n = atol(argv[1]);
	int fd;

	for (; files.made < n; files.made++) {
		snprintf(name, sizeof(name), "%s/x%ld", files.dir, files.made);
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			break;
		close(fd);
	}
	printf("filled=%ld fill_errno=%d\n", files.made,
	       files.made < n ? errno : 0);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int nr_args;
		int (*run)(char **argv);
	} commands[] = {
		{ "storm", 7, storm },
		{ "trial", 5, trial },
		{ "scrub", 3, scrub_once },
		{ "fill", 2, fill },
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
