// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * weftctl ca token and weftctl ca node: who may join the CA of this host, and who did.
 */
#include <string.h>
#include <time.h>
#include "cli/ca.h"
#include "join/registry.h"
#include "join/token.h"

#define TOKEN_WORDS "node, identity, ttl, file, dir, trust-domain"

/* The CA is opened for each of them: what is in another directory is no token. */
static int begin(struct weft_cli *cli, const char *known, struct weft_ca_words *words,
		 struct weft_ca **ca)
{
	int code = weft_ca_take_words(cli, known, words);

	return code ? code : weft_ca_open_named(cli, words, ca);
}

/* ---- token ---- */

/* @r > 0: it is done, and there is something to see to. */
static int done(struct weft_cli *cli, int r, const struct weft_error *err)
{
	if (r < 0)
		return weft_cli_failed(cli, err);
	if (r)
		weft_cli_note(cli, "%s", err->text);
	return WEFT_EXIT_DONE;
}

static int need(struct weft_cli *cli, const struct weft_ca_words *words)
{
	if (!words->node)
		return weft_cli_usage(cli, "node: which one? A name is needed");
	if (!words->identities.count)
		return weft_cli_usage(cli, "identity: at least one is needed");
	if (!words->file)
		return weft_cli_usage(cli, "file: the one for the node is needed");
	return WEFT_EXIT_DONE;
}

static int token_add(struct weft_cli *cli)
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	struct weft_error err = { 0 };
	int code;

	code = weft_ca_take_words(cli, TOKEN_WORDS, &words);
	if (!code)
		code = need(cli, &words);
	if (!code)
		code = weft_ca_open_named(cli, &words, &ca);
	if (!code)
		code = done(cli, weft_token_create(ca, words.dir, words.node, &words.identities,
						   words.ttl, words.file, NULL, &err),
			    &err);
	weft_ca_words_uninit(&words);
	return code;
}

static void print_token(struct weft_print *p, const struct weft_token *token)
{
	weft_print_row_begin(p);
	weft_print_string(p, "id", token->id);
	weft_print_string(p, "node", token->node);
	weft_print_string(p, "state", token->used ? "used" : "new");
	weft_ca_print_time(p, "expires", token->expires);
	weft_print_strings(p, "identities", &token->identities);
	weft_print_row_end(p);
}

static int show_tokens(struct weft_cli *cli, const char *dir)
{
	struct weft_print *p = weft_cli_print(cli);
	struct weft_error err = { 0 };
	struct weft_tokens tokens;

	if (!p)
		return WEFT_EXIT_FAILED;
	if (weft_token_list(dir, time(NULL), &tokens, &err))
		return weft_cli_failed(cli, &err);
	weft_print_table_begin(p);
	for (size_t i = 0; i < tokens.count; i++)
		print_token(p, &tokens.items[i]);
	weft_print_table_end(p);
	weft_tokens_uninit(&tokens);
	return WEFT_EXIT_DONE;
}

/* ---- node ---- */

static void print_trusts(struct weft_print *p, const struct weft_strv *trusts)
{
	char text[16];

	snprintf(text, sizeof(text), "%zu", trusts->count);
	weft_print_list_begin(p, "trusts", trusts->count ? text : NULL);
	for (size_t i = 0; i < trusts->count; i++) {
		weft_print_item_begin(p);
		weft_print_string(p, "root", trusts->items[i]);
		weft_print_item_end(p);
	}
	weft_print_list_end(p);
}

static void print_node(struct weft_print *p, const struct weft_join_node *node)
{
	weft_print_row_begin(p);
	weft_print_string(p, "name", node->name);
	weft_print_string(p, "address", node->address);
	weft_ca_print_time(p, "joined", node->joined);
	weft_ca_print_time(p, "seen", node->seen);
	print_trusts(p, &node->trusts);
	weft_print_strings(p, "identities", &node->identities);
	weft_print_row_end(p);
}

static int show_nodes(struct weft_cli *cli, const char *dir)
{
	struct weft_print *p = weft_cli_print(cli);
	struct weft_error err = { 0 };
	struct weft_join_nodes nodes;

	if (!p)
		return WEFT_EXIT_FAILED;
	if (weft_registry_list(dir, &nodes, &err))
		return weft_cli_failed(cli, &err);
	weft_print_table_begin(p);
	for (size_t i = 0; i < nodes.count; i++)
		print_node(p, &nodes.items[i]);
	weft_print_table_end(p);
	weft_join_nodes_uninit(&nodes);
	return WEFT_EXIT_DONE;
}

/* ---- what they share ---- */

static int show(struct weft_cli *cli, int (*print)(struct weft_cli *cli, const char *dir))
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	int code = begin(cli, "dir", &words, &ca);

	return code ? code : print(cli, words.dir);
}

static int delete(struct weft_cli *cli, const char *kind,
		  int (*del)(const char *ca_dir, const char *name, struct weft_error *err))
{
	_cleanup_(weft_ca_close_ptr) struct weft_ca *ca = NULL;
	struct weft_ca_words words = { 0 };
	struct weft_error err = { 0 };
	int code = weft_cli_take_name(cli, kind);

	if (!code)
		code = begin(cli, "dir", &words, &ca);
	if (code)
		return code;
	cli->subject[0] = '\0'; /* the error names it */
	return done(cli, del(words.dir, cli->name, &err), &err);
}

static int token_show(struct weft_cli *cli)
{
	return show(cli, show_tokens);
}

static int token_del(struct weft_cli *cli)
{
	return delete(cli, "token", weft_token_delete);
}

static int node_show(struct weft_cli *cli)
{
	return show(cli, show_nodes);
}

static int node_del(struct weft_cli *cli)
{
	return delete(cli, "node", weft_registry_delete);
}

static const struct weft_verb token_verbs[] = {
	{ "show", token_show },
	{ "add", token_add },
	{ "del", token_del },
	{ 0 },
};

static const struct weft_verb node_verbs[] = {
	{ "show", node_show },
	{ "del", node_del },
	{ 0 },
};

static const struct weft_object token_object = { "ca token", token_verbs, NULL, NULL, NULL, 0 };
static const struct weft_object node_object = { "ca node", node_verbs, NULL, NULL, NULL, 0 };

static int run(struct weft_cli *cli, const struct weft_object *object)
{
	const struct weft_verb *verb = object->verbs;

	if (*cli->words)
		verb = weft_verb_find(cli, object, weft_cli_word(cli));
	return verb ? verb->run(cli) : WEFT_EXIT_USAGE;
}

int weft_ca_token(struct weft_cli *cli)
{
	return run(cli, &token_object);
}

int weft_ca_node(struct weft_cli *cli)
{
	return run(cli, &node_object);
}
