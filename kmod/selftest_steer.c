// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: what becomes of a connect(), a listen() and an accept().
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include "selftest.h"
#include "steer.h"

#define TEXTS(...)	((const char * const []){ __VA_ARGS__, NULL })
#define PORTS(...)	((const struct weft_st_ports[]){ __VA_ARGS__, {} })

static const struct weft_task member = { .cgroup = "/app", .exe = "" };
static const struct weft_task stranger = { .cgroup = "/else", .exe = "" };

/* Workload app in /app; web with two endpoints; empty without any. */
static bool world(struct weft_tables *t)
{
	static const struct weft_selector in_app[] = {
		{ .cgroup = "/app" }, {}
	};

	return !weft_st_workload(t, 0, "app", in_app) &&
	       !weft_st_service(t, 0, "web", TEXTS("240.0.0.1"),
				PORTS({ 80, 8080 }), NULL, NULL) &&
	       !weft_st_endpoint(t, 0, "web", "10.0.0.1", 0, 1) &&
	       !weft_st_endpoint(t, 0, "web", "fd00::1", 7000, 1) &&
	       !weft_st_service(t, 0, "empty", TEXTS("240.0.0.2"),
				PORTS({ 80 }), NULL, NULL);
}

static void steer_to(struct weft_tables *t, const char *ip, u16 port,
		     const struct weft_task *task, struct weft_steer *s)
{
	struct weft_addr dst = weft_st_addr(ip, port);

	weft_steer_connect(t, &dst, task, s);
}

/* The decision in short; references are dropped. */
struct decision {
	enum weft_steer_verdict verdict;
	int err;
	u8 reason;
	bool service;
	bool workload;
};

static struct decision decide(struct weft_tables *t, const char *ip, u16 port,
			      const struct weft_task *task)
{
	struct decision d;
	struct weft_steer s;

	steer_to(t, ip, port, task, &s);
	d = (struct decision){ s.verdict, s.err, s.reason, s.service,
			       s.workload };
	weft_steer_uninit(&s);
	return d;
}

static bool wants(struct weft_tables *t, const char *ip, u16 port)
{
	struct weft_addr dst = weft_st_addr(ip, port);

	return weft_steer_wants(t, &dst);
}

static const char *unconfigured_namespace_wants_nothing(struct weft_tables *t)
{
	struct decision d = decide(t, "240.0.0.1", 80, &member);

	WEFT_EXPECT(!wants(t, "240.0.0.1", 80));
	WEFT_EXPECT(d.verdict == WEFT_STEER_PASS && !d.service && !d.workload);
	return NULL;
}

static const char *unknown_destination_passes(struct weft_tables *t)
{
	struct decision d;

	WEFT_EXPECT(world(t));
	d = decide(t, "192.0.2.1", 80, &member);
	WEFT_EXPECT(!wants(t, "192.0.2.1", 80));
	WEFT_EXPECT(d.verdict == WEFT_STEER_PASS && !d.service && !d.workload);
	return NULL;
}

static const char *stranger_passes_to_a_named_endpoint(struct weft_tables *t)
{
	struct decision d;

	WEFT_EXPECT(world(t));
	d = decide(t, "10.0.0.1", 8080, &stranger);
	WEFT_EXPECT(wants(t, "10.0.0.1", 8080));
	WEFT_EXPECT(d.verdict == WEFT_STEER_PASS && !d.service && !d.workload);
	return NULL;
}

static const char *stranger_is_refused_at_a_service(struct weft_tables *t)
{
	struct decision d;

	WEFT_EXPECT(world(t));
	d = decide(t, "240.0.0.1", 80, &stranger);
	WEFT_EXPECT(d.verdict == WEFT_STEER_REFUSE && d.err == EACCES);
	WEFT_EXPECT(d.reason == WEFT_REASON_NO_WORKLOAD && d.service);
	return NULL;
}

static const char *service_without_endpoints_refuses(struct weft_tables *t)
{
	struct decision d;

	WEFT_EXPECT(world(t));
	d = decide(t, "240.0.0.2", 80, &member);
	WEFT_EXPECT(d.verdict == WEFT_STEER_REFUSE && d.err == ECONNREFUSED);
	WEFT_EXPECT(d.reason == WEFT_REASON_NO_ENDPOINT && d.service);
	return NULL;
}

static const char *member_is_meshed(struct weft_tables *t)
{
	struct weft_steer s;
	bool ok;

	WEFT_EXPECT(world(t));
	steer_to(t, "240.0.0.1", 80, &member, &s);
	ok = s.verdict == WEFT_STEER_MESH && s.pinned == -1 &&
	     s.target == 8080 && !strcmp(s.service->name, "web") &&
	     !strcmp(s.workload->name, "app") &&
	     s.generation == weft_gen_number(weft_st_gen(t));
	weft_steer_uninit(&s);
	WEFT_EXPECT(ok);
	return NULL;
}

/* Where attempt @n_tried goes, as port; 0: nowhere. */
static u16 next(struct weft_steer *s, u16 *tried, unsigned int n_tried,
		bool v4, bool v6)
{
	struct weft_addr to;
	int at = weft_steer_next(s, tried, n_tried, v4, v6, &to);

	if (at < 0)
		return 0;
	tried[n_tried] = at;
	return to.port;
}

static const char *attempts_go_to_each_endpoint_once(struct weft_tables *t)
{
	u16 tried[3], first, second, third, v4, v6;
	struct weft_steer s;

	WEFT_EXPECT(world(t));
	steer_to(t, "240.0.0.1", 80, &member, &s);
	first = next(&s, tried, 0, true, true);
	second = next(&s, tried, 1, true, true);
	third = next(&s, tried, 2, true, true);
	v4 = next(&s, tried, 0, true, false);
	v6 = next(&s, tried, 0, false, true);
	weft_steer_uninit(&s);
	/* 8080 is the service's target, 7000 the endpoint's own port */
	WEFT_EXPECT((first == 8080 && second == 7000) ||
		    (first == 7000 && second == 8080));
	WEFT_EXPECT(!third);
	WEFT_EXPECT(v4 == 8080);
	WEFT_EXPECT(v6 == 7000);
	return NULL;
}

static const char *pinned_endpoint_is_tried_once(struct weft_tables *t)
{
	u16 tried[2], first, second, wrong;
	struct weft_steer s;

	WEFT_EXPECT(world(t));
	steer_to(t, "fd00::1", 7000, &member, &s);
	first = next(&s, tried, 0, true, true);
	second = next(&s, tried, 1, true, true);
	wrong = next(&s, tried, 0, true, false);
	weft_steer_uninit(&s);
	WEFT_EXPECT(first == 7000);
	WEFT_EXPECT(!second);
	WEFT_EXPECT(!wrong);
	return NULL;
}

static const char *decision_outlives_its_generation(struct weft_tables *t)
{
	struct weft_steer s;
	u16 tried[1];
	bool ok;

	WEFT_EXPECT(world(t));
	steer_to(t, "fd00::1", 7000, &member, &s);
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_SERVICE, "web", NULL));
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "app", NULL));
	weft_generation_flush();
	ok = next(&s, tried, 0, true, true) == 7000 &&
	     !strcmp(s.workload->name, "app") &&
	     refcount_read(&s.service->ref) == 1 &&
	     refcount_read(&s.workload->ref) == 1;
	weft_steer_uninit(&s);
	WEFT_EXPECT(ok);
	WEFT_EXPECT(!wants(t, "fd00::1", 7000));
	return NULL;
}

static enum weft_steer_verdict listens(struct weft_tables *t, u16 port,
				       const struct weft_task *task)
{
	enum weft_steer_verdict verdict;
	struct weft_steer s;

	weft_steer_listen(t, port, task, &s);
	verdict = s.verdict;
	if (verdict == WEFT_STEER_MESH && !s.workload)
		verdict = WEFT_STEER_REFUSE;	/* never right for listen() */
	weft_steer_uninit(&s);
	return verdict;
}

static const char *listener_is_meshed_unless_disabled(struct weft_tables *t)
{
	static const struct weft_port_mode ports[] = {
		{ 80, WEFT_MODE_DISABLED }, { 81, WEFT_MODE_PERMISSIVE }, {}
	};

	WEFT_EXPECT(listens(t, 80, &member) == WEFT_STEER_PASS);
	WEFT_EXPECT(world(t));
	WEFT_EXPECT(listens(t, 80, &member) == WEFT_STEER_MESH);
	WEFT_EXPECT(listens(t, 80, &stranger) == WEFT_STEER_PASS);
	WEFT_EXPECT(!weft_st_workload_mode(t, "all", WEFT_MODE_STRICT, ports));
	WEFT_EXPECT(listens(t, 80, &stranger) == WEFT_STEER_PASS);
	WEFT_EXPECT(listens(t, 81, &stranger) == WEFT_STEER_MESH);
	WEFT_EXPECT(listens(t, 82, &stranger) == WEFT_STEER_MESH);
	return NULL;
}

static const char *last_resort_leaves_ssh_and_weft(struct weft_tables *t)
{
	static const struct weft_port_mode ssh[] = {
		{ 22, WEFT_MODE_PERMISSIVE }, {}
	};
	static const struct weft_task weftd = {
		.cgroup = "/system.slice/weftd.service", .exe = "",
	};
	static const struct weft_port_mode none[] = { {} };

	WEFT_EXPECT(world(t));
	WEFT_EXPECT(!weft_st_workload_mode(t, "all", WEFT_MODE_STRICT, none));
	WEFT_EXPECT(listens(t, 22, &stranger) == WEFT_STEER_PASS);
	WEFT_EXPECT(listens(t, 22, &member) == WEFT_STEER_MESH);
	WEFT_EXPECT(listens(t, 80, &stranger) == WEFT_STEER_MESH);
	WEFT_EXPECT(listens(t, 80, &weftd) == WEFT_STEER_PASS);
	WEFT_EXPECT(decide(t, "fd00::1", 7000, &stranger).verdict ==
		    WEFT_STEER_MESH);
	WEFT_EXPECT(decide(t, "fd00::1", 7000, &weftd).verdict ==
		    WEFT_STEER_PASS);
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "all", NULL));
	WEFT_EXPECT(!weft_st_workload_mode(t, "all", WEFT_MODE_STRICT, ssh));
	WEFT_EXPECT(listens(t, 22, &stranger) == WEFT_STEER_MESH);
	return NULL;
}

/* Whose a connection to @port is: the workload's name, or "". */
static const char *accepts(struct weft_tables *t, u16 port, bool local,
			   const struct weft_task *by,
			   const struct weft_task *listener)
{
	const char *name = "";
	struct weft_steer s;

	weft_steer_accept(t, port, local, by, listener, &s);
	if (s.verdict == WEFT_STEER_MESH)
		name = s.workload ? s.workload->name : "nobody";
	weft_steer_uninit(&s);		/* the generation keeps the workload */
	return name;
}

#define EXPECT_ACCEPTS(name, ...) \
	WEFT_EXPECT(!strcmp(accepts(t, __VA_ARGS__), name))

/* A slice that login and weft are in, or root, does not name them. */
static const char *wide_ones_leave_ssh_and_weft(struct weft_tables *t)
{
	static const struct weft_selector slice[] = {
		{ .cgroup = "/system.slice" }, {}
	};
	static const struct weft_selector root[] = { { .has_uid = true }, {} };
	static const struct weft_selector named[] = {
		{ .unit = "weftd.service" }, { .unit = "ssh.service" }, {}
	};
	static const struct weft_task weftd = {
		.cgroup = "/system.slice/weftd.service", .exe = "",
	};
	static const struct weft_task sshd = {
		.cgroup = "/system.slice/ssh.service", .exe = "",
	};
	static const struct weft_task git = {
		.cgroup = "/system.slice/git.service", .exe = "",
	};
	static const struct weft_task systemd = {
		.cgroup = "/init.scope", .exe = "",
	};
	static const struct weft_selector *wide[] = { slice, root };
	unsigned int i;

	WEFT_EXPECT(world(t));
	for (i = 0; i < ARRAY_SIZE(wide); i++) {
		WEFT_EXPECT(!weft_st_workload(t, 0, "wide", wide[i]));
		WEFT_EXPECT(listens(t, 22, &sshd) == WEFT_STEER_PASS);
		WEFT_EXPECT(listens(t, 23, &sshd) == WEFT_STEER_MESH);
		WEFT_EXPECT(listens(t, 22, &git) == WEFT_STEER_MESH);
		EXPECT_ACCEPTS("", 22, false, &sshd, &systemd);
		EXPECT_ACCEPTS("", 22, false, &systemd, &systemd);
		WEFT_EXPECT(listens(t, 80, &weftd) == WEFT_STEER_PASS);
		WEFT_EXPECT(decide(t, "fd00::1", 7000, &sshd).verdict ==
			    WEFT_STEER_MESH);
		WEFT_EXPECT(decide(t, "fd00::1", 7000, &weftd).verdict ==
			    WEFT_STEER_PASS);
		WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "wide",
					     NULL));
	}
	WEFT_EXPECT(!weft_st_workload(t, 0, "wide", named));
	WEFT_EXPECT(listens(t, 22, &sshd) == WEFT_STEER_MESH);
	WEFT_EXPECT(listens(t, 80, &weftd) == WEFT_STEER_MESH);
	return NULL;
}

static const struct weft_task server = { .cgroup = "/server", .exe = "" };

static const char *who_accepts_has_it_else_who_listens(struct weft_tables *t)
{
	static const struct weft_selector in_server[] = {
		{ .cgroup = "/server" }, {}
	};

	EXPECT_ACCEPTS("", 80, false, &member, &server);
	WEFT_EXPECT(world(t));
	WEFT_EXPECT(!weft_st_workload(t, 0, "server", in_server));
	EXPECT_ACCEPTS("app", 80, false, &member, NULL);
	EXPECT_ACCEPTS("app", 80, false, &member, &stranger);
	EXPECT_ACCEPTS("app", 80, false, &member, &server);
	EXPECT_ACCEPTS("server", 80, false, &stranger, &server);
	EXPECT_ACCEPTS("", 80, false, &stranger, &stranger);
	EXPECT_ACCEPTS("", 80, false, &stranger, NULL);
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "server", NULL));
	EXPECT_ACCEPTS("", 80, false, &stranger, &server);
	return NULL;
}

/* Whose it is, is not told without what it is told by. */
static const char *accept_asks_for_the_executable(struct weft_tables *t)
{
	static const struct weft_selector by_exe[] = {
		{ .exe = "/bin/x" }, { .cgroup = "/x" }, {}
	};
	static const struct weft_task brief = { .cgroup = "/x" };
	static const struct weft_task known = { .cgroup = "/y",
						.exe = "/bin/x" };
	static const struct weft_task none = { .cgroup = "/y", .exe = "" };
	struct weft_steer s;

	WEFT_EXPECT(world(t));
	WEFT_EXPECT(!weft_tables_by_exe(t));
	EXPECT_ACCEPTS("", 80, false, &brief, NULL);
	EXPECT_ACCEPTS("app", 80, false, &brief, &member);
	WEFT_EXPECT(!weft_st_workload(t, 0, "x", by_exe));
	WEFT_EXPECT(weft_tables_by_exe(t));
	weft_steer_accept(t, 80, false, &brief, &member, &s);
	WEFT_EXPECT(s.verdict == WEFT_STEER_BY_EXE && !s.workload);
	EXPECT_ACCEPTS("x", 80, false, &known, &member);
	EXPECT_ACCEPTS("app", 80, false, &none, &member);
	WEFT_EXPECT(!weft_tables_del(t, WEFT_KIND_WORKLOAD, "x", NULL));
	WEFT_EXPECT(!weft_tables_by_exe(t));
	return NULL;
}

static const char *disabled_port_of_who_accepts_is_plain(struct weft_tables *t)
{
	static const struct weft_port_mode ports[] = {
		{ 80, WEFT_MODE_DISABLED }, {}
	};

	WEFT_EXPECT(!weft_st_workload_mode(t, "all", WEFT_MODE_STRICT, ports));
	WEFT_EXPECT(world(t));
	EXPECT_ACCEPTS("app", 80, false, &stranger, &member);
	EXPECT_ACCEPTS("", 80, false, &stranger, &stranger);
	EXPECT_ACCEPTS("all", 81, false, &stranger, &stranger);
	return NULL;
}

/* Loopback to root's is the last resort's to leave, and no slice's. */
static const char *slices_take_loopback(struct weft_tables *t)
{
	static const struct weft_selector slice[] = {
		{ .cgroup = "/x.slice" }, {}
	};
	static const struct weft_task inside = {
		.cgroup = "/x.slice/y.service", .exe = "",
	};

	WEFT_EXPECT(!weft_st_workload(t, 0, "slice", slice));
	EXPECT_ACCEPTS("slice", 80, true, &inside, &inside);
	EXPECT_ACCEPTS("slice", 80, true, &inside, NULL);
	EXPECT_ACCEPTS("slice", 22, false, &inside, &inside);
	return NULL;
}

static const char *last_resort_accepts_what_is_left(struct weft_tables *t)
{
	static const struct weft_port_mode none[] = { {} };
	static const struct weft_task user = {
		.cgroup = "/else", .exe = "", .uid = 7,
	};

	WEFT_EXPECT(world(t));
	WEFT_EXPECT(!weft_st_workload_mode(t, "all", WEFT_MODE_STRICT, none));
	EXPECT_ACCEPTS("all", 80, false, &stranger, &stranger);
	EXPECT_ACCEPTS("app", 80, false, &stranger, &member);
	EXPECT_ACCEPTS("app", 80, false, &member, &stranger);
	EXPECT_ACCEPTS("", 22, false, &stranger, &stranger);
	EXPECT_ACCEPTS("app", 22, false, &stranger, &member);
	/* by loopback to a listener of root's, whoever accepts from it */
	EXPECT_ACCEPTS("", 80, true, &stranger, &stranger);
	EXPECT_ACCEPTS("", 80, true, &user, &stranger);
	EXPECT_ACCEPTS("all", 80, true, &stranger, &user);
	EXPECT_ACCEPTS("all", 80, true, &user, NULL);
	EXPECT_ACCEPTS("app", 80, true, &member, &member);
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(unconfigured_namespace_wants_nothing),
	WEFT_CLAIM(unknown_destination_passes),
	WEFT_CLAIM(stranger_passes_to_a_named_endpoint),
	WEFT_CLAIM(stranger_is_refused_at_a_service),
	WEFT_CLAIM(service_without_endpoints_refuses),
	WEFT_CLAIM(member_is_meshed),
	WEFT_CLAIM(attempts_go_to_each_endpoint_once),
	WEFT_CLAIM(pinned_endpoint_is_tried_once),
	WEFT_CLAIM(decision_outlives_its_generation),
	WEFT_CLAIM(listener_is_meshed_unless_disabled),
	WEFT_CLAIM(last_resort_leaves_ssh_and_weft),
	WEFT_CLAIM(wide_ones_leave_ssh_and_weft),
	WEFT_CLAIM(who_accepts_has_it_else_who_listens),
	WEFT_CLAIM(accept_asks_for_the_executable),
	WEFT_CLAIM(disabled_port_of_who_accepts_is_plain),
	WEFT_CLAIM(slices_take_loopback),
	WEFT_CLAIM(last_resort_accepts_what_is_left),
};

WEFT_CLAIMS(weft_claims_steer, claims);
