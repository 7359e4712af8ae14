// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base/addr: reading and writing addresses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include "base/addr.h"
#include "base/array.h"

static const struct {
	const char *text, *again;
	bool v4;
	uint16_t port;
} good[] = {
	{ "10.0.0.1", "10.0.0.1", true, 0 },
	{ "10.0.0.1:80", "10.0.0.1:80", true, 80 },
	{ "255.255.255.255:65535", "255.255.255.255:65535", true, 65535 },
	{ "0.0.0.0:1", "0.0.0.0:1", true, 1 },
	{ "fd00::1", "fd00::1", false, 0 },
	{ "[fd00::1]", "fd00::1", false, 0 },
	{ "[fd00::1]:80", "[fd00::1]:80", false, 80 },
	{ "FD00:0:0::1", "fd00::1", false, 0 },
	{ "::", "::", false, 0 },
	{ "[::]:7", "[::]:7", false, 7 },
	{ "::ffff:10.0.0.1", "10.0.0.1", true, 0 },
	{ "[::ffff:10.0.0.1]:80", "10.0.0.1:80", true, 80 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false, 0 },
	{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false, 65535 },
};

static const char *const bad[] = {
	"", " ", "10.0.0", "10.0.0.256", "10.0.0.1.2", "10.0.0.1:", "10.0.0.1:0",
	"10.0.0.1:65536", "10.0.0.1:080808", "10.0.0.1:-1", "10.0.0.1:+1", "10.0.0.1: 1",
	"10.0.0.1:8O", "10.0.0.1 ", "010.0.0.1", ":80", "localhost", "localhost:80",
	"fd00::1%eth0", "[fd00::1", "fd00::1]", "[fd00::1]80", "[fd00::1]:", "[fd00::1]:0",
	"[fd00::1]:99999", "[]", "[]:80", "[10.0.0.1]:80", "[fd00::1]:80:80", "fd00::1::2",
	"fd00:::1", "12345::1", "[[fd00::1]]:80",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static void good_addresses_are_read_and_written_back(void **state)
{
	char buf[WEFT_ADDR_TEXT_MAX];
	struct weft_addr addr;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(good); i++) {
		memset(&addr, 0xaa, sizeof(addr));
		assert_int_equal(weft_addr_parse(&addr, good[i].text), 0);
		assert_int_equal(addr.port, good[i].port);
		assert_int_equal(weft_addr_is_v4(&addr), good[i].v4);
		assert_string_equal(weft_addr_format(&addr, buf), good[i].again);
	}
}

static void bad_addresses_are_refused_and_nothing_is_written(void **state)
{
	struct weft_addr addr, before;
	size_t i;

	memset(&before, 0x5a, sizeof(before));
	for (i = 0; i < WEFT_ARRAY_SIZE(bad); i++) {
		addr = before;
		if (weft_addr_parse(&addr, bad[i]) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void an_address_without_port_refuses_one(void **state)
{
	struct weft_addr addr;

	assert_int_equal(weft_addr_parse_ip(&addr, "10.0.0.1"), 0);
	assert_int_equal(weft_addr_parse_ip(&addr, "fd00::1"), 0);
	assert_int_equal(weft_addr_parse_ip(&addr, "10.0.0.1:80"), -EINVAL);
	assert_int_equal(weft_addr_parse_ip(&addr, "[fd00::1]:80"), -EINVAL);
	assert_int_equal(weft_addr_parse_ip(&addr, "[fd00::1]"), -EINVAL);
}

static void only_addresses_of_one_host_can_be_used(void **state)
{
	static const char *const fine[] = { "10.0.0.1", "127.0.0.1", "240.0.0.1", "fd00::1", "::1",
					    "fe80::1", "64:ff9b::1" };
	static const char *const not[] = { "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255",
					   "255.255.255.255", "::", "ff02::1", "::10.0.0.1" };
	struct weft_addr addr;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(fine); i++) {
		assert_int_equal(weft_addr_parse(&addr, fine[i]), 0);
		assert_null(weft_addr_problem(&addr));
	}
	for (i = 0; i < WEFT_ARRAY_SIZE(not); i++) {
		assert_int_equal(weft_addr_parse(&addr, not[i]), 0);
		assert_non_null(weft_addr_problem(&addr));
	}
}

static void addresses_are_ordered_by_address_then_port(void **state)
{
	static const char *const order[] = { "10.0.0.1", "10.0.0.1:80", "10.0.0.1:443",
					     "10.0.0.2", "[fd00::1]:1" };
	struct weft_addr a, b;
	size_t i, j;

	for (i = 0; i < WEFT_ARRAY_SIZE(order); i++) {
		for (j = 0; j < WEFT_ARRAY_SIZE(order); j++) {
			weft_addr_parse(&a, order[i]);
			weft_addr_parse(&b, order[j]);
			assert_int_equal(weft_addr_equal(&a, &b), i == j);
			assert_int_equal(weft_addr_compare(&a, &b) < 0, i < j);
		}
	}
}

static void socket_addresses_survive_the_way_there_and_back(void **state)
{
	struct sockaddr_storage ss;
	struct weft_addr addr, again;
	socklen_t len;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(good); i++) {
		weft_addr_parse(&addr, good[i].text);
		len = weft_addr_to_sockaddr(&addr, &ss);
		assert_int_equal(ss.ss_family, good[i].v4 ? AF_INET : AF_INET6);
		assert_int_equal(weft_addr_from_sockaddr(&again, (struct sockaddr *)&ss, len), 0);
		assert_true(weft_addr_equal(&addr, &again));
	}
	assert_int_equal(weft_addr_from_sockaddr(&again, (struct sockaddr *)&ss, 4), -EAFNOSUPPORT);
	ss.ss_family = AF_UNIX;
	assert_int_equal(weft_addr_from_sockaddr(&again, (struct sockaddr *)&ss, sizeof(ss)),
			 -EAFNOSUPPORT);
}

static void networks_are_read_and_written_back(void **state)
{
	static const struct {
		const char *text, *again;
		unsigned int len;
	} networks[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", 104 },	{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "10.1.2.3", "10.1.2.3/32", 128 },	{ "10.1.2.4/30", "10.1.2.4/30", 126 },
		{ "fd00::/8", "fd00::/8", 8 },		{ "::/0", "::/0", 0 },
		{ "FD00::1", "fd00::1/128", 128 },	{ "::1/128", "::1/128", 128 },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", 104 },
	};
	char buf[WEFT_ADDR_TEXT_MAX];
	struct weft_network net;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(networks); i++) {
		assert_int_equal(weft_network_parse(&net, networks[i].text), 0);
		assert_int_equal(net.len, networks[i].len);
		assert_string_equal(weft_network_format(&net, buf), networks[i].again);
	}
}

static void bad_networks_are_refused_and_nothing_is_written(void **state)
{
	static const char *const no_network[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8", "10/8",
		"10.0.0.0/255.0.0.0", "fd00::/129", "fd00::/1000", "[fd00::]/8", "10.0.0.0:80/8",
		"web/8", "10.0.0.0/4294967304",
	};
	static const char *const has_bits[] = { "10.0.0.1/8", "0.0.0.1/0", "10.1.2.5/31",
						"fd00::1/127", "::1/0", "8000::/0",
						"::ffff:10.0.0.0/80" };
	struct weft_network net = { .len = 77 };

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(no_network); i++)
		assert_int_equal(weft_network_parse(&net, no_network[i]), -EINVAL);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(has_bits); i++)
		assert_int_equal(weft_network_parse(&net, has_bits[i]), -EDOM);
	assert_int_equal(net.len, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_read_and_written_back),
		cmocka_unit_test(bad_addresses_are_refused_and_nothing_is_written),
		cmocka_unit_test(an_address_without_port_refuses_one),
		cmocka_unit_test(only_addresses_of_one_host_can_be_used),
		cmocka_unit_test(addresses_are_ordered_by_address_then_port),
		cmocka_unit_test(socket_addresses_survive_the_way_there_and_back),
		cmocka_unit_test(networks_are_read_and_written_back),
		cmocka_unit_test(bad_networks_are_refused_and_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
