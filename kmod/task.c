// SPDX-License-Identifier: GPL-2.0
/*
 * Facts about a process. Any context; takes no lock but the task's own.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/mount.h>
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

/**
 * weft_file_identify() - which file it is
 * @f: an open file
 * @id: filled in on success
 *
 * Return: 0; -EINVAL it is no regular file; -EPERM somebody else than root can
 * write to it.
 */
int weft_file_identify(const struct file *f, struct weft_file_id *id)
{
	const struct inode *inode = file_inode(f);

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID) ||
	    inode->i_mode & 0022)	/* the group's is an ACL's mask too */
		return -EPERM;
	memset(id, 0, sizeof(*id));
	id->dev = inode->i_sb->s_dev;
	id->ino = inode->i_ino;
	id->generation = inode->i_generation;
	id->size = i_size_read(inode);
	id->mtime = weft_inode_mtime(inode);
	return 0;
}

/*
 * Where anybody may mount, a path proves nothing: in a user namespace of one's
 * own, and on what a program with privileges has mounted for a user
 * (fusermount, udisks), which is nosuid and nodev. That one he can also have
 * unmounted with files open, and then d_path() begins at its root. Nosuid
 * alone is what systemd makes of a service's file systems (NoNewPrivileges=
 * with ProtectSystem=).
 */
static bool proves_nothing(const struct file *f)
{
	const int users = MNT_NOSUID | MNT_NODEV;

	return (f->f_path.mnt->mnt_flags & users) == users ||
	       file_inode(f)->i_sb->s_user_ns != &init_user_ns;
}

/*
 * Absolute path of @f at the end of buf, or "". A file that was deleted, or
 * replaced by an upgrade, since it was started is still what it was.
 */
static const char *path_of(struct file *f, char *buf, size_t len)
{
	static const char deleted[] = " (deleted)";
	size_t n, suffix = strlen(deleted);
	char *path = file_path(f, buf, len);

	if (IS_ERR(path))
		return "";
	n = strlen(path);
	if (d_unlinked(f->f_path.dentry) && n > suffix &&
	    !strcmp(path + n - suffix, deleted))
		path[n - suffix] = '\0';
	return path;
}

/* The executable's path and file into @t; buf is for the path. */
static void exe_of(struct task_struct *p, struct weft_task *t, char *buf,
		   size_t len)
{
	struct file *f = NULL;
	bool trusted;

	t->exe = "";
	t->has_file = false;
	rcu_read_lock();
	trusted = __task_cred(p)->user_ns == &init_user_ns;
	rcu_read_unlock();
	task_lock(p);			/* p->mm stays */
	if (trusted && p->mm && !(p->flags & PF_KTHREAD))
		f = mm_exe_file(p->mm);
	task_unlock(p);
	if (!f)
		return;
	if (!proves_nothing(f)) {
		t->exe = path_of(f, buf, len);
		t->has_file = !weft_file_identify(f, &t->file);
	}
	fput(f);
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
	exe_of(p, t, buf + WEFT_PATH_MAX, WEFT_PATH_MAX);
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
