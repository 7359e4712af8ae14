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
#include <time.h>
#include <unistd.h>
#include "base/array.h"
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

/* What a file of roots held when it was good. */
struct roots {
	char *path;
	STACK_OF(X509) *certs;
};

struct source_dir {
	struct weft_source source;
	char *dir;
	char *trust_domain;
	uint8_t stamp[EVP_MAX_MD_SIZE]; /* of what was read last */
	bool was_read;
	struct weft_error problem; /* of what was read */
	struct roots *roots;
	size_t n_roots;
	struct weft_bundle *bundle; /* of @roots */
	uint8_t bundle_digest[EVP_MAX_MD_SIZE];
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

static void roots_free(struct roots *roots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(roots[i].path);
		sk_X509_pop_free(roots[i].certs, X509_free);
	}
	free(roots);
}

/* What is wrong in the directory. */
struct trouble {
	struct weft_error first; /* the one that is told */
	bool passes;		 /* some of it may be gone the next time without a change */
};

static void say(struct trouble *trouble, const struct weft_error *why, int error)
{
	static const int lasting[] = {
		EBADMSG, EKEYREJECTED, EPERM,  EACCES, ENOENT,	EINVAL, EFBIG,
		E2BIG,	 ENODATA,      EEXIST, ENOSPC, ENOTDIR, ELOOP,
	};
	bool lasts = false;

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(lasting); i++)
		lasts |= error == -lasting[i];
	trouble->passes |= !lasts;
	if (!*trouble->first.text)
		trouble->first = *why;
}

/* ---- what there is ---- */

static bool is_root(const char *name)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(root_names); i++)
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

	for (size_t i = 0; i < WEFT_ARRAY_SIZE(suffixes); i++) {
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

/* Who writes here says whom to trust: that must be nobody but root, or us. */
static int check_owner(const char *path, struct weft_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return weft_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (st.st_uid && st.st_uid != geteuid())
		return weft_error_set(err, EPERM,
				      "%s: belongs to user %u, who could have others trusted: "
				      "chown root %s",
				      path, st.st_uid, path);
	if (st.st_mode & 022)
		return weft_error_set(err, EPERM,
				      "%s: mode %04o lets others say whom to trust: chmod go-w %s",
				      path, (unsigned int)st.st_mode & 07777, path);
	return 0;
}

static int list_dir(struct listing *listing, const char *dir, bool deeper,
		    struct trouble *trouble);

static int list_name(struct listing *listing, const char *dir, const char *name, bool deeper,
		     struct trouble *trouble)
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
	return deeper ? list_dir(listing, path, false, trouble) : 0;
}

static int list_dir(struct listing *listing, const char *dir, bool deeper, struct trouble *trouble)
{
	struct weft_error err = { 0 };
	struct dirent **names;
	int i, n, r;

	r = check_owner(dir, &err);
	if (r) {
		say(trouble, &err, r);
		return 0;
	}
	n = scandir(dir, &names, is_visible, compare_names);
	if (n < 0) {
		r = weft_error_set(&err, errno, "%s: %s", dir, strerror(errno));
		say(trouble, &err, r);
		return r == -ENOMEM ? r : 0;
	}
	for (i = 0; i < n; i++) {
		if (!r)
			r = list_name(listing, dir, names[i]->d_name, deeper, trouble);
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
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			hash_file(md, lists[i]->items[j]);
	done = EVP_DigestFinal_ex(md, stamp, NULL) == 1;
	EVP_MD_CTX_free(md);
	return done ? 0 : -ENOMEM;
}

/* ---- reading ---- */

/* The certificates of one file, checked as a bundle does. */
static int read_roots(const struct source_dir *s, const char *path, STACK_OF(X509) **certs,
		      struct weft_error *err)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = weft_bundle_create();
	int r;

	if (!bundle)
		return weft_error_nomem(err);
	r = check_owner(path, err);
	if (!r)
		r = weft_bundle_add_file(bundle, path, s->trust_domain, err);
	return r ? r : weft_pem_read_certs(path, certs, err);
}

/* A file that cannot be read now is no reason to trust less, one that is gone is. */
static STACK_OF(X509) *former_roots(const struct source_dir *s, const char *path)
{
	for (size_t i = 0; i < s->n_roots; i++)
		if (!strcmp(s->roots[i].path, path))
			return X509_chain_up_ref(s->roots[i].certs);
	return NULL;
}

static int load_roots(const struct source_dir *s, const struct listing *listing,
		      struct roots **ret, size_t *ret_n, struct trouble *trouble)
{
	struct roots *roots = calloc(listing->roots.count + 1, sizeof(*roots));
	size_t n = 0;

	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; i < listing->roots.count; i++) {
		const char *path = listing->roots.items[i];
		struct weft_error err = { 0 };
		int r = read_roots(s, path, &roots[n].certs, &err);

		if (r) {
			say(trouble, &err, r);
			roots[n].certs = former_roots(s, path);
		}
		if (!roots[n].certs)
			continue;
		roots[n++].path = strdup(path);
		if (roots[n - 1].path)
			continue;
		roots_free(roots, n);
		return -ENOMEM;
	}
	*ret = roots;
	*ret_n = n;
	return 0;
}

static int digest_roots(const struct roots *roots, size_t n, uint8_t *digest)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < n; i++) {
		for (int j = 0; good && j < sk_X509_num(roots[i].certs); j++) {
			uint8_t one[EVP_MAX_MD_SIZE];
			unsigned int len;

			good = X509_digest(sk_X509_value(roots[i].certs, j), EVP_sha256(), one,
					   &len) == 1 &&
			       EVP_DigestUpdate(md, one, len) == 1;
		}
	}
	good = good && EVP_DigestFinal_ex(md, digest, NULL) == 1;
	EVP_MD_CTX_free(md);
	return good ? 0 : -ENOMEM;
}

static int make_bundle(const struct source_dir *s, const struct roots *roots, size_t n,
		       struct weft_bundle **ret, struct trouble *trouble)
{
	_cleanup_(weft_bundle_put_ptr) struct weft_bundle *bundle = weft_bundle_create();

	if (!bundle)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (int j = 0; j < sk_X509_num(roots[i].certs); j++) {
			struct weft_error err = { 0 };
			int r = weft_bundle_add(bundle, sk_X509_value(roots[i].certs, j),
						s->trust_domain, &err);

			if (r == -ENOMEM)
				return r;
			if (r)
				say(trouble, &err, r);
		}
	}
	*ret = weft_steal_ptr(bundle);
	return 0;
}

/* All gone is an accident rather than a wish: who wants to trust nobody stops weftd. */
static int take_roots(struct source_dir *s, const struct listing *listing, struct trouble *trouble)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	struct weft_bundle *bundle;
	struct weft_error err = { 0 };
	struct roots *roots;
	size_t n;
	int r;

	r = load_roots(s, listing, &roots, &n, trouble);
	if (r)
		return r;
	if (!n) {
		free(roots);
		say(trouble, &err,
		    weft_error_set(&err, ENODATA, "%s: no root certificate (ca.crt, bundle.pem) "
				   "there: %s", s->dir,
				   s->n_roots ? "the former ones stay in use" :
						"nobody is trusted"));
		return 0;
	}
	r = digest_roots(roots, n, digest);
	/* The same bundle lets the contexts and what they remember live on. */
	if (!r && memcmp(digest, s->bundle_digest, sizeof(digest))) {
		r = make_bundle(s, roots, n, &bundle, trouble);
		if (!r) {
			weft_bundle_put(s->bundle);
			s->bundle = bundle;
			memcpy(s->bundle_digest, digest, sizeof(digest));
		}
	}
	if (r) {
		roots_free(roots, n);
		return r;
	}
	roots_free(s->roots, s->n_roots);
	s->roots = roots;
	s->n_roots = n;
	return 0;
}

static int say_chain(int error, const char *path, struct weft_error *err)
{
	const char *names = weft_crypto_name_problem(error);

	if (names)
		return weft_error_set(err, EKEYREJECTED, "%s: every peer would refuse it: %s", path,
				      names);
	return weft_error_set(err, EKEYREJECTED, "%s: its chain leads to none of the roots: %s",
			      path, X509_verify_cert_error_string(error));
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
		r = say_chain(X509_STORE_CTX_get_error(ctx), path, err);
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

static int load_entries(const struct source_dir *s, const struct listing *listing,
			struct entry **ret, size_t *ret_n, struct trouble *trouble)
{
	size_t count = listing->certs.count, i, n = 0;
	struct weft_error err = { 0 };
	struct entry *entries;

	if (count > WEFT_SOURCE_DIR_MAX) {
		say(trouble, &err,
		    weft_error_set(&err, E2BIG, "%s: %zu certificates, %d are read", s->dir, count,
				   WEFT_SOURCE_DIR_MAX));
		count = WEFT_SOURCE_DIR_MAX;
	}
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		const char *path = listing->certs.items[i];
		int r = read_svid(s, s->bundle, path, listing->keys.items[i], &entries[n].svid,
				  &err);

		if (r) {
			say(trouble, &err, r);
			entries[n].svid = former(s, path);
		}
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

static int load(struct source_dir *s, const struct listing *listing, struct trouble *trouble)
{
	struct entry *entries;
	size_t n;
	int r;

	r = take_roots(s, listing, trouble);
	if (!r)
		r = load_entries(s, listing, &entries, &n, trouble);
	if (r)
		return r;
	entries_free(s->entries, s->n);
	s->entries = entries;
	s->n = n;
	return 0;
}

/* Return: 1 there may be something new; 0 nothing is; -ENOMEM. */
static int refresh(struct source_dir *s, struct trouble *trouble)
{
	_cleanup_(listing_uninit) struct listing listing = { 0 };
	uint8_t stamp[EVP_MAX_MD_SIZE] = { 0 };
	int r;

	r = list_dir(&listing, s->dir, true, trouble);
	if (!r)
		r = make_stamp(&listing, stamp);
	if (r)
		return r;
	if (s->was_read && !memcmp(stamp, s->stamp, sizeof(stamp))) {
		trouble->first = s->problem; /* as bad as it was */
		return 0;
	}
	r = load(s, &listing, trouble);
	if (r)
		return r;
	s->problem = trouble->first;
	/* What only lacked a descriptor, say, is read again although nothing changes. */
	s->was_read = !trouble->passes;
	memcpy(s->stamp, stamp, sizeof(stamp));
	return 1;
}

/* ---- the interface ---- */

static int dir_refresh(struct weft_source *source, struct weft_error *problem)
{
	struct trouble trouble = { 0 };
	int r = refresh((struct source_dir *)source, &trouble);

	if (r == -ENOMEM) /* again at the next call */
		weft_error_nomem(&trouble.first);
	if (problem && *trouble.first.text)
		*problem = trouble.first;
	return r > 0;
}

static int dir_bundle(struct weft_source *source, struct weft_bundle **bundle,
		      struct weft_error *err)
{
	*bundle = weft_bundle_get(((struct source_dir *)source)->bundle);
	return 0;
}

/* One that is valid now goes before one that is not, then the one issued last. */
static bool is_better(const struct weft_svid *a, const struct weft_svid *b, int64_t now)
{
	bool valid = weft_svid_valid_at(a, now);

	if (!b || valid != weft_svid_valid_at(b, now))
		return !b || valid;
	return a->not_before > b->not_before;
}

static int dir_svid(struct weft_source *source, const char *identity, int64_t lifetime,
		    struct weft_svid **svid, struct weft_error *err)
{
	const struct source_dir *s = (struct source_dir *)source;
	struct weft_svid *best = NULL;
	int64_t now = time(NULL);

	for (size_t i = 0; i < s->n; i++) {
		struct weft_svid *one = s->entries[i].svid;

		if (!strcmp(one->identity, identity) && is_better(one, best, now))
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
	roots_free(s->roots, s->n_roots);
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
	s->source.fd = -1;
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
