// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection as fields. See conn_fields.h.
 */
#include "cli/conn_fields.h"

#include <stdint.h>
#include <stdlib.h>
#include "base/cleanup.h"
#include "base/enums.h"
#include "cli/value.h"

static char *attempts_text(const struct weft_nl_conn *conn)
{
	const struct weft_nl_attempt *attempt;
	char buf[WEFT_ADDR_TEXT_MAX];
	char *text = NULL;
	size_t i, len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (i = 0; i < conn->n_attempts; i++) {
		attempt = &conn->attempts[i];
		fprintf(f, "%s%s", i ? ", " : "", weft_addr_format(&attempt->addr, buf));
		if (attempt->reason != WEFT_REASON_NONE)
			fprintf(f, " %s", weft_reason_name(attempt->reason));
	}
	fclose(f);
	return text;
}

static void print_attempts(struct weft_print *p, const struct weft_nl_conn *conn)
{
	_cleanup_free_ char *text = conn->n_attempts ? attempts_text(conn) : NULL;
	const struct weft_nl_attempt *attempt;
	size_t i;

	weft_print_list_begin(p, "attempts", text);
	for (i = 0; i < conn->n_attempts; i++) {
		attempt = &conn->attempts[i];
		weft_print_item_begin(p);
		weft_print_addr(p, "address", &attempt->addr);
		weft_print_string(p, "reason", weft_reason_name(attempt->reason));
		weft_print_string(p, "errno",
				  attempt->error ? weft_errno_name(attempt->error) : NULL);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

void weft_conn_fields(struct weft_print *p, const struct weft_nl_conn *conn)
{
	weft_print_number(p, "id", conn->id);
	weft_print_string(p, "role", weft_role_name(conn->role));
	weft_print_string(p, "state", weft_state_name(conn->state));
	weft_print_string(p, "mode",
			  conn->mode != WEFT_MODE_DEFAULT ? weft_mode_name(conn->mode) : NULL);
	weft_print_string(p, "reason", weft_reason_name(conn->reason));
	weft_print_string(p, "detail", conn->detail);
	weft_print_string(p, "errno", conn->error ? weft_errno_name(conn->error) : NULL);
	weft_print_addr(p, "local", &conn->local);
	weft_print_addr(p, "remote", &conn->remote);
	weft_print_addr(p, "asked", &conn->asked);
	weft_print_string(p, "service", conn->service);
	print_attempts(p, conn);
	weft_print_string(p, "workload", conn->workload);
	weft_print_string(p, "identity", conn->identity);
	weft_print_string(p, "peer_identity", conn->peer_identity);
	weft_print_string(p, "peer_serial", conn->peer_serial);
	weft_print_string(p, "revoked",
			  conn->revoked ? weft_revoked_name(conn->revoked) : NULL);
	weft_print_string(p, "revocation", conn->revocation);
	weft_print_string(p, "registered", conn->registered);
	weft_print_string(p, "policy", conn->policy);
	weft_print_string(p, "audit", conn->audit);
	weft_print_number(p, "generation", conn->generation);
	weft_print_string(p, "cipher", conn->cipher);
	weft_print_string(p, "handshake",
			  conn->cipher ? (conn->resumed ? "resumed" : "full") : NULL);
	weft_print_number(p, "pid", conn->pid);
	weft_print_number(p, "uid", conn->uid);
	weft_print_string(p, "comm", conn->comm);
	weft_print_string(p, "cgroup", conn->cgroup);
	weft_print_duration(p, "age", conn->age);
}

static const char *end_text(const struct weft_addr *addr, char *buf)
{
	return addr->port ? weft_addr_format(addr, buf) : "?";
}

const char *weft_conn_ends(const struct weft_nl_conn *conn, char *buf)
{
	const struct weft_addr *from = &conn->remote, *to = &conn->local;
	char from_text[WEFT_ADDR_TEXT_MAX], to_text[WEFT_ADDR_TEXT_MAX];

	if (conn->role == WEFT_ROLE_CLIENT) {
		from = &conn->local;
		to = conn->remote.port ? &conn->remote : &conn->asked;
	}
	snprintf(buf, WEFT_CONN_ENDS_MAX, "%s -> %s", end_text(from, from_text),
		 end_text(to, to_text));
	return buf;
}

char *weft_conn_outcome(const struct weft_nl_conn *conn)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs(conn->reason == WEFT_REASON_NONE ? weft_state_name(conn->state)
					       : weft_reason_name(conn->reason), f);
	if (conn->detail)
		fprintf(f, ": %s", conn->detail);
	if (conn->error)
		fprintf(f, " (%s)", weft_errno_name(conn->error));
	if (conn->revocation)
		fprintf(f, ", revocation \"%s\"", conn->revocation);
	if (conn->registered)
		fprintf(f, ", peer \"%s\"", conn->registered);
	if (conn->policy)
		fprintf(f, ", policy \"%s\"", conn->policy);
	if (conn->audit)
		fprintf(f, ", audit \"%s\"", conn->audit);
	fclose(f);
	return text;
}

int weft_conn_take_id(struct weft_cli *cli, uint64_t *id)
{
	const char *word = *cli->words;
	int code = weft_value_number(cli, "conn", 1, UINT64_MAX, id);

	if (code)
		return code;
	cli->name = word;
	snprintf(cli->subject, sizeof(cli->subject), "conn %s", word);
	return WEFT_EXIT_DONE;
}
