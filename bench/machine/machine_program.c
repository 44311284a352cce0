// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program itself: which one it is, from which sources, and how it was
 * compiled.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <isa-l/crc64.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/machine/machine_read.h"
#include "source_version.h"

/* The build may say with what flags it compiled. */
#ifndef DELWRI_BUILD_FLAGS
#define DELWRI_BUILD_FLAGS	NULL
#endif

const char *machine_build_type(void)
{
#if defined(__SANITIZE_THREAD__)
	return "tsan";
#elif defined(__SANITIZE_ADDRESS__)
	return "asan";
#elif defined(DELWRI_CHECKING)
	return "checking";
#elif defined(__OPTIMIZE__)
	return "release";
#else
	return "unoptimised";
#endif
}

#define NOTE_ALIGN(n)	(((n) + 3) & ~(size_t)3)

/* The build id in the notes of the program itself, in hexadecimal. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *arg)
{
	char *hex = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr);
		const char *end = at + ph->p_memsz;

		while (ph->p_type == PT_NOTE &&
		       at + sizeof(ElfW(Nhdr)) < end) {
			const ElfW(Nhdr) *note = (const void *)at;
			const unsigned char *id =
				(const void *)(at + sizeof(*note) +
					       NOTE_ALIGN(note->n_namesz));

			if (note->n_type == NT_GNU_BUILD_ID &&
			    note->n_descsz <= 32) {
				for (unsigned int j = 0; j < note->n_descsz;
				     j++)
					sprintf(hex + 2 * j, "%02x", id[j]);
				return 1;
			}
			at = (const char *)id + NOTE_ALIGN(note->n_descsz);
		}
	}
	/* Only the first object is the program. */
	return 1;
}

/* Length and checksum of the program's file.  0 or -errno. */
static int checksum_program(size_t *bytes, uint64_t *crc)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), error = 0;
	struct stat st;
	void *file;

	if (fd < 0 || fstat(fd, &st)) {
		error = -errno;
		goto out;
	}
	*bytes = st.st_size;
	file = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED) {
		error = -errno;
		goto out;
	}
	*crc = crc64_ecma_refl(0, file, *bytes);
	munmap(file, *bytes);
out:
	if (fd >= 0)
		close(fd);
	return error;
}

static void set_checksum(json_t *program)
{
	uint64_t crc = 0;
	size_t bytes = 0;
	char sum[20];
	int error = checksum_program(&bytes, &crc);

	if (error) {
		json_set_missing(program, "program_bytes",
				 "/proc/self/exe: %s", strerror(-error));
		json_set_missing(program, "program_crc64",
				 "/proc/self/exe: %s", strerror(-error));
		return;
	}
	json_object_set_new(program, "program_bytes", json_integer(bytes));
	snprintf(sum, sizeof(sum), "%016llx", (unsigned long long)crc);
	json_object_set_new(program, "program_crc64", json_string(sum));
}

json_t *machine_program(void)
{
	json_t *program = json_object();
	char id[72] = "";

	if (!program)
		return NULL;
	dl_iterate_phdr(find_build_id, id);
	json_set_text(program, "build_id", *id ? id : NULL,
		      "the linker wrote none");
	set_checksum(program);
	json_set_text(program, "version", SOURCE_VERSION,
		      SOURCE_VERSION_REASON);
	json_set_text(program, "build_type", machine_build_type(), "");
#ifdef __clang__
	json_set_text(program, "compiler", "clang " __clang_version__, "");
#else
	json_set_text(program, "compiler", "gcc " __VERSION__, "");
#endif
	json_set_text(program, "compiler_flags", DELWRI_BUILD_FLAGS,
		      "the build did not record them");
	json_set_text(program, "libc", gnu_get_libc_version(), "");
	return program;
}
