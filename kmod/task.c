// SPDX-License-Identifier: GPL-2.0
/*
 * Facts about a process. Process context, but does not sleep: takes the task's
 * own lock, and inside it that of its root directory and the one of all mounts.
 */
#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/mm_types.h>
#include <linux/mount.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include "compat.h"
#include "limits.h"
#include "task.h"

/* What did not fit was cut off somewhere: up to the last whole part. */
static void cut_part(char *path)
{
	char *last = strrchr(path, '/');

	if (last)
		*last = '\0';
}

/*
 * Path in the default hierarchy, as much as fits: who makes groups deep below
 * the one he is in is in that one still.
 */
static void cgroup_of(struct task_struct *p, char *buf, size_t len)
{
	int n;

	rcu_read_lock();
	n = cgroup_path(task_dfl_cgroup(p), buf, len);
	rcu_read_unlock();
	if (n < 0)
		buf[0] = '\0';
	else if (n >= (int)len - 1)	/* 6.1 says how long it would be */
		cut_part(buf);
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
 * Another image in the same loop device has another number. File systems
 * without a device, and those that have several of them, have none.
 */
static u64 disk_of(const struct super_block *sb)
{
	if (MAJOR(sb->s_dev) == UNNAMED_MAJOR || !sb->s_bdev)
		return 0;
	return sb->s_bdev->bd_disk->diskseq;
}

/**
 * weft_file_identify() - which file it is
 * @f: an open file
 * @id: filled in on success
 *
 * Return: 0; -EINVAL it is no regular file; -EPERM somebody else than root can
 * write to it, or its mount says whose it is and not the file.
 */
int weft_file_identify(const struct file *f, struct weft_file_id *id)
{
	const struct inode *inode = file_inode(f);

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID) ||
	    inode->i_mode & 0022 ||	/* the group's is an ACL's mask too */
	    is_idmapped_mnt(f->f_path.mnt))
		return -EPERM;
	memset(id, 0, sizeof(*id));
	id->dev = inode->i_sb->s_dev;
	id->ino = inode->i_ino;
	id->generation = inode->i_generation;
	id->disk = disk_of(inode->i_sb);
	id->size = i_size_read(inode);
	id->mtime = weft_inode_mtime(inode);
	return 0;
}

static bool is_below(const struct path *path, struct fs_struct *fs)
{
	bool below;

	weft_fs_lock(fs);		/* its root stays */
	below = path_is_under(path, &fs->root);
	weft_fs_unlock(fs);
	return below;
}

/*
 * Does the path of @f say where it is? Anybody can mount a file of his at any
 * path in a user namespace of his own, start it from outside by
 * /proc/PID/root, or by a descriptor, and d_path() says that path: from the
 * root of whatever tree of mounts the file is in, which may be detached by now
 * (open_tree(), a lazy unmount). So it must be in the tree of the process's
 * root directory, which only somebody with privileges changes, or in that of
 * the host's; a daemon that changed its root directory after its start is in
 * the latter. And it must still be in what is mounted there: a directory can be
 * moved out of a bind mount. As mnt_may_suid() does, which is not exported.
 *
 * task_lock() is held.
 */
static bool is_reachable(const struct file *f, const struct task_struct *p)
{
	const struct path *path = &f->f_path;

	return file_inode(f)->i_sb->s_user_ns == &init_user_ns &&
	       is_subdir(path->dentry, path->mnt->mnt_root) &&
	       ((p->fs && is_below(path, p->fs)) ||
		is_below(path, init_task.fs));
}

/* Only of these the root directory and the executable mean anything. */
static bool is_of_the_host(struct task_struct *p)
{
	bool is;

	rcu_read_lock();
	is = __task_cred(p)->user_ns == &init_user_ns;
	rcu_read_unlock();
	return is;
}

/* What @p executes, with a reference, if its path says so; NULL: nothing. */
static struct file *exe_file(struct task_struct *p)
{
	struct file *f = NULL, *unreachable = NULL;

	task_lock(p);			/* p->mm and p->fs stay */
	if (p->mm && !(p->flags & PF_KTHREAD))
		f = mm_exe_file(p->mm);
	/* In this order: what was started in a user namespace has its cred. */
	if (f && !(is_of_the_host(p) && is_reachable(f, p)))
		swap(f, unreachable);
	task_unlock(p);
	if (unreachable)
		fput(unreachable);
	return f;
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
	struct file *f;

	t->exe = "";
	t->has_file = false;
	f = exe_file(p);
	if (!f)
		return;
	t->exe = path_of(f, buf, len);
	t->has_file = !weft_file_identify(f, &t->file);
	fput(f);
}

/* All but the executable. @buf: WEFT_PATH_MAX bytes */
static void facts_of(struct task_struct *p, struct weft_task *t, char *buf)
{
	cgroup_of(p, buf, WEFT_PATH_MAX);
	t->cgroup = buf;
	rcu_read_lock();
	t->uid = from_kuid_munged(&init_user_ns, __task_cred(p)->euid);
	t->gid = from_kgid_munged(&init_user_ns, __task_cred(p)->egid);
	rcu_read_unlock();
	t->pid = task_tgid_nr(p);
	get_task_comm(t->comm, p);
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
	facts_of(p, t, buf);
	exe_of(p, t, buf + WEFT_PATH_MAX, WEFT_PATH_MAX);
	return 0;
}

/**
 * weft_task_brief() - the facts about the calling process but its executable
 * @t: filled in on success, ->exe is NULL; weft_task_uninit() frees the rest
 * @gfp: how to allocate
 *
 * For what happens often: the executable costs locks that all the host shares.
 * Return: 0 or -ENOMEM, then @t is untouched.
 */
int weft_task_brief(struct weft_task *t, gfp_t gfp)
{
	char *buf = kmalloc(WEFT_PATH_MAX, gfp);

	if (!buf)
		return -ENOMEM;
	facts_of(current, t, buf);
	t->exe = NULL;
	t->has_file = false;
	return 0;
}

/**
 * weft_task_dup() - the facts, for keeping
 * @t: the facts
 * @gfp: how to allocate
 *
 * Return: a copy, strings and all, for kfree(); NULL without memory.
 */
struct weft_task *weft_task_dup(const struct weft_task *t, gfp_t gfp)
{
	size_t cgroup = strlen(t->cgroup) + 1, exe = strlen(t->exe) + 1;
	struct weft_task *copy = kmalloc(sizeof(*t) + cgroup + exe, gfp);

	if (!copy)
		return NULL;
	*copy = *t;
	copy->cgroup = memcpy(copy + 1, t->cgroup, cgroup);
	copy->exe = memcpy((char *)(copy + 1) + cgroup, t->exe, exe);
	return copy;
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
