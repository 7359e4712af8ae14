// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading YAML and JSON into nodes: marks, what is refused, limits.
 */
#include <errno.h>

#include "conf/node.h"
#include "conf_text.h"

static struct weft_node nodes_of(const char *text)
{
	struct weft_error err = { 0 };
	struct weft_node docs = { 0 };

	if (weft_node_parse("f", text, strlen(text), &docs, &err))
		fail_msg("%s", err.text);
	return docs;
}

static void assert_bad_len(const char *text, size_t len, int error, const char *expected)
{
	struct weft_error err = { 0 };
	struct weft_node docs = { .n_items = 7 };

	assert_int_equal(weft_node_parse("f", text, len, &docs, &err), -error);
	assert_string_equal(err.text, expected);
	assert_int_equal(docs.n_items, 7);
}

static void assert_bad(const char *text, const char *expected)
{
	assert_bad_len(text, strlen(text), EINVAL, expected);
}

static void assert_mark(const struct weft_mark *mark, unsigned int line, unsigned int column)
{
	assert_string_equal(mark->file, "f");
	assert_int_equal(mark->line, line);
	assert_int_equal(mark->column, column);
}

static void each_node_knows_its_place(void **state)
{
	struct weft_node docs = nodes_of("# first\na: 1\nb:\n  - x\n  - {c: \"y\"}\n---\nd:\n");
	const struct weft_node *b, *c;

	assert_int_equal(docs.n_items, 2);
	assert_mark(&weft_node_find(&docs.items[0], "a")->mark, 2, 4);
	b = weft_node_find(&docs.items[0], "b");
	assert_int_equal(b->kind, WEFT_NODE_LIST);
	assert_mark(&b->key_mark, 3, 1);
	assert_mark(&b->items[0].mark, 4, 5);
	c = weft_node_find(&b->items[1], "c");
	assert_string_equal(c->text, "y");
	assert_false(c->plain);
	assert_mark(&c->mark, 5, 9);
	/* what is not there stands where its key does */
	assert_int_equal(weft_node_find(&docs.items[1], "d")->kind, WEFT_NODE_NULL);
	assert_mark(&weft_node_find(&docs.items[1], "d")->mark, 7, 1);
	assert_null(weft_node_find(&docs.items[0], "d"));
	assert_null(weft_node_find(b, "d"));
	weft_node_uninit(&docs);
}

static void nothing_is_an_empty_list_of_documents(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# a comment\n", "---\n",
					     "---\n---\n...\n",
					     "\xef\xbb\xbf# a byte order mark\n", "~\n" };

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(texts); i++) {
		struct weft_node docs = nodes_of(texts[i]);

		assert_int_equal(docs.n_items, 0);
		weft_node_uninit(&docs);
	}
}

static void json_is_read_as_it_is(void **state)
{
	struct weft_node docs = nodes_of("{\n\t\"a\":[1,true,null,\"\\u00e9\\/\"],\n"
					 "\t\"b\":{}\n}\n");
	const struct weft_node *a = weft_node_find(&docs.items[0], "a");

	assert_int_equal(a->n_items, 4);
	assert_true(a->items[0].plain);
	assert_string_equal(a->items[1].text, "true");
	assert_int_equal(a->items[2].kind, WEFT_NODE_NULL);
	assert_string_equal(a->items[3].text, "\xc3\xa9/");
	assert_int_equal(weft_node_find(&docs.items[0], "b")->kind, WEFT_NODE_MAP);
	assert_mark(&weft_node_find(&docs.items[0], "b")->key_mark, 3, 2);
	weft_node_uninit(&docs);
}

static void duplicate_key_names_both_lines(void **state)
{
	assert_bad("a: 1\nb: 2\na: 3\n",
		   "f:3: key \"a\" stands twice in one mapping, first in line 1");
	assert_bad("{\"a\": 1,\n \"a\": 2}",
		   "f:2: key \"a\" stands twice in one mapping, first in line 1");
}

static void anchors_aliases_and_tags_are_refused(void **state)
{
	static const char laughs[] = "a: &a [x, x]\nb: &b [*a, *a]\n";

	assert_bad(laughs, "f:1: anchor &a: anchors and aliases are not supported; "
			   "write the value out");
	assert_bad("a: 1\nb: *a\n", "f:2: alias *a: anchors and aliases are not supported; "
				    "write the value out");
	assert_bad("&k a: 1\n", "f:1: anchor &k: anchors and aliases are not supported; "
				"write the value out");
	assert_bad("a: !!int 1\n", "f:1: tag tag:yaml.org,2002:int: tags are not supported; "
				   "leave it out");
	assert_bad("a: ! 1\n", "f:1: tag !: tags are not supported; leave it out");
	assert_bad("a:\n  - !x {}\n", "f:2: tag !x: tags are not supported; leave it out");
	assert_bad("? *a\n: 1\n", "f:1: a key must be plain text");
	assert_bad("? [a]\n: 1\n", "f:1: a key must be plain text");
}

static void syntax_errors_name_the_line(void **state)
{
	assert_bad("a:\n\tb: 1\n",
		   "f:2: not valid YAML: while scanning for the next token: found character "
		   "that cannot start any token; indent with spaces, not tabs");
	assert_bad("a: 1\n b: 2\n",
		   "f:2: not valid YAML: mapping values are not allowed in this context");
	assert_bad("a: [1, 2\n",
		   "f:2: not valid YAML: while parsing a flow sequence: did not find expected "
		   "',' or ']'");
	assert_bad("a: \"x\n\n",
		   "f:3: not valid YAML: while scanning a quoted scalar: found unexpected end "
		   "of stream");
	assert_bad("{\"a\": 1}\n{\"b\": 2}\n",
		   "f:2: not valid YAML: did not find expected <document start>");
	assert_bad("%YAML 3.0\n---\na: 1\n",
		   "f:1: not valid YAML: found incompatible YAML document");
}

static void what_is_not_utf8_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "a: x\nb: \xff\n", "f:2: byte 0xff is not UTF-8; save the file in UTF-8" },
		{ "a: \xe9t\xe9\n", "f:1: byte 0xe9 is not UTF-8; save the file in UTF-8" },
		{ "a: \xc0\xaf\n", "f:1: byte 0xc0 is not UTF-8; save the file in UTF-8" },
		{ "a: \xed\xa0\x80\n", "f:1: byte 0xed is not UTF-8; save the file in UTF-8" },
		{ "a: \xf4\x90\x80\x80\n", "f:1: byte 0xf4 is not UTF-8; save the file in UTF-8" },
		{ "a: \xe2\x82", "f:1: byte 0xe2 is not UTF-8; save the file in UTF-8" },
		{ "\n\xff\xfe", "f:2: byte 0xff is not UTF-8; save the file in UTF-8" },
	};
	struct weft_node docs;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(cases); i++)
		assert_bad(cases[i].text, cases[i].error);
	docs = nodes_of("a: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
	assert_string_equal(docs.items[0].items[0].text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	weft_node_uninit(&docs);
}

static void control_characters_are_refused(void **state)
{
	static const char nul[] = "a: x\nb: y\0z\n";

	assert_bad_len(nul, sizeof(nul) - 1, EINVAL,
		       "f:2: not valid YAML: control characters are not allowed (0x00)");
	assert_bad("a: \"\\0\"\n",
		   "f:1: a line break or control character (0x00) inside a value");
	assert_bad("a: \"\\e[31m\"\n",
		   "f:1: a line break or control character (0x1b) inside a value");
	assert_bad("a: |\n  one\n  two\n",
		   "f:1: a line break or control character (0x0a) inside a value");
	assert_bad("\"a\\n\": 1\n",
		   "f:1: a line break or control character (0x0a) inside a value");
}

/* Text of @n times @item between @head and @tail. The caller frees. */
static char *repeat(const char *head, const char *item, unsigned int n, const char *tail)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	assert_non_null(f);
	fputs(head, f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, item, i);
	fputs(tail, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void depth_is_bounded(void **state)
{
	_cleanup_free_ char *good = repeat("", "[", WEFT_NODE_DEPTH_MAX, "]]]]]]]]]]]]]]]]");
	_cleanup_free_ char *bad = repeat("", "[", WEFT_NODE_DEPTH_MAX + 1, "]]]]]]]]]]]]]]]]]");
	_cleanup_free_ char *worse = repeat("\n", "{a: [", 100000, "");
	struct weft_node docs = nodes_of(good);

	weft_node_uninit(&docs);
	assert_bad_len(bad, strlen(bad), E2BIG, "f:1: nested deeper than 16 levels");
	assert_bad_len(worse, strlen(worse), E2BIG, "f:2: nested deeper than 16 levels");
}

static void keys_are_bounded(void **state)
{
	_cleanup_free_ char *good = repeat("", "k%u: 1\n", WEFT_NODE_KEYS_MAX, "");
	_cleanup_free_ char *bad = repeat("", "k%u: 1\n", WEFT_NODE_KEYS_MAX + 1, "");
	struct weft_node docs = nodes_of(good);

	assert_int_equal(docs.items[0].n_items, WEFT_NODE_KEYS_MAX);
	assert_string_equal(weft_node_find(&docs.items[0], "k255")->text, "1");
	weft_node_uninit(&docs);
	assert_bad_len(bad, strlen(bad), E2BIG, "f:257: more than 256 keys in one mapping");
}

static void values_are_bounded(void **state)
{
	_cleanup_free_ char *bad = repeat("[", "1,", WEFT_NODE_COUNT_MAX, "1]");

	assert_bad_len(bad, strlen(bad), E2BIG,
		       "f:1: more than 1000000 values in one file; use several files");
}

static void size_is_bounded(void **state)
{
	size_t len = WEFT_NODE_FILE_MAX + 1;
	_cleanup_free_ char *bad = malloc(len);

	assert_non_null(bad);
	memset(bad, '\n', len);
	assert_bad_len(bad, len, E2BIG, "f:1: more than 33554432 bytes; use several files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_node_knows_its_place),
		cmocka_unit_test(nothing_is_an_empty_list_of_documents),
		cmocka_unit_test(json_is_read_as_it_is),
		cmocka_unit_test(duplicate_key_names_both_lines),
		cmocka_unit_test(anchors_aliases_and_tags_are_refused),
		cmocka_unit_test(syntax_errors_name_the_line),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(keys_are_bounded),
		cmocka_unit_test(values_are_bounded),
		cmocka_unit_test(size_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
