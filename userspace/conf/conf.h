/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration documents: reading, comparing, applying. What they may say is
 * in weft-documents(5); where they come from in conf/store.h.
 *
 * No global state: any thread, each configuration belongs to its owner.
 */
#ifndef WEFT_CONF_CONF_H
#define WEFT_CONF_CONF_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "conf/executable.h"
#include "conf/model.h"

struct weft_nl;

/**
 * weft_conf_load - read all documents of a directory
 * @dir: its *.yaml, *.yml and *.json are read in the order of their names; hidden
 *	files and all others are left alone
 * @trust_domain: for identities that do not name theirs
 * @conf: out, end it with weft_conf_destroy()
 * @err: out, the first error, "FILE:LINE: Service "web": spec.ports[0].port: 70000:
 *	must be 1 to 65535"
 *
 * All or nothing. An empty directory is an empty configuration. Who may write in the
 * directory or to its files can take any identity and let anybody in: that must be
 * nobody but root, or us.
 *
 * Return: 0; -EINVAL a document or the trust domain is wrong; -E2BIG, -EFBIG,
 * -ENOSPC a limit; -EPERM others may write; -ENOMEM; what opening and reading give.
 * @conf is written on success only.
 */
int weft_conf_load(const char *dir, const char *trust_domain, struct weft_conf **conf,
		   struct weft_error *err);

/* A file of documents that is elsewhere than in the directory. */
struct weft_conf_file {
	const char *name;	/* in the directory */
	const char *text;
	size_t len;
};

/**
 * weft_conf_load_with - read all documents of a directory as it would be
 * @files: with these in it, new or in the place of those of the same names
 * @n_files: how many
 *
 * Otherwise as weft_conf_load(); nothing is written.
 */
int weft_conf_load_with(const char *dir, const struct weft_conf_file *files, size_t n_files,
			const char *trust_domain, struct weft_conf **conf, struct weft_error *err);

/**
 * weft_conf_parse - read the documents of one file that is in memory
 * @file: its name for errors
 * @text: its content
 * @len: bytes in @text
 *
 * Otherwise as weft_conf_load().
 */
int weft_conf_parse(const char *file, const char *text, size_t len, const char *trust_domain,
		    struct weft_conf **conf, struct weft_error *err);

/**
 * weft_conf_parse_all - read the documents of files that are all in memory
 * @files: their names are those for errors
 * @n: how many, also none
 *
 * Otherwise as weft_conf_load().
 */
int weft_conf_parse_all(const struct weft_conf_file *files, size_t n, const char *trust_domain,
			struct weft_conf **conf, struct weft_error *err);

#define WEFT_CONF_SUMMARY_MAX	224

/* "2 workloads, 1 service, 3 endpoints, 0 policies, 0 revocations, 0 peers". Return: @buf. */
const char *weft_conf_summary(const struct weft_conf *conf, char buf[WEFT_CONF_SUMMARY_MAX]);

/* One difference: "service web: endpoint 10.0.0.2:80 added". @line is valid during the call. */
typedef void weft_conf_diff_fn(const char *line, void *data);

/**
 * weft_conf_diff - say what changed between two configurations
 * @old: NULL: there was none
 * @now: the later one
 * @fn: called once per difference, ordered by kind and name; the order of lists and
 *	of documents is no difference
 *
 * Return: how many differences; -ENOMEM (@fn may have been called).
 */
int weft_conf_diff(const struct weft_conf *old, const struct weft_conf *now,
		   weft_conf_diff_fn *fn, void *data);

/**
 * weft_conf_push - make a configuration the daemon's part of the module's tables
 * @conf: stays the caller's
 * @nl: no transaction is open on it
 * @executables: told of files among @conf's that the module does not take
 * @generation: out, the number the kernel gave it
 * @err: out, "FILE:LINE: Service "web": " and what the kernel says
 *
 * One transaction: on any error it is aborted and the old generation stays. But a
 * workload with a file that the module does not take comes into force without it.
 *
 * Return: 0; what weft_nl_generation_begin(), the weft_nl_*_add() functions and
 * weft_nl_generation_commit() give.
 */
int weft_conf_push(const struct weft_conf *conf, struct weft_nl *nl,
		   struct weft_executables *executables, uint64_t *generation,
		   struct weft_error *err);

/**
 * weft_conf_try - make a configuration a trial of the module's (nl/nl_flow.h)
 * @conf: stays the caller's
 * @nl: no trial is open on it
 * @txn: out, the trial, to ask and to abort
 * @err: out, as weft_conf_push()
 *
 * What is in force stays as it is.
 *
 * Return: 0; what weft_nl_trial_begin() and the weft_nl_*_add() functions give: then
 * there is no trial.
 */
int weft_conf_try(const struct weft_conf *conf, struct weft_nl *nl, uint32_t *txn,
		  struct weft_error *err);

/* What push needs of nl/; a test has its own. */
struct weft_conf_push_ops {
	int (*begin)(struct weft_nl *nl, uint32_t *txn, struct weft_error *err);
	int (*workload)(struct weft_nl *nl, const struct weft_nl_workload *workload, uint32_t txn,
			bool replace, struct weft_error *err);
	int (*service)(struct weft_nl *nl, const struct weft_nl_service *service, uint32_t txn,
		       bool replace, struct weft_error *err);
	int (*endpoint)(struct weft_nl *nl, const struct weft_nl_endpoint *endpoint, uint32_t txn,
			bool replace, struct weft_error *err);
	int (*policy)(struct weft_nl *nl, const struct weft_nl_policy *policy, uint32_t txn,
		      bool replace, struct weft_error *err);
	int (*revocation)(struct weft_nl *nl, const struct weft_nl_revocation *revocation,
			  uint32_t txn, bool replace, struct weft_error *err);
	int (*peer)(struct weft_nl *nl, const struct weft_nl_peer *peer, uint32_t txn, bool replace,
		    struct weft_error *err);
	int (*commit)(struct weft_nl *nl, uint32_t txn, uint64_t *generation,
		      struct weft_error *err);
	int (*abort)(struct weft_nl *nl, uint32_t txn, struct weft_error *err);
};

/* weft_conf_push() over other operations. */
int weft_conf_push_with(const struct weft_conf_push_ops *ops, const struct weft_conf *conf,
			struct weft_nl *nl, struct weft_executables *executables,
			uint64_t *generation, struct weft_error *err);

#endif
