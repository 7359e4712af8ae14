// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audit stream: a verdict, or a certificate, as a structured record. No state, no
 * allocation.
 */
#include "audit/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include "audit/sentence.h"
#include "base/array.h"
#include "base/enums.h"
#include "base/when.h"

#define FIELDS_MAX 40

/* Holds two identities, a cgroup path and the sentence at their longest. */
#define TEXT_MAX 24576
#define SENTENCE_MAX 8192

struct record {
	struct iovec fields[FIELDS_MAX];
	int count;
	size_t len;
	char text[TEXT_MAX];
};

struct kind {
	const char *id;
	const char *verdict;
	int priority;
};

static const struct kind kinds[] = {
	[WEFT_EVENT_CONN_LIVE] = { WEFT_AUDIT_ID_LIVE, "live", LOG_INFO },
	[WEFT_EVENT_CONN_PASS] = { WEFT_AUDIT_ID_PASS, "pass", LOG_NOTICE },
	[WEFT_EVENT_CONN_DENIED] = { WEFT_AUDIT_ID_DENIED, "denied", LOG_WARNING },
	[WEFT_EVENT_CONN_FAILED] = { WEFT_AUDIT_ID_FAILED, "failed", LOG_WARNING },
	[WEFT_EVENT_CONN_CLOSED] = { WEFT_AUDIT_ID_CLOSED, "closed", LOG_NOTICE },
	[WEFT_EVENT_CONN_AUDIT] = { WEFT_AUDIT_ID_AUDIT, "audit", LOG_NOTICE },
};

static void add(struct record *rec, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One field "NAME=value". Names of processes and cgroups are their owners' to
 * choose: control characters become '?'. */
static void add(struct record *rec, const char *fmt, ...)
{
	size_t room = sizeof(rec->text) - rec->len;
	char *field = rec->text + rec->len;
	va_list ap;
	int n;

	if (rec->count == FIELDS_MAX || room < 2)
		return;
	va_start(ap, fmt);
	n = vsnprintf(field, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= room)
		n = room - 1;
	for (int i = 0; i < n; i++)
		if ((unsigned char)field[i] < ' ' || field[i] == 0x7f)
			field[i] = '?';
	rec->fields[rec->count++] = (struct iovec){ field, n };
	rec->len += n;
}

static void add_string(struct record *rec, const char *name, const char *value)
{
	if (value && *value)
		add(rec, "%s=%s", name, value);
}

static void add_addr(struct record *rec, const char *name, const struct weft_addr *addr)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	if (addr->port)
		add(rec, "%s=%s", name, weft_addr_format(addr, buf));
}

static void add_verdict(struct record *rec, const struct weft_nl_conn *conn, enum weft_event event)
{
	add(rec, "WEFT_CONN=%" PRIu64, conn->id);
	add(rec, "WEFT_ROLE=%s", weft_role_name(conn->role));
	add(rec, "WEFT_VERDICT=%s", kinds[event].verdict);
	add(rec, "WEFT_REASON=%s", weft_reason_name(conn->reason));
	add_string(rec, "WEFT_DETAIL", conn->detail);
	add_string(rec, "WEFT_POLICY", conn->policy);
	add_string(rec, "WEFT_AUDIT_POLICY", conn->audit);
	if (conn->revoked)
		add(rec, "WEFT_REVOKED=%s", weft_revoked_name(conn->revoked));
	add_string(rec, "WEFT_REVOCATION", conn->revocation);
	add_string(rec, "WEFT_REGISTERED", conn->registered);
	if (conn->generation)
		add(rec, "WEFT_GENERATION=%" PRIu64, conn->generation);
	if (conn->error) {
		add(rec, "WEFT_ERRNO=%s", weft_errno_name(conn->error));
		add(rec, "ERRNO=%d", conn->error);
	}
	if (conn->cipher) {
		add(rec, "WEFT_TLS_VERSION=1.3");
		add(rec, "WEFT_TLS_CIPHER=%s", conn->cipher);
		add(rec, "WEFT_TLS_HANDSHAKE=%s", conn->resumed ? "resumed" : "full");
	}
}

/* "10.0.0.9:80 refused, 10.0.0.2:80 none", when there was more than one. */
static void add_attempts(struct record *rec, const struct weft_nl_conn *conn)
{
	char buf[WEFT_ADDR_TEXT_MAX], list[WEFT_ATTEMPTS_MAX * (WEFT_ADDR_TEXT_MAX + 32)];
	size_t len = 0;

	if (conn->n_attempts < 2)
		return;
	for (size_t i = 0; i < conn->n_attempts && i < WEFT_ATTEMPTS_MAX; i++)
		len += snprintf(list + len, sizeof(list) - len, "%s%s %s", i ? ", " : "",
				weft_addr_format(&conn->attempts[i].addr, buf),
				weft_reason_name(conn->attempts[i].reason));
	add(rec, "WEFT_ATTEMPTS=%s", list);
}

static void add_parties(struct record *rec, const struct weft_nl_conn *conn)
{
	bool is_client = conn->role == WEFT_ROLE_CLIENT;

	add_string(rec, "WEFT_SERVICE", conn->service);
	add_addr(rec, "WEFT_ENDPOINT", is_client ? &conn->remote : &conn->local);
	add_addr(rec, "WEFT_LOCAL", &conn->local);
	add_addr(rec, "WEFT_REMOTE", &conn->remote);
	add_addr(rec, "WEFT_ASKED", &conn->asked);
	add_attempts(rec, conn);
	add_string(rec, "WEFT_WORKLOAD", conn->workload);
	add_string(rec, "WEFT_IDENTITY", conn->identity);
	add_string(rec, "WEFT_PEER_IDENTITY", conn->peer_identity);
	add_string(rec, "WEFT_PEER_SERIAL", conn->peer_serial);
}

/*
 * journald adds the rest of OBJECT_* while the process lives; the unit is given
 * here, so that "journalctl -u" finds the record of one that has gone as well.
 */
static void add_process(struct record *rec, const struct weft_nl_conn *conn)
{
	char unit[WEFT_AUDIT_UNIT_MAX];

	add_string(rec, "WEFT_COMM", conn->comm);
	add_string(rec, "WEFT_CGROUP", conn->cgroup);
	if (conn->pid) {
		add(rec, "OBJECT_PID=%" PRIu32, conn->pid);
		add(rec, "WEFT_UID=%" PRIu32, conn->uid);
	}
	if (!weft_audit_unit(conn->cgroup, unit))
		add(rec, "OBJECT_SYSTEMD_UNIT=%s", unit);
}

/* WEFT_TIME is what counts where the record is late; in microseconds, as journald's. */
static void add_stamp(struct record *rec, const struct weft_audit_stamp *stamp)
{
	if (stamp->sequence) {
		add(rec, "WEFT_EPOCH=%016" PRIx64, stamp->epoch);
		add(rec, "WEFT_SEQUENCE=%" PRIu64, stamp->sequence);
	}
	if (stamp->time)
		add(rec, "WEFT_TIME=%" PRIu64, stamp->time);
	if (stamp->late)
		add(rec, "WEFT_LATE=1");
}

static void add_message(struct record *rec, const struct weft_nl_conn *conn, enum weft_event event,
			const struct weft_audit_stamp *stamp)
{
	char sentence[SENTENCE_MAX], when[WEFT_WHEN_TEXT_MAX];

	weft_audit_sentence(conn, event, sentence, sizeof(sentence));
	if (stamp->late)
		add(rec, "MESSAGE=%s (late: of %s)", sentence,
		    weft_when_format(stamp->time, when));
	else
		add(rec, "MESSAGE=%s", sentence);
}

static bool is_verdict(const struct weft_nl_conn *conn, enum weft_event event)
{
	if ((size_t)event >= WEFT_ARRAY_SIZE(kinds) || !kinds[event].id)
		return false;
	/* The regular end is no news. */
	return event != WEFT_EVENT_CONN_CLOSED ||
	       (conn->reason != WEFT_REASON_CLOSED && conn->reason != WEFT_REASON_NONE);
}

int weft_audit_verdict(const struct weft_audit_sink *sink, const struct weft_nl_conn *conn,
		       enum weft_event event, const struct weft_audit_stamp *stamp,
		       struct weft_error *err)
{
	struct record rec;
	int r;

	if (!is_verdict(conn, event))
		return WEFT_AUDIT_SKIPPED;
	rec.count = 0;
	rec.len = 0;
	add(&rec, "MESSAGE_ID=%s", kinds[event].id);
	add_message(&rec, conn, event, stamp);
	add(&rec, "PRIORITY=%d", kinds[event].priority);
	add_stamp(&rec, stamp);
	add_verdict(&rec, conn, event);
	add_parties(&rec, conn);
	add_process(&rec, conn);
	r = sink->send(rec.fields, rec.count, sink->data);
	if (r < 0)
		return weft_error_set(err, r, "audit record of connection %" PRIu64 ": %s",
				      conn->id, strerror(-r));
	return 0;
}

int weft_audit_lost(const struct weft_audit_sink *sink, uint64_t epoch, uint64_t first,
		    uint64_t count, const char *why, struct weft_error *err)
{
	struct record rec;
	int r;

	rec.count = 0;
	rec.len = 0;
	add(&rec, "MESSAGE_ID=%s", WEFT_AUDIT_ID_LOST);
	add(&rec, "MESSAGE=verdicts on connections are not recorded, %" PRIu64 " of them: %s", count,
	    why);
	add(&rec, "PRIORITY=%d", LOG_WARNING);
	add(&rec, "WEFT_EPOCH=%016" PRIx64, epoch);
	add(&rec, "WEFT_LOST=%" PRIu64, count);
	add(&rec, "WEFT_LOST_FIRST=%" PRIu64, first);
	r = sink->send(rec.fields, rec.count, sink->data);
	return r < 0 ? weft_error_set(err, r, "audit record of lost verdicts: %s", strerror(-r)) : 0;
}

static void add_source(struct record *rec, const struct weft_limit_source *source)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	if (source->others) {
		add(rec, "MESSAGE=%" PRIu64 " more connections of many other addresses were refused "
			 "or failed without an identity and are not recorded one by one",
		    source->left_out);
		return;
	}
	weft_network_format(&source->net, buf);
	add(rec, "MESSAGE=%" PRIu64 " more connections of %s to workload \"%s\" were refused or "
		 "failed without an identity and are not recorded one by one",
	    source->left_out, buf, source->about);
	add(rec, "WEFT_SOURCE=%s", buf);
	add(rec, "WEFT_WORKLOAD=%s", source->about);
}

int weft_audit_left_out(const struct weft_audit_sink *sink, uint64_t epoch,
			const struct weft_limit_source *source, struct weft_error *err)
{
	struct record rec;
	int r;

	rec.count = 0;
	rec.len = 0;
	add(&rec, "MESSAGE_ID=%s", WEFT_AUDIT_ID_LEFT_OUT);
	add_source(&rec, source);
	add(&rec, "PRIORITY=%d", LOG_WARNING);
	add(&rec, "WEFT_ROLE=%s", weft_role_name(WEFT_ROLE_SERVER));
	add(&rec, "WEFT_LEFT_OUT=%" PRIu64, source->left_out);
	if (epoch) {
		add(&rec, "WEFT_EPOCH=%016" PRIx64, epoch);
		add(&rec, "WEFT_LEFT_OUT_FIRST=%" PRIu64, source->first);
		add(&rec, "WEFT_LEFT_OUT_LAST=%" PRIu64, source->last);
	}
	r = sink->send(rec.fields, rec.count, sink->data);
	return r < 0 ? weft_error_set(err, r, "audit record of what is left out: %s", strerror(-r))
		     : 0;
}

int weft_audit_issue(const struct weft_audit_sink *sink, const struct weft_audit_issue *issue,
		     struct weft_error *err)
{
	struct record rec;
	int r;

	rec.count = 0;
	rec.len = 0;
	add(&rec, "MESSAGE_ID=%s", issue->joined ? WEFT_AUDIT_ID_JOINED : WEFT_AUDIT_ID_ISSUED);
	add(&rec, "MESSAGE=%s", issue->text);
	add(&rec, "PRIORITY=%d", issue->joined ? LOG_NOTICE : LOG_INFO);
	add_string(&rec, "WEFT_NODE", issue->node);
	add_string(&rec, "WEFT_ADDRESS", issue->address);
	add_string(&rec, "WEFT_IDENTITY", issue->identity);
	add_string(&rec, "WEFT_SERIAL", issue->serial);
	add(&rec, "WEFT_NOT_AFTER=%" PRId64, issue->not_after * INT64_C(1000000));
	r = sink->send(rec.fields, rec.count, sink->data);
	return r < 0 ? weft_error_set(err, r, "audit record of a certificate: %s", strerror(-r)) : 0;
}
