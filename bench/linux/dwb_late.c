// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lost wake-up, forced.  wake_up_var() looks for sleepers, and no barrier
 * orders that look behind a store before it.  Every processor may look while
 * the store still is in its store buffer, x86 as well.  Here the source looks
 * first; and with the knob both sides are held so that they come to it:
 *
 *	who takes it off its list	who waits for that
 *					sees it linked
 *	looks: nobody sleeps
 *					queues up, sees it linked, sleeps
 *	its store becomes visible
 *
 * probe.cocci puts it where nothing stands between the store and the look: a
 * barrier there forbids this order.  Who sleeps on for LOST_MS was not woken:
 * that is counted, and then somebody wakes him after all.
 */
#include "xfs.h"
#include "dwb_probe.h"
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

enum { HOLD_MS = 500, LOST_MS = 2000 };

/* Guards all of these; looked and late are also read without. */
static DEFINE_SPINLOCK(late_lock);
static void *waited_for;	/* by him who is held, or sleeps */
static bool looked;		/* for sleepers, by the other */
static u64 late_tries, late_lost;
static unsigned int late;	/* the knob */

static void still_asleep(struct work_struct *work)
{
	void *list;

	spin_lock(&late_lock);
	list = looked ? waited_for : NULL;
	late_lost += list != NULL;
	spin_unlock(&late_lock);
	if (!list)
		return;
	pr_info("dwb: lost wake-up: off its list for %d ms, and who waits for that sleeps\n",
		LOST_MS);
	wake_up_var(list);
}

static DECLARE_DELAYED_WORK(late_work, still_asleep);

void dwb_late_wait(void *list)
{
	int ms;

	if (!READ_ONCE(late))
		return;
	spin_lock(&late_lock);
	if (waited_for) {
		spin_unlock(&late_lock);
		return;
	}
	waited_for = list;
	WRITE_ONCE(looked, false);
	spin_unlock(&late_lock);
	for (ms = 0; ms < HOLD_MS && !READ_ONCE(looked); ms++)
		usleep_range(900, 1100);
	spin_lock(&late_lock);
	if (!looked)
		waited_for = NULL;
	spin_unlock(&late_lock);
}

void dwb_late_woken(void *list)
{
	spin_lock(&late_lock);
	if (waited_for == list)
		waited_for = NULL;
	spin_unlock(&late_lock);
}

void dwb_late_off(struct list_head *list)
{
	struct wait_queue_head *sleepers = __var_waitqueue(list);
	bool active, held, asleep = false;
	int ms;

	spin_lock(&late_lock);
	active = waitqueue_active(sleepers);
	held = READ_ONCE(late) && waited_for == list && !looked && !active;
	if (held)
		WRITE_ONCE(looked, true);
	spin_unlock(&late_lock);
	for (ms = 0; held && ms < HOLD_MS && !asleep; ms++) {
		usleep_range(900, 1100);
		/* From the turn before: he has looked at the list since. */
		asleep = ms && waitqueue_active(sleepers);
	}
	list_del_init(list);
	if (active)
		wake_up_var(list);
	if (!asleep)
		return;
	spin_lock(&late_lock);
	late_tries++;
	spin_unlock(&late_lock);
	schedule_delayed_work(&late_work, msecs_to_jiffies(LOST_MS));
}

int dwb_late_show(char *buf, int n)
{
	spin_lock(&late_lock);
	n += sysfs_emit_at(buf, n, "late_tries=%llu late_lost=%llu ",
			   late_tries, late_lost);
	spin_unlock(&late_lock);
	return n;
}

void dwb_late_forget(void)
{
	spin_lock(&late_lock);
	late_tries = 0;
	late_lost = 0;
	spin_unlock(&late_lock);
}

static int late_set(const char *val, const struct kernel_param *kp)
{
	int error = param_set_uint(val, kp);

	/* Before the module goes. */
	if (!error && !late)
		flush_delayed_work(&late_work);
	return error;
}

static const struct kernel_param_ops late_ops = {
	.get = param_get_uint,
	.set = late_set,
};
module_param_cb(dwb_late, &late_ops, &late, 0644);
