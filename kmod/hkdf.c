// SPDX-License-Identifier: GPL-2.0
/*
 * The key schedule of TLS 1.3, see hkdf.h. The length of a secret names its
 * hash: a suite of SHA-256 has secrets of 32 bytes, one of SHA-384 of 48.
 *
 * Each derivation has a transform of its own, which holds the secret while it
 * lasts. One of each hash is kept for as long as the module: so its algorithm
 * is there when an application's send() needs it, and nothing is loaded then.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "hkdf.h"

static const struct {
	unsigned int len;
	const char *name;
} hashes[] = {
	{ 32, "hmac(sha256)" },
	{ 48, "hmac(sha384)" },
};

static struct crypto_shash *kept[ARRAY_SIZE(hashes)];

static int hash_index(unsigned int len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++)
		if (hashes[i].len == len && kept[i])
			return i;
	return -1;
}

/**
 * weft_hkdf_has() - are there keys to be made of such secrets?
 * @len: bytes of a secret
 *
 * Context: any. Return: no, when no suite of ours has a hash of this length, or
 * the kernel does not have the hash.
 */
bool weft_hkdf_has(unsigned int len)
{
	return hash_index(len) >= 0;
}

/*
 * HKDF-Expand-Label(secret, label, "", len), RFC 8446, section 7.1. The secret
 * is the transform's key. No output of ours is longer than the hash, so it is
 * the first block of HKDF-Expand() (RFC 5869, section 2.3).
 */
static int expand_label(struct crypto_shash *tfm, const char *label, u8 *out,
			unsigned int len)
{
	u8 info[32], block[WEFT_TLS_SECRET_MAX];
	int n, err;

	info[0] = len >> 8;
	info[1] = len;
	n = scnprintf(info + 3, sizeof(info) - 5, "tls13 %s", label);
	info[2] = n;
	info[3 + n] = 0;		/* no context */
	info[4 + n] = 1;		/* the block's number */
	err = crypto_shash_tfm_digest(tfm, info, 5 + n, block);
	if (!err)
		memcpy(out, block, len);
	memzero_explicit(block, sizeof(block));
	return err;
}

/**
 * weft_hkdf_next() - what follows a traffic secret
 * @secret: the one in use
 * @len: its bytes, one that weft_hkdf_has()
 * @key_len: bytes of the cipher's key, at most WEFT_HKDF_KEY_MAX
 * @next: the next secret, its key and IV; zeroed on failure
 *
 * May sleep. Return: 0, -EOPNOTSUPP, no hash of this length, -ENOMEM, or what
 * else the crypto API says.
 */
int weft_hkdf_next(const u8 *secret, unsigned int len, unsigned int key_len,
		   struct weft_hkdf_keys *next)
{
	struct crypto_shash *tfm;
	int i = hash_index(len);
	int err;

	memset(next, 0, sizeof(*next));
	if (i < 0 || key_len > WEFT_HKDF_KEY_MAX)
		return -EOPNOTSUPP;
	tfm = crypto_alloc_shash(hashes[i].name, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_shash_setkey(tfm, secret, len);
	if (!err)
		err = expand_label(tfm, "traffic upd", next->secret, len);
	if (!err)
		err = crypto_shash_setkey(tfm, next->secret, len);
	if (!err)
		err = expand_label(tfm, "key", next->key, key_len);
	if (!err)
		err = expand_label(tfm, "iv", next->iv, WEFT_HKDF_IV);
	crypto_free_shash(tfm);
	if (err)
		memzero_explicit(next, sizeof(*next));
	return err;
}

/**
 * weft_hkdf_init() - get hold of the hashes
 *
 * One that this kernel does not have is done without: weft_hkdf_has() tells.
 *
 * Return: 0 or -ENOMEM.
 */
int weft_hkdf_init(void)
{
	struct crypto_shash *tfm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		tfm = crypto_alloc_shash(hashes[i].name, 0, 0);
		if (!IS_ERR(tfm)) {
			kept[i] = tfm;
		} else if (PTR_ERR(tfm) == -ENOMEM) {
			weft_hkdf_uninit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * weft_hkdf_uninit() - let go of them, when no conn is left
 */
void weft_hkdf_uninit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		crypto_free_shash(kept[i]);
		kept[i] = NULL;
	}
}
