// SPDX-License-Identifier: GPL-2.0
/* Recipes: memory that a userfaultfd protects against writes. */
#include <fcntl.h>
#include <poll.h>
#include <linux/userfaultfd.h>
#include "lib_memory.h"
#include "shapes.h"

/* userfaultfd. */

static void *serve_uffd(void *arg)
{
	struct mapping *m = arg;
	struct pollfd fds[] = {
		{ .fd = m->uffd, .events = POLLIN },
		{ .fd = m->quit[0], .events = POLLIN },
	};
	struct uffd_msg msg;
	unsigned long at;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		if (read(m->uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		at = msg.arg.pagefault.address & -(unsigned long)psize();
		if (msg.event == UFFD_EVENT_PAGEFAULT)
			gup_uffd_protect(m->uffd, (void *)at, psize(), false);
	}
	return NULL;
}

/* Protected; who writes gets a signal, or waits until someone takes that away. */
enum made make_uffd_wp(struct mapping *m, unsigned long how)
{
	__u64 features = UFFD_FEATURE_PAGEFAULT_FLAG_WP |
			 (how == UFFD_SIGBUS ? UFFD_FEATURE_SIGBUS : 0);
	size_t len = SMALL * psize();

	m->uffd = gup_uffd_open(O_CLOEXEC | O_NONBLOCK, features);
	if (m->uffd < 0)
		return cannot("userfaultfd with write protection");
	if (make_written(m, 0) != MADE)
		return BROKEN;
	if (uffd_register(m->uffd, m->mem, len, false, true, false) ||
	    !gup_uffd_protect(m->uffd, m->mem, len, true))
		return broken("UFFDIO_WRITEPROTECT");
	if (how == UFFD_SIGBUS)
		return MADE;
	if (pipe(m->quit) || pthread_create(&m->server, NULL, serve_uffd, m))
		return broken("pthread_create");
	m->served = true;
	return MADE;
}

void end_uffd(struct mapping *m)
{
	if (m->served) {
		close(m->quit[1]);
		pthread_join(m->server, NULL);
		close(m->quit[0]);
	}
	if (m->uffd >= 0)
		close(m->uffd);
}
