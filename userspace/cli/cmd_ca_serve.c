// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca serve: the CA of this host for the nodes, until SIGTERM or SIGINT. The
 * server's threads tell what happened, one line each: text on stderr, JSON on stdout.
 * Anybody may ask and be refused: of each source some refusals are told, the rest is
 * counted (base/limit.h), and the main thread tells how many there were.
 * What was issued has a record in the journal too, so that it can be found and revoked;
 * where stderr is the journal it has no line beside.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "audit/audit.h"
#include "base/cleanup.h"
#include "base/limit.h"
#include "cli/ca.h"
#include "cli/printable.h"
#include "join/server.h"
#include "pki/crypto.h"

/* Seconds between looks at what was left out. */
#define LOOK_INTERVAL 1

struct journal {
	pthread_mutex_t lock; /* of all the rest */
	struct weft_print *print;
	struct weft_limit refusals;
	const struct weft_audit_sink *audit; /* or NULL */
	bool is_both; /* what is printed gets to the journal */
};

/* systemd.exec(5): JOURNAL_STREAM is the device and inode of what it has connected. */
static bool is_journal(FILE *stream)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &dev, &ino) == 2 && fileno(stream) >= 0 &&
	       !fstat(fileno(stream), &st) && st.st_dev == dev && st.st_ino == ino;
}

/* Locked. @left_out: how many it stands for that were not told; 0: it is one event. */
static void write_record(struct journal *journal, const char *what,
			 const struct weft_join_event *event, const char *text, uint64_t left_out)
{
	_cleanup_free_ char *safe = weft_printable(text, true);

	weft_print_record_begin(journal->print, safe ? safe : what);
	weft_print_string(journal->print, "event", what);
	weft_print_string(journal->print, "node", event->node);
	weft_print_string(journal->print, "identity", event->identity);
	weft_print_string(journal->print, "serial", event->serial);
	weft_print_string(journal->print, "address", event->address);
	if (event->not_after)
		weft_ca_print_time(journal->print, "not_after", event->not_after);
	else
		weft_print_string(journal->print, "not_after", NULL);
	weft_print_string(journal->print, "text", event->text);
	if (left_out)
		weft_print_number(journal->print, "left_out", left_out);
	weft_print_record_end(journal->print);
}

static void tell(struct journal *journal, const char *what, const struct weft_join_event *event,
		 const char *text)
{
	pthread_mutex_lock(&journal->lock);
	write_record(journal, what, event, text, 0);
	pthread_mutex_unlock(&journal->lock);
}

static void on_failed(const char *words, void *data)
{
	const struct weft_join_event event = { .text = words };

	tell(data, "failed", &event, words);
}

/* The server tells of it before the node has it. */
static void tell_issue(struct journal *journal, bool joined, const struct weft_join_event *event,
		       const char *text)
{
	const struct weft_audit_issue issue = {
		.joined = joined,
		.node = event->node,
		.address = event->address,
		.identity = event->identity,
		.serial = event->serial,
		.not_after = event->not_after,
		.text = text,
	};
	struct weft_error err = { 0 };
	int r = journal->audit ? weft_audit_issue(journal->audit, &issue, &err) : 0;

	if (r || !journal->audit || !journal->is_both)
		tell(journal, joined ? "joined" : "issued", event, text);
	if (r)
		on_failed(err.text, journal);
}

static void on_joined(const struct weft_join_event *event, void *data)
{
	char text[WEFT_ERROR_MAX];

	snprintf(text, sizeof(text), "node \"%s\" joined from %s", event->node, event->address);
	tell_issue(data, true, event, text);
}

static void on_issued(const struct weft_join_event *event, void *data)
{
	char text[2 * WEFT_ERROR_MAX], until[WEFT_CRYPTO_TIME_MAX];

	snprintf(text, sizeof(text), "node \"%s\" at %s got %s until %s, serial %s", event->node,
		 event->address, event->identity, weft_crypto_time_format(event->not_after, until),
		 event->serial ? event->serial : "unknown");
	tell_issue(data, false, event, text);
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

static void on_refused(const struct weft_join_event *event, void *data)
{
	struct journal *journal = data;
	struct weft_addr from = { 0 };
	char text[2 * WEFT_ERROR_MAX];

	weft_addr_parse_ip(&from, event->address); /* what is none counts as one, too */
	snprintf(text, sizeof(text), "refused %s: %s", event->address, event->text);
	pthread_mutex_lock(&journal->lock);
	if (weft_limit_take(&journal->refusals, &from, "", 0, now_usec()))
		write_record(journal, "refused", event, text, 0);
	pthread_mutex_unlock(&journal->lock);
}

/* Of those whose period is over at @now. */
static void tell_left_out(struct journal *journal, uint64_t now)
{
	char from[WEFT_ADDR_TEXT_MAX], text[WEFT_ERROR_MAX];
	struct weft_join_event event = { .address = from };
	struct weft_limit_source *source;

	pthread_mutex_lock(&journal->lock);
	while ((source = weft_limit_next(&journal->refusals, now))) {
		if (source->others)
			strcpy(from, "many other addresses");
		else
			weft_network_format(&source->net, from);
		snprintf(text, sizeof(text), "refused %s: %" PRIu64 " more times", from,
			 source->left_out);
		write_record(journal, "refused", &event, text, source->left_out);
		weft_limit_told(source);
	}
	pthread_mutex_unlock(&journal->lock);
}

static void on_warned(const char *words, void *data)
{
	const struct weft_join_event event = { .text = words };

	tell(data, "warning", &event, words);
}

static void wait_for(const sigset_t *stop, struct journal *journal)
{
	const struct timespec interval = { .tv_sec = LOOK_INTERVAL };

	while (sigtimedwait(stop, NULL, &interval) < 0)
		tell_left_out(journal, now_usec());
}

/* The signals that end it are blocked before there is a thread they could go to. */
static int serve(struct weft_cli *cli, const struct weft_join_server_config *config,
		 struct journal *journal)
{
	struct weft_join_server *server;
	struct weft_error err = { 0 };
	char text[WEFT_ADDR_TEXT_MAX];
	sigset_t stop, before;
	int r;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, &before);
	r = weft_join_server_start(config, &server, &err);
	if (!r) {
		fprintf(cli->err, "serving the CA of \"%s\" on %s\n",
			weft_ca_trust_domain(config->ca),
			weft_addr_format(&config->listen, text));
		fflush(cli->err);
		wait_for(&stop, journal);
		weft_join_server_stop(server);
		tell_left_out(journal, UINT64_MAX);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}

static int serve_words(struct weft_cli *cli, const struct weft_ca_words *words, struct weft_ca *ca)
{
	struct journal journal = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.print = weft_print_create(cli->json ? cli->out : cli->err, cli->json),
		.audit = cli->audit,
		.is_both = !cli->json && is_journal(cli->err),
	};
	const struct weft_join_log_ops ops = {
		.joined = on_joined,
		.issued = on_issued,
		.refused = on_refused,
		.failed = on_failed,
		.warned = on_warned,
		.data = &journal,
	};
	const struct weft_join_server_config config = {
		.ca = ca,
		.ca_dir = words->dir,
		.listen = words->listen,
		.lifetime_max = words->lifetime,
		.ops = &ops,
	};
	struct weft_error err = { 0 };
	int code, r;

	if (!journal.print)
		return weft_cli_nomem(cli);
	code = serve(cli, &config, &journal);
	r = weft_print_finish(journal.print);
	if (!r || code)
		return code;
	weft_error_set(&err, r, "cannot write the output: %s", strerror(-r));
	return weft_cli_failed(cli, &err);
}

int weft_ca_serve(struct weft_cli *cli)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	int code;

	code = weft_ca_take_words(cli, "listen, lifetime, dir, trust-domain", &words);
	if (!code && !words.listen.port)
		code = weft_cli_usage(cli, "listen: ADDRESS:PORT is needed");
	if (!code && words.lifetime > WEFT_CA_LIFETIME_MAX)
		code = weft_cli_usage(cli, "lifetime: more than %d days",
				      WEFT_CA_LIFETIME_MAX / 86400);
	if (!code)
		code = weft_ca_open_named(cli, &words, &ca);
	if (!code)
		code = serve_words(cli, &words, ca);
	weft_ca_words_uninit(&words);
	return code;
}
