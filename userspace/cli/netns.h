/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which weftd is that of the network namespace weftctl runs in. One thread.
 */
#ifndef WEFT_CLI_NETNS_H
#define WEFT_CLI_NETNS_H

#include "base/error.h"

/**
 * weft_netns_state_dir() - the state directory its unit gives weftd
 * @dir: out, the caller's to free
 *
 * That of weftd.service in the namespace of process 1, of weftd@NAME.service in
 * one that "ip netns add NAME" made.
 *
 * Return: 0; -ENOENT another namespace; -ENOMEM; what stat() and opendir() give.
 */
int weft_netns_state_dir(char **dir, struct weft_error *err);

/* The unit itself: "weftd.service". @unit: out, the caller's to free. Return: the same. */
int weft_netns_unit(char **unit, struct weft_error *err);

#endif
