/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Meshed connections, living and lately ended. Mirror of kmod/genl_conn.c.
 * Thread of the struct weft_nl; the structs are values.
 */
#ifndef WEFT_NL_CONN_H
#define WEFT_NL_CONN_H

#include <linux/weft.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/strv.h"
#include "nl/nl.h"

/* One endpoint that a connect() tried. */
struct weft_nl_attempt {
	struct weft_addr addr;
	enum weft_reason reason; /* NONE: this one it was */
	int error;		 /* errno, positive, or 0 */
};

/*
 * As WEFT_CONN_A_*. Owns its strings; NULL where the module said nothing, and
 * zeros in addresses and numbers. Initialise with { 0 }.
 */
struct weft_nl_conn {
	uint64_t id;
	enum weft_role role;
	enum weft_conn_state state;
	enum weft_mode mode;
	struct weft_addr local;
	struct weft_addr remote; /* the real peer */
	struct weft_addr asked;	 /* what connect() named */
	char *service;
	struct weft_strv identities; /* what the server may be (handshakes) */
	char *workload;
	char *identity;
	char *peer_identity;
	char *peer_serial; /* of its certificate; as base/serial.h */
	enum weft_revoked revoked;
	char *revocation; /* that says so */
	char *registered; /* the peer because of which no plaintext was taken */
	char *policy;
	char *audit; /* the AUDIT policy that matches */
	uint64_t generation;
	int error; /* errno, positive: what the application saw; 0: nothing */
	enum weft_reason reason;
	char *detail;
	char *cipher;
	bool resumed; /* no certificate was shown */
	uint32_t pid;
	uint32_t uid;
	char *comm;
	char *cgroup;
	uint64_t age;	   /* ms */
	uint32_t deadline; /* ms left (handshakes) */
	struct weft_nl_attempt *attempts;
	size_t n_attempts;
};

void weft_nl_conn_uninit(struct weft_nl_conn *conn);

/* @out is written on success, the caller's to uninit. Return: 0; -ENOENT. */
int weft_nl_conn_get(struct weft_nl *nl, uint64_t id, struct weft_nl_conn *out,
		     struct weft_error *err);

/* Resets it. Return: 0; -ENOENT. */
int weft_nl_conn_del(struct weft_nl *nl, uint64_t id, struct weft_error *err);

typedef int weft_nl_conn_fn(const struct weft_nl_conn *conn, void *data);

/* Connections come and go: what is seen is what was there at one moment or another
 * of the dump. */
int weft_nl_conn_dump(struct weft_nl *nl, weft_nl_conn_fn *fn, void *data,
		      struct weft_error *err);

#endif
