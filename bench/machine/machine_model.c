// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processor is called.  ARM's have no name, only numbers: who made
 * it, which part it is, and which revision of it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_read.h"

/* The main identification register, as the kernel shows it. */
#define MIDR	"/sys/devices/system/cpu/cpu%u/regs/identification/midr_el1"

#define IMPLEMENTER(midr)	((midr) >> 24 & 0xff)
#define VARIANT(midr)		((midr) >> 20 & 0xf)
#define PART(midr)		((midr) >> 4 & 0xfff)
#define REVISION(midr)		((midr) & 0xf)

/* As in the kernel's cputype.h; a number is shown beside each. */
static const struct {
	unsigned int number;
	const char *name;
} implementers[] = {
	{ 0x41, "ARM" },      { 0x42, "Broadcom" },  { 0x43, "Cavium" },
	{ 0x46, "Fujitsu" },  { 0x48, "HiSilicon" }, { 0x4e, "NVIDIA" },
	{ 0x50, "APM" },      { 0x51, "Qualcomm" },  { 0x53, "Samsung" },
	{ 0x61, "Apple" },    { 0x6d, "Microsoft" }, { 0x70, "Phytium" },
	{ 0xc0, "Ampere" },
}, parts[] = {
	{ 0x41d03, "Cortex-A53" },   { 0x41d05, "Cortex-A55" },
	{ 0x41d07, "Cortex-A57" },   { 0x41d08, "Cortex-A72" },
	{ 0x41d09, "Cortex-A73" },   { 0x41d0a, "Cortex-A75" },
	{ 0x41d0b, "Cortex-A76" },   { 0x41d0c, "Neoverse N1" },
	{ 0x41d40, "Neoverse V1" },  { 0x41d49, "Neoverse N2" },
	{ 0x41d4f, "Neoverse V2" },  { 0x41d84, "Neoverse V3" },
	{ 0x41d8e, "Neoverse N3" },  { 0x430a1, "ThunderX" },
	{ 0x430af, "ThunderX2" },    { 0x46001, "A64FX" },
	{ 0x48d01, "TSV110" },	     { 0xc0ac3, "Ampere-1" },
	{ 0xc0ac4, "Ampere-1A" },
};

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

static const char *implementer(unsigned long long midr)
{
	for (size_t i = 0; i < COUNT(implementers); i++)
		if (implementers[i].number == IMPLEMENTER(midr))
			return implementers[i].name;
	return NULL;
}

static const char *part(unsigned long long midr)
{
	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].number == (IMPLEMENTER(midr) << 12 | PART(midr)))
			return parts[i].name;
	return NULL;
}

/* Bits of the register, from @key in /proc/cpuinfo.  False: not there. */
static bool cpuinfo_bits(const char *key, unsigned int shift,
			 unsigned long long *midr)
{
	char *value;

	if (machine_cpuinfo(key, &value))
		return false;
	*midr |= strtoull(value, NULL, 0) << shift;
	free(value);
	return true;
}

/* Of processor @cpu, or else of the first of /proc/cpuinfo. */
static bool read_midr(unsigned int cpu, unsigned long long *midr)
{
	char line[64];

	*midr = 0;
	if (!machine_read(line, sizeof(line), MIDR, cpu)) {
		*midr = strtoull(line, NULL, 0);
		return *midr != 0;
	}
	if (!cpuinfo_bits("CPU implementer", 24, midr) ||
	    !cpuinfo_bits("CPU part", 4, midr))
		return false;
	cpuinfo_bits("CPU variant", 20, midr);
	cpuinfo_bits("CPU revision", 0, midr);
	return true;
}

/* "ARM Neoverse N1 r3p1 (0x41, 0xd0c)" */
static char *model_name(unsigned long long midr)
{
	const char *who = implementer(midr), *what = part(midr);
	char *text;

	if (asprintf(&text, "%s %s r%llup%llu (0x%02llx, 0x%03llx)",
		     who ? who : "implementer unknown",
		     what ? what : "part unknown", VARIANT(midr),
		     REVISION(midr), IMPLEMENTER(midr), PART(midr)) < 0)
		return NULL;
	return text;
}

/* Each that an online processor is, once: big.LITTLE has several. */
static char *all_models(hwloc_const_bitmap_t online, const char **vendor)
{
	unsigned long long midr;
	char *all = NULL, *one;
	unsigned int cpu;

	hwloc_bitmap_foreach_begin(cpu, online)
		one = read_midr(cpu, &midr) ? model_name(midr) : NULL;
	if (one && !all) {
		*vendor = implementer(midr);
		all = strdup(one);
	} else if (one && !strstr(all, one)) {
		char *longer;

		if (asprintf(&longer, "%s, %s", all, one) >= 0) {
			free(all);
			all = longer;
		}
	}
	free(one);
	hwloc_bitmap_foreach_end();
	return all;
}

void describe_arm(json_t *machine)
{
	hwloc_bitmap_t online = machine_online();
	const char *vendor = NULL;
	char *models = online ? all_models(online, &vendor) : NULL;

	hwloc_bitmap_free(online);
	if (!models)
		return;
	json_object_set_new(machine, "cpu_model", json_string(models));
	json_object_del(machine, "cpu_model_reason");
	if (vendor) {
		json_object_set_new(machine, "cpu_vendor", json_string(vendor));
		json_object_del(machine, "cpu_vendor_reason");
	}
	free(models);
}
