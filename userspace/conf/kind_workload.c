// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workload documents: who a set of processes is. Fields and what they mean are
 * in weft-documents(5); limits are the module's.
 */
#include <linux/weft.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "conf/kind.h"

#define WHAT_IDENTITY "a SPIFFE ID of the trust domain, or a path in it such as shop/cart"
#define WHAT_UNIT "the whole name of a unit, such as nginx.service"
#define WHAT_CGROUP \
	"an absolute path in cgroup v2 in its shortest form, such as /system.slice/nginx.service"
#define WHAT_CONTAINER \
	"the first 12 to 64 lower-case hexadecimal digits of a container's id"
#define WHAT_EXE "the absolute path of an executable in its shortest form, such as /usr/sbin/nginx"
#define WHAT_SHA256 "a SHA-256 as sha256sum writes it, 64 lower-case hexadecimal digits"

static const char *const modes[] = {
	[WEFT_MODE_DEFAULT] = "",
	[WEFT_MODE_DISABLED] = "disabled",
	[WEFT_MODE_PERMISSIVE] = "permissive",
	[WEFT_MODE_STRICT] = "strict",
	NULL
};

static int convert_identity(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	_cleanup_free_ char *identity = NULL;
	const char *problem, *domain;
	int len = 0;

	if (!*node->text)
		return weft_schema_fail(r, node, "must be " WHAT_IDENTITY);
	identity = weft_identity_expand(r->trust_domain, node->text);
	if (!identity)
		return weft_error_nomem(r->err);
	problem = weft_identity_problem(identity);
	if (problem)
		return weft_schema_fail(r, node, "must be " WHAT_IDENTITY ": %s", problem);
	domain = weft_identity_trust_domain(identity, &len);
	if (len != (int)strlen(r->trust_domain) || strncmp(domain, r->trust_domain, len))
		return weft_schema_fail(r, node,
					"must be in the trust domain %s, the one of this mesh",
					r->trust_domain);
	*out = weft_steal_ptr(identity);
	return 0;
}

/* The kernel compares whole texts: only the one way to write a path can match. */
static bool is_canonical_path(const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/' || len > WEFT_SELECTOR_MAX || (len > 1 && path[len - 1] == '/'))
		return false;
	return !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../") &&
	       !(len >= 2 && !strcmp(path + len - 2, "/.")) &&
	       !(len >= 3 && !strcmp(path + len - 3, "/.."));
}

static int convert_unit(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	const char *text = node->text, *dot = strrchr(text, '.');
	size_t len = strlen(text);

	if (!dot || dot == text || !dot[1] || strchr(text, '/') || len > WEFT_SELECTOR_MAX)
		return weft_schema_fail(r, node, "must be " WHAT_UNIT);
	*out = strdup(text);
	return *out ? 0 : weft_error_nomem(r->err);
}

static int convert_cgroup(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	static const char mount[] = "/sys/fs/cgroup";

	if (!is_canonical_path(node->text))
		return weft_schema_fail(r, node, "must be " WHAT_CGROUP);
	if (!strncmp(node->text, mount, strlen(mount)))
		return weft_schema_fail(r, node, "must be " WHAT_CGROUP ", without %s", mount);
	*out = strdup(node->text);
	return *out ? 0 : weft_error_nomem(r->err);
}

static int convert_container(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	if (weft_container_problem(node->text))
		return weft_schema_fail(r, node, "must be " WHAT_CONTAINER);
	*out = strdup(node->text);
	return *out ? 0 : weft_error_nomem(r->err);
}

static int convert_exe(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	if (!is_canonical_path(node->text) || !node->text[1])
		return weft_schema_fail(r, node, "must be " WHAT_EXE);
	*out = strdup(node->text);
	return *out ? 0 : weft_error_nomem(r->err);
}

static int convert_sha256(struct weft_schema_reader *r, const struct weft_node *node, char **out)
{
	if (weft_sha256_problem(node->text))
		return weft_schema_fail(r, node, "must be " WHAT_SHA256);
	*out = strdup(node->text);
	return *out ? 0 : weft_error_nomem(r->err);
}

static const struct weft_field selector_fields[] = {
	{ .name = "unit", .type = WEFT_FIELD_STRING, .what = WHAT_UNIT, .convert = convert_unit,
	  WEFT_FIELD_AT(struct weft_nl_selector, unit) },
	{ .name = "cgroup", .type = WEFT_FIELD_STRING, .what = WHAT_CGROUP,
	  .convert = convert_cgroup, WEFT_FIELD_AT(struct weft_nl_selector, cgroup) },
	{ .name = "container", .type = WEFT_FIELD_STRING, .what = WHAT_CONTAINER,
	  .convert = convert_container, WEFT_FIELD_AT(struct weft_nl_selector, container) },
	{ .name = "uid", .type = WEFT_FIELD_NUMBER, .min = 0, .max = UINT32_MAX - 1,
	  WEFT_FIELD_AT(struct weft_nl_selector, uid),
	  WEFT_FIELD_SET_AT(struct weft_nl_selector, has_uid) },
	{ .name = "gid", .type = WEFT_FIELD_NUMBER, .min = 0, .max = UINT32_MAX - 1,
	  WEFT_FIELD_AT(struct weft_nl_selector, gid),
	  WEFT_FIELD_SET_AT(struct weft_nl_selector, has_gid) },
	{ .name = "executable", .type = WEFT_FIELD_STRING, .what = WHAT_EXE,
	  .convert = convert_exe, WEFT_FIELD_AT(struct weft_nl_selector, exe) },
	{ .name = "sha256", .type = WEFT_FIELD_STRING, .what = WHAT_SHA256,
	  .convert = convert_sha256, WEFT_FIELD_AT(struct weft_nl_selector, sha256) },
	{ 0 }
};

/* One without parts would make every process of the host a member. */
static int check_selector(struct weft_schema_reader *r, const struct weft_node *node,
			  void *object)
{
	const struct weft_nl_selector *selector = object;

	if (!node->n_items)
		return weft_schema_fail(r, node, "must have at least one of unit, cgroup, "
						 "container, uid, gid and executable");
	if (selector->sha256 && !selector->exe)
		return weft_schema_fail(r, node, "must have executable too, which sha256 is of");
	return 0;
}

static const struct weft_schema selector_schema = {
	.fields = selector_fields,
	.check = check_selector,
};

static const struct weft_field port_fields[] = {
	{ .name = "port", .type = WEFT_FIELD_NUMBER, .required = true, .min = 1, .max = 65535,
	  WEFT_FIELD_AT(struct weft_nl_port_mode, port) },
	{ .name = "mode", .type = WEFT_FIELD_CHOICE, .required = true, .choices = modes,
	  WEFT_FIELD_AT(struct weft_nl_port_mode, mode) },
	{ 0 }
};

static int print_port(FILE *f, const void *object)
{
	const struct weft_nl_port_mode *port = object;

	fprintf(f, "%u", port->port);
	return 0;
}

static const struct weft_schema port_schema = { .fields = port_fields, .print_key = print_port };

static const struct weft_field spec_fields[] = {
	{ .name = "identity", .type = WEFT_FIELD_STRING, .what = WHAT_IDENTITY,
	  .convert = convert_identity, WEFT_FIELD_AT(struct weft_conf_workload, object.identity) },
	{ .name = "selectors", .type = WEFT_FIELD_OBJECT, .required = true, .min_items = 1,
	  .max_items = WEFT_SELECTORS_MAX, .noun = "selector", .schema = &selector_schema,
	  WEFT_FIELD_LIST_AT(struct weft_conf_workload, object.selectors, object.n_selectors) },
	{ .name = "mode", .type = WEFT_FIELD_CHOICE, .choices = modes,
	  .fallback = WEFT_MODE_STRICT, WEFT_FIELD_AT(struct weft_conf_workload, object.mode) },
	{ .name = "ports", .type = WEFT_FIELD_OBJECT, .max_items = WEFT_PORTS_MAX,
	  .noun = "port", .schema = &port_schema,
	  WEFT_FIELD_LIST_AT(struct weft_conf_workload, object.ports, object.n_ports) },
	{ 0 }
};

static const struct weft_schema spec_schema = { .fields = spec_fields };

static const struct weft_field document_fields[] = {
	WEFT_KIND_HEAD("Workload"),
	{ .name = "spec", .type = WEFT_FIELD_OBJECT, .required = true, .schema = &spec_schema },
	{ 0 }
};

/* Now that the name is known: the identity that goes without saying. */
static int default_identity(struct weft_schema_reader *r, const struct weft_node *node,
			    void *object)
{
	struct weft_conf_workload *workload = object;

	if (workload->object.identity)
		return 0;
	workload->object.identity = weft_identity_expand(r->trust_domain, workload->object.name);
	return workload->object.identity ? 0 : weft_error_nomem(r->err);
}

static const struct weft_schema document_schema = {
	.fields = document_fields,
	.check = default_identity,
};

static void uninit(void *object)
{
	weft_conf_workload_uninit(object);
}

const struct weft_kind weft_kind_workload = {
	.name = "Workload",
	.noun = "workload",
	.schema = &document_schema,
	.max = WEFT_WORKLOADS_MAX,
	.size = sizeof(struct weft_conf_workload),
	.mark_offset = offsetof(struct weft_conf_workload, mark),
	.uninit = uninit,
	.array_offset = offsetof(struct weft_conf, workloads),
	.count_offset = offsetof(struct weft_conf, n_workloads),
};
