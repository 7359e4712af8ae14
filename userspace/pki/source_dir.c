// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory of PEM files as a source of SVIDs, see source.h. Owns what it has
 * read. Looks at the files' dates and reads all of them anew when one differs: who
 * renews certificates does it seldom, and writes them in many ways.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include "base/strv.h"
#include "pki/crypto.h"
#include "pki/pem.h"
#include "pki/source.h"

static const char *const root_names[] = {"ca.crt", "bundle.crt", "bundle.pem", "svid_bundle.pem"};

static const struct {
	const char *cert, *key;
} suffixes[] = {{".crt", ".key"}, {".pem", "_key.pem"}, {".pem", "-key.pem"}};

struct entry {
	char *path; /* of the certificate */
	struct weft_svid *svid;
};

struct source_dir {
	struct weft_source source;
	char *dir;
	char *trust_domain;
	uint8_t stamp[EVP_MAX_MD_SIZE]; /* of what was read last */
	bool was_read;
	struct weft_bundle *bundle;
	struct entry *entries;
	size_t n;
};

/* What there is to read. */
struct listing {
	struct weft_strv roots;
	struct weft_strv certs, keys; /* of one index */
};

static void listing_uninit(struct listing *listing)
{
	weft_strv_uninit(&listing->roots);
	weft_strv_uninit(&listing->certs);
	weft_strv_uninit(&listing->keys);
}

static void entries_free(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(entries[i].path);
		weft_svid_put(entries[i].svid);
	}
	free(entries);
}

/* The first problem is the one that is told. Return: @error, negative. */
static int say(struct weft_error *problem, const struct weft_error *why, int error)
{
	if (problem && !*problem->text)
		*problem = *why;
	return error < 0 ? error : -error;
}

/* ---- what there is ---- */

static bool is_root(const char *name)
{
	for (size_t i = 0; i < sizeof(root_names) / sizeof(root_names[0]); i++)
		if (!strcmp(name, root_names[i]))
			return true;
	return false;
}

static bool ends_with(const char *name, const char *suffix, size_t *stem)
{
	size_t len = strlen(name), end = strlen(suffix);

	if (len <= end || strcmp(name + len - end, suffix))
		return false;
	*stem = len - end;
	return true;
}

static int add(struct weft_strv *list, const char *dir, const char *name, size_t stem,
	       const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/%.*s%s", dir, (int)stem, name, suffix) < 0)
		return -ENOMEM;
	return weft_strv_take(list, path);
}

/* By its key a pair is known; where the certificate is missing, reading tells. */
static int add_pair(struct listing *listing, const char *dir, const char *name)
{
	size_t stem;
	int r;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!ends_with(name, suffixes[i].key, &stem))
			continue;
		/* The root's own key, where somebody keeps it here, is nobody's SVID. */
		if (stem == 2 && !memcmp(name, "ca", 2))
			return 0;
		r = add(&listing->certs, dir, name, stem, suffixes[i].cert);
		return r ? r : add(&listing->keys, dir, name, stem, suffixes[i].key);
	}
	return 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int list_dir(struct listing *listing, const char *dir, bool deeper,
		    struct weft_error *problem);

static int list_name(struct listing *listing, const char *dir, const char *name, bool deeper,
		     struct weft_error *problem)
{
	_cleanup_free_ char *path = NULL;

	if (is_root(name))
		return add(&listing->roots, dir, name, strlen(name), "");
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (!is_dir(path))
		return add_pair(listing, dir, name);
	return deeper ? list_dir(listing, path, false, problem) : 0;
}

static int list_dir(struct listing *listing, const char *dir, bool deeper,
		    struct weft_error *problem)
{
	struct weft_error err = {0};
	struct dirent **names;
	int i, n, r = 0;

	n = scandir(dir, &names, is_visible, compare_names);
	if (n < 0) {
		r = weft_error_set(&err, errno, "%s: %s", dir, strerror(errno));
		return r == -ENOMEM ? r : (say(problem, &err, r), 0);
	}
	for (i = 0; i < n; i++) {
		if (!r)
			r = list_name(listing, dir, names[i]->d_name, deeper, problem);
		free(names[i]);
	}
	free(names);
	return r;
}

/* ---- has it changed? ---- */

static void hash_file(EVP_MD_CTX *md, const char *path)
{
	struct {
		dev_t dev;
		ino_t ino;
		off_t size;
		mode_t mode;
		struct timespec modified, changed;
	} facts;
	struct stat st;

	memset(&facts, 0, sizeof(facts)); /* with its padding */
	if (!stat(path, &st)) {
		facts.dev = st.st_dev;
		facts.ino = st.st_ino;
		facts.size = st.st_size;
		facts.mode = st.st_mode;
		facts.modified = st.st_mtim;
		facts.changed = st.st_ctim;
	}
	EVP_DigestUpdate(md, path, strlen(path) + 1);
	EVP_DigestUpdate(md, &facts, sizeof(facts));
}

static int make_stamp(const struct listing *listing, uint8_t *stamp)
{
	const struct weft_strv *lists[] = {&listing->roots, &listing->certs, &listing->keys};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done;

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(md);
		return -ENOMEM;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			hash_file(md, lists[i]->items[j]);
	done = EVP_DigestFinal_ex(md, stamp, NULL) == 1;
	EVP_MD_CTX_free(md);
	return done ? 0 : -ENOMEM;
}

/* ---- reading ---- */

static int load_bundle(const struct source_dir *s, const struct listing *listing,
		       struct weft_bundle **ret, struct weft_error *problem)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = weft_bundle_create();
	struct weft_error err = {0};
	int r;

	if (!bundle)
		return -ENOMEM;
	for (size_t i = 0; i < listing->roots.count; i++) {
		r = weft_bundle_add_file(bundle, listing->roots.items[i], s->trust_domain, &err);
		if (r)
			return say(problem, &err, r);
	}
	if (!weft_bundle_count(bundle))
		return say(problem, &err,
			   weft_error_set(&err, ENODATA,
					  "%s: no root certificate (ca.crt, bundle.pem) there: "
					  "nobody is trusted",
					  s->dir));
	*ret = weft_steal_ptr(bundle);
	return 0;
}

/* Would a peer that trusts @bundle believe it? Its dates do not count here: the
 * clock may be behind, and an expired one says so to whoever sees it. */
static int check_chain(const struct weft_svid *svid, const struct weft_bundle *bundle,
		       const char *path, struct weft_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = 0;

	if (!ctx ||
	    X509_STORE_CTX_init(ctx, weft_bundle_store(bundle), svid->cert, svid->chain) != 1) {
		X509_STORE_CTX_free(ctx);
		return weft_error_nomem(err);
	}
	X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(ctx), X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(ctx) != 1)
		r = weft_error_set(err, EKEYREJECTED,
				   "%s: its chain leads to none of the roots: %s", path,
				   X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	return r;
}

static int read_svid(const struct source_dir *s, const struct weft_bundle *bundle, const char *cert,
		     const char *key, struct weft_svid **ret, struct weft_error *err)
{
	_cleanup_(weft_svid_put_ptr) struct weft_svid *svid = NULL;
	int r;

	r = weft_svid_read(cert, key, &svid, err);
	if (r)
		return r;
	if (!weft_bundle_has(bundle, svid->identity))
		return weft_error_set(err, EKEYREJECTED, "%s: %s is not of trust domain \"%s\"",
				      cert, svid->identity, s->trust_domain);
	r = check_chain(svid, bundle, cert, err);
	if (r)
		return r;
	*ret = weft_steal_ptr(svid);
	return 0;
}

static struct weft_svid *former(const struct source_dir *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->entries[i].path, path))
			return weft_svid_get(s->entries[i].svid);
	return NULL;
}

static int load_entries(const struct source_dir *s, const struct weft_bundle *bundle,
			const struct listing *listing, struct entry **ret, size_t *ret_n,
			struct weft_error *problem)
{
	size_t count = listing->certs.count, i, n = 0;
	struct entry *entries;

	if (count > WEFT_SOURCE_DIR_MAX) {
		struct weft_error err = {0};

		say(problem, &err,
		    weft_error_set(&err, E2BIG, "%s: %zu certificates, %d are read", s->dir, count,
				   WEFT_SOURCE_DIR_MAX));
		count = WEFT_SOURCE_DIR_MAX;
	}
	entries = calloc(count ? count : 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		const char *path = listing->certs.items[i];
		struct weft_error err = {0};
		int r;

		r = read_svid(s, bundle, path, listing->keys.items[i], &entries[n].svid, &err);
		if (r)
			entries[n].svid = former(s, path);
		if (r)
			say(problem, &err, r);
		if (!entries[n].svid)
			continue;
		entries[n++].path = strdup(path);
		if (entries[n - 1].path)
			continue;
		entries_free(entries, n);
		return -ENOMEM;
	}
	*ret = entries;
	*ret_n = n;
	return 0;
}

/* Return: 1 there may be something new; 0 nothing is; -ENOMEM. */
static int load(struct source_dir *s, const struct listing *listing, struct weft_error *problem)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = NULL;
	struct entry *entries;
	size_t n;
	int r;

	r = load_bundle(s, listing, &bundle, problem);
	if (r == -ENOMEM)
		return r;
	/* Roots that cannot be read are no reason to trust nobody any more. */
	if (r)
		bundle = weft_bundle_get(s->bundle);
	r = load_entries(s, bundle, listing, &entries, &n, problem);
	if (r)
		return r;
	weft_bundle_put(s->bundle);
	s->bundle = weft_steal_ptr(bundle);
	entries_free(s->entries, s->n);
	s->entries = entries;
	s->n = n;
	return 1;
}

static int refresh(struct source_dir *s, struct weft_error *problem)
{
	_cleanup_(listing_uninit) struct listing listing = {0};
	uint8_t stamp[EVP_MAX_MD_SIZE] = {0};
	int r;

	r = list_dir(&listing, s->dir, true, problem);
	if (!r)
		r = make_stamp(&listing, stamp);
	if (r)
		return r;
	if (s->was_read && !memcmp(stamp, s->stamp, sizeof(stamp)))
		return 0;
	r = load(s, &listing, problem);
	if (r < 0)
		return r;
	memcpy(s->stamp, stamp, sizeof(stamp));
	s->was_read = true;
	return r;
}

/* ---- the interface ---- */

static int dir_refresh(struct weft_source *source, struct weft_error *problem)
{
	struct weft_error err = {0};
	int r = refresh((struct source_dir *)source, &err);

	if (r == -ENOMEM) /* again at the next call */
		weft_error_nomem(&err);
	if (problem && *err.text)
		*problem = err;
	return r > 0;
}

static int dir_bundle(struct weft_source *source, struct weft_bundle **bundle,
		      struct weft_error *err)
{
	*bundle = weft_bundle_get(((struct source_dir *)source)->bundle);
	return 0;
}

static int dir_svid(struct weft_source *source, const char *identity, int64_t lifetime,
		    struct weft_svid **svid, struct weft_error *err)
{
	const struct source_dir *s = (struct source_dir *)source;
	struct weft_svid *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct weft_svid *one = s->entries[i].svid;

		if (!strcmp(one->identity, identity) &&
		    (!best || one->not_before > best->not_before))
			best = one;
	}
	if (!best)
		return weft_error_set(err, ENOENT, "no certificate for it in %s", s->dir);
	*svid = weft_svid_get(best);
	return 0;
}

static void dir_destroy(struct weft_source *source)
{
	struct source_dir *s = (struct source_dir *)source;

	entries_free(s->entries, s->n);
	weft_bundle_put(s->bundle);
	free(s->trust_domain);
	free(s->dir);
	free(s);
}

static const struct weft_source_ops dir_ops = {
	.bundle = dir_bundle,
	.svid = dir_svid,
	.refresh = dir_refresh,
	.destroy = dir_destroy,
};

int weft_source_dir_create(const char *dir, const char *trust_domain, struct weft_source **ret,
			   struct weft_error *err)
{
	struct source_dir *s = calloc(1, sizeof(*s));

	if (!s)
		return weft_error_nomem(err);
	s->source.ops = &dir_ops;
	s->dir = strdup(dir);
	s->trust_domain = strdup(trust_domain);
	s->bundle = weft_bundle_create();
	if (!s->dir || !s->trust_domain || !s->bundle) {
		dir_destroy(&s->source);
		return weft_error_nomem(err);
	}
	*ret = &s->source;
	return 0;
}
