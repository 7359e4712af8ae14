/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For clang-tidy alone, ahead of each source: functions that always return an error
 * do, which its analyzer cannot see in another file.
 */
#ifndef WEFT_LINT_ANALYZER_H
#define WEFT_LINT_ANALYZER_H

#include <stdarg.h>
#include "base/error.h"
#include "join/record.h"
#include "pki/crypto.h"

#define weft_error_set(...) (weft_error_set(__VA_ARGS__), -1)
#define weft_error_prefix(...) (weft_error_prefix(__VA_ARGS__), -1)
#define weft_error_nomem(err) (weft_error_nomem(err), -1)
#define weft_crypto_error(...) (weft_crypto_error(__VA_ARGS__), -1)
#define weft_record_error(...) (weft_record_error(__VA_ARGS__), -1)

#endif
