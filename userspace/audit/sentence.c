// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A verdict as one sentence. The side that connects is always the subject, on
 * whichever of the two hosts the sentence is written:
 *
 *   client   deny: shop/cart (curl, pid 123, cart.service) may not connect to
 *            service "payments" (10.0.0.2:8080): the server's side said no: a policy
 *            at the server's side denies it
 *   server   deny: shop/cart (10.0.0.1:40112) may not connect to shop/payments
 *            (nginx, pid 99, nginx.service) at port 8080: policy "payments-allow"
 *
 * An AUDIT policy that matches is named at its end.
 *
 * Pure; any thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "audit/audit.h"
#include "audit/sentence.h"
#include "base/enums.h"
#include "base/name.h"

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

/* Why not, as people say it; NULL: the reason's own name will do. */
static const char *reason_words(enum weft_reason reason)
{
	switch (reason) {
	case WEFT_REASON_PEER_DENIED:
		return "the server's side said no";
	case WEFT_REASON_PEER_IDENTITY:
		return "the peer is not who it should be";
	case WEFT_REASON_PEER_CERTIFICATE:
		return "the peer's certificate is not accepted";
	case WEFT_REASON_TLS:
		return "the TLS handshake failed";
	case WEFT_REASON_PLAINTEXT:
		return "plaintext at a strict port";
	case WEFT_REASON_HANDSHAKE_TIMEOUT:
		return "the TLS handshake took too long";
	case WEFT_REASON_NO_DAEMON:
		return "no weftd took the handshake in time";
	case WEFT_REASON_NO_WORKLOAD:
		return "the process belongs to no workload";
	case WEFT_REASON_NO_CERTIFICATE:
		return "the workload has no certificate";
	case WEFT_REASON_NO_ENDPOINT:
		return "the service has no endpoint left";
	case WEFT_REASON_REFUSED:
		return "connection refused";
	case WEFT_REASON_UNREACHABLE:
		return "unreachable";
	case WEFT_REASON_SILENT:
		return "no answer in time";
	case WEFT_REASON_RESET:
		return "reset by the peer";
	case WEFT_REASON_TRUNCATED:
		return "the stream ended without close_notify and may be cut off";
	case WEFT_REASON_ALERT:
		return "the peer ended it with a TLS alert";
	case WEFT_REASON_KEY_UPDATE:
		return "its keys could not be renewed";
	case WEFT_REASON_MPTCP:
		return "MPTCP cannot carry TLS";
	case WEFT_REASON_RESOURCES:
		return "out of memory or descriptors";
	case WEFT_REASON_DAEMON_DIED:
		return "weftd ended in the middle of the handshake";
	case WEFT_REASON_ADMIN:
		return "by an administrator";
	default:
		return NULL;
	}
}

/* "shop/cart" for an identity of our own trust domain, else all of it. */
static const char *short_identity(const struct weft_nl_conn *conn, const char *identity)
{
	const char *ours, *theirs;
	int our_len, their_len;

	ours = conn->identity ? weft_identity_trust_domain(conn->identity, &our_len) : NULL;
	theirs = weft_identity_trust_domain(identity, &their_len);
	if (!ours || !theirs || our_len != their_len || memcmp(ours, theirs, our_len) ||
	    theirs[their_len] != '/')
		return identity;
	return theirs + their_len + 1;
}

static void say_local(struct text *t, const struct weft_nl_conn *conn)
{
	const char *separator = " (";
	char unit[WEFT_AUDIT_UNIT_MAX];

	if (conn->identity)
		say(t, "%s", short_identity(conn, conn->identity));
	else
		say(t, "%s", conn->workload ? conn->workload : "a process");
	if (conn->comm) {
		say(t, "%s%s", separator, conn->comm);
		separator = ", ";
	}
	if (conn->pid) {
		say(t, "%spid %u", separator, conn->pid);
		separator = ", ";
	}
	if (!weft_audit_unit(conn->cgroup, unit)) {
		say(t, "%s%s", separator, unit);
		separator = ", ";
	}
	if (separator[0] == ',')
		say(t, ")");
}

/* The server as a client sees it. */
static void say_service(struct text *t, const struct weft_nl_conn *conn)
{
	const struct weft_addr *addr = conn->remote.port ? &conn->remote : &conn->asked;
	char buf[WEFT_ADDR_TEXT_MAX];

	weft_addr_format(addr, buf);
	if (conn->service)
		say(t, "service \"%s\" (%s)", conn->service, buf);
	else
		say(t, "%s", buf);
}

/* The client as a server sees it. */
static void say_caller(struct text *t, const struct weft_nl_conn *conn)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	weft_addr_format(&conn->remote, buf);
	if (conn->peer_identity)
		say(t, "%s (%s)", short_identity(conn, conn->peer_identity), buf);
	else
		say(t, "%s", buf);
}

static void say_from(struct text *t, const struct weft_nl_conn *conn)
{
	if (conn->role == WEFT_ROLE_CLIENT)
		say_local(t, conn);
	else
		say_caller(t, conn);
}

static void say_to(struct text *t, const struct weft_nl_conn *conn)
{
	if (conn->role == WEFT_ROLE_CLIENT) {
		say_service(t, conn);
		return;
	}
	say_local(t, conn);
	say(t, " at port %u", conn->local.port);
}

static void say_policy(struct text *t, const struct weft_nl_conn *conn)
{
	if (conn->policy)
		say(t, ": policy \"%s\"", conn->policy);
	else
		say(t, ": no ALLOW policy lets it in");
}

/* Whose is the peer's, from where the sentence is told. */
static void say_revoked(struct text *t, const struct weft_nl_conn *conn)
{
	const char *whose = conn->role == WEFT_ROLE_CLIENT ? "server" : "caller";

	if (conn->revoked == WEFT_REVOKED_IDENTITY && conn->peer_identity)
		say(t, ": the %s's identity %s is revoked", whose,
		    short_identity(conn, conn->peer_identity));
	else if (conn->revoked == WEFT_REVOKED_SERIAL && conn->peer_serial)
		say(t, ": the %s's certificate with the serial %s is revoked", whose,
		    conn->peer_serial);
	else if (conn->revoked == WEFT_REVOKED_SERIAL)
		say(t, ": the serial of the %s's certificate is not known, and some are revoked",
		    whose);
	else
		say(t, ": the %s is revoked", whose);
	if (conn->revocation)
		say(t, " by \"%s\"", conn->revocation);
}

static void say_why(struct text *t, const struct weft_nl_conn *conn)
{
	const char *words = reason_words(conn->reason);

	if (conn->reason == WEFT_REASON_POLICY_DENIED) {
		say_policy(t, conn);
		return;
	}
	if (conn->reason == WEFT_REASON_REVOKED) {
		say_revoked(t, conn);
		return;
	}
	if (conn->registered && conn->reason == WEFT_REASON_PLAINTEXT)
		words = "plaintext";
	say(t, ": %s", words ? words : weft_reason_name(conn->reason));
	if (conn->detail && *conn->detail)
		say(t, ": %s", conn->detail);
	if (conn->registered)
		say(t, ", from an address of peer \"%s\"", conn->registered);
}

static void say_tls(struct text *t, const struct weft_nl_conn *conn)
{
	if (conn->role == WEFT_ROLE_CLIENT && conn->peer_identity)
		say(t, ", which is %s", short_identity(conn, conn->peer_identity));
	say(t, ": mutual TLS 1.3");
	if (conn->cipher)
		say(t, ", %s", conn->cipher);
	if (conn->resumed)
		say(t, ", resumed");
}

static void say_mode(struct text *t, const struct weft_nl_conn *conn)
{
	say(t, ", as its mode permits");
}

/* Of one that is in use. */
static void say_use(struct text *t, const struct weft_nl_conn *conn)
{
	if (conn->cipher)
		say_tls(t, conn);
	else
		say(t, " in plaintext");
}

const char *weft_audit_sentence(const struct weft_nl_conn *conn, enum weft_event event, char *buf,
				size_t size)
{
	static const struct {
		const char *start, *verb;
		void (*say_rest)(struct text *t, const struct weft_nl_conn *conn);
	} form[] = {
		[WEFT_EVENT_CONN_LIVE] = { "allow: ", " is connected to ", say_tls },
		[WEFT_EVENT_CONN_PASS] = { "pass: ", " is connected in plaintext to ", say_mode },
		[WEFT_EVENT_CONN_DENIED] = { "deny: ", " may not connect to ", say_why },
		[WEFT_EVENT_CONN_FAILED] = { "fail: ", " could not connect to ", say_why },
		[WEFT_EVENT_CONN_CLOSED] = { "end: connection of ", " to ", say_why },
		[WEFT_EVENT_CONN_AUDIT] = { "audit: ", " is connected to ", say_use },
	};
	struct text t = { .buf = buf, .size = size };

	buf[0] = '\0';
	say(&t, "%s", form[event].start);
	say_from(&t, conn);
	say(&t, "%s", form[event].verb);
	say_to(&t, conn);
	if (form[event].say_rest)
		form[event].say_rest(&t, conn);
	if (conn->audit)
		say(&t, "; AUDIT policy \"%s\" matches", conn->audit);
	return buf;
}
