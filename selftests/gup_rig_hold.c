// SPDX-License-Identifier: GPL-2.0
/*
 * gup_rig_hold - what a run holds: looked at, read, written, released, left behind
 *
 * Held pages stay what they are when their process unmaps them, forks or exits; they
 * are released once, by whoever has the file, by the last close or with the process
 * that is killed.
 *
 * Needs root, debugfs and the rig's driver. Pins of the rest of the system would be
 * counted, too: run it alone.
 */
#include <pthread.h>
#include "lib_rig_ioctl.h"

static bool is_dirty(gup_data *self, __u32 handle, __u64 entry)
{
	struct gup_rig_record rec;
	struct gup_rig_hold hold = good_hold(GUP_RIG_HOLD_RECORD, handle, &rec);

	hold.first = entry;
	hold.nr = 1;
	if (hold_op(self, &hold))
		return false;
	return rec.flags & GUP_RIG_REC_DIRTY;
}

/* Of two handles on the same clean pages one tells what releasing the other did. */
TEST_F(gup, release_dirty)
{
	static const struct {
		__u32 put;
		bool dirty;
	} puts[] = {
		{ GUP_RIG_PUT_DEFAULT, false }, { GUP_RIG_PUT_ONE, false },
		{ GUP_RIG_PUT_RANGE, false }, { GUP_RIG_PUT_DIRTY, true },
		{ GUP_RIG_PUT_RANGE_DIRTY, true },
	};
	__u32 eye, handle;
	size_t i, j;

	eye = hold_all(_metadata, self, GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE);
	handle = hold_all(_metadata, self, GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE);
	for (i = 0; i < ARRAY_SIZE(puts); i++) {
		ASSERT_FALSE(is_dirty(self, eye, 3 * i))
			TH_LOG("dirty before: entry %zu", 3 * i);
		ASSERT_EQ(3, release(self, handle, puts[i].put, 3 * i, 3));
		for (j = 0; j < 3; j++)
			EXPECT_EQ(puts[i].dirty, is_dirty(self, eye, 3 * i + j))
				TH_LOG("put %u", puts[i].put);
		EXPECT_NOTHING_LEAKED();
	}
	EXPECT_EQ(1, release(self, handle, 0, 0, 0));
	EXPECT_EQ(NR, release(self, eye, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* A pin sees what the process writes, and the process sees what the pin writes. */
TEST_F(gup, hold_reads_and_writes)
{
	size_t all = NR * self->psize, i;
	char *buf = malloc(all);
	struct gup_rig_hold hold;
	__u32 handle;

	for (i = 0; i < nr_apis(self); i++) {
		if (is_remote(&apis[i]))
			continue;
		memset(self->mem, 1, all);
		self->got += apis[i].pins ? 0 : NR;
		handle = hold_all(_metadata, self, apis[i].id, GUP_RIG_FOLL_WRITE);

		memset(self->mem, 'a' + i, all);
		memset(buf, 0, all);
		hold = good_hold(GUP_RIG_HOLD_READ, handle, buf);
		hold.len = all;
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ(all, hold.done);
		EXPECT_EQ(0, memcmp(buf, self->mem, all));

		/* From the middle of a page over two borders. */
		memset(buf, 'z', all);
		hold = good_hold(GUP_RIG_HOLD_WRITE, handle, buf);
		hold.first = 2;
		hold.offset = self->psize - 3;
		hold.len = self->psize + 8;
		ASSERT_EQ(0, hold_op(self, &hold));
		EXPECT_EQ('a' + i, self->mem[3 * self->psize - 4]);
		EXPECT_EQ(0, memcmp(self->mem + 3 * self->psize - 3, buf,
				    self->psize + 8));
		EXPECT_EQ('a' + i, self->mem[4 * self->psize + 5]);

		EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
		self->got = 0;
		EXPECT_NOTHING_LEAKED();
	}
	free(buf);
}

/* munmap() does not take a pinned page away, and RECORD tells that it is not mapped. */
TEST_F(gup, hold_survives_munmap)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
				   GUP_RIG_FOLL_WRITE);
	struct gup_rig_record before[NR], after[NR];
	char *buf = malloc(self->psize);
	struct gup_rig_hold hold;
	size_t i;

	hold = good_hold(GUP_RIG_HOLD_RECORD, handle, before);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(NR, hold.done);
	memset(self->mem, 0x5a, NR * self->psize);
	ASSERT_EQ(0, munmap(self->mem, NR * self->psize));

	hold = good_hold(GUP_RIG_HOLD_RECORD, handle, after);
	ASSERT_EQ(0, hold_op(self, &hold));
	for (i = 0; i < NR; i++) {
		EXPECT_EQ(before[i].pfn, after[i].pfn);
		EXPECT_NE(0, before[i].flags & GUP_RIG_REC_MAPPED);
		EXPECT_EQ(0, after[i].flags & GUP_RIG_REC_MAPPED);
		EXPECT_EQ(1, before[i].mapcount);
		EXPECT_EQ(0, after[i].mapcount);
		EXPECT_EQ(0, after[i].flags & (GUP_RIG_REC_BEFORE | GUP_RIG_REC_AFTER));
		EXPECT_EQ(before[i].ref_held - 1, after[i].ref_held);
	}
	hold = good_hold(GUP_RIG_HOLD_READ, handle, buf);
	hold.first = NR - 1;
	hold.len = self->psize;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(0x5a, buf[0]);
	EXPECT_EQ(0x5a, buf[self->psize - 1]);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
	EXPECT_NOTHING_LEAKED();
	free(buf);
}

/* fork() copies a pinned page for the child: the parent keeps what is pinned. */
TEST_F(gup, hold_survives_fork)
{
	__u32 handle = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST,
				   GUP_RIG_FOLL_WRITE);
	struct gup_rig_hold hold;
	char buf[4];
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		self->mem[0] = 'c';
		pause();
		_exit(0);
	}
	self->mem[0] = 'p';
	hold = good_hold(GUP_RIG_HOLD_READ, handle, buf);
	hold.len = 1;
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ('p', buf[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(NR, release(self, handle, 0, 0, 0));
}

TEST_F(gup, hold_releases_parts)
{
	__u32 one, two;
	struct gup_rig_record recs[NR];
	struct gup_rig_hold hold;
	struct gup_rig_held held;
	size_t i;

	one = hold_all(_metadata, self, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE);
	two = hold_all(_metadata, self, GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE);
	EXPECT_NE(one, two);
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_HELD, &held));
	EXPECT_EQ(2, held.handles);
	EXPECT_EQ(2 * NR, held.entries);

	EXPECT_EQ(2, release(self, one, GUP_RIG_PUT_DEFAULT, 1, 2));
	EXPECT_EQ(1, release(self, one, GUP_RIG_PUT_ONE, 0, 2));
	EXPECT_EQ(0, release(self, one, GUP_RIG_PUT_RANGE, 0, 3));
	EXPECT_EQ(1, release(self, one, GUP_RIG_PUT_RANGE, 5, 1));
	EXPECT_NOTHING_LEAKED();

	hold = good_hold(GUP_RIG_HOLD_RECORD, one, recs);
	ASSERT_EQ(0, hold_op(self, &hold));
	EXPECT_EQ(NR, hold.done);
	for (i = 0; i < NR; i++) {
		bool empty = i < 3 || i == 5;

		EXPECT_EQ(empty ? GUP_RIG_REC_EMPTY : 0,
			  recs[i].flags & GUP_RIG_REC_EMPTY);
		EXPECT_EQ(empty ? 0 : gup_pfn(self->mem + i * self->psize),
			  recs[i].pfn);
		EXPECT_EQ(!empty, recs[i].run);
		/* The other handle has it, too, where this one let go. */
		if (!empty)
			EXPECT_EQ(2, recs[i].pin_held);
	}
	EXPECT_EQ(NR - 4, release(self, one, GUP_RIG_PUT_DEFAULT, 0, 0));
	EXPECT_EQ(-ENOENT, release(self, one, GUP_RIG_PUT_DEFAULT, 0, 0));
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_HELD, &held));
	EXPECT_EQ(1, held.handles);
	EXPECT_EQ(NR, held.entries);
	EXPECT_EQ(NR, release(self, two, GUP_RIG_PUT_DEFAULT, 0, 0));
	EXPECT_NOTHING_LEAKED();
}

/* The last close releases; a child that has the file too keeps it. */
TEST_F(gup, close_releases)
{
	int status, go[2];
	pid_t pid;
	char c;

	hold_all(_metadata, self, GUP_RIG_API_PIN_FAST, GUP_RIG_FOLL_WRITE);
	hold_all(_metadata, self, GUP_RIG_API_PIN, GUP_RIG_FOLL_WRITE);
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1));
	}
	EXPECT_EQ(0, close(self->fd));
	self->fd = -1;
	EXPECT_EQ(self->pins + 2 * NR, gup_pins_out());
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(self->pins, gup_pins_out());
}

static bool hold_in_child(const gup_data *self, int fd)
{
	struct gup_rig_run run = good_run(self);

	run.flags = GUP_RIG_RUN_HOLD;
	return !ioctl(fd, GUP_RIG_RUN, &run);
}

/* The process that has the file, and what it holds, is killed. */
TEST_F(gup, kill_releases)
{
	expect_kill_releases(_metadata, self, hold_in_child);
}

#define SHARERS		4
#define SHARER_ROUNDS	300

struct sharer {
	gup_data *self;
	const struct sharer *all;
	__u32 handle;		/* the others release it, too */
	int wrong;
};

static bool may_fail_with(int ret, int expected)
{
	return !ret || (ret == -1 && errno == expected);
}

/* Hold, and look at and release what any of the threads holds. */
static bool share_once(struct sharer *s, unsigned int round)
{
	const __u32 *other = &s->all[round % SHARERS].handle;
	struct gup_rig_run run = good_run(s->self);
	struct gup_rig_record recs[NR];
	struct gup_rig_hold hold;
	struct gup_rig_held held;
	__u32 theirs;

	run.flags = GUP_RIG_RUN_HOLD;
	if (ioctl(s->self->fd, GUP_RIG_RUN, &run) || !run.handle)
		return false;
	__atomic_store_n(&s->handle, run.handle, __ATOMIC_RELAXED);
	theirs = __atomic_load_n(other, __ATOMIC_RELAXED);
	hold = good_hold(GUP_RIG_HOLD_RECORD, theirs, recs);
	if (!may_fail_with(ioctl(s->self->fd, GUP_RIG_HOLD, &hold), ENOENT))
		return false;
	hold = good_hold(GUP_RIG_HOLD_RELEASE, theirs, NULL);
	if (!may_fail_with(ioctl(s->self->fd, GUP_RIG_HOLD, &hold), ENOENT))
		return false;
	if (ioctl(s->self->fd, GUP_RIG_HELD, &held))
		return false;
	hold = good_hold(GUP_RIG_HOLD_RELEASE, run.handle, NULL);
	return may_fail_with(ioctl(s->self->fd, GUP_RIG_HOLD, &hold), ENOENT);
}

static void *share(void *arg)
{
	struct sharer *s = arg;
	unsigned int i;

	for (i = 0; i < SHARER_ROUNDS; i++)
		if (!share_once(s, i))
			s->wrong++;
	return NULL;
}

/* Threads with one file: what one holds another may release, but only once. */
TEST_F(gup, threads_share_a_file)
{
	struct sharer sharers[SHARERS] = {};
	pthread_t threads[SHARERS];
	struct gup_rig_held held;
	size_t i;

	for (i = 0; i < SHARERS; i++) {
		sharers[i].self = self;
		sharers[i].all = sharers;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, share, &sharers[i]));
	}
	for (i = 0; i < SHARERS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, sharers[i].wrong);
	}
	ASSERT_EQ(0, ioctl(self->fd, GUP_RIG_HELD, &held));
	EXPECT_EQ(0, held.handles);
	EXPECT_NOTHING_LEAKED();
}

int main(int argc, char **argv)
{
	return gup_run_harness(argc, argv);
}
