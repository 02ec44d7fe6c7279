// SPDX-License-Identifier: GPL-2.0
/* What a record says about the machine, the kernel and the run. */
#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include "../lib_knobs.h"
#include "kit.h"

#define CPU		"/sys/devices/system/cpu/"
#define NULL_BLK	"/sys/module/null_blk/parameters/"

/* A tab would end it, and a bar a cell of the table. */
static void fact(FILE *out, const char *name, const char *value)
{
	fprintf(out, "# %s\t", name);
	for (; *value; value++)
		fputc(strchr("\t\n|", *value) ? ' ' : *value, out);
	fputc('\n', out);
}

bool kit_read_line(const char *path, char *line, size_t size)
{
	return knob_read(path, line, size);
}

static void file_fact(FILE *out, const char *name, const char *path)
{
	char line[256];

	fact(out, name, kit_read_line(path, line, sizeof(line)) ? line : "unknown");
}

size_t kit_meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	size_t kb = 0, len = strlen(key);
	char line[128];

	while (file && !kb && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len))
			kb = strtoul(line + len, NULL, 10);
	if (file)
		fclose(file);
	return kb;
}

/* The value of the first line of /proc/cpuinfo that begins with @key. */
static const char *cpu_line(const char *key, char *line, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *value = NULL;

	while (file && !value && fgets(line, size, file))
		if (!strncmp(line, key, strlen(key)))
			value = strchr(line, ':');
	if (file)
		fclose(file);
	if (!value)
		return "unknown";
	value += strspn(value, ": ");
	value[strcspn(value, "\n")] = 0;
	return value;
}

static size_t count(const char *pattern)
{
	glob_t found;
	size_t nr;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	nr = found.gl_pathc;
	globfree(&found);
	return nr;
}

/* Different numbers in topology/physical_package_id. */
static size_t sockets(void)
{
	size_t i, nr = 0;
	char line[32];
	long id, highest = -1;
	glob_t found;

	if (glob(CPU "cpu[0-9]*/topology/physical_package_id", 0, NULL, &found))
		return 0;
	/* They ascend with the numbers of CPUs, or come again. */
	for (i = 0; i < found.gl_pathc; i++) {
		if (!kit_read_line(found.gl_pathv[i], line, sizeof(line)))
			continue;
		id = strtol(line, NULL, 10);
		if (id > highest) {
			highest = id;
			nr++;
		}
	}
	globfree(&found);
	return nr;
}

static void number_fact(FILE *out, const char *name, size_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", value);
	fact(out, name, text);
}

/* Without what tells one disk from another. */
static void command_line_fact(FILE *out)
{
	char line[2048] = "unknown", left[2048] = "", *word, *rest;

	kit_read_line("/proc/cmdline", line, sizeof(line));
	for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (!strncmp(word, "BOOT_IMAGE=", 11) || !strncmp(word, "root=", 5) ||
		    !strncmp(word, "initrd=", 7) || !strncmp(word, "resume=", 7))
			continue;
		if (left[0])
			strcat(left, " ");
		strcat(left, word);
	}
	fact(out, "command line", left);
}

/* Of each: "meltdown: Mitigation: PTI". Those that do not affect the CPU are left out. */
static void mitigations_fact(FILE *out)
{
	char line[256], *name;
	glob_t found;
	size_t i;

	fputs("# mitigations\t", out);
	if (!glob(CPU "vulnerabilities/*", 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++) {
			name = strrchr(found.gl_pathv[i], '/') + 1;
			if (kit_read_line(found.gl_pathv[i], line, sizeof(line)) &&
			    strcmp(line, "Not affected"))
				fprintf(out, "%s: %s. ", name, line);
		}
		globfree(&found);
	}
	fputc('\n', out);
}

static void virtual_fact(FILE *out)
{
	char line[4096], product[128];
	const char *model = cpu_line("model name", product, sizeof(product));

	if (strstr(model, "TCG"))
		fact(out, "virtual", "emulated by QEMU (TCG)");
	else
		fact(out, "virtual", strstr(cpu_line("flags", line, sizeof(line)), " hypervisor") ?
		     "yes" : "no");
}

static void turbo_fact(FILE *out)
{
	char line[32];

	if (kit_read_line(CPU "intel_pstate/no_turbo", line, sizeof(line)))
		fact(out, "turbo", line[0] == '0' ? "on" : "off");
	else if (kit_read_line(CPU "cpufreq/boost", line, sizeof(line)))
		fact(out, "turbo", line[0] == '1' ? "on" : "off");
	else
		fact(out, "turbo", "unknown");
}

static void machine_facts(FILE *out)
{
	char line[256];

	fact(out, "processor", cpu_line("model name", line, sizeof(line)));
	fact(out, "microcode", cpu_line("microcode", line, sizeof(line)));
	virtual_fact(out);
	number_fact(out, "sockets", sockets());
	number_fact(out, "CPUs", kit_cpus());
	file_fact(out, "SMT", CPU "smt/control");
	number_fact(out, "NUMA nodes", count("/sys/devices/system/node/node[0-9]*"));
	/* Rounded: kernels take different amounts for themselves. */
	number_fact(out, "memory, GB", (kit_meminfo("MemTotal:") + 512 * KB) / (1024 * KB));
	number_fact(out, "page size, bytes", sysconf(_SC_PAGESIZE));
	file_fact(out, "cpufreq driver", CPU "cpu0/cpufreq/scaling_driver");
	file_fact(out, "cpufreq governor", CPU "cpu0/cpufreq/scaling_governor");
	turbo_fact(out);
	file_fact(out, "clock source",
		  "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void kernel_facts(FILE *out)
{
	struct utsname name;

	uname(&name);
	fact(out, "kernel", name.release);
	fact(out, "build", name.version);
	fact(out, "architecture", name.machine);
	command_line_fact(out);
	mitigations_fact(out);
	file_fact(out, "THP", "/sys/kernel/mm/transparent_hugepage/enabled");
	file_fact(out, "THP defrag", "/sys/kernel/mm/transparent_hugepage/defrag");
	file_fact(out, "hugetlb_optimize_vmemmap", "/proc/sys/vm/hugetlb_optimize_vmemmap");
	file_fact(out, "null_blk queue_mode", NULL_BLK "queue_mode");
	file_fact(out, "null_blk irqmode", NULL_BLK "irqmode");
}

static char load[64] = "unknown";

void kit_facts_begin(void)
{
	kit_read_line("/proc/loadavg", load, sizeof(load));
	/* Without processes and the last pid. */
	load[strcspn(load, "/")] = 0;
	if (strrchr(load, ' '))
		*strrchr(load, ' ') = 0;
}

static void run_facts(FILE *out)
{
	time_t now = time(NULL);
	char text[64];

	number_fact(out, "rounds", kit_options.rounds);
	number_fact(out, "memory of each kind, MB", kit_options.size / MB);
	number_fact(out, "memory of each CPU, MB", kit_options.cpu_size / MB);
	number_fact(out, "sample, us", kit_options.sample_us);
	fact(out, "load", load);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	fact(out, "date", text);
}

void kit_facts_write(FILE *out)
{
	fprintf(out, "# gup-bench\t" KIT_VERSION "\n");
	kernel_facts(out);
	machine_facts(out);
	run_facts(out);
}
