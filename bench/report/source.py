# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's source says of the review's questions: fs/xfs of 6.12,
and of 7.3 where named.  Read, not driven: each line says so.
"""
from __future__ import annotations

READ = "Read in 6.12's source, not driven"

TWO_ASSERTIONS = (
    f"{READ}: the two candidates are those of xfs_buf_find_lock(), for a "
    "stale buffer, and of __xfs_buf_submit(), before I/O. The first wants "
    "a buffer that is stale and has the flag: xfs_buf_stale() clears it, and "
    "a lookup resets a stale buffer before anybody queues it again.")

WHO_CLEARS = (
    f"{READ}: in repair the old tree's blocks go by xrep_reap_agblocks() > "
    "xreap_agextent_iter() > xreap_agextent_binval(), which finds cached "
    "buffers by a live scan, xrep_bufscan_advance(), and calls "
    "xfs_trans_binval() > xfs_buf_stale().",
    "Not by xfs_btree_free_block(), which the review asked about: that calls "
    "xfs_trans_binval(), too, but for a block that leaves a tree in use; of "
    "a staging cursor it refuses to free anything.")

IGNORES_FALSE = (
    f"{READ}: these queue and do not look at what xfs_buf_delwri_queue() "
    "returns: quotacheck (xfs_qm_reset_dqcounts_all(), xfs_qm_flush_one()), "
    "log recovery (xlog_recover_buf_commit_pass2(), "
    "xlog_recover_inode_commit_pass2(), xlog_recover_dquot_commit_pass2(), "
    "xfs_ialloc_inode_init(), xfs_btree_block_change_owner()), growfs "
    "(xfs_ag_init_hdr(), xfs_update_secondary_sbs()). Each then waits, in "
    "xfs_buf_delwri_submit(), for the buffers on its own list alone.",
    "False says that somebody else has the buffer queued. A stale, linked "
    "one is worse: the answer is true, and the buffer stays on the other "
    "list. So looking at the result would not help them.",
    "None is known to meet one. Log recovery and quotacheck run before "
    "anybody repairs, and only they stale what is on their lists; "
    "dquot blocks are not freed while quota is on; growfs' new headers are "
    "in no cache, and secondary superblocks are never freed.")

NO_LEAK = (
    f"{READ}: a buffer leaves a list only by xfs_buf_list_del(), from three "
    "places. xfs_buf_delwri_submit_buffers() has found the flag clear, or "
    "clears it first; xfs_buf_delwri_cancel() clears it first; on the wait "
    "list of xfs_buf_delwri_submit() the flag is clear, and the buffer stays "
    "locked from its submission until xfs_buf_iowait(). So \"the AIL won't "
    "clear DELWRI_Q when it drops it\", as the letter has it, has no path in "
    "6.12.")
HISTORY = (
    "There was such a path: whoever locked a buffer that was still on the "
    "wait list could set the flag, and its waiter then unlinked it. "
    "e339dd8d8b04 (2018) closed it.")

THEORETICAL = (
    "Theoretical: it takes somebody who has the block locked at each of {} "
    "passes in a row, at the very moment of the AIL's trylock. That would "
    "starve every trylock of the AIL, and is no property of this wait.")

LOST_WAKEUP = (
    "Read in the source of 6.12 and 7.3, not seen there: xfs_buf_list_del() "
    "unlinks with plain stores and calls wake_up_var(), whose look for "
    "sleepers, waitqueue_active() in __wake_up_bit(), is a plain load. "
    "Neither a barrier nor a locked operation lies between. The waiter has "
    "his, in wait_var_event(). This is store buffering with one of its two "
    "fences missing: possible on x86, too.",
    "The documentation asks for that barrier: wake_up_bit()'s, and since "
    "then wake_up_var()'s own. A patch of August 2024, Message-ID "
    "20240819053605.11706-9-neilb@suse.de, makes this very line "
    "wake_up_var_mb(). 7.3 has no barrier there yet.",
    "Nothing mends a lost one: the wait is by address, uninterruptible and "
    "without a timeout, the buffer is on no list any more, and a repair "
    "sleeps with the AGF locked.")

HELD_BACK = (
    f"{READ}: xfs_btree_bload_prep_block() gets and locks the next block "
    "first. Then it drops the previous one: xfs_btree_bload_drop_buf(), "
    "which waits in xfs_buf_delwri_queue_here() until that is on no other "
    "list. If the next one is stale and linked as well, the AIL's walk frees "
    "the previous, finds the next locked, leaves it, and sleeps. So k "
    "neighbouring blocks cost k cycles of the AIL. 7.3 has the same order.",
    "Mend: set the right sibling, drop the left block, then get the next: "
    "delwri_queue_here_drop.")
