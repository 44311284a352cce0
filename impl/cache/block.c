// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every block begins with: sealing and checking it.  The checksum is
 * CRC32C, as in XFS, by ISA-L.
 */
#include "cache/device.h"

#include <errno.h>
#include <isa-l/crc.h>

/* ISA-L takes an int, and inverts neither the first nor the last value. */
#define CRC_CHUNK	(1u << 30)

/*
 * ISA-L leaves the upper halves of vector registers in use, and whoever moves
 * 16 bytes later waits for them: a quarter of a bulk load's time.  The kernel
 * computes its checksums with them put aside.
 */
static inline void leave_vectors(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroupper");
#endif
}

static uint32_t crc_update(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len) {
		size_t n = len < CRC_CHUNK ? len : CRC_CHUNK;

		crc = crc32_iscsi((unsigned char *)p, n, crc);
		p += n;
		len -= n;
	}
	leave_vectors();
	return crc;
}

uint32_t crc32c(const void *data, size_t len)
{
	return ~crc_update(~0u, data, len);
}

/* As if the crc field were 0, without touching it. */
static uint32_t block_crc(const struct block_header *h)
{
	const size_t before = offsetof(struct block_header, crc);
	const size_t after = before + sizeof(h->crc);
	const uint32_t zero = 0;
	uint32_t crc;

	crc = crc_update(~0u, h, before);
	crc = crc_update(crc, &zero, sizeof(zero));
	crc = crc_update(crc, (const char *)h + after, BLOCK_SIZE - after);
	return ~crc;
}

void block_seal(struct block_header *h)
{
	h->crc = 0;
	h->crc = crc32c(h, BLOCK_SIZE);
}

int block_verify(const struct block_header *h, uint64_t bno)
{
	if (h->magic != BLOCK_MAGIC && h->magic != DATA_MAGIC)
		return -EFSBADCRC;
	if (h->bno != bno || h->crc != block_crc(h))
		return -EFSBADCRC;
	return 0;
}
