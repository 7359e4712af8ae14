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
#include "base/boot.h"
#include "base/cleanup.h"
#include "conf/executable.h"
#include "daemon/log.h"

/* A reload names so many changes; of the rest it says how many there are. */
#define DIFF_LINES_MAX 20

/* apply() had nothing to do. */
#define WEFT_CONFIG_SAME 2

struct weft_config {
	struct weft_store *store;
	weft_config_apply_fn *apply;
	void *data;

	struct weft_executables *executables;
	struct weft_strv problems; /* with executables, of the latest look */
	struct weft_conf *good;
	uint64_t generation;
	struct weft_error error; /* text "": none */
	unsigned int reports;
	struct weft_error refresh_error; /* as it was logged */
	uint64_t began;
	bool again;
};

int weft_config_create(struct weft_config **ret, struct weft_store *store,
		       weft_config_apply_fn *apply, void *data)
{
	struct weft_config *config = calloc(1, sizeof(*config));

	if (!config) {
		weft_store_destroy(store);
		return -ENOMEM;
	}
	config->store = store;
	config->executables = weft_executables_create();
	if (!config->executables) {
		weft_config_destroy(config);
		return -ENOMEM;
	}
	config->apply = apply;
	config->data = data;
	*ret = config;
	return 0;
}

void weft_config_destroy(struct weft_config *config)
{
	if (!config)
		return;
	weft_conf_destroy(config->good);
	weft_store_destroy(config->store);
	weft_executables_destroy(config->executables);
	weft_strv_uninit(&config->problems);
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
}

/* Logs what is new in @problems, which are those of now. */
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
	int ret = weft_executables_attach(config->executables, workload, &own);
	char *text;
	size_t i;

	for (i = 0; i < own.count; i++)
		if (asprintf(&text, "workload %s: %s", workload->name, own.items[i]) < 0 ||
		    weft_strv_take(problems, text))
			return -ENOMEM;
	return ret;
}

/* Return: 0; 1 there are files the module was not shown; -ENOMEM. */
static int attach(struct weft_config *config, struct weft_conf *conf)
{
	_cleanup_(weft_strv_uninit) struct weft_strv problems = { 0 };
	bool fresh = false;
	size_t i;
	int ret;

	for (i = 0; i < conf->n_workloads; i++) {
		ret = attach_workload(config, &conf->workloads[i].object, &problems);
		if (ret == -ENOMEM)
			return ret;
		fresh |= ret > 0;
	}
	take_problems(config, &problems);
	return fresh;
}

static void detach(struct weft_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n_workloads; i++)
		weft_executables_detach(&conf->workloads[i].object);
}

/* @only_fresh: not if the module knows all the files there are now. */
static int apply(struct weft_config *config, struct weft_conf *conf, bool only_fresh,
		 struct weft_error *err)
{
	int ret = attach(config, conf);

	if (ret < 0)
		ret = weft_error_nomem(err);
	else if (only_fresh && !ret)
		ret = WEFT_CONFIG_SAME;
	else
		ret = config->apply(config->data, conf, &config->generation, err);
	if (!ret)
		weft_executables_shown(config->executables);
	detach(conf);
	return ret;
}

int weft_config_refresh(struct weft_config *config)
{
	struct weft_error err = { 0 };
	int ret = config->good ? apply(config, config->good, true, &err) : WEFT_CONFIG_SAME;

	if (ret == WEFT_CONFIG_SAME)
		return 0;
	if (!ret) {
		weft_log_info("configuration: generation %" PRIu64 ": with executables as they "
			      "are now", config->generation);
		return 1;
	}
	if (strcmp(config->refresh_error.text, err.text))
		weft_log_error("executables that have changed are not known to the module: %s",
			       err.text);
	config->refresh_error = err;
	return ret;
}

int weft_config_reload(struct weft_config *config)
{
	_cleanup_(weft_conf_destroy_ptr) struct weft_conf *conf = NULL;
	struct weft_error err = { 0 };
	int ret;

	config->began = weft_boot_now();
	config->again = false;
	ret = weft_store_load(config->store, &conf, &err);
	if (ret) {
		report(config, &err);
		return ret;
	}
	ret = apply(config, conf, false, &err);
	if (ret) {
		report(config, &err);
		config->again = true;
		return WEFT_CONFIG_NOT_APPLIED;
	}
	log_change(config, conf);
	config->error.text[0] = '\0';
	weft_conf_destroy(config->good);
	config->good = weft_steal_ptr(conf);
	return 0;
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
		.problems = &config->problems,
		.reports = config->reports,
		.began = config->began,
		.again = config->again,
	};
}
