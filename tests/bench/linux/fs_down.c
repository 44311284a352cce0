// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded by drive_test.py into the guest's driver: a file system that shuts
 * down, so that after CREATIONS files none can be created; and the module's
 * parameters in the folder PARAMETERS, its AIL in another pass whenever looked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int open(const char *path, int flags, ...)
{
	static const char module[] = "/sys/module/xfs/parameters/";
	static int created, passes;
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	char other[1000];
	va_list args;
	int mode = 0;

	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, int);
		va_end(args);
		if (created++ >= atoi(getenv("CREATIONS"))) {
			errno = EIO;
			return -1;
		}
	}
	if (!strncmp(path, module, strlen(module))) {
		snprintf(other, sizeof(other), "%s/%s", getenv("PARAMETERS"),
			 path + strlen(module));
		path = other;
	}
	if (strstr(path, "/dwb_counters") && flags == O_RDONLY) {
		FILE *f = fopen(path, "w");

		fprintf(f, " ail_submits=%d ail_queued=1 load_blocks=5\n",
			++passes);
		fclose(f);
	}
	return real(path, flags, mode);
}
