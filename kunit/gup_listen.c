// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that hangs in a KUnit case can be asked for its tasks: by SysRq, on the
 * serial console. But a serial port takes nothing while nobody has it open, and
 * before there is a user space nobody has.
 */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/printk.h>

static int __init gup_listen(void)
{
	struct file *console;

	/* /dev/console comes out of it. */
	wait_for_initramfs();
	console = filp_open("/dev/console", O_RDWR | O_NOCTTY, 0);
	if (IS_ERR(console)) {
		pr_warn("gup: no SysRq while KUnit runs: /dev/console: %pe\n", console);
		return PTR_ERR(console);
	}
	/* Open for as long as the machine runs. */
	return 0;
}
late_initcall(gup_listen);
