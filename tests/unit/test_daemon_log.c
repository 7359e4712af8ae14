// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's log: nobody waits for journald, and what it did not take is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include "daemon/log.h"

#define MANY 100000

static int real_stderr, reader;

/* stderr is @fd from now on. */
static void take_over(int fd)
{
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
}

static int setup(void **state)
{
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return real_stderr < 0;
}

static int teardown(void **state)
{
	take_over(real_stderr);
	unsetenv("JOURNAL_STREAM");
	alarm(0);
	return 0;
}

static void stream(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	reader = fds[0];
	take_over(fds[1]);
}

/* What has come; how many lines. */
static unsigned int read_all(char *buf, size_t size)
{
	unsigned int lines = 0;
	size_t len = 0;
	ssize_t n;

	while ((n = recv(reader, buf + len, size - 1 - len, MSG_DONTWAIT)) > 0)
		len += n;
	buf[len] = '\0';
	for (const char *at = buf; (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

static void lines_go_to_journald_with_their_priority(void **state)
{
	char buf[256];

	stream();
	setenv("JOURNAL_STREAM", "1:2", 1);
	weft_log_warning("%s of %d", "one", 2);
	unsetenv("JOURNAL_STREAM");
	weft_log_info("three");
	read_all(buf, sizeof(buf));
	close(reader);
	assert_string_equal(buf, "<4>one of 2\nthree\n");
}

static void a_journald_that_hangs_is_not_waited_for_and_what_it_missed_is_told(void **state)
{
	static char buf[16 << 20];
	unsigned int taken, missing;
	char *end;

	stream();
	alarm(20); /* it would wait for ever */
	for (int i = 0; i < MANY; i++)
		weft_log_info("line %d", i);
	taken = read_all(buf, sizeof(buf));
	assert_true(taken && taken < MANY);
	weft_log_info("after");
	assert_int_equal(read_all(buf, sizeof(buf)), 2);
	missing = strtoul(buf, &end, 10);
	assert_int_equal(taken + missing, MANY);
	assert_string_equal(end, " lines of this log are missing here: nobody took them\nafter\n");
	weft_log_info("and on");
	read_all(buf, sizeof(buf));
	close(reader);
	assert_string_equal(buf, "and on\n");
}

static void what_is_no_socket_gets_every_line(void **state)
{
	char buf[64];
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	take_over(fds[1]);
	weft_log_info("one");
	weft_log_info("two");
	n = read(fds[0], buf, sizeof(buf) - 1);
	close(fds[0]);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, "one\ntwo\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_go_to_journald_with_their_priority),
		TEST(a_journald_that_hangs_is_not_waited_for_and_what_it_missed_is_told),
		TEST(what_is_no_socket_gets_every_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
