/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node and the CA say to each other, as JSON: strictly read, the same at both
 * ends. No I/O; any thread.
 *
 *	{"op":"join","token":ID,"secret":HEX,"csr":PEM}
 *	{"op":"sign","csr":PEM,"lifetime":SECONDS,"trusts":[DIGEST...]}
 *		-> {"certificate":PEM,"bundle":PEM}
 *	{"op":"bundle"}
 *		-> {"bundle":PEM}
 *	anything
 *		-> {"error":{"code":"EACCES","text":WORDS}}
 */
#ifndef WEFT_JOIN_MESSAGE_H
#define WEFT_JOIN_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include "base/strv.h"
#include "join/ticket.h"

#define WEFT_MESSAGE_MAX 65536 /* bytes */

enum weft_join_op { WEFT_JOIN_OP_JOIN, WEFT_JOIN_OP_SIGN, WEFT_JOIN_OP_BUNDLE };

/* Members of other operations are zero. */
struct weft_join_request {
	enum weft_join_op op;
	char token[WEFT_TOKEN_ID_LEN + 1];
	uint8_t secret[WEFT_TOKEN_SECRET_LEN];
	char *csr;
	int64_t lifetime; /* s, 0: the CA's choice */
	struct weft_strv trusts;
};

struct weft_join_answer {
	int error; /* negative errno, 0: the rest is the result */
	struct weft_error text;
	char *certificate; /* PEM, the leaf first */
	char *bundle;	   /* PEM, all roots */
};

/**
 * weft_join_request_encode() - a request as text
 * @text: written on success, not terminated; end with weft_message_free()
 *
 * Return: 0; -EMSGSIZE more than WEFT_MESSAGE_MAX; -ENOMEM.
 */
int weft_join_request_encode(const struct weft_join_request *request, char **text, size_t *len,
			     struct weft_error *err);

/**
 * weft_join_request_decode() - read a request of a stranger
 * @request: written on success; end with weft_join_request_uninit()
 *
 * Return: 0; -EBADMSG it is none; -ENOMEM.
 */
int weft_join_request_decode(const char *text, size_t len, struct weft_join_request *request,
			     struct weft_error *err);

/**
 * weft_join_answer_encode() - an answer as text
 *
 * An error that the other end has no use for becomes EIO.
 *
 * Return: as weft_join_request_encode().
 */
int weft_join_answer_encode(const struct weft_join_answer *answer, char **text, size_t *len,
			    struct weft_error *err);

/**
 * weft_join_answer_decode() - read the answer to a request of this operation
 * @answer: written on success; end with weft_join_answer_uninit(). Its words are
 *	printable.
 *
 * Return: 0, also when the answer is an error; -EBADMSG it is none; -ENOMEM.
 */
int weft_join_answer_decode(const char *text, size_t len, enum weft_join_op op,
			    struct weft_join_answer *answer, struct weft_error *err);

/* Wipes the text first; NULL is fine. */
void weft_message_free(char *text, size_t len);

void weft_join_request_uninit(struct weft_join_request *request); /* wipes the secret */
void weft_join_answer_uninit(struct weft_join_answer *answer);

#endif
