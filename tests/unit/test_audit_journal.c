// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What journald is sent, and what becomes of it when there is none, or none that reads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include "audit/audit.h"
#include "audit/journal.h"

#define MANY 100000

static char dir[] = "/tmp/weft-test-XXXXXX", path[64];
static struct weft_journal journal;
static char large[4 << 20];

static int receiver(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int send_one(const char *text)
{
	const struct iovec fields[] = { { "MESSAGE=hello", 13 }, { (char *)text, strlen(text) } };

	return weft_journal_send(fields, 2, &journal);
}

static void assert_received(int fd, const char *text)
{
	char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	journal = (struct weft_journal){ .path = path, .fd = -1 };
	return 0;
}

static int teardown(void **state)
{
	weft_journal_close(&journal);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void a_record_is_a_datagram_of_lines(void **state)
{
	int fd = receiver();

	assert_int_equal(send_one("WEFT_CONN=1"), 0);
	assert_int_equal(send_one("WEFT_CONN=2"), 0);
	assert_received(fd, "MESSAGE=hello\nWEFT_CONN=1\n");
	assert_received(fd, "MESSAGE=hello\nWEFT_CONN=2\n");
	close(fd);
}

static void without_a_journal_it_says_so(void **state)
{
	int fd;

	assert_int_equal(send_one("A=1"), -ENOENT);
	fd = receiver();
	close(fd);
	assert_int_equal(send_one("A=1"), -ECONNREFUSED);
}

static void a_new_journal_is_found(void **state)
{
	int fd = receiver();

	assert_int_equal(send_one("A=1"), 0);
	close(fd);
	assert_int_equal(send_one("A=2"), -ECONNREFUSED);
	fd = receiver();
	assert_int_equal(send_one("A=3"), 0);
	assert_received(fd, "MESSAGE=hello\nA=3\n");
	close(fd);
}

static void a_journal_that_does_not_read_is_not_waited_for(void **state)
{
	int fd = receiver(), r = 0, n;

	alarm(20); /* it would wait for ever */
	for (n = 0; n < MANY && !r; n++)
		r = send_one("A=1");
	assert_int_equal(r, -EAGAIN);
	assert_received(fd, "MESSAGE=hello\nA=1\n");
	assert_int_equal(send_one("A=2"), 0);
	alarm(0);
	close(fd);
}

static void what_is_no_record_is_refused_for_good(void **state)
{
	const struct iovec fields[] = { { large, sizeof(large) }, { large, sizeof(large) },
					{ large, sizeof(large) }, { large, sizeof(large) },
					{ large, sizeof(large) } };
	struct iovec many[65];
	int fd = receiver();

	assert_int_equal(send_one("A=1\nB=2"), -EINVAL);
	memset(large, 'x', sizeof(large));
	assert_int_equal(weft_journal_send(fields, 5, &journal), -EMSGSIZE);
	for (int i = 0; i < 65; i++)
		many[i] = (struct iovec){ "A=1", 3 };
	assert_int_equal(weft_journal_send(many, 65, &journal), -EINVAL);
	assert_int_equal(weft_journal_send(many, 64, &journal), 0);
	close(fd);
}

static void a_path_that_is_too_long_is_not_cut_off(void **state)
{
	memset(large, 'x', 200);
	large[200] = '\0';
	journal.path = large;
	assert_int_equal(send_one("A=1"), -ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_a_datagram_of_lines),
		TEST(without_a_journal_it_says_so),
		TEST(a_new_journal_is_found),
		TEST(a_journal_that_does_not_read_is_not_waited_for),
		TEST(what_is_no_record_is_refused_for_good),
		TEST(a_path_that_is_too_long_is_not_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
