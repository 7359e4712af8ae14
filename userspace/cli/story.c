// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection told in words. See story.h.
 */
#include "cli/story.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/enums.h"
#include "base/number.h"
#include "cli/advice.h"
#include "cli/conn_fields.h"

typedef void write_fn(FILE *f, const struct weft_nl_conn *conn);

/* What @write writes, without a final newline. NULL: out of memory. */
static char *written(write_fn *write, const struct weft_nl_conn *conn)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	write(f, conn);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return text;
}

static bool is_client(const struct weft_nl_conn *conn)
{
	return conn->role == WEFT_ROLE_CLIENT;
}

static const char *state_meaning(const struct weft_nl_conn *conn)
{
	switch (conn->state) {
	case WEFT_CONN_CONNECTING:
		return "the TCP connection is not up yet";
	case WEFT_CONN_SNIFF:
		return "waiting to see whether the client speaks TLS or plaintext";
	case WEFT_CONN_WANT:
		return "waiting for a daemon to do the handshake";
	case WEFT_CONN_HANDSHAKE:
		return "a daemon is doing the handshake";
	case WEFT_CONN_LIVE:
		return "mutual TLS, in use";
	case WEFT_CONN_PASS:
		return "plaintext, as this side permits";
	case WEFT_CONN_DEAD:
		return "over";
	}
	return "in a state this weftctl does not know";
}

static void write_what(FILE *f, const struct weft_nl_conn *conn)
{
	char ends[WEFT_CONN_ENDS_MAX], age[WEFT_DURATION_TEXT_MAX];

	fprintf(f, "connection %" PRIu64 ", %s, seen from the %s", conn->id,
		weft_conn_ends(conn, ends), weft_role_name(conn->role));
	if (conn->age && conn->state == WEFT_CONN_DEAD)
		fprintf(f, ", lasted %s", weft_duration_format(conn->age, age));
	else if (conn->age)
		fprintf(f, ", began %s ago", weft_duration_format(conn->age, age));
	fprintf(f, "; %s: %s", weft_state_name(conn->state), state_meaning(conn));
}

static void write_who(FILE *f, const struct weft_nl_conn *conn)
{
	fprintf(f, "%s", conn->comm ? conn->comm : "a process");
	if (conn->pid)
		fprintf(f, " (pid %" PRIu32 ", uid %" PRIu32 ")", conn->pid, conn->uid);
	if (conn->cgroup)
		fprintf(f, " in %s", conn->cgroup);
	fputs(", ", f);
	if (conn->workload)
		fprintf(f, "workload \"%s\"", conn->workload);
	else
		fputs("which is no workload", f);
	if (conn->identity)
		fprintf(f, ", identity %s", conn->identity);
}

static void write_where(FILE *f, const struct weft_nl_conn *conn)
{
	char asked[WEFT_ADDR_TEXT_MAX];

	if (!is_client(conn)) {
		fprintf(f, "was called at %s", weft_addr_format(&conn->local, asked));
		if (conn->mode != WEFT_MODE_DEFAULT)
			fprintf(f, ", where mode %s applies", weft_mode_name(conn->mode));
		return;
	}
	fputs("connect()", f);
	if (conn->asked.port)
		fprintf(f, " to %s", weft_addr_format(&conn->asked, asked));
	if (conn->service)
		fprintf(f, ", which is service \"%s\"", conn->service);
}

static void write_tried(FILE *f, const struct weft_nl_conn *conn)
{
	const struct weft_nl_attempt *attempt;
	char buf[WEFT_ADDR_TEXT_MAX];
	size_t i;

	for (i = 0; i < conn->n_attempts; i++) {
		attempt = &conn->attempts[i];
		fprintf(f, "%zu. %s: ", i + 1, weft_addr_format(&attempt->addr, buf));
		if (attempt->reason != WEFT_REASON_NONE)
			fprintf(f, "%s, %s", weft_reason_name(attempt->reason),
				weft_reason_meaning(attempt->reason));
		else
			fputs(conn->state == WEFT_CONN_CONNECTING ? "being tried" : "connected", f);
		if (attempt->error)
			fprintf(f, " (%s)", weft_errno_name(attempt->error));
		fputc('\n', f);
	}
}

static void write_peer(FILE *f, const struct weft_nl_conn *conn)
{
	char buf[WEFT_ADDR_TEXT_MAX];

	fprintf(f, "%s", weft_addr_format(&conn->remote, buf));
	if (conn->peer_identity)
		fprintf(f, " proved to be %s", conn->peer_identity);
	else
		fputs(" proved no identity", f);
	if (conn->peer_serial)
		fprintf(f, ", certificate %s", conn->peer_serial);
	if (conn->cipher)
		fprintf(f, "; TLS 1.3, %s%s", conn->cipher, conn->resumed ? ", resumed" : "");
}

static void write_revoked(FILE *f, const struct weft_nl_conn *conn)
{
	if (!conn->revocation)
		fputs("serials are revoked, and the peer's is not known", f);
	else
		fprintf(f, "revocation \"%s\" has the peer's %s", conn->revocation,
			weft_revoked_name(conn->revoked));
}

static void write_decided(FILE *f, const struct weft_nl_conn *conn)
{
	bool denied = conn->reason == WEFT_REASON_POLICY_DENIED;

	if (conn->revoked)
		write_revoked(f, conn);
	else if (conn->registered)
		fprintf(f, "peer \"%s\" has the address, from which no plaintext is taken",
			conn->registered);
	else if (conn->policy)
		fprintf(f, "policy \"%s\" %s", conn->policy, denied ? "denied it" : "allowed it");
	else
		fputs(denied ? "no \"allow\" policy matched" : "no policy had a say", f);
	fprintf(f, ", generation %" PRIu64, conn->generation);
	if (conn->audit)
		fprintf(f, "; AUDIT policy \"%s\" matches", conn->audit);
}

static void write_result(FILE *f, const struct weft_nl_conn *conn)
{
	if (conn->error)
		fprintf(f, "%s (%s): ", weft_errno_name(conn->error), strerror(conn->error));
	else if (conn->state == WEFT_CONN_LIVE || conn->state == WEFT_CONN_PASS)
		fputs("a working connection: ", f);
	else if (conn->state != WEFT_CONN_DEAD)
		fputs("nothing yet, it waits: ", f);
	else
		fputs("the end of the connection: ", f);
	fprintf(f, "%s, %s", weft_reason_name(conn->reason), weft_reason_meaning(conn->reason));
	if (conn->detail)
		fprintf(f, "; detail: %s", conn->detail);
}

/* Did the peer not begin one, or what is none? */
static bool is_no_handshake(const struct weft_nl_conn *conn)
{
	return conn->reason == WEFT_REASON_PLAINTEXT || conn->reason == WEFT_REASON_TLS ||
	       conn->reason == WEFT_REASON_HANDSHAKE_TIMEOUT || conn->reason == WEFT_REASON_RESET;
}

/* Of @state live connections nothing needs to be done, whatever failed before. */
static const char *advice(const struct weft_nl_conn *conn)
{
	if (conn->state == WEFT_CONN_WANT && conn->reason == WEFT_REASON_NONE)
		return weft_reason_advice(WEFT_REASON_NO_DAEMON, conn->role);
	if (conn->state == WEFT_CONN_PASS)
		return weft_reason_advice(WEFT_REASON_PLAINTEXT, conn->role);
	if (conn->registered && is_no_handshake(conn))
		return weft_registered_advice();
	return weft_reason_advice(conn->reason, conn->role);
}

static int tell(char **paragraph, write_fn *write, const struct weft_nl_conn *conn)
{
	*paragraph = written(write, conn);
	return *paragraph ? 0 : -ENOMEM;
}

int weft_story_tell(struct weft_story *story, const struct weft_nl_conn *conn)
{
	const char *todo = advice(conn);
	struct weft_story s = { 0 };
	int r = tell(&s.what, write_what, conn);

	if (!r)
		r = tell(&s.who, write_who, conn);
	if (!r)
		r = tell(&s.where, write_where, conn);
	if (!r && conn->n_attempts)
		r = tell(&s.tried, write_tried, conn);
	if (!r && (conn->remote.port || conn->peer_identity))
		r = tell(&s.peer, write_peer, conn);
	if (!r && (conn->peer_identity || conn->policy || conn->audit || conn->registered ||
		   conn->reason == WEFT_REASON_POLICY_DENIED))
		r = tell(&s.decided, write_decided, conn);
	if (!r)
		r = tell(&s.result, write_result, conn);
	if (!r && todo) {
		s.advice = strdup(todo);
		r = s.advice ? 0 : -ENOMEM;
	}
	if (r)
		weft_story_uninit(&s);
	else
		*story = s;
	return r;
}

void weft_story_uninit(struct weft_story *story)
{
	free(story->what);
	free(story->who);
	free(story->where);
	free(story->tried);
	free(story->peer);
	free(story->decided);
	free(story->result);
	free(story->advice);
	*story = (struct weft_story){ 0 };
}
