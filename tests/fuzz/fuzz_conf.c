// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for documents: any bytes must give a configuration or one error
 * that names the place, and leave nothing behind.
 *
 * libFuzzer calls LLVMFuzzerTestOneInput(); its main() also runs the files that are
 * named on its command line.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

#define NAME "fuzz.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_line(const char *line, void *data)
{
}

/* Printable, in one line, and with its place. */
static void check_error(int ret, const struct weft_error *err)
{
	if (ret == -ENOMEM)
		return;
	if (strncmp(err->text, NAME ":", strlen(NAME ":")) || strchr(err->text, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weft_error err = { 0 };
	struct weft_conf *conf = NULL;
	int ret;

	ret = weft_conf_parse(NAME, (const char *)data, size, "example.org", &conf, &err);
	if (ret) {
		check_error(ret, &err);
		return 0;
	}
	/* what was accepted can be compared, and is the same as itself */
	weft_conf_diff(NULL, conf, ignore_line, NULL);
	if (weft_conf_diff(conf, conf, ignore_line, NULL))
		abort();
	weft_conf_destroy(conf);
	return 0;
}
