// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a configuration says to the module, and that nothing is left half done
 * whatever the module answers.
 */
#include <errno.h>

#include "conf_text.h"

#define TXN 7

#define HASH "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"

/* A module that writes down what it is told, and fails where it is told to. */
struct module {
	FILE *log;
	char *text;
	size_t len;
	int call;	/* how many there were */
	int fail_at;	/* this one, from 1; 0: none */
	int refuse;	/* errno for workloads that come with the descriptor BAD; 0: none */
	bool added;	/* the workload, in this transaction */
};

#define BAD 1000

static struct module *module_of(struct weft_nl *nl)
{
	return (struct module *)nl;
}

static int answer(struct weft_nl *nl, struct weft_error *err)
{
	struct module *m = module_of(nl);

	return ++m->call == m->fail_at ? weft_error_set(err, EINVAL, "not today") : 0;
}

static int begin(struct weft_nl *nl, uint32_t *txn, struct weft_error *err)
{
	int ret = answer(nl, err);

	fprintf(module_of(nl)->log, "begin\n");
	if (!ret)
		*txn = TXN;
	return ret;
}

static int add_workload(struct weft_nl *nl, const struct weft_nl_workload *w, uint32_t txn,
			bool replace, struct weft_error *err)
{
	struct module *m = module_of(nl);
	int ret;

	assert_int_equal(txn, TXN);
	assert_true(replace == m->added);
	fprintf(m->log, "workload %s", w->name);
	for (size_t i = 0; i < w->n_selectors; i++)
		if (w->selectors[i].has_fd)
			fprintf(m->log, " %s=%d", w->selectors[i].exe, w->selectors[i].fd);
	fprintf(m->log, "\n");
	for (size_t i = 0; i < w->n_selectors; i++)
		if (m->refuse && w->selectors[i].has_fd && w->selectors[i].fd == BAD)
			return weft_error_set(err, m->refuse, "%s is bad", w->selectors[i].exe);
	ret = answer(nl, err);
	m->added |= !ret;
	return ret;
}

static int add_service(struct weft_nl *nl, const struct weft_nl_service *s, uint32_t txn,
		       bool replace, struct weft_error *err)
{
	assert_int_equal(txn, TXN);
	assert_false(replace);
	fprintf(module_of(nl)->log, "service %s\n", s->name);
	return answer(nl, err);
}

static int add_endpoint(struct weft_nl *nl, const struct weft_nl_endpoint *e, uint32_t txn,
			bool replace, struct weft_error *err)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	assert_int_equal(txn, TXN);
	assert_false(replace);
	fprintf(module_of(nl)->log, "endpoint %s %s %u\n", e->service,
		weft_addr_format(&e->addr, buf), e->weight);
	return answer(nl, err);
}

static int add_policy(struct weft_nl *nl, const struct weft_nl_policy *p, uint32_t txn,
		      bool replace, struct weft_error *err)
{
	assert_int_equal(txn, TXN);
	assert_false(replace);
	fprintf(module_of(nl)->log, "policy %s\n", p->name);
	return answer(nl, err);
}

static int add_revocation(struct weft_nl *nl, const struct weft_nl_revocation *r, uint32_t txn,
			  bool replace, struct weft_error *err)
{
	assert_int_equal(txn, TXN);
	assert_false(replace);
	fprintf(module_of(nl)->log, "revocation %s\n", r->name);
	return answer(nl, err);
}

static int add_peer(struct weft_nl *nl, const struct weft_nl_peer *peer, uint32_t txn, bool replace,
		    struct weft_error *err)
{
	assert_int_equal(txn, TXN);
	assert_false(replace);
	fprintf(module_of(nl)->log, "peer %s\n", peer->name);
	return answer(nl, err);
}

static int commit(struct weft_nl *nl, uint32_t txn, uint64_t *generation, struct weft_error *err)
{
	int ret = answer(nl, err);

	assert_int_equal(txn, TXN);
	fprintf(module_of(nl)->log, "commit\n");
	if (!ret)
		*generation = 42;
	return ret;
}

static int abort_txn(struct weft_nl *nl, uint32_t txn, struct weft_error *err)
{
	assert_int_equal(txn, TXN);
	fprintf(module_of(nl)->log, "abort\n");
	/* its words must not take the place of the first error's */
	return weft_error_set(err, ENOENT, "no such transaction");
}

static const struct weft_conf_push_ops ops = {
	begin, add_workload, add_service, add_endpoint, add_policy, add_revocation,
	add_peer, commit, abort_txn,
};

static const char documents[] =
	PEER("n", "{ipBlocks: [10.0.0.0/8]}")
	REVOCATION("r", "{serials: [01]}")
	POLICY("p", "{workload: w}")
	SERVICE("s2", "{ports: [{port: 80}]}")
	SERVICE("s1", "{ports: [{port: 80}], endpoints: [{address: 10.0.0.1, port: 8080}, "
		      "{address: fd00::1, weight: 3}]}")
	WORKLOAD("w", "{selectors: [{uid: 0}]}");

/* Push with call @fail_at failing; the caller frees what the module was told. */
static char *push(const char *text, int fail_at, int *ret, uint64_t *generation,
		  struct weft_error *err)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(text);
	struct module m = { .fail_at = fail_at };

	m.log = open_memstream(&m.text, &m.len);
	assert_non_null(m.log);
	*ret = weft_conf_push_with(&ops, conf, (struct weft_nl *)&m, NULL, generation, err);
	assert_int_equal(fclose(m.log), 0);
	return m.text;
}

static void whole_configuration_is_one_transaction(void **state)
{
	_cleanup_free_ char *said = NULL;
	struct weft_error err = { 0 };
	uint64_t generation = 0;
	int ret;

	said = push(documents, 0, &ret, &generation, &err);
	assert_int_equal(ret, 0);
	assert_int_equal(generation, 42);
	assert_string_equal(err.text, "");
	assert_string_equal(said, "begin\n"
				  "workload w\n"
				  "service s1\n"
				  "endpoint s1 10.0.0.1:8080 1\n"
				  "endpoint s1 fd00::1 3\n"
				  "service s2\n"
				  "policy p\n"
				  "revocation r\n"
				  "peer n\n"
				  "commit\n");
}

static void empty_configuration_is_committed_too(void **state)
{
	_cleanup_free_ char *said = NULL;
	uint64_t generation = 0;
	int ret;

	said = push("", 0, &ret, &generation, NULL);
	assert_int_equal(ret, 0);
	assert_int_equal(generation, 42);
	assert_string_equal(said, "begin\ncommit\n");
}

static void any_error_aborts_and_names_the_object(void **state)
{
	static const char *const errors[] = {
		"cannot begin a new generation: not today",
		"t.yaml:29: Workload \"w\": not today",
		"t.yaml:24: Service \"s1\": not today",
		"t.yaml:24: Service \"s1\": endpoint 10.0.0.1:8080: not today",
		"t.yaml:24: Service \"s1\": endpoint fd00::1: not today",
		"t.yaml:19: Service \"s2\": not today",
		"t.yaml:14: AuthorizationPolicy \"p\": not today",
		"t.yaml:9: Revocation \"r\": not today",
		"t.yaml:4: Peer \"n\": not today",
		"cannot commit the new generation: not today",
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(errors); i++) {
		_cleanup_free_ char *said = NULL;
		struct weft_error err = { 0 };
		uint64_t generation = 5;
		int ret;

		said = push(documents, i + 1, &ret, &generation, &err);
		assert_int_equal(ret, -EINVAL);
		assert_int_equal(generation, 5);
		assert_string_equal(err.text, errors[i]);
		/* what was not begun cannot be aborted */
		if (i == 0)
			assert_string_equal(said, "begin\n");
		else
			assert_string_equal(said + strlen(said) - strlen("abort\n"), "abort\n");
	}
}

static const char with_hashes[] = WORKLOAD(
	"w", "{selectors: ["
	     "{executable: /a, sha256: \"" HASH "\"}, {executable: /b, sha256: \"" HASH "\"}, "
	     "{executable: /c, sha256: \"" HASH "\"}, {executable: /d, sha256: \"" HASH "\"}]}");

/* Four files, of which the module refuses @bad and /c, for @refuse. */
static char *push_files(const char *bad, int refuse, struct weft_executables *executables, int *ret,
			struct weft_error *err)
{
	_cleanup_conf_ struct weft_conf *conf = conf_of(with_hashes);
	struct weft_nl_workload *w = &conf->workloads[0].object;
	struct module m = { .refuse = refuse };
	uint64_t generation;
	size_t i;

	for (i = 0; i < w->n_selectors; i++) {
		w->selectors[i].has_fd = true;
		w->selectors[i].fd = strcmp(w->selectors[i].exe, bad) && i != 2 ? 1001 + i : BAD;
	}
	assert_int_equal(weft_executables_want(executables, w), 0);
	m.log = open_memstream(&m.text, &m.len);
	assert_non_null(m.log);
	*ret = weft_conf_push_with(&ops, conf, (struct weft_nl *)&m, executables, &generation, err);
	for (i = 0; i < w->n_selectors; i++) {
		assert_true(w->selectors[i].has_fd); /* still the caller's */
		w->selectors[i].has_fd = false;
	}
	assert_int_equal(fclose(m.log), 0);
	return m.text;
}

static void a_file_that_is_refused_takes_nothing_along(void **state)
{
	struct weft_executables executables = { 0 };
	_cleanup_free_ char *said = NULL;
	struct weft_error err = { 0 };
	int ret;

	said = push_files("/a", EPERM, &executables, &ret, &err);
	assert_int_equal(ret, 0);
	assert_string_equal(err.text, "");
	assert_string_equal(said, "begin\n"
				  "workload w /a=1000 /b=1002 /c=1000 /d=1004\n"
				  "workload w\n"
				  "workload w /a=1000\n"
				  "workload w /b=1002\n"
				  "workload w /b=1002 /c=1000\n"
				  "workload w /b=1002 /d=1004\n"
				  "commit\n");
	assert_string_equal(weft_executables_at(&executables, "/a")->refused, "/a is bad");
	assert_null(weft_executables_at(&executables, "/b")->refused);
	assert_string_equal(weft_executables_at(&executables, "/c")->refused, "/c is bad");
	assert_null(weft_executables_at(&executables, "/d")->refused);
	weft_executables_uninit(&executables);
}

static void a_file_that_has_changed_is_told_and_tried_again(void **state)
{
	struct weft_executables executables = { 0 };
	_cleanup_free_ char *said = NULL;
	struct weft_executable *a, *b;
	struct weft_error err = { 0 };
	int ret;

	said = push_files("/a", ESTALE, &executables, &ret, &err);
	assert_int_equal(ret, 0);
	a = weft_executables_at(&executables, "/a");
	b = weft_executables_at(&executables, "/b");
	assert_string_equal(a->refused, "the module sees another size or time of modification than "
			    "were read, as after a change just now; it is looked at again by itself");
	assert_int_equal(a->stale, 1);
	assert_null(b->refused);
	assert_int_equal(b->stale, 0);
	weft_executables_uninit(&executables);
}

static void what_is_no_refusal_of_a_file_is_an_error(void **state)
{
	struct weft_executables executables = { 0 };
	_cleanup_free_ char *said = NULL;
	struct weft_error err = { 0 };
	int ret;

	said = push_files("/a", ENOBUFS, &executables, &ret, &err);
	assert_int_equal(ret, -ENOBUFS);
	assert_string_equal(err.text, "t.yaml:4: Workload \"w\": /a is bad");
	assert_string_equal(said, "begin\n"
				  "workload w /a=1000 /b=1002 /c=1000 /d=1004\n"
				  "abort\n");
	assert_null(weft_executables_at(&executables, "/a")->refused);
	weft_executables_uninit(&executables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_configuration_is_one_transaction),
		cmocka_unit_test(empty_configuration_is_committed_too),
		cmocka_unit_test(any_error_aborts_and_names_the_object),
		cmocka_unit_test(a_file_that_is_refused_takes_nothing_along),
		cmocka_unit_test(a_file_that_has_changed_is_told_and_tried_again),
		cmocka_unit_test(what_is_no_refusal_of_a_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
