// SPDX-License-Identifier: GPL-2.0
/*
 * WEFT_CMD_WORKLOAD_*. Process context.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include "generation_priv.h"
#include "genl.h"
#include "names.h"
#include "task.h"
#include "workload.h"

static const struct nla_policy selector_policy[WEFT_SELECTOR_A_MAX + 1] = {
	[WEFT_SELECTOR_A_CGROUP] = { .type = NLA_NUL_STRING },
	[WEFT_SELECTOR_A_UNIT] = { .type = NLA_NUL_STRING },
	[WEFT_SELECTOR_A_UID] = { .type = NLA_U32 },
	[WEFT_SELECTOR_A_EXE] = { .type = NLA_NUL_STRING },
	[WEFT_SELECTOR_A_GID] = { .type = NLA_U32 },
	[WEFT_SELECTOR_A_CONTAINER] = { .type = NLA_NUL_STRING },
	[WEFT_SELECTOR_A_EXE_SHA256] = NLA_POLICY_EXACT_LEN(WEFT_SHA256_SIZE),
	[WEFT_SELECTOR_A_EXE_FD] = { .type = NLA_S32 },
	[WEFT_SELECTOR_A_EXE_SIZE] = { .type = NLA_U64 },
	[WEFT_SELECTOR_A_EXE_MTIME] = { .type = NLA_U64 },
};

static const struct nla_policy selectors_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(selector_policy),
};

static const struct nla_policy port_policy[WEFT_PORT_A_MAX + 1] = {
	[WEFT_PORT_A_PORT] = { .type = NLA_U16 },
	[WEFT_PORT_A_MODE] = { .type = NLA_U32 },
};

static const struct nla_policy ports_policy[WEFT_LIST_A_MAX + 1] = {
	[WEFT_LIST_A_ITEM] = NLA_POLICY_NESTED(port_policy),
};

const struct nla_policy weft_workload_policy[WEFT_WORKLOAD_A_MAX + 1] = {
	[WEFT_WORKLOAD_A_NAME] = { .type = NLA_NUL_STRING },
	[WEFT_WORKLOAD_A_IDENTITY] = { .type = NLA_NUL_STRING },
	[WEFT_WORKLOAD_A_SELECTORS] = NLA_POLICY_NESTED(selectors_policy),
	[WEFT_WORKLOAD_A_MODE] = { .type = NLA_U32 },
	[WEFT_WORKLOAD_A_PORTS] = NLA_POLICY_NESTED(ports_policy),
};

/* A string that need not be there. */
static int optional_dup(const struct nlattr *nla, const char *what,
			const char *(*wrong)(const char *text),
			const char **out, struct weft_fault *f)
{
	return nla ? weft_nla_dup(nla, what, WEFT_SELECTOR_MAX, wrong, out,
				  f) : 0;
}

/* A user's or group's, which @what calls it. */
static int selector_id(const struct nlattr *nla, const char *what, u32 *id,
		       bool *has, struct weft_fault *f)
{
	if (!nla)
		return 0;
	*id = nla_get_u32(nla);
	*has = true;
	if (*id == (u32)-1)
		return weft_fault_attr(f, nla, -ERANGE,
				       "%s of a selector is %u, 0 to %u is allowed",
				       what, *id, U32_MAX - 1);
	return 0;
}

/* What of it is not as it was when its hash was taken; NULL: all is. */
static const struct nlattr *changed(const struct weft_file_id *id,
				    struct nlattr **tb)
{
	const struct nlattr *size = tb[WEFT_SELECTOR_A_EXE_SIZE];
	const struct nlattr *mtime = tb[WEFT_SELECTOR_A_EXE_MTIME];

	if (id->size != nla_get_u64(size))
		return size;
	if ((u64)timespec64_to_ns(&id->mtime) != nla_get_u64(mtime))
		return mtime;
	return NULL;
}

/* The file the sender has open. */
static int selector_file(struct nlattr **tb, struct weft_selector *s,
			 struct weft_fault *f)
{
	const struct nlattr *nla = tb[WEFT_SELECTOR_A_EXE_FD];
	struct weft_file_id id;
	struct file *file;
	int err;

	file = fget(nla_get_s32(nla));
	if (!file)
		return weft_fault_attr(f, nla, -EBADF,
				       "the descriptor of executable '%.200s' is %d, which is not open",
				       s->exe, nla_get_s32(nla));
	err = weft_file_identify(file, &id);
	fput(file);
	if (err == -EPERM)
		return weft_fault_attr(f, nla, err,
				       "executable '%.200s' can be written to by others than root, or its mount changes owners, so its hash proves nothing",
				       s->exe);
	if (err)
		return weft_fault_attr(f, nla, err,
				       "executable '%.200s' is no regular file",
				       s->exe);
	nla = changed(&id, tb);
	if (nla)
		return weft_fault_attr(f, nla, -ESTALE,
				       "executable '%.200s' has changed since its hash was taken; take it again",
				       s->exe);
	weft_workload_add_file(s, &id);
	return 0;
}

static int selector_hash(const struct nlattr *nest, struct nlattr **tb,
			 struct weft_selector *s, struct weft_fault *f)
{
	const struct nlattr *hash = tb[WEFT_SELECTOR_A_EXE_SHA256];
	bool size = tb[WEFT_SELECTOR_A_EXE_SIZE];
	bool mtime = tb[WEFT_SELECTOR_A_EXE_MTIME];
	bool fd = tb[WEFT_SELECTOR_A_EXE_FD];

	if (fd != size || fd != mtime)
		return weft_fault_attr(f, nest, -EINVAL,
				       "a selector has some of descriptor, size and time of modification of an executable; all of them or none are needed");
	if (!hash && !fd)
		return 0;
	if (!hash || !s->exe)
		return weft_fault_attr(f, nest, -EINVAL,
				       "a selector has %s without %s",
				       hash ? "a hash" : "a descriptor",
				       hash ? "an executable" : "a hash");
	s->files = kzalloc(sizeof(*s->files), GFP_KERNEL_ACCOUNT);
	if (!s->files)
		return weft_fault_nomem(f);
	memcpy(s->files->sha256, nla_data(hash), WEFT_SHA256_SIZE);
	return fd ? selector_file(tb, s, f) : 0;
}

static int selector_parse(const struct nlattr *nest, struct weft_selector *s,
			  struct weft_fault *f)
{
	struct nlattr *tb[WEFT_SELECTOR_A_MAX + 1];
	int err;

	err = nla_parse_nested_deprecated(tb, WEFT_SELECTOR_A_MAX, nest, NULL,
					  NULL);
	if (!err)
		err = optional_dup(tb[WEFT_SELECTOR_A_CGROUP],
				   "cgroup of a selector", weft_path_wrong,
				   &s->cgroup, f);
	if (!err)
		err = optional_dup(tb[WEFT_SELECTOR_A_UNIT],
				   "unit of a selector", weft_unit_wrong,
				   &s->unit, f);
	if (!err)
		err = optional_dup(tb[WEFT_SELECTOR_A_EXE],
				   "executable of a selector", weft_path_wrong,
				   &s->exe, f);
	if (!err)
		err = selector_hash(nest, tb, s, f);
	if (!err)
		err = optional_dup(tb[WEFT_SELECTOR_A_CONTAINER],
				   "container of a selector",
				   weft_container_wrong, &s->container, f);
	if (!err)
		err = selector_id(tb[WEFT_SELECTOR_A_UID], "user id", &s->uid,
				  &s->has_uid, f);
	if (!err)
		err = selector_id(tb[WEFT_SELECTOR_A_GID], "group id", &s->gid,
				  &s->has_gid, f);
	if (!err && !s->cgroup && !s->unit && !s->container && !s->exe &&
	    !s->has_uid && !s->has_gid)
		return weft_fault_attr(f, nest, -EINVAL,
				       "a selector is empty; it needs at least one of cgroup, unit, container, uid, gid and executable");
	return err;
}

static int selectors_parse(const struct nlattr *list, struct weft_workload *w,
			   struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest, err;

	nla_for_each_nested(item, list, rest) {
		err = selector_parse(item, &w->selectors[n++], f);
		if (err)
			return err;
	}
	return 0;
}

static int port_parse(const struct nlattr *nest, struct weft_workload *w,
		      unsigned int at, struct weft_fault *f)
{
	struct nlattr *tb[WEFT_PORT_A_MAX + 1];
	unsigned int i;
	u32 mode = 0;
	int err;

	err = nla_parse_nested_deprecated(tb, WEFT_PORT_A_MAX, nest, NULL,
					  NULL);
	if (!err)
		err = weft_nla_port(tb, nest, "port of the workload",
				    &w->ports[at].port, f);
	if (!err)
		err = weft_nla_u32(tb[WEFT_PORT_A_MODE],
				   "mode of a port of the workload",
				   WEFT_MODE_MAX, &mode, f);
	if (err)
		return err;
	w->ports[at].mode = mode;
	for (i = 0; i < at; i++)
		if (w->ports[i].port == w->ports[at].port)
			return weft_fault_attr(f, nest, -EINVAL,
					       "port %u of the workload is there twice, once is allowed",
					       w->ports[at].port);
	return 0;
}

static int ports_parse(const struct nlattr *list, struct weft_workload *w,
		       struct weft_fault *f)
{
	const struct nlattr *item;
	unsigned int n = 0;
	int rest, err;

	if (!list)
		return 0;
	nla_for_each_nested(item, list, rest) {
		err = port_parse(item, w, n++, f);
		if (err)
			return err;
	}
	return 0;
}

static int workload_parse(struct nlattr **tb, struct weft_workload *w,
			  struct weft_fault *f)
{
	u32 mode;
	int err;

	err = weft_nla_name_dup(tb[WEFT_WORKLOAD_A_NAME],
				"name of the workload", &w->name, f);
	if (!err)
		err = weft_nla_dup(tb[WEFT_WORKLOAD_A_IDENTITY],
				   "identity of the workload",
				   WEFT_IDENTITY_MAX, weft_identity_wrong,
				   &w->identity, f);
	if (!err)
		err = weft_nla_u32(tb[WEFT_WORKLOAD_A_MODE],
				   "mode of the workload", WEFT_MODE_MAX,
				   &mode, f);
	if (err)
		return err;
	w->mode = mode == WEFT_MODE_DEFAULT ? WEFT_MODE_STRICT : mode;
	err = selectors_parse(tb[WEFT_WORKLOAD_A_SELECTORS], w, f);
	return err ? err : ports_parse(tb[WEFT_WORKLOAD_A_PORTS], w, f);
}

/* Makes the object a command describes. */
static int workload_make(const struct genl_info *info,
			 struct weft_workload **out, struct weft_fault *f)
{
	struct nlattr *tb[WEFT_WORKLOAD_A_MAX + 1];
	int selectors, ports, err;
	struct weft_workload *w;

	err = weft_genl_nest(info, WEFT_A_WORKLOAD, tb, WEFT_WORKLOAD_A_MAX, f);
	if (err)
		return err;
	selectors = weft_nla_count(tb[WEFT_WORKLOAD_A_SELECTORS],
				   "selectors of the workload",
				   WEFT_SELECTORS_MAX, f);
	if (selectors < 0)
		return selectors;
	if (!selectors)
		return weft_fault_attr(f, info->attrs[WEFT_A_WORKLOAD], -EINVAL,
				       "the workload has no selectors; it needs at least one");
	ports = weft_nla_count(tb[WEFT_WORKLOAD_A_PORTS],
			       "ports of the workload", WEFT_PORTS_MAX, f);
	if (ports < 0)
		return ports;
	w = weft_workload_create(selectors, ports);
	if (!w)
		return weft_fault_nomem(f);
	w->owner = weft_genl_owner(info);
	w->wire = nla_len(info->attrs[WEFT_A_WORKLOAD]);
	err = workload_parse(tb, w, f);
	if (err)
		weft_workload_put(w);
	else
		*out = w;
	return err;
}

/*
 * What runs now goes on to be what it is: the file of before an upgrade too.
 * From the generation in force, which may be another one by the commit: from
 * the owner's own of this name, which the other owner's may be hiding, and from
 * what hides it.
 */
static void inherit_files(const struct genl_info *info, struct weft_workload *w)
{
	const struct weft_workload *own, *of;
	const struct weft_gen *gen;

	rcu_read_lock();
	gen = weft_gen_current(&weft_genl_net(info)->tables);
	own = weft_gen_owned(gen, w->owner, WEFT_KIND_WORKLOAD, w->name);
	of = weft_workload_find(gen, w->name);
	if (own)
		weft_workload_inherit_files(w, own);
	if (of && of != own)
		weft_workload_inherit_files(w, of);
	rcu_read_unlock();
}

int weft_genl_workload_new(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_workload *w;
	struct weft_fault f;
	int err;

	weft_fault_init(&f);
	err = workload_make(info, &w, &f);
	if (!err) {
		inherit_files(info, w);
		err = weft_genl_set(info, WEFT_KIND_WORKLOAD, w->name, w, &f);
		weft_workload_put(w);	/* the tables have their own */
	}
	return weft_genl_end(skb, info, err, &f);
}

/* The hash, and of which file it was shown last. */
static int files_fill(struct sk_buff *skb, const struct weft_exe_files *files)
{
	const struct weft_file_id *id = &files->ids[0];

	if (nla_put(skb, WEFT_SELECTOR_A_EXE_SHA256, WEFT_SHA256_SIZE,
		    files->sha256))
		return -EMSGSIZE;
	if (!files->n)
		return 0;
	if (nla_put_u64_64bit(skb, WEFT_SELECTOR_A_EXE_INO, id->ino,
			      WEFT_SELECTOR_A_PAD) ||
	    nla_put_u64_64bit(skb, WEFT_SELECTOR_A_EXE_SIZE, id->size,
			      WEFT_SELECTOR_A_PAD) ||
	    nla_put_u64_64bit(skb, WEFT_SELECTOR_A_EXE_MTIME,
			      timespec64_to_ns(&id->mtime),
			      WEFT_SELECTOR_A_PAD))
		return -EMSGSIZE;
	return 0;
}

static int selector_fill(struct sk_buff *skb, const struct weft_selector *s)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item ||
	    (s->cgroup &&
	     nla_put_string(skb, WEFT_SELECTOR_A_CGROUP, s->cgroup)) ||
	    (s->container &&
	     nla_put_string(skb, WEFT_SELECTOR_A_CONTAINER, s->container)) ||
	    (s->unit && nla_put_string(skb, WEFT_SELECTOR_A_UNIT, s->unit)) ||
	    (s->exe && nla_put_string(skb, WEFT_SELECTOR_A_EXE, s->exe)) ||
	    (s->files && files_fill(skb, s->files)) ||
	    (s->has_uid && nla_put_u32(skb, WEFT_SELECTOR_A_UID, s->uid)) ||
	    (s->has_gid && nla_put_u32(skb, WEFT_SELECTOR_A_GID, s->gid)))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int selectors_fill(struct sk_buff *skb, const struct weft_workload *w)
{
	struct nlattr *list = nla_nest_start(skb, WEFT_WORKLOAD_A_SELECTORS);
	unsigned int i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < w->n_selectors; i++)
		if (selector_fill(skb, &w->selectors[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int port_fill(struct sk_buff *skb, const struct weft_port_mode *p)
{
	struct nlattr *item = nla_nest_start(skb, WEFT_LIST_A_ITEM);

	if (!item || nla_put_u16(skb, WEFT_PORT_A_PORT, p->port) ||
	    nla_put_u32(skb, WEFT_PORT_A_MODE, p->mode))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int ports_fill(struct sk_buff *skb, const struct weft_workload *w)
{
	struct nlattr *list;
	unsigned int i;

	if (!w->n_ports)
		return 0;
	list = nla_nest_start(skb, WEFT_WORKLOAD_A_PORTS);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < w->n_ports; i++)
		if (port_fill(skb, &w->ports[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	return 0;
}

static int workload_fill(struct sk_buff *skb, const void *object,
			 struct weft_net *wn)
{
	struct nlattr *nest = nla_nest_start(skb, WEFT_A_WORKLOAD);
	const struct weft_workload *w = object;

	if (!nest || nla_put_string(skb, WEFT_WORKLOAD_A_NAME, w->name) ||
	    nla_put_string(skb, WEFT_WORKLOAD_A_IDENTITY, w->identity) ||
	    nla_put_u32(skb, WEFT_WORKLOAD_A_MODE, w->mode) ||
	    nla_put_u32(skb, WEFT_WORKLOAD_A_OWNER, w->owner) ||
	    selectors_fill(skb, w) || ports_fill(skb, w))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const struct weft_genl_kind workload_kind = {
	.kind = WEFT_KIND_WORKLOAD,
	.attr = WEFT_A_WORKLOAD,
	.cmd_get = WEFT_CMD_WORKLOAD_GET,
	.fill = workload_fill,
};

int weft_genl_workload_del(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_del(skb, info, &workload_kind);
}

int weft_genl_workload_get(struct sk_buff *skb, struct genl_info *info)
{
	return weft_genl_kind_get(skb, info, &workload_kind);
}

int weft_genl_workload_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return weft_genl_kind_dump(skb, cb, &workload_kind);
}
