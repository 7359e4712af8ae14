// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration in force, see config.h. Owns the store and the last good
 * configuration. Main thread.
 */
#include "daemon/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "base/boot.h"
#include "base/cleanup.h"
#include "base/when.h"
#include "conf/advice.h"
#include "daemon/last_good.h"
#include "daemon/log.h"
#include "daemon/reader.h"

/* A reload names so many changes; of the rest it says how many there are. */
#define DIFF_LINES_MAX 20

/* Likewise of advice. */
#define ADVICE_LINES_MAX 8

/* Milliseconds that documents wait for executables, and that those wait that revoke somebody. */
#define EXECUTABLES_WAIT 3000
#define REVOCATION_WAIT 500

/* Seconds that to look at one may take before it is told. */
#define EXECUTABLE_LONG 10

#define USEC_PER_SEC UINT64_C(1000000)

/* apply() had nothing to do. */
#define SAME 2

struct weft_config {
	struct weft_store *store;
	weft_config_apply_fn *apply;
	void *data;

	struct weft_reader *reader;
	struct weft_executables executables;
	bool shown; /* the latest apply() showed the module some it did not know */
	struct weft_strv problems; /* with those of @good */
	struct weft_conf *good;
	uint64_t generation;
	struct weft_error error; /* text "": none */
	unsigned int reports;
	struct weft_error late; /* likewise, of weft_config_refresh() */
	char *stuck;		/* the reader is, at this path */
	uint64_t began;
	bool again;

	const char *state_dir; /* documents are kept there; NULL: they are not */
	const char *trust_domain;
	int64_t former; /* @good are those that were kept, in force then; 0: those there are */
	struct weft_error former_error; /* why those are not in force; text "": none */
	bool kept; /* @good is */
	struct weft_error unkept; /* why not; text "": none */

	struct weft_conf *next; /* waits for executables; NULL: none does */
	uint64_t next_began;
	int64_t next_former;
	int due; /* timerfd: @next waits no longer */
};

int weft_config_create(struct weft_config **ret, struct weft_store *store,
		       weft_config_apply_fn *apply, void *data, struct weft_error *err)
{
	struct weft_config *config = calloc(1, sizeof(*config));
	int r;

	if (!config) {
		weft_store_destroy(store);
		return weft_error_nomem(err);
	}
	config->store = store;
	config->apply = apply;
	config->data = data;
	config->due = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (config->due < 0)
		r = weft_error_set(err, errno, "timerfd: %s", strerror(errno));
	else
		r = weft_reader_start(&config->reader, err);
	if (r) {
		weft_config_destroy(config);
		return r;
	}
	*ret = config;
	return 0;
}

void weft_config_destroy(struct weft_config *config)
{
	if (!config)
		return;
	weft_reader_stop(config->reader);
	weft_conf_destroy(config->good);
	weft_conf_destroy(config->next);
	weft_store_destroy(config->store);
	if (config->due >= 0)
		close(config->due);
	weft_executables_uninit(&config->executables);
	weft_strv_uninit(&config->problems);
	free(config->stuck);
	free(config);
}

int weft_config_fd(const struct weft_config *config)
{
	return weft_store_fd(config->store);
}

static void report(struct weft_config *config, const struct weft_error *err)
{
	if (!strcmp(config->error.text, err->text))
		return;
	config->error = *err;
	config->reports++;
	if (config->good)
		weft_log_error("configuration not applied, generation %" PRIu64 " stays: %s",
			       config->generation, err->text);
	else
		weft_log_error("configuration not applied, what the module has stays: %s",
			       err->text);
}

static void log_difference(const char *line, void *data)
{
	unsigned int *n = data;

	if ((*n)++ < DIFF_LINES_MAX)
		weft_log_info("configuration: %s", line);
}

static bool is_advised(const struct weft_conf *conf, const char *service)
{
	const struct weft_conf_service *s = conf ? weft_conf_find_service(conf, service) : NULL;

	return s && weft_conf_service_advice(s);
}

/* What is new in @now: who wants it so hears it once. */
static void log_advice(const struct weft_config *config, const struct weft_conf *now)
{
	unsigned int n = 0;

	for (size_t i = 0; i < now->n_services; i++) {
		const struct weft_conf_service *s = &now->services[i];
		const char *advice = weft_conf_service_advice(s);

		if (!advice || is_advised(config->good, s->object.name) || n++ >= ADVICE_LINES_MAX)
			continue;
		weft_log_notice("configuration: %s:%u: Service \"%s\": %s", s->mark.file,
				s->mark.line, s->object.name, advice);
	}
	if (n > ADVICE_LINES_MAX)
		weft_log_notice("configuration: and %u more services that any workload may serve",
				n - ADVICE_LINES_MAX);
}

static void log_change(const struct weft_config *config, const struct weft_conf *now)
{
	char summary[WEFT_CONF_SUMMARY_MAX];
	unsigned int n = 0;

	if (config->good) {
		weft_conf_diff(config->good, now, log_difference, &n);
		if (n > DIFF_LINES_MAX)
			weft_log_info("configuration: and %u more changes", n - DIFF_LINES_MAX);
	}
	weft_log_info("configuration: generation %" PRIu64 ": %s", config->generation,
		      weft_conf_summary(now, summary));
	log_advice(config, now);
}

/* ---- executables ---- */

/* Logs what is new in @problems, which are those of what is in force now. */
static void take_problems(struct weft_config *config, struct weft_strv *problems)
{
	size_t i;

	for (i = 0; i < problems->count; i++)
		if (!weft_strv_contains(&config->problems, problems->items[i]))
			weft_log_warning("configuration: %s", problems->items[i]);
	weft_strv_uninit(&config->problems);
	config->problems = *problems;
	*problems = (struct weft_strv){ 0 };
}

/* As weft_executables_attach(), with the workload in the words. */
static int attach_workload(struct weft_config *config, struct weft_nl_workload *workload,
			   struct weft_strv *problems)
{
	_cleanup_(weft_strv_uninit) struct weft_strv own = { 0 };
	int ret = weft_executables_attach(&config->executables, workload, &own);
	char *text;
	size_t i;

	for (i = 0; i < own.count; i++)
		if (asprintf(&text, "workload %s: %s", workload->name, own.items[i]) < 0 ||
		    weft_strv_take(problems, text))
			return -ENOMEM;
	return ret;
}

/* Return: 0; 1 there are files the module was not shown; -ENOMEM. */
static int attach(struct weft_config *config, struct weft_conf *conf, struct weft_strv *problems)
{
	bool fresh = false;
	size_t i;
	int ret;

	for (i = 0; i < conf->n_workloads; i++) {
		ret = attach_workload(config, &conf->workloads[i].object, problems);
		if (ret < 0)
			return ret;
		fresh |= ret;
	}
	return fresh;
}

static void detach(struct weft_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n_workloads; i++)
		weft_executables_detach(&conf->workloads[i].object);
}

/* What the module does not take is among them then. */
static int tell_again(struct weft_config *config, struct weft_conf *conf,
		      struct weft_strv *problems)
{
	int ret;

	detach(conf);
	weft_strv_uninit(problems);
	ret = attach(config, conf, problems);
	return ret < 0 ? ret : 0;
}

/*
 * With the executables as they were found. @only_fresh: not if the module knows all
 * of them. @problems: appended to, also of what is not applied.
 */
static int apply(struct weft_config *config, struct weft_conf *conf, bool only_fresh,
		 struct weft_strv *problems, struct weft_error *err)
{
	int ret;

	weft_reader_take(config->reader, &config->executables);
	if (!only_fresh)
		weft_executables_doubt(&config->executables);
	ret = attach(config, conf, problems);
	if (ret < 0)
		ret = weft_error_nomem(err);
	else if (only_fresh && !ret)
		ret = SAME;
	else
		ret = config->apply(config->data, conf, &config->executables, &config->generation,
				    err);
	if (!ret) {
		config->shown = weft_executables_shown(&config->executables);
		tell_again(config, conf, problems); /* -ENOMEM: some are not told */
	}
	detach(conf);
	/* Open they would keep their file systems from being unmounted. */
	weft_executables_close(&config->executables);
	return ret;
}

/* Return: 0, -ENOMEM. */
static int want_all(struct weft_executables *all, const struct weft_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n_workloads; i++)
		if (weft_executables_want(all, &conf->workloads[i].object))
			return -ENOMEM;
	return 0;
}

/* Those of @conf are known, or will be. Return: 0 it has none; 1; -ENOMEM. */
static int find_executables(struct weft_config *config, const struct weft_conf *conf)
{
	_cleanup_(weft_executables_uninit) struct weft_executables wanted = { 0 };

	if (want_all(&config->executables, conf) || want_all(&wanted, conf) ||
	    weft_reader_ask(config->reader, &wanted))
		return -ENOMEM;
	return wanted.count > 0;
}

/* What is not of the documents in force is nobody's business any more. */
static void forget_executables(struct weft_config *config)
{
	_cleanup_(weft_executables_uninit) struct weft_executables wanted = { 0 };

	if (!config->good || !want_all(&wanted, config->good))
		weft_executables_keep(&config->executables, &wanted);
}

static void look_whether_stuck(struct weft_config *config)
{
	char *stuck = weft_reader_stuck(config->reader, EXECUTABLE_LONG);

	if (stuck && (!config->stuck || strcmp(config->stuck, stuck)))
		weft_log_warning("executable %s takes long to be read; no other is looked at "
				 "meanwhile", stuck);
	free(config->stuck);
	config->stuck = stuck;
}

void weft_config_look(struct weft_config *config)
{
	look_whether_stuck(config);
	if (!config->next && config->executables.count && weft_reader_idle(config->reader) &&
	    weft_reader_ask(config->reader, &config->executables))
		weft_log_error("executables are not looked at: out of memory");
}

int weft_config_executables_fd(const struct weft_config *config)
{
	return weft_reader_fd(config->reader);
}

int weft_config_due_fd(const struct weft_config *config)
{
	return config->due;
}

/* Those of the documents in force. */
static int refresh(struct weft_config *config, struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv problems = { 0 };
	int ret;

	if (!config->good) {
		weft_reader_take(config->reader, &config->executables);
		weft_executables_close(&config->executables);
		return SAME;
	}
	ret = apply(config, config->good, true, &problems, err);
	if (ret != -ENOMEM)
		take_problems(config, &problems);
	return ret;
}

/* Return: as weft_config_refresh(). */
static int refresh_and_tell(struct weft_config *config)
{
	struct weft_error err = { 0 };
	int ret = refresh(config, &err);

	if (ret < 0 && strcmp(config->late.text, err.text))
		weft_log_error("executables that have changed are not known to the module: %s",
			       err.text);
	if (ret != SAME || !weft_executables_pending(&config->executables))
		config->late = err;
	if (ret < 0)
		return ret;
	if (ret == SAME)
		return 0;
	if (config->shown)
		weft_log_info("configuration: generation %" PRIu64
			      ": with executables as they are now", config->generation);
	return 1;
}

/* ---- documents ---- */

/* @problems of what is applied are what there is; those of what is not are nobody's. */
static int apply_documents(struct weft_config *config, struct weft_conf *conf,
			   struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv problems = { 0 };
	int ret = apply(config, conf, false, &problems, err);

	if (ret)
		return ret;
	config->late.text[0] = '\0';
	take_problems(config, &problems);
	return 0;
}

static void end_attempt(struct weft_config *config)
{
	forget_executables(config);
	weft_executables_close(&config->executables);
}

/* A reload has ended without documents that are in force. */
static void end_in_vain(struct weft_config *config, uint64_t began, bool again,
			const struct weft_error *err)
{
	config->began = began;
	config->again = again;
	report(config, err);
	end_attempt(config);
	weft_config_fall_back(config);
}

/* The same of those that were kept. */
static void end_former_in_vain(struct weft_config *config, const struct weft_error *err)
{
	if (strcmp(config->former_error.text, err->text))
		weft_log_error("configuration: nor are the last good documents in force: %s",
			       err->text);
	config->former_error = *err;
	end_attempt(config);
}

static void take_over(struct weft_config *config, struct weft_conf *conf, int64_t former)
{
	char when[WEFT_WHEN_TEXT_MAX];

	log_change(config, conf);
	if (former)
		weft_log_warning("configuration: these are the last good documents, in force since "
				 "%s", weft_when_format(former * USEC_PER_SEC, when));
	weft_conf_destroy(config->good);
	config->good = conf;
	config->former = former;
	config->former_error.text[0] = '\0';
	config->kept = former;
	if (former)
		weft_conf_drop_texts(conf);
	forget_executables(config);
}

/*
 * @conf is the config's from now on. @former: it was kept, and is of then; @began means
 * nothing then. Return: 0, WEFT_CONFIG_NOT_APPLIED.
 */
static int put_in_force(struct weft_config *config, struct weft_conf *conf, uint64_t began,
			int64_t former)
{
	struct weft_error err = { 0 };

	if (apply_documents(config, conf, &err)) {
		weft_conf_destroy(conf);
		if (former)
			end_former_in_vain(config, &err);
		else
			end_in_vain(config, began, true, &err);
		return WEFT_CONFIG_NOT_APPLIED;
	}
	if (!former) {
		config->began = began;
		config->again = false;
		config->error.text[0] = '\0';
	}
	take_over(config, conf, former);
	return 0;
}

static void set_due(struct weft_config *config, unsigned int ms)
{
	struct itimerspec due = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L },
	};

	/* Cannot fail: it is a timer, and these are times. */
	timerfd_settime(config->due, 0, &due, NULL);
}

/* Milliseconds that documents wait at most. */
static unsigned int time_left(const struct weft_config *config)
{
	struct itimerspec left = { 0 };

	timerfd_gettime(config->due, &left);
	return left.it_value.tv_sec * 1000 + (left.it_value.tv_nsec + 999999) / 1000000;
}

/* What waits already has its place and its time taken. @conf is the config's from now on. */
static void wait_for_executables(struct weft_config *config, struct weft_conf *conf, uint64_t began,
				 int64_t former)
{
	bool revokes = weft_conf_revokes(conf, config->good);

	if (!config->next)
		set_due(config, revokes ? REVOCATION_WAIT : EXECUTABLES_WAIT);
	else if (revokes && time_left(config) > REVOCATION_WAIT)
		set_due(config, REVOCATION_WAIT);
	weft_conf_destroy(config->next);
	config->next = conf;
	config->next_began = began;
	config->next_former = former;
}

static struct weft_conf *stop_waiting(struct weft_config *config)
{
	set_due(config, 0);
	return weft_steal_ptr(config->next);
}

/* Documents that are wrong now were others before; nor is it read for them any longer. */
static void drop_next(struct weft_config *config)
{
	if (!config->next)
		return;
	weft_conf_destroy(stop_waiting(config));
	forget_executables(config);
	if (weft_reader_ask(config->reader, &config->executables))
		weft_log_error("executables are not looked at: out of memory");
}

/* Return: 0, WEFT_CONFIG_NOT_APPLIED. */
static int end_waiting(struct weft_config *config)
{
	return put_in_force(config, stop_waiting(config), config->next_began,
			    config->next_former);
}

int weft_config_settle(struct weft_config *config)
{
	int ret = 0;

	/* Once more for those that were kept, if these are refused. */
	while (config->next) {
		weft_reader_wait(config->reader, time_left(config));
		ret = end_waiting(config);
	}
	return ret;
}

static bool is_due(const struct weft_config *config)
{
	uint64_t n;

	return read(config->due, &n, sizeof(n)) == sizeof(n);
}

int weft_config_refresh(struct weft_config *config)
{
	if (!config->next)
		return refresh_and_tell(config);
	if (is_due(config) || weft_reader_idle(config->reader))
		return end_waiting(config) ? -EAGAIN : 1;
	/* They stay open until then. */
	weft_reader_take(config->reader, &config->executables);
	return 0;
}

/* Into force with their executables. As put_in_force(), and WEFT_CONFIG_WAITS. */
static int begin(struct weft_config *config, struct weft_conf *conf, uint64_t began, int64_t former)
{
	struct weft_error err = { 0 };
	int ret = find_executables(config, conf);

	if (ret > 0) {
		wait_for_executables(config, conf, began, former);
		return WEFT_CONFIG_WAITS;
	}
	weft_conf_destroy(stop_waiting(config));
	if (!ret)
		return put_in_force(config, conf, began, former);
	weft_conf_destroy(conf);
	weft_error_nomem(&err);
	if (former)
		end_former_in_vain(config, &err);
	else
		end_in_vain(config, began, true, &err);
	return WEFT_CONFIG_NOT_APPLIED;
}

int weft_config_reload(struct weft_config *config)
{
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *conf = NULL;
	uint64_t began = weft_boot_now();
	struct weft_error err = { 0 };
	int ret;

	ret = weft_store_load(config->store, &conf, &err);
	if (ret) {
		drop_next(config);
		end_in_vain(config, began, false, &err);
		return ret;
	}
	return begin(config, weft_steal_ptr(conf), began, 0);
}

/* ---- documents that were kept ---- */

void weft_config_keep_in(struct weft_config *config, const char *state_dir,
			 const char *trust_domain)
{
	config->state_dir = state_dir;
	config->trust_domain = trust_domain;
}

int weft_config_keep(struct weft_config *config)
{
	struct weft_error err = { 0 };
	int ret;

	/* What waits is in their place soon. */
	if (!config->state_dir || !config->good || config->kept || config->next)
		return 0;
	ret = weft_last_good_write(config->state_dir, config->good, time(NULL), &err);
	if (ret && strcmp(config->unkept.text, err.text))
		weft_log_error("configuration: the documents in force are not kept for the next "
			       "start: %s", err.text);
	config->unkept = err;
	if (ret)
		return ret;
	config->kept = true;
	weft_conf_drop_texts(config->good);
	return 0;
}

int weft_config_fall_back(struct weft_config *config)
{
	struct weft_conf *conf = NULL;
	struct weft_error err = { 0 };
	int64_t when = 0;
	int ret;

	if (!config->state_dir || config->good || config->next)
		return 0;
	ret = weft_last_good_load(config->state_dir, config->trust_domain, &conf, &when, &err);
	if (!ret)
		return begin(config, conf, 0, when ? when : 1); /* 0: a clock that was not set */
	if (ret == -ENOENT)
		return 0;
	end_former_in_vain(config, &err);
	return ret;
}

int weft_config_dispatch(struct weft_config *config)
{
	struct weft_error err = { 0 };
	int ret = weft_store_dispatch(config->store, &err);

	if (ret < 0) {
		report(config, &err);
		return ret;
	}
	return ret ? weft_config_reload(config) : 0;
}

struct weft_config_status weft_config_status(const struct weft_config *config)
{
	return (struct weft_config_status){
		.conf = config->good,
		.generation = config->generation,
		.error = config->error.text,
		.former = config->former,
		.former_error = config->former_error.text,
		.unkept = config->unkept.text,
		.problems = &config->problems,
		.late = config->late.text,
		.stuck = config->stuck,
		.reports = config->reports,
		.began = config->began,
		.again = config->again,
		.waits = config->next != NULL,
	};
}
