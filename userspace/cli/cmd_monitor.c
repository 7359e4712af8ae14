// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl monitor: one line for each event, text or JSON, until interrupted.
 */
#include "cli/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "cli/command.h"
#include "cli/conn_fields.h"

/* "conn 7 client 10.0.0.1:4000 -> 10.0.0.2:80 service web shop ..." */
static void write_conn(FILE *f, const struct weft_nl_conn *conn)
{
	char ends[WEFT_CONN_ENDS_MAX];

	fprintf(f, " conn %" PRIu64 " %s %s", conn->id, weft_role_name(conn->role),
		weft_conn_ends(conn, ends));
	if (conn->service)
		fprintf(f, " service %s", conn->service);
	if (conn->workload)
		fprintf(f, " workload %s", conn->workload);
	if (conn->peer_identity)
		fprintf(f, " peer %s", conn->peer_identity);
	if (conn->revocation)
		fprintf(f, " revocation %s", conn->revocation);
	if (conn->registered)
		fprintf(f, " registered %s", conn->registered);
	if (conn->policy)
		fprintf(f, " policy %s", conn->policy);
	if (conn->audit)
		fprintf(f, " audit %s", conn->audit);
}

/* Why: of one try for endpoint-failed, else of the connection. */
static void write_reason(FILE *f, const struct weft_nl_event *event)
{
	const struct weft_nl_conn *conn = &event->conn;
	const struct weft_nl_attempt *last;
	char buf[WEFT_ADDR_TEXT_MAX];

	if (event->type == WEFT_EVENT_ENDPOINT_FAILED && conn->n_attempts) {
		last = &conn->attempts[conn->n_attempts - 1];
		fprintf(f, " endpoint %s reason %s", weft_addr_format(&last->addr, buf),
			weft_reason_name(last->reason));
		if (last->error)
			fprintf(f, " errno %s", weft_errno_name(last->error));
		return;
	}
	if (conn->reason != WEFT_REASON_NONE)
		fprintf(f, " reason %s", weft_reason_name(conn->reason));
	if (conn->error)
		fprintf(f, " errno %s", weft_errno_name(conn->error));
	if (conn->detail)
		fprintf(f, " detail \"%s\"", conn->detail);
}

static char *event_text(const struct weft_nl_event *event, const char *when)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "%s %s", when, weft_event_name(event->type));
	if (event->type == WEFT_EVENT_GENERATION)
		fprintf(f, " %" PRIu64, event->generation);
	if (event->has_conn) {
		write_conn(f, &event->conn);
		write_reason(f, event);
	}
	fclose(f);
	return text;
}

/* RFC 3339 in UTC with milliseconds. */
static const char *timestamp(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03ldZ", now.tv_nsec / 1000000);
	return buf;
}

void weft_monitor_print(struct weft_print *p, const struct weft_nl_event *event, const char *when)
{
	_cleanup_free_ char *text = event_text(event, when);

	weft_print_record_begin(p, text ? text : "");
	weft_print_string(p, "time", when);
	weft_print_string(p, "event", weft_event_name(event->type));
	if (event->type == WEFT_EVENT_GENERATION)
		weft_print_number(p, "generation", event->generation);
	if (event->has_conn) {
		weft_print_group_begin(p, "conn", NULL);
		weft_conn_fields(p, &event->conn);
		weft_print_group_end(p);
	}
	weft_print_record_end(p);
}

static int print_event(const struct weft_nl_event *event, void *data)
{
	char when[64];

	weft_monitor_print(data, event, timestamp(when, sizeof(when)));
	return 0;
}

static void print_lost(struct weft_print *p)
{
	char when[64], text[160];

	timestamp(when, sizeof(when));
	snprintf(text, sizeof(text), "%s lost events: more came than could be read", when);
	weft_print_record_begin(p, text);
	weft_print_string(p, "time", when);
	weft_print_string(p, "event", "lost");
	weft_print_record_end(p);
}

/* Until the output or the kernel fails. */
static int follow(struct weft_cli *cli, struct weft_print *p)
{
	struct pollfd pfd = { .fd = weft_nl_fd(cli->nl), .events = POLLIN };
	struct weft_error err = { 0 };
	int r;

	for (;;) {
		r = weft_nl_event_recv(cli->nl, print_event, p, &err);
		if (r == WEFT_NL_EVENTS_LOST)
			print_lost(p);
		if (r < 0)
			return weft_cli_failed(cli, &err);
		if (weft_print_error(p))
			return WEFT_EXIT_FAILED; /* weft_cli_run() says why */
		if (!r && poll(&pfd, 1, -1) < 0 && errno != EINTR) {
			weft_error_set(&err, errno, "cannot wait for events: %s", strerror(errno));
			return weft_cli_failed(cli, &err);
		}
	}
}

int weft_monitor(struct weft_cli *cli)
{
	struct weft_error err = { 0 };
	struct weft_print *p;
	int code = weft_cli_end(cli);

	if (!code)
		code = weft_cli_begin_show(cli, "monitor", &p);
	if (code)
		return code;
	snprintf(cli->subject, sizeof(cli->subject), "monitor");
	if (weft_nl_event_subscribe(cli->nl, &err))
		return weft_cli_failed(cli, &err);
	return follow(cli, p);
}
