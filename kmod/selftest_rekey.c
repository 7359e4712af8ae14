// SPDX-License-Identifier: GPL-2.0
/*
 * Self-tests: the keys that follow, and finding a KeyUpdate among handshake
 * messages. The first secret is the server's of RFC 8448, section 3; what comes
 * of it (the RFC has no update) was computed with OpenSSL's TLS13-KDF.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "hkdf.h"
#include "messages.h"
#include "selftest.h"

static bool comes_of(const u8 *secret, unsigned int len, unsigned int key_len,
		     const u8 *next, const u8 *key, const u8 *iv)
{
	struct weft_hkdf_keys got;

	return !weft_hkdf_next(secret, len, key_len, &got) &&
	       !memcmp(got.secret, next, len) &&
	       !memcmp(got.key, key, key_len) &&
	       !memcmp(got.iv, iv, WEFT_HKDF_IV);
}

static const u8 rfc_8448[32] = {
	0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56,
	0xad, 0x47, 0x11, 0x6b, 0x45, 0xa9, 0x50, 0x32,
	0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb, 0x6b, 0x3a,
	0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43,
};

static const u8 second[32] = {
	0x51, 0x92, 0x1b, 0x8a, 0xa3, 0x00, 0x19, 0x76,
	0xeb, 0x40, 0x1d, 0x0a, 0x43, 0x19, 0xa8, 0x51,
	0x64, 0x16, 0xa6, 0xc5, 0x60, 0x01, 0xa3, 0x57,
	0xe5, 0xd1, 0x62, 0x03, 0x1e, 0x84, 0xf9, 0x16,
};

static const char *keys_of_sha256_follow(struct weft_tables *t)
{
	static const u8 key[16] = {
		0x2e, 0x63, 0xbe, 0x99, 0xd6, 0x7b, 0x39, 0x09,
		0x7f, 0xeb, 0x97, 0x86, 0xcf, 0x7a, 0x15, 0xa0,
	};
	static const u8 iv[WEFT_HKDF_IV] = {
		0x62, 0x8a, 0x0a, 0x82, 0x98, 0xac,
		0x95, 0x3b, 0xae, 0xf4, 0x25, 0x5a,
	};
	static const u8 third[32] = {
		0x64, 0x18, 0xdd, 0xd5, 0xd2, 0x77, 0xcd, 0xe3,
		0x7b, 0xfa, 0xae, 0x96, 0x36, 0x3a, 0x80, 0x5a,
		0x95, 0xab, 0xfa, 0xa5, 0x5c, 0xcd, 0x80, 0x71,
		0x38, 0x48, 0xde, 0x18, 0x7f, 0xb0, 0x82, 0xf6,
	};
	static const u8 third_key[32] = {
		0x44, 0xfd, 0xcb, 0xc2, 0x75, 0x3c, 0xd6, 0xb9,
		0x0f, 0x05, 0x63, 0x5a, 0x34, 0x96, 0x3d, 0x84,
		0xa2, 0x12, 0xc9, 0x87, 0xca, 0x2f, 0x95, 0x16,
		0xeb, 0xf6, 0x07, 0xac, 0x4d, 0xe6, 0x4f, 0x22,
	};
	static const u8 third_iv[WEFT_HKDF_IV] = {
		0x39, 0x45, 0x07, 0x3c, 0x17, 0x67,
		0x91, 0x28, 0x8c, 0x5d, 0x8c, 0xe5,
	};

	WEFT_EXPECT(weft_hkdf_has(32));
	WEFT_EXPECT(comes_of(rfc_8448, 32, 16, second, key, iv));
	WEFT_EXPECT(comes_of(second, 32, 32, third, third_key, third_iv));
	return NULL;
}

static const char *keys_of_sha384_follow(struct weft_tables *t)
{
	static const u8 next[48] = {
		0x40, 0x13, 0x31, 0xb6, 0x3e, 0x9d, 0x59, 0xf2,
		0x02, 0xe8, 0xf0, 0x41, 0x04, 0x2d, 0x95, 0x16,
		0xf4, 0xcd, 0x7f, 0xa2, 0xe2, 0xee, 0x14, 0x63,
		0x1d, 0x3b, 0x49, 0xfc, 0x34, 0x0d, 0x7a, 0xf3,
		0x7f, 0xc2, 0xc0, 0xc9, 0xf2, 0x52, 0xd8, 0x03,
		0x6f, 0x81, 0xec, 0x5b, 0x85, 0xcb, 0xe5, 0xdb,
	};
	static const u8 key[32] = {
		0xeb, 0x35, 0x4f, 0x3b, 0x48, 0x92, 0x4e, 0xd7,
		0x8d, 0xe3, 0x4d, 0xd8, 0xaa, 0x6a, 0x6a, 0x0a,
		0x51, 0xd8, 0x57, 0xdd, 0xad, 0x14, 0x54, 0xd5,
		0xcf, 0xa7, 0xb6, 0x9f, 0x60, 0x71, 0x29, 0x11,
	};
	static const u8 iv[WEFT_HKDF_IV] = {
		0x84, 0x78, 0xff, 0xbe, 0x4f, 0x2e,
		0x54, 0x50, 0x78, 0x97, 0x75, 0xb3,
	};
	u8 secret[48];
	int i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = i;
	WEFT_EXPECT(weft_hkdf_has(48));
	WEFT_EXPECT(comes_of(secret, 48, 32, next, key, iv));
	return NULL;
}

static const char *secret_of_no_hash_is_refused(struct weft_tables *t)
{
	struct weft_hkdf_keys got;

	WEFT_EXPECT(!weft_hkdf_has(0));
	WEFT_EXPECT(!weft_hkdf_has(33));
	WEFT_EXPECT(weft_hkdf_next(rfc_8448, 31, 16, &got) == -EOPNOTSUPP);
	WEFT_EXPECT(weft_hkdf_next(rfc_8448, 32, 33, &got) == -EOPNOTSUPP);
	WEFT_EXPECT(!memchr_inv(&got, 0, sizeof(got)));
	return NULL;
}

/* One record; what it tells, or the error. */
static int record(struct weft_messages *m, const u8 *p, size_t len)
{
	enum weft_update update = WEFT_UPDATE_NONE;

	return weft_messages_read(m, p, len, &update) ?: update;
}

#define RECORD(m, ...) \
	record(m, (const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

#define UPDATE(request)		24, 0, 0, 1, request
#define TICKET(...)		4, 0, 0, sizeof((u8[]){ __VA_ARGS__ }), \
				__VA_ARGS__

static const char *update_is_found(struct weft_tables *t)
{
	struct weft_messages m = {};

	WEFT_EXPECT(RECORD(&m, UPDATE(0)) == WEFT_UPDATE_NOT_REQUESTED);
	WEFT_EXPECT(RECORD(&m, UPDATE(1)) == WEFT_UPDATE_REQUESTED);
	WEFT_EXPECT(RECORD(&m, TICKET(1, 2, 3), UPDATE(1)) ==
		    WEFT_UPDATE_REQUESTED);
	WEFT_EXPECT(weft_messages_between(&m));
	return NULL;
}

static const char *update_in_pieces_is_found(struct weft_tables *t)
{
	static const u8 bytes[] = { TICKET(24, 24), UPDATE(1) };
	struct weft_messages m = {};
	size_t i;

	for (i = 0; i < sizeof(bytes) - 1; i++)
		WEFT_EXPECT(record(&m, bytes + i, 1) == WEFT_UPDATE_NONE);
	WEFT_EXPECT(!weft_messages_between(&m));
	WEFT_EXPECT(record(&m, bytes + i, 1) == WEFT_UPDATE_REQUESTED);
	WEFT_EXPECT(weft_messages_between(&m));
	return NULL;
}

static const char *what_looks_like_an_update_is_none(struct weft_tables *t)
{
	struct weft_messages m = {};

	WEFT_EXPECT(RECORD(&m, TICKET(UPDATE(1))) == WEFT_UPDATE_NONE);
	WEFT_EXPECT(weft_messages_between(&m));
	WEFT_EXPECT(RECORD(&m, 4, 0, 0, 6, 0) == WEFT_UPDATE_NONE);
	WEFT_EXPECT(RECORD(&m, UPDATE(1)) == WEFT_UPDATE_NONE);
	WEFT_EXPECT(weft_messages_between(&m));
	WEFT_EXPECT(RECORD(&m, 4, 0, 0, 0) == WEFT_UPDATE_NONE);
	WEFT_EXPECT(weft_messages_between(&m));
	return NULL;
}

static const char *update_that_is_malformed_is_refused(struct weft_tables *t)
{
	struct weft_messages m = {};

	WEFT_EXPECT(RECORD(&m, UPDATE(2)) == -EPROTO);
	memset(&m, 0, sizeof(m));
	WEFT_EXPECT(RECORD(&m, 24, 0, 0, 0) == -EPROTO);
	memset(&m, 0, sizeof(m));
	WEFT_EXPECT(RECORD(&m, 24, 0, 0, 2, 0, 0) == -EPROTO);
	memset(&m, 0, sizeof(m));
	WEFT_EXPECT(RECORD(&m, 24, 1, 0, 1, 0) == -EPROTO);
	return NULL;
}

static const char *update_that_does_not_end_its_record_is_refused
	(struct weft_tables *t)
{
	struct weft_messages m = {};

	WEFT_EXPECT(RECORD(&m, UPDATE(0), UPDATE(0)) == -EPROTO);
	memset(&m, 0, sizeof(m));
	WEFT_EXPECT(RECORD(&m, UPDATE(0), TICKET(1)) == -EPROTO);
	return NULL;
}

static const struct weft_claim claims[] = {
	WEFT_CLAIM(keys_of_sha256_follow),
	WEFT_CLAIM(keys_of_sha384_follow),
	WEFT_CLAIM(secret_of_no_hash_is_refused),
	WEFT_CLAIM(update_is_found),
	WEFT_CLAIM(update_in_pieces_is_found),
	WEFT_CLAIM(what_looks_like_an_update_is_none),
	WEFT_CLAIM(update_that_is_malformed_is_refused),
	WEFT_CLAIM(update_that_does_not_end_its_record_is_refused),
};

WEFT_CLAIMS(weft_claims_rekey, claims);
