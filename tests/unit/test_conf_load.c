// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole documents and whole directories: what good ones become, and what is
 * wrong only when they are seen together.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "conf_text.h"

#define ID "spiffe://example.org/"

static void assert_address(const struct weft_addr *addr, const char *text)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	assert_string_equal(weft_addr_format(addr, buf), text);
}

/* ----------------------------------------------------- what good ones become */

static void workload_with_everything(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		WORKLOAD("web", "{identity: shop/web, mode: Permissive, selectors: "
				"[{unit: nginx.service, uid: 0}, {cgroup: /a}, {executable: /b/c}],"
				"ports: [{port: 80, mode: disabled}, "
				"{port: 65535, mode: STRICT}]}"));
	const struct weft_nl_workload *w = &conf->workloads[0].object;

	assert_int_equal(conf->n_workloads, 1);
	assert_string_equal(w->name, "web");
	assert_string_equal(w->identity, ID "shop/web");
	assert_int_equal(w->mode, WEFT_MODE_PERMISSIVE);
	assert_int_equal(w->n_selectors, 3);
	assert_string_equal(w->selectors[0].unit, "nginx.service");
	assert_true(w->selectors[0].has_uid);
	assert_int_equal(w->selectors[0].uid, 0);
	assert_null(w->selectors[0].cgroup);
	assert_string_equal(w->selectors[1].cgroup, "/a");
	assert_false(w->selectors[1].has_uid);
	assert_string_equal(w->selectors[2].exe, "/b/c");
	assert_int_equal(w->n_ports, 2);
	assert_int_equal(w->ports[0].port, 80);
	assert_int_equal(w->ports[0].mode, WEFT_MODE_DISABLED);
	assert_int_equal(w->ports[1].port, 65535);
	assert_int_equal(w->ports[1].mode, WEFT_MODE_STRICT);
}

static void workload_defaults_are_strict_and_its_own_name(void **state)
{
	_cleanup_conf_ struct weft_conf *conf =
		conf_of(WORKLOAD("web.shop", "{selectors: [{uid: 4294967294}]}"));
	const struct weft_nl_workload *w = &conf->workloads[0].object;

	assert_string_equal(w->identity, ID "web.shop");
	assert_int_equal(w->mode, WEFT_MODE_STRICT);
	assert_int_equal(w->n_ports, 0);
	assert_null(w->ports);
	assert_int_equal(w->selectors[0].uid, 4294967294u);
}

static void whole_identity_of_the_trust_domain_is_kept(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		WORKLOAD("a", "{identity: \"" ID "x/y\", selectors: [{uid: 0}]}"));

	assert_string_equal(conf->workloads[0].object.identity, ID "x/y");
}

static void service_with_everything(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		SERVICE("web", "{addresses: [240.0.0.1, 'fd00::1'], ports: [{port: 80}, "
			       "{targetPort: 8443, port: 443}], endpoints: [{address: 10.0.0.1}, "
			       "{weight: 65535, port: 9000, address: 'fd00::2'}], identities: "
			       "[shop/web, 'spiffe://other.org/*', '*'], connectTimeout: 1m30s}"));
	const struct weft_conf_service *s = &conf->services[0];

	assert_string_equal(s->object.name, "web");
	assert_int_equal(s->object.n_addresses, 2);
	assert_address(&s->object.addresses[0], "240.0.0.1");
	assert_address(&s->object.addresses[1], "fd00::1");
	assert_int_equal(s->object.n_ports, 2);
	assert_int_equal(s->object.ports[0].port, 80);
	assert_int_equal(s->object.ports[0].target, 0);
	assert_int_equal(s->object.ports[1].port, 443);
	assert_int_equal(s->object.ports[1].target, 8443);
	assert_int_equal(s->n_endpoints, 2);
	assert_string_equal(s->endpoints[0].service, "web");
	assert_address(&s->endpoints[0].addr, "10.0.0.1");
	assert_int_equal(s->endpoints[0].weight, 1);
	assert_string_equal(s->endpoints[1].service, "web");
	assert_address(&s->endpoints[1].addr, "[fd00::2]:9000");
	assert_int_equal(s->endpoints[1].weight, 65535);
	assert_int_equal(s->object.identities.count, 3);
	assert_string_equal(s->object.identities.items[0], ID "shop/web");
	assert_string_equal(s->object.identities.items[1], "spiffe://other.org/*");
	assert_string_equal(s->object.identities.items[2], ID "*");
	assert_int_equal(s->object.connect_timeout, 90000);
}

static void service_defaults(void **state)
{
	_cleanup_conf_ struct weft_conf *conf =
		conf_of(SERVICE("web", "{ports: [{port: 1}], endpoints: [], addresses: []}"));
	const struct weft_conf_service *s = &conf->services[0];

	assert_int_equal(s->object.n_addresses + s->n_endpoints + s->object.identities.count, 0);
	assert_int_equal(s->object.connect_timeout, 0);
}

static void policy_with_everything(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		POLICY("p", "{action: deny, workload: web, rules: [{from: "
			    "{identities: [a/b, 'c-*']}, to: {ports: [80, 443]}}, {}, "
			    "{to: {ports: [1]}}]}")
		WORKLOAD("web", "{selectors: [{uid: 0}]}"));
	const struct weft_nl_policy *p = &conf->policies[0].object;

	assert_int_equal(p->action, WEFT_ACTION_DENY);
	assert_string_equal(p->workload, "web");
	assert_int_equal(p->n_rules, 3);
	assert_int_equal(p->rules[0].identities.count, 2);
	assert_string_equal(p->rules[0].identities.items[0], ID "a/b");
	assert_string_equal(p->rules[0].identities.items[1], ID "c-*");
	assert_int_equal(p->rules[0].n_ports, 2);
	assert_int_equal(p->rules[0].ports[1], 443);
	assert_int_equal(p->rules[1].identities.count + p->rules[1].n_ports, 0);
	assert_int_equal(p->rules[2].ports[0], 1);
}

static void policy_defaults_allow_nothing_for_everybody(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(POLICY("p", "{}"));

	assert_int_equal(conf->policies[0].object.action, WEFT_ACTION_ALLOW);
	assert_null(conf->policies[0].object.workload);
	assert_int_equal(conf->policies[0].object.n_rules, 0);
}

static void objects_are_sorted_and_found_by_name(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		SERVICE("c", "{ports: [{port: 1}]}") SERVICE("a", "{ports: [{port: 1}]}")
		WORKLOAD("a", "{selectors: [{uid: 0}]}") SERVICE("b", "{ports: [{port: 1}]}"));

	assert_string_equal(conf->services[0].object.name, "a");
	assert_string_equal(conf->services[1].object.name, "b");
	assert_string_equal(conf->services[2].object.name, "c");
	assert_ptr_equal(weft_conf_find_service(conf, "b"), &conf->services[1]);
	assert_ptr_equal(weft_conf_find_workload(conf, "a"), &conf->workloads[0]);
	assert_null(weft_conf_find_workload(conf, "b"));
	assert_null(weft_conf_find_policy(conf, "a"));
	assert_string_equal(conf->services[2].mark.file, "t.yaml");
	assert_int_equal(conf->services[2].mark.line, 4);
	assert_int_equal(conf->services[0].mark.line, 9);
}

/* ---------------------------------------------------------- seen alone */

static void document_that_is_no_mapping(void **state)
{
	assert_refused("- a\n",
		       "t.yaml:1: must be a mapping of apiVersion, kind, metadata and spec");
	assert_refused("---\n# x\nweft\n",
		       "t.yaml:3: must be a mapping of apiVersion, kind, metadata and spec");
}

static void unknown_kind_and_field_of_the_top(void **state)
{
	assert_refused("apiVersion: weft/v1\nkind: Ingress\nmetadata: {name: a}\n",
		       "t.yaml:2: kind: \"Ingress\": must be Workload, Service, "
		       "AuthorizationPolicy, Revocation or Peer");
	assert_refused("apiVersion: weft/v1\nkind: Service\nmetadata: {name: a}\nspecs: {}\n",
		       "t.yaml:4: Service \"a\": specs: unknown field (did you mean \"spec\"?); "
		       "allowed here: apiVersion, kind, metadata, spec");
}

static void second_document_of_a_file_is_named_by_line(void **state)
{
	assert_refused(SERVICE("a", "{ports: [{port: 1}]}") SERVICE("b", "{ports: [{port: 0}]}"),
		       "t.yaml:10: Service \"b\": spec.ports[0].port: 0: must be 1 to 65535");
}

static void long_values_are_cut_between_characters(void **state)
{
	assert_refused(WORKLOAD("a", "{selectors: [{unit: "
				     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
				     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
				     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
				     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
				     "\xe2\x82\xac\xe2\x82\xac}]}"),
		       "t.yaml:5: Workload \"a\": spec.selectors[0].unit: \""
		       "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		       "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		       "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		       "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		       "\xe2\x82\xac...\": must be the whole name of a unit, such as "
		       "nginx.service");
}

static void wrong_trust_domain_is_refused(void **state)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;

	assert_int_equal(weft_conf_parse("t.yaml", "", 0, "Example", &conf, &err), -EINVAL);
	assert_string_equal(err.text, "trust domain \"Example\": a trust domain has only a-z, 0-9, "
				      "'.', '-' and '_'");
}

/* -------------------------------------------------------- seen together */

static void duplicate_name_names_both_places(void **state)
{
	assert_refused(SERVICE("a", "{ports: [{port: 1}]}") SERVICE("a", "{ports: [{port: 2}]}"),
		       "t.yaml:9: Service \"a\": metadata.name: \"a\": exists already, in t.yaml:4;"
		       " names are unique per kind");
}

static void policy_for_nobody_is_refused(void **state)
{
	assert_refused(WORKLOAD("cart", "{selectors: [{uid: 0}]}") POLICY("p", "{workload: crat}"),
		       "t.yaml:10: AuthorizationPolicy \"p\": spec.workload: \"crat\": must be the "
		       "name of a Workload, and none has it (did you mean \"cart\"?)");
}

static void address_and_port_belong_to_one_service(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(
		SERVICE("a", "{addresses: [240.0.0.1], ports: [{port: 80}]}")
		SERVICE("b", "{addresses: [240.0.0.1], ports: [{port: 81}]}")
		SERVICE("c", "{addresses: [240.0.0.2], ports: [{port: 80}, {port: 81}]}"));

	assert_int_equal(conf->n_services, 3);
	assert_refused(SERVICE("a", "{addresses: [240.0.0.1], ports: [{port: 80}]}")
		       SERVICE("b", "{addresses: [240.0.0.1], ports: [{port: 81}]}")
		       SERVICE("c", "{addresses: [240.0.0.9, 240.0.0.1], ports: [{port: 81}]}"),
		       "t.yaml:15: Service \"c\": spec.addresses[1]: 240.0.0.1: port 81 there "
		       "belongs to Service \"b\" already, in t.yaml:9");
}

/* @n documents made by @fmt, which gets the number. The caller frees. */
static char *many(unsigned int n, const char *fmt)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	assert_non_null(f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, fmt, i);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void number_of_objects_is_bounded(void **state)
{
	_cleanup_free_ char *good = many(WEFT_POLICIES_MAX, POLICY("p%u", "{}"));
	_cleanup_free_ char *bad = many(WEFT_POLICIES_MAX + 1, POLICY("p%u", "{}"));
	_cleanup_conf_ struct weft_conf *conf = conf_of(good);

	assert_int_equal(conf->n_policies, WEFT_POLICIES_MAX);
	assert_refused(bad, "t.yaml:20482: more than 4096 documents of kind AuthorizationPolicy");
}

static void number_of_endpoints_is_bounded(void **state)
{
	_cleanup_free_ char *list = NULL, *good = NULL, *bad = NULL;
	_cleanup_conf_ struct weft_conf *conf = NULL;

	/* 128 services of 1024 are as many as there may be */
	list = many(WEFT_SERVICE_ENDPOINTS_MAX, "{address: 10.0.0.1, port: 1%04u},");
	assert_true(asprintf(&good, SERVICE("s%%u", "{ports: [{port: 1}], endpoints: [%s]}"),
			     list) > 0);
	bad = many(WEFT_ENDPOINTS_MAX / WEFT_SERVICE_ENDPOINTS_MAX, good);
	conf = conf_of(bad);
	assert_int_equal(conf->n_services, 128);
	bad = realloc(bad, strlen(bad) + 1024);
	assert_non_null(bad);
	strcat(bad, SERVICE("last", "{ports: [{port: 1}], endpoints: [{address: 10.0.0.1}]}"));
	assert_refused(bad, "t.yaml:645: Service \"last\": spec.endpoints: a list: all documents "
			    "together have more than 131072 endpoints");
}

/* ---------------------------------------------------------- directories */

struct dir {
	char path[32];
};

static int make_dir(void **state)
{
	static struct dir d;

	strcpy(d.path, "/tmp/weft-conf-XXXXXX");
	*state = &d;
	return mkdtemp(d.path) ? 0 : -1;
}

static const char *const dir_files[] = { "a.yaml", "b.yml", "c.json", "d.yaml", ".hidden.yaml",
					 "e.yaml~", "f.txt", "g.yaml.swp", "yaml", NULL };

static int remove_dir(void **state)
{
	struct dir *d = *state;
	char path[64];

	for (size_t i = 0; dir_files[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s", d->path, dir_files[i]);
		if (unlink(path) && errno == EISDIR)
			rmdir(path);
	}
	return rmdir(d->path);
}

static void put(const struct dir *d, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	assert_int_equal(weft_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void assert_load_fails(const struct dir *d, const char *fmt)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;
	char expected[256];

	assert_true(weft_conf_load(d->path, "example.org", &conf, &err) < 0);
	assert_null(conf);
	snprintf(expected, sizeof(expected), fmt, d->path, d->path, d->path);
	assert_string_equal(err.text, expected);
}

static void directory_is_read_by_name_and_suffix(void **state)
{
	static const char json[] = "{\"apiVersion\":\"weft/v1\",\"kind\":\"Service\",\"metadata\":"
				   "{\"name\":\"c\"},\"spec\":{\"ports\":[{\"port\":80}]}}";
	_cleanup_conf_ struct weft_conf *conf = NULL;
	const struct dir *d = *state;
	struct weft_error err = { 0 };
	char path[64];

	put(d, "a.yaml",
	    SERVICE("a", "{ports: [{port: 1}]}") SERVICE("a2", "{ports: [{port: 1}]}"));
	put(d, "b.yml", "# nothing yet\n");
	put(d, "c.json", json);
	for (size_t i = 4; dir_files[i]; i++)
		put(d, dir_files[i], "this: is not: read");
	assert_int_equal(weft_conf_load(d->path, "example.org", &conf, &err), 0);
	assert_int_equal(conf->n_services, 3);
	assert_int_equal(conf->files.count, 3);
	snprintf(path, sizeof(path), "%s/c.json", d->path);
	assert_string_equal(conf->files.items[2], path);
	assert_string_equal(conf->services[2].mark.file, path);
	assert_int_equal(conf->services[2].mark.line, 1);
}

static void empty_directory_is_an_empty_configuration(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = NULL;
	const struct dir *d = *state;

	assert_int_equal(weft_conf_load(d->path, "example.org", &conf, NULL), 0);
	assert_int_equal(conf->n_workloads + conf->n_services + conf->n_policies, 0);
}

static void duplicate_over_two_files_names_both(void **state)
{
	const struct dir *d = *state;

	put(d, "b.yml", SERVICE("x", "{ports: [{port: 1}]}"));
	put(d, "a.yaml", "\n\n" SERVICE("x", "{ports: [{port: 1}]}"));
	assert_load_fails(d, "%s/b.yml:4: Service \"x\": metadata.name: \"x\": exists already, in "
			     "%s/a.yaml:6; names are unique per kind");
}

static void one_bad_file_spoils_the_load(void **state)
{
	const struct dir *d = *state;

	put(d, "a.yaml", SERVICE("x", "{ports: [{port: 1}]}"));
	put(d, "b.yml", SERVICE("y", "{ports: [{port: 70000}]}"));
	put(d, "d.yaml", SERVICE("z", "{ports: [{port: 70001}]}"));
	assert_load_fails(d, "%s/b.yml:5: Service \"y\": spec.ports[0].port: 70000: must be 1 to "
			     "65535");
}

static void json_errors_name_the_line(void **state)
{
	const struct dir *d = *state;

	put(d, "c.json", "{\n\t\"apiVersion\": \"weft/v1\",\n\t\"kind\": \"Service\",\n"
			 "\t\"metadata\": {\"name\": \"x\"},\n\t\"spec\": {\n\t\t\"ports\": [\n"
			 "\t\t\t{\"port\": \"80\"}\n\t\t]\n\t}\n}\n");
	assert_load_fails(d, "%s/c.json:7: Service \"x\": spec.ports[0].port: \"80\": must be 1 to "
			     "65535, without quotes");
}

static void file_that_cannot_be_read_is_an_error(void **state)
{
	const struct dir *d = *state;
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%s/d.yaml", d->path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(weft_conf_load(d->path, "example.org", &conf, &err) < 0);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/nonexistent/x", path), 0);
	assert_int_equal(weft_conf_load(d->path, "example.org", &conf, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_null(conf);
}

/* Who may write there may take any identity. */
static void what_others_may_write_is_refused(void **state)
{
	const struct dir *d = *state;
	char path[64];

	put(d, "a.yaml", SERVICE("a", "{ports: [{port: 1}]}"));
	snprintf(path, sizeof(path), "%s/a.yaml", d->path);
	assert_int_equal(chmod(path, 0664), 0);
	assert_load_fails(d, "%s/a.yaml: mode 0664 lets others change what is in force: chmod go-w "
			     "%s/a.yaml");
	assert_int_equal(chmod(path, 0646), 0);
	assert_load_fails(d, "%s/a.yaml: mode 0646 lets others change what is in force: chmod go-w "
			     "%s/a.yaml");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(d->path, 01777), 0);
	assert_load_fails(d, "%s: mode 1777 lets others change what is in force: chmod go-w %s");
	assert_int_equal(chmod(d->path, 0775), 0);
	assert_load_fails(d, "%s: mode 0775 lets others change what is in force: chmod go-w %s");
	assert_int_equal(chmod(d->path, 0755), 0);
	if (geteuid())
		return;
	assert_int_equal(chown(path, 4711, 0), 0);
	assert_load_fails(d, "%s/a.yaml: belongs to user 4711, who could change what is in force: "
			     "chown root %s/a.yaml");
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(d->path, 4711, 0), 0);
	assert_load_fails(d, "%s: belongs to user 4711, who could change what is in force: chown "
			     "root %s");
	assert_int_equal(chown(d->path, 0, 0), 0);
}

/* A user may ask what his own documents would do: those of root, and his own. */
static void what_root_and_we_may_write_is_taken(void **state)
{
	const struct dir *d = *state;
	struct weft_conf *conf = NULL;
	struct weft_error err = { 0 };
	char path[64];
	int ret;

	if (geteuid())
		return;
	put(d, "a.yaml", SERVICE("a", "{ports: [{port: 1}]}"));
	put(d, "b.yml", SERVICE("b", "{ports: [{port: 1}]}"));
	snprintf(path, sizeof(path), "%s/b.yml", d->path);
	assert_int_equal(chown(path, 4711, 0), 0);
	assert_int_equal(chmod(d->path, 0755), 0);
	assert_int_equal(seteuid(4711), 0);
	ret = weft_conf_load(d->path, "example.org", &conf, &err);
	assert_int_equal(seteuid(0), 0);
	if (ret)
		fail_msg("%s", err.text);
	assert_int_equal(conf->n_services, 2);
	weft_conf_destroy(conf);
}

/* As weftctl apply asks: what would be there if these were. */
static void files_in_memory_are_new_or_replace(void **state)
{
	static const char a[] = SERVICE("a2", "{ports: [{port: 1}]}");
	static const char b[] = SERVICE("b", "{ports: [{port: 1}]}");
	const struct weft_conf_file files[] = {
		{ .name = "b.yaml", .text = b, .len = sizeof(b) - 1 },
		{ .name = "a.yaml", .text = a, .len = sizeof(a) - 1 },
	};
	_cleanup_conf_ struct weft_conf *conf = NULL;
	struct weft_error err = { 0 };
	struct dir *d = *state;

	put(d, "a.yaml", SERVICE("a", "{ports: [{port: 1}]}"));
	put(d, "d.yaml", SERVICE("c", "{ports: [{port: 1}]}"));
	if (weft_conf_load_with(d->path, files, 2, "example.org", &conf, &err))
		fail_msg("%s", err.text);
	assert_int_equal(conf->n_services, 3);
	assert_null(weft_conf_find_service(conf, "a"));
	assert_non_null(weft_conf_find_service(conf, "a2"));
	assert_non_null(weft_conf_find_service(conf, "b"));
	assert_non_null(weft_conf_find_service(conf, "c"));
	assert_int_equal(conf->files.count, 3);
	assert_non_null(strstr(conf->files.items[1], "/b.yaml"));
}

static void error_in_memory_names_the_file_it_would_be(void **state)
{
	static const char text[] = SERVICE("c", "{ports: [{port: 1}]}");
	const struct weft_conf_file file = { .name = "b.yaml", .text = text,
					     .len = sizeof(text) - 1 };
	char expected[300];
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;
	struct dir *d = *state;

	put(d, "d.yaml", SERVICE("c", "{ports: [{port: 1}]}"));
	assert_int_equal(weft_conf_load_with(d->path, &file, 1, "example.org", &conf, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s/d.yaml:4: Service \"c\": metadata.name: \"c\": "
		 "exists already, in %s/b.yaml:4; names are unique per kind", d->path, d->path);
	assert_string_equal(err.text, expected);
	assert_null(conf);
}

static void missing_directory_is_an_error(void **state)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;

	assert_int_equal(weft_conf_load("/nonexistent/a", "example.org", &conf, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/a: cannot read the directory of documents: "
				      "No such file or directory");
}

/* The ones people copy; tests run from the top of the tree. */
static void examples_are_good(void **state)
{
	_cleanup_conf_ struct weft_conf *conf = NULL;
	struct weft_conf_file files[8];
	char *texts[8], buf[WEFT_CONF_SUMMARY_MAX];
	struct weft_error err = { 0 };
	glob_t found;
	size_t i;

	/* not by weft_conf_load(): whose the source tree is does not matter */
	assert_int_equal(glob("userspace/examples/*", 0, NULL, &found), 0);
	assert_in_range(found.gl_pathc, 1, 8);
	for (i = 0; i < found.gl_pathc; i++) {
		files[i].name = found.gl_pathv[i];
		assert_int_equal(weft_file_read(files[i].name, 65536, &texts[i], &files[i].len,
						NULL), 0);
		files[i].text = texts[i];
	}
	if (weft_conf_parse_all(files, i, "example.org", &conf, &err))
		fail_msg("%s", err.text);
	while (i--)
		free(texts[i]);
	globfree(&found);
	assert_string_equal(weft_conf_summary(conf, buf),
			    "3 workloads, 2 services, 4 endpoints, 2 policies, 0 revocations, "
			    "0 peers");
	assert_string_equal(weft_conf_find_workload(conf, "cart")->object.identity,
			    ID "shop/cart");
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workload_with_everything),
		cmocka_unit_test(workload_defaults_are_strict_and_its_own_name),
		cmocka_unit_test(whole_identity_of_the_trust_domain_is_kept),
		cmocka_unit_test(service_with_everything),
		cmocka_unit_test(service_defaults),
		cmocka_unit_test(policy_with_everything),
		cmocka_unit_test(policy_defaults_allow_nothing_for_everybody),
		cmocka_unit_test(objects_are_sorted_and_found_by_name),
		cmocka_unit_test(document_that_is_no_mapping),
		cmocka_unit_test(unknown_kind_and_field_of_the_top),
		cmocka_unit_test(second_document_of_a_file_is_named_by_line),
		cmocka_unit_test(long_values_are_cut_between_characters),
		cmocka_unit_test(wrong_trust_domain_is_refused),
		cmocka_unit_test(duplicate_name_names_both_places),
		cmocka_unit_test(policy_for_nobody_is_refused),
		cmocka_unit_test(address_and_port_belong_to_one_service),
		cmocka_unit_test(number_of_objects_is_bounded),
		cmocka_unit_test(number_of_endpoints_is_bounded),
		DIR_TEST(directory_is_read_by_name_and_suffix),
		DIR_TEST(empty_directory_is_an_empty_configuration),
		DIR_TEST(duplicate_over_two_files_names_both),
		DIR_TEST(one_bad_file_spoils_the_load),
		DIR_TEST(json_errors_name_the_line),
		DIR_TEST(file_that_cannot_be_read_is_an_error),
		DIR_TEST(what_others_may_write_is_refused),
		DIR_TEST(what_root_and_we_may_write_is_taken),
		DIR_TEST(files_in_memory_are_new_or_replace),
		DIR_TEST(error_in_memory_names_the_file_it_would_be),
		cmocka_unit_test(missing_directory_is_an_error),
		cmocka_unit_test(examples_are_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
