// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trial of damage.  Repair until a bulk load is given a block whose buffer
 * was staled while the AIL had it queued; then, with the root's commit on disk
 * and the AIL still held,
 *   crash    shut the file system down, without a log flush;
 *   power    copy the live disk, as it is at that moment, to another;
 *   error    do nothing: the block's next two writes fail;
 *   natural  with no knob at all: the same crash as soon as a load misqueued.
 * The block is any, or a certain one of a filled file system's inode btrees.
 */
#define _GNU_SOURCE
#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PARAMETERS		"/sys/module/xfs/parameters/"
#define IOC_GOINGDOWN		_IOR('X', 125, uint32_t)
#define GOINGDOWN_NOLOGFLUSH	2

/* Close enough to each other to meet what the AIL has not let go of. */
enum { IN_A_ROW = 6, SNAPSHOTS = 5, FAIL_POLLS = 30 };

/* Of a load, for a leaf or a root that is met to be one of a tree's. */
enum { MIN_BLOCKS = 4 };

enum mode { CRASH, POWER, ERROR, NATURAL, NR_MODES };
static const char *const mode_names[NR_MODES] = { "crash", "power", "error",
						  "natural" };

enum target { ANY, LEAF, ROOT, NR_TARGETS };
static const char *const target_names[NR_TARGETS] = { "any", "leaf", "root" };

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

static long counter(const char *name)
{
	const char *found = strstr(counters(), name);

	return found ? atol(found + strlen(name)) : 0;
}

static int parse(const char *name, const char *const *names, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(name, names[i]))
			return i;
	errno = EINVAL;
	die(name);
}

/*
 * Copy @bytes of the disk, past its page cache, and read them once more.
 * Nobody may have written in between, or it shows no one moment.
 * Returns 1 if it is torn.
 */
static int snapshot(size_t bytes)
{
	enum { CHUNK = 1 << 20 };
	int from = open("/dev/ram0", O_RDONLY | O_DIRECT);
	int to = open("/dev/ram1", O_RDWR | O_DIRECT);
	char *one, *other;
	int torn = 0;

	if (from < 0 || to < 0)
		die("/dev/ram1");
	if (posix_memalign((void **)&one, 4096, CHUNK) ||
	    posix_memalign((void **)&other, 4096, CHUNK))
		die("posix_memalign");
	for (size_t at = 0; at < bytes; at += CHUNK) {
		if (pread(from, one, CHUNK, at) != CHUNK ||
		    pwrite(to, one, CHUNK, at) != CHUNK)
			die("/dev/ram1");
	}
	for (size_t at = 0; at < bytes && !torn; at += CHUNK) {
		if (pread(from, one, CHUNK, at) != CHUNK ||
		    pread(to, other, CHUNK, at) != CHUNK)
			die("/dev/ram0");
		torn = !!memcmp(one, other, CHUNK);
	}
	free(one);
	free(other);
	close(from);
	close(to);
	return torn;
}

/* What a hit makes happen. */
static void arm(enum mode mode)
{
	set("dwb_counters", "0");
	/* Held, the AIL cannot close the race meanwhile. */
	set("dwb_hold_arm_ms", mode == ERROR ? "200" :
			       mode == POWER ? "6000" :
					       "2000");
	set("dwb_fail_arm", mode == ERROR ? "2" : "0");
}

/* From now on, only in the directory so far along those of @all: at / of. */
static void use_only(struct churn *c, const struct filled *all, int at, int of)
{
	int nr = (all->dirs - all->first + all->step - 1) / all->step;

	if (!all->dirs)
		return;
	c->filled.first = all->first + nr * at / of * all->step;
	c->filled.dirs = c->filled.first + 1;
}

/*
 * Which block of the new tree is to be the one that is met, dwb_hit_nth counted
 * from the root, the last: the leaves in turn, from the left; and where a new
 * file changes it.
 */
static void aim(enum target target, int turn, struct churn *c,
		const struct filled *all)
{
	long leaves = counter(" load_blocks=") - 1;
	char nth[30] = "0";

	if (target == ROOT) {
		strcpy(nth, "-1");
		use_only(c, all, 0, 1);
	} else if (target == LEAF && leaves > 1) {
		int leaf = turn % leaves;

		snprintf(nth, sizeof(nth), "%ld", leaf - 1 - leaves);
		use_only(c, all, 2 * leaf + 1, 2 * leaves);
	}
	set("dwb_hit_nth", nth);
}

/* The tree may have another size than the one before, or become small. */
static bool on_target(enum target target)
{
	long nth = counter(" hit_nth="), blocks = counter(" hit_blocks=");

	return target == ANY || ((target == ROOT) == (nth == blocks) &&
				 blocks >= MIN_BLOCKS);
}

/*
 * Create files until the leftmost chunk with free inodes has none: it leaves
 * the finobt, whose root has then another key.
 */
static void fill_chunk(struct churn *c)
{
	enum { CHUNK = 64 };
	uint64_t before;

	churn(c, 1);
	do {
		before = c->newest;
		churn(c, 1);
	} while (c->newest / CHUNK == before / CHUNK && !is_down(c));
}

/* Wait until a counter is above @than, or in vain. */
static void await_counter(const char *name, long than)
{
	uint64_t end = now_ns() + 3000000000ull;

	while (now_ns() < end && counter(name) <= than)
		usleep(1000);
}

/*
 * Change a leaf, or the root, and have the AIL queue it: of two repairs at once
 * the first then frees its block and the other claims it, before the AIL
 * submits.  No other block of the tree may be claimed like that and earlier: a
 * fix that waits has waited for the AIL there.  So a leaf changes alone.  The
 * root does not, but in the 50 ms between two passes of the AIL its leaf is
 * changed again: not in the log yet, it is passed by.
 */
static void change_block(struct churn *c, enum target target,
			 const struct filled *all)
{
	if (target == ROOT)
		fill_chunk(c);
	else
		churn(c, rand_r(&c->seed) % 8 + 2);
	sync_pause(true);
	syncfs(mnt_fd);
	await_counter(" ail_submits=", counter(" ail_submits="));
	if (target == ROOT) {
		/* Not in the first chunk: that would log the root, too. */
		use_only(c, all, 1, 4);
		churn(c, 1);
		use_only(c, all, 0, 1);
	}
	await_counter(" ail_queued=", 0);
	sync_pause(false);
}

/*
 * What changes before a repair, the i-th in a row.  No two trees alike: a lost
 * block then shows, when what it was before the change is still on disk.
 */
static void change(struct churn *c, enum target target,
		   const struct filled *all, bool extents, int i)
{
	int n = rand_r(&c->seed) % (i ? 4 : 60) + 2;

	if (target != ANY && i % 2 == 0)
		change_block(c, target, all);
	else if (target == ANY && extents)
		churn_extents(c, n);
	else if (target == ANY)
		churn(c, n);
}

static bool was_hit(enum mode mode)
{
	return counter(mode == NATURAL ? " misqueued=" : " hits=") > 0;
}

int cmd_trial(char **argv)
{
	struct churn files = {
		.dir = argv[0],
		.seed = atoi(argv[4]),
		.keep = true,
		.filled = filled_find(argv[0], true),
	};
	const struct filled all = files.filled;
	enum mode mode = parse(argv[3], mode_names, NR_MODES);
	enum target target = parse(argv[6], target_names, NR_TARGETS);
	bool armed = false, hit = false, extents;
	uint32_t flags = GOINGDOWN_NOLOGFLUSH;
	uint64_t begin = now_ns(), end = begin + atof(argv[2]) * 1e9;
	size_t bytes = (size_t)atol(argv[5]) << 20;
	int turn = atoi(argv[7]);
	int error = 0, sync_error = 0, going = 0, down, torn = 0;
	long repairs = 0, errors = 0, misses = 0;
	double seconds;
	struct trees trees;

	trees_parse(&trees, argv[1]);
	extents = strstr(argv[1], "rmapbt") || strstr(argv[1], "refcountbt");
	set("dwb_counters", "0");
	/*
	 * A file in a leaf's first chunk has the root logged again, as it was:
	 * lost, it would not show.
	 */
	if (target == ROOT && all.dirs) {
		use_only(&files, &all, 0, 1);
		fill_chunk(&files);
	}
	sync_start(20000);
	while (!hit && now_ns() < end && !is_down(&files)) {
		if (!armed && mode != NATURAL &&
		    now_ns() - begin > 1000000000ull) {
			aim(target, turn, &files, &all);
			arm(mode);
			armed = true;
		}
		for (int i = 0; !hit && i < IN_A_ROW; i++) {
			if (armed || target == ANY)
				change(&files, target, &all, extents, i);
			if (is_down(&files))
				break;
			error = rebuild(trees.type[repairs % trees.nr], 0);
			repairs++;
			errors += !!error;
			if (!armed && mode != NATURAL)
				continue;
			hit = was_hit(mode);
			if (hit && !on_target(target)) {
				hit = false;
				misses++;
				aim(target, turn, &files, &all);
				arm(mode);
			}
		}
	}
	seconds = (now_ns() - begin) / 1e9;
	down = is_down(&files);
	sync_stop();
	if (!hit || mode == ERROR) {
		if (mode != NATURAL)
			set("dwb_hold_arm_ms", "0");
		set("dwb_fail_arm", "0");
		/* The AIL writes the block as soon as it is not held. */
		for (int i = 0; hit && i < FAIL_POLLS; i++) {
			if (counter(" failed_async=") ||
			    counter(" failed_sync="))
				break;
			usleep(100000);
		}
		down |= syncfs(mnt_fd) && errno == EIO;
		printf("%s ", counters());
	} else {
		sync_error = syncfs(mnt_fd) ? errno : 0;
		/* A fix that waited for the AIL has it running again. */
		for (int i = 0; mode == POWER && i < SNAPSHOTS; i++) {
			torn = snapshot(bytes);
			if (!torn)
				break;
			sleep(1);
		}
		printf("%s ", counters());
		if (mode != POWER)
			going = ioctl(mnt_fd, IOC_GOINGDOWN, &flags) ? errno :
								       0;
		/* Let the AIL go. */
		set("dwb_hold_arm_ms", "0");
		set("dwb_counters", "0");
	}
	printf("hit=%d repairs=%ld repair_errors=%ld repair_errno=%d "
	       "sync_errno=%d goingdown_errno=%d torn=%d seconds=%.3f "
	       "misses=%ld down=%d\n",
	       hit, repairs, errors, error, sync_error, going, torn, seconds,
	       misses, down);
	return 0;
}
