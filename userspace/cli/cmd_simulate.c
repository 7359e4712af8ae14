// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl simulate: what would a change have done to the connections there were?
 *
 *   files ─▶ documents as they would be ─▶ a trial in the module ─┐
 *   journal ─▶ flows ─────────────────────────────────────────────┴▶ a judgment each
 *
 * The module judges, by the functions that judge connections. It has nothing to
 * say where the change takes workload, service or mesh away: that is told here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/enums.h"
#include "base/when.h"
#include "cli/apply.h"
#include "cli/command.h"
#include "cli/recorded.h"
#include "conf/conf.h"
#include "nl/nl_flow.h"
#include "nl/nl_generation.h"
#include "nl/nl_service.h"
#include "nl/nl_workload.h"

/* In the order they are told. */
enum fate {
	FATE_REFUSED,
	FATE_UNMESHED, /* TLS today; then an end of it would be in no mesh */
	FATE_LET_IN,   /* refused today; also where nobody would look any more */
	FATE_ALLOWED,  /* as before */
	FATE_KEPT_OUT, /* as before */
	FATE_GONE,     /* it belongs to nothing that there is now or would be */
};

/* Flows that differ in the address of an identity only, and are judged alike. */
struct row {
	const struct weft_flow *flow; /* one of them */
	struct weft_nl_judgment judgment;
	enum fate fate;
	uint64_t n_allowed, n_refused, n_addresses;
	uint64_t first, last;
};

struct simulation {
	struct weft_cli *cli;
	struct weft_recorded recorded;
	uint32_t txn;
	struct row *rows;
	size_t n_rows;
	struct weft_strv unseen; /* changes that no judgment shows */
	bool no_former;		 /* these are not known */
	bool nomem;		 /* while these were collected */
};

static void simulation_uninit(struct simulation *s)
{
	for (size_t i = 0; i < s->n_rows; i++)
		weft_nl_judgment_uninit(&s->rows[i].judgment);
	free(s->rows);
	weft_strv_uninit(&s->unseen);
	weft_recorded_uninit(&s->recorded);
}

/* ---- what is not judged ---- */

/* So many are told to people. */
#define UNSEEN_MAX 8

/*
 * Flows are judged by the names that are recorded, not by processes and routes. @line
 * is of weft_conf_diff(): "workload web: selector uid 1 added", "service web added".
 */
static bool is_unseen(const char *line)
{
	static const struct {
		const char *noun, *what;
	} unseen[] = {
		{ "workload ", "added" }, { "workload ", "selector " }, { "workload ", "identity " },
		{ "service ", "added" },  { "service ", "address " },	{ "service ", "port " },
		{ "service ", "endpoint " },
	};

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(unseen); i++) {
		size_t len = strlen(unseen[i].noun);
		const char *what = strncmp(line, unseen[i].noun, len) ? NULL
								     : strchr(line + len, ' ');

		/* a name has no blanks */
		if (what && !strncmp(what + 1, unseen[i].what, strlen(unseen[i].what)))
			return true;
	}
	return false;
}

static void take_unseen(const char *line, void *data)
{
	struct simulation *s = data;

	if (is_unseen(line) && weft_strv_add(&s->unseen, line))
		s->nomem = true;
}

/* Return: an exit code. */
static int compare_documents(struct simulation *s, const struct weft_conf *former,
			     const struct weft_conf *conf)
{
	s->no_former = !former;
	if (former && (weft_conf_diff(former, conf, take_unseen, s) < 0 || s->nomem))
		return weft_cli_nomem(s->cli);
	return WEFT_EXIT_DONE;
}

static void note_unseen(const struct simulation *s)
{
	size_t i;

	if (s->no_former)
		weft_cli_note(s->cli,
			      "not judged: changes of selectors, of identities of workloads and of "
			      "routes of services; the documents that are there now are wrong, so "
			      "which there are is not known");
	for (i = 0; i < s->unseen.count && i < UNSEEN_MAX; i++)
		weft_cli_note(s->cli, "not judged: %s", s->unseen.items[i]);
	if (i < s->unseen.count)
		weft_cli_note(s->cli, "not judged: %zu more such changes", s->unseen.count - i);
}

/* ---- judging ---- */

/* Whether the tables in force have it. Return: 1, 0, negative errno. */
static int exists(struct weft_nl *nl, const struct weft_nl_kind *kind, const char *name,
		  struct weft_error *err)
{
	_cleanup_free_ void *object = calloc(1, kind->size);
	int r;

	if (!object)
		return weft_error_nomem(err);
	r = weft_nl_object_get(nl, kind, name, object, err);
	if (r)
		return r == -ENOENT ? 0 : r;
	kind->uninit(object);
	return 1;
}

/* What the change would leave in no mesh: or is it in none already? */
static int unmeshed(struct simulation *s, struct row *row, struct weft_error *err)
{
	const struct weft_flow *flow = row->flow;
	int r = 1;

	if (!row->judgment.has_workload)
		r = exists(s->cli->nl, &weft_nl_kind_workload, flow->workload, err);
	else if (flow->role == WEFT_ROLE_CLIENT)
		r = exists(s->cli->nl, &weft_nl_kind_service, flow->service, err);
	if (r < 0)
		return r;
	if (!r)
		row->fate = FATE_GONE;
	else if (flow->refused)
		row->fate = FATE_LET_IN; /* in plaintext: no policy is asked */
	else
		row->fate = flow->peer_identity ? FATE_UNMESHED : FATE_ALLOWED;
	return 0;
}

static bool in_mesh(const struct row *row)
{
	if (!row->judgment.has_workload)
		return false;
	if (row->flow->role == WEFT_ROLE_CLIENT)
		return row->judgment.has_service;
	return row->judgment.mode != WEFT_MODE_DISABLED;
}

static int judge(struct simulation *s, const struct weft_flow *flow, struct row *row,
		 struct weft_error *err)
{
	const struct weft_nl_flow asked = {
		.role = flow->role,
		.workload = flow->workload,
		.service = flow->service,
		.peer_identity = flow->peer_identity,
		.peer_serial = flow->peer_serial,
		.peer = flow->peer,
		.port = flow->port,
	};
	int r;

	r = weft_nl_flow_judge(s->cli->nl, s->txn, &asked, &row->judgment, err);
	if (r)
		return r;
	row->flow = flow;
	row->n_allowed = flow->n_allowed;
	row->n_refused = flow->n_refused;
	row->n_addresses = 1;
	row->first = flow->first;
	row->last = flow->last;
	if (!in_mesh(row))
		return unmeshed(s, row, err);
	if (row->judgment.reason == WEFT_REASON_NONE)
		row->fate = flow->refused ? FATE_LET_IN : FATE_ALLOWED;
	else
		row->fate = flow->refused ? FATE_KEPT_OUT : FATE_REFUSED;
	return 0;
}

static int judge_all(struct simulation *s, struct weft_error *err)
{
	const struct weft_flows *flows = &s->recorded.flows;
	int r;

	s->rows = calloc(flows->count, sizeof(*s->rows));
	if (!s->rows)
		return weft_error_nomem(err);
	while (s->n_rows < flows->count) {
		struct row *row = &s->rows[s->n_rows];

		/* counted first: what is in it is freed also when it fails */
		r = judge(s, flows->items[s->n_rows++], row, err);
		if (r)
			return r;
	}
	return 0;
}

/* ---- rows that say the same ---- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* By everything that is told but counts, times and the address of an identity. */
static int compare_said(const struct row *a, const struct row *b)
{
	int order = (a->fate > b->fate) - (a->fate < b->fate);

	if (!order)
		order = (b->flow->role > a->flow->role) - (b->flow->role < a->flow->role);
	if (!order)
		order = strcmp(a->flow->workload, b->flow->workload);
	if (!order)
		order = compare_texts(a->flow->service, b->flow->service);
	if (!order)
		order = !a->flow->peer_identity - !b->flow->peer_identity;
	if (!order)
		order = compare_texts(a->flow->peer_identity, b->flow->peer_identity);
	if (!order && !a->flow->peer_identity)
		order = weft_addr_compare(&a->flow->peer, &b->flow->peer);
	if (!order)
		order = (a->flow->port > b->flow->port) - (a->flow->port < b->flow->port);
	if (!order)
		order = (a->judgment.reason > b->judgment.reason) -
			(a->judgment.reason < b->judgment.reason);
	if (!order)
		order = compare_texts(a->judgment.policy, b->judgment.policy);
	if (!order)
		order = compare_texts(a->judgment.revocation, b->judgment.revocation);
	if (!order)
		order = compare_texts(a->judgment.registered, b->judgment.registered);
	return order ? order : compare_texts(a->judgment.audit, b->judgment.audit);
}

static int compare_rows(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int order = compare_said(a, b);

	return order ? order : weft_addr_compare(&a->flow->peer, &b->flow->peer);
}

static void merge_rows(struct simulation *s)
{
	size_t n = 0;

	qsort(s->rows, s->n_rows, sizeof(s->rows[0]), compare_rows);
	for (size_t i = 0; i < s->n_rows; i++) {
		struct row *row = &s->rows[i], *to = n ? &s->rows[n - 1] : NULL;

		if (!to || compare_said(to, row)) {
			s->rows[n++] = *row;
			continue;
		}
		to->n_allowed += row->n_allowed;
		to->n_refused += row->n_refused;
		to->n_addresses += row->n_addresses;
		to->first = row->first < to->first ? row->first : to->first;
		to->last = row->last > to->last ? row->last : to->last;
		weft_nl_judgment_uninit(&row->judgment);
	}
	s->n_rows = n;
}

/* ---- what is told ---- */

static const char *fate_word(enum fate fate)
{
	static const char *const words[] = {
		[FATE_REFUSED] = "refused", [FATE_UNMESHED] = "unmeshed",
		[FATE_LET_IN] = "allowed",  [FATE_ALLOWED] = "allowed",
		[FATE_KEPT_OUT] = "refused",
	};

	return words[fate];
}

/* Why it would be so, for people. NULL: there is nothing to say; buf: for names. */
static const char *why(const struct row *row, char *buf, size_t size)
{
	const struct weft_nl_judgment *j = &row->judgment;

	if (!in_mesh(row)) {
		if (!j->has_workload)
			return "its workload would be gone";
		return row->flow->role == WEFT_ROLE_CLIENT ? "its service would be gone"
							   : "the port would be disabled";
	}
	switch (j->reason) {
	case WEFT_REASON_NONE:
		if (!j->policy)
			return row->flow->role == WEFT_ROLE_SERVER ? "no ALLOW policy is for it" : NULL;
		break;
	case WEFT_REASON_POLICY_DENIED:
		if (!j->policy)
			return "no ALLOW policy matches";
		break;
	case WEFT_REASON_PLAINTEXT:
		if (!j->registered)
			return "plaintext at a strict port";
		snprintf(buf, size, "plaintext of peer %s", j->registered);
		return buf;
	case WEFT_REASON_PEER_IDENTITY:
		return "not an identity of the service";
	case WEFT_REASON_REVOKED:
		snprintf(buf, size, "revocation %s", j->revocation ? j->revocation : "");
		return buf;
	default:
		return weft_reason_name(j->reason);
	}
	snprintf(buf, size, "policy %s", j->policy);
	return buf;
}

/* Rows have all fields; people see who it is in one. */
static void print_row(struct weft_print *p, const struct row *row, bool json)
{
	const struct weft_flow *flow = row->flow;
	char buf[WEFT_NAME_MAX + 24], addr[WEFT_ADDR_TEXT_MAX], when[WEFT_WHEN_TEXT_MAX];
	bool is_server = flow->role == WEFT_ROLE_SERVER;
	const char *peer = flow->peer_identity;

	if (!peer)
		peer = weft_addr_format_ip(&flow->peer, addr);
	weft_print_string(p, "was", flow->refused ? "refused" : "allowed");
	weft_print_string(p, "would_be", fate_word(row->fate));
	weft_print_string(p, "role", weft_role_name(flow->role));
	weft_print_string(p, "workload", flow->workload);
	weft_print_string(p, "peer", peer);
	weft_print_number(p, "port", flow->port);
	weft_print_string(p, "why", why(row, buf, sizeof(buf)));
	weft_print_number(p, "count", row->n_allowed + row->n_refused);
	if (json) {
		weft_print_string(p, "service", flow->service);
		weft_print_string(p, "peer_identity", flow->peer_identity);
		weft_print_number(p, "addresses", is_server ? row->n_addresses : 0);
		weft_print_number(p, "allowed", row->n_allowed);
		weft_print_number(p, "refused", row->n_refused);
		weft_print_string(p, "reason", weft_reason_name(row->judgment.reason));
		weft_print_string(p, "policy", row->judgment.policy);
		weft_print_string(p, "audit", row->judgment.audit);
		weft_print_string(p, "revocation", row->judgment.revocation);
		weft_print_string(p, "registered", row->judgment.registered);
		weft_print_string(p, "first", weft_when_format(row->first, when));
	}
	weft_print_string(p, "last", weft_when_format(row->last, when));
}

struct totals {
	uint64_t refused, unmeshed, let_in, gone, all; /* connections */
};

static void count(const struct simulation *s, struct totals *t)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *row = &s->rows[i];

		t->all += row->n_allowed + row->n_refused;
		t->refused += row->fate == FATE_REFUSED ? row->n_allowed : 0;
		t->unmeshed += row->fate == FATE_UNMESHED ? row->n_allowed : 0;
		t->let_in += row->fate == FATE_LET_IN ? row->n_refused : 0;
		t->gone += row->fate == FATE_GONE ? row->n_allowed + row->n_refused : 0;
	}
}

static void print_json(struct weft_print *p, const struct simulation *s, const struct totals *t)
{
	char when[WEFT_WHEN_TEXT_MAX];

	weft_print_block_begin(p);
	weft_print_string(p, "since", weft_when_format(s->recorded.source.since, when));
	weft_print_string(p, "records_since",
			  weft_when_format(weft_recorded_begin(&s->recorded), when));
	weft_print_string(p, "until", weft_when_format(s->recorded.until, when));
	weft_print_number(p, "connections", t->all);
	weft_print_number(p, "older", s->recorded.older);
	weft_print_number(p, "refused", t->refused);
	weft_print_number(p, "unmeshed", t->unmeshed);
	weft_print_number(p, "let_in", t->let_in);
	weft_print_number(p, "gone", t->gone);
	weft_print_number(p, "unreadable", s->recorded.flows.unreadable);
	weft_print_strings(p, "not_judged", &s->unseen);
	weft_print_list_begin(p, "flows", NULL);
	for (size_t i = 0; i < s->n_rows && s->rows[i].fate != FATE_GONE; i++) {
		weft_print_item_begin(p);
		print_row(p, &s->rows[i], true);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
	weft_print_block_end(p);
}

static void print_line(struct weft_print *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void print_line(struct weft_print *p, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	weft_print_record_begin(p, text);
	weft_print_record_end(p);
}

/* What the numbers are of. */
static void print_basis(struct weft_print *p, const struct simulation *s, const struct totals *t)
{
	uint64_t begin = weft_recorded_begin(&s->recorded);
	char when[WEFT_WHEN_TEXT_MAX];

	if (begin > s->recorded.source.since)
		print_line(p, "the journal begins at %s: what was before is not known",
			   weft_when_format(begin, when));
	if (s->recorded.older)
		print_line(p, "%" PRIu64 " of them were opened before and are still open",
			   s->recorded.older);
	if (t->gone)
		print_line(p, "%" PRIu64 " of them belong to workloads or services that are gone "
			   "already, and are left out", t->gone);
	if (s->recorded.flows.unreadable)
		print_line(p, "%" PRIu64 " damaged records could not be read",
			   s->recorded.flows.unreadable);
}

static void print_text(struct weft_print *p, const struct simulation *s, const struct totals *t)
{
	char since[WEFT_WHEN_TEXT_MAX];

	weft_print_table_begin(p);
	for (size_t i = 0; i < s->n_rows && s->rows[i].fate != FATE_GONE; i++) {
		weft_print_row_begin(p);
		print_row(p, &s->rows[i], false);
		weft_print_row_end(p);
	}
	weft_print_table_end(p);
	print_line(p, "%" PRIu64 " connections since %s: of those let in %" PRIu64
		   " would be refused and %" PRIu64 " unmeshed, of those refused %" PRIu64
		   " would be let in",
		   t->all, weft_when_format(s->recorded.source.since, since), t->refused,
		   t->unmeshed, t->let_in);
	print_basis(p, s, t);
}

/* That nobody would be refused is no answer when nobody was asked about. */
static int fail_gone(struct simulation *s, const struct totals *t)
{
	const struct weft_flow_source *source = &s->recorded.source;
	const char *name = source->file ? source->file : source->dir;
	struct weft_error err = { 0 };

	weft_error_set(&err, ENODATA,
		       "%.200s: nothing to judge: all %" PRIu64 " recorded connections belong to "
		       "workloads or services that are not here: name the journal of a host with "
		       "these documents with --journal or --file",
		       name ? name : "the journal of this machine", t->all);
	return weft_cli_failed(s->cli, &err);
}

static int print(struct simulation *s)
{
	struct totals totals = { 0 };
	struct weft_print *p;

	count(s, &totals);
	if (totals.gone == totals.all)
		return fail_gone(s, &totals);
	p = weft_cli_print(s->cli);
	if (!p)
		return WEFT_EXIT_FAILED;
	if (s->cli->json)
		print_json(p, s, &totals);
	else
		print_text(p, s, &totals);
	note_unseen(s);
	/* not by the counts: of what was refused last, some was let in before */
	return s->rows[0].fate == FATE_REFUSED || s->rows[0].fate == FATE_UNMESHED
		       ? WEFT_EXIT_REFUSED : WEFT_EXIT_DONE;
}

/* ---- the whole ---- */

/* The documents as they would be. Return: an exit code. */
static int load(struct simulation *s, struct weft_conf **conf)
{
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *former = NULL;
	struct weft_cli *cli = s->cli;
	_cleanup_(weft_apply_uninit) struct weft_apply apply = { .lock = -1, .only_looks = true };
	int code = weft_apply_take_files(cli, &apply);

	if (!code && !apply.n_files)
		code = weft_cli_usage(cli, "simulate: which files? Those of a weftctl apply are needed");
	if (!code)
		code = weft_apply_find(cli, &apply);
	if (!code)
		code = weft_apply_look(cli, &apply, conf, &former);
	if (code)
		return code;
	weft_apply_advise(s->cli, &apply, *conf);
	return compare_documents(s, former, *conf);
}

static int ask(struct simulation *s, const struct weft_conf *conf)
{
	struct weft_error err = { 0 };
	int r = weft_conf_try(conf, s->cli->nl, &s->txn, &err);

	if (!r) {
		r = judge_all(s, &err);
		weft_nl_generation_abort(s->cli->nl, s->txn, NULL);
	}
	if (r)
		return weft_cli_failed(s->cli, &err);
	merge_rows(s);
	return WEFT_EXIT_DONE;
}

int weft_simulate(struct weft_cli *cli)
{
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *conf = NULL;
	_cleanup_(simulation_uninit) struct simulation s = { .cli = cli };
	int code = weft_recorded_take(cli, &s.recorded);

	if (!code)
		code = load(&s, &conf);
	if (!code)
		code = weft_cli_connect(cli);
	if (!code)
		code = weft_recorded_load(cli, &s.recorded);
	if (!code)
		code = ask(&s, conf);
	return code ? code : print(&s);
}
