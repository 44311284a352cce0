// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device on a file or a block device that exists already: O_DIRECT, so
 * that the page cache hides nothing, and O_DSYNC, so that a write that
 * returned is durable.  It is never created, and never changes its size.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* It has a BLOCK_SIZE of its own, of 1 KiB: first, and forgotten. */
#include <linux/fs.h>
#undef BLOCK_SIZE

#include "cache/device_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a transfer must be aligned to, in memory too, on any disk. */
#define IO_ALIGN	BLOCK_SIZE

static int open_error(const char *path, bool disk, int error, char *why,
		      size_t why_size)
{
	const char *advice;

	switch (error) {
	case ENOENT:
		advice = "give a file that exists (truncate -s 1G FILE makes one) or a block device";
		break;
	case EINVAL:
		advice = "its file system does not do O_DIRECT (tmpfs before Linux 6.6 does not); use a file on a disk file system or a block device";
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		advice = "it must be readable and writable; check its permissions, or use another file";
		break;
	case EBUSY:
		advice = disk ? "it is in use, perhaps mounted; use a disk that holds nothing" :
				"it is in use; use another file";
		break;
	default:
		advice = "use another file or block device";
	}
	snprintf(why, why_size, "cannot open device %s: %s; %s", path,
		 strerror(error), advice);
	return -error;
}

/* Blocks in @fd, or -errno. */
static int64_t file_blocks(int fd, bool disk)
{
	struct stat st;
	uint64_t size;

	if (disk) {
		if (ioctl(fd, BLKGETSIZE64, &size))
			return -errno;
		return size / BLOCK_SIZE;
	}
	if (fstat(fd, &st))
		return -errno;
	return st.st_size / BLOCK_SIZE;
}

static int file_open(struct device *dev, const struct device_options *opt,
		     char *why, size_t why_size)
{
	const char *path = opt->path;
	struct stat st;
	int64_t nblocks;
	int error;
	bool disk;

	if (stat(path, &st))
		return open_error(path, false, errno, why, why_size);
	disk = S_ISBLK(st.st_mode);
	if (!disk && !S_ISREG(st.st_mode)) {
		error = S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
		snprintf(why, why_size,
			 "cannot use %s as a device: %s; give a regular file or a block device",
			 path, strerror(-error));
		return error;
	}

	/* O_EXCL on a disk: not while somebody has it mounted. */
	dev->fd = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC |
				     (disk ? O_EXCL : 0));
	if (dev->fd < 0)
		return open_error(path, disk, errno, why, why_size);

	nblocks = file_blocks(dev->fd, disk);
	if (nblocks < 0) {
		snprintf(why, why_size,
			 "cannot tell the size of device %s: %s; use another file or block device",
			 path, strerror(-nblocks));
		return nblocks;
	}
	if (!nblocks || (uint64_t)nblocks < opt->nblocks) {
		uint64_t need = opt->nblocks ? opt->nblocks : 1;

		snprintf(why, why_size,
			 "device %s is too small: %lld blocks of 4 KiB where %llu are needed; make it larger (truncate -s %lluK on a file)",
			 path, (long long)nblocks, (unsigned long long)need,
			 (unsigned long long)need * 4);
		return -ENOSPC;
	}
	dev->nblocks = opt->nblocks ? opt->nblocks : (uint64_t)nblocks;
	return 0;
}

static void file_close(struct device *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
}

/* All of it, or -errno: a part is an error. */
static int file_io(int fd, uint64_t bno, void *data, size_t size, bool write)
{
	off_t at = bno * BLOCK_SIZE;
	ssize_t n;

	do {
		n = write ? pwrite(fd, data, size, at) :
			    pread(fd, data, size, at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* The thread's buffer, at least @size bytes; NULL without memory. */
static void *bounce_get(struct io_thread *io, size_t size)
{
	if (io->bounce_size < size) {
		free(io->bounce);
		io->bounce = aligned_alloc(IO_ALIGN, size);
		io->bounce_size = io->bounce ? size : 0;
	}
	return io->bounce;
}

static int file_transfer(struct io_thread *io, struct bio *bio)
{
	struct device *dev = io->dev;
	size_t size = (size_t)bio->len * BLOCK_SIZE;
	void *data = bio->data;
	unsigned int i;
	int error;

	if ((uintptr_t)data % IO_ALIGN) {
		data = bounce_get(io, size);
		if (!data)
			return -ENOMEM;
		if (bio->write)
			memcpy(data, bio->data, size);
	}
	error = file_io(dev->fd, bio->bno, data, size, bio->write);
	if (error)
		return error;

	if (!bio->write) {
		if (data != bio->data)
			memcpy(bio->data, data, size);
		return 0;
	}
	for (i = 0; i < bio->len; i++) {
		uint64_t bno = bio->bno + i;
		struct stripe *stripe = device_stripe(dev, bno);

		spin_lock(&stripe->lock);
		device_written(dev, bno, (char *)data + i * BLOCK_SIZE);
		spin_unlock(&stripe->lock);
	}
	return 0;
}

static int file_read_block(struct device *dev, uint64_t bno, void *block)
{
	_Alignas(IO_ALIGN) char buffer[BLOCK_SIZE];
	int error = file_io(dev->fd, bno, buffer, sizeof(buffer), false);

	if (!error)
		memcpy(block, buffer, sizeof(buffer));
	return error;
}

const struct media device_file = {
	.threads = 4,
	.batch = 1,
	.open = file_open,
	.close = file_close,
	.transfer = file_transfer,
	.read_block = file_read_block,
};
