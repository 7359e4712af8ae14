// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The main thread, see daemon.h: brings the parts up in order, connects them
 * by one sd-event loop, takes them down in reverse. Owns all of them.
 *
 *   module there? ─▶ state dir ─▶ certificates ─▶ identities ─▶ workers ─▶ configuration ─▶ READY
 *
 * Identities come before the configuration that needs them is in force, so that
 * no connection has to wait for a certificate.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/when.h"
#include "conf/conf.h"
#include "conf/outcome.h"
#include "conf/store.h"
#include "conf/trouble.h"
#include "daemon/config.h"
#include "daemon/events.h"
#include "daemon/exit_status.h"
#include "daemon/identity.h"
#include "daemon/late_ca.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/rollback.h"
#include "daemon/state.h"
#include "daemon/worker.h"
#include "join/source.h"
#include "nl/nl.h"
#include "nl/nl_workload.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC 1000

/* Seconds between looks at the identities: at most, and per life of an SVID. */
#define ROTATION_INTERVAL_MAX 60
#define ROTATION_PER_LIFE 20

/* Seconds between looks at the source of the certificates. */
#define REFRESH_INTERVAL 5

/* What the module refused is tried again after so many seconds. */
#define APPLY_RETRY 5

/* Seconds between looks at executables, and updates of the status line. */
#define STATUS_INTERVAL 5

/* Microseconds: nobody else is to be woken at the same time. */
#define CATCH_UP_ACCURACY 1

struct daemon {
	const struct weft_options *options;
	struct weft_state state;
	struct weft_nl *nl;
	struct weft_identities *identities;
	struct weft_rollback *rollback;
	struct weft_config *config;
	bool reloading; /* as systemd knows it */
	bool held; /* no documents are loaded: one is to be rolled back, and cannot be */
	uint64_t told; /* weft_config_status.began of the last outcome written */
	struct weft_strv trouble; /* as it is in the file */
	bool trouble_told;
	struct weft_error trouble_lost; /* why it is not, as it was logged */
	struct weft_events *events;
	struct weft_worker *workers[WEFT_DAEMON_WORKERS_MAX];
	unsigned int n_workers;
	int workers_end; /* eventfd */

	sd_event *loop;
	sd_event_source *catch_up; /* with events; when nobody else has anything to do */
	sd_event_source *documents;
	sd_event_source *apply_retry;
	sd_event_source *rollback_due;
	sd_event_source *rotation;
	sd_event_source *refresh;
	sd_event_source *status;
	sd_event_source *watchdog;
	uint64_t watchdog_interval; /* us */
};

/* ---- identities ---- */

static void publish(struct daemon *d)
{
	_cleanup_(weft_snapshot_put_ptr) struct weft_snapshot *snapshot = NULL;
	unsigned int i;

	snapshot = weft_identities_snapshot(d->identities);
	if (!snapshot) {
		weft_log_error("identities: out of memory, the workers keep what they have");
		return;
	}
	for (i = 0; i < d->n_workers; i++)
		weft_worker_publish(d->workers[i], snapshot);
}

static int add_identity(const void *object, void *data)
{
	const struct weft_nl_workload *workload = object;
	return workload->identity ? weft_strv_add(data, workload->identity) : 0;
}

/* The identities of the tables in force, static ones too, and those of @conf. */
static int collect_identities(struct daemon *d, const struct weft_conf *conf,
			      struct weft_strv *wanted, struct weft_error *err)
{
	size_t i;
	int ret;

	ret = weft_nl_object_dump(d->nl, &weft_nl_kind_workload, NULL, add_identity, wanted, err);
	if (ret)
		return ret;
	for (i = 0; conf && i < conf->n_workloads; i++)
		if (add_identity(&conf->workloads[i].object, wanted))
			return weft_error_nomem(err);
	return 0;
}

static int update_identities(struct daemon *d, const struct weft_conf *conf, struct weft_error *err)
{
	_cleanup_(weft_strv_uninit) struct weft_strv wanted = { 0 };
	int ret;

	ret = collect_identities(d, conf, &wanted, err);
	if (ret)
		return ret;
	ret = weft_identities_set(d->identities, &wanted, time(NULL));
	if (ret < 0)
		return weft_error_nomem(err);
	if (ret)
		publish(d);
	return 0;
}

static void on_generation(void *data)
{
	struct daemon *d = data;
	struct weft_error err = { 0 };

	/* Static workloads come and go without us: theirs are our identities too. */
	if (update_identities(d, NULL, &err))
		weft_log_error("identities not updated: %s", err.text);
}

static int rearm(sd_event_source *source, uint64_t usec)
{
	int ret = sd_event_source_set_time_relative(source, usec);

	return ret < 0 ? ret : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static uint64_t rotation_interval(const struct daemon *d)
{
	uint64_t s = d->options->svid_lifetime / ROTATION_PER_LIFE;

	if (s > ROTATION_INTERVAL_MAX)
		s = ROTATION_INTERVAL_MAX;
	return (s ? s : 1) * USEC_PER_SEC;
}

static int on_rotation(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	if (weft_identities_rotate(d->identities, time(NULL)) > 0) {
		weft_log_info("identities: certificates renewed");
		publish(d);
	}
	return rearm(source, rotation_interval(d));
}

static void refresh_identities(struct daemon *d)
{
	int ret = weft_identities_refresh(d->identities, time(NULL));

	if (ret < 0)
		weft_log_error("identities: out of memory, the workers keep what they have");
	if (ret <= 0)
		return;
	weft_log_info("identities: certificates taken over");
	publish(d);
}

static int on_source(sd_event_source *source, int fd, uint32_t events, void *data)
{
	refresh_identities(data);
	return 0;
}

static int on_refresh(sd_event_source *source, uint64_t usec, void *data)
{
	refresh_identities(data);
	return rearm(source, REFRESH_INTERVAL * USEC_PER_SEC);
}

/* ---- what "systemctl status" says ---- */

static void tell_status(const struct daemon *d)
{
	struct weft_config_status status = weft_config_status(d->config);
	char summary[WEFT_CONF_SUMMARY_MAX] = "no configuration";
	struct weft_worker_counters sum = { 0 };
	size_t identities, without;
	unsigned int i;

	for (i = 0; i < d->n_workers; i++) {
		struct weft_worker_counters c = weft_worker_counters(d->workers[i]);

		sum.live += c.live;
		sum.resumed += c.resumed;
		sum.failed += c.failed;
	}
	if (status.conf)
		weft_conf_summary(status.conf, summary);
	identities = weft_identities_count(d->identities, &without);
	weft_notify_status("%s%sgeneration %" PRIu64 ": %s; certificates: %zu, %zu missing; "
			   "handshakes: %" PRIu64 " done, %" PRIu64 " of them resumed, %" PRIu64
			   " failed",
			   status.error, *status.error ? "; in force: " : "", status.generation,
			   summary, identities - without, without, sum.live, sum.resumed,
			   sum.failed);
}

/* ---- what "weftctl status" says ---- */

static __attribute__((format(printf, 2, 3))) int add_trouble(struct weft_strv *trouble,
							     const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return weft_strv_add(trouble, text);
}

/* What is in force where the documents that there are, are not. */
static const char *in_force(const struct weft_config_status *status, char *buf, size_t size)
{
	char when[WEFT_WHEN_TEXT_MAX];

	if (!status->conf)
		return "what the module has stays";
	if (!status->former)
		return "those of before are";
	snprintf(buf, size, "the last good ones, of %s, are",
		 weft_when_format(status->former * USEC_PER_SEC, when));
	return buf;
}

static int trouble_with_documents(const struct daemon *d, struct weft_strv *trouble)
{
	struct weft_config_status status = weft_config_status(d->config);
	char buf[WEFT_WHEN_TEXT_MAX + 40];
	int ret = 0;

	if (d->held)
		ret = add_trouble(trouble, "documents are not loaded until the change by weftctl "
				  "apply that nobody confirmed is rolled back; %s%s",
				  in_force(&status, buf, sizeof(buf)),
				  status.conf ? " in force" : "");
	if (!ret && *status.error)
		ret = add_trouble(trouble, "the documents are not in force, %s: %s",
				  in_force(&status, buf, sizeof(buf)), status.error);
	if (!ret && *status.former_error)
		ret = add_trouble(trouble, "nor are the last good documents in force: %s",
				  status.former_error);
	if (!ret && *status.unkept)
		ret = add_trouble(trouble, "the documents in force are not kept for the next start: "
				  "%s", status.unkept);
	return ret;
}

static int trouble_with_executables(const struct daemon *d, struct weft_strv *trouble)
{
	struct weft_config_status status = weft_config_status(d->config);
	int ret = 0;
	size_t i;

	if (*status.late)
		ret = add_trouble(trouble, "executables that have changed are not known to the "
				  "module: %s", status.late);
	if (!ret && status.stuck)
		ret = add_trouble(trouble, "executable %s takes long to be read; no other is "
				  "looked at meanwhile", status.stuck);
	for (i = 0; !ret && i < status.problems->count; i++)
		ret = weft_strv_add(trouble, status.problems->items[i]);
	return ret;
}

static int trouble_with_audit(const struct daemon *d, struct weft_strv *trouble)
{
	const char *refusal = weft_events_refusal(d->events);
	uint64_t lost = weft_events_lost(d->events);
	int ret = 0;

	if (refusal)
		ret = add_trouble(trouble, "verdicts wait to be written to the journal, which "
				  "takes none: %s: see to systemd-journald", refusal);
	if (!ret && lost)
		ret = add_trouble(trouble, "%" PRIu64 " verdicts are not in the journal and never "
				  "will be: the module had forgotten them when they could be "
				  "written, or the journal takes no such record", lost);
	return ret;
}

/* Who is refused first; executables are last, of which there may be many. */
static int collect_trouble(const struct daemon *d, struct weft_strv *trouble)
{
	int ret = trouble_with_documents(d, trouble);

	if (!ret)
		ret = weft_identities_trouble(d->identities, time(NULL), trouble);
	if (!ret)
		ret = trouble_with_audit(d, trouble);
	return ret ? ret : trouble_with_executables(d, trouble);
}

static void tell_trouble(struct daemon *d)
{
	_cleanup_(weft_strv_uninit) struct weft_strv trouble = { 0 };
	struct weft_error err = { 0 };

	if (collect_trouble(d, &trouble) || /* no memory: at the next look */
	    (d->trouble_told && weft_strv_equal(&d->trouble, &trouble)))
		return;
	d->trouble_told = !weft_trouble_write(d->options->state_dir, &trouble, &err);
	if (!d->trouble_told && strcmp(err.text, d->trouble_lost.text))
		weft_log_error("weftctl status does not know of trouble: %s", err.text);
	d->trouble_lost = err;
	weft_strv_uninit(&d->trouble);
	d->trouble = trouble;
	trouble = (struct weft_strv){ 0 };
}

/* ---- configuration ---- */

/*
 * Can we undo what changes there? Asked of the kernel, which knows what our unit
 * allows (ProtectSystem=). Not by faccessat2(), which the system call filter of an
 * older systemd refuses; our real user is the effective one. A directory that is
 * not there refuses weftctl as well.
 */
static bool is_writable(const char *dir)
{
	return !access(dir, W_OK | X_OK) || errno == ENOENT;
}

/* For weftctl apply. @status: of the latest reload, or zero before the first. */
static void tell_outcome(struct daemon *d, const struct weft_config_status *status)
{
	struct weft_outcome outcome = {
		.began = status->began,
		.generation = status->generation,
		.again = status->again,
		.writable = is_writable(d->options->config_dir),
		.error = (char *)(status->error ? status->error : ""),
		.trust_domain = d->state.trust_domain,
		.dir = (char *)d->options->config_dir,
	};
	struct weft_error err = { 0 };

	d->told = status->began;
	if (weft_outcome_write(d->options->state_dir, &outcome, &err))
		weft_log_error("weftctl apply will not know what became of it: %s", err.text);
}

static int apply(void *data, const struct weft_conf *conf, struct weft_executables *executables,
		 uint64_t *generation, struct weft_error *err)
{
	struct daemon *d = data;
	int ret = update_identities(d, conf, err);

	return ret ? ret : weft_conf_push(conf, d->nl, executables, generation, err);
}

static int look_for_rollback(struct daemon *d);

static void end_reloading(struct daemon *d)
{
	if (!d->reloading || weft_config_status(d->config).waits)
		return;
	d->reloading = false;
	weft_notify_ready();
}

/*
 * After what may have ended one. The event source stays whatever came of it; only an
 * apply is tried again.
 */
static int after_reload(struct daemon *d)
{
	struct weft_config_status status = weft_config_status(d->config);
	int ret;

	tell_status(d);
	tell_trouble(d);
	end_reloading(d);
	if (status.began == d->told) /* none has: what is to be tried again still is */
		return 0;
	tell_outcome(d, &status);
	/* weftctl apply may be why, in a directory of changes we do not know yet */
	ret = look_for_rollback(d);
	if (ret < 0)
		return ret;
	if (status.again)
		return rearm(d->apply_retry, APPLY_RETRY * USEC_PER_SEC);
	return sd_event_source_set_enabled(d->apply_retry, SD_EVENT_OFF);
}

static int reload(struct daemon *d)
{
	weft_config_reload(d->config);
	return after_reload(d);
}

static int on_config(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *d = data;

	weft_config_dispatch(d->config);
	return after_reload(d);
}

static int on_apply_retry(sd_event_source *source, uint64_t usec, void *data)
{
	return reload(data);
}

/* What was not confirmed must not come into force by our start: what was before may. */
static int hold(struct daemon *d)
{
	weft_log_error("documents are not loaded until the change by weftctl apply that nobody "
		       "confirmed is rolled back");
	d->held = true;
	weft_config_fall_back(d->config);
	weft_config_settle(d->config);
	tell_status(d);
	tell_trouble(d);
	return sd_event_source_set_enabled(d->documents, SD_EVENT_OFF);
}

/* Others go on when we are ready, which we are with documents in force: no loop runs yet. */
static int load_first(struct daemon *d)
{
	if (weft_rollback_overdue(d->rollback))
		return hold(d);
	weft_config_reload(d->config);
	weft_config_settle(d->config);
	return after_reload(d);
}

static int release(struct daemon *d)
{
	int ret = sd_event_source_set_enabled(d->documents, SD_EVENT_ON);

	d->held = false;
	return ret < 0 ? ret : reload(d);
}

/* What nobody has confirmed is not to come back with the next start. */
static void keep(struct daemon *d)
{
	if (!weft_rollback_unsettled(d->rollback))
		weft_config_keep(d->config);
}

static int look_for_rollback(struct daemon *d)
{
	uint64_t ns = weft_rollback_look(d->rollback);
	int ret;

	if (ns == WEFT_ROLLBACK_IDLE)
		ret = sd_event_source_set_enabled(d->rollback_due, SD_EVENT_OFF);
	else
		ret = rearm(d->rollback_due, ns / NSEC_PER_USEC + 1); /* not before it is due */
	if (ret >= 0 && d->held && !weft_rollback_overdue(d->rollback))
		ret = release(d);
	keep(d);
	return ret;
}

static int on_rollback(sd_event_source *source, int fd, uint32_t events, void *data)
{
	return look_for_rollback(data);
}

static int on_rollback_due(sd_event_source *source, uint64_t usec, void *data)
{
	return look_for_rollback(data);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct daemon *d = data;
	int ret;

	weft_notify_reloading();
	d->reloading = true;
	refresh_identities(d);
	ret = d->held ? look_for_rollback(d) : reload(d);
	end_reloading(d);
	return ret;
}

/* ---- module and workers ---- */

static int want_catch_up(struct daemon *d)
{
	uint64_t usec = weft_events_due(d->events);

	if (usec == WEFT_EVENTS_IDLE)
		return sd_event_source_set_enabled(d->catch_up, SD_EVENT_OFF);
	return rearm(d->catch_up, usec);
}

static int on_catch_up(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	weft_events_catch_up(d->events);
	return want_catch_up(d);
}

static int on_events(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *d = data;
	struct weft_error err = { 0 };
	int ret = weft_events_dispatch(d->events, &err);

	if (!ret)
		return want_catch_up(d);
	weft_log_error("events of the module: %s", err.text);
	return sd_event_exit(d->loop, weft_exit_status(WEFT_EXIT_OF_MODULE, ret));
}

static int on_worker_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *d = data;
	struct weft_error err = { 0 };
	unsigned int i;
	int ret = 0;

	for (i = 0; i < d->n_workers; i++) {
		if (!weft_worker_ended(d->workers[i]))
			continue;
		ret = weft_worker_join(d->workers[i], &err);
		d->workers[i] = d->workers[--d->n_workers];
		break;
	}
	weft_log_error("a worker has ended, so does the daemon: %s", err.text);
	return sd_event_exit(d->loop, ret ? weft_exit_status(WEFT_EXIT_OF_MODULE, ret) : 1);
}

static int start_workers(struct daemon *d, struct weft_error *err)
{
	_cleanup_(weft_snapshot_put_ptr) struct weft_snapshot *snapshot = NULL;
	int ret;

	snapshot = weft_identities_snapshot(d->identities);
	if (!snapshot)
		return weft_error_nomem(err);
	d->workers_end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->workers_end < 0)
		return weft_error_set(err, errno, "eventfd: %s", strerror(errno));
	while (d->n_workers < d->options->workers) {
		ret = weft_worker_start(&d->workers[d->n_workers], &weft_worker_module, snapshot,
					d->workers_end, err);
		if (ret)
			return ret;
		d->n_workers++;
	}
	return 0;
}

static void stop_workers(struct daemon *d)
{
	struct weft_error err = { 0 };
	unsigned int i;

	for (i = 0; i < d->n_workers; i++)
		weft_worker_stop(d->workers[i]);
	while (d->n_workers)
		if (weft_worker_join(d->workers[--d->n_workers], &err))
			weft_log_error("worker: %s", err.text);
}

/* ---- systemd ---- */

static int on_watchdog(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;
	bool alive = true;
	unsigned int i;

	/* A worker that hangs takes the daemon down with it, by the hand of systemd. */
	for (i = 0; i < d->n_workers; i++)
		alive &= weft_worker_ping(d->workers[i]);
	if (alive)
		weft_notify_watchdog();
	else
		weft_log_warning("a worker does not answer");
	return rearm(source, d->watchdog_interval);
}

static int on_status(sd_event_source *source, uint64_t usec, void *data)
{
	struct daemon *d = data;

	weft_config_look(d->config);
	weft_config_fall_back(d->config); /* what was refused may be taken now */
	keep(d);
	tell_status(d);
	tell_trouble(d);
	return rearm(source, STATUS_INTERVAL * USEC_PER_SEC);
}

static int on_executables(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *d = data;

	if (weft_config_refresh(d->config))
		return after_reload(d);
	tell_trouble(d);
	return 0;
}

/* ---- bringing up and taking down ---- */

static int add_timer(struct daemon *d, sd_event_source **source, uint64_t usec,
		     sd_event_time_handler_t fn)
{
	/* The time asleep counts: certificates age meanwhile. */
	return sd_event_add_time_relative(d->loop, source, CLOCK_BOOTTIME, usec, 0, fn, d);
}

static int add_timers(struct daemon *d)
{
	int ret;

	ret = add_timer(d, &d->apply_retry, 0, on_apply_retry);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(d->apply_retry, SD_EVENT_OFF);
	if (ret >= 0) /* at once: what waits since before the start has its deadline */
		ret = add_timer(d, &d->rollback_due, 0, on_rollback_due);
	if (ret >= 0)
		ret = add_timer(d, &d->rotation, rotation_interval(d), on_rotation);
	if (ret >= 0)
		ret = add_timer(d, &d->status, STATUS_INTERVAL * USEC_PER_SEC, on_status);
	if (ret >= 0)
		ret = add_timer(d, &d->refresh, REFRESH_INTERVAL * USEC_PER_SEC, on_refresh);
	d->watchdog_interval = weft_notify_watchdog_interval();
	if (ret >= 0 && d->watchdog_interval)
		ret = add_timer(d, &d->watchdog, d->watchdog_interval, on_watchdog);
	return ret;
}

/* It may go on and on: the events that come, and all others, are before it. */
static int add_catch_up(struct daemon *d)
{
	int ret = sd_event_add_time_relative(d->loop, &d->catch_up, CLOCK_MONOTONIC, 0,
					     CATCH_UP_ACCURACY, on_catch_up, d);

	if (ret >= 0)
		ret = sd_event_source_set_priority(d->catch_up, SD_EVENT_PRIORITY_IDLE);
	return ret < 0 ? ret : want_catch_up(d);
}

static int add_sources(struct daemon *d)
{
	int ret;

	ret = sd_event_add_signal(d->loop, NULL, SIGTERM, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(d->loop, NULL, SIGINT, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(d->loop, NULL, SIGHUP, on_hangup, d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, &d->documents, weft_config_fd(d->config), EPOLLIN,
				      on_config, d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, NULL, weft_config_executables_fd(d->config), EPOLLIN,
				      on_executables, d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, NULL, weft_config_due_fd(d->config), EPOLLIN,
				      on_executables, d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, NULL, weft_rollback_fd(d->rollback), EPOLLIN,
				      on_rollback, d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, NULL, weft_events_fd(d->events), EPOLLIN, on_events,
				      d);
	if (ret >= 0)
		ret = add_catch_up(d);
	if (ret >= 0)
		ret = sd_event_add_io(d->loop, NULL, d->workers_end, EPOLLIN, on_worker_end, d);
	if (ret >= 0 && weft_identities_fd(d->identities) >= 0)
		ret = sd_event_add_io(d->loop, NULL, weft_identities_fd(d->identities), EPOLLIN,
				      on_source, d);
	return ret < 0 ? ret : add_timers(d);
}

static int open_config(struct daemon *d, struct weft_error *err)
{
	const struct weft_config_status none = { 0 };
	const struct weft_strv no_trouble = { 0 };
	struct weft_store *store;
	int ret;

	tell_outcome(d, &none);
	/* what a former daemon said; of ours the first reload tells */
	weft_trouble_write(d->options->state_dir, &no_trouble, NULL);
	ret = weft_rollback_create(&d->rollback, d->options->state_dir, err);
	if (ret)
		return ret;
	/* what was not confirmed while no daemon ran never comes into force */
	weft_rollback_look(d->rollback);
	ret = weft_store_dir_create(d->options->config_dir, d->state.trust_domain, &store, err);
	if (!ret)
		ret = weft_config_create(&d->config, store, apply, d, err);
	if (!ret)
		weft_config_keep_in(d->config, d->options->state_dir, d->state.trust_domain);
	return ret;
}

static int open_join(struct daemon *d, struct weft_source **source, struct weft_error *err)
{
	_cleanup_free_ char *dir = NULL;

	if (asprintf(&dir, "%s/node", d->options->state_dir) < 0) {
		dir = NULL;
		return weft_error_nomem(err);
	}
	return weft_source_join_create(dir, d->options->join, d->state.trust_domain,
				       d->options->join_token, source, err);
}

static int open_source(struct daemon *d, struct weft_source **source, struct weft_error *err)
{
	if (d->options->svid_dir)
		return weft_source_dir_create(d->options->svid_dir, d->state.trust_domain, source,
					      err);
	if (d->options->join)
		return open_join(d, source, err);
	return weft_late_ca_create(d->state.ca_dir, d->state.trust_domain, source, err);
}

static int open_state(struct daemon *d, struct weft_error *err)
{
	struct weft_source *source;
	int ret;

	ret = weft_state_open(&d->state, d->options->state_dir, d->options->ca_dir,
			      d->options->trust_domain, err);
	if (ret)
		return ret;
	ret = open_source(d, &source, err);
	if (ret)
		return ret;
	return weft_identities_create(&d->identities, source, d->options->svid_lifetime,
				      d->options->resume, err);
}

static int open_rest(struct daemon *d, struct weft_error *err)
{
	int ret;

	ret = weft_events_create(&d->events, &weft_audit_journal, d->options->state_dir,
				 on_generation, d, err);
	if (ret)
		return ret;
	/* What a former daemon or weftctl left in the module is in force already. */
	ret = update_identities(d, NULL, err);
	if (ret)
		return ret;
	ret = start_workers(d, err);
	if (ret)
		return ret;
	ret = open_config(d, err);
	if (ret)
		return ret;
	ret = add_sources(d);
	return ret < 0 ? weft_error_set(err, ret, "event loop: %s", strerror(-ret)) : 0;
}

/* Return: exit status, 0: go on. */
static int bring_up(struct daemon *d)
{
	enum weft_exit_part part = WEFT_EXIT_OF_MODULE;
	struct weft_error err = { 0 };
	int ret;

	ret = weft_nl_open(&d->nl, &err);
	if (!ret) {
		part = WEFT_EXIT_OF_STATE;
		ret = open_state(d, &err);
	}
	if (!ret) {
		part = WEFT_EXIT_OF_REST;
		ret = open_rest(d, &err);
	}
	if (!ret)
		return 0;
	weft_log_error("%s", err.text);
	return weft_exit_status(part, ret);
}

static void take_down(struct daemon *d)
{
	stop_workers(d);
	if (d->workers_end >= 0)
		close(d->workers_end);
	sd_event_source_disable_unref(d->catch_up);
	sd_event_source_disable_unref(d->documents);
	sd_event_source_disable_unref(d->apply_retry);
	sd_event_source_disable_unref(d->rollback_due);
	sd_event_source_disable_unref(d->rotation);
	sd_event_source_disable_unref(d->refresh);
	sd_event_source_disable_unref(d->status);
	sd_event_source_disable_unref(d->watchdog);
	sd_event_unref(d->loop);
	weft_events_destroy(d->events);
	weft_config_destroy(d->config);
	weft_rollback_destroy(d->rollback);
	weft_identities_destroy(d->identities);
	weft_strv_uninit(&d->trouble);
	weft_state_close(&d->state);
	weft_nl_close(d->nl);
}

/* Who starts us again does so at once; what has to pass takes longer. Return: exit status. */
static int pause_before_retry(void)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	return sigtimedwait(&ends, NULL, &second) > 0 ? 0 : 1;
}

static int serve(struct daemon *d)
{
	int status = bring_up(d);

	if (status)
		return status == 1 ? pause_before_retry() : status;
	status = load_first(d);
	if (status < 0) {
		weft_log_error("event loop: %s", strerror(-status));
		return 1;
	}
	weft_log_notice("weftd " WEFT_VERSION ": trust domain %s, %u workers",
			d->state.trust_domain, d->n_workers);
	weft_notify_ready();

	status = sd_event_loop(d->loop);
	weft_notify_stopping();
	if (status < 0) {
		weft_log_error("event loop: %s", strerror(-status));
		return 1;
	}
	return status;
}

/* Before the first thread: masks and limits are inherited. */
static int prepare_process(struct weft_error *err)
{
	struct rlimit files;
	sigset_t signals;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* of leases: weft_executable_look() */
	/* No core and no debugger of other users: there are keys in memory. */
	prctl(PR_SET_DUMPABLE, 0);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return weft_error_set(err, errno, "signals: %s", strerror(errno));
	return 0;
}

int weft_daemon_run(const struct weft_options *options)
{
	struct daemon d = {
		.options = options,
		.state = WEFT_STATE_INIT,
		.workers_end = -1,
	};
	struct weft_error err = { 0 };
	int status = 1;

	if (options->fips)
		weft_tls_use_profile(WEFT_TLS_PROFILE_FIPS);
	if (prepare_process(&err) || sd_event_new(&d.loop) < 0)
		weft_log_error("cannot start: %s", *err.text ? err.text : "no event loop");
	else
		status = serve(&d);
	take_down(&d);
	return status;
}
