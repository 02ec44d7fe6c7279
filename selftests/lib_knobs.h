/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings in files of /sys and /proc: what the init of the guest and the tests change,
 * and put back. Nothing here prints; errno tells what went wrong.
 */
#ifndef LIB_KNOBS_H
#define LIB_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

/* One line; below /sys of a choice like "always [madvise] never" what stands in brackets. */
bool knob_read(const char *path, char *text, size_t size);
bool knob_write(const char *path, const char *text);
/* For each of the files of this glob pattern. */
void knobs_each(const char *pattern, void (*each)(const char *path));
/* Remember what they contain now. */
void knobs_keep(const char *pattern);
/* Write what has changed since, the last one kept first. May be called again. */
void knobs_restore(void);

#endif /* LIB_KNOBS_H */
