/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of weftd. Used by main.c, read by everybody, changed by
 * nobody after it was parsed.
 */
#ifndef WEFT_DAEMON_OPTIONS_H
#define WEFT_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

#define WEFT_DAEMON_CONFIG_DIR "/etc/weft/conf.d"
#define WEFT_DAEMON_STATE_DIR "/var/lib/weft"
#define WEFT_DAEMON_TRUST_DOMAIN "mesh.local"

#define WEFT_DAEMON_WORKERS_MAX 64

/* Life of an SVID: the default, and what may be asked for, in seconds. */
#define WEFT_DAEMON_SVID_LIFETIME (12 * 3600)
#define WEFT_DAEMON_SVID_LIFETIME_MIN 10
#define WEFT_DAEMON_SVID_LIFETIME_MAX (30 * 24 * 3600)

/* Exit statuses beside 0 and 1; the units do not restart after these. */
#define WEFT_EXIT_USAGE 2
#define WEFT_EXIT_UNAVAILABLE 69 /* no module, or one of another version (EX_UNAVAILABLE) */
#define WEFT_EXIT_CONFIG 78 /* what is stored is unusable, or contradicts an option (EX_CONFIG) */

struct weft_options {
	const char *config_dir; /* of the command line, as the others */
	const char *state_dir;
	const char *ca_dir; /* NULL: "ca" in the state directory */
	const char *svid_dir; /* NULL: not from files */
	const char *join;	  /* HOST:PORT; NULL: not from the CA of another host */
	const char *join_token;	  /* NULL: has joined before */
	const char *trust_domain; /* NULL: the stored one, else the default */
	unsigned int workers;
	uint32_t svid_lifetime; /* seconds */
	bool resume;
	bool fips; /* approved algorithms only */
	bool help;
	bool version;
};

/**
 * weft_options_parse() - read the command line
 * @options: written on success; strings point into @argv
 *
 * Return: 0; -EINVAL with words in @err: name of the option, value, what is allowed.
 */
int weft_options_parse(struct weft_options *options, int argc, char **argv, struct weft_error *err);

/* What --help says. */
extern const char weft_options_help[];

#endif
