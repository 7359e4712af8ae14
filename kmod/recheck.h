/* SPDX-License-Identifier: GPL-2.0 */
#ifndef WEFT_RECHECK_H
#define WEFT_RECHECK_H

#include <linux/workqueue.h>

void weft_recheck(struct work_struct *work);

#endif
