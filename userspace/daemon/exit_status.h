/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With which status the daemon ends. The units start it again after 1, and not after
 * what only the administrator can mend. Pure.
 */
#ifndef WEFT_DAEMON_EXIT_STATUS_H
#define WEFT_DAEMON_EXIT_STATUS_H

/* What has failed. */
enum weft_exit_part {
	WEFT_EXIT_OF_MODULE, /* the connection to it */
	WEFT_EXIT_OF_STATE,  /* state directory, authority, certificates */
	WEFT_EXIT_OF_REST,   /* all else, when these two are there */
};

/**
 * weft_exit_status() - may a new start mend it?
 * @error: negative errno of the failure
 *
 * Return: 1 it may; WEFT_EXIT_UNAVAILABLE; WEFT_EXIT_CONFIG.
 */
int weft_exit_status(enum weft_exit_part part, int error);

#endif
