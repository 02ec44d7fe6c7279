// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib_knobs.h"

struct knob {
	struct knob *next;
	char text[256];
	char path[];
};

static struct knob *knobs;	/* the last one kept first */

bool knob_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *first, *last;
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return false;
	text[len] = 0;
	text[strcspn(text, "\n")] = 0;
	first = strchr(text, '[');
	last = strchr(text, ']');
	if (!strncmp(path, "/sys/", 5) && first && last && first < last) {
		*last = 0;
		memmove(text, first + 1, last - first);
	}
	return true;
}

bool knob_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, len) == len;
	return !close(fd) && good;
}

static void keep(const char *path)
{
	size_t size = strlen(path) + 1;
	struct knob *knob = malloc(sizeof(*knob) + size);

	if (!knob)
		abort();
	if (!knob_read(path, knob->text, sizeof(knob->text))) {
		free(knob);
		return;
	}
	memcpy(knob->path, path, size);
	knob->next = knobs;
	knobs = knob;
}

void knobs_each(const char *pattern, void (*each)(const char *path))
{
	glob_t found;
	size_t i;

	if (glob(pattern, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		each(found.gl_pathv[i]);
	globfree(&found);
}

void knobs_keep(const char *pattern)
{
	knobs_each(pattern, keep);
}

void knobs_restore(void)
{
	char now[sizeof(knobs->text)];
	struct knob *knob;

	for (knob = knobs; knob; knob = knob->next) {
		/* Some of what a pattern matches is for reading only. */
		if (knob_read(knob->path, now, sizeof(now)) && strcmp(now, knob->text))
			knob_write(knob->path, knob->text);
	}
}
