// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nl: each object into a message and out of it again; malformed messages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "nl/nl_wire.h"

static struct nl_msg *msg;

static int setup(void **state)
{
	msg = nlmsg_alloc_size(WEFT_NL_ROOM_OBJECT);
	return msg && nlmsg_put(msg, 0, 0, 40, 0, 0) ? 0 : -1;
}

static int teardown(void **state)
{
	nlmsg_free(msg);
	return 0;
}

/* The one top level attribute of the message. */
static struct nlattr *top(int type)
{
	return nlmsg_find_attr(nlmsg_hdr(msg), 0, type);
}

static struct weft_addr addr_of(const char *text)
{
	struct weft_addr addr;

	assert_int_equal(weft_addr_parse(&addr, text), 0);
	return addr;
}

#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_workload_survives(void **state)
{
	struct weft_nl_selector selectors[] = {
		{ .unit = "nginx.service", .has_uid = true, .uid = 0 },
		{ .cgroup = "/a/b", .exe = "/usr/bin/x", .container = "0123456789ab",
		  .sha256 = SHA256 },
		{ .has_uid = true, .uid = 4294967294 },
	};
	struct weft_nl_port_mode ports[] = { { 80, WEFT_MODE_PERMISSIVE },
					     { 65535, WEFT_MODE_DISABLED } };
	struct weft_nl_workload in = { .name = "web", .identity = "spiffe://x/web",
				       .mode = WEFT_MODE_STRICT, .selectors = selectors,
				       .n_selectors = 3, .ports = ports, .n_ports = 2 };
	_cleanup_(weft_nl_workload_uninit) struct weft_nl_workload out = { 0 };

	assert_int_equal(weft_nl_workload_put(msg, &in), 0);
	assert_int_equal(weft_nl_workload_parse(top(WEFT_A_WORKLOAD), &out), 0);
	assert_string_equal(out.name, "web");
	assert_string_equal(out.identity, "spiffe://x/web");
	assert_int_equal(out.mode, WEFT_MODE_STRICT);
	assert_int_equal(out.n_selectors, 3);
	assert_string_equal(out.selectors[0].unit, "nginx.service");
	assert_true(out.selectors[0].has_uid);
	assert_int_equal(out.selectors[0].uid, 0);
	assert_null(out.selectors[0].cgroup);
	assert_null(out.selectors[0].exe);
	assert_string_equal(out.selectors[1].cgroup, "/a/b");
	assert_string_equal(out.selectors[1].exe, "/usr/bin/x");
	assert_string_equal(out.selectors[1].container, "0123456789ab");
	assert_string_equal(out.selectors[1].sha256, SHA256);
	assert_false(out.selectors[1].has_file);
	assert_null(out.selectors[0].sha256);
	assert_null(out.selectors[0].container);
	assert_false(out.selectors[1].has_uid);
	assert_true(out.selectors[2].uid == 4294967294);
	assert_int_equal(out.n_ports, 2);
	assert_int_equal(out.ports[1].port, 65535);
	assert_int_equal(out.ports[1].mode, WEFT_MODE_DISABLED);
}

/* Of the first selector in the message. */
static void parse_selector(struct nlattr **tb)
{
	struct nlattr *workload[WEFT_WORKLOAD_A_MAX + 1], *list[WEFT_LIST_A_MAX + 1];

	assert_int_equal(nla_parse_nested(workload, WEFT_WORKLOAD_A_MAX, top(WEFT_A_WORKLOAD),
					  NULL), 0);
	assert_int_equal(nla_parse_nested(list, WEFT_LIST_A_MAX,
					  workload[WEFT_WORKLOAD_A_SELECTORS], NULL), 0);
	assert_int_equal(nla_parse_nested(tb, WEFT_SELECTOR_A_MAX, list[WEFT_LIST_A_ITEM], NULL),
			 0);
}

/* What is sent only: the file goes with what it had when its hash was taken. */
static void a_file_goes_along(void **state)
{
	struct weft_nl_selector selector = { .exe = "/usr/bin/x", .sha256 = SHA256,
					     .has_fd = true, .fd = 7, .size = 1ULL << 40,
					     .mtime = -5 };
	struct weft_nl_workload in = { .name = "web", .identity = "spiffe://x/web",
				       .selectors = &selector, .n_selectors = 1 };
	struct nlattr *tb[WEFT_SELECTOR_A_MAX + 1];
	static const uint8_t begin[] = { 0x01, 0x23, 0x45 };

	assert_int_equal(weft_nl_workload_put(msg, &in), 0);
	parse_selector(tb);
	assert_int_equal(nla_len(tb[WEFT_SELECTOR_A_EXE_SHA256]), WEFT_SHA256_SIZE);
	assert_memory_equal(nla_data(tb[WEFT_SELECTOR_A_EXE_SHA256]), begin, sizeof(begin));
	assert_int_equal(nla_get_s32(tb[WEFT_SELECTOR_A_EXE_FD]), 7);
	assert_true(nla_get_u64(tb[WEFT_SELECTOR_A_EXE_SIZE]) == 1ULL << 40);
	assert_true(nla_get_u64(tb[WEFT_SELECTOR_A_EXE_MTIME]) == (uint64_t)-5);
}

static void no_file_no_descriptor(void **state)
{
	struct weft_nl_selector selector = { .exe = "/usr/bin/x", .sha256 = SHA256, .fd = 7,
					     .size = 1 };
	struct weft_nl_workload in = { .name = "web", .identity = "spiffe://x/web",
				       .selectors = &selector, .n_selectors = 1 };
	struct nlattr *tb[WEFT_SELECTOR_A_MAX + 1];

	assert_int_equal(weft_nl_workload_put(msg, &in), 0);
	parse_selector(tb);
	assert_non_null(tb[WEFT_SELECTOR_A_EXE_SHA256]);
	assert_null(tb[WEFT_SELECTOR_A_EXE_FD]);
	assert_null(tb[WEFT_SELECTOR_A_EXE_SIZE]);
	assert_null(tb[WEFT_SELECTOR_A_EXE_MTIME]);
}

static void a_hash_that_is_none_is_not_sent(void **state)
{
	struct weft_nl_selector selector = { .exe = "/usr/bin/x", .sha256 = "0123" };
	struct weft_nl_workload in = { .name = "web", .identity = "spiffe://x/web",
				       .selectors = &selector, .n_selectors = 1 };

	assert_true(weft_nl_workload_put(msg, &in) < 0);
}

static void a_service_survives(void **state)
{
	struct weft_addr addresses[] = { addr_of("240.0.0.1"), addr_of("fd00::1") };
	struct weft_nl_service_port ports[] = { { 80, 8080 }, { 443, 0 } };
	char *identities[] = { "spiffe://x/*", "spiffe://x/web" };
	struct weft_nl_service in = { .name = "web", .addresses = addresses, .n_addresses = 2,
				      .ports = ports, .n_ports = 2, .identities = { identities, 2 },
				      .connect_timeout = 600000 };
	_cleanup_(weft_nl_service_uninit) struct weft_nl_service out = { 0 };

	assert_int_equal(weft_nl_service_put(msg, &in), 0);
	assert_int_equal(weft_nl_service_parse(top(WEFT_A_SERVICE), &out), 0);
	assert_string_equal(out.name, "web");
	assert_int_equal(out.n_addresses, 2);
	assert_true(weft_addr_equal(&out.addresses[0], &addresses[0]));
	assert_true(weft_addr_equal(&out.addresses[1], &addresses[1]));
	assert_int_equal(out.n_ports, 2);
	assert_int_equal(out.ports[0].target, 8080);
	assert_int_equal(out.ports[1].port, 443);
	assert_int_equal(out.ports[1].target, 0);
	assert_true(weft_strv_equal(&out.identities, &in.identities));
	assert_int_equal(out.connect_timeout, 600000);
}

static void an_endpoint_survives(void **state)
{
	struct weft_nl_endpoint in = { .service = "web", .addr = addr_of("[fd00::2]:65535"),
				       .weight = WEFT_WEIGHT_MAX };
	_cleanup_(weft_nl_endpoint_uninit) struct weft_nl_endpoint out = { 0 };

	assert_int_equal(weft_nl_endpoint_put(msg, &in), 0);
	assert_int_equal(weft_nl_endpoint_parse(top(WEFT_A_ENDPOINT), &out), 0);
	assert_string_equal(out.service, "web");
	assert_true(weft_addr_equal(&out.addr, &in.addr));
	assert_int_equal(out.weight, WEFT_WEIGHT_MAX);
}

static void a_policy_survives_with_its_empty_rules(void **state)
{
	char *identities[] = { "spiffe://x/a*" };
	uint16_t ports[] = { 1, 65535 };
	struct weft_network networks[] = { { .len = 0 }, { .ip = { 0xfd }, .len = 8 } };
	struct weft_nl_rule rules[] = { { .identities = { identities, 1 }, .ports = ports,
					  .n_ports = 2, .networks = networks,
					  .n_networks = 2 },
					{ .n_ports = 0 },
					{ .ports = ports, .n_ports = 1 } };
	struct weft_nl_policy in = { .name = "p", .action = WEFT_ACTION_AUDIT, .workload = "web",
				     .scope = { .identities = { identities, 1 },
						.ports = ports, .n_ports = 2 },
				     .rules = rules, .n_rules = 3 };
	_cleanup_(weft_nl_policy_uninit) struct weft_nl_policy out = { 0 };

	assert_int_equal(weft_nl_policy_put(msg, &in), 0);
	assert_int_equal(weft_nl_policy_parse(top(WEFT_A_POLICY), &out), 0);
	assert_string_equal(out.name, "p");
	assert_string_equal(out.workload, "web");
	assert_int_equal(out.action, WEFT_ACTION_AUDIT);
	assert_true(weft_strv_equal(&out.scope.identities, &in.scope.identities));
	assert_int_equal(out.scope.n_ports, 2);
	assert_memory_equal(out.scope.ports, ports, sizeof(ports));
	assert_int_equal(out.n_rules, 3);
	assert_true(weft_strv_equal(&out.rules[0].identities, &rules[0].identities));
	assert_int_equal(out.rules[0].n_ports, 2);
	assert_int_equal(out.rules[0].ports[1], 65535);
	assert_int_equal(out.rules[0].n_networks, 2);
	assert_memory_equal(out.rules[0].networks, networks, sizeof(networks));
	assert_int_equal(out.rules[1].n_networks, 0);
	assert_int_equal(out.rules[1].identities.count, 0);
	assert_int_equal(out.rules[1].n_ports, 0);
	assert_int_equal(out.rules[2].ports[0], 1);
}

static void a_revocation_survives(void **state)
{
	char *identities[] = { "spiffe://x/a", "spiffe://y/b" }, *serials[] = { "0a1b" };
	struct weft_nl_revocation in = { .name = "r", .identities = { identities, 2 },
					 .serials = { serials, 1 } };
	_cleanup_(weft_nl_revocation_uninit) struct weft_nl_revocation out = { 0 };

	assert_int_equal(weft_nl_revocation_put(msg, &in), 0);
	assert_int_equal(weft_nl_revocation_parse(top(WEFT_A_REVOCATION), &out), 0);
	assert_string_equal(out.name, "r");
	assert_true(weft_strv_equal(&out.identities, &in.identities));
	assert_true(weft_strv_equal(&out.serials, &in.serials));
}

static void what_is_not_given_is_not_sent(void **state)
{
	struct weft_nl_policy policy = { .name = "p" };
	struct weft_nl_service service = { .name = "s" };
	_cleanup_(weft_nl_policy_uninit) struct weft_nl_policy out = { 0 };
	struct nlattr *nest;

	assert_int_equal(weft_nl_policy_put(msg, &policy), 0);
	assert_int_equal(weft_nl_service_put(msg, &service), 0);
	nest = top(WEFT_A_SERVICE);
	assert_int_equal(nla_len(nest), NLA_ALIGN(nla_attr_size(2)));
	assert_int_equal(weft_nl_policy_parse(top(WEFT_A_POLICY), &out), 0);
	assert_null(out.workload);
	assert_int_equal(out.scope.identities.count, 0);
	assert_int_equal(out.scope.n_ports, 0);
	assert_int_equal(out.n_rules, 0);
	assert_int_equal(out.action, WEFT_ACTION_ALLOW);
}

/* Every nest has the flag without which a strict kernel refuses it. */
static void every_nest_says_that_it_is_one(void **state)
{
	struct weft_nl_service_port ports[] = { { 80, 8080 } };
	struct weft_nl_service in = { .name = "s", .ports = ports, .n_ports = 1 };
	struct nlattr *nest, *list, *item;

	assert_int_equal(weft_nl_service_put(msg, &in), 0);
	nest = top(WEFT_A_SERVICE);
	list = nla_find(nla_data(nest), nla_len(nest), WEFT_SERVICE_A_PORTS);
	item = nla_find(nla_data(list), nla_len(list), WEFT_LIST_A_ITEM);
	assert_true(nest->nla_type & NLA_F_NESTED);
	assert_true(list->nla_type & NLA_F_NESTED);
	assert_true(item->nla_type & NLA_F_NESTED);
}

static void an_object_of_more_than_64_kib_is_refused(void **state)
{
	char path[WEFT_SELECTOR_MAX + 1];
	struct weft_nl_selector selectors[40];
	struct weft_nl_workload in = { .name = "big", .identity = "spiffe://x/big",
				       .selectors = selectors, .n_selectors = 40 };
	size_t i;

	memset(path, 'a', WEFT_SELECTOR_MAX);
	path[0] = '/';
	path[WEFT_SELECTOR_MAX] = '\0';
	for (i = 0; i < 40; i++)
		selectors[i] = (struct weft_nl_selector){ .cgroup = path, .exe = path };
	assert_int_equal(weft_nl_workload_put(msg, &in), -EMSGSIZE);
	in.n_selectors = 30;
	teardown(NULL);
	setup(NULL);
	assert_int_equal(weft_nl_workload_put(msg, &in), 0);
}

static void a_peer_survives(void **state)
{
	struct weft_network networks[] = { { .len = 0 },
					   { .ip = { [10] = 0xff, 0xff, 10 }, .len = 104 } };
	struct weft_nl_peer in = { .name = "rack", .networks = networks, .n_networks = 2 };
	_cleanup_(weft_nl_peer_uninit) struct weft_nl_peer out = { 0 };

	assert_int_equal(weft_nl_peer_put(msg, &in), 0);
	assert_int_equal(weft_nl_peer_parse(top(WEFT_A_PEER), &out), 0);
	assert_string_equal(out.name, "rack");
	assert_int_equal(out.n_networks, 2);
	assert_memory_equal(out.networks, networks, sizeof(networks));
}

static void put_addr(int ip, int port, const char *text)
{
	struct weft_addr addr = addr_of(text);

	assert_int_equal(weft_nl_put_ip(msg, ip, &addr), 0);
	assert_int_equal(nla_put_u16(msg, port, addr.port), 0);
}

static void put_conn_strings(void)
{
	nla_put_string(msg, WEFT_CONN_A_SERVICE, "web");
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD, "shop");
	nla_put_string(msg, WEFT_CONN_A_IDENTITY, "spiffe://x/shop");
	nla_put_string(msg, WEFT_CONN_A_PEER_IDENTITY, "spiffe://x/web");
	nla_put_string(msg, WEFT_CONN_A_POLICY, "p");
	nla_put_string(msg, WEFT_CONN_A_AUDIT, "q");
	nla_put_string(msg, WEFT_CONN_A_PEER_SERIAL, "0a1b");
	nla_put_string(msg, WEFT_CONN_A_REVOCATION, "r");
	nla_put_string(msg, WEFT_CONN_A_REGISTERED, "n");
	nla_put_string(msg, WEFT_CONN_A_DETAIL, "why");
	nla_put_string(msg, WEFT_CONN_A_CIPHER, "TLS_AES_128_GCM_SHA256");
	nla_put_string(msg, WEFT_CONN_A_COMM, "curl");
	nla_put_string(msg, WEFT_CONN_A_CGROUP, "/a");
}

static void put_conn(void)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN), *list, *item;
	char *may[] = { "spiffe://x/web" };
	struct weft_strv identities = { may, 1 };

	nla_put_u64(msg, WEFT_CONN_A_ID, UINT64_MAX);
	nla_put_u32(msg, WEFT_CONN_A_ROLE, WEFT_ROLE_SERVER);
	nla_put_u32(msg, WEFT_CONN_A_STATE, WEFT_CONN_DEAD);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_PERMISSIVE);
	put_addr(WEFT_CONN_A_LOCAL, WEFT_CONN_A_LOCAL_PORT, "10.0.0.1:1");
	put_addr(WEFT_CONN_A_REMOTE, WEFT_CONN_A_REMOTE_PORT, "10.0.0.2:2");
	put_addr(WEFT_CONN_A_ASKED, WEFT_CONN_A_ASKED_PORT, "[fd00::3]:3");
	put_conn_strings();
	nla_put_u64(msg, WEFT_CONN_A_GENERATION, 4);
	nla_put_u32(msg, WEFT_CONN_A_ERRNO, EACCES);
	nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_POLICY_DENIED);
	nla_put_u32(msg, WEFT_CONN_A_REVOKED, WEFT_REVOKED_SERIAL);
	nla_put_u32(msg, WEFT_CONN_A_PID, 5);
	nla_put_u32(msg, WEFT_CONN_A_UID, 6);
	nla_put_u64(msg, WEFT_CONN_A_AGE, 7);
	nla_put_u32(msg, WEFT_CONN_A_DEADLINE, 8);
	weft_nl_put_strv(msg, WEFT_CONN_A_IDENTITIES, &identities);
	list = weft_nl_nest(msg, WEFT_CONN_A_ATTEMPTS);
	item = weft_nl_nest(msg, WEFT_LIST_A_ITEM);
	put_addr(WEFT_ATTEMPT_A_ADDRESS, WEFT_ATTEMPT_A_PORT, "10.0.0.9:9");
	nla_put_u32(msg, WEFT_ATTEMPT_A_REASON, WEFT_REASON_SILENT);
	nla_put_u32(msg, WEFT_ATTEMPT_A_ERRNO, ETIMEDOUT);
	weft_nl_nest_end(msg, item);
	weft_nl_nest_end(msg, list);
	weft_nl_nest_end(msg, nest);
}

static void every_field_of_a_connection_is_taken(void **state)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn c = { 0 };
	char buf[WEFT_ADDR_TEXT_MAX];

	put_conn();
	assert_int_equal(weft_nl_conn_parse(top(WEFT_A_CONN), &c), 0);
	assert_true(c.id == UINT64_MAX);
	assert_int_equal(c.role, WEFT_ROLE_SERVER);
	assert_int_equal(c.state, WEFT_CONN_DEAD);
	assert_int_equal(c.mode, WEFT_MODE_PERMISSIVE);
	assert_string_equal(weft_addr_format(&c.local, buf), "10.0.0.1:1");
	assert_string_equal(weft_addr_format(&c.remote, buf), "10.0.0.2:2");
	assert_string_equal(weft_addr_format(&c.asked, buf), "[fd00::3]:3");
	assert_string_equal(c.service, "web");
	assert_string_equal(c.workload, "shop");
	assert_string_equal(c.identity, "spiffe://x/shop");
	assert_string_equal(c.peer_identity, "spiffe://x/web");
	assert_string_equal(c.peer_serial, "0a1b");
	assert_int_equal(c.revoked, WEFT_REVOKED_SERIAL);
	assert_string_equal(c.revocation, "r");
	assert_string_equal(c.registered, "n");
	assert_string_equal(c.policy, "p");
	assert_string_equal(c.audit, "q");
	assert_string_equal(c.detail, "why");
	assert_string_equal(c.cipher, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(c.comm, "curl");
	assert_string_equal(c.cgroup, "/a");
	assert_int_equal(c.generation, 4);
	assert_int_equal(c.error, EACCES);
	assert_int_equal(c.reason, WEFT_REASON_POLICY_DENIED);
	assert_int_equal(c.pid, 5);
	assert_int_equal(c.uid, 6);
	assert_int_equal(c.age, 7);
	assert_int_equal(c.deadline, 8);
	assert_int_equal(c.identities.count, 1);
	assert_string_equal(c.identities.items[0], "spiffe://x/web");
	assert_int_equal(c.n_attempts, 1);
	assert_string_equal(weft_addr_format(&c.attempts[0].addr, buf), "10.0.0.9:9");
	assert_int_equal(c.attempts[0].reason, WEFT_REASON_SILENT);
	assert_int_equal(c.attempts[0].error, ETIMEDOUT);
}

static void a_connection_with_nothing_but_its_number_has_no_strings(void **state)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn c = { 0 };
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u64(msg, WEFT_CONN_A_ID, 1);
	nla_put_string(msg, WEFT_CONN_A_SERVICE, "");
	weft_nl_nest_end(msg, nest);
	assert_int_equal(weft_nl_conn_parse(top(WEFT_A_CONN), &c), 0);
	assert_null(c.service);
	assert_null(c.detail);
	assert_int_equal(c.local.port, 0);
	assert_int_equal(c.n_attempts, 0);
}

/*
 * Whatever is cut off, flipped or stretched: an error or an object, no harm
 * (valgrind and the sanitizers look), and nothing is written on an error.
 */
static void mangled_connections_do_no_harm(void **state)
{
	unsigned int seed = 1, i, k, refused = 0;
	char copy[4096];
	struct nlattr *nest, *bad = (struct nlattr *)copy;
	struct weft_nl_conn c, zero = { 0 };

	put_conn();
	nest = top(WEFT_A_CONN);
	assert_true(nest->nla_len < sizeof(copy));
	for (i = 0; i < 2000; i++) {
		memcpy(copy, nest, nest->nla_len);
		if (i % 3 == 0)
			bad->nla_len = NLA_HDRLEN + rand_r(&seed) % (nest->nla_len - NLA_HDRLEN);
		for (k = 0; i % 3 && k < 1 + i % 5; k++)
			copy[NLA_HDRLEN + rand_r(&seed) % (nest->nla_len - NLA_HDRLEN)] =
				rand_r(&seed);
		c = zero;
		if (weft_nl_conn_parse(bad, &c)) {
			assert_memory_equal(&c, &zero, sizeof(c));
			refused++;
		}
		weft_nl_conn_uninit(&c);
	}
	assert_true(refused > 100);
	assert_int_equal(weft_nl_conn_parse(NULL, &c), -EPROTO);
}

static void short_attributes_are_refused(void **state)
{
	struct weft_nl_endpoint e = { 0 };
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_ENDPOINT);

	nla_put_string(msg, WEFT_ENDPOINT_A_SERVICE, "web");
	nla_put(msg, WEFT_ENDPOINT_A_ADDRESS, 4, "\n\0\0\1");
	weft_nl_nest_end(msg, nest);
	assert_int_equal(weft_nl_endpoint_parse(top(WEFT_A_ENDPOINT), &e), -EPROTO);
	assert_null(e.service);
}

#define with_msg(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_msg(a_workload_survives),
		with_msg(a_file_goes_along),
		with_msg(no_file_no_descriptor),
		with_msg(a_hash_that_is_none_is_not_sent),
		with_msg(a_service_survives),
		with_msg(an_endpoint_survives),
		with_msg(a_policy_survives_with_its_empty_rules),
		with_msg(a_revocation_survives),
		with_msg(a_peer_survives),
		with_msg(what_is_not_given_is_not_sent),
		with_msg(every_nest_says_that_it_is_one),
		with_msg(an_object_of_more_than_64_kib_is_refused),
		with_msg(every_field_of_a_connection_is_taken),
		with_msg(a_connection_with_nothing_but_its_number_has_no_strings),
		with_msg(mangled_connections_do_no_harm),
		with_msg(short_attributes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
