// SPDX-License-Identifier: GPL-2.0
/* Recipes: files on tmpfs and on a disk, shmem, memfd, secret memory. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include "lib_memory.h"
#include "shapes.h"

/* Files. */

/* Written through the file, so that no page table has anything yet. */
static bool fill_file(struct mapping *m, unsigned long pages)
{
	char *buf = calloc(1, psize());
	unsigned long i;
	bool good = buf;

	for (i = 0; good && i < pages; i++) {
		put_words(buf, WRITTEN + i);
		good = pwrite(m->file, buf, psize(), i * psize()) == (ssize_t)psize();
	}
	free(buf);
	return good && !fsync(m->file);
}

/* The file has the mark of each page. */
static void expect_file(struct mapping *m)
{
	unsigned long i;

	for (i = 0; i < m->nr; i++)
		m->words[i] = WRITTEN + m->offset / psize() + i;
}

static bool map_file(struct mapping *m, int flags)
{
	if (!fill_file(m, SMALL) || !map_small(m, flags, m->file))
		return false;
	expect_file(m);
	return true;
}

static bool is_real_file_system(int file)
{
	struct statfs fs;

	return !fstatfs(file, &fs) && fs.f_type != TMPFS_MAGIC &&
	       fs.f_type != RAMFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC;
}

static int new_disk_file(void)
{
	const char *dir = getenv("TMPDIR") ?: "/tmp";
	int file = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (file < 0 || is_real_file_system(file))
		return file;
	close(file);
	errno = EMEDIUMTYPE;
	return -1;
}

enum made make_file(struct mapping *m, unsigned long how)
{
	int flags = how & PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	unsigned long i;

	m->file = how & ON_DISK ? new_disk_file() : gup_new_tmpfs_file("never");
	if (m->file < 0)
		return cannot(how & ON_DISK ? "no real file system at $TMPDIR or /tmp" :
					      "tmpfs with huge=never");
	if (how & READ_ONLY)
		m->prot = PROT_READ;
	if (!map_file(m, flags))
		return broken("mmap of a file");
	/* What it had read ahead it might map in larger steps. */
	if (!(how & UNTOUCHED))
		touch(m, 0, m->nr);
	for (i = 0; i < m->nr; i++)
		if ((how & COWED) || ((how & HALF_COWED) && (i & 1)))
			put_words(page(m, i), m->words[i]);
	return MADE;
}

enum made make_shmem(struct mapping *m, unsigned long write)
{
	if (!map_small(m, MAP_SHARED | MAP_ANONYMOUS, -1))
		return broken("mmap");
	if (write)
		stamp(m, 0, m->nr);
	return MADE;
}

enum made make_shmem_forked(struct mapping *m, unsigned long arg)
{
	return and_forked(m, make_shmem(m, true));
}

enum made make_memfd(struct mapping *m, unsigned long write)
{
	m->file = memfd_create("gup_shapes", MFD_CLOEXEC);
	if (m->file < 0)
		return cannot("memfd_create");
	if (ftruncate(m->file, SMALL * psize()) || !map_small(m, MAP_SHARED, m->file))
		return broken("mmap of memfd");
	if (write)
		stamp(m, 0, m->nr);
	return MADE;
}

enum made make_secretmem(struct mapping *m, unsigned long arg)
{
	m->file = syscall(SYS_memfd_secret, O_CLOEXEC);
	if (m->file < 0)
		return cannot("memfd_secret");
	if (ftruncate(m->file, SMALL * psize()) || !map_small(m, MAP_SHARED, m->file))
		return broken("mmap of memfd_secret");
	stamp(m, 0, m->nr);
	return MADE;
}

/* Two folios of the size of a PMD, as for anonymous memory. */
static enum made map_huge_file(struct mapping *m, int flags)
{
	size_t len = 2 * pmd_size();

	if (m->file >= 0 && ftruncate(m->file, len))
		return broken("ftruncate");
	if (!map_at(m, len, pmd_size(), flags, m->file) ||
	    !choose(m, 1, len / psize() - 2))
		return broken("mmap of shmem");
	stamp(m, 0, m->nr);
	errno = ENOMEM;
	return is_folio(m, 0, order_of(pmd_size() / 1024)) ?
	       MADE : broken("no huge folio in shmem");
}

enum made make_huge_tmpfs(struct mapping *m, unsigned long how)
{
	if (!pmd_size() || access(THP_SYSFS "shmem_enabled", F_OK))
		return cannot(THP_SYSFS "shmem_enabled");
	m->file = gup_new_tmpfs_file(how == HUGE_ALWAYS ? "always" : "within_size");
	if (m->file < 0)
		return cannot("tmpfs with huge=");
	return map_huge_file(m, MAP_SHARED);
}

enum made make_huge_shmem(struct mapping *m, unsigned long memfd)
{
	enum made made;

	if (access(THP_SYSFS "shmem_enabled", W_OK))
		return cannot(THP_SYSFS "shmem_enabled");
	if (memfd)
		m->file = memfd_create("gup_shapes", MFD_CLOEXEC);
	if (!gup_write_knob(THP_SYSFS "shmem_enabled", "always"))
		return BROKEN;
	made = map_huge_file(m, memfd ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS);
	if (!gup_write_knob(THP_SYSFS "shmem_enabled", "never"))
		return BROKEN;
	return made;
}
