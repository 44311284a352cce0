// SPDX-License-Identifier: GPL-2.0-only
/*
 * Latencies of classes of device, one of each as its maker publishes it.
 * They are of single random writes of 4 KiB with nothing else queued.
 */
#include "bench/device_class.h"

const struct device_class device_nvme = {
	.name = "NVMe",
	.delay_ns = 20000,
	.source = "random write 20 us: Intel P4500 1 TB, product guide of Lenovo",
};

const struct device_class device_sata = {
	.name = "SATA SSD",
	.delay_ns = 52000,
	.source = "random write 52 us: Intel S4500, product specification",
};

/* Half a turn is the mean of what is drawn from none to a whole one. */
const struct device_class device_disk = {
	.name = "7,200 rpm disk",
	.delay_ns = 8200000,
	.jitter_ns = 2 * 4160000,
	.source = "write seek 8.2 ms and a turn's 4.16 ms on average: Western Digital DC HC310, OEM specification",
};
