/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection told in words. Pure.
 */
#ifndef WEFT_CLI_STORY_H
#define WEFT_CLI_STORY_H

#include "nl/nl_conn.h"

/* The paragraphs, each the owner's string or NULL: there is nothing to tell. */
struct weft_story {
	char *what;    /* which connection, its state and age */
	char *who;     /* process, workload, identity */
	char *where;   /* what was asked for, and which service that is */
	char *tried;   /* a line for each endpoint, and how it went */
	char *peer;    /* who the other side proved to be */
	char *decided; /* the policy and generation */
	char *result;  /* what the application saw */
	char *advice;  /* what to do about it */
};

/* Return: 0, -ENOMEM. */
int weft_story_tell(struct weft_story *story, const struct weft_nl_conn *conn);
void weft_story_uninit(struct weft_story *story);

#endif
