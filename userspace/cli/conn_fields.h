/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection as fields and as a line: what conn, monitor and explain share.
 */
#ifndef WEFT_CLI_CONN_FIELDS_H
#define WEFT_CLI_CONN_FIELDS_H

#include "cli/cli.h"
#include "cli/print.h"
#include "nl/nl_conn.h"

/* Every field, inside a block, an item or a record. */
void weft_conn_fields(struct weft_print *p, const struct weft_nl_conn *conn);

/*
 * "10.0.0.1:4000 -> 10.0.0.2:80", client to server; what connect() asked for where
 * no endpoint was tried, "?" for what is not known. @buf: WEFT_CONN_ENDS_MAX.
 */
#define WEFT_CONN_ENDS_MAX (2 * WEFT_ADDR_TEXT_MAX + 8)
const char *weft_conn_ends(const struct weft_nl_conn *conn, char *buf);

/*
 * What the end of a conn or of one try looked like: "denied by policy \"x\"",
 * "refused (ECONNREFUSED)". The caller's to free; NULL: out of memory.
 */
char *weft_conn_outcome(const struct weft_nl_conn *conn);

/* The number of a connection as the next word. Return: an exit code. */
int weft_conn_take_id(struct weft_cli *cli, uint64_t *id);

#endif
