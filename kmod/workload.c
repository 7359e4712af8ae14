// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads: who a process is, and what its listeners accept, see workload.h.
 */
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "workload.h"

#define SSH_PORT	22	/* RFC 4253 section 4.1 */

/* How narrow a match was: compared from top to bottom. */
struct specificity {
	unsigned int exe;	/* 1: the path, 2: its hash too */
	size_t path;		/* length of the cgroup path; 0: any cgroup */
	bool uid;
	bool gid;
	enum weft_width width;	/* not compared */
};

struct weft_workload *weft_workload_create(u16 n_selectors, u16 n_ports)
{
	struct weft_workload *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);

	if (!w)
		return NULL;
	refcount_set(&w->ref, 1);
	atomic_inc(&weft_objects);
	w->selectors = kcalloc(n_selectors, sizeof(*w->selectors),
			       GFP_KERNEL_ACCOUNT);
	w->ports = kcalloc(n_ports, sizeof(*w->ports), GFP_KERNEL_ACCOUNT);
	if (!w->selectors || !w->ports) {
		weft_workload_put(w);
		return NULL;
	}
	w->n_selectors = n_selectors;
	w->n_ports = n_ports;
	return w;
}

static void workload_free(struct rcu_head *rcu)
{
	struct weft_workload *w = container_of(rcu, struct weft_workload, rcu);
	unsigned int i;

	for (i = 0; i < w->n_selectors; i++) {
		kfree(w->selectors[i].cgroup);
		kfree(w->selectors[i].unit);
		kfree(w->selectors[i].exe);
		kfree(w->selectors[i].files);
		kfree(w->selectors[i].container);
	}
	kfree(w->selectors);
	kfree(w->ports);
	kfree(w->identity);
	kfree(w->name);
	kfree(w);
	atomic_dec(&weft_objects);
}

struct weft_workload *weft_workload_get(struct weft_workload *w)
{
	refcount_inc(&w->ref);
	return w;
}

void weft_workload_put(struct weft_workload *w)
{
	if (w && refcount_dec_and_test(&w->ref))
		call_rcu(&w->rcu, workload_free);
}

static bool same_file(const struct weft_file_id *a,
		      const struct weft_file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	       a->generation == b->generation && a->disk == b->disk &&
	       a->size == b->size &&
	       timespec64_equal(&a->mtime, &b->mtime);
}

/* Its place among the files, or their number. */
static unsigned int file_at(const struct weft_exe_files *files,
			    const struct weft_file_id *id)
{
	unsigned int i;

	for (i = 0; i < files->n; i++)
		if (same_file(&files->ids[i], id))
			break;
	return i;
}

void weft_workload_add_file(struct weft_selector *s,
			    const struct weft_file_id *id)
{
	struct weft_exe_files *files = s->files;
	unsigned int i = file_at(files, id);

	if (i == files->n) {
		if (i < WEFT_EXE_FILES_MAX)
			files->n++;
		else
			i--;
	}
	memmove(&files->ids[1], &files->ids[0], i * sizeof(*id));
	files->ids[0] = *id;
}

static void inherit(struct weft_exe_files *files,
		    const struct weft_exe_files *of)
{
	unsigned int i;

	for (i = 0; i < of->n && files->n < WEFT_EXE_FILES_MAX; i++)
		if (file_at(files, &of->ids[i]) == files->n)
			files->ids[files->n++] = of->ids[i];
}

void weft_workload_inherit_files(struct weft_workload *w,
				 const struct weft_workload *of)
{
	const struct weft_selector *b;
	struct weft_selector *a;
	unsigned int i, j;

	for (i = 0; i < w->n_selectors; i++) {
		a = &w->selectors[i];
		for (j = 0; a->files && j < of->n_selectors; j++) {
			b = &of->selectors[j];
			if (b->files && !strcmp(a->exe, b->exe) &&
			    !memcmp(a->files->sha256, b->files->sha256,
				    WEFT_SHA256_SIZE))
				inherit(a->files, b->files);
		}
	}
}

/* Length of @dir when @path is it or below it, else 0. */
static size_t below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strncmp(path, dir, len))
		return 0;
	if (len == 1 || !path[len] || path[len] == '/')
		return len;	/* a path of one character is the root */
	return 0;
}

static bool ends_with(const char *part, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(part + len - n, suffix, n);
}

/* ID, or WHO-ID.scope; but not the scope of its monitor, WHO-conmon-ID. */
static bool is_container(const char *part, size_t len, const char *id)
{
	static const char scope[] = ".scope", monitor[] = "-conmon-";
	size_t who;

	if (ends_with(part, len, scope))
		len -= strlen(scope);
	if (len < WEFT_CONTAINER_MAX)
		return false;
	who = len - WEFT_CONTAINER_MAX;
	if (who && part[who - 1] != '-')
		return false;
	if (strspn(part + who, "0123456789abcdef") < WEFT_CONTAINER_MAX)
		return false;
	return !ends_with(part, who, monitor) &&
	       !memcmp(part + who, id, strlen(id));
}

/*
 * Length of @path up to and with its last part that @is says it is, else 0.
 * Below a service, scope or container the system's manager has no say
 * (user@1000.service hands its subtree to the user, who names units there as he
 * likes): not looked at.
 */
static size_t in_part(const char *path, const char *what,
		      bool (*is)(const char *part, size_t len,
				 const char *what))
{
	const char *at = path;
	size_t found = 0;

	while (*at == '/') {
		size_t part = strcspn(++at, "/");

		if (is(at, part, what))
			found = at + part - path;
		if (ends_with(at, part, ".service") ||
		    ends_with(at, part, ".scope") || is_container(at, part, ""))
			break;
		at += part;
	}
	return found;
}

static bool is_unit(const char *part, size_t len, const char *unit)
{
	return len == strlen(unit) && !memcmp(part, unit, len);
}

/* An instance, "weftd@NAME.service". */
static bool is_instance(const char *part, size_t len, const char *template)
{
	size_t n = strlen(template);

	return len > n && !memcmp(part, template, n) &&
	       ends_with(part, len, ".service");
}

/**
 * weft_workload_is_weft() - is it weftd or the CA?
 * @task: who
 *
 * Only root names units of the system's manager.
 */
bool weft_workload_is_weft(const struct weft_task *task)
{
	return in_part(task->cgroup, "weftd.service", is_unit) ||
	       in_part(task->cgroup, "weft-ca.service", is_unit) ||
	       in_part(task->cgroup, "weftd@", is_instance);
}

static bool is_slice(const char *name)
{
	return ends_with(name, strlen(name), ".slice");
}

/* Below a service or scope it is the program's own, a container's say. */
static bool is_of_many(const char *cgroup)
{
	return is_slice(cgroup) && !strstr(cgroup, ".service/") &&
	       !strstr(cgroup, ".scope/");
}

/* A slice does not, nor does the root: they have whoever is put there. */
static bool names_what_runs(const struct weft_selector *s)
{
	return s->exe || s->container || (s->unit && !is_slice(s->unit)) ||
	       (s->cgroup && s->cgroup[1] && !is_of_many(s->cgroup));
}

static enum weft_width width_of(const struct weft_selector *s)
{
	if (names_what_runs(s))
		return WEFT_WIDTH_NAMED;
	if (s->has_uid || s->has_gid || s->unit || (s->cgroup && s->cgroup[1]))
		return WEFT_WIDTH_MANY;
	return WEFT_WIDTH_ALL;
}

/*
 * Is it who lets people log in, as their units are called? Only root names
 * units of the system's manager, which listens itself for ssh.socket.
 */
static bool is_login(const struct weft_task *task)
{
	return in_part(task->cgroup, "init.scope", is_unit) ||
	       in_part(task->cgroup, "ssh.service", is_unit) ||
	       in_part(task->cgroup, "sshd.service", is_unit) ||
	       in_part(task->cgroup, "ssh@", is_instance) ||
	       in_part(task->cgroup, "sshd@", is_instance);
}

static bool selector_match(const struct weft_selector *s,
			   const struct weft_task *task,
			   struct specificity *out)
{
	size_t path = 0;

	if (s->exe && strcmp(s->exe, task->exe))
		return false;
	if (s->files && !(task->has_file &&
			  file_at(s->files, &task->file) < s->files->n))
		return false;
	if (s->has_uid && s->uid != task->uid)
		return false;
	if (s->has_gid && s->gid != task->gid)
		return false;
	if (s->cgroup) {
		path = below(task->cgroup, s->cgroup);
		if (!path)
			return false;
	}
	out->path = path > 1 ? path : 0;	/* the root is any cgroup */
	if (s->unit) {
		path = in_part(task->cgroup, s->unit, is_unit);
		if (!path)
			return false;
		out->path = max(out->path, path);
	}
	if (s->container) {
		path = in_part(task->cgroup, s->container, is_container);
		if (!path)
			return false;
		out->path = max(out->path, path);
	}
	out->exe = s->files ? 2 : !!s->exe;
	out->uid = s->has_uid;
	out->gid = s->has_gid;
	out->width = width_of(s);
	return true;
}

static bool more_specific(const struct specificity *a,
			  const struct specificity *b)
{
	if (a->exe != b->exe)
		return a->exe > b->exe;
	if (a->path != b->path)
		return a->path > b->path;
	if (a->uid != b->uid)
		return a->uid;
	return a->gid && !b->gid;
}

/* The narrowest of the workload's selectors that match. */
static bool workload_match(const struct weft_workload *w,
			   const struct weft_task *task,
			   struct specificity *out)
{
	struct specificity one;
	bool found = false;
	unsigned int i;

	for (i = 0; i < w->n_selectors; i++) {
		if (!selector_match(&w->selectors[i], task, &one))
			continue;
		if (!found || more_specific(&one, out))
			*out = one;
		found = true;
	}
	return found;
}

struct weft_workload *weft_workload_match(const struct weft_gen *gen,
					  const struct weft_task *task,
					  enum weft_width *width)
{
	struct specificity narrow = {}, one;
	struct weft_workload *best = NULL;
	const struct weft_table *t;
	u32 i;

	*width = WEFT_WIDTH_NAMED;
	if (!gen)
		return NULL;
	t = &gen->tables[WEFT_KIND_WORKLOAD];
	for (i = 0; i < t->n; i++) {
		struct weft_workload *w = t->rows[i].object;

		if (!workload_match(w, task, &one))
			continue;
		/* sorted: of equals the first name stays */
		if (!best || more_specific(&one, &narrow)) {
			best = w;
			narrow = one;
		}
	}
	*width = narrow.width;
	return best;
}

struct weft_workload *weft_workload_find(const struct weft_gen *gen,
					 const char *name)
{
	return gen ? weft_table_find(&gen->tables[WEFT_KIND_WORKLOAD], name) :
		     NULL;
}

u8 weft_workload_mode(const struct weft_workload *w, u16 port)
{
	unsigned int i;

	for (i = 0; i < w->n_ports; i++)
		if (w->ports[i].port == port &&
		    w->ports[i].mode != WEFT_MODE_DEFAULT)
			return w->ports[i].mode;
	return w->mode;
}

static bool names_ssh(const struct weft_workload *w)
{
	unsigned int i;

	for (i = 0; i < w->n_ports; i++)
		if (w->ports[i].port == SSH_PORT)
			return true;
	return false;
}

bool weft_workload_leaves(const struct weft_workload *w,
			  const struct weft_task *task, enum weft_width width,
			  u16 port)
{
	if (width == WEFT_WIDTH_NAMED)
		return false;
	return weft_workload_is_weft(task) ||
	       (port == SSH_PORT && !names_ssh(w) &&
		(width == WEFT_WIDTH_ALL || is_login(task)));
}

bool weft_workload_leaves_ssh(const struct weft_workload *w, u16 port)
{
	unsigned int i;

	for (i = 0; i < w->n_selectors; i++)
		if (width_of(&w->selectors[i]) != WEFT_WIDTH_ALL)
			return false;
	return port == SSH_PORT && !names_ssh(w);
}

bool weft_workload_by_exe(const struct weft_workload *w)
{
	unsigned int i;

	for (i = 0; i < w->n_selectors; i++)
		if (w->selectors[i].exe)
			return true;
	return false;
}
