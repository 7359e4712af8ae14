// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rotation of the root when something is not as it should be: the clock, a root that
 * has expired, files that somebody removed, a directory that others lock or that cannot be
 * written.
 */
#include "rotate_fixture.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A root as @cert, valid in these seconds from now, for the key that is there. */
static void put_root(const char *cert_name, const char *key_name, int64_t from, int64_t to)
{
	struct weft_cert_spec spec = {
		.uri = "spiffe://" DOMAIN,
		.not_before = time(NULL) + from,
		.not_after = time(NULL) + to,
	};
	X509 *cert;

	assert_int_equal(weft_pem_read_key(in_dir(key_name), &spec.key, NULL), 0);
	assert_int_equal(weft_cert_make(&spec, &cert, NULL), 0);
	assert_int_equal(weft_pem_write_certs(in_dir(cert_name), cert, NULL, NULL), 0);
	EVP_PKEY_free(spec.key);
	X509_free(cert);
}

static int issue_error(void)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;
	int r = weft_ca_issue(ca, CART, 0, &svid, &err);

	if (!r)
		weft_svid_put(svid);
	weft_ca_close(ca);
	return r;
}

/* ---- clocks and ends ---- */

static void next_root_that_is_not_valid_now_is_not_activated(void **state)
{
	static const int64_t validity[][2] = { { DAY, 900 * DAY }, { -900 * DAY, -1 } };

	for (size_t i = 0; i < 2; i++) {
		prepare();
		put_root("ca/next.crt", "ca/next.key", validity[i][0], validity[i][1]);
		assert_int_equal(weft_ca_activate(in_dir("ca"), &proven, &err), -EKEYREJECTED);
		assert_says("/ca/next.crt: not valid now, but from 20");
		assert_says("set the clock, or take it back (weftctl ca rotate abort)");
		assert_step(WEFT_CA_PREPARED, 2);
		assert_false(is_there("ca/old.crt"));
		assert_false(is_there("ca/old.key"));
		done(weft_ca_abort(in_dir("ca"), &err));
	}
	prepare();
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
}

static void root_that_expired_gives_way_to_the_next_one(void **state)
{
	prepare();
	put_root("ca/ca.crt", "ca/ca.key", -900 * DAY, -1);
	assert_int_equal(issue_error(), -EKEYEXPIRED);
	assert_says("let the next one sign (weftctl ca rotate activate)");
	activate();
	assert_step(WEFT_CA_ACTIVATED, 2);
	done(weft_ca_finish(in_dir("ca"), time(NULL), &err));
	assert_step(WEFT_CA_STEADY, 1);
}

static void certificate_made_anew_does_not_end_a_rotation(void **state)
{
	prepare();
	assert_int_equal(unlink(in_dir("ca/ca.crt")), 0);
	assert_step(WEFT_CA_PREPARED, 2); /* also for who makes it */
	activate();
	assert_int_equal(unlink(in_dir("ca/ca.crt")), 0);
	assert_step(WEFT_CA_ACTIVATED, 2);
}

/* ---- files that somebody removed ---- */

static void end_that_got_lost_is_settled_by_finish(void **state)
{
	int64_t now = time(NULL);

	issue(60);
	prepare();
	activate();
	assert_int_equal(unlink(in_dir("ca/issued")), 0);
	assert_int_equal(weft_ca_finish(in_dir("ca"), now, &err), -EBUSY);
	assert_int_equal(until_of("ca/old.crt"), now + 90 * DAY);
	/* Not 90 days from then. */
	assert_int_equal(weft_ca_finish(in_dir("ca"), now + 90 * DAY, &err), -EBUSY);
	done(weft_ca_finish(in_dir("ca"), now + 90 * DAY + 1, &err));
	assert_step(WEFT_CA_STEADY, 1);
}

static void without_the_key_of_the_old_root_the_new_one_signs(void **state)
{
	struct weft_svid *svid;
	struct weft_ca *ca;
	X509 *root = NULL;

	issue(7200);
	prepare();
	activate();
	ca = open_ca();
	assert_int_equal(unlink(in_dir("ca/old.key")), 0);
	done(weft_ca_issue_known(ca, CART, DAY, &svid, &root, &err));
	assert_ptr_equal(root, weft_ca_cert(ca));
	assert_int_equal(X509_verify(svid->cert, X509_get0_pubkey(root)), 1);
	weft_svid_put(svid);
	/* One that is there and no key is told, as ever. */
	root = NULL;
	assert_int_equal(weft_file_write(in_dir("ca/old.key"), "x", 1, 0600, NULL), 0);
	assert_int_equal(weft_ca_issue_known(ca, CART, DAY, &svid, &root, &err), -EBADMSG);
	assert_says("/ca/old.key");
	assert_null(root);
	weft_ca_close(ca);
}

/* ---- what is told ---- */

static void assert_quiet_refresh(struct weft_source *source, int expected)
{
	struct weft_bundle *bundle;

	err.text[0] = '\0';
	assert_int_equal(weft_source_refresh(source, &err), expected);
	assert_string_equal(err.text, "");
	assert_int_equal(weft_source_bundle(source, &bundle, NULL), 0);
	weft_bundle_put(bundle);
	assert_int_equal(weft_source_refresh(source, &err), 0);
	assert_string_equal(err.text, "");
}

static void source_has_no_problem_with_a_rotation(void **state)
{
	struct weft_source *source;

	assert_int_equal(weft_source_ca_create(open_ca(), &source, NULL), 0);
	assert_quiet_refresh(source, 0);
	prepare();
	assert_quiet_refresh(source, 1);
	activate();
	assert_quiet_refresh(source, 1);
	done(weft_ca_finish(in_dir("ca"), time(NULL), &err));
	assert_quiet_refresh(source, 1);
	weft_source_destroy(source);
}

/* ---- a directory that others have ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int lock_dir(void)
{
	int fd = open(in_dir("ca"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void who_signs_waits_a_second_for_the_lock(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;
	int fd = lock_dir();
	int64_t begin = now_ms();

	assert_int_equal(weft_ca_issue(ca, CART, 0, &svid, &err), -EBUSY);
	assert_in_range(now_ms() - begin, WEFT_CA_LOCK_SHORT, 10 * WEFT_CA_LOCK_SHORT);
	assert_says("/ca: locked by another process: if it is not at work, end it");
	close(fd);
	done(weft_ca_issue(ca, CART, 0, &svid, &err));
	weft_svid_put(svid);
	weft_ca_close(ca);
}

/* Its owner has a watchdog, and perhaps a thousand identities. */
static void source_waits_once_for_the_lock(void **state)
{
	struct weft_source *source;
	struct weft_svid *svid;
	int64_t begin;
	int fd;

	assert_int_equal(weft_source_ca_create(open_ca(), &source, NULL), 0);
	assert_quiet_refresh(source, 0);
	prepare(); /* there is something to look at */
	fd = lock_dir();
	begin = now_ms();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(weft_source_svid(source, CART, 60, &svid, &err), -EBUSY);
		assert_says("/ca: locked by another process");
	}
	assert_true(now_ms() - begin < 10 * WEFT_CA_LOCK_SHORT);
	err.text[0] = '\0';
	assert_int_equal(weft_source_refresh(source, &err), 0);
	assert_says("/ca: locked by another process");
	close(fd);
	assert_quiet_refresh(source, 1);
	done(weft_source_svid(source, CART, 60, &svid, &err));
	weft_svid_put(svid);
	weft_source_destroy(source);
}

/* Each file that is to be made: EROFS. For good: in a process of its own. */
static void refuse_new_files(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EROFS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(2);
}

static void directory_that_cannot_be_written_is_told_with_the_way_out(void **state)
{
	struct weft_ca *ca = open_ca();
	struct weft_svid *svid;
	int status, r;
	pid_t pid = fork();

	if (!pid) {
		refuse_new_files();
		r = weft_ca_issue(ca, CART, 0, &svid, &err);
		if (r == -EROFS &&
		    strstr(err.text, "/ca must be writable (ReadWritePaths= of the unit): /"))
			_exit(0);
		fprintf(stderr, "%d: %s\n", r, err.text);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	weft_ca_close(ca);
}

/* ---- who uses it ---- */

static void files_of_users_that_ended_are_swept_by_the_next_one(void **state)
{
	struct weft_ca_user *user, *other;
	const char *ca = in_dir("ca");
	int status;

	done(weft_ca_user_open(ca, &other, &err));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(weft_ca_user_open(ca, &user, NULL) != 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	done(weft_ca_user_open(ca, &user, &err));
	weft_ca_user_close(user);
	assert_int_not_equal(rmdir(in_dir("ca/users")), 0); /* the one that runs */
	weft_ca_user_close(other);
	assert_int_equal(rmdir(in_dir("ca/users")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROTATED(next_root_that_is_not_valid_now_is_not_activated),
		ROTATED(root_that_expired_gives_way_to_the_next_one),
		ROTATED(certificate_made_anew_does_not_end_a_rotation),
		ROTATED(end_that_got_lost_is_settled_by_finish),
		ROTATED(without_the_key_of_the_old_root_the_new_one_signs),
		ROTATED(source_has_no_problem_with_a_rotation),
		ROTATED(who_signs_waits_a_second_for_the_lock),
		ROTATED(source_waits_once_for_the_lock),
		ROTATED(directory_that_cannot_be_written_is_told_with_the_way_out),
		ROTATED(files_of_users_that_ended_are_swept_by_the_next_one),
	};

	return cmocka_run_group_tests_name("pki_rotate_trouble", tests, NULL, NULL);
}
