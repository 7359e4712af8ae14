// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca show|export: the root of the CA on this host, and the one that takes over.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/ca.h"
#include "join/registry.h"
#include "join/token.h"
#include "pki/crypto.h"
#include "pki/pem.h"

struct counts {
	size_t tokens, nodes;
};

static int count(const char *dir, struct counts *counts, struct weft_error *err)
{
	struct weft_tokens tokens;
	struct weft_join_nodes nodes;
	int r;

	r = weft_token_list(dir, time(NULL), &tokens, err);
	if (r)
		return r;
	counts->tokens = tokens.count;
	weft_tokens_uninit(&tokens);
	r = weft_registry_list(dir, &nodes, err);
	if (r)
		return r;
	counts->nodes = nodes.count;
	weft_join_nodes_uninit(&nodes);
	return 0;
}

static const char *notice(const struct weft_ca *ca)
{
	if (!weft_ca_is_ending(ca, time(NULL)) || weft_ca_step(ca) != WEFT_CA_STEADY)
		return NULL;
	return "the root is near its end: make the next one now (weftctl ca rotate prepare), which "
	       "all nodes must trust before";
}

static void print_ca(struct weft_print *p, const struct weft_ca *ca, const char *dir,
		     const struct counts *counts, const struct weft_ca_standing *standing)
{
	X509 *root = weft_ca_cert(ca);

	weft_print_block_begin(p);
	weft_print_string(p, "trust_domain", weft_ca_trust_domain(ca));
	weft_print_string(p, "notice", notice(ca));
	weft_print_string(p, "directory", dir);
	weft_print_string(p, "fingerprint", standing->signs);
	weft_ca_print_time(p, "not_before", weft_crypto_time(X509_get0_notBefore(root)));
	weft_ca_print_time(p, "not_after", weft_crypto_time(X509_get0_notAfter(root)));
	weft_print_number(p, "tokens", counts->tokens);
	weft_print_number(p, "nodes", counts->nodes);
	if (standing->step == WEFT_CA_STEADY) {
		weft_print_string(p, "rotation", NULL);
	} else {
		weft_print_group_begin(p, "rotation", "rotation");
		weft_ca_print_standing(p, standing);
		weft_print_group_end(p);
	}
	weft_print_block_end(p);
}

static int show(struct weft_cli *cli, const struct weft_ca *ca, const struct weft_ca_words *words)
{
	struct weft_print *p = weft_cli_print(cli);
	struct weft_ca_standing standing = { 0 };
	struct weft_error err = { 0 };
	struct counts counts;
	int r;

	if (!p)
		return WEFT_EXIT_FAILED;
	r = count(words->dir, &counts, &err);
	if (!r)
		r = weft_ca_standing_look(&standing, ca, words->dir, &err);
	if (!r)
		print_ca(p, ca, words->dir, &counts, &standing);
	weft_ca_standing_uninit(&standing);
	return r ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
}

static int print_pem(struct weft_cli *cli, const char *pem)
{
	struct weft_print *p;

	if (!cli->json) {
		fputs(pem, cli->out);
		return WEFT_EXIT_DONE;
	}
	p = weft_cli_print(cli);
	if (!p)
		return WEFT_EXIT_FAILED;
	weft_print_block_begin(p);
	weft_print_string(p, "bundle", pem);
	weft_print_block_end(p);
	return WEFT_EXIT_DONE;
}

static int export(struct weft_cli *cli, const struct weft_ca *ca,
		  const struct weft_ca_words *words)
{
	_cleanup_x509s_ STACK_OF(X509) *roots = NULL;
	_cleanup_free_ char *pem = NULL;
	struct weft_error err = { 0 };

	if (weft_ca_roots(ca, &roots, &err) || weft_pem_format_certs(NULL, roots, &pem, &err) ||
	    (words->file && weft_file_write(words->file, pem, strlen(pem), 0644, &err)))
		return weft_cli_failed(cli, &err);
	return words->file ? WEFT_EXIT_DONE : print_pem(cli, pem);
}

static int run(struct weft_cli *cli, const char *known,
	       int (*verb)(struct weft_cli *cli, const struct weft_ca *ca,
			   const struct weft_ca_words *words))
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	int code;

	code = weft_ca_take_words(cli, known, &words);
	if (!code)
		code = weft_ca_open_named(cli, &words, &ca);
	if (!code)
		code = verb(cli, ca, &words);
	weft_ca_words_uninit(&words);
	return code;
}

int weft_ca_show(struct weft_cli *cli)
{
	return run(cli, "dir", show);
}

int weft_ca_export(struct weft_cli *cli)
{
	return run(cli, "dir, file", export);
}
