// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One run of weftctl. See cli.h.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include "cli/command.h"
#include "cli/printable.h"
#include "base/array.h"
#include "base/cleanup.h"

/* One line on stderr; words from the command line may hold anything. */
static void say(struct weft_cli *cli, const char *subject, const char *text)
{
	_cleanup_free_ char *safe_subject = weft_printable(subject, true);
	_cleanup_free_ char *safe_text = weft_printable(text, true);

	fprintf(cli->err, "weftctl: %s%s%s\n", safe_subject ? safe_subject : "",
		*subject ? ": " : "", safe_text ? safe_text : "out of memory");
}

int weft_cli_usage(struct weft_cli *cli, const char *fmt, ...)
{
	char text[WEFT_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(cli, cli->subject, text);
	return WEFT_EXIT_USAGE;
}

void weft_cli_note(struct weft_cli *cli, const char *fmt, ...)
{
	char text[WEFT_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(cli, cli->subject, text);
}

int weft_cli_bad(struct weft_cli *cli, const char *key, const char *value, const char *problem)
{
	return weft_cli_usage(cli, "%s \"%.200s\": %s", key, value, problem);
}

/* The module names the object itself where it can: 'web', connection 42. */
static bool names_object(const char *text, const char *name)
{
	const char *at;

	for (at = strstr(text, name); at; at = strstr(at + 1, name)) {
		if (at > text && at[-1] == '\'' && at[strlen(name)] == '\'')
			return true;
		if (at - text >= 11 && !strncmp(at - 11, "connection ", 11))
			return true;
	}
	return false;
}

int weft_cli_failed(struct weft_cli *cli, const struct weft_error *err)
{
	bool named = cli->name && *cli->name && names_object(err->text, cli->name);

	say(cli, named ? "" : cli->subject, err->text);
	return WEFT_EXIT_FAILED;
}

int weft_cli_nomem(struct weft_cli *cli)
{
	say(cli, "", "out of memory");
	return WEFT_EXIT_FAILED;
}

int weft_cli_connect(struct weft_cli *cli)
{
	struct weft_error err = { 0 };

	if (cli->nl || !cli->open(&cli->nl, &err))
		return WEFT_EXIT_DONE;
	say(cli, "", err.text);
	return WEFT_EXIT_FAILED;
}

struct weft_print *weft_cli_print(struct weft_cli *cli)
{
	if (!cli->print)
		cli->print = weft_print_create(cli->out, cli->json);
	if (!cli->print)
		weft_cli_nomem(cli);
	return cli->print;
}

const char *weft_cli_word(struct weft_cli *cli)
{
	return *cli->words ? *cli->words++ : NULL;
}

int weft_cli_take_name(struct weft_cli *cli, const char *kind)
{
	const char *name = weft_cli_word(cli);

	if (!name)
		return weft_cli_usage(cli, "%s: which one? A name is needed", kind);
	snprintf(cli->subject, sizeof(cli->subject), "%s \"%s\"", kind, name);
	cli->name = name;
	return WEFT_EXIT_DONE;
}

int weft_cli_take_value(struct weft_cli *cli, const char *key, const char **value)
{
	*value = weft_cli_word(cli);
	if (!*value)
		return weft_cli_usage(cli, "%s: a value is needed", key);
	return WEFT_EXIT_DONE;
}

int weft_cli_end(struct weft_cli *cli)
{
	const char *word = weft_cli_word(cli);

	return word ? weft_cli_usage(cli, "\"%.200s\": nothing more is expected here", word)
		    : WEFT_EXIT_DONE;
}

int weft_cli_begin_del(struct weft_cli *cli, const char *kind)
{
	int code = weft_cli_take_name(cli, kind);

	if (!code)
		code = weft_cli_end(cli);
	return code ? code : weft_cli_connect(cli);
}

int weft_cli_begin_show(struct weft_cli *cli, const char *kind, struct weft_print **print)
{
	int code = *cli->words ? weft_cli_begin_del(cli, kind) : weft_cli_connect(cli);

	if (code)
		return code;
	*print = weft_cli_print(cli);
	return *print ? WEFT_EXIT_DONE : WEFT_EXIT_FAILED;
}

#define EXIT_REFUSED 2 /* what WEFT_EXIT_REFUSED ends with */

struct options {
	bool help;
	bool version;
};

static const struct valued {
	const char *name;
	enum weft_option option;
	size_t offset; /* of its value in struct weft_cli */
} valued[] = {
	{ "--confirm", WEFT_OPTION_CONFIRM, offsetof(struct weft_cli, confirm) },
	{ "--state-dir", WEFT_OPTION_STATE_DIR, offsetof(struct weft_cli, state_dir) },
	{ "--since", WEFT_OPTION_SINCE, offsetof(struct weft_cli, since) },
	{ "--journal", WEFT_OPTION_JOURNAL, offsetof(struct weft_cli, journal) },
	{ "--file", WEFT_OPTION_FILE, offsetof(struct weft_cli, file) },
};

static const char *value_of(const struct weft_cli *cli, size_t offset)
{
	const char *value;

	memcpy(&value, (const char *)cli + offset, sizeof(value));
	return value;
}

/* Which of them @word is, alone or with '=' and its value; or NULL. */
static const struct valued *find_valued(const char *word)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(valued); i++) {
		size_t len = strlen(valued[i].name);

		if (!strncmp(word, valued[i].name, len) && (!word[len] || word[len] == '='))
			return &valued[i];
	}
	return NULL;
}

/* "--confirm TIME" or "--confirm=TIME": @at moves to the last word of it. */
static int take_valued(struct weft_cli *cli, char ***at)
{
	const char *word = **at, *value;
	const struct valued *option = find_valued(word);
	size_t len;

	if (!option)
		return weft_cli_usage(cli,
				      "\"%.200s\": no such option (-j, -h, -V; of status --state-dir; of "
				      "apply --confirm, --state-dir; of simulate and suggest "
				      "--since, --journal, --file, --state-dir; of suggest "
				      "--refused)",
				      word);
	len = strlen(option->name);
	value = word[len] ? word + len + 1 : (*at)[1];
	if (!value)
		return weft_cli_usage(cli, "%s: a value is needed", word);
	*at += !word[len];
	memcpy((char *)cli + option->offset, &value, sizeof(value));
	return WEFT_EXIT_DONE;
}

/* Each option that was given is one of @object's. */
static int check_options(struct weft_cli *cli, const struct weft_object *object)
{
	const char *other = NULL;
	size_t i;

	for (i = 0; i < WEFT_ARRAY_SIZE(valued); i++)
		if (value_of(cli, valued[i].offset) && !(object->options & valued[i].option))
			other = valued[i].name;
	if (cli->refused && !(object->options & WEFT_OPTION_REFUSED))
		other = "--refused";
	return other ? weft_cli_usage(cli, "%s: has no option %s, see weftctl %s -h", object->name,
				      other, object->name)
		     : WEFT_EXIT_DONE;
}

/*
 * Options may stand anywhere before "--": takes them out of @argv, so that the
 * words remain.
 */
static int take_options(struct weft_cli *cli, char **argv, struct options *options)
{
	char **to = argv, **from;

	for (from = argv; *from; from++) {
		if ((*from)[0] != '-' || !(*from)[1])
			*to++ = *from;
		else if (!strcmp(*from, "-j") || !strcmp(*from, "--json"))
			cli->json = true;
		else if (!strcmp(*from, "-h") || !strcmp(*from, "--help"))
			options->help = true;
		else if (!strcmp(*from, "-V") || !strcmp(*from, "--version"))
			options->version = true;
		else if (!strcmp(*from, "--refused"))
			cli->refused = true;
		else if (!strcmp(*from, "--"))
			break;
		else if (take_valued(cli, &from))
			return WEFT_EXIT_USAGE;
	}
	if (*from)
		from++; /* "--" itself */
	while (*from)
		*to++ = *from++;
	*to = NULL;
	return WEFT_EXIT_DONE;
}

static int run_object(struct weft_cli *cli, const struct options *options)
{
	const char *word = weft_cli_word(cli);
	const struct weft_object *object = weft_object_find(cli, word ? word : "status");
	const struct weft_verb *verb;

	if (!object)
		return WEFT_EXIT_USAGE;
	if (options->help) {
		fputs(object->help, cli->out);
		return WEFT_EXIT_DONE;
	}
	cli->object = object;
	if (check_options(cli, object))
		return WEFT_EXIT_USAGE;
	/* no verb has one of these */
	if (object->files && *cli->words && strpbrk(*cli->words, "./"))
		return object->files(cli);
	verb = object->verbs;
	if (*verb->name && *cli->words) {
		verb = weft_verb_find(cli, object, weft_cli_word(cli));
		if (!verb)
			return WEFT_EXIT_USAGE;
	}
	return verb->run(cli);
}

static int run(struct weft_cli *cli)
{
	struct options options = { 0 };

	if (take_options(cli, cli->words, &options))
		return WEFT_EXIT_USAGE;
	if (options.version) {
		fprintf(cli->out, "weftctl %s\n", WEFT_VERSION);
		return WEFT_EXIT_DONE;
	}
	if ((options.help && !*cli->words) || (*cli->words && !strcmp(*cli->words, "help"))) {
		fputs(weft_help, cli->out);
		return WEFT_EXIT_DONE;
	}
	return run_object(cli, &options);
}

/* Before options are taken out, which may go wrong: is it an object that answers? */
static bool answers(char **words)
{
	for (; *words && (*words)[0] == '-' && (*words)[1]; words++) {
		const struct valued *option = find_valued(*words);

		if (!strcmp(*words, "--")) {
			words++;
			break;
		}
		if (option && !(*words)[strlen(option->name)] && words[1])
			words++;
	}
	return *words && weft_object_answers(*words);
}

int weft_cli_run(struct weft_cli *cli, int argc, char **argv)
{
	struct weft_error err = { 0 };
	bool answered;
	int code, r;

	cli->words = argv + (argc > 0);
	answered = answers(cli->words);
	code = run(cli);
	if (code == WEFT_EXIT_REFUSED)
		code = EXIT_REFUSED;
	else if (code == WEFT_EXIT_USAGE && answered)
		code = WEFT_EXIT_FAILED;
	r = weft_print_finish(cli->print);
	errno = 0;
	if (!r && (fflush(cli->out) || ferror(cli->out)))
		r = errno ? -errno : -EIO;
	if (r) {
		weft_error_set(&err, r, "cannot write the output: %s", strerror(-r));
		say(cli, "", err.text);
		code = code ? code : WEFT_EXIT_FAILED;
	}
	weft_nl_close(cli->nl);
	cli->print = NULL;
	cli->nl = NULL;
	return code;
}
