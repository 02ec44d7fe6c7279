// SPDX-License-Identifier: GPL-2.0-only
/*
 * Canaries: suites that fail, crash, hang and lie on purpose. The rig has to
 * notice each of them; scripts/test-rig.sh boots them one at a time by
 * kunit.filter_glob and compares status and message with what is due.
 *
 * Never boot them all together: most of them kill the kernel or do not end.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/reboot.h>

static void canary_passes(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, true);
}

static void canary_last(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, true);
}

static void canary_fails(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, 1, 2, "canary: fails on purpose");
}

static void canary_oopses(struct kunit *test)
{
	int *nowhere = NULL;

	/* Or the compiler replaces the store by a trap. */
	OPTIMIZER_HIDE_VAR(nowhere);
	kunit_info(test, "canary: writes through NULL\n");
	WRITE_ONCE(*nowhere, 1);
}

static void canary_hangs(struct kunit *test)
{
	kunit_info(test, "canary: never returns\n");
	/* UML does not preempt: KUnit's own time-out never gets a chance. */
	for (;;)
		barrier();
}

static void canary_spins(struct kunit *test)
{
	kunit_info(test, "canary: never returns, and takes no interrupts\n");
	local_irq_disable();
	for (;;)
		barrier();
}

/* The machine is idle: who looks at its processors only learns nothing. */
static void canary_waits(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(never);

	kunit_info(test, "canary: waits for nobody\n");
	wait_for_completion(&never);
}

static void canary_warns(struct kunit *test)
{
	WARN(1, "canary: warns, then passes");
}

/* The same, declared: must not count as a splat. */
static void canary_warns_suppressed(struct kunit *test)
{
	kunit_warning_suppress(test) {
		WARN(1, "canary: a suppressed warning");
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

static void canary_exits(struct kunit *test)
{
	kunit_info(test, "canary: leaves without a word\n");
	/* Not kernel_halt(): that would print the end marker. */
	machine_halt();
}

/* Worse: the end marker is there, only the results are not. */
static void canary_halts(struct kunit *test)
{
	kunit_info(test, "canary: halts in good order\n");
	kernel_halt();
}

static void canary_skips(struct kunit *test)
{
	kunit_skip(test, "canary: skips itself");
}

/* In no inventory. */
static void canary_unknown(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, true);
}

/* scripts/tests/canary.inventory wants a canary_gone here too. */
static void canary_missing(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, true);
}

/*
 * Each suite starts and ends with a case that passes, so that a rig which looks
 * at the first or the last result only is caught too.
 */
#define CANARY_SUITE(what)						\
	static struct kunit_case what##_cases[] = {			\
		KUNIT_CASE(canary_passes),				\
		KUNIT_CASE(canary_##what),				\
		KUNIT_CASE(canary_last),				\
		{}							\
	};								\
	static struct kunit_suite what##_suite = {			\
		.name = "gup_canary_" #what,				\
		.test_cases = what##_cases,				\
	};								\
	kunit_test_suite(what##_suite)

CANARY_SUITE(fails);
CANARY_SUITE(oopses);
CANARY_SUITE(hangs);
CANARY_SUITE(spins);
CANARY_SUITE(waits);
CANARY_SUITE(warns);
CANARY_SUITE(warns_suppressed);
CANARY_SUITE(exits);
CANARY_SUITE(halts);
CANARY_SUITE(skips);
CANARY_SUITE(unknown);
CANARY_SUITE(missing);
