/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to the module: a generic netlink socket of family "weft" in the
 * caller's network namespace.
 *
 * Each struct weft_nl belongs to one thread. Requests wait for their reply (the
 * kernel answers at once); what arrives unasked in the meantime, offers of
 * handshakes and events, is kept for nl_handshake.h and nl_event.h.
 *
 * Every function returns 0 or a negative errno of the request with the kernel's
 * own words (extended ack) in err->text. Besides what uapi linux/weft.h lists:
 *   -ETIMEDOUT  no reply within ten seconds
 *   -EPROTO     a reply that is not what the contract says
 *   -ENOMEM     here or in the kernel
 *   -EPERM      CAP_NET_ADMIN is needed
 */
#ifndef WEFT_NL_NL_H
#define WEFT_NL_NL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

struct weft_nl;

/**
 * weft_nl_open() - connect, and check that both sides speak the same version
 * @ret: the new connection; end with weft_nl_close()
 *
 * Return: 0; -ENOENT the module is not loaded; -EPROTONOSUPPORT it speaks
 * another version of the interface (@err says which); what socket() gives.
 */
int weft_nl_open(struct weft_nl **ret, struct weft_error *err);

/* Ends what the socket owned in the kernel too: worker, open transaction. NULL
 * is fine. */
void weft_nl_close(struct weft_nl *nl);

/* For _cleanup_(weft_nl_close_ptr). */
void weft_nl_close_ptr(struct weft_nl **nl);

/* Readable when something came unasked. Stays the connection's. */
int weft_nl_fd(const struct weft_nl *nl);

/*
 * Came something unasked while a reply was awaited? It is in memory then, and
 * the descriptor does not become readable for it: who waits for the descriptor
 * asks this first (or receives until nothing is left).
 */
bool weft_nl_pending(const struct weft_nl *nl);

/* Why a connection cannot be opened, as the CLI and the daemon say it. */
#define WEFT_NL_NO_MODULE "the weft module is not loaded in this kernel (modprobe weft)"

#endif
