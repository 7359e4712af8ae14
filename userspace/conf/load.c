// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From files to a configuration: find the files, read their documents, check
 * them each and together, sort. See conf.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/name.h"
#include "conf/conf.h"
#include "conf/document.h"
#include "conf/file_name.h"

struct loader {
	struct weft_document_set set;	/* its configuration is the loader's until the end */
	struct weft_node **files;	/* their nodes, to which the documents point */
	size_t n_files;
	struct weft_error *err;
};

static int loader_init(struct loader *l, const char *trust_domain, struct weft_error *err)
{
	const char *problem = weft_trust_domain_problem(trust_domain);

	memset(l, 0, sizeof(*l));
	l->err = err;
	if (problem)
		return weft_error_set(err, EINVAL, "trust domain \"%.64s\": %s", trust_domain,
				      problem);
	l->set.conf = calloc(1, sizeof(*l->set.conf));
	if (!l->set.conf)
		return weft_error_nomem(err);
	l->set.conf->trust_domain = strdup(trust_domain);
	return l->set.conf->trust_domain ? 0 : weft_error_nomem(err);
}

static void loader_uninit(struct loader *l)
{
	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i])
			weft_node_uninit(l->files[i]);
		free(l->files[i]);
	}
	free(l->files);
	free(l->set.items);
	weft_conf_destroy(l->set.conf);
}

/* The name as it is written, good or bad, so that errors can say which object. */
static const struct weft_node *written_name(const struct weft_node *doc)
{
	const struct weft_node *metadata = weft_node_find(doc, "metadata");
	const struct weft_node *name = metadata ? weft_node_find(metadata, "name") : NULL;

	return name && name->kind == WEFT_NODE_SCALAR ? name : NULL;
}

static int read_kind(struct weft_schema_reader *r, const struct weft_node *doc,
		     const struct weft_kind **kind)
{
	unsigned int index = 0;
	int ret;

	if (doc->kind != WEFT_NODE_MAP)
		return weft_error_set(r->err, EINVAL,
				      "%s:%u: must be a mapping of apiVersion, kind, metadata "
				      "and spec", doc->mark.file, doc->mark.line);
	ret = weft_schema_read_field(r, &weft_head_fields[WEFT_HEAD_API_VERSION], doc,
				     &index);
	if (!ret)
		ret = weft_schema_read_field(r, &weft_head_fields[WEFT_HEAD_KIND], doc, &index);
	if (!ret)
		*kind = weft_kinds[index];
	return ret;
}

static int add_document(struct loader *l, const struct weft_kind *kind,
			const struct weft_node *node)
{
	struct weft_document *doc;

	doc = WEFT_ARRAY_APPEND(l->set.items, l->set.count);
	if (!doc || !weft_kind_append(kind, l->set.conf))
		return weft_error_nomem(l->err);
	doc->kind = kind;
	doc->node = node;
	doc->index = weft_kind_count(kind, l->set.conf) - 1;
	return 0;
}

static int read_document(struct loader *l, const struct weft_node *node)
{
	struct weft_schema_reader r = { .trust_domain = l->set.conf->trust_domain, .err = l->err };
	const struct weft_node *name = written_name(node);
	const struct weft_kind *kind = NULL;
	void *object;
	int ret;

	ret = read_kind(&r, node, &kind);
	if (ret)
		return ret;
	r.kind = kind->name;
	r.name = name ? name->text : NULL;
	if (weft_kind_count(kind, l->set.conf) >= kind->max)
		return weft_error_set(l->err, ENOSPC, "%s:%u: more than %u documents of kind %s",
				      node->mark.file, node->mark.line, kind->max, kind->name);
	ret = add_document(l, kind, node);
	if (ret)
		return ret;
	object = weft_document_object(&l->set, &l->set.items[l->set.count - 1]);
	ret = weft_schema_read(&r, kind->schema, node, object);
	if (!ret)
		*weft_kind_object_mark(kind, object) = name->mark;
	return ret;
}

/* A NUL follows: there may be no byte at all. Return: 0, -ENOMEM. */
static int keep_text(struct weft_conf *conf, const char *text, size_t len)
{
	struct weft_conf_text *kept = WEFT_ARRAY_APPEND(conf->texts, conf->n_texts);

	if (!kept)
		return -ENOMEM;
	kept->data = malloc(len + 1);
	if (!kept->data)
		return -ENOMEM;
	if (len)
		memcpy(kept->data, text, len);
	kept->data[len] = '\0';
	kept->len = len;
	return 0;
}

static int read_text(struct loader *l, const char *file, const char *text, size_t len)
{
	struct weft_strv *names = &l->set.conf->files;
	struct weft_node **slot;
	int ret;

	slot = WEFT_ARRAY_APPEND(l->files, l->n_files);
	if (!slot || weft_strv_add(names, file) || keep_text(l->set.conf, text, len))
		return weft_error_nomem(l->err);
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		return weft_error_nomem(l->err);
	/* the string stays in its place when the list grows */
	ret = weft_node_parse(names->items[names->count - 1], text, len, *slot, l->err);
	for (unsigned int i = 0; !ret && i < (*slot)->n_items; i++)
		ret = read_document(l, &(*slot)->items[i]);
	return ret;
}

static int compare_objects(const void *a, const void *b)
{
	return strcmp(weft_kind_object_name(a), weft_kind_object_name(b));
}

/* Everything is read: check the whole, and hand it over. */
static int loader_finish(struct loader *l, struct weft_conf **conf)
{
	int ret;

	ret = weft_document_set_check(&l->set, l->err);
	if (ret)
		return ret;
	for (size_t k = 0; k < WEFT_KINDS; k++) {
		size_t n = weft_kind_count(weft_kinds[k], l->set.conf);

		if (n)
			qsort(weft_kind_object(weft_kinds[k], l->set.conf, 0), n,
			      weft_kinds[k]->size, compare_objects);
	}
	*conf = weft_steal_ptr(l->set.conf);
	return 0;
}

int weft_conf_parse(const char *file, const char *text, size_t len, const char *trust_domain,
		    struct weft_conf **conf, struct weft_error *err)
{
	const struct weft_conf_file one = { .name = file, .text = text, .len = len };

	return weft_conf_parse_all(&one, 1, trust_domain, conf, err);
}

int weft_conf_parse_all(const struct weft_conf_file *files, size_t n, const char *trust_domain,
			struct weft_conf **conf, struct weft_error *err)
{
	struct loader l;
	int ret;

	ret = loader_init(&l, trust_domain, err);
	for (size_t i = 0; !ret && i < n; i++)
		ret = read_text(&l, files[i].name, files[i].text, files[i].len);
	if (!ret)
		ret = loader_finish(&l, conf);
	loader_uninit(&l);
	return ret;
}

/* ---------------------------------------------------------- directories */

static int is_document(const struct dirent *entry)
{
	return weft_file_name_is_document(entry->d_name);
}

/* Removed between reading the directory and now: no error, it is not there. */
static bool is_gone(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

static int read_file(struct loader *l, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int ret;

	ret = weft_file_read_trusted(path, WEFT_NODE_FILE_MAX, &text, &len, l->err);
	if (ret == -ENOENT && is_gone(path))
		return 0;
	return ret ? ret : read_text(l, path, text, len);
}

static const struct weft_conf_file *find_file(const struct weft_conf_file *files, size_t n,
					      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

static int list_directory(const char *dir, struct weft_strv *names, struct weft_error *err)
{
	struct dirent **entries = NULL;
	int n, ret;

	n = scandir(dir, &entries, is_document, NULL);
	if (n < 0)
		return weft_error_set(err, errno,
				      "%s: cannot read the directory of documents: %s", dir,
				      strerror(errno));
	ret = weft_dir_check_trusted(dir, err);
	for (int i = 0; i < n; i++) {
		if (!ret && weft_strv_add(names, entries[i]->d_name))
			ret = weft_error_nomem(err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* The names there would be, in order; not alphasort()'s, which follows the locale. */
static int list_names(const char *dir, const struct weft_conf_file *files, size_t n,
		      struct weft_strv *names, struct weft_error *err)
{
	int ret = list_directory(dir, names, err);

	for (size_t i = 0; !ret && i < n; i++)
		if (!weft_strv_contains(names, files[i].name) &&
		    weft_strv_add(names, files[i].name))
			ret = weft_error_nomem(err);
	weft_strv_sort(names);
	return ret;
}

static int read_directory(struct loader *l, const char *dir, const struct weft_conf_file *files,
			  size_t n)
{
	_cleanup_(weft_strv_uninit) struct weft_strv names = { 0 };
	int ret = list_names(dir, files, n, &names, l->err);

	for (size_t i = 0; !ret && i < names.count; i++) {
		const struct weft_conf_file *file = find_file(files, n, names.items[i]);
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, names.items[i]) < 0) {
			path = NULL;
			return weft_error_nomem(l->err);
		}
		ret = file ? read_text(l, path, file->text, file->len) : read_file(l, path);
	}
	return ret;
}

int weft_conf_load_with(const char *dir, const struct weft_conf_file *files, size_t n_files,
			const char *trust_domain, struct weft_conf **conf, struct weft_error *err)
{
	struct loader l;
	int ret;

	ret = loader_init(&l, trust_domain, err);
	if (!ret)
		ret = read_directory(&l, dir, files, n_files);
	if (!ret)
		ret = loader_finish(&l, conf);
	loader_uninit(&l);
	return ret;
}

int weft_conf_load(const char *dir, const char *trust_domain, struct weft_conf **conf,
		   struct weft_error *err)
{
	return weft_conf_load_with(dir, NULL, 0, trust_domain, conf, err);
}
