// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftd: the command line, and nothing else.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/options.h"

int main(int argc, char **argv)
{
	struct weft_options options;
	struct weft_error err = { 0 };

	/* exit() must not take OpenSSL away from a thread that still uses it. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	if (weft_options_parse(&options, argc, argv, &err)) {
		weft_log_error("weftd: %s", err.text);
		return WEFT_EXIT_USAGE;
	}
	if (options.help) {
		fputs(weft_options_help, stdout);
		return 0;
	}
	if (options.version) {
		puts("weftd " WEFT_VERSION);
		return 0;
	}
	return weft_daemon_run(&options);
}
