// SPDX-License-Identifier: GPL-2.0-only
/*
 * O_DIRECT, io_uring, iommufd and udmabuf for the benchmark: from the call that has user
 * memory, or a memfd, to the point where a device would get it. System calls are called
 * as such.
 */
#include <kunit/resource.h>
#include <linux/bio.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/fs_struct.h>
#include <linux/io_uring_types.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/syscall.h>
#include <uapi/linux/io_uring.h>
#include <uapi/linux/memfd.h>
#include <uapi/linux/udmabuf.h>

#include "gk.h"
#include "gup_bench.h"
#include "../../../drivers/iommu/iommufd/iommufd_test.h"

/* O_DIRECT up to the device, and after it: a read for FOLL_WRITE, or a write. */
static struct bio bench_bio;
static struct bio_vec *bench_bvecs;

long bench_bio_get(unsigned long addr, unsigned long nr, unsigned int flags,
		   struct page **pages)
{
	struct iov_iter iter;
	int ret;

	iov_iter_ubuf(&iter, flags & FOLL_WRITE ? ITER_DEST : ITER_SOURCE,
		      (void __user *)addr, nr * PAGE_SIZE);
	bio_init(&bench_bio, NULL, bench_bvecs, nr, REQ_OP_READ);
	ret = bio_iov_iter_get_pages(&bench_bio, &iter, 0, 0);
	return ret ?: bench_bio.bi_iter.bi_size / PAGE_SIZE;
}

void bench_bio_put(struct page **pages, unsigned long nr)
{
	bio_release_pages(&bench_bio, false);
}

/* A page of user memory for what system calls are told. */
static void __user *bench_told;

static long bench_call(unsigned int nr, unsigned long a, unsigned long b,
		       unsigned long c, unsigned long d)
{
	struct pt_regs regs = { .di = a, .si = b, .dx = c, .r10 = d };

	return sys_call_table[nr](&regs);
}

static long bench_ring;

/* FOLL_WRITE | FOLL_LONGTERM, whatever the row says: io_uring has no choice. */
long bench_register(unsigned long addr, unsigned long nr, unsigned int flags,
		    struct page **pages)
{
	struct iovec iov = {
		.iov_base = (void __user *)addr, .iov_len = nr * PAGE_SIZE,
	};
	long ret;

	if (copy_to_user(bench_told, &iov, sizeof(iov)))
		return -EFAULT;
	ret = bench_call(__NR_io_uring_register, bench_ring,
			 IORING_REGISTER_BUFFERS, (unsigned long)bench_told, 1);
	return ret ?: nr;
}

void bench_unregister(struct page **pages, unsigned long nr)
{
	bench_call(__NR_io_uring_register, bench_ring, IORING_UNREGISTER_BUFFERS, 0, 0);
}

static void bench_close_ring(void *unused)
{
	close_fd(bench_ring);
}

/* As a user without CAP_IPC_LOCK, whose buffers are charged. */
static void bench_open_ring(struct kunit *test)
{
	struct io_uring_params params = {};
	const struct cred *old;
	struct cred *user;
	long charged;

	KUNIT_ASSERT_EQ(test, copy_to_user(bench_told, &params, sizeof(params)), 0);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = RLIM_INFINITY;
	user = prepare_creds();
	KUNIT_ASSERT_NOT_NULL(test, user);
	cap_lower(user->cap_effective, CAP_IPC_LOCK);
	old = override_creds(user);
	bench_ring = bench_call(__NR_io_uring_setup, 1, (unsigned long)bench_told, 0, 0);
	put_cred(revert_creds(old));
	KUNIT_ASSERT_GE(test, bench_ring, 0L);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_close_ring, NULL), 0);

	charged = atomic_long_read(&current_user()->locked_vm);
	KUNIT_EXPECT_EQ(test, bench_register((unsigned long)bench_told, 1, 0, NULL), 1L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), charged + 1);
	bench_unregister(NULL, 1);
}

/* The selftest's device: its page tables are real, and nobody walks them. */
static long bench_iommufd;
static struct iommu_ioas_unmap bench_mapped;

static long bench_ioctl(unsigned int cmd, void *arg, size_t size)
{
	long ret;

	if (copy_to_user(bench_told, arg, size))
		return -EFAULT;
	ret = bench_call(__NR_ioctl, bench_iommufd, cmd, (unsigned long)bench_told, 0);
	if (!ret && copy_from_user(arg, bench_told, size))
		return -EFAULT;
	return ret;
}

/* The memfd of a case: that the rows of memfd have, from its start on. */
static long bench_memfd;

static void bench_close_memfd(void *unused)
{
	close_fd(bench_memfd);
}

/* @nr pages, which are there once they are mapped and written to. */
struct file *bench_open_memfd(struct kunit *test, unsigned int nr, unsigned int flags)
{
	struct file *file = memfd_alloc_file("gup_bench", flags | MFD_ALLOW_SEALING);

	gk_adopt_file(test, file);
	KUNIT_ASSERT_EQ(test, vfs_truncate(&file->f_path, (loff_t)nr * PAGE_SIZE), 0L);
	KUNIT_ASSERT_EQ(test, memfd_fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0L);
	bench_memfd = FD_ADD(0, get_file(file));
	KUNIT_ASSERT_GE(test, bench_memfd, 0L);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_close_memfd, NULL), 0);
	return file;
}

/* Writable by the device, whatever the row says. */
long bench_iommufd_map(unsigned long addr, unsigned long nr, unsigned int flags,
		       struct page **pages)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map), .ioas_id = bench_mapped.ioas_id,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = addr, .length = nr * PAGE_SIZE, .iova = bench_mapped.iova,
	};

	bench_mapped.length = map.length;
	return bench_ioctl(IOMMU_IOAS_MAP, &map, sizeof(map)) ?: nr;
}

long bench_iommufd_map_file(unsigned long addr, unsigned long nr, unsigned int flags,
			    struct page **pages)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map), .ioas_id = bench_mapped.ioas_id,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.fd = bench_memfd, .length = nr * PAGE_SIZE, .iova = bench_mapped.iova,
	};

	bench_mapped.length = map.length;
	return bench_ioctl(IOMMU_IOAS_MAP_FILE, &map, sizeof(map)) ?: nr;
}

void bench_iommufd_unmap(struct page **pages, unsigned long nr)
{
	struct iommu_ioas_unmap unmap = bench_mapped;

	bench_ioctl(IOMMU_IOAS_UNMAP, &unmap, sizeof(unmap));
}

static void bench_close_iommufd(void *unused)
{
	close_fd(bench_iommufd);
}

/* The device files of this kernel, as no init has run. */
static long bench_open_device(const char *name)
{
	static const char dev[] = "/dev\0devtmpfs";
	unsigned long told = (unsigned long)bench_told;
	long ret;

	if (copy_to_user(bench_told, dev, sizeof(dev)))
		return -EFAULT;
	/* A kernel thread sees no files. */
	scoped_with_init_fs() {
		ret = bench_call(__NR_mkdir, told, 0755, 0, 0);
		if (!ret || ret == -EEXIST)
			ret = bench_call(__NR_mount, told, told, told + strlen(dev) + 1, 0);
		if (ret && ret != -EBUSY)
			return ret;
		if (copy_to_user(bench_told, name, strlen(name) + 1))
			return -EFAULT;
		return bench_call(__NR_open, told, O_RDWR, 0, 0);
	}
	return -ENOENT;
}

static void bench_open_iommufd(struct kunit *test)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_test_cmd device = {
		.size = sizeof(device), .op = IOMMU_TEST_OP_MOCK_DOMAIN,
	};

	bench_iommufd = bench_open_device("/dev/iommu");
	KUNIT_ASSERT_GE(test, bench_iommufd, 0L);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_close_iommufd, NULL), 0);
	KUNIT_ASSERT_EQ(test, bench_ioctl(IOMMU_IOAS_ALLOC, &ioas, sizeof(ioas)), 0L);
	device.id = ioas.out_ioas_id;
	KUNIT_ASSERT_EQ(test, bench_ioctl(IOMMU_TEST_CMD, &device, sizeof(device)), 0L);
	bench_mapped = (struct iommu_ioas_unmap){
		.size = sizeof(bench_mapped), .ioas_id = ioas.out_ioas_id,
		.iova = MOCK_APERTURE_START,
	};
}

static long bench_udmabuf, bench_dmabuf;

long bench_udmabuf_create(unsigned long addr, unsigned long nr, unsigned int flags,
			  struct page **pages)
{
	struct udmabuf_create create = {
		.memfd = bench_memfd, .size = nr * PAGE_SIZE,
	};

	if (copy_to_user(bench_told, &create, sizeof(create)))
		return -EFAULT;
	bench_dmabuf = bench_call(__NR_ioctl, bench_udmabuf, UDMABUF_CREATE,
				  (unsigned long)bench_told, 0);
	return bench_dmabuf < 0 ? bench_dmabuf : nr;
}

void bench_udmabuf_release(struct page **pages, unsigned long nr)
{
	close_fd(bench_dmabuf);
	/* A kernel thread leaves the rest to a worker. */
	flush_delayed_fput();
}

static void bench_close_udmabuf(void *unused)
{
	close_fd(bench_udmabuf);
}

void bench_open_udmabuf(struct kunit *test)
{
	bench_udmabuf = bench_open_device("/dev/udmabuf");
	KUNIT_ASSERT_GE(test, bench_udmabuf, 0L);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_close_udmabuf, NULL), 0);
}

void bench_open_users(struct kunit *test, unsigned int max)
{
	bench_bvecs = kunit_kcalloc(test, max, sizeof(*bench_bvecs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench_bvecs);
	bench_told = (void __user *)kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
						  PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, 0);
	bench_open_ring(test);
	bench_open_iommufd(test);
}
