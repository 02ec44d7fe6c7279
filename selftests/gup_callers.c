// SPDX-License-Identifier: GPL-2.0
/*
 * gup_callers - what other users of GUP leave behind when they cannot pin all that they want
 *
 * usage: gup_callers [--help] [--filter GLOB]
 *
 * AF_XDP registers memory for packets, and charges its user for it. vhost-vdpa pins memory of
 * a guest for a device, here the simulated network card vdpasim_net (CONFIG_VDPA_SIM_NET, with
 * vdpa_sim.use_va=0: then it wants pages, not addresses). Of memory that ends before what is
 * asked for neither may keep anything.
 *
 * Needs root. Run it alone: pins of others would be counted.
 * Exit status: 0 passed, 1 failed, 4 everything was skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Before vhost.h, which needs it. */
#include <linux/stddef.h>
#include <linux/genetlink.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "lib_io.h"
#include "lib_memory.h"
#include "lib_options.h"
#include "lib_table.h"
#include "vm_util.h"

#define NOBODY		65534
#define RW		(PROT_READ | PROT_WRITE)
#define USE_VA		"/sys/module/vdpa_sim/parameters/use_va"

/* AF_XDP */

#define LIMIT		256	/* pages that the user may have */
#define UMEM		128	/* pages of a umem */

static int xdp_open(void)
{
	int xdp = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (xdp < 0)
		io_skip("AF_XDP: %s", strerror(errno));
	return xdp;
}

static int xdp_register(int xdp, const char *mem, unsigned int pages)
{
	struct xdp_umem_reg umem = {
		.addr = (uintptr_t)mem,
		.len = pages * psize(),
		.chunk_size = psize(),
	};

	return setsockopt(xdp, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) ? -errno : 0;
}

static bool become_limited(void)
{
	const struct rlimit limit = { LIMIT * psize(), LIMIT * psize() };

	return (!setrlimit(RLIMIT_MEMLOCK, &limit) && !setresuid(NOBODY, NOBODY, NOBODY)) ||
	       io_fails("cannot become a user with a limit");
}

/* A umem is released by a kernel thread, after its socket was closed: then all can be charged. */
static bool xdp_expect_released(int xdp, const char *part)
{
	unsigned int left = 5000;
	int error;

	while ((error = xdp_register(xdp, part, LIMIT)) == -ENOBUFS && --left)
		usleep(1000);
	return io_expect("a umem of all that may be charged", error, -ENOMEM);
}

/* What was charged for a umem that cannot be had is given back: then one can be had. */
static bool test_xdp_charged(const struct io_kind *kind)
{
	int xdp = xdp_open(), other = xdp_open(), i;
	char *mem, *part;

	if (xdp < 0 || other < 0)
		return false;
	mem = gup_mmap_aligned(UMEM * psize(), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	part = gup_mmap_aligned(LIMIT * psize(), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (mem == MAP_FAILED || part == MAP_FAILED ||
	    mprotect(part + psize(), (LIMIT - 1) * psize(), PROT_NONE))
		return io_fails("mmap");
	if (!become_limited())
		return false;
	for (i = 0; i < 2 * LIMIT / UMEM; i++)
		if (!io_expect("a umem with nothing behind its first page",
			       xdp_register(xdp, part, UMEM), -ENOMEM))
			return false;
	return io_expect("a umem", xdp_register(xdp, mem, UMEM), 0) && !close(xdp) &&
	       xdp_expect_released(other, part);
}

/* vhost-vdpa */

#define CARD		"gup0"
#define NODE		"/sys/bus/vdpa/devices/" CARD "/vhost-vdpa-*"
#define IOVA		(16 * MB)

struct message {
	struct nlmsghdr n;
	struct genlmsghdr g;
	char attributes[500];
};

static void put_text(struct message *m, unsigned short type, const char *text)
{
	struct nlattr *a = (void *)((char *)m + NLMSG_ALIGN(m->n.nlmsg_len));
	size_t len = strlen(text) + 1;

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, text, len);
	m->n.nlmsg_len = NLMSG_ALIGN(m->n.nlmsg_len) + a->nla_len;
}

static struct message new_message(unsigned short family, unsigned char command,
				  unsigned short flags)
{
	return (struct message) {
		.n = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = family,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.g = { .cmd = command, .version = 1 },
	};
}

/* Sends @m, and has the answer in it. 0 or -errno. */
static int ask(int netlink, struct message *m)
{
	const struct nlmsgerr *e = (const void *)&m->g;

	if (send(netlink, m, m->n.nlmsg_len, 0) < 0 || recv(netlink, m, sizeof(*m), 0) < 0)
		return -errno;
	return m->n.nlmsg_type == NLMSG_ERROR ? e->error : 0;
}

/* The number of a family of generic netlink, or -errno. */
static int find_family(int netlink, const char *name)
{
	struct message m = new_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	const struct nlattr *a;
	int error;
	char *at;

	put_text(&m, CTRL_ATTR_FAMILY_NAME, name);
	error = ask(netlink, &m);
	if (error)
		return error;
	for (at = m.attributes; at < (char *)&m + m.n.nlmsg_len; at += NLA_ALIGN(a->nla_len)) {
		a = (const void *)at;
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(const __u16 *)(at + NLA_HDRLEN);
	}
	return -ENOENT;
}

/* There may be one already, of a test before. 0 or -errno. */
static int make_card(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct message m;
	int error;

	if (netlink < 0)
		return -errno;
	error = find_family(netlink, VDPA_GENL_NAME);
	if (error > 0) {
		m = new_message(error, VDPA_CMD_DEV_NEW, NLM_F_ACK);
		put_text(&m, VDPA_ATTR_MGMTDEV_DEV_NAME, "vdpasim_net");
		put_text(&m, VDPA_ATTR_DEV_NAME, CARD);
		error = ask(netlink, &m);
	}
	close(netlink);
	return error == -EEXIST ? 0 : error;
}

/* Its device for user space, or -1. */
static int open_card(void)
{
	int vdpa = -1;
	glob_t node;

	if (glob(NODE, 0, NULL, &node)) {
		io_skip("no driver of vhost-vdpa: there is no " NODE);
	} else {
		char path[64];

		snprintf(path, sizeof(path), "/dev%s", strrchr(node.gl_pathv[0], '/'));
		vdpa = open(path, O_RDWR | O_CLOEXEC);
		if (vdpa < 0)
			io_fails(path);
		globfree(&node);
	}
	return vdpa;
}

static int vdpa_open(void)
{
	__u64 features = 1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2;
	int error = make_card(), vdpa;
	char by_address[4];

	if (error == -ENOENT || error == -ENODEV || error == -EPERM) {
		io_skip("vdpasim_net: %s", strerror(-error));
		return -1;
	}
	if (error) {
		gup_fails("vdpasim_net: %s", strerror(-error));
		return -1;
	}
	if (!gup_read_knob(USE_VA, by_address, sizeof(by_address)) || strcmp(by_address, "N")) {
		io_skip("vdpa_sim.use_va is not 0");
		return -1;
	}
	vdpa = open_card();
	if (vdpa < 0)
		return -1;
	if (ioctl(vdpa, VHOST_SET_OWNER) || ioctl(vdpa, VHOST_SET_BACKEND_FEATURES, &features)) {
		io_fails("VHOST_SET_OWNER, VHOST_SET_BACKEND_FEATURES");
		return -1;
	}
	return vdpa;
}

/* 0 or -errno */
static int vdpa_tell(int vdpa, __u8 what, const char *mem, size_t len)
{
	struct vhost_msg_v2 m = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.iova = IOVA, .size = len, .uaddr = (uintptr_t)mem,
			.perm = VHOST_ACCESS_RW, .type = what,
		},
	};

	return write(vdpa, &m, sizeof(m)) == sizeof(m) ? 0 : -errno;
}

static bool test_vdpa(const struct io_kind *kind)
{
	struct gup_pins before;
	struct io_mem m;
	int vdpa = vdpa_open();

	return vdpa >= 0 && io_make(&m, kind, SIZE) && io_pins(&before) &&
	       io_expect("update", vdpa_tell(vdpa, VHOST_IOTLB_UPDATE, m.map, SIZE), 0) &&
	       io_expect_out("mapped", &before, SIZE / psize()) &&
	       io_expect("invalidate", vdpa_tell(vdpa, VHOST_IOTLB_INVALIDATE, m.map, SIZE), 0) &&
	       io_expect_out("unmapped", &before, 0) &&
	       io_check("memory after all", m.map, SIZE, m.seed, 0);
}

/* @len bytes in which no page follows the one before: all are the same. */
static bool map_one_page(char *at, size_t len)
{
	int file = memfd_create("gup_callers", MFD_CLOEXEC);
	char *end = at + len;

	if (file < 0 || ftruncate(file, psize()))
		return io_fails("memfd");
	for (; at < end; at += psize())
		if (mmap(at, psize(), RW, MAP_SHARED | MAP_FIXED, file, 0) != at)
			return io_fails("mmap");
	close(file);
	return true;
}

/* vhost-vdpa pins 512 pages at once: the first ones are there, of the next none is. */
static bool test_vdpa_cut(const struct io_kind *kind)
{
	size_t len = psize() * psize() / sizeof(void *);
	struct gup_pins before;
	int vdpa = vdpa_open();
	char *at;

	if (vdpa < 0)
		return false;
	at = gup_mmap_aligned(2 * len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (at == MAP_FAILED)
		return io_fails("mmap");
	return map_one_page(at, len) && io_pins(&before) &&
	       io_expect("update", vdpa_tell(vdpa, VHOST_IOTLB_UPDATE, at, 2 * len), -EFAULT) &&
	       io_expect_pinned("cut", &before, len / psize()) &&
	       io_expect_out("cut", &before, 0);
}

static bool is_any(const struct io_kind *k)
{
	return !k->file;
}

static const struct table_test tests[] = {
	TABLE_TEST(xdp_charged, NULL),
	TABLE_TEST(vdpa, is_any),
	TABLE_TEST(vdpa_cut, NULL),
	{ 0 }
};

static void prepare(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (!io_root)
		return;
	io_prepare(10);
	/* vhost-vdpa asks root, too. */
	setrlimit(RLIMIT_MEMLOCK, &all);
}

static const struct table table = {
	.usage = { "gup_callers", NULL, table_options },
	.tests = tests, .prepare = prepare,
};

int main(int argc, char **argv)
{
	io_root = !geteuid();
	return run_table(&table, argc, argv);
}
