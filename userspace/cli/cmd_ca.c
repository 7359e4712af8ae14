// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca show|export: the root of the CA on this host.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/ca.h"
#include "join/registry.h"
#include "join/token.h"
#include "pki/crypto.h"
#include "pki/pem.h"

#define YEAR (365 * 86400LL)

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

static const char *notice(X509 *root)
{
	if (weft_crypto_time(X509_get0_notAfter(root)) - time(NULL) >= YEAR)
		return NULL;
	return "the root expires within a year: plan for a new one, which all nodes must trust "
	       "before";
}

static int print_ca(struct weft_print *p, const struct weft_ca *ca, const char *dir,
		    struct weft_error *err)
{
	X509 *root = weft_ca_cert(ca);
	char fingerprint[WEFT_HEX_SIZE(WEFT_CRYPTO_DIGEST_LEN)];
	uint8_t digest[WEFT_CRYPTO_DIGEST_LEN];
	struct counts counts;
	int r;

	r = weft_crypto_cert_digest(root, digest, err);
	if (!r)
		r = count(dir, &counts, err);
	if (r)
		return r;
	weft_print_block_begin(p);
	weft_print_string(p, "trust_domain", weft_ca_trust_domain(ca));
	weft_print_string(p, "notice", notice(root));
	weft_print_string(p, "directory", dir);
	weft_print_string(p, "fingerprint",
			  weft_hex_format(digest, sizeof(digest), fingerprint));
	weft_ca_print_time(p, "not_before", weft_crypto_time(X509_get0_notBefore(root)));
	weft_ca_print_time(p, "not_after", weft_crypto_time(X509_get0_notAfter(root)));
	weft_print_number(p, "tokens", counts.tokens);
	weft_print_number(p, "nodes", counts.nodes);
	weft_print_block_end(p);
	return 0;
}

static int show(struct weft_cli *cli, const struct weft_ca *ca, const struct weft_ca_words *words)
{
	struct weft_print *p = weft_cli_print(cli);
	struct weft_error err = { 0 };

	if (!p)
		return WEFT_EXIT_FAILED;
	return print_ca(p, ca, words->dir, &err) ? weft_cli_failed(cli, &err) : WEFT_EXIT_DONE;
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
	_cleanup_free_ char *pem = NULL;
	struct weft_error err = { 0 };

	if (weft_pem_format_certs(weft_ca_cert(ca), NULL, &pem, &err) ||
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
