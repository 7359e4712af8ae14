// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least policies. See least.h.
 *
 *	flows of a workload ─▶ sources, each with its ports ─▶ sorted by ports
 *		─▶ rules: at most WEFT_IDENTITIES_MAX sources that use the same ports
 *		─▶ policies: at most WEFT_RULES_MAX rules, and POLICY_BYTES
 */
#include "conf/least.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "base/when.h"
#include "conf/kind.h"
#include "conf/text_stream.h"

/*
 * Bytes of the rules of one policy. The module takes a policy in one message of
 * 64 KiB (nl/nl_policy.c), which 64 full rules do not fit into; the rest of it is
 * for names, and for a person who adds to it.
 */
#define POLICY_BYTES (48 * 1024)

/* Who connects, and to which ports; a part of them where they are too many. */
struct source {
	const char *identity; /* NULL: plaintext from @peer */
	const struct weft_addr *peer;
	uint16_t ports[WEFT_PORTS_MAX]; /* in order */
	size_t n_ports;
	uint64_t count, last;
};

/* What a run says at its top. */
struct totals {
	uint64_t connections;
	size_t flows;
	size_t workloads;
	uint64_t refused;     /* verdicts on what is left out */
	uint64_t strict;      /* plaintext at strict ports: no matter of policies */
	uint64_t revoked;     /* of revoked peers: neither */
};

struct writer {
	const struct weft_least *least;
	FILE *out;
	struct weft_error *err;
	struct source *sources; /* of the workload at hand */
	size_t n_sources;
};

/* ---- which flows ---- */

static bool is_asked_for(const struct weft_least *least, const struct weft_flow *flow)
{
	return flow->role == WEFT_ROLE_SERVER &&
	       (!least->only->count || weft_strv_contains(least->only, flow->workload));
}

static bool has_document(const struct weft_least *least, const char *workload)
{
	return !least->workloads || weft_strv_contains(least->workloads, workload);
}

/* A strict port, and the registry of peers, refuse plaintext whatever policies say. */
static bool is_strict(const struct weft_flow *flow)
{
	return flow->refused && flow->reason == WEFT_REASON_PLAINTEXT;
}

/* So does a revocation; a policy would let the peer in when it is lifted. */
static bool is_revoked(const struct weft_flow *flow)
{
	return flow->refused && flow->reason == WEFT_REASON_REVOKED;
}

static bool is_let_in(const struct weft_least *least, const struct weft_flow *flow)
{
	return !flow->refused || (least->refused && !is_strict(flow) && !is_revoked(flow));
}

static uint64_t verdicts(const struct weft_least *least, const struct weft_flow *flow)
{
	return least->refused ? flow->n_allowed + flow->n_refused : flow->n_allowed;
}

/* ---- sources ---- */

static bool same_source(const struct source *s, const struct weft_flow *flow)
{
	if (s->identity || flow->peer_identity)
		return s->identity && flow->peer_identity &&
		       !strcmp(s->identity, flow->peer_identity);
	return weft_addr_equal(s->peer, &flow->peer);
}

static bool source_has_port(const struct source *s, uint16_t port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static void source_add_port(struct source *s, uint16_t port)
{
	size_t i = s->n_ports++;

	for (; i && s->ports[i - 1] > port; i--)
		s->ports[i] = s->ports[i - 1];
	s->ports[i] = port;
}

/* Flows come sorted, so those of a source follow each other. */
static struct source *find_source(const struct writer *w, const struct weft_flow *flow)
{
	struct source *room = NULL;

	for (size_t i = w->n_sources; i && same_source(&w->sources[i - 1], flow); i--) {
		struct source *s = &w->sources[i - 1];

		if (source_has_port(s, flow->port))
			return s;
		if (s->n_ports < WEFT_PORTS_MAX)
			room = s;
	}
	return room;
}

static int add_flow(struct writer *w, const struct weft_flow *flow)
{
	struct source *s = find_source(w, flow);

	if (!s) {
		s = WEFT_ARRAY_APPEND(w->sources, w->n_sources);
		if (!s)
			return weft_error_nomem(w->err);
		s->identity = flow->peer_identity;
		s->peer = &flow->peer;
	}
	if (!source_has_port(s, flow->port))
		source_add_port(s, flow->port);
	s->count += verdicts(w->least, flow);
	if (flow->last > s->last)
		s->last = flow->last;
	return 0;
}

/* Identities first; then by ports, so that the same stand together; then by who. */
static int compare_ports(const struct source *a, const struct source *b)
{
	int order = !a->identity - !b->identity;

	for (size_t i = 0; !order && i < a->n_ports && i < b->n_ports; i++)
		order = a->ports[i] - b->ports[i];
	return order ? order : (a->n_ports > b->n_ports) - (a->n_ports < b->n_ports);
}

static int compare_sources(const void *va, const void *vb)
{
	const struct source *a = va, *b = vb;
	int order = compare_ports(a, b);

	if (order)
		return order;
	return a->identity ? strcmp(a->identity, b->identity) : weft_addr_compare(a->peer, b->peer);
}

/* ---- text ---- */

static void write_source(FILE *f, const struct source *s)
{
	struct weft_network host = { .len = 128 };
	char text[WEFT_ADDR_TEXT_MAX], when[WEFT_WHEN_TEXT_MAX];

	if (s->identity) {
		/* SPIFFE IDs have nothing to escape */
		fprintf(f, "      - \"%s\"", s->identity);
	} else {
		memcpy(host.ip, s->peer->ip, sizeof(host.ip));
		fprintf(f, "      - \"%s\"", weft_network_format(&host, text));
	}
	fprintf(f, "  # %s%" PRIu64 " time%s, last %s\n", s->identity ? "" : "plaintext, ",
		s->count, s->count == 1 ? "" : "s", weft_when_format(s->last, when));
}

static void write_rule(FILE *f, const struct source *s, size_t n)
{
	if (!s->identity)
		fprintf(f, "  # Plaintext: whoever comes from there, and under any identity; also when\n"
			   "  # the port is strict.\n");
	fprintf(f, "  - from:\n      %s:\n", s->identity ? "identities" : "ipBlocks");
	for (size_t i = 0; i < n; i++)
		write_source(f, &s[i]);
	fprintf(f, "    to: {ports: [");
	for (size_t i = 0; i < s->n_ports; i++)
		fprintf(f, "%s%u", i ? ", " : "", s->ports[i]);
	fprintf(f, "]}\n");
}

/* "suggest.web", "suggest-2.web": a label of its own, as those of @workload may be full. */
static int write_head(struct writer *w, const char *workload, unsigned int number)
{
	_cleanup_free_ char *name = NULL;
	char nth[16] = "";

	if (number > 1)
		snprintf(nth, sizeof(nth), "-%u", number);
	if (asprintf(&name, "suggest%s.%s", nth, workload) < 0) {
		name = NULL;
		return weft_error_nomem(w->err);
	}
	if (weft_name_problem(name))
		return weft_error_set(w->err, ENAMETOOLONG,
				      "workload \"%.253s\": policy \"suggest%s.\" and its name is %s: "
				      "give it a shorter name, or name other workloads", workload, nth,
				      weft_name_problem(name));
	fprintf(w->out,
		"---\napiVersion: " WEFT_API_VERSION "\nkind: AuthorizationPolicy\n"
		"metadata: {name: %s}\nspec:\n  action: ALLOW\n  workload: \"%s\"\n  rules:\n",
		name, workload);
	return 0;
}

/* An attribute of netlink, padded. */
static size_t attr_bytes(size_t len)
{
	return NLA_ALIGN(NLA_HDRLEN + len);
}

/* What put_rules() of nl/nl_policy.c needs for a rule of nobody, and ... */
static size_t rule_bytes(const struct source *s)
{
	return 3 * attr_bytes(0) + s->n_ports * attr_bytes(attr_bytes(sizeof(s->ports[0])));
}

/* ... for one of those whom it is for. */
static size_t source_bytes(const struct source *s)
{
	if (s->identity)
		return attr_bytes(strlen(s->identity) + 1);
	return attr_bytes(attr_bytes(sizeof(s->peer->ip)) + attr_bytes(sizeof(uint32_t)));
}

/* How many of those from @i on share a rule, which has @bytes. */
static size_t rule_length(const struct writer *w, size_t i, size_t *bytes)
{
	const struct source *s = &w->sources[i];
	size_t max = s->identity ? WEFT_IDENTITIES_MAX : WEFT_NETWORKS_MAX, n = 0;

	*bytes = rule_bytes(s);
	do {
		*bytes += source_bytes(&s[n++]);
	} while (n < max && i + n < w->n_sources && !compare_ports(s, &s[n]) &&
		 *bytes + source_bytes(&s[n]) <= POLICY_BYTES);
	return n;
}

static int write_workload(struct writer *w, const char *workload)
{
	unsigned int policies = 0, rules = 0;
	size_t n, bytes, used = 0;

	qsort(w->sources, w->n_sources, sizeof(w->sources[0]), compare_sources);
	for (size_t i = 0; i < w->n_sources; i += n) {
		n = rule_length(w, i, &bytes);
		if (!policies || rules == WEFT_RULES_MAX || used + bytes > POLICY_BYTES) {
			int ret = write_head(w, workload, ++policies);

			if (ret)
				return ret;
			rules = 0;
			used = 0;
		}
		write_rule(w->out, &w->sources[i], n);
		used += bytes;
		rules++;
	}
	return 0;
}

static int write_documents(struct writer *w)
{
	const struct weft_flows *flows = w->least->flows;
	const char *workload = NULL;
	int ret = 0;

	for (size_t i = 0; !ret && i < flows->count; i++) {
		const struct weft_flow *flow = flows->items[i];

		if (!is_asked_for(w->least, flow) || !is_let_in(w->least, flow) ||
		    !has_document(w->least, flow->workload))
			continue;
		if (workload && strcmp(workload, flow->workload)) {
			ret = write_workload(w, workload);
			w->n_sources = 0;
			free(w->sources);
			w->sources = NULL;
		}
		workload = flow->workload;
		if (!ret)
			ret = add_flow(w, flow);
	}
	return ret || !workload ? ret : write_workload(w, workload);
}

/* ---- the top ---- */

static void count(const struct weft_least *least, struct totals *t)
{
	const char *workload = NULL;

	for (size_t i = 0; i < least->flows->count; i++) {
		const struct weft_flow *flow = least->flows->items[i];

		if (!is_asked_for(least, flow) || !has_document(least, flow->workload))
			continue;
		if (is_strict(flow)) {
			t->strict += flow->n_refused;
		} else if (is_revoked(flow)) {
			t->revoked += flow->n_refused;
		} else if (!is_let_in(least, flow)) {
			t->refused += flow->n_refused;
		} else {
			t->flows++;
			t->connections += verdicts(least, flow);
			t->workloads += !workload || strcmp(workload, flow->workload);
			workload = flow->workload;
		}
	}
}

/* A line for each workload that has no document. */
static void write_undocumented(const struct weft_least *least, FILE *f)
{
	const struct weft_flows *flows = least->flows;

	for (size_t i = 0, next; i < flows->count; i = next) {
		const char *workload = flows->items[i]->workload;
		uint64_t n = 0;

		for (next = i; next < flows->count &&
			       !strcmp(flows->items[next]->workload, workload); next++)
			if (is_asked_for(least, flows->items[next]) &&
			    is_let_in(least, flows->items[next]))
				n += verdicts(least, flows->items[next]);
		if (n && !has_document(least, workload))
			fprintf(f,
				"# Left out: %" PRIu64 " of workload %s, which no document (now) "
				"describes.\n", n, workload);
	}
}

static void write_top(const struct weft_least *least, const struct totals *t, FILE *f)
{
	char since[WEFT_WHEN_TEXT_MAX], until[WEFT_WHEN_TEXT_MAX];

	fprintf(f,
		"# weftctl suggest: the least that lets in what %s.\n"
		"# From %s to %s: %" PRIu64 " connection%s\n"
		"# (%zu different) to %zu workload%s. Whoever was not seen in that time would be\n"
		"# refused, also at other ports. ALLOW policies that are there already go on\n"
		"# letting in what they do.\n",
		least->refused ? "asked" : "was let in", weft_when_format(least->since, since),
		weft_when_format(least->until, until), t->connections,
		t->connections == 1 ? "" : "s", t->flows, t->workloads,
		t->workloads == 1 ? "" : "s");
	fputs(least->open ? "# Those that were opened before and are still open are among them.\n"
			  : "# Those that were opened before are not known, also if they are still open.\n",
	      f);
	if (least->flows->begins > least->since)
		fprintf(f, "# The journal begins at %s: what was before is not known.\n",
			weft_when_format(least->flows->begins, since));
	if (t->refused)
		fprintf(f, "# Left out: %" PRIu64 " that were refused; --refused has them.\n",
			t->refused);
	if (t->strict)
		fprintf(f,
			"# Left out: %" PRIu64 " in plaintext at strict ports: no policy lets them in, "
			"a mode does.\n", t->strict);
	if (t->revoked)
		fprintf(f, "# Left out: %" PRIu64 " of peers that are revoked.\n", t->revoked);
	if (least->flows->unreadable)
		fprintf(f, "# Not read: %" PRIu64 " damaged records.\n", least->flows->unreadable);
	write_undocumented(least, f);
}

int weft_least_write(const struct weft_least *least, FILE *out, struct weft_error *err)
{
	struct weft_text_stream s = { 0 };
	_cleanup_free_ char *text = NULL;
	struct totals totals = { 0 };
	struct writer w = { .least = least, .err = err };
	int ret;

	count(least, &totals);
	if (!totals.flows)
		return weft_error_set(err, ENODATA, "nothing is to be let in");
	if (weft_text_stream_open(&s))
		return weft_error_nomem(err);
	w.out = s.f;
	write_top(least, &totals, s.f);
	ret = write_documents(&w);
	free(w.sources);
	text = weft_text_stream_close(&s);
	if (ret)
		return ret;
	if (!text)
		return weft_error_nomem(err);
	fputs(text, out);
	return 0;
}
