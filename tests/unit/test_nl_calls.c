// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nl: requests against a kernel made for tests: replies, errors and their words,
 * dumps that are interrupted, messages that come unasked, descriptors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include "nl/nl_event.h"
#include "nl/nl_flow.h"
#include "nl/nl_generation.h"
#include "nl/nl_handshake.h"
#include "nl_fake.h"

static struct fake fake;
static struct weft_nl *nl;
static struct weft_error err;

static int open_nl(void)
{
	fake_start(&fake);
	err.text[0] = '\0';
	return weft_nl_open_fd(&nl, fake.user_fd, &err);
}

static int setup(void **state)
{
	return open_nl();
}

static int teardown(void **state)
{
	weft_nl_close(nl);
	nl = NULL;
	fake_end(&fake);
	return 0;
}

static void a_missing_module_is_named(void **state)
{
	fake.no_family = true;
	assert_int_equal(open_nl(), -ENOENT);
	assert_string_equal(err.text,
			    "the weft module is not loaded in this kernel (modprobe weft)");
	assert_null(nl);
}

static void another_version_of_the_interface_is_refused(void **state)
{
	fake.abi = WEFT_ABI + 41;
	assert_int_equal(open_nl(), -EPROTONOSUPPORT);
	assert_string_equal(err.text, "the weft module (9.8.7) speaks version 42 of the kernel "
				      "interface, this program version 1: upgrade the older one");
	assert_null(nl);
}

static void the_status_is_complete(void **state)
{
	_cleanup_(weft_nl_status_uninit) struct weft_nl_status s = { 0 };

	fake.workers = 1;
	fake.epoch = UINT64_C(0xfedcba9876543210);
	assert_int_equal(weft_nl_status_get(nl, &s, &err), 0);
	assert_string_equal(s.version, "9.8.7");
	assert_int_equal(s.generation, 3);
	assert_true(s.epoch == UINT64_C(0xfedcba9876543210));
	assert_int_equal(s.workers, 1);
	assert_int_equal(s.workloads, 2);
	assert_int_equal(s.services, 3);
	assert_int_equal(s.endpoints, 4);
	assert_int_equal(s.policies, 5);
	assert_int_equal(s.shadowed, 6);
	assert_int_equal(s.listeners, 7);
	assert_int_equal(s.covered, 14);
	assert_int_equal(s.conns, 8);
	assert_int_equal(s.parked, 9);
	assert_int_equal(s.live, 10);
	assert_int_equal(s.undecided, 11);
	assert_int_equal(s.closing, 12);
	assert_int_equal(s.n_counters, 1);
	assert_string_equal(s.counters[0].name, "failovers");
	assert_true(s.counters[0].value == UINT64_MAX);
}

static void the_kernels_own_words_reach_the_caller(void **state)
{
	fake.error = EBUSY;
	fake.error_text = "socket 7 has transaction 3 open";
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_workload, "web", &err), -EBUSY);
	assert_string_equal(err.text, "socket 7 has transaction 3 open");
	fake.error = EBUSY;
	fake.uncapped = true;
	fake.error_text = "behind the repeated request";
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_workload, "web", &err), -EBUSY);
	assert_string_equal(err.text, "behind the repeated request");
}

static void without_words_the_errno_speaks(void **state)
{
	fake.error = EPERM;
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_workload, "web", &err), -EPERM);
	assert_string_equal(err.text, "not permitted (CAP_NET_ADMIN is needed)");
	fake.error = ENOSPC;
	fake.uncapped = true;
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_workload, "web", &err), -ENOSPC);
	assert_string_equal(err.text, "No space left on device");
	fake.error = EOPNOTSUPP;
	assert_int_equal(weft_nl_selftest_run(nl, NULL), -EOPNOTSUPP);
}

static struct weft_nl_service *service_named(char *name)
{
	static struct weft_nl_service_port port = { .port = 80 };
	static struct weft_nl_service service = { .ports = &port, .n_ports = 1 };

	service.name = name;
	return &service;
}

static int dump_services(weft_nl_object_fn *fn, void *data)
{
	return weft_nl_object_dump(nl, &weft_nl_kind_service, NULL, fn, data, &err);
}

static int count(const void *object, void *data)
{
	const struct weft_nl_service *service = object;
	unsigned int *n = data;

	assert_int_equal(service->owner, WEFT_OWNER_STATIC);
	return ++*n == 99 ? -ECANCELED : 0;
}

static void objects_are_added_found_replaced_and_deleted(void **state)
{
	_cleanup_(weft_nl_service_uninit) struct weft_nl_service out = { 0 };
	unsigned int n = 0;

	assert_int_equal(weft_nl_service_add(nl, service_named("a"), 0, false, &err), 0);
	assert_int_equal(fake.last->nlmsg_flags & (NLM_F_EXCL | NLM_F_REPLACE), NLM_F_EXCL);
	assert_null(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_TRANSACTION));
	assert_int_equal(weft_nl_service_add(nl, service_named("a"), 0, false, &err), -EEXIST);
	assert_int_equal(weft_nl_service_add(nl, service_named("a"), 7, true, &err), 0);
	assert_int_equal(
		nla_get_u32(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_TRANSACTION)), 7);
	assert_int_equal(weft_nl_service_add(nl, service_named("b"), 0, false, &err), 0);
	assert_int_equal(weft_nl_object_get(nl, &weft_nl_kind_service, "b", &out, &err), 0);
	assert_string_equal(out.name, "b");
	assert_int_equal(out.ports[0].port, 80);
	assert_int_equal(dump_services(count, &n), 0);
	assert_int_equal(n, 2);
	n = 97;
	assert_int_equal(dump_services(count, &n), -ECANCELED);
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_service, "a", &err), 0);
	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_service, "a", &err), -ENOENT);
	assert_int_equal(weft_nl_object_get(nl, &weft_nl_kind_service, "a", &out, &err), -ENOENT);
	assert_string_equal(out.name, "b");
}

static int count_endpoint(const void *object, void *data)
{
	++*(unsigned int *)data;
	return 0;
}

static int dump_endpoints(const char *service, unsigned int *n)
{
	return weft_nl_object_dump(nl, &weft_nl_kind_endpoint, service, count_endpoint, n, &err);
}

static void endpoints_are_named_by_service_address_and_port(void **state)
{
	struct weft_nl_endpoint e = { .service = "web" };
	struct weft_addr other;
	unsigned int n = 0;
	struct nlattr *nest;

	weft_addr_parse(&e.addr, "10.0.0.1:80");
	weft_addr_parse(&other, "10.0.0.1:81");
	assert_int_equal(weft_nl_endpoint_add(nl, &e, 0, false, &err), 0);
	assert_int_equal(dump_endpoints("web", &n), 0);
	nest = nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_ENDPOINT);
	assert_string_equal(
		nla_get_string(nla_find(nla_data(nest), nla_len(nest), WEFT_ENDPOINT_A_SERVICE)),
		"web");
	assert_int_equal(dump_endpoints(NULL, &n), 0);
	assert_null(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_ENDPOINT));
	assert_int_equal(n, 2);
	assert_int_equal(weft_nl_endpoint_del(nl, "web", &other, &err), -ENOENT);
	assert_int_equal(weft_nl_endpoint_del(nl, "web", &e.addr, &err), 0);
}

static void an_interrupted_dump_is_repeated_and_seen_once(void **state)
{
	unsigned int n = 0;

	weft_nl_service_add(nl, service_named("a"), 0, false, &err);
	fake.interrupted = 3;
	assert_int_equal(dump_services(count, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(fake.dumps, 4);
}

static void a_dump_that_is_always_interrupted_ends(void **state)
{
	unsigned int n = 0;

	weft_nl_service_add(nl, service_named("a"), 0, false, &err);
	fake.interrupted = 1000000;
	assert_int_equal(dump_services(count, &n), -EAGAIN);
	assert_int_equal(n, 0);
	assert_string_equal(err.text, "the tables changed during each of 16 tries to read them");
}

static void a_dump_may_end_with_an_error(void **state)
{
	unsigned int n = 0;

	weft_nl_service_add(nl, service_named("a"), 0, false, &err);
	fake.dump_error = ENOMEM;
	assert_int_equal(dump_services(count, &n), -ENOMEM);
	assert_int_equal(n, 0);
	assert_string_equal(err.text, "Cannot allocate memory");
}

/* A dump's function may make requests of its own. */
static int delete(const void *object, void *data)
{
	const struct weft_nl_service *service = object;

	assert_int_equal(weft_nl_object_del(nl, &weft_nl_kind_service, service->name, &err), 0);
	return 0;
}

static void what_a_dump_shows_can_be_deleted_at_once(void **state)
{
	unsigned int n = 0;

	weft_nl_service_add(nl, service_named("a"), 0, false, &err);
	weft_nl_service_add(nl, service_named("b"), 0, false, &err);
	assert_int_equal(dump_services(delete, NULL), 0);
	assert_int_equal(dump_services(count, &n), 0);
	assert_int_equal(n, 0);
}

static void a_reply_that_is_missing_or_empty_is_a_protocol_error(void **state)
{
	struct weft_nl_status s = { 0 };

	fake.no_reply = true;
	assert_int_equal(weft_nl_status_get(nl, &s, &err), -EPROTO);
	assert_string_equal(err.text, "the reply of the weft module is not what was expected");
	fake.no_reply = false;
	fake.bad_reply = true;
	assert_int_equal(weft_nl_status_get(nl, &s, &err), -EPROTO);
	assert_null(s.version);
}

static void a_kernel_that_hangs_up_is_an_error(void **state)
{
	struct weft_nl_status s = { 0 };

	shutdown(fake.fd, SHUT_RDWR);
	assert_true(weft_nl_status_get(nl, &s, &err) < 0);
	assert_string_not_equal(err.text, "");
}

static void generations_begin_and_commit(void **state)
{
	uint64_t generation = 0;
	uint32_t txn = 0;

	assert_int_equal(weft_nl_generation_begin(nl, &txn, &err), 0);
	assert_int_equal(txn, 5);
	assert_int_equal(weft_nl_generation_commit(nl, txn, &generation, &err), 0);
	assert_int_equal(generation, 12);
	assert_int_equal(
		nla_get_u32(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_TRANSACTION)), 5);
	assert_int_equal(weft_nl_generation_abort(nl, 5, &err), 0);
}

static int judge(struct nl_msg *msg, struct nlattr *flow)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_u32(msg, WEFT_CONN_A_REASON, WEFT_REASON_POLICY_DENIED);
	nla_put_u32(msg, WEFT_CONN_A_MODE, WEFT_MODE_STRICT);
	/* what was asked about, but for its name */
	nla_put_string(msg, WEFT_CONN_A_WORKLOAD,
		       nla_data(nla_find(nla_data(flow), nla_len(flow), WEFT_CONN_A_WORKLOAD)));
	nla_put_string(msg, WEFT_CONN_A_POLICY, "guard");
	weft_nl_nest_end(msg, nest);
	return 0;
}

static void trials_are_asked(void **state)
{
	struct weft_nl_flow flow = { .role = WEFT_ROLE_SERVER, .workload = "web", .port = 80 };
	struct weft_nl_judgment j = { 0 };
	struct nlattr *nest;
	uint32_t txn = 0;

	fake.judge = judge;
	weft_addr_parse(&flow.peer, "10.0.0.9");
	assert_int_equal(weft_nl_trial_begin(nl, &txn, &err), 0);
	assert_int_equal(txn, 5);
	assert_int_equal(nla_get_u32(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_TRIAL)), 1);
	assert_int_equal(weft_nl_flow_judge(nl, txn, &flow, &j, &err), 0);
	assert_int_equal(j.reason, WEFT_REASON_POLICY_DENIED);
	assert_int_equal(j.mode, WEFT_MODE_STRICT);
	assert_true(j.has_workload);
	assert_false(j.has_service);
	assert_string_equal(j.policy, "guard");
	assert_null(j.audit);
	nest = nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_CONN);
	assert_int_equal(nla_get_u16(nla_find(nla_data(nest), nla_len(nest),
					      WEFT_CONN_A_LOCAL_PORT)), 80);
	assert_null(nla_find(nla_data(nest), nla_len(nest), WEFT_CONN_A_PEER_IDENTITY));
	weft_nl_judgment_uninit(&j);
	fake.bad_reply = true;
	assert_int_equal(weft_nl_flow_judge(nl, txn, &flow, &j, &err), -EPROTO);
	fake.bad_reply = false;
	fake.no_trials = true;
	assert_int_equal(weft_nl_trial_begin(nl, &txn, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "the module is older than weftctl"));
	fake.no_trials = false;
}

static void offers_during_a_request_are_kept_in_order(void **state)
{
	struct weft_nl_status s = { 0 };
	uint64_t id;
	int i;

	assert_int_equal(weft_nl_handshake_recv(nl, &id, &err), 0);
	assert_false(weft_nl_pending(nl));
	fake.offers = 3;
	assert_int_equal(weft_nl_status_get(nl, &s, &err), 0);
	fake.offers = 0;
	weft_nl_status_uninit(&s);
	assert_true(weft_nl_pending(nl));
	for (i = 0; i < 3; i++) {
		assert_int_equal(weft_nl_handshake_recv(nl, &id, &err), 1);
		assert_int_equal(id, 100 + i);
	}
	assert_int_equal(weft_nl_handshake_recv(nl, &id, &err), 0);
	assert_false(weft_nl_pending(nl));
	fake_offer(&fake, 77);
	assert_int_equal(weft_nl_handshake_recv(nl, &id, &err), 1);
	assert_int_equal(id, 77);
}

static bool conn_of(struct nl_msg *msg, uint64_t id)
{
	struct nlattr *nest;

	if (id == 404)
		return false;
	nest = weft_nl_nest(msg, WEFT_A_CONN);
	nla_put_u64(msg, WEFT_CONN_A_ID, id);
	nla_put_u32(msg, WEFT_CONN_A_ERRNO, id == 13 ? EACCES : 0);
	nla_put_u32(msg, WEFT_CONN_A_REASON, id == 13 ? WEFT_REASON_POLICY_DENIED : 0);
	nla_put_string(msg, WEFT_CONN_A_POLICY, id == 13 ? "no-thirteen" : "");
	nla_put_u64(msg, WEFT_CONN_A_GENERATION, 9);
	weft_nl_nest_end(msg, nest);
	return true;
}

/* How many descriptors are open. */
static unsigned int open_fds(void)
{
	unsigned int n = 0, fd;

	for (fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void an_accepted_connection_brings_its_descriptor(void **state)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };
	unsigned int before = open_fds();
	int fd = -1;

	fake.conn = conn_of;
	fake.send_fd = STDERR_FILENO;
	assert_int_equal(weft_nl_worker_register(nl, &err), 0);
	assert_int_equal(weft_nl_handshake_accept(nl, 42, &conn, &fd, &err), 0);
	assert_int_equal(conn.id, 42);
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(open_fds(), before + 1);
	close(fd);
}

/* The connection in the reply cannot be read; the descriptor came all the same. */
static bool broken_conn(struct nl_msg *msg, uint64_t id)
{
	struct nlattr *nest = weft_nl_nest(msg, WEFT_A_CONN);

	nla_put_string(msg, WEFT_CONN_A_SERVICE, "a connection without number");
	weft_nl_nest_end(msg, nest);
	return true;
}

static void the_descriptor_of_a_broken_reply_is_closed(void **state)
{
	struct weft_nl_conn conn = { 0 };
	unsigned int before = open_fds();
	int fd = -7;

	fake.conn = broken_conn;
	fake.send_fd = STDERR_FILENO;
	assert_int_equal(weft_nl_handshake_accept(nl, 42, &conn, &fd, &err), -EPROTO);
	assert_int_equal(fd, -7);
	assert_int_equal(open_fds(), before);
}

static void verdicts_carry_policy_and_generation(void **state)
{
	struct weft_nl_verdict verdict;

	fake.conn = conn_of;
	assert_int_equal(weft_nl_handshake_judge(nl, 13, "spiffe://x/a", "0a1b", &verdict, &err), 0);
	assert_int_equal(verdict.error, EACCES);
	assert_int_equal(verdict.reason, WEFT_REASON_POLICY_DENIED);
	assert_string_equal(verdict.policy, "no-thirteen");
	assert_int_equal(verdict.generation, 9);
	assert_int_equal(weft_nl_handshake_judge(nl, 14, "spiffe://x/a", NULL, &verdict, &err), 0);
	assert_int_equal(verdict.error, 0);
	assert_string_equal(verdict.policy, "");
	assert_int_equal(weft_nl_handshake_judge(nl, 404, "spiffe://x/a", NULL, &verdict, &err),
			 -ENOENT);
}

/* The attribute of the connection in the last request. */
static struct nlattr *asked(int type)
{
	struct nlattr *tb[WEFT_A_MAX + 1];

	assert_int_equal(weft_nl_parse_top(fake.last, tb), 0);
	return nla_find(nla_data(tb[WEFT_A_CONN]), nla_len(tb[WEFT_A_CONN]), type);
}

static void the_serial_goes_along_where_it_is_known(void **state)
{
	struct weft_nl_verdict verdict;

	fake.conn = conn_of;
	assert_int_equal(weft_nl_handshake_judge(nl, 1, "spiffe://x/a", "0a1b", &verdict, &err), 0);
	assert_string_equal(nla_get_string(asked(WEFT_CONN_A_PEER_SERIAL)), "0a1b");
	assert_int_equal(weft_nl_handshake_judge(nl, 1, "spiffe://x/a", NULL, &verdict, &err), 0);
	assert_null(asked(WEFT_CONN_A_PEER_SERIAL));
}

static void a_module_that_knows_no_serials_judges_all_the_same(void **state)
{
	struct weft_nl_verdict verdict = { .generation = 1 };

	fake.conn = conn_of;
	fake.error = EINVAL;
	assert_int_equal(weft_nl_handshake_judge(nl, 13, "spiffe://x/a", "0a1b", &verdict, &err),
			 0);
	assert_null(asked(WEFT_CONN_A_PEER_SERIAL));
	assert_int_equal(verdict.error, EACCES);
	assert_int_equal(verdict.generation, 9);
	fake.error = EINVAL;
	assert_int_equal(weft_nl_handshake_judge(nl, 13, "spiffe://x/a", NULL, &verdict, &err),
			 -EINVAL);
}

static void done_says_all_and_cuts_free_text(void **state)
{
	char detail[1000];
	struct weft_nl_done done = { .id = 42, .reason = WEFT_REASON_TLS, .error = -ECONNREFUSED,
				     .detail = detail, .peer_identity = "spiffe://x/a" };
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };

	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	assert_int_equal(weft_nl_handshake_done(nl, &done, &err), 0);
	assert_int_equal(
		weft_nl_conn_parse(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_CONN), &conn), 0);
	assert_int_equal(conn.id, 42);
	assert_int_equal(conn.reason, WEFT_REASON_TLS);
	assert_int_equal(conn.error, ECONNREFUSED);
	assert_int_equal(strlen(conn.detail), WEFT_DETAIL_MAX);
	assert_string_equal(conn.peer_identity, "spiffe://x/a");
	assert_null(conn.cipher);
}

/* conn_of() as an event. */
static void send_event(enum weft_event type, uint64_t id, uint64_t generation)
{
	struct nl_msg *msg = fake_msg(0, WEFT_CMD_EVENT, 0);

	nla_put_u32(msg, WEFT_A_EVENT, type);
	if (id)
		conn_of(msg, id);
	if (generation)
		nla_put_u64(msg, WEFT_A_GENERATION, generation);
	fake_send(&fake, msg);
}

static int sum_events(const struct weft_nl_event *event, void *data)
{
	uint64_t *sum = data;

	if (event->type == WEFT_EVENT_GENERATION)
		assert_false(event->has_conn);
	*sum = *sum * 100 + (event->has_conn ? event->conn.id : event->generation);
	return *sum > 1000000 ? -ECANCELED : 0;
}

static void events_are_delivered_in_order(void **state)
{
	uint64_t sum = 0;

	assert_int_equal(weft_nl_event_recv(nl, sum_events, &sum, &err), 0);
	send_event(WEFT_EVENT_CONN_LIVE, 11, 0);
	send_event(WEFT_EVENT_GENERATION, 0, 22);
	send_event(WEFT_EVENT_CONN_CLOSED, 33, 0);
	assert_int_equal(weft_nl_event_recv(nl, sum_events, &sum, &err), 0);
	assert_int_equal(sum, 112233);
	send_event(WEFT_EVENT_CONN_LIVE, 44, 0);
	send_event(WEFT_EVENT_CONN_LIVE, 55, 0);
	assert_int_equal(weft_nl_event_recv(nl, sum_events, &sum, &err), -ECANCELED);
	assert_int_equal(sum, 11223344);
}

static int take_one(const struct weft_nl_event *event, void *data)
{
	uint64_t *id = data;

	*id = event->conn.id;
	return 7;
}

static void who_has_enough_events_gets_the_rest_later(void **state)
{
	uint64_t id = 0, sum = 0;

	send_event(WEFT_EVENT_CONN_LIVE, 11, 0);
	send_event(WEFT_EVENT_CONN_LIVE, 22, 0);
	send_event(WEFT_EVENT_CONN_LIVE, 33, 0);
	assert_int_equal(weft_nl_event_recv(nl, take_one, &id, &err), 7);
	assert_int_equal(id, 11);
	assert_int_equal(weft_nl_event_recv(nl, sum_events, &sum, &err), 0);
	assert_int_equal(sum, 2233);
}

static void an_event_without_its_kind_is_malformed(void **state)
{
	uint64_t sum = 0;

	fake_send(&fake, fake_msg(0, WEFT_CMD_EVENT, 0));
	assert_int_equal(weft_nl_event_recv(nl, sum_events, &sum, &err), -EPROTO);
	assert_string_equal(err.text, "malformed event");
}

static int remembered(struct nl_msg *msg, uint64_t n)
{
	if (n >= 9)
		return ENOENT;
	nla_put_u64(msg, WEFT_A_SEQUENCE, n + 2);
	nla_put_u64(msg, WEFT_A_TIME, UINT64_C(1700000000000000001));
	nla_put_u32(msg, WEFT_A_EVENT, WEFT_EVENT_CONN_DENIED);
	if (n != 5)
		conn_of(msg, 70 + n);
	return 0;
}

static int keep_numbers(const struct weft_nl_event *event, void *data)
{
	struct weft_nl_event *kept = data;

	assert_true(event->has_conn);
	kept->type = event->type;
	kept->sequence = event->sequence;
	kept->time = event->time;
	kept->generation = event->conn.id;
	return event->sequence == 9 ? 7 : 0;
}

static void events_that_were_missed_are_asked_for(void **state)
{
	struct weft_nl_event event = { 0 };

	fake.event = remembered;
	assert_int_equal(weft_nl_event_next(nl, 0, keep_numbers, &event, &err), 0);
	assert_int_equal(event.type, WEFT_EVENT_CONN_DENIED);
	assert_int_equal(event.sequence, 2);
	assert_true(event.time == UINT64_C(1700000000000000001));
	assert_int_equal(event.generation, 70);
	assert_int_equal(weft_nl_event_next(nl, 7, keep_numbers, &event, &err), 7);
	assert_int_equal(event.sequence, 9);
	assert_int_equal(weft_nl_event_next(nl, 9, keep_numbers, &event, &err),
			 WEFT_NL_EVENT_NONE);
	assert_int_equal(weft_nl_event_next(nl, 5, keep_numbers, &event, &err), -EPROTO);
	fake.error = EPERM;
	assert_int_equal(weft_nl_event_next(nl, 0, keep_numbers, &event, &err), -EPERM);
}

static void connections_are_shown_and_reset_by_number(void **state)
{
	_cleanup_(weft_nl_conn_uninit) struct weft_nl_conn conn = { 0 };

	fake.conn = conn_of;
	assert_int_equal(weft_nl_conn_get(nl, 13, &conn, &err), 0);
	assert_string_equal(conn.policy, "no-thirteen");
	assert_int_equal(weft_nl_conn_get(nl, 404, &conn, &err), -ENOENT);
	assert_int_equal(weft_nl_conn_del(nl, UINT64_MAX, &err), 0);
	assert_true(fake_conn_id(nlmsg_find_attr(fake.last, GENL_HDRLEN, WEFT_A_CONN)) ==
		    UINT64_MAX);
}

static int count_conns(const struct weft_nl_conn *conn, void *data)
{
	++*(unsigned int *)data;
	return 0;
}

static void connections_are_dumped_though_they_change(void **state)
{
	unsigned int n = 0;

	fake.conn = conn_of;
	fake.conns = 5;
	fake.interrupted = 100;
	assert_int_equal(weft_nl_conn_dump(nl, count_conns, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_int_equal(fake.dumps, 1);
}

#define with_fake(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_missing_module_is_named, teardown),
		cmocka_unit_test_teardown(another_version_of_the_interface_is_refused, teardown),
		with_fake(the_status_is_complete),
		with_fake(the_kernels_own_words_reach_the_caller),
		with_fake(without_words_the_errno_speaks),
		with_fake(objects_are_added_found_replaced_and_deleted),
		with_fake(endpoints_are_named_by_service_address_and_port),
		with_fake(an_interrupted_dump_is_repeated_and_seen_once),
		with_fake(a_dump_that_is_always_interrupted_ends),
		with_fake(a_dump_may_end_with_an_error),
		with_fake(what_a_dump_shows_can_be_deleted_at_once),
		with_fake(a_reply_that_is_missing_or_empty_is_a_protocol_error),
		with_fake(a_kernel_that_hangs_up_is_an_error),
		with_fake(generations_begin_and_commit),
		with_fake(trials_are_asked),
		with_fake(offers_during_a_request_are_kept_in_order),
		with_fake(an_accepted_connection_brings_its_descriptor),
		with_fake(the_descriptor_of_a_broken_reply_is_closed),
		with_fake(verdicts_carry_policy_and_generation),
		with_fake(the_serial_goes_along_where_it_is_known),
		with_fake(a_module_that_knows_no_serials_judges_all_the_same),
		with_fake(done_says_all_and_cuts_free_text),
		with_fake(events_are_delivered_in_order),
		with_fake(who_has_enough_events_gets_the_rest_later),
		with_fake(an_event_without_its_kind_is_malformed),
		with_fake(events_that_were_missed_are_asked_for),
		with_fake(connections_are_shown_and_reset_by_number),
		with_fake(connections_are_dumped_though_they_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
