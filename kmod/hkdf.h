/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The key schedule of TLS 1.3 as far as a live connection needs it: the traffic
 * secret that follows, and the key and IV that come of it (RFC 8446, sections
 * 7.1 to 7.3). Knows no sockets. Process context.
 */
#ifndef WEFT_HKDF_H
#define WEFT_HKDF_H

#include <linux/types.h>
#include <linux/weft.h>

#define WEFT_HKDF_KEY_MAX	32
#define WEFT_HKDF_IV		12

/* A generation of one direction. Wiped by whoever has it. */
struct weft_hkdf_keys {
	u8 secret[WEFT_TLS_SECRET_MAX];
	u8 key[WEFT_HKDF_KEY_MAX];
	u8 iv[WEFT_HKDF_IV];
};

int weft_hkdf_init(void);
void weft_hkdf_uninit(void);
bool weft_hkdf_has(unsigned int len);
int weft_hkdf_next(const u8 *secret, unsigned int len, unsigned int key_len,
		   struct weft_hkdf_keys *next);

#endif
