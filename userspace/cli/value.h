/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of keywords, with the messages for wrong ones. Each returns an exit
 * code (cli.h) and writes @out only with WEFT_EXIT_DONE.
 */
#ifndef WEFT_CLI_VALUE_H
#define WEFT_CLI_VALUE_H

#include <linux/weft.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/strv.h"
#include "cli/cli.h"

/* @key is what stood before the value; which is the next word. */

/* A copy of a text that @problem accepts (see base/name.h); replaces *@out. */
int weft_value_text(struct weft_cli *cli, const char *key,
		    const char *(*problem)(const char *text), char **out);
/* The same, appended to a list of at most @max. */
int weft_value_item(struct weft_cli *cli, const char *key,
		    const char *(*problem)(const char *text), size_t max, struct weft_strv *out);
int weft_value_number(struct weft_cli *cli, const char *key, uint64_t min, uint64_t max,
		      uint64_t *out);
/* ADDRESS, or with @port ADDRESS[:PORT]; of one host. */
int weft_value_addr(struct weft_cli *cli, const char *key, bool port, struct weft_addr *out);
/* ADDRESS[/LENGTH], appended to an array of at most @max. */
int weft_value_network(struct weft_cli *cli, const char *key, size_t max,
		       struct weft_network **out, size_t *n);
int weft_value_port(struct weft_cli *cli, const char *key, uint16_t *out);
/* PORT:REST or PORT; @rest is NULL then. */
int weft_value_port_and(struct weft_cli *cli, const char *key, uint16_t *port,
			const char **whole, const char **rest);
int weft_value_mode(struct weft_cli *cli, const char *key, enum weft_mode *out);

/* @text as a mode in the value @whole of @key. */
int weft_value_mode_in(struct weft_cli *cli, const char *key, const char *whole,
		       const char *text, enum weft_mode *out);

/* Something that was given twice. */
int weft_value_twice(struct weft_cli *cli, const char *key);
/* A list that is full. */
int weft_value_full(struct weft_cli *cli, const char *key, size_t max);
/* A word that is no keyword here. */
int weft_value_unknown(struct weft_cli *cli, const char *word, const char *expected);

#endif
