// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration in force, see config.h. Owns the store and the last good
 * configuration. Main thread.
 */
#include "daemon/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/boot.h"
#include "base/cleanup.h"
#include "daemon/log.h"

/* A reload names so many changes; of the rest it says how many there are. */
#define DIFF_LINES_MAX 20

struct weft_config {
	struct weft_store *store;
	weft_config_apply_fn *apply;
	void *data;

	struct weft_conf *good;
	uint64_t generation;
	struct weft_error error; /* text "": none */
	unsigned int reports;
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
	ret = config->apply(config->data, conf, &config->generation, &err);
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
		.reports = config->reports,
		.began = config->began,
		.again = config->again,
	};
}
