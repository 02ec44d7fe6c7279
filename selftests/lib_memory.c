// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include "hugepage_settings.h"
#include "lib_gup.h"
#include "lib_memory.h"

int gup_new_tmpfs_file(const char *huge)
{
	int config = fsopen("tmpfs", FSOPEN_CLOEXEC), mnt = -1, file = -1;

	if (config < 0)
		return -1;
	if (!fsconfig(config, FSCONFIG_SET_STRING, "huge", huge, 0) &&
	    !fsconfig(config, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = fsmount(config, FSMOUNT_CLOEXEC, 0);
	if (mnt >= 0)
		file = openat(mnt, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	close(config);
	close(mnt);
	return file;
}

char *gup_mmap_aligned(size_t size, int prot, int flags, int file)
{
	char *room = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return room;
	room = (char *)(((uintptr_t)room + size - 1) & -size);
	return mmap(room, size, prot, flags | MAP_FIXED, file, 0);
}

static __thread sigjmp_buf refused;
static __thread sig_atomic_t guarded;

static void on_refusal(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	if (__atomic_exchange_n(&guarded, false, __ATOMIC_SEQ_CST))
		siglongjmp(refused, 1);
	sigaction(signal, &action, NULL);
}

void gup_catch_refusals(void)
{
	struct sigaction action = { .sa_handler = on_refusal, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static void guard(bool on)
{
	__atomic_store_n(&guarded, on, __ATOMIC_SEQ_CST);
}

bool gup_store(__u64 *p, __u64 value)
{
	guard(true);
	if (sigsetjmp(refused, 0))
		return false;
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
	guard(false);
	return true;
}

bool gup_load(const __u64 *p, __u64 *value)
{
	guard(true);
	if (sigsetjmp(refused, 0))
		return false;
	*value = __atomic_load_n(p, __ATOMIC_RELAXED);
	guard(false);
	return true;
}

int gup_uffd_open(int flags, __u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int uffd = syscall(SYS_userfaultfd, flags);

	if (uffd >= 0 && ioctl(uffd, UFFDIO_API, &api)) {
		close(uffd);
		return -1;
	}
	return uffd;
}

bool gup_uffd_protect(int uffd, const void *from, size_t len, bool protect)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)from, len },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return !ioctl(uffd, UFFDIO_WRITEPROTECT, &wp);
}

void gup_thp_by_advice(struct thp_settings *settings)
{
	settings->thp_enabled = THP_MADVISE;
	settings->thp_defrag = THP_DEFRAG_MADVISE;
	settings->shmem_enabled = SHMEM_ADVISE;
}

static void *go_round(void *arg)
{
	struct gup_loop *loop = arg;
	bool good;

	atomic_store(&loop->begun, true);
	do {
		good = loop->step(loop->data, atomic_load(&loop->steps));
		atomic_fetch_add(&loop->steps, 1);
	} while (good && !atomic_load(&loop->over));
	if (good)
		return NULL;
	/* It belongs to this thread. */
	snprintf(loop->why, sizeof(loop->why), "%s", gup_why());
	return loop->why;
}

static bool end_loop(struct gup_loop *loop)
{
	void *why;

	atomic_store(&loop->over, true);
	pthread_join(loop->thread, &why);
	return !why || gup_fails("%s", loop->why);
}

bool gup_run_beside(struct gup_loop *loops, unsigned int nr, bool (*test)(void *data),
		    void *data)
{
	unsigned int i;
	bool good;

	for (i = 0; i < nr; i++)
		if (pthread_create(&loops[i].thread, NULL, go_round, &loops[i]))
			return gup_fails("pthread_create");
	for (i = 0; i < nr; i++)
		while (!atomic_load(&loops[i].begun))
			usleep(100);
	good = test(data);
	for (i = 0; i < nr; i++)
		good = end_loop(&loops[i]) && good;
	return good;
}
