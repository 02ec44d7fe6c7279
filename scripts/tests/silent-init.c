// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a guest that falls silent on purpose; its argument says how.
 * See scripts/tests/silent-canary.sh.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * Until it is out of the port. The kernel's log would be printed by a thread, and a CPU that
 * spins does not let it run.
 */
static void say(const char *what)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	dprintf(console, "\nsilent-init: %s\n", what);
	tcdrain(console);
	close(console);
}

/* Does not return, if it works. */
static void lkdtm(const char *crash)
{
	int file = open("/sys/kernel/debug/provoke-crash/DIRECT", O_WRONLY);

	write(file, crash, strlen(crash));
	say("cannot be provoked");
}

/* On the last CPU: the first one takes the interrupts of the console. */
static void spins(void)
{
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	sched_setaffinity(0, sizeof(last), &last);
	say("spins");
	lkdtm("HARDLOCKUP");
}

static void ignore(int signal)
{
}

/* SIGCHLD was there before anybody waited for it. */
static void reaps(void)
{
	signal(SIGCHLD, ignore);
	if (!fork())
		_exit(0);
	wait(NULL);
	say("reaps");
	pause();
}

static void hangs(void)
{
	if (!fork()) {
		say("hangs");
		lkdtm("HUNG_TASK");
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/sys", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (!strcmp(how, "spins"))
		spins();
	if (!strcmp(how, "reaps"))
		reaps();
	if (!strcmp(how, "hangs"))
		hangs();
	say("does not know how to be silent");
	return 2;
}
