// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What passes by itself must not keep the daemon from being started again; what does not
 * must not be tried for ever.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include "base/array.h"
#include "daemon/exit_status.h"
#include "daemon/options.h"

static const int passing[] = { ENOMEM, EMFILE, ENFILE, EIO, ENOSPC, EDQUOT, EROFS, EBUSY, EAGAIN,
			       EINTR, ETIMEDOUT, ENOENT, EKEYEXPIRED, ESTALE, EPROTONOSUPPORT };
static const int lasting[] = { EINVAL, EEXIST, EBADMSG, EPERM, EACCES, EKEYREJECTED, ENOTDIR };

static void what_passes_in_the_state_is_tried_again(void **state)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(passing); i++)
		assert_int_equal(weft_exit_status(WEFT_EXIT_OF_STATE, -passing[i]), 1);
}

static void what_stays_in_the_state_is_not(void **state)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(lasting); i++)
		assert_int_equal(weft_exit_status(WEFT_EXIT_OF_STATE, -lasting[i]),
				 WEFT_EXIT_CONFIG);
}

static void without_the_module_it_is_not(void **state)
{
	assert_int_equal(weft_exit_status(WEFT_EXIT_OF_MODULE, -ENOENT), WEFT_EXIT_UNAVAILABLE);
	assert_int_equal(weft_exit_status(WEFT_EXIT_OF_MODULE, -EPROTONOSUPPORT),
			 WEFT_EXIT_UNAVAILABLE);
	assert_int_equal(weft_exit_status(WEFT_EXIT_OF_MODULE, -ENOMEM), 1);
	assert_int_equal(weft_exit_status(WEFT_EXIT_OF_MODULE, -EPERM), 1);
}

/* A file that is missing is no module that is missing. */
static void all_else_is_tried_again(void **state)
{
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(passing); i++)
		assert_int_equal(weft_exit_status(WEFT_EXIT_OF_REST, -passing[i]), 1);
	for (size_t i = 0; i < WEFT_ARRAY_SIZE(lasting); i++)
		assert_int_equal(weft_exit_status(WEFT_EXIT_OF_REST, -lasting[i]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_in_the_state_is_tried_again),
		cmocka_unit_test(what_stays_in_the_state_is_not),
		cmocka_unit_test(without_the_module_it_is_not),
		cmocka_unit_test(all_else_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
