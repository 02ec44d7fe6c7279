/* SPDX-License-Identifier: GPL-2.0 */
/* A ZONE_MOVABLE for one test: a block of memory that is made movable, and then put back. */
#ifndef LIB_MOVABLE_H
#define LIB_MOVABLE_H

#include <stdbool.h>
#include "lib_io.h"

/* Runs @test with memory that comes from ZONE_MOVABLE. */
bool movable_run(bool (*test)(const struct io_kind *kind), const struct io_kind *kind);
/* Of the block, while a test runs: "offline" or "online_movable". */
bool movable_set_state(const char *state);

#endif /* LIB_MOVABLE_H */
