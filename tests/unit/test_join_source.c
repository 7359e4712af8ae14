// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CA of another host as a source of SVIDs: obtained by a thread, kept in files,
 * renewed; what the CA refuses, and what happens while it is away.
 */
#include "join_serve.h"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include "join/source.h"
#include "pki/ca_rotate.h"

/* Of whatever the thread does; a test that waits so long has failed. */
#define PATIENCE_MS 60000

static struct weft_source *open_source(const char *name, bool with_token, const char *where)
{
	struct weft_source *source = NULL;
	struct weft_error err = { 0 };
	char token[80];

	snprintf(token, sizeof(token), "%s.token", name);
	if (weft_source_join_create(in_dir(name), where, DOMAIN,
				    with_token ? in_dir(token) : NULL, &source, &err))
		fail_msg("%s", err.text);
	assert_true(source->fd >= 0);
	return source;
}

/* Until the source has something. Return: what weft_source_refresh() does. */
static int await(struct weft_source *source, struct weft_error *problem)
{
	struct pollfd p = { .fd = source->fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	problem->text[0] = '\0';
	return weft_source_refresh(source, problem);
}

/* Asks, and waits for the answer. Return: as weft_source_svid(). */
static int obtain(struct weft_source *source, const char *identity, struct weft_svid **svid,
		  struct weft_error *err)
{
	struct weft_error problem;
	int r;

	while ((r = weft_source_svid(source, identity, 3600, svid, err)) == -EAGAIN)
		await(source, &problem);
	return r;
}

static void an_identity_is_obtained_after_joining(void **state)
{
	struct weft_source *source;
	struct weft_bundle *bundle;
	struct weft_svid *svid;

	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	assert_string_equal(svid->identity, CART);
	assert_int_equal(joined, 1);
	weft_svid_put(svid);
	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	assert_true(weft_bundle_vouches(bundle, weft_ca_cert(ca), CART));
	weft_bundle_put(bundle);
	weft_source_destroy(source);
}

static void what_is_young_is_not_asked_for_again(void **state)
{
	struct weft_source *source;
	struct weft_svid *one, *two;

	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, CART, &one, NULL), 0);
	assert_int_equal(obtain(source, CART, &two, NULL), 0);
	assert_ptr_equal(one, two);
	weft_svid_put(one);
	weft_svid_put(two);
	weft_source_destroy(source);
}

/* Valid since five minutes when it is made: of such a life most is over then. */
static void a_short_life_is_not_asked_for_without_end(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct weft_error problem;
	struct weft_source *source;
	struct weft_svid *svid;
	int asked;

	end();
	serve("ca", 0, 60);
	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	p.fd = source->fd;
	asked = issued;
	/* Each answer is an event, and has everybody ask again. */
	while (poll(&p, 1, 500) == 1) {
		weft_source_refresh(source, &problem);
		assert_int_equal(weft_source_svid(source, CART, 60, &svid, NULL), 0);
		weft_svid_put(svid);
		assert_in_range(issued, asked, asked + 1);
	}
	weft_source_destroy(source);
}

/* How many roots the CA has heard that n1 trusts. */
static size_t heard(void)
{
	struct weft_join_nodes nodes;
	size_t n;

	assert_int_equal(weft_registry_list(in_dir("ca"), &nodes, NULL), 0);
	assert_int_equal(nodes.count, 1);
	n = nodes.items[0].trusts.count;
	weft_join_nodes_uninit(&nodes);
	return n;
}

/* As the daemon does. Return: roots it trusts now. */
static size_t take_over(struct weft_source *source)
{
	struct weft_bundle *bundle;
	size_t n;

	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	n = weft_bundle_count(bundle);
	weft_bundle_put(bundle);
	return n;
}

static void until_heard(struct weft_source *source, size_t roots)
{
	int64_t end = time(NULL) + PATIENCE_MS / 1000;
	struct weft_error problem;
	int told;

	while (heard() != roots) {
		assert_true(time(NULL) < end);
		told = await_told(&issued, -1, 0);
		weft_source_refresh(source, &problem);
		await_told(&issued, told, 100); /* who asks is heard with it */
	}
}

/* What the CA hears is what connections are judged by, not what lies ready. */
static void roots_are_told_once_they_are_in_use(void **state)
{
	struct weft_error problem;
	struct weft_source *source;
	struct weft_svid *svid;
	int64_t end_by;
	int asked, told;

	end();
	serve("ca", 0, 10); /* seconds: they are renewed all the time */
	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	assert_int_equal(take_over(source), 1);
	until_heard(source, 1);
	assert_int_equal(weft_ca_prepare(in_dir("ca"), NULL), 0);
	/* The first certificate brings the roots along, those after it would tell. */
	end_by = time(NULL) + PATIENCE_MS / 1000;
	told = await_told(&issued, -1, 0);
	for (asked = told; told < asked + 3; told = await_told(&issued, told, 100)) {
		assert_true(time(NULL) < end_by);
		if (!weft_source_svid(source, CART, 10, &svid, NULL))
			weft_svid_put(svid);
		weft_source_refresh(source, &problem);
		assert_int_equal(heard(), 1);
	}
	assert_int_equal(take_over(source), 2);
	assert_int_equal(heard(), 1);
	until_heard(source, 2);
	weft_source_destroy(source);
}

static void a_refusal_has_the_words_of_the_ca(void **state)
{
	struct weft_source *source;
	struct weft_error err = { 0 };
	struct weft_svid *svid;

	make_token("n1", CART, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, "spiffe://example.org/other", &svid, &err), -EACCES);
	assert_says(&err, "spiffe://example.org/other");
	/* One that is refused does not keep another from its own. */
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	weft_source_destroy(source);
}

static void without_the_ca_what_is_on_disk_is_used(void **state)
{
	struct weft_error problem = { 0 };
	struct weft_bundle *bundle;
	struct weft_source *source;
	struct weft_svid *svid;
	char where[32];

	strcpy(where, address());
	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, where);
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	weft_source_destroy(source);
	end();

	source = open_source("n1", false, where);
	assert_int_equal(weft_source_svid(source, CART, 3600, &svid, NULL), 0);
	assert_string_equal(svid->identity, CART);
	weft_svid_put(svid);
	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	assert_int_equal(weft_bundle_count(bundle), 1);
	weft_bundle_put(bundle);
	/* What it does not have it cannot get, and says why. */
	assert_int_equal(weft_source_svid(source, "spiffe://example.org/x", 3600, &svid, NULL),
			 -EAGAIN);
	while (!*problem.text)
		await(source, &problem);
	assert_says(&problem, "refused");
	weft_source_destroy(source);
	serve("ca", 0, 0);
}

static void a_ca_that_comes_later_is_joined_then(void **state)
{
	struct weft_error problem = { 0 };
	struct weft_source *source;
	struct weft_svid *svid;

	/* No token yet: its file is read when it is needed. */
	source = open_source("n1", true, address());
	assert_int_equal(weft_source_svid(source, CART, 3600, &svid, NULL), -EAGAIN);
	while (!*problem.text)
		await(source, &problem);
	assert_says(&problem, "n1.token");
	make_token("n1", ANYTHING, "n1.token");
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	assert_int_equal(weft_source_refresh(source, &problem), 0);
	weft_source_destroy(source);
}

static void without_a_token_it_says_how_to_get_one(void **state)
{
	struct weft_error problem = { 0 };
	struct weft_source *source = open_source("n1", false, address());
	struct weft_bundle *bundle;

	while (!*problem.text)
		await(source, &problem);
	assert_says(&problem, "weftctl ca token add");
	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	assert_int_equal(weft_bundle_count(bundle), 0); /* nobody is trusted */
	weft_bundle_put(bundle);
	weft_source_destroy(source);
}

/* ---- what is not wanted any more ---- */

#define WEB "spiffe://example.org/web"

/* Since the boot, as the source sees it; seconds. Atomic. */
static int64_t later;

/* Instead of the C library's, for all that is linked with this. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = syscall(SYS_clock_gettime, clock, ts);

	if (!r && clock == CLOCK_BOOTTIME)
		ts->tv_sec += __atomic_load_n(&later, __ATOMIC_ACQUIRE);
	return r;
}

static void go_on(int64_t seconds)
{
	__atomic_add_fetch(&later, seconds, __ATOMIC_ACQ_REL);
}

static void want(struct weft_source *source, const char *identities)
{
	struct weft_strv list = words(identities);

	weft_source_want(source, &list);
	weft_strv_uninit(&list);
}

static size_t count_files(void)
{
	DIR *svids = opendir(in_dir("n1/svids"));
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(svids);
	while ((entry = readdir(svids)))
		n += entry->d_name[0] != '.';
	closedir(svids);
	return n;
}

static void until_files(size_t n)
{
	int64_t end_by = time(NULL) + PATIENCE_MS / 1000;

	while (count_files() != n) {
		assert_true(time(NULL) < end_by);
		poll(NULL, 0, 10);
	}
}

/* Whatever it is at, it has come round once when it has this. */
static void come_round(struct weft_source *source, const char *identity)
{
	struct weft_svid *svid;

	assert_int_equal(obtain(source, identity, &svid, NULL), 0);
	weft_svid_put(svid);
}

static struct weft_source *source_with_two(struct weft_svid **web)
{
	struct weft_source *source;
	struct weft_svid *svid;

	make_token("n1", ANYTHING, "n1.token");
	source = open_source("n1", true, address());
	assert_int_equal(obtain(source, CART, &svid, NULL), 0);
	weft_svid_put(svid);
	assert_int_equal(obtain(source, WEB, web, NULL), 0);
	assert_int_equal(count_files(), 4);
	return source;
}

static void what_is_not_wanted_any_more_is_forgotten(void **state)
{
	struct weft_source *source;
	struct weft_svid *web, *svid = NULL;
	int told;

	watched = WEB;
	source = source_with_two(&web);
	assert_int_equal(issued_watched, 1);
	want(source, CART);
	go_on(WEFT_SOURCE_JOIN_FORGET - 10);
	come_round(source, "spiffe://example.org/a");
	assert_int_equal(count_files(), 6);
	want(source, CART);
	go_on(20);
	want(source, CART); /* it looks at the clock */
	until_files(4); /* the time of the other is not over */
	/* Who has it goes on with it. */
	assert_string_equal(web->identity, WEB);
	assert_int_equal(X509_check_private_key(web->cert, web->key), 1);
	weft_svid_put(web);

	/* Another root has all that are wanted signed anew. */
	assert_int_equal(weft_ca_prepare(in_dir("ca"), NULL), 0);
	told = await_told(&issued, -1, 0);
	come_round(source, "spiffe://example.org/b");
	assert_int_equal(count_files(), 6);
	await_told(&issued, told + 2, PATIENCE_MS);
	come_round(source, "spiffe://example.org/c");
	assert_int_equal(issued_watched, 1);
	/* It may come back. */
	assert_int_equal(weft_source_svid(source, WEB, 3600, &svid, NULL), -EAGAIN);
	come_round(source, WEB);
	assert_int_equal(issued_watched, 2);
	weft_source_destroy(source);
	watched = NULL;
}

/* Another root, within the minute in which it is remembered. */
static void what_is_not_wanted_is_not_asked_for(void **state)
{
	struct weft_source *source;
	struct weft_svid *web;
	int told;

	watched = WEB;
	source = source_with_two(&web);
	weft_svid_put(web);
	want(source, CART);
	assert_int_equal(weft_ca_prepare(in_dir("ca"), NULL), 0);
	told = await_told(&issued, -1, 0);
	come_round(source, "spiffe://example.org/b");
	await_told(&issued, told + 1, PATIENCE_MS);
	come_round(source, "spiffe://example.org/c");
	assert_int_equal(issued_watched, 1);
	/* What signed it may be gone. */
	want(source, CART " " WEB);
	await_told(&issued_watched, 1, PATIENCE_MS);
	weft_source_destroy(source);
	watched = NULL;
	assert_int_equal(issued_watched, 2);
}

/* Documents that are written anew, say. */
static void what_comes_back_at_once_is_not_asked_for_anew(void **state)
{
	struct weft_source *source;
	struct weft_svid *web, *again;

	watched = WEB;
	source = source_with_two(&web);
	want(source, CART);
	go_on(WEFT_SOURCE_JOIN_FORGET / 2);
	want(source, CART " " WEB);
	go_on(WEFT_SOURCE_JOIN_FORGET);
	come_round(source, "spiffe://example.org/a");
	assert_int_equal(weft_source_svid(source, WEB, 3600, &again, NULL), 0);
	assert_ptr_equal(web, again);
	assert_int_equal(count_files(), 6);
	assert_int_equal(issued_watched, 1);
	weft_svid_put(web);
	weft_svid_put(again);
	weft_source_destroy(source);
	watched = NULL;
}

static void what_a_former_daemon_left_is_kept_for_an_hour(void **state)
{
	struct weft_source *source;
	struct weft_svid *web;

	source = source_with_two(&web);
	weft_svid_put(web);
	weft_source_destroy(source);
	assert_int_equal(weft_file_write(in_dir("n1/svids/mine.key"), "x", 1, 0600, NULL), 0);

	source = open_source("n1", false, address());
	want(source, ""); /* the documents are not there yet */
	go_on(WEFT_SOURCE_JOIN_LEFTOVER - 100);
	come_round(source, CART);
	come_round(source, "spiffe://example.org/a");
	assert_int_equal(count_files(), 7);
	go_on(110);
	want(source, CART " spiffe://example.org/a");
	until_files(5);
	assert_int_equal(access(in_dir("n1/svids/mine.key"), F_OK), 0);
	weft_source_destroy(source);
	/* That of the other is good still. */
	end();
	source = open_source("n1", false, "127.0.0.1:1");
	assert_int_equal(weft_source_svid(source, CART, 3600, &web, NULL), 0);
	weft_svid_put(web);
	weft_source_destroy(source);
	serve("ca", 0, 0);
}

static void a_key_that_cannot_be_removed_is_told(void **state)
{
	struct weft_error problem = { 0 };
	struct weft_source *source;
	struct dirent **names;
	struct weft_svid *web;
	char key[512];
	int n;

	source = source_with_two(&web);
	weft_svid_put(web);
	/* A directory in the place of each file. */
	n = scandir(in_dir("n1/svids"), &names, NULL, NULL);
	assert_int_equal(n, 6);
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s/%s", in_dir("n1/svids"), names[i]->d_name);
		if (strlen(names[i]->d_name) > 64) {
			assert_int_equal(unlink(key), 0);
			assert_int_equal(mkdir(key, 0700), 0);
		}
		free(names[i]);
	}
	free(names);
	while (weft_source_refresh(source, &problem))
		;
	want(source, CART);
	go_on(WEFT_SOURCE_JOIN_FORGET);
	want(source, CART);
	while (!*problem.text)
		await(source, &problem);
	assert_says(&problem, ".key: cannot be removed: ");
	weft_source_destroy(source);
}

/* Waiting, connecting, in the handshake, with an answer: each ends a little later. */
static void a_source_may_end_at_any_time(void **state)
{
	struct weft_source *source;
	struct weft_svid *svid;
	char name[8], token[16];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(token, sizeof(token), "%s.token", name);
		make_token(name, ANYTHING, token);
		source = open_source(name, true, address());
		if (!weft_source_svid(source, CART, 3600, &svid, NULL))
			weft_svid_put(svid);
		poll(&(struct pollfd){ .fd = source->fd, .events = POLLIN }, 1, i);
		weft_source_destroy(source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(an_identity_is_obtained_after_joining),
		SERVED(what_is_young_is_not_asked_for_again),
		SERVED(a_short_life_is_not_asked_for_without_end),
		SERVED(roots_are_told_once_they_are_in_use),
		SERVED(a_refusal_has_the_words_of_the_ca),
		SERVED(without_the_ca_what_is_on_disk_is_used),
		SERVED(a_ca_that_comes_later_is_joined_then),
		SERVED(without_a_token_it_says_how_to_get_one),
		SERVED(what_is_not_wanted_any_more_is_forgotten),
		SERVED(what_is_not_wanted_is_not_asked_for),
		SERVED(what_comes_back_at_once_is_not_asked_for_anew),
		SERVED(what_a_former_daemon_left_is_kept_for_an_hour),
		SERVED(a_key_that_cannot_be_removed_is_told),
		SERVED(a_source_may_end_at_any_time),
	};

	return cmocka_run_group_tests_name("join_source", tests, NULL, NULL);
}
