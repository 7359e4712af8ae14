/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files of a directory hold documents: load.c reads these, store_dir.c
 * watches for these. Header only, pure.
 */
#ifndef WEFT_CONF_FILE_NAME_H
#define WEFT_CONF_FILE_NAME_H

#include <stdbool.h>
#include <string.h>

/* *.yaml, *.yml, *.json; not hidden ones, nor editors' left-overs (x.yaml~, x.yaml.swp). */
static inline bool weft_file_name_is_document(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

#endif
