/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single-steps the calling thread and says of each instruction what it does
 * to memory: enough of the x86-64 encoding for compiled integer code.
 */
#ifndef TESTS_X86_TRACE_H
#define TESTS_X86_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "tests/impl/cache/single_step.h"

#ifndef TRACE_MAX
#define TRACE_MAX	8192
#endif

/* An instruction about to be executed. */
struct step {
	const uint8_t *ip;
	uint64_t reg[16];	/* in the order of the encoding */
};

static struct step trace[TRACE_MAX];
static volatile unsigned int trace_nr;

static void trace_trap(int sig, siginfo_t *info, void *context)
{
	static const int order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15,
	};
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct step *s;

	(void)sig;
	(void)info;
	if (trace_nr == TRACE_MAX)
		return;
	s = &trace[trace_nr++];
	s->ip = (const uint8_t *)regs[REG_RIP];
	for (int i = 0; i < 16; i++)
		s->reg[i] = regs[order[i]];
}

static inline __attribute__((always_inline)) void trace_switch(bool on)
{
	if (on)
		trace_nr = 0;
	single_step(on ? trace_trap : NULL);
}

enum op_kind { OP_OTHER, OP_ADD, OP_CMPXCHG, OP_XCHG, OP_FENCE };

struct insn {
	unsigned int op;	/* 0x0f01 for two bytes */
	unsigned int ext;	/* the reg field: part of some opcodes */
	bool memory;		/* accesses @addr */
	bool own;		/* ... relative to the thread's base */
	bool write;
	bool locked;
	bool indirect;		/* call or jump through memory or register */
	bool conditional;	/* jump */
	enum op_kind kind;
	uint64_t addr;
};

static bool has_modrm(unsigned int op)
{
	if (op >= 0x0f00) {
		op &= 0xff;
		return !((op >= 0x80 && op <= 0x8f) || op == 0x05 ||
			 op == 0x0b || op == 0x31 || op == 0x77 ||
			 (op >= 0xa0 && op <= 0xa2) ||
			 (op >= 0xa8 && op <= 0xaa) ||
			 (op >= 0xc8 && op <= 0xcf));
	}
	return (op < 0x40 && (op & 7) < 4) || op == 0x63 || op == 0x69 ||
	       op == 0x6b || (op >= 0x80 && op <= 0x8f) || op == 0xc0 ||
	       op == 0xc1 || op == 0xc6 || op == 0xc7 ||
	       (op >= 0xd0 && op <= 0xd3) || op == 0xf6 || op == 0xf7 ||
	       op == 0xfe || op == 0xff;
}

static bool op_writes(unsigned int op, unsigned int ext)
{
	if (op >= 0x0f00) {
		static const uint8_t stores[] = {
			0x11, 0x13, 0x17, 0x29, 0x2b, 0x7f, 0xd6, 0xe7,
			0xab, 0xb3, 0xbb, 0xb0, 0xb1, 0xc0, 0xc1,
		};

		op &= 0xff;
		return memchr(stores, op, sizeof(stores)) ||
		       (op & 0xf0) == 0x90 || (op == 0xba && ext > 4) ||
		       (op == 0xc7 && ext == 1);
	}
	if (op < 0x40)
		return (op & 7) < 2 && (op & 0xf8) != 0x38;
	if (op >= 0x80 && op <= 0x83)
		return ext != 7;
	if (op == 0xf6 || op == 0xf7)
		return ext == 2 || ext == 3;
	if (op == 0xfe || op == 0xff)
		return ext < 2;
	return (op >= 0x86 && op <= 0x89) || op == 0x8f || op == 0xc0 ||
	       op == 0xc1 || op == 0xc6 || op == 0xc7 ||
	       (op >= 0xd0 && op <= 0xd3);
}

static enum op_kind op_kind(unsigned int op, unsigned int ext)
{
	if (op == 0x0fb0 || op == 0x0fb1)
		return OP_CMPXCHG;
	if (op == 0x86 || op == 0x87)
		return OP_XCHG;
	if (op == 0x0fc0 || op == 0x0fc1 || op == 0xfe || op == 0xff)
		return OP_ADD;
	if (op >= 0x80 && op <= 0x83 && (ext == 0 || ext == 5))
		return OP_ADD;
	return OP_OTHER;
}

/* After the opcode: what the operand's address is. */
static void decode_address(const struct step *s, const uint8_t *p,
			   uint8_t rex, struct insn *insn)
{
	unsigned int mod = *p >> 6, rm = *p & 7;
	int32_t disp = 0;
	int8_t disp8;

	p++;
	if (rm == 4) {
		unsigned int index = (*p >> 3 & 7) | (rex & 2) << 2;
		unsigned int base = (*p & 7) | (rex & 1) << 3;

		if (index != 4)
			insn->addr += s->reg[index] << (*p >> 6);
		if (mod == 0 && (*p & 7) == 5)
			mod = 2;
		else
			insn->addr += s->reg[base];
		p++;
	} else if (mod == 0 && rm == 5) {
		/* Relative to the next instruction: code or constants. */
		insn->addr = (uint64_t)p;
		mod = 2;
	} else {
		insn->addr += s->reg[rm | (rex & 1) << 3];
	}
	if (mod == 1) {
		memcpy(&disp8, p, 1);
		disp = disp8;
	} else if (mod == 2) {
		memcpy(&disp, p, 4);
	}
	insn->addr += disp;
}

static struct insn decode(const struct step *s)
{
	struct insn insn = { 0 };
	const uint8_t *p = s->ip;
	bool lock = false;
	uint8_t rex = 0;

	for (;; p++) {
		if (*p == 0xf0)
			lock = true;
		else if (*p == 0x64 || *p == 0x65)
			insn.own = true;
		else if (*p != 0x66 && *p != 0xf2 && *p != 0xf3 &&
			 *p != 0x2e && *p != 0x3e)
			break;
	}
	if ((*p & 0xf0) == 0x40)
		rex = *p++;
	insn.op = *p++;
	if (insn.op == 0x0f)
		insn.op = 0x0f00 | *p++;
	insn.locked = lock;
	insn.conditional = (insn.op & ~0xfu) == 0x70 ||
			   (insn.op & ~0xfu) == 0x0f80;
	if (!has_modrm(insn.op))
		return insn;
	insn.ext = *p >> 3 & 7;
	insn.indirect = insn.op == 0xff && insn.ext >= 2 && insn.ext <= 5;
	insn.kind = op_kind(insn.op, insn.ext);
	if (insn.op == 0x0fae && *p >= 0xe8) {
		insn.locked = true;
		insn.kind = OP_FENCE;
	}
	/* lea and long no-operations only look like accesses. */
	if (*p >> 6 == 3 || insn.op == 0x8d || insn.op == 0x0f1f)
		return insn;
	insn.memory = true;
	insn.write = op_writes(insn.op, insn.ext);
	insn.locked |= insn.kind == OP_XCHG;
	decode_address(s, p, rex, &insn);
	return insn;
}

#endif
