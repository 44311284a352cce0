// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a guest run?  That its device opens says little: where the processor
 * is not handed on, or only half of it is, the first instruction fails.  So
 * one is run, which halts.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static int failed(struct doctor_kvm *kvm, const char *step, int error)
{
	kvm->step = step;
	kvm->error = error;
	return -1;
}

#if defined(__x86_64__)

#define PAGE		4096u
#define HLT		0xf4
/* It takes some us; who is not back by then never comes. */
#define PATIENCE_S	2

static void on_alarm(int sig)
{
	(void)sig;	/* KVM_RUN ends */
}

/* One page at 0, all of it hlt. */
static int give_memory(int vm, void *page, struct doctor_kvm *kvm)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = PAGE,
		.userspace_addr = (uintptr_t)page,
	};

	memset(page, HLT, PAGE);
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return failed(kvm, "KVM_SET_USER_MEMORY_REGION", -errno);
	return 0;
}

/* In real mode, at 0:0. */
static int set_start(int vcpu, struct doctor_kvm *kvm)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return failed(kvm, "KVM_GET_SREGS", -errno);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		return failed(kvm, "KVM_SET_SREGS", -errno);
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		return failed(kvm, "KVM_SET_REGS", -errno);
	return 0;
}

static int run(int vcpu, const struct kvm_run *state, struct doctor_kvm *kvm)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	int error;

	sigaction(SIGALRM, &sa, &old);
	alarm(PATIENCE_S);
	error = ioctl(vcpu, KVM_RUN, 0) ? -errno : 0;
	alarm(0);
	sigaction(SIGALRM, &old, NULL);
	if (error)
		return failed(kvm, "KVM_RUN", error == -EINTR ? -ETIME : error);
	if (state->exit_reason == KVM_EXIT_HLT)
		return 0;
	kvm->exit_reason = state->exit_reason;
	return failed(kvm, "KVM_RUN", -EIO);
}

static int try_vcpu(int fd, int vm, void *page, struct doctor_kvm *kvm)
{
	int size = ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0), vcpu, status;
	struct kvm_run *state;

	if (size < (int)sizeof(*state))
		return failed(kvm, "KVM_GET_VCPU_MMAP_SIZE", -errno);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return failed(kvm, "KVM_CREATE_VCPU", -errno);
	state = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (state == MAP_FAILED) {
		status = failed(kvm, "mapping the processor's state", -errno);
	} else {
		status = give_memory(vm, page, kvm);
		if (!status)
			status = set_start(vcpu, kvm);
		if (!status)
			status = run(vcpu, state, kvm);
		munmap(state, size);
	}
	close(vcpu);
	return status;
}

static void try_guest(int fd, int vm, struct doctor_kvm *kvm)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		failed(kvm, "mmap", -errno);
		return;
	}
	kvm->ran = !try_vcpu(fd, vm, page, kvm);
	munmap(page, PAGE);
}

#else

/* Elsewhere a first instruction takes more than this knows. */
static void try_guest(int fd, int vm, struct doctor_kvm *kvm)
{
	(void)fd;
	(void)vm;
	kvm->not_tried = true;
}

#endif

void doctor_try_kvm(struct doctor_kvm *kvm)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	*kvm = (struct doctor_kvm){ 0 };
	if (fd < 0) {
		failed(kvm, "opening it", -errno);
		return;
	}
	vm = ioctl(fd, KVM_CREATE_VM, 0);
	if (vm < 0)
		failed(kvm, "KVM_CREATE_VM", -errno);
	else
		try_guest(fd, vm, kvm);
	if (vm >= 0)
		close(vm);
	close(fd);
}
