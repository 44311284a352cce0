/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices as the model knows them, where none is named: memory that answers
 * after the latency of a class of device.  What a repair waits for is then of
 * the size that it has on such a device; memory alone would show a repair of
 * some 40 us, and every wait as a multiple of that.
 */
#ifndef BENCH_DEVICE_CLASS_H
#define BENCH_DEVICE_CLASS_H

#include <stdint.h>

struct device_class {
	const char *name;
	/* An I/O takes delay_ns and, evenly drawn, up to jitter_ns more. */
	uint64_t delay_ns;
	uint64_t jitter_ns;
	const char *source;	/* where the figures are from */
};

extern const struct device_class device_nvme;
extern const struct device_class device_sata;
extern const struct device_class device_disk;

#endif
