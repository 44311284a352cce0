// SPDX-License-Identifier: GPL-2.0-only
/*
 * Having hwloc read a topology: this machine's, a file's, a description's.
 * What is no good gets one line, and hwloc's own opinion of it none.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/topology_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/machine/machine_read.h"
#include "sync/affinity.h"

#define SHOWN_MAX	128		/* bytes of a name in a line */
#define FILE_MAX	(64u << 20)	/* the largest machines have 4 MiB */
/* As many as any kernel is built for; hwloc needs hours for a million. */
#define PUS_MAX		8192u

int topology_fail(char *why, size_t size, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return error;
}

const char *topology_shown(const char *source)
{
	static __thread char text[SHOWN_MAX];
	size_t len = strlen(source);

	if (len < SHOWN_MAX)
		return source;
	snprintf(text, sizeof(text), "...%s", source + len - SHOWN_MAX + 4);
	return text;
}

/* --- files -------------------------------------------------------------- */

static bool is_file(const char *source)
{
	size_t len = strlen(source);

	return strchr(source, '/') || !access(source, F_OK) ||
	       (len > 4 && !strcmp(source + len - 4, ".xml"));
}

/* hwloc's own opinion of a bad file is several lines: ours is one. */
static int load_quietly(hwloc_topology_t topology, const char *path)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), saved, error;

	fflush(stderr);
	saved = dup(STDERR_FILENO);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	error = hwloc_topology_set_xml(topology, path) ||
		hwloc_topology_load(topology);
	if (saved >= 0) {
		dup2(saved, STDERR_FILENO);
		close(saved);
	}
	if (null >= 0)
		close(null);
	return error;
}

/* Neither endless nor a directory: hwloc would try. */
static int check_file(const char *path, char *why, size_t size)
{
	const char *name = topology_shown(path);
	struct stat st;

	if (stat(path, &st) || access(path, R_OK))
		return topology_fail(why, size, -errno,
				     "cannot read topology file %s: %s", name,
				     strerror(errno));
	if (S_ISDIR(st.st_mode))
		return topology_fail(why, size, -EISDIR,
				     "topology %s is a directory: name an XML file, made by lstopo --of xml",
				     name);
	if (!S_ISREG(st.st_mode))
		return topology_fail(why, size, -EINVAL,
				     "topology %s is no regular file: copy what it holds to one, and name that",
				     name);
	if (!st.st_size)
		return topology_fail(why, size, -EINVAL,
				     "topology file %s is empty: make it again with lstopo --of xml",
				     name);
	if (st.st_size > FILE_MAX)
		return topology_fail(why, size, -EFBIG,
				     "topology file %s has %lld MiB, and no machine's has more than %u: name an XML file, made by lstopo --of xml",
				     name, (long long)st.st_size >> 20,
				     FILE_MAX >> 20);
	return 0;
}

static bool is_compressed(const char *text, size_t len)
{
	static const char *const magic[] = { "\x1f\x8b", "BZh", "\xfd\x37zXZ",
					     "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < sizeof(magic) / sizeof(*magic); i++)
		if (len > strlen(magic[i]) &&
		    !memcmp(text, magic[i], strlen(magic[i])))
			return true;
	return false;
}

/* Why hwloc does not take it, from how the file begins. */
static int bad_file(const char *path, char *why, size_t size)
{
	const char *name = topology_shown(path), *at;
	FILE *file = fopen(path, "re");
	char text[2048] = "";
	int version = 0;
	size_t n = 0;

	if (file) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	if (is_compressed(text, n))
		return topology_fail(why, size, -EINVAL,
				     "topology file %s is compressed: unpack it first",
				     name);
	at = strstr(text, "<topology");
	if (at && sscanf(at, "<topology version=\"%d.", &version) == 1 &&
	    version > 2)
		return topology_fail(why, size, -EINVAL,
				     "topology file %s is of version %d, and hwloc 2 is what reads it: export it with lstopo of hwloc 2, or with --export-xml-flags v2",
				     name, version);
	return topology_fail(why, size, -EINVAL,
			     "topology file %s is no XML that hwloc understands: make it again with lstopo --of xml",
			     name);
}

static int read_file(hwloc_topology_t topology, const char *path, char *why,
		     size_t size)
{
	int error = check_file(path, why, size);

	if (error)
		return error;
	return load_quietly(topology, path) ? bad_file(path, why, size) : 0;
}

/* --- descriptions ------------------------------------------------------- */

/* How many processors it has: the product of all "type:number". */
static unsigned long long described_pus(const char *source)
{
	unsigned long long nr = 1;
	unsigned int depth = 0;
	const char *at = source;

	while (*at && nr <= PUS_MAX) {
		char *end = (char *)at + 1;

		if (*at == '(' || *at == '[')
			depth++;
		else if ((*at == ')' || *at == ']') && depth)
			depth--;
		/* A type may be left out, and its colon with it. */
		else if (!depth && *at >= '0' && *at <= '9' &&
			 (at == source || at[-1] == ':' || at[-1] == ' ')) {
			unsigned long long n = strtoull(at, &end, 10);

			nr = n > PUS_MAX ? n : nr * n;
		}
		at = end;
	}
	return nr;
}

static int read_description(hwloc_topology_t topology, const char *source,
			    char *why, size_t size)
{
	if (described_pus(source) > PUS_MAX)
		return topology_fail(why, size, -E2BIG,
				     "topology '%s' has more than %u processors: describe a smaller machine",
				     topology_shown(source), PUS_MAX);
	if (hwloc_topology_set_synthetic(topology, source) ||
	    hwloc_topology_load(topology))
		return topology_fail(why, size, -EINVAL,
				     "topology '%s' is neither a file nor a description that hwloc understands: write \"this\", or for example \"node:2 core:4 pu:2\"",
				     topology_shown(source));
	return 0;
}

/* --- this machine ------------------------------------------------------- */

/*
 * Nodes that cpuset.mems leaves out are no more of it.  hwloc reads the
 * control group, which a container often does not show; the kernel tells.
 */
static void drop_forbidden_nodes(hwloc_topology_t topology)
{
	static const char key[] = "Mems_allowed_list:";
	FILE *file = machine_open("/proc/self/status");
	hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
	char *line = NULL;
	size_t size = 0;

	while (file && nodes && getline(&line, &size, file) > 0) {
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		line[strcspn(line, "\n")] = '\0';
		/* It fails if none would be left: then one of them is wrong. */
		if (!hwloc_bitmap_list_sscanf(
			    nodes, line + sizeof(key) - 1 +
					   strspn(line + sizeof(key) - 1,
						  " \t")))
			hwloc_topology_restrict(topology, nodes,
						HWLOC_RESTRICT_FLAG_BYNODESET);
		break;
	}
	free(line);
	hwloc_bitmap_free(nodes);
	if (file)
		fclose(file);
}

static int read_this(hwloc_topology_t topology, char *why, size_t size)
{
	hwloc_bitmap_t bound;
	/* Where that is refused, hwloc would ask for ever. */
	int error = allowed_processors(NULL, 0);

	if (error < 0)
		return topology_fail(why, size, error,
				     "cannot find out where this process may run: sched_getaffinity is refused here (%s): allow it",
				     strerrorname_np(-error));
	bound = hwloc_bitmap_alloc();
	if (!bound)
		return -ENOMEM;
	error = hwloc_topology_load(topology) ||
		hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) ||
		hwloc_topology_restrict(topology, bound, 0);
	hwloc_bitmap_free(bound);
	if (error)
		return topology_fail(why, size, -EIO,
				     "hwloc cannot find out this machine's processors: see what lstopo says");
	if (!hwloc_topology_is_thissystem(topology))
		return topology_fail(why, size, -EINVAL,
				     "the environment makes hwloc describe another machine: unset HWLOC_XMLFILE, HWLOC_SYNTHETIC and HWLOC_FSROOT");
	drop_forbidden_nodes(topology);
	return 0;
}

int topology_read(hwloc_topology_t topology, const char *source, char *why,
		  size_t size)
{
	if (!strcmp(source, "this"))
		return read_this(topology, why, size);
	if (is_file(source))
		return read_file(topology, source, why, size);
	return read_description(topology, source, why, size);
}
