// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of weftd, see options.h. Called once, before any thread.
 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <string.h>
#include "base/name.h"
#include "base/number.h"

const char weft_options_help[] =
	"usage: weftd [OPTION]...\n"
	"\n"
	"The daemon of the weft service mesh: hands the module its configuration, makes\n"
	"the TLS handshakes of meshed connections, writes the audit. See weftd(8).\n"
	"\n"
	"  --config-dir DIR      documents (/etc/weft/conf.d)\n"
	"  --state-dir DIR       what outlives the daemon (/var/lib/weft)\n"
	"  --ca-dir DIR          certificate authority (STATE-DIR/ca)\n"
	"  --svid-dir DIR        certificates that something else renews, instead of that\n"
	"                        authority\n"
	"  --join HOST:PORT      certificates from the CA of another host (weftctl ca serve)\n"
	"  --join-token FILE     to join it the first time\n"
	"  --trust-domain NAME   set at the first start and kept (mesh.local)\n"
	"  --workers N           handshake threads, 1 to 64 (one per CPU)\n"
	"  --svid-lifetime TIME  of workload certificates, 10s to 720h (12h)\n"
	"  --no-resumption       every handshake with certificates and signatures\n"
	"  --tls-profile NAME    algorithms: default, or fips, approved ones only\n"
	"  --help, --version\n";

enum option_id {
	OPTION_CONFIG_DIR = 256,
	OPTION_STATE_DIR,
	OPTION_CA_DIR,
	OPTION_SVID_DIR,
	OPTION_JOIN,
	OPTION_JOIN_TOKEN,
	OPTION_TRUST_DOMAIN,
	OPTION_WORKERS,
	OPTION_SVID_LIFETIME,
	OPTION_NO_RESUMPTION,
	OPTION_TLS_PROFILE,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "config-dir", required_argument, NULL, OPTION_CONFIG_DIR },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "ca-dir", required_argument, NULL, OPTION_CA_DIR },
	{ "svid-dir", required_argument, NULL, OPTION_SVID_DIR },
	{ "join", required_argument, NULL, OPTION_JOIN },
	{ "join-token", required_argument, NULL, OPTION_JOIN_TOKEN },
	{ "trust-domain", required_argument, NULL, OPTION_TRUST_DOMAIN },
	{ "workers", required_argument, NULL, OPTION_WORKERS },
	{ "svid-lifetime", required_argument, NULL, OPTION_SVID_LIFETIME },
	{ "no-resumption", no_argument, NULL, OPTION_NO_RESUMPTION },
	{ "tls-profile", required_argument, NULL, OPTION_TLS_PROFILE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

static unsigned int cpu_count(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n < WEFT_DAEMON_WORKERS_MAX ? n : WEFT_DAEMON_WORKERS_MAX;
}

static int parse_dir(const char **dir, const char *name, const char *value, struct weft_error *err)
{
	if (value[0] != '/')
		return weft_error_set(err, EINVAL, "--%s: \"%s\" is no absolute path", name, value);
	*dir = value;
	return 0;
}

static int parse_trust_domain(struct weft_options *options, const char *value,
			      struct weft_error *err)
{
	const char *problem = weft_trust_domain_problem(value);

	if (problem)
		return weft_error_set(err, EINVAL, "--trust-domain: \"%s\": %s", value, problem);
	options->trust_domain = value;
	return 0;
}

static int parse_workers(struct weft_options *options, const char *value, struct weft_error *err)
{
	uint64_t n;

	if (weft_number_parse(value, 1, WEFT_DAEMON_WORKERS_MAX, &n))
		return weft_error_set(err, EINVAL, "--workers: \"%s\" is not a number from 1 to %d",
				      value, WEFT_DAEMON_WORKERS_MAX);
	options->workers = n;
	return 0;
}

static int parse_svid_lifetime(struct weft_options *options, const char *value,
			       struct weft_error *err)
{
	uint64_t ms;

	if (weft_duration_parse(value, &ms) || ms < WEFT_DAEMON_SVID_LIFETIME_MIN * 1000ull ||
	    ms > WEFT_DAEMON_SVID_LIFETIME_MAX * 1000ull)
		return weft_error_set(
			err, EINVAL,
			"--svid-lifetime: \"%s\" is not a time from 10s to 720h, such as \"12h\"",
			value);
	options->svid_lifetime = ms / 1000;
	return 0;
}

static int parse_tls_profile(struct weft_options *options, const char *value,
			     struct weft_error *err)
{
	options->fips = !strcmp(value, "fips");
	if (!options->fips && strcmp(value, "default"))
		return weft_error_set(err, EINVAL, "--tls-profile: \"%s\" is not default or fips",
				      value);
	return 0;
}

static int parse_option(struct weft_options *options, int id, const char *value,
			struct weft_error *err)
{
	switch (id) {
	case OPTION_CONFIG_DIR:
		return parse_dir(&options->config_dir, "config-dir", value, err);
	case OPTION_STATE_DIR:
		return parse_dir(&options->state_dir, "state-dir", value, err);
	case OPTION_CA_DIR:
		return parse_dir(&options->ca_dir, "ca-dir", value, err);
	case OPTION_SVID_DIR:
		return parse_dir(&options->svid_dir, "svid-dir", value, err);
	case OPTION_JOIN:
		options->join = value;
		return 0;
	case OPTION_JOIN_TOKEN:
		return parse_dir(&options->join_token, "join-token", value, err);
	case OPTION_TRUST_DOMAIN:
		return parse_trust_domain(options, value, err);
	case OPTION_WORKERS:
		return parse_workers(options, value, err);
	case OPTION_SVID_LIFETIME:
		return parse_svid_lifetime(options, value, err);
	case OPTION_NO_RESUMPTION:
		options->resume = false;
		return 0;
	case OPTION_TLS_PROFILE:
		return parse_tls_profile(options, value, err);
	case OPTION_HELP:
		options->help = true;
		return 0;
	default:
		options->version = true;
		return 0;
	}
}

static int check_certificates(const struct weft_options *options, struct weft_error *err)
{
	if (!!options->ca_dir + !!options->svid_dir + !!options->join > 1)
		return weft_error_set(err, EINVAL,
				      "--ca-dir, --svid-dir and --join: certificates come from "
				      "one of them");
	if (options->join_token && !options->join)
		return weft_error_set(err, EINVAL, "--join-token: which CA? --join HOST:PORT");
	return 0;
}

int weft_options_parse(struct weft_options *options, int argc, char **argv, struct weft_error *err)
{
	struct weft_options parsed = {
		.config_dir = WEFT_DAEMON_CONFIG_DIR,
		.state_dir = WEFT_DAEMON_STATE_DIR,
		.workers = cpu_count(),
		.svid_lifetime = WEFT_DAEMON_SVID_LIFETIME,
		.resume = true,
	};
	int id, ret;

	optind = 0; /* glibc: start anew, also when it was used before */
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (id == ':')
			return weft_error_set(err, EINVAL, "%s: needs a value (weftd --help)",
					      argv[optind - 1]);
		if (id == '?')
			return weft_error_set(err, EINVAL, "%s: no such option (weftd --help)",
					      argv[optind - 1]);
		ret = parse_option(&parsed, id, optarg, err);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return weft_error_set(err, EINVAL, "%s: weftd takes options only (weftd --help)",
				      argv[optind]);
	ret = check_certificates(&parsed, err);
	if (ret)
		return ret;
	*options = parsed;
	return 0;
}
