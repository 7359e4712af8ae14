// SPDX-License-Identifier: GPL-2.0
/*
 * Facts about a process. Any context; takes no lock but the task's own.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/mm_types.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include "compat.h"
#include "limits.h"
#include "task.h"

/* Path in the default hierarchy; "" when it does not fit. */
static void cgroup_of(struct task_struct *p, char *buf, size_t len)
{
	int n;

	rcu_read_lock();
	n = cgroup_path(task_dfl_cgroup(p), buf, len);
	rcu_read_unlock();
	if (n < 0 || n >= (int)len)	/* 6.1 says how long it would be */
		buf[0] = '\0';
}

/*
 * The file a mm executes, with a reference: the get_file_rcu() dance, which
 * has another prototype on every kernel. struct file is type-safe by RCU.
 */
static struct file *mm_exe_file(struct mm_struct *mm)
{
	struct file *f;

	rcu_read_lock();
	for (;;) {
		f = rcu_dereference(mm->exe_file);
		if (!f)
			break;
		if (!weft_file_tryget(f))
			continue;
		if (f == rcu_access_pointer(mm->exe_file))
			break;
		fput(f);
	}
	rcu_read_unlock();
	return f;
}

/*
 * Absolute path of the executable at the end of buf, or "". In a user namespace
 * of their own everybody may mount anything anywhere: there a path proves
 * nothing.
 */
static const char *exe_of(struct task_struct *p, char *buf, size_t len)
{
	struct file *f = NULL;
	bool trusted;
	char *path;

	rcu_read_lock();
	trusted = __task_cred(p)->user_ns == &init_user_ns;
	rcu_read_unlock();
	task_lock(p);			/* p->mm stays */
	if (trusted && p->mm && !(p->flags & PF_KTHREAD))
		f = mm_exe_file(p->mm);
	task_unlock(p);
	if (!f)
		return "";
	path = file_path(f, buf, len);
	fput(f);
	return IS_ERR(path) ? "" : path;
}

/**
 * weft_task_of() - gather the facts about a process
 * @p: the process (the caller keeps it: current, or inside an RCU section)
 * @t: filled in on success; weft_task_uninit() frees what it holds
 * @gfp: how to allocate
 *
 * Return: 0 or -ENOMEM, then @t is untouched.
 */
int weft_task_of(struct task_struct *p, struct weft_task *t, gfp_t gfp)
{
	char *buf = kmalloc(2 * WEFT_PATH_MAX, gfp);

	if (!buf)
		return -ENOMEM;
	cgroup_of(p, buf, WEFT_PATH_MAX);
	t->cgroup = buf;
	t->exe = exe_of(p, buf + WEFT_PATH_MAX, WEFT_PATH_MAX);
	rcu_read_lock();
	t->uid = from_kuid_munged(&init_user_ns, __task_cred(p)->euid);
	t->gid = from_kgid_munged(&init_user_ns, __task_cred(p)->egid);
	rcu_read_unlock();
	t->pid = task_tgid_nr(p);
	get_task_comm(t->comm, p);
	return 0;
}

/**
 * weft_task_uninit() - free the strings of weft_task_of()
 * @t: the facts
 */
void weft_task_uninit(struct weft_task *t)
{
	kfree(t->cgroup);		/* the buffer; exe lies in it */
	t->cgroup = NULL;
	t->exe = NULL;
}
