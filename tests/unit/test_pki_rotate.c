// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another root for the built-in authority: each step, what refuses it, and where it may
 * be interrupted.
 */
#include "rotate_fixture.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(in_dir(from), in_dir(to)), 0);
}

/* ---- the steps ---- */

static int disagree(const struct weft_ca *ca, void *data, struct weft_error *e)
{
	return weft_error_set(e, EBUSY, "somebody does not trust it");
}

static const struct weft_ca_proof unproven = { .prove = disagree };

static void next_root_is_trusted_and_signs_nothing(void **state)
{
	X509 *before = read_cert("ca/ca.crt");
	struct stat st;

	prepare();
	assert_step(WEFT_CA_PREPARED, 2);
	assert_same_cert(before, "ca/ca.crt");
	assert_int_equal(stat(in_dir("ca/next.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	X509_free(before);
}

static void next_root_signs_and_the_old_one_is_trusted(void **state)
{
	X509 *before = read_cert("ca/ca.crt"), *next;

	prepare();
	next = read_cert("ca/next.crt");
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
	assert_same_cert(next, "ca/ca.crt");
	assert_same_cert(before, "ca/old.crt");
	assert_false(is_there("ca/next.crt"));
	assert_false(is_there("ca/next.key"));
	X509_free(before);
	X509_free(next);
}

static void rotation_ends_with_one_root(void **state)
{
	prepare();
	activate();
	done(weft_ca_finish(in_dir("ca"), time(NULL) + 100 * DAY, &err));
	assert_step(WEFT_CA_STEADY, 1);
	assert_false(is_there("ca/old.crt"));
	assert_false(is_there("ca/old.key"));
	/* And another one may begin. */
	prepare();
	assert_step(WEFT_CA_PREPARED, 2);
}

static void steps_may_be_repeated(void **state)
{
	X509 *root;

	prepare();
	root = read_cert("ca/next.crt");
	prepare();
	assert_same_cert(root, "ca/next.crt");
	activate();
	activate();
	assert_same_cert(root, "ca/ca.crt");
	X509_free(root);
}

static void root_that_was_taken_back_is_trusted_no_more(void **state)
{
	X509 *root = read_cert("ca/ca.crt");

	prepare();
	done(weft_ca_abort(in_dir("ca"), &err));
	assert_step(WEFT_CA_STEADY, 1);
	assert_same_cert(root, "ca/ca.crt");
	assert_false(is_there("ca/next.key"));
	X509_free(root);
}

/* ---- what is refused ---- */

static void steps_out_of_order_are_refused(void **state)
{
	const char *ca = in_dir("ca");

	assert_int_equal(weft_ca_activate(ca, &proven, &err), -ENOENT);
	assert_says("/ca: there is no next root: make one first (weftctl ca rotate prepare)");
	assert_int_equal(weft_ca_finish(ca, time(NULL), &err), -ENOENT);
	assert_says("/ca: no rotation is under way");
	assert_int_equal(weft_ca_abort(ca, &err), -ENOENT);
	assert_says("/ca: no rotation is under way");
	assert_int_equal(weft_ca_prepare(in_dir("nowhere"), &err), -ENOENT);
	prepare();
	assert_int_equal(weft_ca_finish(ca, time(NULL) + 100 * DAY, &err), -EBUSY);
	assert_says("the next one has to take over first (weftctl ca rotate activate)");
	assert_step(WEFT_CA_PREPARED, 2);
	activate();
	assert_int_equal(weft_ca_abort(ca, &err), -EBUSY);
	assert_says("the next root signs already: it cannot be taken back");
	assert_int_equal(weft_ca_prepare(ca, &err), -EBUSY);
	assert_says("finish that one first (weftctl ca rotate finish)");
	assert_step(WEFT_CA_ACTIVATED, 2);
}

static void nothing_is_activated_without_proof(void **state)
{
	prepare();
	assert_int_equal(weft_ca_activate(in_dir("ca"), &unproven, &err), -EBUSY);
	assert_says("somebody does not trust it");
	assert_step(WEFT_CA_PREPARED, 2);
	assert_false(is_there("ca/old.crt"));
	assert_false(is_there("ca/old.key"));
}

static void next_root_without_its_key_is_not_activated(void **state)
{
	const char *ca = in_dir("ca");

	prepare();
	assert_int_equal(unlink(in_dir("ca/next.key")), 0);
	assert_int_equal(weft_ca_activate(ca, &proven, &err), -EBADMSG);
	assert_says("/ca/next.key is missing, but ");
	assert_says("weftctl ca rotate abort");
	assert_int_equal(weft_ca_prepare(ca, &err), -EBADMSG);
	copy("ca/ca.key", "ca/next.key");
	assert_int_equal(weft_ca_activate(ca, &proven, &err), -EBADMSG);
	assert_says("/ca/next.key: not the private key of ");
	assert_step(WEFT_CA_PREPARED, 2);
	done(weft_ca_abort(ca, &err));
	prepare();
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
}

static void next_root_of_another_domain_is_refused(void **state)
{
	struct weft_ca *ca, *other;

	assert_int_equal(weft_ca_open_or_create(in_dir("other"), "mesh.other", &other, NULL), 0);
	weft_ca_close(other);
	copy("other/ca.crt", "ca/next.crt");
	assert_int_equal(weft_ca_open_or_create(in_dir("ca"), DOMAIN, &ca, &err), -EBADMSG);
	assert_says("/ca/next.crt: this is the CA of trust domain \"mesh.other\"");
}

/* ---- what may be valid still ---- */

static void what_is_signed_is_written_down(void **state)
{
	struct stat before, after;
	int64_t now = time(NULL);

	assert_int_equal(until_of("ca/ca.crt"), 0);
	issue(80);
	assert_in_range(until_of("ca/ca.crt"), now + 80, now + 80 + 10 + 60);
	issue(30 * DAY);
	assert_in_range(until_of("ca/ca.crt"), now + 30 * DAY, now + 30 * DAY + 3600 + 60);
	/* A little further on: it is not written each time. */
	stat(in_dir("ca/issued"), &before);
	issue(30 * DAY);
	issue(60);
	stat(in_dir("ca/issued"), &after);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void old_root_stays_while_its_certificates_are_valid(void **state)
{
	int64_t until;

	issue(30 * DAY);
	prepare();
	activate();
	until = until_of("ca/old.crt");
	/* What the new one signs does not count. */
	issue(60 * DAY);
	assert_int_equal(until_of("ca/old.crt"), until);
	assert_int_equal(weft_ca_finish(in_dir("ca"), until, &err), -EBUSY);
	assert_says("certificates of the old root may be valid until 20");
	assert_step(WEFT_CA_ACTIVATED, 2);
	done(weft_ca_finish(in_dir("ca"), until + 1, &err));
	assert_step(WEFT_CA_STEADY, 1);
}

static void root_that_signed_nothing_may_go_at_once(void **state)
{
	prepare();
	activate();
	done(weft_ca_finish(in_dir("ca"), time(NULL), &err));
	assert_step(WEFT_CA_STEADY, 1);
}

/* What an earlier version signed is written down nowhere. */
static void what_nobody_knows_counts_as_the_longest(void **state)
{
	int64_t now = time(NULL);

	assert_int_equal(unlink(in_dir("ca/issued")), 0);
	prepare();
	activate();
	assert_in_range(until_of("ca/old.crt"), now + 90 * DAY, now + 90 * DAY + 60);
	assert_int_equal(weft_ca_finish(in_dir("ca"), now + 90 * DAY - 1, &err), -EBUSY);
	done(weft_ca_finish(in_dir("ca"), now + 91 * DAY, &err));
}

/* Nobody waits for years: the way out is named, and is one. */
static void end_that_a_wrong_clock_has_written_can_be_forgotten(void **state)
{
	int64_t now = time(NULL);
	struct weft_ca *ca = open_ca();

	done(weft_ca_issued_set(in_dir("ca"), weft_ca_cert(ca), now + 90 * DAY + 3600, &err));
	weft_ca_close(ca);
	prepare();
	activate();
	assert_int_equal(weft_ca_finish(in_dir("ca"), now, &err), -EBUSY);
	assert_says("it can go after that");
	assert_null(strstr(err.text, "clock"));

	ca = open_ca();
	done(weft_ca_issued_set(in_dir("ca"), weft_ca_other(ca), now + 1000 * DAY, &err));
	weft_ca_close(ca);
	assert_int_equal(weft_ca_finish(in_dir("ca"), now + 900 * DAY, &err), -EBUSY);
	assert_int_equal(weft_ca_finish(in_dir("ca"), now, &err), -EBUSY);
	assert_says("longer than any lives: the clock was ahead when they were signed");
	assert_says("/ca/issued: the old root can go 90 days after the next try");
	assert_int_equal(unlink(in_dir("ca/issued")), 0);
	assert_int_equal(weft_ca_finish(in_dir("ca"), now, &err), -EBUSY);
	assert_says("it can go after that");
	assert_int_equal(weft_ca_finish(in_dir("ca"), now + 90 * DAY, &err), -EBUSY);
	done(weft_ca_finish(in_dir("ca"), now + 90 * DAY + 60, &err));
}

static void what_nobody_knows_is_settled_with_the_first_certificate(void **state)
{
	int64_t now = time(NULL);

	assert_int_equal(unlink(in_dir("ca/issued")), 0);
	issue(60);
	assert_in_range(until_of("ca/ca.crt"), now + 90 * DAY, now + 90 * DAY + 60);
}

/* A new certificate for a key that has signed before: of that nobody knows. */
static void certificate_made_anew_for_a_key_knows_nothing(void **state)
{
	struct weft_ca *ca;
	int64_t until;

	assert_int_equal(unlink(in_dir("ca/ca.crt")), 0);
	ca = open_ca();
	assert_int_equal(weft_ca_issued_get(in_dir("ca"), weft_ca_cert(ca), &until, &err), -ENOENT);
	weft_ca_close(ca);
}

static void record_that_is_broken_stops_what_needs_it(void **state)
{
	static const char *const texts[] = { "x", "0 0\n", "\n\n", "abc", "1234 99\n" };
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(weft_file_write(in_dir("ca/issued"), texts[i], strlen(texts[i]),
						 0600, NULL),
				 0);
		assert_int_equal(weft_ca_issue(ca, CART, 0, &svid, &err), -EBADMSG);
		assert_says("/ca/issued: not what weft writes: remove it");
		assert_int_equal(weft_ca_prepare(in_dir("ca"), &err), -EBADMSG);
		assert_false(is_there("ca/next.crt"));
	}
	assert_int_equal(unlink(in_dir("ca/issued")), 0);
	weft_ca_close(ca);
	assert_step(WEFT_CA_STEADY, 1);
}

static void the_latest_roots_are_remembered(void **state)
{
	X509 *root = read_cert("ca/ca.crt");

	for (int i = 0; i < 12; i++) {
		prepare();
		assert_int_equal(until_of("ca/next.crt"), 0);
		done(weft_ca_abort(in_dir("ca"), &err));
		issue(60 + i * 600);
	}
	assert_true(until_of("ca/ca.crt") > time(NULL) + 6600);
	X509_free(root);
}

/* ---- interrupted ---- */

static void interrupted_prepare_has_not_happened(void **state)
{
	prepare();
	assert_int_equal(unlink(in_dir("ca/next.crt")), 0);
	assert_step(WEFT_CA_STEADY, 1);
	prepare();
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
}

static void what_an_interrupted_prepare_left_can_be_taken_back(void **state)
{
	prepare();
	assert_int_equal(unlink(in_dir("ca/next.crt")), 0);
	done(weft_ca_abort(in_dir("ca"), &err));
	assert_false(is_there("ca/next.key"));
	assert_step(WEFT_CA_STEADY, 1);
}

/* Files as activate leaves them after so many of its steps. */
static void activate_until(int steps)
{
	prepare();
	if (steps > 0)
		copy("ca/ca.key", "ca/old.key");
	if (steps > 1)
		copy("ca/ca.crt", "ca/old.crt");
	if (steps > 2)
		move("ca/next.key", "ca/ca.key");
	if (steps > 3)
		move("ca/next.crt", "ca/ca.crt");
}

static void activate_that_has_not_come_to_its_step_has_not_happened(void **state)
{
	X509 *before = read_cert("ca/ca.crt");

	for (int steps = 0; steps <= 2; steps++) {
		activate_until(steps);
		assert_step(WEFT_CA_PREPARED, 2);
		assert_same_cert(before, "ca/ca.crt");
		/* It can be taken back as ever. */
		done(weft_ca_abort(in_dir("ca"), &err));
		assert_step(WEFT_CA_STEADY, 1);
		assert_false(is_there("ca/old.crt"));
		assert_false(is_there("ca/old.key"));
	}
	activate_until(2);
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
	assert_same_cert(before, "ca/old.crt");
	X509_free(before);
}

static void activate_that_was_interrupted_comes_to_its_end(void **state)
{
	X509 *before = read_cert("ca/ca.crt"), *next;

	activate_until(3);
	next = read_cert("ca/next.crt");
	assert_step(WEFT_CA_ACTIVATED, 2); /* whoever opens it */
	assert_same_cert(next, "ca/ca.crt");
	assert_same_cert(before, "ca/old.crt");
	assert_false(is_there("ca/next.crt"));
	activate();
	assert_int_equal(weft_ca_abort(in_dir("ca"), &err), -EBUSY);
	X509_free(before);
	X509_free(next);
}

static void interrupted_finish_and_abort_are_repeated(void **state)
{
	prepare();
	activate();
	assert_int_equal(unlink(in_dir("ca/old.crt")), 0); /* the first thing to go */
	assert_step(WEFT_CA_STEADY, 1);
	done(weft_ca_finish(in_dir("ca"), time(NULL), &err));
	assert_false(is_there("ca/old.key"));
	assert_int_equal(weft_ca_finish(in_dir("ca"), time(NULL), &err), -ENOENT);
}

/* ---- killed ---- */

static int step_prepare(void)
{
	return weft_ca_prepare(in_dir("ca"), &err);
}

static int step_activate(void)
{
	return weft_ca_activate(in_dir("ca"), &proven, &err);
}

static int step_finish(void)
{
	return weft_ca_finish(in_dir("ca"), time(NULL) + 100 * DAY, &err);
}

static int step_abort(void)
{
	return weft_ca_abort(in_dir("ca"), &err);
}

/* Calls that change something, or have it on disk. */
static bool changes_files(uint64_t call)
{
	static const long calls[] = { SYS_write,    SYS_pwrite64, SYS_fsync,	SYS_fdatasync,
				      SYS_rename,   SYS_renameat, SYS_renameat2, SYS_unlink,
				      SYS_unlinkat, SYS_fchmod,	  SYS_mkdir };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (call == (uint64_t)calls[i])
			return true;
	return false;
}

/* Until a call of that kind is about to begin. Return: false: the process has ended. */
static bool go_to_change(pid_t pid)
{
	struct __ptrace_syscall_info info;
	int status;

	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			assert_int_equal(status, 0);
			return false;
		}
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(info.entry.nr))
			return true;
	}
}

/* @step, killed before its change number @n, from 0. Return: false: it has no more. */
static bool killed_at(int (*step)(void), int n)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(-step());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL,
				PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
			 0);
	do
		if (!go_to_change(pid))
			return false;
	while (n--);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

/* @before: leads to where @step begins. After it there are so many roots. */
static void survives(void (*before)(void), int (*step)(void), enum weft_ca_step end, size_t roots)
{
	int n = 0;

	for (bool killed = true; killed; n++) {
		struct weft_ca *ca;
		int r;

		assert_int_equal(setup(NULL), 0);
		before();
		killed = killed_at(step, n);
		/* It is there, and signs, whatever has become of the step. */
		ca = open_ca();
		assert_step(weft_ca_step(ca), weft_ca_step(ca) == WEFT_CA_STEADY ? 1 : 2);
		weft_ca_close(ca);
		r = step();
		if (r && r != -ENOENT) /* it had happened, and left nothing */
			fail_msg("killed before change %d: %s", n, err.text);
		assert_step(end, roots);
		assert_int_equal(teardown(NULL), 0);
	}
	assert_true(n > 3);
}

static void nothing(void)
{
}

static void prepare_and_activate(void)
{
	prepare();
	activate();
}

static void step_that_is_killed_anywhere_can_be_repeated(void **state)
{
	survives(nothing, step_prepare, WEFT_CA_PREPARED, 2);
	survives(prepare, step_activate, WEFT_CA_ACTIVATED, 2);
	survives(prepare_and_activate, step_finish, WEFT_CA_STEADY, 1);
	survives(prepare, step_abort, WEFT_CA_STEADY, 1);
}

/* ---- more than one at once ---- */

static void two_at_once_make_one_root(void **state)
{
	enum { N = 6 };
	const char *ca = in_dir("ca");
	int status, well = 0;

	for (int i = 0; i < N; i++)
		if (!fork())
			_exit(weft_ca_prepare(ca, NULL) || weft_ca_activate(ca, &proven, NULL));
	for (int i = 0; i < N; i++) {
		/* Who comes after all is done is told to finish first. */
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		well += !WEXITSTATUS(status);
	}
	assert_true(well > 0);
	assert_step(WEFT_CA_ACTIVATED, 2);
}

static void authority_that_was_read_before_signs_nothing(void **state)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = open_ca();
	struct weft_svid *svid = NULL;
	struct weft_ca *fresh;

	assert_false(weft_ca_changed(ca));
	prepare();
	activate();
	assert_true(weft_ca_changed(ca));
	assert_int_equal(weft_ca_issue(ca, CART, 0, &svid, &err), -ESTALE);
	assert_int_equal(until_of("ca/old.crt"), 0);
	done(weft_ca_reopen(ca, &fresh, &err));
	done(weft_ca_issue(fresh, CART, 0, &svid, &err));
	weft_svid_put(svid);
	weft_ca_close(fresh);
}

/* ---- who uses it on this host ---- */

static void tell(struct weft_ca_user *user)
{
	STACK_OF(X509) *roots;
	struct weft_ca *ca = open_ca();

	assert_int_equal(weft_ca_roots(ca, &roots, NULL), 0);
	done(weft_ca_user_tell(user, roots, &err));
	sk_X509_pop_free(roots, X509_free);
	weft_ca_close(ca);
}

static void user_that_has_not_said_it_trusts_the_root_is_waited_for(void **state)
{
	struct weft_ca_user *user, *mute;
	char name[40];

	done(weft_ca_user_open(in_dir("ca"), &user, &err));
	tell(user);
	prepare();
	assert_int_equal(weft_ca_activate(in_dir("ca"), &proven, &err), -EBUSY);
	snprintf(name, sizeof(name), "not trusted yet by process %d: ", getpid());
	assert_says(name);
	tell(user);
	done(weft_ca_user_open(in_dir("ca"), &mute, &err));
	assert_int_equal(weft_ca_activate(in_dir("ca"), &proven, &err), -EBUSY);
	assert_says(name);
	weft_ca_user_close(mute);
	activate();
	weft_ca_user_close(user);
}

/* However it ended: its file stays, and nobody holds it. */
static void user_that_has_ended_is_not_waited_for(void **state)
{
	struct weft_ca_user *user;
	const char *ca = in_dir("ca");
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(weft_ca_user_open(ca, &user, NULL) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(rmdir(in_dir("ca/users")) == 0);
	prepare();
	activate();
	assert_int_equal(rmdir(in_dir("ca/users")), 0);
}

static struct weft_source *open_source(struct weft_bundle **bundle)
{
	struct weft_source *source;

	assert_int_equal(weft_source_ca_create(open_ca(), &source, NULL), 0);
	weft_source_refresh(source, NULL);
	assert_int_equal(weft_source_bundle(source, bundle, NULL), 0);
	return source;
}

/* Return: as weft_source_refresh(); then the bundle is the one that is used. */
static int refresh(struct weft_source *source, struct weft_bundle **bundle)
{
	int r = weft_source_refresh(source, &err);

	if (!r)
		return 0;
	weft_bundle_put(*bundle);
	assert_int_equal(weft_source_bundle(source, bundle, NULL), 0);
	return r;
}

static void source_follows_a_rotation(void **state)
{
	struct weft_bundle *bundle;
	struct weft_source *source = open_source(&bundle);
	struct weft_svid *svid;
	X509 *root;

	assert_int_equal(refresh(source, &bundle), 0);
	prepare();
	/* It says so the next time it is asked: by then what it gave is in use. */
	assert_int_equal(weft_ca_activate(in_dir("ca"), &proven, &err), -EBUSY);
	assert_int_equal(refresh(source, &bundle), 1);
	assert_int_equal(weft_bundle_count(bundle), 2);
	assert_int_equal(weft_ca_activate(in_dir("ca"), &proven, &err), -EBUSY);
	assert_int_equal(refresh(source, &bundle), 0);
	activate();
	/* An SVID is by the new root at once. */
	done(weft_source_svid(source, CART, 60, &svid, &err));
	root = read_cert("ca/ca.crt");
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(root)), 1);
	assert_true(weft_bundle_vouches(bundle, root, CART));
	weft_svid_put(svid);
	X509_free(root);
	assert_int_equal(refresh(source, &bundle), 1);
	done(weft_ca_finish(in_dir("ca"), time(NULL) + 100 * DAY, &err));
	assert_int_equal(refresh(source, &bundle), 1);
	assert_int_equal(weft_bundle_count(bundle), 1);
	assert_int_equal(refresh(source, &bundle), 0);
	weft_source_destroy(source);
	weft_bundle_put(bundle);
	assert_int_equal(rmdir(in_dir("ca/users")), 0); /* nothing is left of it */
}

static void source_keeps_its_roots_when_the_files_are_broken(void **state)
{
	struct weft_bundle *bundle;
	struct weft_source *source = open_source(&bundle);
	struct weft_svid *svid;

	assert_int_equal(weft_file_write(in_dir("ca/next.crt"), "x", 1, 0600, NULL), 0);
	err.text[0] = '\0';
	assert_int_equal(refresh(source, &bundle), 0);
	assert_says("/ca/next.crt");
	assert_int_equal(weft_source_svid(source, CART, 60, &svid, &err), -EBADMSG);
	assert_int_equal(unlink(in_dir("ca/next.crt")), 0);
	done(weft_source_svid(source, CART, 60, &svid, &err));
	weft_svid_put(svid);
	weft_source_destroy(source);
	weft_bundle_put(bundle);
}

/* ---- for who may know the old root only ---- */

static void assert_known_by(const char *name, int64_t latest)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;
	X509 *root;

	done(weft_ca_issue_known(ca, CART, DAY, &svid, &root, &err));
	assert_same_cert(root, name);
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(root)), 1);
	assert_true(svid->not_after <= latest);
	weft_svid_put(svid);
	weft_ca_close(ca);
}

static void old_root_signs_for_those_who_know_it_only(void **state)
{
	X509 *old = read_cert("ca/ca.crt");
	int64_t now = time(NULL), until;

	assert_known_by("ca/ca.crt", now + DAY + 60);
	issue(7200);
	prepare();
	assert_known_by("ca/ca.crt", now + DAY + 60);
	activate();
	until = until_of("ca/old.crt");
	/* Not for a second longer than it has to be trusted anyhow. */
	assert_known_by("ca/old.crt", until);
	assert_int_equal(until_of("ca/old.crt"), until);
	assert_int_equal(weft_ca_issued_set(in_dir("ca"), old, now + 5, &err), 0);
	assert_known_by("ca/ca.crt", now + DAY + 60);
	X509_free(old);
}

/* ---- its end ---- */

static void root_that_is_near_its_end_is_told(void **state)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://" DOMAIN,
		.not_before = time(NULL) - 300 * DAY,
		.not_after = time(NULL) + 89 * DAY,
	};
	struct weft_error first = { 0 };
	struct weft_source *source;
	struct weft_bundle *bundle;
	X509 *cert;

	source = open_source(&bundle);
	err.text[0] = '\0';
	refresh(source, &bundle);
	assert_string_equal(err.text, "");
	assert_int_equal(weft_pem_read_key(in_dir("ca/ca.key"), &spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir("ca/ca.crt"), cert, NULL, NULL), 0);
	refresh(source, &bundle);
	assert_says("/ca/ca.crt: the root certificate expires on 20");
	assert_says("weftctl ca rotate prepare");
	first = err;
	err.text[0] = '\0';
	refresh(source, &bundle);
	assert_string_equal(err.text, first.text); /* the same words: the daemon logs it once */
	EVP_PKEY_free(spec.key);
	X509_free(cert);
	weft_source_destroy(source);
	weft_bundle_put(bundle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROTATED(next_root_is_trusted_and_signs_nothing),
		ROTATED(next_root_signs_and_the_old_one_is_trusted),
		ROTATED(rotation_ends_with_one_root),
		ROTATED(steps_may_be_repeated),
		ROTATED(root_that_was_taken_back_is_trusted_no_more),
		ROTATED(steps_out_of_order_are_refused),
		ROTATED(nothing_is_activated_without_proof),
		ROTATED(next_root_without_its_key_is_not_activated),
		ROTATED(next_root_of_another_domain_is_refused),
		ROTATED(what_is_signed_is_written_down),
		ROTATED(old_root_stays_while_its_certificates_are_valid),
		ROTATED(root_that_signed_nothing_may_go_at_once),
		ROTATED(what_nobody_knows_counts_as_the_longest),
		ROTATED(end_that_a_wrong_clock_has_written_can_be_forgotten),
		ROTATED(what_nobody_knows_is_settled_with_the_first_certificate),
		ROTATED(certificate_made_anew_for_a_key_knows_nothing),
		ROTATED(record_that_is_broken_stops_what_needs_it),
		ROTATED(the_latest_roots_are_remembered),
		ROTATED(interrupted_prepare_has_not_happened),
		ROTATED(what_an_interrupted_prepare_left_can_be_taken_back),
		ROTATED(activate_that_has_not_come_to_its_step_has_not_happened),
		ROTATED(activate_that_was_interrupted_comes_to_its_end),
		ROTATED(interrupted_finish_and_abort_are_repeated),
		cmocka_unit_test(step_that_is_killed_anywhere_can_be_repeated),
		ROTATED(two_at_once_make_one_root),
		ROTATED(authority_that_was_read_before_signs_nothing),
		ROTATED(user_that_has_not_said_it_trusts_the_root_is_waited_for),
		ROTATED(user_that_has_ended_is_not_waited_for),
		ROTATED(source_follows_a_rotation),
		ROTATED(source_keeps_its_roots_when_the_files_are_broken),
		ROTATED(old_root_signs_for_those_who_know_it_only),
		ROTATED(root_that_is_near_its_end_is_told),
	};

	return cmocka_run_group_tests_name("pki_rotate", tests, NULL, NULL);
}
